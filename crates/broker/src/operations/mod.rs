//! The operations of the broker, independent of store and provider.
//!
//! Every operation follows one order: store the intent, then talk to the provider, then store the outcome with
//! compare-and-swap. A process may be killed between any two steps; the next poll, in any process, finds the
//! intent and continues, and the launch token keeps the provider from doing it twice.
//!
//! | if killed after | the store has | the next poll |
//! |---|---|---|
//! | the intent of a launch | `recorded` | launches with the same token |
//! | the launch | `recorded` | launches with the same token, gets the same machines |
//! | its outcome | machines, `acknowledged` unset | releases them if the request is not polled in time |
//! | the intent of a return | `recorded`, machines marked | releases them again |
//! | the end of a request that is open | `open` set | tells the provider that no more machines shall come |
//!
//! An error of a provider is never an answer: machines that could not be observed keep their state.

mod acquire;
mod cancel;
mod completion;
mod observe;
mod pass;
mod reclaimed;
mod reconcile;
mod refresh;
mod refresh_machines;
mod return_machines;
mod settle;
mod side_by_side;
mod strangers;
mod sweep;
#[cfg(test)]
#[cfg(feature = "contract")]
mod tests;

use std::sync::Arc;

pub use acquire::{Accepted, Acquisition, DryRun};
pub use completion::{RETURNED_EARLY, reason_of};
pub use reclaimed::{Reclaim, Reclaims};
pub use reconcile::{ADOPTED, RELEASED, Reconciled, Reconciliation, Repair, Unlisted};
pub use return_machines::ReturnAccepted;
pub use sweep::{LATE, Swept};

use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Result};
use crate::id::RequestId;
use crate::provider::Provider;
use crate::request::Request;
use crate::store::{Applied, Change, Store};
use crate::with_machines::RequestWithMachines;

/// The configured providers, each built on first use.
pub trait Providers: Send + Sync {
    /// The provider of that name.
    ///
    /// # Errors
    /// `Unavailable` where it is not configured or cannot be built, `Input` where its options are wrong.
    fn get(&self, name: &str) -> Result<Arc<dyn Provider>>;

    /// Names of all providers that may have machines.
    fn names(&self) -> Vec<String>;
}

/// Limits and timeouts of requests, from the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Maximum number of machines in one request.
    pub max_machines_per_request: u64,
    /// Seconds until machines that are not running are abandoned and released.
    pub fulfillment_timeout: u64,
    /// Seconds until a return fails whose machines are not terminated.
    pub return_timeout: u64,
    /// Seconds until the machines of an unacknowledged request are released.
    pub unacknowledged_timeout: u64,
}

/// Seconds for which a finished request is watched for late machines.
const WATCH_SECONDS: u64 = 3_600;

/// Maximum number of compare-and-swap attempts.
const TRIES: usize = 8;

/// The operations, on a store and providers.
#[derive(Clone, Copy)]
pub struct Broker<'a> {
    store: &'a dyn Store,
    providers: &'a dyn Providers,
    policy: Policy,
    deadline: Deadline,
}

impl<'a> Broker<'a> {
    /// Creates a broker that runs its operations on `store` and `providers`. Providers must have answered by
    /// `deadline`; one that has not is taken for silent, and its machines stay as they were.
    pub fn new(
        store: &'a dyn Store,
        providers: &'a dyn Providers,
        policy: Policy,
        deadline: Deadline,
    ) -> Self {
        Self { store, providers, policy, deadline }
    }

    /// Acknowledges ids; to be called after the answer with them is written.
    pub fn acknowledge(&self, ids: &[RequestId]) -> Result<()> {
        self.store.acknowledge(ids)
    }

    /// Stores what `decide` makes of a request, and gives the request as it is then. `decide` sees it anew whenever
    /// another process was faster, and `None` leaves it as it is.
    fn change_request(
        &self,
        view: RequestWithMachines,
        decide: impl Fn(&RequestWithMachines) -> Result<Option<Request>>,
    ) -> Result<RequestWithMachines> {
        let mut view = view;
        for _ in 0..TRIES {
            let Some(request) = decide(&view)? else { return Ok(view) };
            let stored = self.store.apply(&Change { request: Some(request), machines: Vec::new() })?;
            view = self.reload(&view.request.id)?;
            if stored == Applied::Stored {
                return Ok(view);
            }
        }
        Err(contended(&view.request.id))
    }

    fn reload(&self, id: &RequestId) -> Result<RequestWithMachines> {
        let found = self.store.views(std::slice::from_ref(id))?.into_iter().next().flatten();
        found.ok_or_else(|| {
            Error::new(ErrorKind::System, format!("request {id} has vanished from the state store"))
        })
    }
}

/// The error for a change that lost every compare-and-swap attempt.
fn contended(id: &RequestId) -> Error {
    Error::new(ErrorKind::Unavailable, format!("request {id} is being changed by others all the time"))
        .hint("try again")
}
