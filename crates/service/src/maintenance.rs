//! Maintenance of the state store after an answer: sweeps requests that no scheduler polls, checkpoints the
//! write-ahead log, and prunes old history.

use ohfp_broker::{Result, Timestamp};

use crate::history;
use crate::log;
use crate::reconcile::last_look;
use crate::registry::Requests;

/// Most requests that one invocation sweeps, beside some that are only watched. They have one look together, and each
/// with a fleet or group a call to stop that: after an outage those that were forgotten are known after few invocations.
const SWEEP: u32 = 32;

/// Most resources of providers that one invocation deletes.
const TIDY: u32 = 20;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upkeep {
    /// Days that finished requests are kept; 0 keeps them for ever.
    pub(crate) history_days: u64,
    /// Seconds between two looks for what no request has; 0 looks never.
    pub(crate) reconcile_interval: u64,
}

/// Runs the maintenance that is due.
pub(crate) fn run(requests: &Requests, upkeep: Upkeep, now: Timestamp) -> Result<()> {
    let history_days = upkeep.history_days;
    let store = &requests.store;
    // No request has created the store yet.
    if !store.exists() {
        return Ok(());
    }
    let broker = requests.upkeep();
    let swept = broker.sweep(SWEEP, now)?;
    log::log_errors(&swept.errors);
    let cleared = if history_days > 0 { history::clear(&***store, history_days, now)? } else { None };
    // Machines end while something is looked after, and whatever was missed then is found once a day. What lies idle in
    // a real cloud is in the way of others, so that each command that has used one looks.
    if !swept.requests.is_empty() || cleared.is_some() || requests.providers.has_used_cloud() {
        let (deleted, errors) = broker.tidy(TIDY, now);
        log::log_errors(&errors);
        if deleted > 0 {
            tracing::info!(resources = deleted, "unused resources of providers were deleted");
        }
    }
    if let Some(pruned) = cleared {
        tracing::info!(requests = pruned.requests, machines = pruned.machines, "old history was cleared");
        store.keep_marker();
    }
    if upkeep.reconcile_interval > 0 {
        log::log_errors(last_look::run(requests, upkeep.reconcile_interval, now).err().as_slice());
    }
    store.maintain()
}
