//! A pattern as a short list of steps: whole runs and texts at a time, and nothing is remembered
//! unless two ways are open.
//!
//! It finds what a Perl-like search finds, the leftmost match and of its ways the first, by going
//! back where it must. Patterns of phones hardly ever must: at each fork, what can come first on
//! either way is known, and the next byte decides. Where it would take too many steps or too much
//! memory it says so, and an engine that is linear in the text takes over.

use arrayvec::ArrayVec;
use regex_syntax::hir::{Class, ClassBytesRange, Hir, HirKind, Look, Repetition};

use super::rules::Key;
use crate::limits;

/// A pattern, compiled.
#[derive(Debug)]
pub struct Program {
    ops: Vec<Op>,
    begin: usize,
    /// It matches at the start of the text only.
    is_anchored: bool,
    /// What a match can begin with.
    first: First,
    texts: Vec<u8>,
    classes: Vec<Bytes>,
    forks: Vec<[Way; END + 1]>,
}

/// Where the captures of a match lie, by key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spans([(u32, u32); Key::ALL.len()]);

/// What a search comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It matches.
    Found,
    /// It does not.
    Missing,
    /// It took too much.
    Unknown,
}

/// What stands for the end of the text among the 256 bytes.
const END: usize = 256;
const UNSET: u32 = u32::MAX;

/// A set of bytes.
type Bytes = [bool; 256];
/// What can come first on a way: bytes, or the end of the text.
type First = [bool; END + 1];

#[derive(Clone, Copy, Debug)]
enum Op {
    Match,
    Byte { byte: u8, next: usize },
    Text { start: usize, end: usize, next: usize },
    Run { class: usize, min: usize, max: usize, gives: bool, next: usize },
    Open { key: Key, next: usize },
    Close { key: Key, next: usize },
    Look { at: Place, next: usize },
    Fork { table: usize, first: usize, second: usize },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Start,
    End,
    Boundary,
    NoBoundary,
}

/// Which ways of a fork the next byte leaves open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Neither,
    First,
    Second,
    Both,
}

/// What to do when the way that was taken fails.
#[derive(Clone, Copy, Debug)]
enum Frame {
    /// Go another way.
    Branch { op: u32, at: u32 },
    /// Take one byte less of a run.
    Shorter { op: u32, low: u32, at: u32 },
    /// A capture is what it was.
    Undo { key: Key, was: (u32, u32) },
}

/// What may still be done, the latest last.
struct Frames(ArrayVec<Frame, { limits::PATTERN_FRAMES_MAX }>);

impl Spans {
    /// No captures.
    pub const NONE: Spans = Spans([(UNSET, UNSET); Key::ALL.len()]);

    /// Where the capture of a key lies.
    pub fn get(&self, key: Key) -> Option<std::ops::Range<usize>> {
        let (start, end) = self.0[key as usize];
        (end != UNSET).then_some(start as usize..end as usize)
    }

    /// Notes a capture.
    pub fn set(&mut self, key: Key, span: std::ops::Range<usize>) {
        self.0[key as usize] = (narrow(span.start), narrow(span.end));
    }
}

impl Program {
    /// Compiles a pattern; none where it has something that this cannot do.
    pub fn new(hir: &Hir) -> Option<Program> {
        let is_anchored = hir.properties().look_set_prefix().contains(Look::Start);
        let mut program = Program {
            ops: vec![Op::Match],
            begin: 0,
            is_anchored,
            first: [true; END + 1],
            texts: Vec::new(),
            classes: Vec::new(),
            forks: Vec::new(),
        };
        program.begin = program.compile(hir, 0)?;
        program.decide();
        Some(program)
    }

    /// Searches a text; `spans` has the captures of the match, if there is one.
    pub fn search(&self, text: &[u8], spans: &mut Spans) -> Outcome {
        if u32::try_from(text.len()).is_err() {
            return Outcome::Unknown;
        }
        let mut steps = limits::PATTERN_STEPS_MAX;
        let mut frames = Frames(ArrayVec::new());
        let last = if self.is_anchored { 0 } else { text.len() };
        for start in 0..=last {
            if !self.first[text.get(start).map_or(END, |&byte| usize::from(byte))] {
                continue;
            }
            *spans = Spans::NONE;
            match self.run(text, start, spans, &mut frames, &mut steps) {
                Outcome::Missing => {}
                outcome => return outcome,
            }
        }
        Outcome::Missing
    }

    fn run(
        &self,
        text: &[u8],
        start: usize,
        spans: &mut Spans,
        frames: &mut Frames,
        steps: &mut usize,
    ) -> Outcome {
        let (mut op, mut at) = (self.begin, start);
        frames.0.clear();
        loop {
            if *steps == 0 || frames.0.is_full() {
                return Outcome::Unknown;
            }
            *steps -= 1;
            let next = match self.ops[op] {
                Op::Match => return Outcome::Found,
                Op::Byte { byte, next } => (text.get(at) == Some(&byte)).then_some((next, at + 1)),
                Op::Text { start, end, next } => {
                    let wanted = &self.texts[start..end];
                    text[at..].starts_with(wanted).then(|| (next, at + wanted.len()))
                }
                Op::Run { class, min, max, gives, next } => {
                    let len = self.run_len(class, max, &text[at..]);
                    *steps = steps.saturating_sub(len / 8);
                    if gives && len > min {
                        let (low, at) = (narrow(at + min), narrow(at + len));
                        frames.0.push(Frame::Shorter { op: narrow(next), low, at });
                    }
                    (len >= min).then_some((next, at + len))
                }
                Op::Open { key, next } | Op::Close { key, next } => {
                    let was = spans.0[key as usize];
                    if !frames.0.is_empty() {
                        frames.0.push(Frame::Undo { key, was });
                    }
                    let is_open = matches!(self.ops[op], Op::Open { .. });
                    let here = narrow(at);
                    spans.0[key as usize] = if is_open { (here, UNSET) } else { (was.0, here) };
                    Some((next, at))
                }
                Op::Look { at: place, next } => place.is_at(text, at).then_some((next, at)),
                Op::Fork { table, first, second } => {
                    let seen = text.get(at).map_or(END, |&byte| usize::from(byte));
                    match self.forks[table][seen] {
                        Way::Neither => None,
                        Way::First => Some((first, at)),
                        Way::Second => Some((second, at)),
                        Way::Both => {
                            frames.0.push(Frame::Branch { op: narrow(second), at: narrow(at) });
                            Some((first, at))
                        }
                    }
                }
            };
            let Some(next) = next.or_else(|| frames.back(spans)) else { return Outcome::Missing };
            (op, at) = next;
        }
    }

    fn run_len(&self, class: usize, max: usize, text: &[u8]) -> usize {
        let class = &self.classes[class];
        let text = &text[..text.len().min(max)];
        text.iter().position(|&byte| !class[usize::from(byte)]).unwrap_or(text.len())
    }

    /// Adds the steps of `hir` before step `next`; returns the first of them.
    fn compile(&mut self, hir: &Hir, next: usize) -> Option<usize> {
        match hir.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => {
                if let [byte] = *literal.0 {
                    return self.push(Op::Byte { byte, next });
                }
                let start = self.texts.len();
                self.texts.extend_from_slice(&literal.0);
                self.push(Op::Text { start, end: self.texts.len(), next })
            }
            HirKind::Class(class) => {
                let class = self.class(bytes_of(class)?);
                self.push(Op::Run { class, min: 1, max: 1, gives: false, next })
            }
            HirKind::Look(look) => {
                let at = Place::of(*look)?;
                self.push(Op::Look { at, next })
            }
            HirKind::Capture(capture) => match capture.name.as_deref().and_then(Key::of) {
                Some(key) => {
                    let close = self.push(Op::Close { key, next })?;
                    let inner = self.compile(&capture.sub, close)?;
                    self.push(Op::Open { key, next: inner })
                }
                None => self.compile(&capture.sub, next),
            },
            HirKind::Concat(parts) => {
                parts.iter().rev().try_fold(next, |next, part| self.compile(part, next))
            }
            HirKind::Alternation(ways) => {
                let (last, before) = ways.split_last()?;
                let last = self.compile(last, next)?;
                before.iter().rev().try_fold(last, |second, way| {
                    let first = self.compile(way, next)?;
                    self.push(Op::Fork { table: 0, first, second })
                })
            }
            HirKind::Repetition(repetition) => self.repeat(repetition, next),
        }
    }

    fn repeat(&mut self, repetition: &Repetition, next: usize) -> Option<usize> {
        let Repetition { min, max, greedy, sub } = repetition;
        let is_one_way = *greedy || Some(*min) == *max;
        if let Some(class) = single(sub).filter(|_| is_one_way) {
            let class = self.class(class);
            let max = max.map_or(usize::MAX, |max| max as usize);
            return self.push(Op::Run { class, min: *min as usize, max, gives: false, next });
        }
        let fork = |inner, next| {
            let (first, second) = if *greedy { (inner, next) } else { (next, inner) };
            Op::Fork { table: 0, first, second }
        };
        let mut tail = next;
        if let Some(max) = max {
            for _ in *min..*max {
                let inner = self.compile(sub, tail)?;
                tail = self.push(fork(inner, next))?;
            }
        } else {
            // One that can match nothing would go round for ever.
            sub.properties().minimum_len().filter(|least| *least > 0)?;
            tail = self.push(fork(next, next))?;
            let inner = self.compile(sub, tail)?;
            self.ops[tail] = fork(inner, next);
        }
        (0..*min).try_fold(tail, |tail, _| self.compile(sub, tail))
    }

    fn push(&mut self, op: Op) -> Option<usize> {
        self.ops.push(op);
        (self.ops.len() <= limits::PATTERN_OPS_MAX).then_some(self.ops.len() - 1)
    }

    fn class(&mut self, class: Bytes) -> usize {
        self.classes.iter().position(|known| *known == class).unwrap_or_else(|| {
            self.classes.push(class);
            self.classes.len() - 1
        })
    }

    /// Says of each fork what decides it, and of each run whether less of it may help.
    fn decide(&mut self) {
        let firsts = self.firsts();
        self.first = firsts[self.begin];
        for index in 0..self.ops.len() {
            match self.ops[index] {
                Op::Run { class, min, max, next, .. } => {
                    let class_bytes = &self.classes[class];
                    let both = (0..END).any(|byte| class_bytes[byte] && firsts[next][byte]);
                    let gives = both && !self.always_matches(next);
                    self.ops[index] = Op::Run { class, min, max, gives, next };
                }
                Op::Fork { first, second, .. } => {
                    let way = |seen: usize| match (firsts[first][seen], firsts[second][seen]) {
                        (false, false) => Way::Neither,
                        (true, false) => Way::First,
                        (false, true) => Way::Second,
                        (true, true) => Way::Both,
                    };
                    self.forks.push(std::array::from_fn(way));
                    self.ops[index] = Op::Fork { table: self.forks.len() - 1, first, second };
                }
                _ => {}
            }
        }
    }

    /// For each step, what the text may go on with there: perhaps too much, never too little.
    fn firsts(&self) -> Vec<First> {
        let mut firsts = vec![[false; END + 1]; self.ops.len()];
        loop {
            let mut is_done = true;
            for (index, op) in self.ops.iter().enumerate() {
                let first = self.first_of(*op, &firsts);
                is_done &= first == firsts[index];
                firsts[index] = first;
            }
            if is_done {
                return firsts;
            }
        }
    }

    fn first_of(&self, op: Op, firsts: &[First]) -> First {
        match op {
            Op::Match => [true; END + 1],
            Op::Byte { byte, .. } => std::array::from_fn(|seen| seen == usize::from(byte)),
            Op::Text { start, .. } => {
                std::array::from_fn(|seen| seen == usize::from(self.texts[start]))
            }
            Op::Run { class, min, next, .. } => std::array::from_fn(|seen| {
                (seen < END && self.classes[class][seen]) || (min == 0 && firsts[next][seen])
            }),
            Op::Look { at: Place::End, next } => {
                std::array::from_fn(|seen| seen == END && firsts[next][seen])
            }
            Op::Open { next, .. } | Op::Close { next, .. } | Op::Look { next, .. } => firsts[next],
            Op::Fork { first, second, .. } => {
                std::array::from_fn(|seen| firsts[first][seen] || firsts[second][seen])
            }
        }
    }

    fn always_matches(&self, mut op: usize) -> bool {
        while let Op::Open { next, .. } | Op::Close { next, .. } = self.ops[op] {
            op = next;
        }
        matches!(self.ops[op], Op::Match)
    }
}

impl Place {
    fn of(look: Look) -> Option<Place> {
        match look {
            Look::Start => Some(Place::Start),
            Look::End => Some(Place::End),
            Look::WordAscii => Some(Place::Boundary),
            Look::WordAsciiNegate => Some(Place::NoBoundary),
            _ => None,
        }
    }

    fn is_at(self, text: &[u8], at: usize) -> bool {
        let is_word = |byte: Option<&u8>| {
            byte.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let before = || at.checked_sub(1).and_then(|before| text.get(before));
        match self {
            Place::Start => at == 0,
            Place::End => at == text.len(),
            Place::Boundary => is_word(before()) != is_word(text.get(at)),
            Place::NoBoundary => is_word(before()) == is_word(text.get(at)),
        }
    }
}

impl Frames {
    /// The step and the place to go on with after a way has failed.
    fn back(&mut self, spans: &mut Spans) -> Option<(usize, usize)> {
        while let Some(frame) = self.0.pop() {
            match frame {
                Frame::Branch { op, at } => return Some((op as usize, at as usize)),
                Frame::Shorter { op, low, at } => {
                    let at = at - 1;
                    if at > low {
                        self.0.push(Frame::Shorter { op, low, at });
                    }
                    return Some((op as usize, at as usize));
                }
                Frame::Undo { key, was } => spans.0[key as usize] = was,
            }
        }
        None
    }
}

/// The bytes of a class; none where it has characters of several bytes.
fn bytes_of(class: &Class) -> Option<Bytes> {
    let class = match class {
        Class::Bytes(class) => class.clone(),
        Class::Unicode(class) => class.to_byte_class()?,
    };
    let has = |byte: usize| {
        let within = |range: &ClassBytesRange| {
            usize::from(range.start()) <= byte && byte <= usize::from(range.end())
        };
        class.ranges().iter().any(within)
    };
    Some(std::array::from_fn(has))
}

/// The class that `hir` is, where it is one byte long.
fn single(hir: &Hir) -> Option<Bytes> {
    match hir.kind() {
        HirKind::Class(class) => bytes_of(class),
        HirKind::Literal(literal) => match *literal.0 {
            [only] => Some(std::array::from_fn(|byte| byte == usize::from(only))),
            _ => None,
        },
        _ => None,
    }
}

fn narrow(place: usize) -> u32 {
    u32::try_from(place).expect("invariant: a text and a program are shorter than 4 GiB")
}
