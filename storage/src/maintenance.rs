//! What is done for the files of a store now and then, when no question waits for it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ohfp_broker::Result;

use crate::store::{SqliteStore, Written};
use crate::{identity, place, reserve};

/// How often the log is carried over into the database file, at most. It is two waits for the disk.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_mins(1);

impl SqliteStore {
    /// Carries the log over into the database file and takes back the room that is kept for returns, unless that
    /// was done in the last minute, there is no log, or another process writes or waits to.
    ///
    /// # Errors
    ///
    /// As [`Self::open_with`].
    pub fn maintain(&self) -> Result<()> {
        if place::size(&place::beside(self.path(), place::WAL_SUFFIX)) == 0 || is_recent(self.path()) {
            return Ok(());
        }
        let Some(lock) = self.idle_write_lock()? else { return Ok(()) };
        self.with_writer(&lock, |connection| {
            let known = identity::known(self.path(), connection)?;
            let mark = self.watermark(lock.file())?;
            let written = Written { lock: &lock, id: known.id, number: known.number, mark, file: None };
            self.checkpoint(&written, connection);
            Ok(())
        })?;
        reserve::fill(self.path());
        Ok(())
    }

    /// Notes outside its directory that the store exists, where that is not noted.
    pub fn keep_marker(&self) {
        self.traces().keep(self.path());
    }
}

/// Whether the database file was changed within the last minute, which a checkpoint does.
fn is_recent(database: &Path) -> bool {
    let changed = fs::symlink_metadata(database).and_then(|file| file.modified());
    changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < BETWEEN_CHECKPOINTS))
}
