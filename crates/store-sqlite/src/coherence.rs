//! Whether database, write-ahead log and lock file belong together.
//!
//! The log is a part of the store: a database whose log was removed, replaced or left behind opens without an
//! error, and lacks what schedulers were told. SQLite cannot see that. The watermark in the lock file can: a
//! database that has seen fewer transactions has lost some. And a database file that is not the one of the last
//! checkpoint, by its inode number and times, is read by itself before the log is laid over it.
//!
//! The common case costs one read of the lock file and one row of the database.

use std::fs::{File, Metadata};
use std::path::Path;

use ohfp_broker::{Error, Result};

use crate::connection;
use crate::failure;
use crate::identity::Identity;
use crate::watermark::{FileMark, Watermark};

/// What was seen of the files before the database was opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// What the lock file says; `None` where it says nothing.
    pub(crate) watermark: Option<Watermark>,
    /// The lock file cannot be read by this account, so nothing can be checked.
    blind: bool,
    /// The database file.
    pub(crate) file: FileMark,
    /// Size of the write-ahead log in bytes; `None` where there is none.
    log: Option<u64>,
    /// The database file without its log, where that was looked at; `Err` where it cannot be read.
    alone: Option<Result<Identity, ()>>,
}

/// The lock file, as far as it can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock<'f> {
    /// There is none.
    Missing,
    /// This account may not read it.
    Closed,
    /// It is open.
    Open(&'f File),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// So many transactions are missing that schedulers may have been told of.
    Lost(u64),
    /// The lock file is another store's.
    OtherStore,
    /// The log is not this database's.
    ForeignLog,
    /// It is a copy that left its log behind, or log and lock file were removed.
    Alone,
}

impl Doubt {
    /// The error for a store that cannot be trusted.
    pub(crate) fn error(self, database: &Path) -> Error {
        let damaged = failure::damaged(database);
        match self {
            Self::Lost(number) => damaged.cause(format!(
                "its last {number} transaction{} missing: its log was lost, or an older copy was put in its place",
                if number == 1 { " is" } else { "s are" }
            )),
            Self::OtherStore => damaged.cause("its lock file is of another store"),
            Self::ForeignLog => {
                damaged.cause("its write-ahead log is of another database, or of an older copy of this one")
            }
            Self::Alone => damaged.cause("it is a copy of a database without its write-ahead log"),
        }
    }
}

/// Looks at the files of a database that is about to be opened.
pub(crate) fn look(
    database: &Path,
    lock: Lock<'_>,
    file: &Metadata,
    log: Option<u64>,
    wal: bool,
) -> Result<Seen> {
    let watermark = match lock {
        Lock::Open(lock) => {
            Watermark::read(lock).map_err(|error| failure::io("read the lock file of", database, &error))?
        }
        Lock::Missing | Lock::Closed => None,
    };
    let blind = matches!(lock, Lock::Closed);
    let file = FileMark::of(file);
    let is_known = watermark.is_some_and(|mark| !mark.creating && mark.file == file);
    let alone = (wal && !blind && !is_known).then(|| connection::alone(database).map_err(drop));
    Ok(Seen { watermark, blind, file, log, alone })
}

/// What is wrong where a database does not reach the watermark.
pub(crate) fn reaches(mark: &Watermark, whole: &Identity) -> Option<Doubt> {
    if mark.id != whole.id {
        return Some(Doubt::OtherStore);
    }
    (whole.number < mark.number).then(|| Doubt::Lost(mark.number.saturating_sub(whole.number)))
}

impl Seen {
    /// Whether there was a write-ahead log, be it empty.
    pub(crate) fn log_exists(&self) -> bool {
        self.log.is_some()
    }

    fn has_log(&self) -> bool {
        self.log.is_some_and(|bytes| bytes > 0)
    }

    /// The watermark of a store that was created as a whole.
    fn reached(&self) -> Option<&Watermark> {
        self.watermark.as_ref().filter(|mark| !mark.creating)
    }

    /// Whether the file is the one that the watermark was written for, whatever is in it.
    fn is_own_file(&self) -> bool {
        self.reached().is_some_and(|mark| mark.file.inode() == self.file.inode())
    }

    /// What is wrong with the database file by itself. Ask before SQLite opens it: it would make a log where there is
    /// none, and cannot read a file that a foreign log is laid over.
    pub(crate) fn doubt_alone(&self) -> Option<Doubt> {
        let Some(Ok(alone)) = self.alone else { return None };
        // A backup is a whole; it never had a log.
        if alone.is_backup && self.has_log() {
            return Some(Doubt::ForeignLog);
        }
        // Without a watermark, only the inode number tells the original file from a copy.
        let is_young = self.watermark.is_some_and(|mark| mark.creating);
        let is_original = alone.inode == self.file.inode() && (self.log.is_some() || is_young);
        let is_alone = self.reached().is_none() && !self.has_log() && !alone.is_backup && !is_original;
        is_alone.then_some(Doubt::Alone)
    }

    /// What is wrong with the database, which has this identity with its log laid over it.
    pub(crate) fn doubt(&self, whole: &Identity) -> Option<Doubt> {
        if self.blind {
            return None;
        }
        if let Some(doubt) = self.reached().and_then(|mark| reaches(mark, whole)) {
            return Some(doubt);
        }
        let fits = match self.alone {
            None => true,
            // Without a log, what cannot be read now could not be read with it. A checkpoint that was cut short, by a
            // kill or with the power, leaves pages of two states in the file, and perhaps less than its header
            // says; the log has all of them. So the store's own file may have its log laid over it.
            Some(Err(())) => !self.has_log() || self.is_own_file(),
            Some(Ok(alone)) => {
                let base = self.reached().map_or(0, |mark| mark.base);
                let in_order = alone.id == whole.id && (base..=whole.number).contains(&alone.number);
                !self.has_log() || in_order
            }
        };
        (!fits).then_some(Doubt::ForeignLog)
    }
}
