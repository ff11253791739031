//! Names for new documents: random, of the two shapes that clients know.

use ahash::RandomState;
use std::fmt::Write as _;

use crate::device::DeviceId;

/// One core's source of names. Chance is its argument: it is seeded once.
#[derive(Debug)]
pub struct Ids {
    key: RandomState,
    count: u64,
}

impl Ids {
    /// A source seeded by the system.
    pub fn random() -> Self {
        Self { key: RandomState::new(), count: 0 }
    }

    /// A source that gives the same names for the same seed; for tests.
    pub fn seeded(seed: u64) -> Self {
        Self { key: RandomState::with_seeds(seed, !seed, seed << 1, 1), count: 0 }
    }

    /// A device's name: 32 hexadecimal digits.
    pub fn device(&mut self) -> DeviceId {
        format!("{:032x}", self.next()).into()
    }

    /// What follows a template's name: a version 4 UUID (RFC 9562 section 5.4).
    pub fn uuid(&mut self) -> String {
        let digits = format!("{:032x}", self.next());
        let mut text = String::with_capacity(36);
        for (start, end) in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)] {
            let dash = if start == 0 { "" } else { "-" };
            write!(text, "{dash}{}", &digits[start..end]).expect("invariant: a String takes all");
        }
        text
    }

    fn next(&mut self) -> u128 {
        self.count += 1;
        let high = u128::from(self.key.hash_one((self.count, 0u8)));
        let low = u128::from(self.key.hash_one((self.count, 1u8)));
        let version = 0xf << 76;
        let variant = 0x3 << 62;
        ((high << 64 | low) & !version & !variant) | 0x4 << 76 | 0x2 << 62
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_have_their_shape_and_differ() {
        let mut ids = Ids::random();
        let uuid = ids.uuid();
        let parts: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(&uuid[14..15], "4");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
        let names: HashSet<_> = (0..10_000).map(|_| ids.device()).collect();
        assert_eq!(names.len(), 10_000);
        assert!(names.iter().all(|name| name.len() == 32));
        assert_ne!(Ids::random().device(), Ids::random().device());
    }
}
