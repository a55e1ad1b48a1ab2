//! What the state of the snapshot means for metrics.

use ohfp_metrics::counters::SnapshotUse;
use ohfp_snapshot_builder::freshness::Verdict;
use ohfp_snapshot_format::Refusal;

/// Of a snapshot that was compared with its sources; `None` where the options do without it.
pub(crate) fn assessed(verdict: Option<&Verdict>) -> SnapshotUse {
    match verdict {
        None => SnapshotUse::Bypassed,
        Some(Verdict::Fresh) => SnapshotUse::Fresh,
        Some(Verdict::Touched | Verdict::Stale(_)) => SnapshotUse::Stale,
        Some(Verdict::Foreign(_)) => SnapshotUse::Foreign,
        Some(Verdict::Unusable(refusal)) => refused(refusal),
    }
}

/// Of a snapshot that was refused.
pub(crate) fn refused(refusal: &Refusal) -> SnapshotUse {
    match refusal {
        Refusal::Missing => SnapshotUse::Missing,
        Refusal::StaleFile(_) | Refusal::StaleVariable(_) => SnapshotUse::Stale,
        Refusal::Owner(_)
        | Refusal::WritableByOthers
        | Refusal::Root
        | Refusal::FormatVersion(_)
        | Refusal::ArchiveFormat(_)
        | Refusal::Fingerprint => SnapshotUse::Foreign,
        _ => SnapshotUse::Damaged,
    }
}
