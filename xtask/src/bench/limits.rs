//! Limits that rows of the "Held to" tables are compared with.

use super::report::{Budget, Limit};

pub(super) fn at_most(what: impl Into<String>, found: f64, limit: f64) -> Budget {
    Budget { what: what.into(), found, limit: Limit::AtMost(limit) }
}

/// Sizes of files and memory are far below where a float loses digits.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub(super) fn to_float(number: u64) -> f64 {
    number as f64
}
