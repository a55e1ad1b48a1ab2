//! Folds the log into the totals.
//!
//! Totals are replaced first, with the places up to which the log is in them; then the log may be put aside. So a process
//! that is killed in between changes nothing about the sums. A log that was put aside is kept until the next one is, since
//! a process may have opened it just before.

use std::fs;
use std::io;
use std::path::Path;

use ohfp_broker::Timestamp;
use ohfp_platform::files::{self, Access, Refused};

use crate::log::{self, MODE, Tail};
use crate::record::SIZE;
use crate::totals::{Anew, Totals};

/// Size in bytes from which on the log is folded and put aside: 4,096 records.
pub(crate) const FOLD_AT: u64 = 512 << 10;

/// A log is put aside at most so often, in milliseconds: what has been put aside before is deleted then.
const ASIDE_MILLIS: i64 = 60_000;

/// The files of one host.
pub(crate) struct Paths<'p> {
    pub(crate) log: &'p Path,
    pub(crate) aside: &'p Path,
    pub(crate) totals: &'p Path,
    pub(crate) lock: &'p Path,
}

/// What a fold did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Another process folds, or reads.
    Busy,
    /// The log is in the totals. Counting began anew where there is a reason.
    Done(Option<String>),
}

/// Folds, unless another process does.
///
/// # Errors
/// [`Refused`] where a file is untrusted or cannot be written.
pub(crate) fn fold(paths: &Paths<'_>, now: Timestamp) -> Result<Folded, Refused> {
    let lock = files::open_or_create(paths.lock, Access::ReadWrite, MODE)?;
    if lock.try_lock().is_err() {
        return Ok(Folded::Busy);
    }
    let (mut totals, unusable) = match Totals::read(paths.totals) {
        Ok(totals) => (totals, None),
        Err(unusable) => {
            let why = format!("`{}`: {unusable}", paths.totals.display());
            let anew = Some(Anew { at: now, why: why.clone() });
            (Totals { anew, ..Totals::default() }, Some(why))
        }
    };
    let tails = tails(paths, &totals)?;
    totals.cursors.clear();
    for tail in tails {
        for record in &tail.records {
            totals.add(record);
        }
        totals.skipped = totals.skipped.saturating_add(tail.skipped);
        totals.cursors.extend(tail.cursor);
    }
    totals.age(now);
    let is_large = fs::metadata(paths.log).is_ok_and(|log| log.len() >= FOLD_AT);
    let is_time = totals.rotated.is_none_or(|at| {
        let since = now.millis_since(at);
        // A clock that was put back must not hold it up.
        !(0..ASIDE_MILLIS).contains(&since)
    });
    let aside = is_large && is_time;
    if aside {
        totals.rotated = Some(now);
    }
    totals.write(paths.totals)?;
    if aside {
        fs::rename(paths.log, paths.aside)?;
    }
    Ok(Folded::Done(unusable))
}

/// What is not in the totals yet: of the log that was put aside, and of the one in use.
pub(crate) fn tails(paths: &Paths<'_>, totals: &Totals) -> Result<[Tail; 2], Refused> {
    Ok([log::tail(paths.aside, &totals.cursors)?, log::tail(paths.log, &totals.cursors)?])
}

/// Reads totals and log as they are at one moment, as far as no process folds for long.
pub(crate) fn read(paths: &Paths<'_>) -> (Result<Totals, String>, Result<[Tail; 2], String>) {
    // The lock is only there once a process has folded.
    let lock = files::open(paths.lock, Access::Read).ok();
    if let Some(lock) = &lock {
        for _ in 0..READ_TRIES {
            match lock.try_lock_shared() {
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(READ_PAUSE),
                _ => break,
            }
        }
    }
    let totals = Totals::read(paths.totals);
    let known = totals.as_ref().ok().cloned().unwrap_or_default();
    let tails = tails(paths, &known).map_err(|refused| format!("`{}`: {refused}", paths.log.display()));
    let totals = totals.map_err(|unusable| format!("`{}`: {unusable}", paths.totals.display()));
    (totals, tails)
}

const READ_TRIES: u32 = 100;
const READ_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// Whether a process that found the log of this size is to fold it: one in sixty-four above the bound, so that not all
/// of them try.
pub(crate) fn is_due(size: u64) -> bool {
    size >= FOLD_AT && is_chosen(size / SIZE as u64)
}

/// Whether a number is one in sixty-four.
pub(crate) fn is_chosen(number: u64) -> bool {
    number.is_multiple_of(64)
}

/// Whether a directory cannot be written, which is no error here.
pub(crate) fn is_silent(refused: &Refused) -> bool {
    matches!(refused, Refused::Io(error) if !matches!(error.kind(), io::ErrorKind::InvalidData))
}
