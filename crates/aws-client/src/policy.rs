//! When a call is made again, and how long each attempt may take.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use ohfp_broker::Deadline;
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

/// The longest call that makes something, all attempts together: EC2 launches hundreds of machines in less, and what
/// takes longer is told by the same token later.
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

    /// Until when a call may take, with all its attempts.
    pub(crate) fn deadline(self, deadline: Deadline, now: Instant) -> Deadline {
        match self.purpose() {
            Purpose::Making => deadline.within(LONGEST_MAKING, now),
            Purpose::Repeatable => deadline,
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

/// Whether a call is made again after its attempt number `made`, from 1.
pub(crate) fn repeats(failure: &Failure, kind: Kind, made: u32, retries: Retries) -> bool {
    let repetitions = match class::of(failure, kind.purpose()) {
        Class::Again(Trouble::Throttled) => THROTTLED,
        Class::Again(Trouble::Connection | Trouble::Service) => TRANSIENT,
        Class::Unknown if kind == Kind::Tokened => TRANSIENT,
        _ => return false,
    };
    let configured = retries.questions.filter(|_| kind == Kind::Question).or(retries.calls);
    made <= configured.unwrap_or(repetitions)
}

/// How long to wait after an attempt before anything like it is tried again. It grows with `step`, from 1.
///
/// `chance` is between 0 and 1, and spreads the waits of processes that were throttled together.
pub(crate) fn pause(failure: &Failure, kind: Kind, step: u32, retries: Retries, chance: f64) -> Duration {
    let first = match class::of(failure, kind.purpose()) {
        Class::Again(Trouble::Throttled) => FIRST_THROTTLED_WAIT,
        _ => FIRST_WAIT,
    };
    let grown = first.saturating_mul(1 << step.saturating_sub(1).min(10)).min(LONGEST_WAIT);
    let pause = match retries.question_interval.filter(|_| kind == Kind::Question) {
        Some(interval) => interval,
        // Half of it at least: a wait of nothing is none.
        None => grown.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0),
    };
    match failure {
        Failure::Answered(answered) => pause.max(answered.retry_after.unwrap_or_default()),
        Failure::NotSent(_) | Failure::Lost { .. } => pause,
    }
}

/// What a call comes to whose last attempt failed like `last`, and one before it like `earlier`. Where an earlier one may
/// have made something, no later failure undoes that, but for those which tell that it has.
pub(crate) fn outcome(earlier: Option<Failure>, last: Failure, kind: Kind) -> Failure {
    let of = |failure: &Failure| class::of(failure, kind.purpose());
    let tells =
        of(&last) == Class::Mismatch || last.code().is_some_and(|code| code.contains("AlreadyExists"));
    match earlier {
        Some(earlier) if of(&earlier) == Class::Unknown && !tells => earlier,
        _ => last,
    }
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
        (1..100).find(|made| !repeats(failure, kind, *made, retries)).unwrap()
    }

    /// What attempts that failed in this order come to: the place of the failure that counts.
    #[test]
    fn a_lost_answer_is_not_undone_by_a_later_failure() {
        let lost = || Failure::Lost { action: "RunInstances", why: "closed".to_owned() };
        let check = |failures: Vec<Failure>, kind: Kind, expected: usize| {
            let expected = failures[expected].clone();
            let counted = failures.into_iter().fold(None, |before, next| Some(outcome(before, next, kind)));
            assert_eq!(counted, Some(expected));
        };
        check(vec![lost(), answer(503, "RequestLimitExceeded")], Kind::Tokened, 0);
        check(vec![lost(), answer(500, "InsufficientInstanceCapacity")], Kind::Tokened, 0);
        check(vec![lost(), answer(401, "AuthFailure")], Kind::Tokened, 0);
        check(
            vec![lost(), answer(503, "Throttling"), answer(400, "IdempotentParameterMismatch")],
            Kind::Tokened,
            2,
        );
        check(vec![lost(), answer(400, "AlreadyExists")], Kind::Named, 1);
        check(vec![answer(503, "Throttling"), lost(), answer(503, "Throttling")], Kind::Tokened, 1);
        check(vec![answer(503, "Throttling"), answer(401, "AuthFailure")], Kind::Tokened, 1);
        check(vec![lost(), answer(503, "RequestLimitExceeded")], Kind::Question, 1);
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
    fn pauses_grow_with_jitter() {
        let failure = answer(503, "RequestLimitExceeded");
        let default = Retries::default();
        let millis =
            |step: u32, chance: f64| pause(&failure, Kind::Question, step, default, chance).as_millis();
        assert_eq!(
            [1, 2, 3, 4, 5, 7].map(|step| millis(step, 1.0)),
            [500, 1_000, 2_000, 4_000, 8_000, 8_000]
        );
        assert_eq!(millis(1, 0.0), 250);

        let interval = Retries { question_interval: Some(Duration::from_millis(70)), ..Retries::default() };
        assert_eq!(pause(&failure, Kind::Question, 3, interval, 0.3), Duration::from_millis(70));
        let Failure::Answered(mut answered) = failure else { unreachable!() };
        answered.retry_after = Some(Duration::from_secs(9));
        assert_eq!(pause(&answered.into(), Kind::Question, 1, default, 1.0), Duration::from_secs(9));
    }

    /// Seconds that are left; how long an attempt may take, and all attempts of a call.
    #[test]
    fn a_call_ends_with_its_own_deadline_and_with_that_of_the_command() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        for (kind, left, attempt, call) in [
            (Kind::Tokened, None, 20, Some(20)),
            (Kind::Named, Some(60), 20, Some(20)),
            (Kind::Tokened, Some(3), 3, Some(3)),
            (Kind::Question, None, 15, None),
            (Kind::Ending, Some(60), 15, Some(60)),
            (Kind::Question, Some(3), 3, Some(3)),
        ] {
            let deadline = left.map_or(Deadline::NONE, |left| Deadline::at(now + seconds(left)));
            let call_left = kind.deadline(deadline, now).left(now);
            assert_eq!(call_left, call.map(seconds), "{kind:?} {left:?}");
            assert_eq!(kind.longest_attempt(call_left), seconds(attempt), "{kind:?} {left:?}");
        }
    }

    #[test]
    fn chance_is_spread() {
        let found: Vec<f64> = (0..50).map(|_| chance()).collect();
        assert!(found.iter().all(|chance| (0.0..=1.0).contains(chance)));
        assert!(found.iter().any(|chance| *chance < 0.5) && found.iter().any(|chance| *chance > 0.5));
    }
}
