//! What all records so far come to: sums for each operation, for ever and in steps of time, in one file that is replaced
//! as a whole.
//!
//! The first line says `ohfp-metrics`, the version of the layout, and the XXH3-64 of the JSON document behind it. A file
//! that is damaged, or of another version, counts for nothing: counting begins anew, and the totals say so.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;

use ohfp_broker::Timestamp;
use ohfp_platform::files::{self, Access, Refused, Replacement};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::log::{Cursor, MODE};
use crate::record::ProcessRecord;
use crate::tally::Tally;

const NAME: &str = "ohfp-metrics";
const VERSION: u32 = 1;
/// A larger file is none of ours.
const LARGEST: u64 = 64 << 20;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// How wide steps are, and up to which age, in milliseconds. Older ones than the last are in no window.
const WIDTHS: [(i64, i64); 3] = [(5 * MINUTE, 3 * 60 * MINUTE), (60 * MINUTE, 3 * DAY), (DAY, 60 * DAY)];

/// Sums for each operation.
pub type Operations = BTreeMap<String, Tally>;

/// What happened within some time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its beginning.
    pub begins: Timestamp,
    /// Its length in milliseconds.
    pub width: i64,
    /// What ended in it.
    pub operations: Operations,
}

/// That counting began anew, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anew {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// The totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// When the first process ended that is in them.
    pub since: Option<Timestamp>,
    /// Bytes of the log that were no record, in units of records.
    pub skipped: u64,
    /// Why what was counted before is not in them.
    pub anew: Option<Anew>,
    /// How far each file of the log is in them.
    pub cursors: Vec<Cursor>,
    /// When the log was put aside last.
    pub rotated: Option<Timestamp>,
    /// All processes.
    pub all: Operations,
    /// The same in steps of time, as far as they are not too old.
    pub steps: Vec<Period>,
}

/// Why a file of totals counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is a link, a pipe, a file of another account, or cannot be read.
    Untrusted(String),
    /// It was written by a newer version.
    Newer(String),
    /// Its content is not what was written.
    Damaged,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted(why) => f.write_str(why),
            Self::Newer(version) => {
                write!(f, "it has version {version}; this program reads version {VERSION}")
            }
            Self::Damaged => f.write_str("it is damaged"),
        }
    }
}

impl Totals {
    /// Reads totals; empty ones where there is no file.
    ///
    /// # Errors
    /// Why the file counts for nothing.
    pub fn read(path: &Path) -> Result<Self, Unusable> {
        let file = match files::open(path, Access::Read) {
            Err(refused) if refused.is_missing() => return Ok(Self::default()),
            opened => opened.map_err(|refused| Unusable::Untrusted(refused.to_string()))?,
        };
        let mut bytes = Vec::new();
        let read = file.take(LARGEST).read_to_end(&mut bytes);
        read.map_err(|error| Unusable::Untrusted(error.to_string()))?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Unusable::Damaged)?;
        let (head, document) = bytes.split_at(end);
        let head = std::str::from_utf8(head).map_err(|_| Unusable::Damaged)?;
        let mut words = head.split(' ');
        let (Some(NAME), Some(version), Some(sum)) = (words.next(), words.next(), words.next()) else {
            return Err(Unusable::Damaged);
        };
        if version.parse().is_ok_and(|version: u32| version > VERSION) {
            return Err(Unusable::Newer(version.to_owned()));
        }
        let document = document.get(1..).unwrap_or_default();
        if version != VERSION.to_string() || sum != format!("{:016x}", xxh3_64(document)) {
            return Err(Unusable::Damaged);
        }
        serde_json::from_slice(document).map_err(|_| Unusable::Damaged)
    }

    /// As the bytes of a file.
    fn to_bytes(&self) -> Vec<u8> {
        let document = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = format!("{NAME} {VERSION} {:016x}\n", xxh3_64(&document)).into_bytes();
        bytes.extend(document);
        bytes
    }

    /// Replaces the file, durably.
    ///
    /// # Errors
    /// [`Refused`] where it cannot be written, or is one that must not be replaced.
    pub fn write(&self, path: &Path) -> Result<(), Refused> {
        match std::fs::symlink_metadata(path) {
            Ok(there) => files::trust(&there, path)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let mut new = Replacement::unnamed(path, MODE)?;
        new.file().write_all(&self.to_bytes())?;
        Ok(new.commit()?)
    }

    /// Adds a process.
    pub fn add(&mut self, record: &ProcessRecord) {
        let operation = record.operation.name();
        add_to(&mut self.all, operation, record);
        let since = self.since.get_or_insert(record.at);
        *since = (*since).min(record.at);
        let (width, _) = WIDTHS[0];
        let begins = aligned(record.at, width);
        let known = self.steps.iter().rposition(|step| step.width == width && step.begins == begins);
        let place = known.unwrap_or_else(|| {
            self.steps.push(Period { begins, width, operations: Operations::new() });
            self.steps.len() - 1
        });
        if let Some(step) = self.steps.get_mut(place) {
            add_to(&mut step.operations, operation, record);
        }
    }

    /// Joins steps that are old, and drops those that are too old.
    pub fn age(&mut self, now: Timestamp) {
        let mut steps: BTreeMap<(Timestamp, i64), Operations> = BTreeMap::new();
        for step in std::mem::take(&mut self.steps) {
            let age = now.millis_since(step.begins);
            let Some((width, _)) =
                WIDTHS.iter().find(|(width, oldest)| *width >= step.width && age <= *oldest)
            else {
                continue;
            };
            let joined = steps.entry((aligned(step.begins, *width), *width)).or_default();
            for (operation, tally) in &step.operations {
                joined.entry(operation.clone()).or_default().merge(tally);
            }
        }
        self.steps = steps
            .into_iter()
            .map(|((begins, width), operations)| Period { begins, width, operations })
            .collect();
    }
}

/// Adds a process to sums.
pub(crate) fn add_to(operations: &mut Operations, operation: &str, record: &ProcessRecord) {
    match operations.get_mut(operation) {
        Some(tally) => tally.add(record),
        None => operations.entry(operation.to_owned()).or_default().add(record),
    }
}

fn aligned(at: Timestamp, width: i64) -> Timestamp {
    Timestamp::from_millis(at.millis().div_euclid(width).saturating_mul(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Operation;

    fn record(at: i64) -> ProcessRecord {
        ProcessRecord {
            operation: Operation::RequestMachines,
            at: Timestamp::from_millis(at),
            wall_micros: 2_000,
            ..ProcessRecord::default()
        }
    }

    #[test]
    fn a_file_is_read_back_or_counts_for_nothing() {
        let mut totals = Totals::default();
        totals.add(&record(10 * DAY));
        totals.anew = Some(Anew { at: Timestamp::from_millis(5), why: "it is damaged".to_owned() });
        let bytes = totals.to_bytes();
        assert_eq!(Totals::parse(&bytes), Ok(totals));
        for place in 0..bytes.len() {
            let mut harmed = bytes.clone();
            harmed[place] ^= 1;
            assert!(Totals::parse(&harmed).is_err(), "{place}");
        }
        for (content, expected) in [
            (&b""[..], Unusable::Damaged),
            (b"ohfp-metrics 1", Unusable::Damaged),
            (b"ohfp-metrics 2 0\n{}", Unusable::Newer("2".to_owned())),
            (b"ohfp-metrics 0 0\n{}", Unusable::Damaged),
            (b"\xff\n", Unusable::Damaged),
        ] {
            assert_eq!(Totals::parse(content), Err(expected), "{content:?}");
        }
    }

    #[test]
    fn steps_grow_with_their_age() {
        let mut totals = Totals::default();
        let now = 100 * DAY;
        for age in [0, MINUTE, 7 * MINUTE, 4 * 60 * MINUTE, 4 * 60 * MINUTE + 7 * MINUTE, 4 * DAY, 61 * DAY] {
            totals.add(&record(now - age));
        }
        totals.age(Timestamp::from_millis(now));
        let steps: Vec<(i64, i64, u64)> = totals
            .steps
            .iter()
            .map(|step| {
                let count = step.operations.values().map(|tally| tally.count).sum();
                ((now - step.begins.millis()) / MINUTE, step.width / MINUTE, count)
            })
            .collect();
        assert_eq!(
            steps,
            [(4 * 24 * 60, 24 * 60, 1), (300, 60, 1), (240, 60, 1), (10, 5, 1), (5, 5, 1), (0, 5, 1)]
        );
        assert_eq!(totals.all["requestMachines"].count, 7);
        assert_eq!(totals.since, Some(Timestamp::from_millis(now - 61 * DAY)));
    }
}
