//! What is done for the state store now and then, once an answer is out: requests that nobody asks for are
//! looked after, and old history is cleared away.

use ohfp_broker::records::{Record, Records};
use ohfp_broker::{Result, Timestamp};
use ohfp_storage::SqliteStore;

use crate::host_factory;
use crate::parts::Requests;

/// How many requests are looked after by one invocation.
const SWEEP: u32 = 4;

/// History is cleared at most this often.
const DAY_MILLIS: i64 = 86_400_000;

/// Whose document says when that was.
const OWNER: &str = "upkeep";
const CLEARED: &str = "cleared";

/// Does what is due. `history_days` is how long finished requests are kept; 0 is for ever.
pub(crate) fn run(requests: &Requests, history_days: u64, now: Timestamp) -> Result<()> {
    // A store that nobody has needed yet needs no upkeep.
    if !requests.store.path().exists() {
        return Ok(());
    }
    let swept = requests.broker().sweep(SWEEP, now)?;
    host_factory::log_errors(&swept.errors);
    if history_days > 0 && is_due(&requests.store, now)? {
        let days = i64::try_from(history_days).unwrap_or(i64::MAX);
        let pruned = requests.store.prune(now.plus_millis(days.saturating_mul(-DAY_MILLIS)))?;
        tracing::info!(requests = pruned.requests, machines = pruned.machines, "old history was cleared");
    }
    Ok(())
}

/// Whether a day has gone by; if so, the next one begins, for all processes.
fn is_due(store: &SqliteStore, now: Timestamp) -> Result<bool> {
    let begun = |record: Option<Record>| -> Option<i64> { record?.body.parse().ok() };
    let is_old = |begun: Option<i64>| {
        begun.is_none_or(|begun| now.millis_since(Timestamp::from_millis(begun)).abs() >= DAY_MILLIS)
    };
    let mut due = false;
    store.read(OWNER, &mut |ledger| {
        due = is_old(begun(ledger.get(CLEARED)?));
        Ok(())
    })?;
    if !due {
        return Ok(false);
    }
    store.write(OWNER, &mut |ledger| {
        due = is_old(begun(ledger.get(CLEARED)?));
        if due {
            ledger.put(&Record {
                id: CLEARED.to_owned(),
                group: OWNER.to_owned(),
                live_until: None,
                body: now.millis().to_string(),
            })?;
        }
        Ok(())
    })?;
    Ok(due)
}
