//! Chance as a function: the same question to the same seed has the same answer, in any process.

/// A time between two, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) least: i64,
    pub(crate) most: i64,
}

impl Span {
    pub(crate) const fn seconds(least: i64, most: i64) -> Self {
        Self { least: least * 1_000, most: most * 1_000 }
    }

    /// A time of the span.
    pub(crate) fn draw(self, draw: Draw) -> i64 {
        let width = u64::try_from(self.most - self.least).unwrap_or(0).saturating_add(1);
        let offset = draw.bits().checked_rem(width).unwrap_or(0);
        self.least.saturating_add(i64::try_from(offset).unwrap_or(0))
    }
}

/// A source of decisions about one thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance(u64);

/// One decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

impl Chance {
    /// About what `words` name, under this seed.
    pub(crate) fn new(seed: u64, words: &[&str]) -> Self {
        // FNV-1a over the words, each ended by a byte that no UTF-8 text has.
        let mut state = 0xcbf2_9ce4_8422_2325_u64 ^ mixed(seed);
        for word in words {
            for byte in word.bytes().chain([0xff]) {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self(state)
    }

    /// The decision of that name and number.
    pub(crate) fn draw(self, name: &str, number: u64) -> Draw {
        let named = Self::new(self.0, &[name]);
        Draw(mixed(named.0.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    }
}

impl Draw {
    /// All of it.
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(self, probability: f64) -> bool {
        // 53 bits, as many as a double holds exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let fraction = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        fraction < probability
    }
}

/// The finaliser of Steele and Vigna's `SplitMix64`.
fn mixed(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer() {
        let chance = Chance::new(7, &["sim", "token"]);
        assert_eq!(chance.draw("boot", 3).bits(), Chance::new(7, &["sim", "token"]).draw("boot", 3).bits());
        for other in [
            chance.draw("boot", 4),
            chance.draw("fate", 3),
            Chance::new(8, &["sim", "token"]).draw("boot", 3),
            Chance::new(7, &["simt", "oken"]).draw("boot", 3),
        ] {
            assert_ne!(chance.draw("boot", 3).bits(), other.bits());
        }
    }

    #[test]
    fn probabilities_and_spans_hold() {
        let chance = Chance::new(1, &["x"]);
        let often = (0..10_000).filter(|number| chance.draw("p", *number).happens(0.3)).count();
        assert!((2_800..3_200).contains(&often), "{often}");
        assert!((0..1_000).all(|number| !chance.draw("p", number).happens(0.0)));
        assert!((0..1_000).all(|number| chance.draw("p", number).happens(1.0)));
        for number in 0..1_000 {
            assert!((5_000..=15_000).contains(&Span::seconds(5, 15).draw(chance.draw("s", number))));
        }
    }
}
