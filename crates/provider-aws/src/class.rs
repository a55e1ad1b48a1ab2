//! What a failed call means: the table of error codes. Every decision about a failure is made here.
//!
//! Codes are those of the EC2, Auto Scaling, STS and SSM APIs. The same code means the same inside the `Errors` of a
//! fleet, where there is no HTTP status.

use crate::failure::{Answered, Failure, NotSent};

/// What a failed call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It can never succeed as it is: a retry is useless.
    Refused,
    /// There is no capacity; another pool may have some, unless the shortage is of all.
    NoCapacity(Shortage),
    /// Nothing was made, and a later call may succeed.
    Again(Trouble),
    /// Anything may have been made: the same token tells.
    Unknown,
    /// Something was made under this token by other parameters: its tags tell.
    Mismatch,
    /// What the call names does not exist, or is not visible yet.
    NotFound,
}

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Machines of a type in a zone, on-demand or spot.
    Pool,
    /// Addresses in a subnet.
    Subnet,
    /// The type is not offered in the zone.
    Offer,
    /// A quota, which all pools share.
    Quota,
    /// The account is not verified yet.
    Account,
}

/// Why nothing was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// AWS wants fewer calls.
    Throttled,
    /// Credentials are missing, wrong or expired, or the clock is off.
    Credentials,
    /// There is no connection.
    Connection,
    /// What the call is about is being changed by another one.
    Busy,
    /// The service failed at a question, which makes nothing.
    Service,
    /// There was no time left.
    Late,
}

/// What a call was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It makes something.
    Making,
    /// It asks, or ends something: to do it twice is as good as once.
    Repeatable,
}

/// For how many seconds a shortage is remembered.
pub fn remembered_seconds(shortage: Shortage) -> u64 {
    match shortage {
        Shortage::Pool | Shortage::Subnet => 180,
        Shortage::Offer => 3_600,
        Shortage::Quota => 60,
        Shortage::Account => 600,
    }
}

/// What a failure means.
pub fn of(failure: &Failure, purpose: Purpose) -> Class {
    match failure {
        Failure::NotSent(NotSent::Connect { .. } | NotSent::Paused { .. }) => {
            Class::Again(Trouble::Connection)
        }
        Failure::NotSent(NotSent::Throttled { .. }) => Class::Again(Trouble::Throttled),
        Failure::NotSent(NotSent::NoCredentials { .. }) => Class::Again(Trouble::Credentials),
        Failure::NotSent(NotSent::NoRegion | NotSent::Configuration { .. }) => Class::Refused,
        Failure::NotSent(NotSent::TooLate) => Class::Again(Trouble::Late),
        Failure::Lost { .. } => uncertain(purpose),
        Failure::Answered(answered) => of_answer(answered, purpose),
    }
}

/// What an error in an answer means.
pub fn of_answer(answered: &Answered, purpose: Purpose) -> Class {
    let Answered { status, code, message, .. } = answered;
    // The one code whose meaning is in its text.
    if code == "InvalidParameterValue"
        && message.contains("not supported in your requested Availability Zone")
    {
        return Class::NoCapacity(Shortage::Offer);
    }
    let row = CODES.iter().find(|(pattern, _)| matches(pattern, code));
    match (row, status) {
        (Some((_, Class::Unknown)), _) => uncertain(purpose),
        (Some((_, class)), _) => *class,
        // Without a code it is no answer of AWS, but of something before it.
        (None, _) if code.is_empty() => uncertain(purpose),
        (None, 500..) => uncertain(purpose),
        (None, _) => Class::Refused,
    }
}

fn uncertain(purpose: Purpose) -> Class {
    match purpose {
        Purpose::Making => Class::Unknown,
        Purpose::Repeatable => Class::Again(Trouble::Service),
    }
}

/// Whether a code is that of a row; `*` at the end of a row stands for any rest.
fn matches(pattern: &str, code: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => code.starts_with(start),
        None => code == pattern,
    }
}

const NO_POOL: Class = Class::NoCapacity(Shortage::Pool);
const NO_QUOTA: Class = Class::NoCapacity(Shortage::Quota);
const THROTTLED: Class = Class::Again(Trouble::Throttled);
const CREDENTIALS: Class = Class::Again(Trouble::Credentials);
const BUSY: Class = Class::Again(Trouble::Busy);

/// Codes with their meaning; the first row that fits counts. Other codes are refusals below status 500.
const CODES: &[(&str, Class)] = &[
    ("InsufficientInstanceCapacity", NO_POOL),
    ("InsufficientReservedInstanceCapacity", NO_POOL),
    ("ReservationCapacityExceeded", NO_POOL),
    ("InsufficientHostCapacity", NO_POOL),
    ("InsufficientCapacityOnHost", NO_POOL),
    ("InsufficientCapacity", NO_POOL),
    ("UnfulfillableCapacity", NO_POOL),
    ("SpotMaxPriceTooLow", NO_POOL),
    ("InsufficientFreeAddressesInSubnet", Class::NoCapacity(Shortage::Subnet)),
    ("Unsupported", Class::NoCapacity(Shortage::Offer)),
    ("InstanceLimitExceeded", NO_QUOTA),
    ("VcpuLimitExceeded", NO_QUOTA),
    ("MaxSpotInstanceCountExceeded", NO_QUOTA),
    ("MaxFleetCountExceeded", NO_QUOTA),
    ("VolumeLimitExceeded", NO_QUOTA),
    ("MaxIOPSLimitExceeded", NO_QUOTA),
    ("SpotFleetRequestLimitExceeded*", NO_QUOTA),
    ("PendingVerification", Class::NoCapacity(Shortage::Account)),
    ("RequestLimitExceeded", THROTTLED),
    ("Throttling", THROTTLED),
    ("ThrottlingException", THROTTLED),
    ("EC2ThrottledException", THROTTLED),
    ("TooManyRequestsException", THROTTLED),
    ("SlowDown", THROTTLED),
    ("InternalError", Class::Unknown),
    ("InternalFailure", Class::Unknown),
    ("InternalServerError", Class::Unknown),
    ("ServiceUnavailable", Class::Unknown),
    ("Unavailable", Class::Unknown),
    ("IdempotentCallInProgress*", Class::Unknown),
    ("IdempotentParameterMismatch", Class::Mismatch),
    ("AuthFailure.ServiceLinkedRoleCreationNotPermitted", Class::Refused),
    ("AuthFailure", CREDENTIALS),
    ("InvalidClientTokenId", CREDENTIALS),
    ("UnrecognizedClientException", CREDENTIALS),
    ("SignatureDoesNotMatch", CREDENTIALS),
    ("IncompleteSignature", CREDENTIALS),
    ("ExpiredToken", CREDENTIALS),
    ("ExpiredTokenException", CREDENTIALS),
    ("RequestExpired", CREDENTIALS),
    ("RequestTimeTooSkewed", CREDENTIALS),
    ("MissingAuthenticationToken", CREDENTIALS),
    ("ScalingActivityInProgress", BUSY),
    ("ResourceContention", BUSY),
    ("ResourceInUse", BUSY),
    ("InvalidInstanceID.NotFound", Class::NotFound),
    ("InvalidFleetId.NotFound", Class::NotFound),
    ("fleetIdDoesNotExist", Class::NotFound),
    ("InvalidSpotFleetRequestId.NotFound", Class::NotFound),
    ("fleetRequestIdDoesNotExist", Class::NotFound),
    ("InvalidSpotInstanceRequestID.NotFound", Class::NotFound),
];

/// Whether an error says that this machine's clock is off.
pub fn is_about_clock(answered: &Answered) -> bool {
    answered.code == "RequestTimeTooSkewed"
        || (answered.code == "SignatureDoesNotMatch" && answered.message.contains("not yet current"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: &str, message: &str) -> Failure {
        Answered::new("RunInstances", status, code, message).into()
    }

    /// Status, code, message; what it means for a launch, and for a question.
    #[test]
    fn answers_of_aws() {
        use Class::{Again, Mismatch, NoCapacity, NotFound, Refused, Unknown};
        use Trouble::{Busy, Credentials, Service, Throttled};
        let zone =
            "The requested configuration is not supported in your requested Availability Zone (us-east-1e).";
        for (status, code, message, launch, question) in [
            (500, "InsufficientInstanceCapacity", "", NoCapacity(Shortage::Pool), NoCapacity(Shortage::Pool)),
            (200, "UnfulfillableCapacity", "", NoCapacity(Shortage::Pool), NoCapacity(Shortage::Pool)),
            (400, "SpotMaxPriceTooLow", "", NoCapacity(Shortage::Pool), NoCapacity(Shortage::Pool)),
            (
                400,
                "InsufficientFreeAddressesInSubnet",
                "",
                NoCapacity(Shortage::Subnet),
                NoCapacity(Shortage::Subnet),
            ),
            (400, "Unsupported", "", NoCapacity(Shortage::Offer), NoCapacity(Shortage::Offer)),
            (400, "InvalidParameterValue", zone, NoCapacity(Shortage::Offer), NoCapacity(Shortage::Offer)),
            (400, "InvalidParameterValue", "Invalid value 'x'", Refused, Refused),
            (400, "VcpuLimitExceeded", "", NoCapacity(Shortage::Quota), NoCapacity(Shortage::Quota)),
            (
                400,
                "SpotFleetRequestLimitExceededException",
                "",
                NoCapacity(Shortage::Quota),
                NoCapacity(Shortage::Quota),
            ),
            (400, "PendingVerification", "", NoCapacity(Shortage::Account), NoCapacity(Shortage::Account)),
            (503, "RequestLimitExceeded", "", Again(Throttled), Again(Throttled)),
            (400, "Throttling", "Rate exceeded", Again(Throttled), Again(Throttled)),
            (500, "InternalError", "", Unknown, Again(Service)),
            (503, "Unavailable", "", Unknown, Again(Service)),
            (502, "", "<html>", Unknown, Again(Service)),
            (504, "GatewayTimeout", "", Unknown, Again(Service)),
            (400, "IdempotentParameterMismatch", "", Mismatch, Mismatch),
            (409, "IdempotentCallInProgressException", "", Unknown, Again(Service)),
            (403, "UnauthorizedOperation", "", Refused, Refused),
            (400, "AuthFailure.ServiceLinkedRoleCreationNotPermitted", "", Refused, Refused),
            (401, "AuthFailure", "", Again(Credentials), Again(Credentials)),
            (403, "ExpiredToken", "", Again(Credentials), Again(Credentials)),
            (400, "InvalidAMIID.NotFound", "", Refused, Refused),
            (400, "ValidationError", "", Refused, Refused),
            (400, "SomethingNew", "", Refused, Refused),
            (500, "SomethingNew", "", Unknown, Again(Service)),
            (400, "ScalingActivityInProgress", "", Again(Busy), Again(Busy)),
            (400, "InvalidInstanceID.NotFound", "", NotFound, NotFound),
        ] {
            let failure = answer(status, code, message);
            let found = (of(&failure, Purpose::Making), of(&failure, Purpose::Repeatable));
            assert_eq!(found, (launch, question), "{status} {code} {message}");
        }
    }

    #[test]
    fn calls_without_an_answer() {
        let connect = NotSent::Connect { endpoint: "http://x".to_owned(), why: "refused".to_owned() };
        let nothing_made = [
            (connect, Class::Again(Trouble::Connection)),
            (NotSent::NoCredentials { why: String::new() }, Class::Again(Trouble::Credentials)),
            (NotSent::Throttled { action: "RunInstances", seconds: 3 }, Class::Again(Trouble::Throttled)),
            (
                NotSent::Paused {
                    endpoint: "x".to_owned(),
                    failures: 5,
                    seconds: 3,
                    why: "refused".to_owned(),
                },
                Class::Again(Trouble::Connection),
            ),
            (NotSent::NoRegion, Class::Refused),
            (NotSent::Configuration { why: "endpoint".to_owned() }, Class::Refused),
            (NotSent::TooLate, Class::Again(Trouble::Late)),
        ];
        for (why, class) in nothing_made {
            let failure = Failure::from(why);
            assert_eq!(of(&failure, Purpose::Making), class, "{failure}");
            assert_eq!(of(&failure, Purpose::Repeatable), class, "{failure}");
        }
        let lost = Failure::Lost { action: "RunInstances", why: "closed".to_owned() };
        assert_eq!(of(&lost, Purpose::Making), Class::Unknown);
        assert_eq!(of(&lost, Purpose::Repeatable), Class::Again(Trouble::Service));
    }

    #[test]
    fn no_row_is_hidden_by_one_before_it() {
        for (index, (code, _)) in CODES.iter().enumerate() {
            let code = code.trim_end_matches('*');
            let first = CODES.iter().position(|(pattern, _)| matches(pattern, code));
            assert_eq!(first, Some(index), "{code}");
        }
    }

    #[test]
    fn shortages_are_remembered_for_their_time() {
        for (shortage, seconds) in [
            (Shortage::Pool, 180),
            (Shortage::Subnet, 180),
            (Shortage::Offer, 3_600),
            (Shortage::Quota, 60),
            (Shortage::Account, 600),
        ] {
            assert_eq!(remembered_seconds(shortage), seconds);
        }
    }

    #[test]
    fn errors_about_the_clock() {
        let check = |code: &str, message: &str, is_clock: bool| {
            let Failure::Answered(answered) = answer(403, code, message) else { return };
            assert_eq!(is_about_clock(&answered), is_clock, "{code} {message}");
        };
        check("RequestTimeTooSkewed", "", true);
        check("SignatureDoesNotMatch", "Signature not yet current: 20261127T101500Z", true);
        check("SignatureDoesNotMatch", "The request signature we calculated does not match", false);
        check("AuthFailure", "", false);
    }
}
