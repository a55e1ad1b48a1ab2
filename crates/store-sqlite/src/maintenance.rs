//! Maintenance of the files, after an answer.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ohfp_broker::Result;

use crate::store::SqliteStore;
use crate::transactions::Written;
use crate::{identity, paths, reserve};

/// For how long the log must have been left alone before it is carried over into the database file, which is two
/// waits for the disk. A store that is written to all the time does so by the length of its log.
const QUIET: Duration = Duration::from_secs(10);

impl SqliteStore {
    /// Carries the log over into the database file and takes back the room that is kept for returns, unless there
    /// is no log, it was written to just now, or another process has the write lock.
    ///
    /// # Errors
    ///
    /// As [`Self::open_with`].
    pub fn maintain(&self) -> Result<()> {
        if !is_due(&paths::beside(self.path(), paths::WAL_SUFFIX)) {
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

/// Whether there is something in the log, and nothing new. A time in the future is as good as old.
fn is_due(log: &Path) -> bool {
    let Ok(status) = fs::symlink_metadata(log) else { return false };
    let is_new = status.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age < QUIET));
    status.len() > 0 && !is_new
}
