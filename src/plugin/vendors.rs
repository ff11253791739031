//! Vendors have small numbers, the same for a name in every set that this process loads: counters
//! are tables, and a reload moves nothing in them.

use std::sync::{PoisonError, RwLock};

use crate::device::Text;
use crate::limits;

/// Names by their numbers, from 1: 0 is nobody's. The last number is that of all who did not fit.
static NAMES: RwLock<Vec<Text>> = RwLock::new(Vec::new());

/// What stands for vendors beyond `VENDORS_MAX`.
const OTHERS: &str = "other";

/// A vendor.
#[derive(Debug)]
pub struct Vendor {
    /// As its manifest has it.
    pub name: Text,
    /// For [`vendor_of`].
    pub number: u8,
}

impl Vendor {
    /// The vendor of this name.
    pub fn named(name: &str) -> Vendor {
        Vendor { name: Text::from(name), number: number(name) }
    }
}

impl std::ops::Deref for Vendor {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

/// The number of a vendor, which it keeps.
fn number(name: &str) -> u8 {
    let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
    let place = names.iter().position(|known| **known == *name).unwrap_or_else(|| {
        if names.len() < limits::VENDORS_MAX - 2 {
            names.push(Text::from(name));
            names.len() - 1
        } else {
            limits::VENDORS_MAX - 2
        }
    });
    u8::try_from(place + 1).expect("invariant: VENDORS_MAX fits")
}

/// The name behind a number; none for 0 and for one that was never given.
pub fn vendor_of(number: u8) -> Option<Text> {
    let place = usize::from(number).checked_sub(1)?;
    if place == limits::VENDORS_MAX - 2 {
        return Some(Text::from(OTHERS));
    }
    NAMES.read().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_keeps_its_number_and_many_share_the_last() {
        let first = number("Vendor of the test");
        assert_eq!(vendor_of(first).as_deref(), Some("Vendor of the test"));
        assert_eq!(number("Vendor of the test"), first);
        assert_eq!(vendor_of(0), None);
        for count in 0..limits::VENDORS_MAX {
            number(&format!("One of many: {count}"));
        }
        let last = number("One more");
        assert_eq!(usize::from(last), limits::VENDORS_MAX - 1);
        assert_eq!(vendor_of(last).as_deref(), Some(OTHERS));
        assert_eq!(number("Vendor of the test"), first);
    }
}
