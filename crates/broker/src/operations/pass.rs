//! One run of an operation: what is the same in all its steps, and what it has met so far.

use super::Broker;
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// A run of an operation.
pub(super) struct Pass<'a> {
    pub(super) broker: &'a Broker<'a>,
    /// The time of every step.
    pub(super) now: Timestamp,
    /// Errors that did not end the operation: mostly providers that could not be reached. A later poll retries.
    pub(super) errors: Vec<Error>,
}

impl Broker<'_> {
    /// Starts a run.
    pub(super) fn pass(&self, now: Timestamp) -> Pass<'_> {
        Pass { broker: self, now, errors: Vec::new() }
    }
}

impl Pass<'_> {
    /// The value of a step; `None` where it failed, which is noted.
    pub(super) fn noted<T>(&mut self, outcome: Result<T>) -> Option<T> {
        outcome.map_err(|error| self.errors.push(error)).ok()
    }
}
