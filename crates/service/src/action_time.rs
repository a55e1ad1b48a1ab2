//! How long an invocation may take: Host Factory terminates a script after `HF_PROVIDER_ACTION_TIMEOUT`, and what it was
//! told by then is lost.

use std::time::{Duration, Instant};

use ohfp_broker::Deadline;
use ohfp_resolver::Environment;

/// Host Factory's own variable, in seconds.
const VARIABLE: &str = "HF_PROVIDER_ACTION_TIMEOUT";

/// Seconds that hold where the variable is not set, or is no number of seconds from 1 to a day: IBM's sample.
const DEFAULT: u64 = 240;
const LONGEST: u64 = 86_400;

/// A scheduler that waits for longer does not get to its other requests.
const LONGEST_ANSWER: Duration = Duration::from_mins(1);
/// What is kept of the time for all else; half of a short time.
const RESERVE: Duration = Duration::from_secs(15);

/// How long providers may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionTime(Duration);

impl ActionTime {
    /// By the variables of an invocation.
    pub fn of(env: &Environment) -> Self {
        let text = env.get(VARIABLE).and_then(|value| value.to_str());
        let seconds = text.and_then(|text| text.trim().parse().ok());
        let seconds = seconds.filter(|seconds| (1..=LONGEST).contains(seconds));
        Self(Duration::from_secs(seconds.unwrap_or(DEFAULT)))
    }

    /// Until when providers must have answered the question itself.
    pub fn answer(self, now: Instant) -> Deadline {
        Deadline::at(now + LONGEST_ANSWER.min(self.providers() * 7 / 8))
    }

    /// The same for what follows the answer.
    pub fn upkeep(self, now: Instant) -> Deadline {
        Deadline::at(now + self.providers() / 8)
    }

    /// What providers may take in all. The rest is for the store.
    fn providers(self) -> Duration {
        self.0.saturating_sub(RESERVE).max(self.0 / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_leave_time_for_what_follows() {
        let check = |variable: Option<&str>, answer: u64, upkeep: u64| {
            let env: Environment = variable.into_iter().map(|value| (VARIABLE, value)).collect();
            let (time, now) = (ActionTime::of(&env), Instant::now());
            let left = |deadline: Deadline| deadline.left(now).unwrap().as_millis();
            let found = (left(time.answer(now)), left(time.upkeep(now)));
            assert_eq!(found, (answer.into(), upkeep.into()), "{variable:?}");
        };
        check(Some("300"), 60_000, 35_625);
        check(Some("60"), 39_375, 5_625);
        check(Some("30"), 13_125, 1_875);
        check(Some(" 4 "), 1_750, 250);
        for unset in [None, Some(""), Some("0"), Some("-1"), Some("1.5"), Some("86401"), Some("soon")] {
            check(unset, 60_000, 28_125);
        }
    }
}
