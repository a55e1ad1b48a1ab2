//! Maintenance of the state store after an answer: sweeps requests that no scheduler polls, checkpoints the
//! write-ahead log, and prunes old history.

use ohfp_broker::{Result, Timestamp};

use crate::history;
use crate::log;
use crate::registry::Requests;

/// Most requests that one invocation sweeps.
const SWEEP: u32 = 4;

/// Runs the maintenance that is due. `history_days` is how long finished requests are kept; 0 keeps them for ever.
pub fn run(requests: &Requests, history_days: u64, now: Timestamp) -> Result<()> {
    let store = &requests.store;
    // No request has created the store yet.
    if !store.exists() {
        return Ok(());
    }
    let swept = requests.broker().sweep(SWEEP, now)?;
    log::log_errors(&swept.errors);
    if history_days > 0
        && let Some(pruned) = history::clear(&***store, history_days, now)?
    {
        tracing::info!(requests = pruned.requests, machines = pruned.machines, "old history was cleared");
        store.keep_marker();
    }
    store.maintain()
}
