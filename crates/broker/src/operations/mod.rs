//! What can be asked of the broker, above any store and any provider.
//!
//! Every operation follows one order: store the intent, then talk to the provider, then store the outcome
//! with compare-and-swap. A process may be killed between any two steps; whoever looks next, in whichever
//! process, finds the intent and carries on, and the launch token keeps the provider from doing it twice.
//!
//! | if killed after | the store has | what the next look does |
//! |---|---|---|
//! | the intent of a launch | `recorded` | launches with the same token |
//! | the launch | `recorded` | launches with the same token, gets the same machines |
//! | its outcome | machines, `acknowledged` unset | releases them if nobody asks for the request in time |
//! | the intent of a return | `recorded`, machines marked | releases them again |
//!
//! An error of a provider is never taken for an answer: what could not be seen stays as it was.

mod acquire;
mod cancel;
mod completion;
mod reclaimed;
mod refresh;
mod refresh_machines;
mod return_machines;
mod strangers;
mod sweep;

use std::sync::Arc;

pub use acquire::{Accepted, Acquisition, DryRun};
pub use completion::{RETURNED_EARLY, reason_of};
pub use reclaimed::{Reclaim, Reclaims};
pub use return_machines::ReturnAccepted;
pub use sweep::Swept;

use crate::error::{Error, ErrorKind, Result};
use crate::id::RequestId;
use crate::provider::Provider;
use crate::store::Store;
use crate::with_machines::RequestWithMachines;

/// The configured providers, each built when it is first needed.
pub trait Providers: Send + Sync {
    /// The provider of that name.
    fn get(&self, name: &str) -> Result<Arc<dyn Provider>>;

    /// Names of all providers that may have machines.
    fn names(&self) -> Vec<String>;
}

/// What the configuration says about requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// More machines in one request are refused.
    pub max_machines_per_request: u64,
    /// Seconds until machines that have not come up are given up.
    pub fulfillment_timeout: u64,
    /// Seconds until a return whose machines are still there has failed.
    pub return_timeout: u64,
    /// Seconds after which machines of a request that nobody was told of are released.
    pub unacknowledged_timeout: u64,
}

/// For how long after its end a request is watched for machines that turn up late.
const WATCH_SECONDS: u64 = 3_600;

/// How often a change is tried again when others change the same things.
const TRIES: usize = 8;

/// The operations, over a store and providers.
#[derive(Clone, Copy)]
pub struct Broker<'a> {
    store: &'a dyn Store,
    providers: &'a dyn Providers,
    policy: Policy,
}

impl<'a> Broker<'a> {
    /// Over these.
    pub fn new(store: &'a dyn Store, providers: &'a dyn Providers, policy: Policy) -> Self {
        Self { store, providers, policy }
    }

    /// Notes that somebody was told these ids; call it once the answer is out.
    pub fn acknowledge(&self, ids: &[RequestId]) -> Result<()> {
        self.store.acknowledge(ids)
    }

    fn reload(&self, id: &RequestId) -> Result<RequestWithMachines> {
        let found = self.store.views(std::slice::from_ref(id))?.into_iter().next().flatten();
        found.ok_or_else(|| {
            Error::new(ErrorKind::System, format!("request {id} has vanished from the state store"))
        })
    }
}

/// Nobody could store a change because others were faster every time.
fn contended(id: &RequestId) -> Error {
    Error::new(ErrorKind::Unavailable, format!("request {id} is being changed by others all the time"))
        .hint("try again")
}
