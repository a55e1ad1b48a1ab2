//! The record of one process: 128 bytes, integers in little endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0–3 | `ohfm` |
//! | 4 | version of this layout: 1 |
//! | 5 | operation, by its place in [`Operation`] |
//! | 6 | outcome, by its place in [`Outcome`] |
//! | 7 | the snapshot, by its place in [`SnapshotUse`] |
//! | 8–15 | end of the process, milliseconds since 1970 |
//! | 16–23 | microseconds since its start |
//! | 24–31 | processor time in microseconds |
//! | 32–39 | largest resident set in bytes |
//! | 40–43 | process id |
//! | 44 | exit code |
//! | 45–47 | 0 |
//! | 48–111 | sixteen counters of four bytes, by their place in [`Counter`](crate::counters::Counter) |
//! | 112–119 | 0 |
//! | 120–127 | XXH3-64 of all before |
//!
//! The runtime writes such records, too, without durations and costs (`runtime/src/counted.rs`).

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ohfp_broker::{ErrorKind, Timestamp, keywords};
use ohfp_platform::sys;
use xxhash_rust::xxh3::xxh3_64;

use crate::counters::{self, ROOM, SnapshotUse};

/// Size of a record in bytes.
pub const SIZE: usize = 128;
pub(crate) const MAGIC: &[u8; 4] = b"ohfm";
const VERSION: u8 = 1;
const COUNTS: usize = 48;
const CHECKSUM: usize = 120;

/// What a process was asked for. The place in the enum is the word in a record, so new ones go to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A command that has no name of its own here.
    #[default]
    Other,
    /// Host Factory's operation of that name, as those that follow.
    GetAvailableTemplates,
    #[expect(missing_docs, reason = "as above")]
    RequestMachines,
    #[expect(missing_docs, reason = "as above")]
    RequestReturnMachines,
    #[expect(missing_docs, reason = "as above")]
    GetRequestStatus,
    #[expect(missing_docs, reason = "as above")]
    GetReturnRequests,
    /// The command group `machines`.
    Machines,
    /// The command group `requests`.
    Requests,
    /// The command group `sim`.
    Sim,
    /// The command group `storage`.
    Storage,
}

keywords!(Operation {
    Other: "other",
    GetAvailableTemplates: "getAvailableTemplates",
    RequestMachines: "requestMachines",
    RequestReturnMachines: "requestReturnMachines",
    GetRequestStatus: "getRequestStatus",
    GetReturnRequests: "getReturnRequests",
    Machines: "machines",
    Requests: "requests",
    Sim: "sim",
    Storage: "storage",
});

/// How a process ended: well, or with an error of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// With exit code 0.
    #[default]
    Ok,
    /// With an error of another class, or another exit code than 0 without one.
    Failed,
    /// With an error of the kind of that name, as those that follow.
    Usage,
    #[expect(missing_docs, reason = "as above")]
    Input,
    #[expect(missing_docs, reason = "as above")]
    NotFound,
    #[expect(missing_docs, reason = "as above")]
    Refused,
    #[expect(missing_docs, reason = "as above")]
    System,
    #[expect(missing_docs, reason = "as above")]
    Unavailable,
    #[expect(missing_docs, reason = "as above")]
    Damaged,
}

keywords!(Outcome {
    Ok: "ok",
    Failed: "failed",
    Usage: "usage",
    Input: "input",
    NotFound: "not_found",
    Refused: "refused",
    System: "system",
    Unavailable: "unavailable",
    Damaged: "damaged",
});

impl Outcome {
    /// The outcome of a process with this exit code, whose first error is of that kind.
    pub fn of(code: u8, error: Option<ErrorKind>) -> Self {
        match error {
            _ if code == 0 => Self::Ok,
            Some(ErrorKind::Usage) => Self::Usage,
            Some(ErrorKind::Input) => Self::Input,
            Some(ErrorKind::NotFound) => Self::NotFound,
            Some(ErrorKind::Refused) => Self::Refused,
            Some(ErrorKind::System) => Self::System,
            Some(ErrorKind::Unavailable) => Self::Unavailable,
            Some(ErrorKind::Damaged) => Self::Damaged,
            _ => Self::Failed,
        }
    }
}

/// One process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessRecord {
    /// What it was asked for.
    pub operation: Operation,
    /// How it ended.
    pub outcome: Outcome,
    /// What it had from the snapshot.
    pub snapshot: SnapshotUse,
    /// When it ended.
    pub at: Timestamp,
    /// Microseconds since its start.
    pub wall_micros: u64,
    /// Processor time in microseconds.
    pub cpu_micros: u64,
    /// Largest resident set in bytes.
    pub peak_bytes: u64,
    /// Its id.
    pub process: u32,
    /// Exit code.
    pub code: u8,
    /// What it counted.
    pub counts: [u32; ROOM],
}

impl ProcessRecord {
    /// What this process has cost and counted until now. One system call.
    pub fn of_this_process() -> Self {
        let usage = sys::usage();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Self {
            snapshot: counters::snapshot_now(),
            at: Timestamp::from_millis(i64::try_from(now).unwrap_or(i64::MAX)),
            cpu_micros: u64::try_from(usage.cpu.as_micros()).unwrap_or(u64::MAX),
            peak_bytes: usage.peak_bytes,
            process: sys::process(),
            counts: counters::now(),
            ..Self::default()
        }
    }

    /// With the time since that moment.
    #[must_use]
    pub fn since(self, start: Instant) -> Self {
        Self { wall_micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX), ..self }
    }

    /// As bytes.
    pub fn to_bytes(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let mut put = |at: usize, value: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + value.len()) {
                place.copy_from_slice(value);
            }
        };
        put(0, MAGIC);
        put(4, &[VERSION, self.operation as u8, self.outcome as u8, self.snapshot as u8]);
        put(8, &self.at.millis().to_le_bytes());
        put(16, &self.wall_micros.to_le_bytes());
        put(24, &self.cpu_micros.to_le_bytes());
        put(32, &self.peak_bytes.to_le_bytes());
        put(40, &self.process.to_le_bytes());
        put(44, &[self.code]);
        for (place, count) in self.counts.iter().enumerate() {
            put(COUNTS + 4 * place, &count.to_le_bytes());
        }
        let sum = xxh3_64(bytes.get(..CHECKSUM).unwrap_or_default());
        if let Some(place) = bytes.get_mut(CHECKSUM..) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
        bytes
    }

    /// The record that bytes hold. `None` where they are damaged, or of another version.
    pub fn from_bytes(bytes: &[u8; SIZE]) -> Option<Self> {
        let (content, sum) = bytes.split_at_checked(CHECKSUM)?;
        if content.get(..4)? != MAGIC
            || content.get(4) != Some(&VERSION)
            || sum != xxh3_64(content).to_le_bytes()
        {
            return None;
        }
        let long = |at: usize| Some(u64::from_le_bytes(content.get(at..at + 8)?.try_into().ok()?));
        let short = |at: usize| Some(u32::from_le_bytes(content.get(at..at + 4)?.try_into().ok()?));
        let word = |at: usize| content.get(at).copied().map(usize::from);
        let mut counts = [0; ROOM];
        for (place, count) in counts.iter_mut().enumerate() {
            *count = short(COUNTS + 4 * place)?;
        }
        Some(Self {
            // A later version may have more words; the process counts all the same.
            operation: Operation::ALL.get(word(5)?).copied().unwrap_or_default(),
            outcome: Outcome::ALL.get(word(6)?).copied().unwrap_or(Outcome::Failed),
            snapshot: SnapshotUse::ALL.get(word(7)?).copied().unwrap_or_default(),
            at: Timestamp::from_millis(long(8)?.cast_signed()),
            wall_micros: long(16)?,
            cpu_micros: long(24)?,
            peak_bytes: long(32)?,
            process: short(40)?,
            code: *content.get(44)?,
            counts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ProcessRecord {
        let mut counts = [0; ROOM];
        counts.iter_mut().zip(1..).for_each(|(count, number)| *count = number);
        ProcessRecord {
            operation: Operation::GetRequestStatus,
            outcome: Outcome::Unavailable,
            snapshot: SnapshotUse::Stale,
            at: Timestamp::from_millis(1_764_273_600_123),
            wall_micros: 2_900,
            cpu_micros: 1_700,
            peak_bytes: 5 << 20,
            process: 4_711,
            code: 1,
            counts,
        }
    }

    #[test]
    fn a_record_is_read_back() {
        for record in [record(), ProcessRecord::default()] {
            assert_eq!(ProcessRecord::from_bytes(&record.to_bytes()), Some(record));
        }
    }

    #[test]
    fn a_changed_byte_is_found() {
        let bytes = record().to_bytes();
        for place in 0..SIZE {
            let mut harmed = bytes;
            harmed[place] ^= 1;
            assert_eq!(ProcessRecord::from_bytes(&harmed), None, "{place}");
        }
    }

    #[test]
    fn words_keep_their_places() {
        for (place, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, place);
        }
        for (place, outcome) in Outcome::ALL.iter().enumerate() {
            assert_eq!(*outcome as usize, place);
        }
    }

    #[test]
    fn outcomes_are_classes_of_errors() {
        for (code, error, expected) in [
            (0, None, Outcome::Ok),
            (0, Some(ErrorKind::Input), Outcome::Ok),
            (1, None, Outcome::Failed),
            (1, Some(ErrorKind::NotFound), Outcome::NotFound),
            (2, Some(ErrorKind::Usage), Outcome::Usage),
        ] {
            assert_eq!(Outcome::of(code, error), expected, "{code} {error:?}");
        }
    }
}
