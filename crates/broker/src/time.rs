//! Points in time. The broker takes the time as an argument and never reads a clock.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest point in time.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, the unit of `launchtime` on the wire.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Adds milliseconds; saturates at the latest point.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Adds seconds; saturates at the latest point.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        self.plus_millis(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000))
    }

    /// Milliseconds from `earlier` to this; negative if `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn points_in_time() {
        let at = Timestamp::from_millis;
        for (millis, seconds) in [(0, 0), (999, 0), (1_000, 1), (-1, -1), (1_734_619_942_999, 1_734_619_942)]
        {
            assert_eq!((at(millis).seconds(), at(millis).millis()), (seconds, millis));
        }
        assert_eq!(at(5).plus_millis(-7), at(-2));
        assert_eq!(at(5).plus_seconds(2), at(2_005));
        assert_eq!(at(5).plus_seconds(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_millis(1), Timestamp::MAX);
        assert_eq!((at(5).millis_since(at(7)), at(7).millis_since(at(5))), (-2, 2));
        assert_eq!(at(i64::MIN).millis_since(Timestamp::MAX), i64::MIN);
    }
}
