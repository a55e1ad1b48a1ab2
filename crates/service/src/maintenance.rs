//! What is done for the state store now and then, once an answer is out: requests that no scheduler asks for are
//! looked after, the log is carried over, and old history is cleared away.

use ohfp_broker::{Result, Timestamp};

use crate::history;
use crate::log;
use crate::registry::Requests;

/// How many requests are looked after by one invocation.
const SWEEP: u32 = 4;

/// Does what is due. `history_days` is how long finished requests are kept; 0 is for ever.
pub fn run(requests: &Requests, history_days: u64, now: Timestamp) -> Result<()> {
    let store = &requests.store;
    // A store that no request has needed yet needs no upkeep.
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
