//! Why a request got fewer machines than it asked for, as a class that can be counted.

use serde::{Deserialize, Serialize};

use crate::keywords;

/// The main reason of a shortfall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortfallKind {
    /// The provider had no capacity, or made fewer machines.
    Capacity,
    /// The provider refused the launch: a wrong image, no permission, a quota.
    Refused,
    /// The provider was not reached.
    Unreachable,
    /// Whether there was a launch was not known in time.
    Unconfirmed,
    /// Machines ended before they were running.
    FailedToStart,
    /// The provider took machines before the request was over.
    Reclaimed,
    /// Machines did not come up before the deadline.
    Deadline,
    /// Machines were returned before they were up.
    Returned,
    /// A person cancelled the request.
    Cancelled,
    /// The scheduler did not receive the id of the request.
    Unacknowledged,
    /// It was not recorded.
    Unknown,
}

keywords!(ShortfallKind {
    Capacity: "capacity",
    Refused: "refused",
    Unreachable: "unreachable",
    Unconfirmed: "unconfirmed",
    FailedToStart: "failed_to_start",
    Reclaimed: "reclaimed",
    Deadline: "deadline",
    Returned: "returned",
    Cancelled: "cancelled",
    Unacknowledged: "unacknowledged",
    Unknown: "unknown",
});
