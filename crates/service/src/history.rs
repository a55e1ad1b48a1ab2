//! Pruning of old history: once a day, and limited by the uptime that has actually passed.
//!
//! The age of a request depends on the clock, and a clock that is ten years ahead makes all requests old. So
//! the last pruning is stored together with the uptime at that moment, and the limit advances by at most the
//! uptime since then. A reboot in between counts as one day at most.

use std::fs;

use ohfp_broker::administration::{Pruned, StateStore};
use ohfp_broker::documents::Document;
use ohfp_broker::{Result, Timestamp};
use serde::{Deserialize, Serialize};

const DAY_MILLIS: i64 = 86_400_000;

/// Owner of the document that records the last pruning.
const OWNER: &str = "upkeep";
const CLEARED: &str = "cleared";

/// The last pruning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cleared {
    /// Time of the clock, in milliseconds since 1970.
    at: i64,
    /// Requests that finished before this were pruned; milliseconds since 1970.
    before: i64,
    /// Boot id of the machine at that time.
    boot: String,
    /// Uptime at that time, in milliseconds.
    up: i64,
}

/// The current boot id and the uptime in milliseconds.
struct Boot {
    id: String,
    up: i64,
}

/// Prunes history older than `days`, if a day has passed since the last time; `None` otherwise.
pub fn clear(store: &dyn StateStore, days: u64, now: Timestamp) -> Result<Option<Pruned>> {
    let mut last = None;
    store.read(OWNER, &mut |tx| {
        last = read(tx.get(CLEARED)?);
        Ok(())
    })?;
    if !is_due(last.as_ref(), now) {
        return Ok(None);
    }
    let boot = boot();
    let oldest = store.oldest_finished()?;
    let mut mine = None;
    store.write(OWNER, &mut |tx| {
        let last = read(tx.get(CLEARED)?);
        mine = is_due(last.as_ref(), now).then(|| next(last.as_ref(), days, oldest, now, &boot));
        if let Some(next) = &mine {
            tx.put(&Document {
                id: CLEARED.to_owned(),
                group: OWNER.to_owned(),
                live_until: None,
                body: serde_json::to_string(next).unwrap_or_default(),
            })?;
        }
        Ok(())
    })?;
    mine.map(|next| store.prune(Timestamp::from_millis(next.before))).transpose()
}

fn read(record: Option<Document>) -> Option<Cleared> {
    serde_json::from_str(&record?.body).ok()
}

/// Whether a day has passed, or the clock has gone back by more than a day.
fn is_due(last: Option<&Cleared>, now: Timestamp) -> bool {
    last.is_none_or(|last| now.millis_since(Timestamp::from_millis(last.at)).abs() >= DAY_MILLIS)
}

/// The pruning to do now. The first one removes no requests, since only the clock knows their age.
fn next(
    last: Option<&Cleared>,
    days: u64,
    oldest: Option<Timestamp>,
    now: Timestamp,
    boot: &Boot,
) -> Cleared {
    let days = i64::try_from(days).unwrap_or(i64::MAX);
    let wanted = now.plus_millis(days.saturating_mul(-DAY_MILLIS)).millis();
    let allowed = match last {
        None => oldest.map_or(wanted, Timestamp::millis),
        Some(last) => {
            let passed = if last.boot == boot.id && !boot.id.is_empty() {
                boot.up.saturating_sub(last.up)
            } else {
                now.millis().saturating_sub(last.at).min(DAY_MILLIS)
            };
            last.before.saturating_add(passed.max(0))
        }
    };
    Cleared { at: now.millis(), before: wanted.min(allowed), boot: boot.id.clone(), up: boot.up }
}

/// Reads boot id and uptime from the kernel; empty if it does not provide them.
fn boot() -> Boot {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let up = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = up.split(['.', ' ']).next().and_then(|whole| whole.parse::<i64>().ok());
    Boot { id: id.trim().to_owned(), up: seconds.unwrap_or(0).saturating_mul(1_000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEARS: i64 = 3_650 * DAY_MILLIS;

    /// Days after the first clearing by the clock, the start of the machine, days it has been up; and by how many
    /// days the limit has advanced since the time before.
    #[track_caller]
    fn check(steps: &[(i64, &str, i64, i64)]) {
        let start = 400 * DAY_MILLIS;
        let oldest = Some(Timestamp::from_millis(start - 200 * DAY_MILLIS));
        let boot = |id: &str, days: i64| Boot { id: id.to_owned(), up: days * DAY_MILLIS };
        let mut last = next(None, 90, oldest, Timestamp::from_millis(start), &boot("a", 5));
        assert_eq!(last.before, start - 200 * DAY_MILLIS, "the first time");
        for (days, id, up, advance) in steps {
            let now = Timestamp::from_millis(start + days * DAY_MILLIS);
            assert!(is_due(Some(&last), now), "{days}");
            let then = next(Some(&last), 90, oldest, now, &boot(id, *up));
            assert_eq!((then.before - last.before) / DAY_MILLIS, *advance, "{days} {id} {up}");
            last = then;
        }
    }

    #[test]
    fn the_limit_advances_with_the_time_that_has_passed() {
        check(&[(1, "a", 6, 1), (2, "a", 7, 1), (9, "a", 14, 7)]);
        // A clock that jumps ahead, and back.
        check(&[(YEARS / DAY_MILLIS, "a", 6, 1), (2, "a", 7, 1), (3, "a", 8, 1)]);
        // Starts of the machine, with a clock that is right and one that is not.
        check(&[(1, "b", 0, 1), (YEARS / DAY_MILLIS, "c", 0, 1), (4, "d", 0, 0)]);
        check(&[(30, "b", 0, 1), (60, "b", 30, 30)]);
    }

    #[test]
    fn what_is_younger_than_the_days_stays() {
        let boot = Boot { id: "a".to_owned(), up: 0 };
        let first = next(None, 90, None, Timestamp::from_millis(0), &boot);
        assert_eq!(first.before, -90 * DAY_MILLIS);
        let later = Boot { id: "a".to_owned(), up: 5 * DAY_MILLIS };
        let second = next(Some(&first), 90, None, Timestamp::from_millis(3 * DAY_MILLIS), &later);
        assert_eq!(second.before, -87 * DAY_MILLIS);
        assert!(!is_due(Some(&second), Timestamp::from_millis(3 * DAY_MILLIS + 1)));
    }
}
