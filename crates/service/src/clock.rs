//! Time and randomness, which the broker takes as arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use ohfp_broker::{Error, ErrorKind, RequestId, RequestKind, Result, Timestamp};

/// The current time of the system clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A new request id.
pub fn new_id(kind: RequestKind, now: Timestamp) -> Result<RequestId> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| {
        Error::new(ErrorKind::System, "the system gives no random numbers for a request id").cause(error)
    })?;
    Ok(RequestId::new(kind, now, random))
}
