//! Chance that is the same for the same seed, so that a catalog is always the same and a failure can be repeated.

/// A sequence of numbers that look random (splitmix64), the same on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Seeds that are close to each other must not give sequences that overlap.
        let mut scatter = Self(seed);
        Self(scatter.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`; 0 when that is 0. The slight bias towards small numbers does no harm here.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// A place in a slice of this length.
    pub(crate) fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of them; `None` when there are none.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.place(from.len())).copied()
    }

    /// An id in AWS's form. There are only a thousand of each kind: sites have few, and templates
    /// share them.
    pub(crate) fn id(&mut self, kind: &str) -> String {
        format!("{kind}-{:017x}", Self::new(self.below(1000)).next() >> 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    // Benchmarks of different times are compared, so the sequence must never change.
    fn the_sequence_is_the_one_of_always() {
        assert_eq!(Dice(0).next(), 0xe220_a839_7b1d_cdaf);
    }
}
