//! Where names are: scopes as the reference engine stacks them, resolved before anything runs.
//!
//! The reference engine looks a name up in all frames, from the innermost out, whenever it is
//! used. Which frames there are at a line is known beforehand; whether a name is stored in one of
//! them by then may not be, so a name becomes the chain of the places where it may be.

use super::Unsupported;
use super::root::Name;
use super::tree::{Expr, Place, Target};

/// The scopes at a line of a template.
#[derive(Debug, Default)]
pub struct Scopes<'s> {
    frames: Vec<Frame<'s>>,
    /// The macro whose body it is.
    inside: Option<Inside<'s>>,
    names: Vec<Name>,
    places: u32,
    /// Counts the templates that were begun.
    units: u32,
}

#[derive(Debug, Default)]
struct Frame<'s> {
    names: Vec<(&'s str, Place)>,
    /// Names that hold something from here on, whatever was true.
    sure: Vec<&'s str>,
    /// Branches around this line, within the frame.
    branches: u32,
    /// Which template stored which name here.
    stores: Vec<(&'s str, u32)>,
    closures: Vec<Closure<'s>>,
    is_loop: bool,
    state: Option<Place>,
}

/// What macros that one template declares in one frame see of it.
#[derive(Debug)]
struct Closure<'s> {
    unit: u32,
    captures: Vec<(&'s str, Place)>,
    /// Names that a macro looks up without having captured them.
    open: Vec<&'s str>,
}

#[derive(Debug)]
struct Inside<'s> {
    /// The first frame that its body sees.
    base: usize,
    places: u32,
    captures: Vec<(&'s str, Place)>,
    open: Vec<&'s str>,
}

/// What a scope held, when it ends.
#[derive(Debug)]
pub struct Ended<'s> {
    pub names: Vec<(&'s str, Place)>,
    pub state: Option<Place>,
}

impl Ended<'_> {
    /// All its places but that of `loop`.
    pub fn places(&self) -> Vec<Place> {
        self.names.iter().map(|(_, place)| *place).collect()
    }
}

/// What a macro is left with when its body ends.
#[derive(Debug)]
pub struct Body {
    pub places: u32,
}

impl<'s> Scopes<'s> {
    /// The names outside and the number of places, at the end.
    pub fn finish(self) -> (Vec<Name>, u32) {
        (self.names, self.places)
    }

    /// A new template begins; the number tells its stores from others'.
    pub fn unit(&mut self) -> u32 {
        self.units += 1;
        self.units
    }

    /// A scope begins.
    pub fn push(&mut self, is_loop: bool) {
        self.frames.push(Frame { is_loop, ..Frame::default() });
    }

    /// The scope ends. Whatever its macros see must be what the reference engine's would.
    pub fn pop(&mut self) -> Result<Ended<'s>, Unsupported> {
        let frame = self.frames.pop().expect("invariant: scopes end in order");
        for closure in &frame.closures {
            for name in &closure.open {
                let captured = |other: &Closure<'_>| other.captures.iter().any(|c| c.0 == *name);
                if frame.closures.iter().any(captured) || frame.stores.iter().any(|s| s.0 == *name)
                {
                    return Err(Unsupported::new(
                        name,
                        "is stored beside a macro that looks it up",
                    ));
                }
            }
            for (name, _) in &closure.captures {
                let mut units = frame.stores.iter().filter(|s| s.0 == *name).map(|s| s.1);
                let first = units.next();
                if units.any(|unit| Some(unit) != first) {
                    return Err(Unsupported::new(name, "is stored by two templates"));
                }
            }
        }
        Ok(Ended { names: frame.names, state: frame.state })
    }

    /// Names at the top level so far, by number.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    /// Whether the innermost scope is that of a loop.
    pub fn is_loop(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_loop)
    }

    /// Whether this is the body of a macro.
    pub fn is_macro(&self) -> bool {
        self.inside.is_some()
    }

    /// What follows may be left out.
    pub fn begin_branch(&mut self) {
        self.top().branches += 1;
    }

    /// What follows is not left out by that.
    pub fn end_branch(&mut self) {
        self.top().branches -= 1;
    }

    /// From here on the innermost scope has something under that name.
    pub fn ensure(&mut self, name: &'s str) {
        self.top().sure.push(name);
    }

    /// A place for a name in the innermost scope.
    pub fn place(&mut self, name: &'s str) -> Place {
        let frame = self.frames.last().expect("invariant: a template is a scope");
        if let Some((_, place)) = frame.names.iter().find(|(own, _)| *own == name) {
            return *place;
        }
        let place = self.fresh();
        self.top().names.push((name, place));
        place
    }

    /// The innermost scope stores a name.
    pub fn store(&mut self, name: &'s str, unit: u32) -> Target {
        let place = self.place(name);
        let frame = self.top();
        if frame.branches == 0 {
            frame.sure.push(name);
        }
        frame.stores.push((name, unit));
        let closure = frame.closures.iter().find(|closure| closure.unit == unit);
        let seen = closure.and_then(|closure| closure.captures.iter().find(|c| c.0 == name));
        Target::Place(place, seen.map(|(_, place)| *place))
    }

    /// What a name means here.
    pub fn resolve(&mut self, name: &'s str) -> Expr {
        let mut places = Vec::new();
        let base = self.inside.as_ref().map_or(0, |inside| inside.base);
        for at in (base..self.frames.len()).rev() {
            let frame = &self.frames[at];
            places.extend(frame.names.iter().find(|(own, _)| *own == name).map(|(_, p)| *p));
            if frame.sure.contains(&name) {
                return chain(&places, Expr::Undefined);
            }
            if name == "loop" && frame.is_loop {
                let state = frame.state.unwrap_or_else(|| self.fresh());
                self.frames[at].state = Some(state);
                places.push(state);
                return chain(&places, Expr::Undefined);
            }
        }
        if let Some(inside) = &mut self.inside {
            if let Some((_, place)) = inside.captures.iter().find(|c| c.0 == name) {
                places.push(*place);
                return chain(&places, Expr::Undefined);
            }
            inside.open.push(name);
        }
        let outside = self.outside(name);
        chain(&places, outside)
    }

    /// A name at the top level.
    fn outside(&mut self, name: &str) -> Expr {
        let name = Name::of(name);
        let known = self.names.iter().position(|known| *known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        Expr::Name(u32::try_from(number).expect("invariant: a template is shorter than 4 GiB"))
    }

    /// A macro captures these names of the innermost scope: where, and what each is at first.
    pub fn capture(&mut self, names: &[&'s str], unit: u32) -> Vec<(Place, Expr)> {
        let mut captures = Vec::new();
        for name in names {
            let place = self.captured(name, unit);
            captures.push((place, self.resolve(name)));
        }
        captures
    }

    fn captured(&mut self, name: &'s str, unit: u32) -> Place {
        let closures = &self.top().closures;
        let closure = closures.iter().find(|closure| closure.unit == unit);
        if let Some((_, place)) =
            closure.and_then(|closure| closure.captures.iter().find(|c| c.0 == name))
        {
            return *place;
        }
        let place = self.fresh();
        self.closure(unit).captures.push((name, place));
        place
    }

    fn closure(&mut self, unit: u32) -> &mut Closure<'s> {
        let closures = &mut self.top().closures;
        let known = closures.iter().position(|closure| closure.unit == unit);
        let at = known.unwrap_or_else(|| {
            closures.push(Closure { unit, captures: Vec::new(), open: Vec::new() });
            closures.len() - 1
        });
        &mut closures[at]
    }

    /// All places that macros of the innermost scope capture: empty when it begins.
    pub fn captures(&mut self) -> Vec<Place> {
        let closures = self.top().closures.iter();
        closures.flat_map(|closure| closure.captures.iter().map(|(_, place)| *place)).collect()
    }

    /// The body of a macro begins.
    pub fn enter(&mut self, names: &[&'s str], unit: u32) {
        let captures = self.closure(unit).captures.iter();
        let captures = captures.filter(|(name, _)| names.contains(name)).copied().collect();
        let base = self.frames.len();
        self.inside = Some(Inside { base, places: 0, captures, open: Vec::new() });
        self.push(false);
    }

    /// The body of a macro ends.
    pub fn leave(&mut self, unit: u32) -> Result<Body, Unsupported> {
        self.pop()?;
        let inside = self.inside.take().expect("invariant: a macro was entered");
        self.closure(unit).open.extend(inside.open);
        Ok(Body { places: inside.places })
    }

    fn fresh(&mut self) -> Place {
        let (count, own) = match &mut self.inside {
            Some(inside) => (&mut inside.places, true),
            None => (&mut self.places, false),
        };
        let place = Place { number: *count, own };
        *count += 1;
        place
    }

    fn top(&mut self) -> &mut Frame<'s> {
        self.frames.last_mut().expect("invariant: a template is a scope")
    }
}

/// The first of the places that holds something, else what the name means outside.
fn chain(places: &[Place], outside: Expr) -> Expr {
    let within =
        |otherwise, place: &Place| Expr::Place { place: *place, otherwise: Box::new(otherwise) };
    places.iter().rev().fold(outside, within)
}
