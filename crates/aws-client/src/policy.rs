//! When a call is made again, and how long each attempt may take.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use ohfp_provider_aws::class::{self, Class, Purpose, Trouble};
use ohfp_provider_aws::failure::Failure;

use crate::config::Retries;

/// What a repetition of a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It makes something under a client token: the same token makes it once.
    Tokened,
    /// It makes something whose name is its token: a repetition fails where the first attempt had succeeded.
    Named,
    /// It asks.
    Question,
    /// It ends or stops something: twice is as good as once.
    Ending,
}

/// The longest attempt of a call that makes something: EC2 launches hundreds of machines in less.
const LONGEST_MAKING: Duration = Duration::from_secs(20);
/// The longest attempt of another call: a page of 1,000 machines takes EC2 2 to 5 s.
const LONGEST_OTHER: Duration = Duration::from_secs(15);

/// Repetitions after a throttle. The wait grows to its longest by then.
const THROTTLED: u32 = 7;
/// Repetitions after other faults that pass.
const TRANSIENT: u32 = 2;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const FIRST_THROTTLED_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

impl Kind {
    fn purpose(self) -> Purpose {
        match self {
            Self::Tokened | Self::Named => Purpose::Making,
            Self::Question | Self::Ending => Purpose::Repeatable,
        }
    }

    /// How long an attempt may take when so much is left.
    pub(crate) fn longest_attempt(self, left: Option<Duration>) -> Duration {
        let longest = match self.purpose() {
            Purpose::Making => LONGEST_MAKING,
            Purpose::Repeatable => LONGEST_OTHER,
        };
        left.map_or(longest, |left| left.min(longest))
    }
}

/// How long to wait before a call is made again after its attempt number `made`, from 1; `None` if it is not.
///
/// `chance` is between 0 and 1, and spreads the waits of processes that were throttled together.
pub(crate) fn wait(
    failure: &Failure,
    kind: Kind,
    made: u32,
    retries: Retries,
    left: Option<Duration>,
    chance: f64,
) -> Option<Duration> {
    let class = class::of(failure, kind.purpose());
    let (first, repetitions) = match class {
        Class::Again(Trouble::Throttled) => (FIRST_THROTTLED_WAIT, THROTTLED),
        Class::Again(Trouble::Connection | Trouble::Service) => (FIRST_WAIT, TRANSIENT),
        Class::Unknown if kind == Kind::Tokened => (FIRST_WAIT, TRANSIENT),
        _ => return None,
    };
    let asks = kind == Kind::Question;
    let configured = retries.questions.filter(|_| asks).or(retries.calls);
    if made > configured.unwrap_or(repetitions) {
        return None;
    }
    let grown = first.saturating_mul(1 << made.saturating_sub(1).min(10)).min(LONGEST_WAIT);
    let wait = match retries.question_interval.filter(|_| asks) {
        Some(interval) => interval,
        // Half of it at least: a wait of nothing is none.
        None => grown.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0),
    };
    let wanted = match failure {
        Failure::Answered(answered) => answered.retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    };
    let wait = wait.max(wanted);
    // What is left must do for an attempt too.
    left.is_none_or(|left| wait < left).then_some(wait)
}

/// A number between 0 and 1. The standard library has no other source of chance.
pub(crate) fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use ohfp_provider_aws::failure::{Answered, NotSent};

    use super::*;

    fn answer(status: u16, code: &str) -> Failure {
        Answered::new("RunInstances", status, code, "").into()
    }

    fn attempts(failure: &Failure, kind: Kind, retries: Retries) -> u32 {
        (1..100).find(|made| wait(failure, kind, *made, retries, None, 1.0).is_none()).unwrap()
    }

    /// Attempts of a call with a token, with a name, of a question, and of an ending, where each fails so.
    #[test]
    fn attempts_by_failure() {
        let lost = Failure::Lost { action: "RunInstances", why: "closed".to_owned() };
        let connect =
            Failure::NotSent(NotSent::Connect { endpoint: "http://x".to_owned(), why: "refused".to_owned() });
        let none = Failure::NotSent(NotSent::NoCredentials { why: String::new() });
        for (failure, expected) in [
            (answer(500, "InsufficientInstanceCapacity"), [1, 1, 1, 1]),
            (answer(400, "VcpuLimitExceeded"), [1, 1, 1, 1]),
            (answer(400, "InvalidParameterValue"), [1, 1, 1, 1]),
            (answer(400, "IdempotentParameterMismatch"), [1, 1, 1, 1]),
            (answer(401, "AuthFailure"), [1, 1, 1, 1]),
            (answer(400, "InvalidInstanceID.NotFound"), [1, 1, 1, 1]),
            (answer(503, "RequestLimitExceeded"), [8, 8, 8, 8]),
            (answer(400, "Throttling"), [8, 8, 8, 8]),
            (answer(500, "InternalError"), [3, 1, 3, 3]),
            (answer(502, ""), [3, 1, 3, 3]),
            (lost, [3, 1, 3, 3]),
            (connect, [3, 3, 3, 3]),
            (none, [1, 1, 1, 1]),
            (NotSent::TooLate.into(), [1, 1, 1, 1]),
        ] {
            let kinds = [Kind::Tokened, Kind::Named, Kind::Question, Kind::Ending];
            let found = kinds.map(|kind| attempts(&failure, kind, Retries::default()));
            assert_eq!(found, expected, "{failure}");
        }
    }

    #[test]
    fn configured_attempts() {
        let failure = answer(503, "RequestLimitExceeded");
        let check = |calls: Option<u32>, questions: Option<u32>, launch: u32, question: u32| {
            let retries = Retries { calls, questions, question_interval: None };
            assert_eq!(attempts(&failure, Kind::Tokened, retries), launch);
            assert_eq!(attempts(&failure, Kind::Question, retries), question);
        };
        check(Some(0), None, 1, 1);
        check(Some(0), Some(4), 1, 5);
        check(None, Some(0), 8, 1);
    }

    #[test]
    fn waits_grow_with_jitter_inside_the_deadline() {
        let failure = answer(503, "RequestLimitExceeded");
        let default = Retries::default();
        let millis = |made: u32, left: Option<u64>, chance: f64| {
            let left = left.map(Duration::from_millis);
            wait(&failure, Kind::Question, made, default, left, chance).map(|wait| wait.as_millis())
        };
        assert_eq!(
            [1, 2, 3, 4, 5, 7].map(|made| millis(made, None, 1.0).unwrap()),
            [500, 1_000, 2_000, 4_000, 8_000, 8_000]
        );
        assert_eq!(millis(1, None, 0.0), Some(250));
        assert_eq!(millis(1, Some(500), 1.0), None);
        assert_eq!(millis(1, Some(501), 1.0), Some(500));

        let interval = Retries { question_interval: Some(Duration::from_millis(70)), ..Retries::default() };
        assert_eq!(wait(&failure, Kind::Question, 3, interval, None, 0.3), Some(Duration::from_millis(70)));
        let Failure::Answered(mut answered) = failure else { unreachable!() };
        answered.retry_after = Some(Duration::from_secs(9));
        let failure = Failure::Answered(answered);
        assert_eq!(wait(&failure, Kind::Question, 1, default, None, 1.0), Some(Duration::from_secs(9)));
        assert_eq!(wait(&failure, Kind::Question, 1, default, Some(Duration::from_secs(9)), 1.0), None);
    }

    #[test]
    fn an_attempt_ends_with_the_deadline() {
        assert_eq!(Kind::Tokened.longest_attempt(None), LONGEST_MAKING);
        assert_eq!(Kind::Question.longest_attempt(None), LONGEST_OTHER);
        assert_eq!(Kind::Question.longest_attempt(Some(FIRST_WAIT)), FIRST_WAIT);
    }

    #[test]
    fn chance_is_spread() {
        let found: Vec<f64> = (0..50).map(|_| chance()).collect();
        assert!(found.iter().all(|chance| (0.0..=1.0).contains(chance)));
        assert!(found.iter().any(|chance| *chance < 0.5) && found.iter().any(|chance| *chance > 0.5));
    }
}
