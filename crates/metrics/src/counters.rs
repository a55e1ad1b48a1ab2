//! What this process has done so far: numbers that every part of it may add to.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use ohfp_broker::keywords;

/// What is counted. The place in the enum is the place in a record, so new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Components that were built.
    ComponentLoads,
    /// Components that could not be built.
    ComponentFailures,
    /// Answers that came from the result cache.
    CacheHits,
    /// Answers that the result cache did not have.
    CacheMisses,
    /// Times that the write lock of the store was waited for.
    LockWaits,
    /// Microseconds of that.
    LockWaitMicros,
    /// Calls of providers.
    ProviderCalls,
    /// Microseconds of those.
    ProviderMicros,
    /// Calls of providers that failed.
    ProviderErrors,
    /// Attempts of calls after the first one.
    ProviderRetries,
    /// Attempts that the provider throttled.
    ProviderThrottles,
    /// Calls that were not made, since their endpoint is left alone after failures in a row.
    ProviderPauses,
}

keywords!(Counter {
    ComponentLoads: "component_loads",
    ComponentFailures: "component_failures",
    CacheHits: "cache_hits",
    CacheMisses: "cache_misses",
    LockWaits: "lock_waits",
    LockWaitMicros: "lock_wait_micros",
    ProviderCalls: "provider_calls",
    ProviderMicros: "provider_micros",
    ProviderErrors: "provider_errors",
    ProviderRetries: "provider_retries",
    ProviderThrottles: "provider_throttles",
    ProviderPauses: "provider_pauses",
});

/// Room for counters in a record.
pub(crate) const ROOM: usize = 16;

static COUNTS: [AtomicU32; ROOM] = [const { AtomicU32::new(0) }; ROOM];

/// Adds to a counter of this process.
pub fn add(counter: Counter, number: u64) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    if let Some(count) = COUNTS.get(counter as usize) {
        // A sum above the largest number stays there.
        let _ =
            count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| Some(sum.saturating_add(number)));
    }
}

/// All counters of this process.
pub(crate) fn now() -> [u32; ROOM] {
    let mut counts = [0; ROOM];
    for (count, counter) in counts.iter_mut().zip(&COUNTS) {
        *count = counter.load(Ordering::Relaxed);
    }
    counts
}

/// What a live process had from the snapshot, or why it had nothing. The place in the enum is the word in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotUse {
    /// It needed nothing that a snapshot has.
    #[default]
    NotNeeded,
    /// It took a template from it.
    Used,
    /// It is fresh, and did not have the answer in this form.
    Fresh,
    /// The command line does without it.
    Bypassed,
    /// There is none.
    Missing,
    /// Its sources have changed.
    Stale,
    /// It belongs to another configuration or program, or to an account that is not trusted.
    Foreign,
    /// It is damaged.
    Damaged,
}

keywords!(SnapshotUse {
    NotNeeded: "not_needed",
    Used: "used",
    Fresh: "fresh",
    Bypassed: "bypassed",
    Missing: "missing",
    Stale: "stale",
    Foreign: "foreign",
    Damaged: "damaged",
});

static SNAPSHOT: AtomicU8 = AtomicU8::new(0);

/// Notes what this process had from the snapshot.
pub fn snapshot(how: SnapshotUse) {
    SNAPSHOT.store(how as u8, Ordering::Relaxed);
}

pub(crate) fn snapshot_now() -> SnapshotUse {
    let place = usize::from(SNAPSHOT.load(Ordering::Relaxed));
    SnapshotUse::ALL.get(place).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of another version of ohfp counts by place.
    #[test]
    fn places_never_change() {
        for (place, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(*counter as usize, place);
        }
        for (place, how) in SnapshotUse::ALL.iter().enumerate() {
            assert_eq!(usize::from(*how as u8), place);
        }
        assert!(Counter::ALL.len() <= ROOM);
    }
}
