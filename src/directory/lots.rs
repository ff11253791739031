//! Many documents at once: those of one shard side by side, so that it is held once for all.

use std::ops::Range;

use crate::limits;

/// The shard of a hash: by bits that the tables use neither for their places nor for their tags.
pub fn shard_of(hash: u64) -> usize {
    usize::from((hash >> 40) as u16) % limits::INDEX_SHARDS
}

/// Numbers of documents with their hashes, by shards; within a shard in the order given.
#[derive(Debug)]
pub struct Lots {
    sorted: Vec<(u64, usize)>,
    /// Where the lot of each shard ends.
    ends: Vec<usize>,
}

impl Lots {
    /// Sorts documents by the shards of their hashes; those without one are in no lot.
    pub fn of(hashes: impl Iterator<Item = Option<u64>>) -> Lots {
        let hashed: Vec<_> =
            hashes.enumerate().filter_map(|(number, hash)| Some((hash?, number))).collect();
        // Where the next one of each shard goes: first all are counted.
        let mut ends = vec![0; limits::INDEX_SHARDS];
        hashed.iter().for_each(|(hash, _)| ends[shard_of(*hash)] += 1);
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        let mut sorted = vec![(0, 0); hashed.len()];
        for one in hashed {
            let next = &mut ends[shard_of(one.0)];
            sorted[*next] = one;
            *next += 1;
        }
        Lots { sorted, ends }
    }

    /// Each shard that has a lot, with the hashes and numbers in it.
    pub fn each(&self) -> impl Iterator<Item = (usize, &[(u64, usize)])> {
        let lot = |shard: usize| Range { start: self.start(shard), end: self.ends[shard] };
        let lots = (0..self.ends.len()).map(move |shard| (shard, &self.sorted[lot(shard)]));
        lots.filter(|(_, lot)| !lot.is_empty())
    }

    fn start(&self, shard: usize) -> usize {
        shard.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_the_lot_of_its_shard_in_the_order_given() {
        let hash = |number: u64| (!number.is_multiple_of(3)).then_some(number << 38);
        let lots = Lots::of((0..3000).map(hash));
        let mut count = 0;
        for (shard, lot) in lots.each() {
            assert!(lot.iter().all(|(known, number)| hash(*number as u64) == Some(*known)));
            assert!(lot.iter().all(|(known, _)| shard_of(*known) == shard));
            assert!(lot.is_sorted_by_key(|(_, number)| *number));
            count += lot.len();
        }
        assert_eq!(count, 2000);
        assert_eq!(Lots::of(std::iter::repeat_n(None, 9)).each().count(), 0);
    }
}
