//! Failures of calls as errors for the broker: in words that tell an operator what to do.

use ohfp_broker::provider::LaunchFailure;
use ohfp_broker::{Error, ErrorKind};

use crate::class::{self, Class, Purpose, Trouble};
use crate::failure::{Answered, Failure, NotSent};

/// The failure of a call that launches.
pub(crate) fn launch_failure(provider: &str, failure: &Failure) -> LaunchFailure {
    // A person must change the configuration, and then the scheduler's next try succeeds.
    if matches!(failure, Failure::NotSent(NotSent::NoRegion | NotSent::Configuration { .. })) {
        return LaunchFailure::Unreachable(error(provider, failure));
    }
    match class::of(failure, Purpose::Making) {
        Class::Refused | Class::NotFound => LaunchFailure::Refused(error(provider, failure)),
        Class::NoCapacity(_) => LaunchFailure::NoCapacity(reason(failure)),
        Class::Again(_) => LaunchFailure::Unreachable(error(provider, failure)),
        Class::Unknown | Class::Mismatch => LaunchFailure::Unknown(error(provider, failure)),
    }
}

/// The failure as an error.
pub(crate) fn error(provider: &str, failure: &Failure) -> Error {
    let class = class::of(failure, Purpose::Repeatable);
    let kind = match class {
        Class::Refused | Class::NotFound | Class::Mismatch => ErrorKind::Refused,
        Class::NoCapacity(_) | Class::Again(_) | Class::Unknown => ErrorKind::Unavailable,
    };
    let reason = reason(failure);
    match class {
        Class::Again(Trouble::Credentials) => {
            Error::new(kind, format!("credentials of provider `{provider}`: {reason}")).hint(match failure {
                Failure::Answered(answered) if class::is_about_clock(answered) => {
                    "set this machine's clock, for example with chrony; AWS allows 5 minutes"
                }
                Failure::Answered(answered) if answered.code.starts_with("Expired") => {
                    "renew the credentials"
                }
                _ => "`ohfp providers health` checks them",
            })
        }
        Class::Again(Trouble::Connection) => Error::new(kind, format!("provider `{provider}`: {reason}"))
            .hint("check the network, the proxy and the provider's endpoint"),
        _ if matches!(failure, Failure::NotSent(NotSent::NoRegion)) => {
            Error::new(kind, format!("provider `{provider}`: {reason}"))
                .hint("set `region` in its config; AWS_REGION, AWS_DEFAULT_REGION and the profile have none")
        }
        _ => Error::new(kind, format!("provider `{provider}`: {reason}")),
    }
}

/// The error for machines with which something could not be done, each with the reason; `None` for no machine.
pub(crate) fn of_machines(provider: &str, what: &str, failed: &[(String, Failure)]) -> Option<Error> {
    let (first, failure) = failed.first()?;
    let error = error(provider, failure);
    let more = match failed.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} others"),
    };
    let message = format!("cannot {what} {first}{more}: {}", error.summary());
    Some(error.with_message(message))
}

/// What AWS said, on one line and without the blob that only AWS can read.
pub(crate) fn reason(failure: &Failure) -> String {
    let text = failure.to_string();
    let text = text.split("Encoded authorization failure message:").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The reason of an error in a fleet's answer, without the action's name.
pub(crate) fn pool_reason(answered: &Answered) -> String {
    let text = format!("{}: {}", answered.code, answered.message);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: &str, message: &str) -> Failure {
        Answered::new("RunInstances", status, code, message).into()
    }

    #[test]
    fn a_launch_that_failed() {
        let denied = answer(
            403,
            "UnauthorizedOperation",
            "You are not authorized to perform: ec2:RunInstances on resource: x.\n Encoded authorization failure message: abc",
        );
        let LaunchFailure::Refused(error) = launch_failure("aws", &denied) else { panic!("{denied:?}") };
        assert_eq!(
            error.summary(),
            "provider `aws`: RunInstances: UnauthorizedOperation: You are not authorized to perform: ec2:RunInstances \
             on resource: x."
        );
        let full = answer(500, "InsufficientInstanceCapacity", "no capacity");
        assert_eq!(
            launch_failure("aws", &full),
            LaunchFailure::NoCapacity("RunInstances: InsufficientInstanceCapacity: no capacity".to_owned())
        );
        let throttled = answer(503, "RequestLimitExceeded", "Request limit exceeded.");
        assert!(matches!(launch_failure("aws", &throttled), LaunchFailure::Unreachable(_)));
        for unknown in [answer(500, "InternalError", ""), answer(400, "IdempotentParameterMismatch", "")] {
            assert!(matches!(launch_failure("aws", &unknown), LaunchFailure::Unknown(_)), "{unknown:?}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let connect = NotSent::Connect { endpoint: "https://x".to_owned(), why: "refused".to_owned() };
        for (failure, kind, summary, hint) in [
            (
                answer(403, "ExpiredToken", "The security token included in the request is expired"),
                ErrorKind::Unavailable,
                "credentials of provider `a`: RunInstances: ExpiredToken: The security token",
                "renew",
            ),
            (
                answer(403, "RequestTimeTooSkewed", "too skewed"),
                ErrorKind::Unavailable,
                "credentials of provider `a`: ",
                "clock",
            ),
            (
                Failure::from(NotSent::NoCredentials { why: "none in the environment".to_owned() }),
                ErrorKind::Unavailable,
                "credentials of provider `a`: no credentials: none in the environment",
                "providers health",
            ),
            (
                connect.into(),
                ErrorKind::Unavailable,
                "provider `a`: cannot connect to https://x: refused",
                "network",
            ),
            (
                Failure::from(NotSent::NoRegion),
                ErrorKind::Refused,
                "provider `a`: no region is configured",
                "",
            ),
        ] {
            let error = error("a", &failure);
            assert_eq!(error.kind(), kind, "{failure:?}");
            assert!(error.summary().starts_with(summary), "{error}");
            assert!(error.to_string().contains(hint), "{error}");
        }
    }
}
