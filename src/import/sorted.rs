//! Documents on their way into the store: in the order of their names, as the store takes them.

use crate::device::Text;
use crate::store::Kind;

/// Documents of one kind with the line that each stands on.
#[derive(Debug)]
pub struct Sorted {
    kind: Kind,
    all: Vec<(Text, usize, Vec<u8>)>,
}

impl Sorted {
    /// None yet.
    pub fn new(kind: Kind) -> Self {
        Self { kind, all: Vec::new() }
    }

    /// Adds a document.
    pub fn push(&mut self, id: Text, line: usize, json: Vec<u8>) {
        self.all.push((id, line, json));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Brings them into their order. Of those that have the name of one before them, the first is
    /// told: its line, and what is wrong.
    pub fn sort(&mut self) -> Option<(usize, String)> {
        self.all.sort_unstable_by(|left, right| (&left.0, left.1).cmp(&(&right.0, right.1)));
        let twice = self.all.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        let (id, before, line) =
            twice.map(|pair| (&pair[0].0, pair[0].1, pair[1].1)).min_by_key(|twice| twice.2)?;
        Some((line, format!("{:?} is on line {before} already", self.kind.key(id.clone()))))
    }

    /// Gives them all.
    pub fn drain(&mut self) -> impl Iterator<Item = (Text, Vec<u8>)> {
        self.all.drain(..).map(|(id, _, json)| (id, json))
    }
}
