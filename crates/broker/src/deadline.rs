//! Until when an answer is of use to the caller.

use std::time::{Duration, Instant};

/// A point in time at which I/O must have ended, on the monotonic clock; or none.
///
/// ```
/// use std::time::{Duration, Instant};
/// use ohfp_broker::Deadline;
///
/// let start = Instant::now();
/// let deadline = Deadline::at(start + Duration::from_secs(3));
/// assert_eq!(deadline.left(start + Duration::from_secs(1)), Some(Duration::from_secs(2)));
/// assert_eq!(deadline.left(start + Duration::from_secs(4)), Some(Duration::ZERO));
/// assert_eq!(Deadline::NONE.left(start), None);
/// assert_eq!(deadline.within(Duration::from_secs(2), start).left(start), Some(Duration::from_secs(2)));
/// assert_eq!(deadline.within(Duration::from_secs(9), start), deadline);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// I/O may take as long as it takes.
    pub const NONE: Self = Self(None);

    /// At this instant.
    pub const fn at(instant: Instant) -> Self {
        Self(Some(instant))
    }

    /// This one, or an earlier one after so long.
    #[must_use]
    pub fn within(self, longest: Duration, now: Instant) -> Self {
        let other = now.checked_add(longest);
        Self(match (self.0, other) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        })
    }

    /// What is left of it; zero once it has passed, `None` where there is none.
    pub fn left(self, now: Instant) -> Option<Duration> {
        self.0.map(|instant| instant.saturating_duration_since(now))
    }
}
