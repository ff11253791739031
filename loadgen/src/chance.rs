//! Chance as an argument: the same seed gives the same numbers on every machine.

/// A stream of numbers from a seed (`SplitMix64`: Steele, Lea, Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of the `index`th member of what `seed` makes.
    #[must_use]
    pub const fn of(seed: u64, index: u64) -> Self {
        Self(mix(seed ^ mix(index.wrapping_add(1))))
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`; the bias is below `end` / 2⁶⁴.
    ///
    /// # Panics
    /// When `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0);
        let wide = self.next() as u128 * end as u128;
        (wide >> 64) as u64
    }

    /// A number in [0, 1) with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double's mantissa")]
    pub const fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Brings `items` into an order of its own (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            // Below `last` + 1, so it fits.
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(last);
            items.swap(last, other);
        }
    }
}

const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_stream() {
        // The first outputs for seed 0 of the authors' reference implementation.
        let mut chance = Chance::new(0);
        assert_eq!(chance.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(chance.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn stays_in_range_and_near_the_mean() {
        let mut chance = Chance::new(7);
        let mut sum = 0;
        for _ in 0..10_000 {
            let number = chance.below(100);
            assert!(number < 100);
            sum += number;
            assert!((0.0..1.0).contains(&chance.unit()));
        }
        assert!((480_000..510_000).contains(&sum), "{sum}");
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..1000).collect();
        Chance::new(1).shuffle(&mut items);
        assert_ne!(items, (0..1000).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..1000).collect::<Vec<_>>());
    }
}
