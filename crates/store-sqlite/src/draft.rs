//! A database under construction beside its final path: it appears complete or not at all, and leftovers are removed.
//!
//! It has a name of its own for each process. The advisory lock on it tells the next process whether its maker
//! is still alive; what a killed one left is removed then.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ohfp_broker::Result;
use ohfp_platform::disk;
use ohfp_platform::files::{self, Access, Refused};

use crate::failure;
use crate::paths::{self, FILE_MODE, JOURNAL_SUFFIX, SHM_SUFFIX, WAL_SUFFIX};

const PREFIX: &str = ".ohfp-";
const SUFFIX: &str = ".draft";

/// Where no lock tells that its maker is gone, a draft is removed when it is this old.
const ABANDONED: Duration = Duration::from_hours(24);

/// How many names are tried.
const ATTEMPTS: u32 = 100;

/// A database under construction; removed when dropped.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    /// Held open: closing it would take away the locks that a connection to it holds.
    file: File,
    placed: bool,
}

impl Draft {
    /// An empty file in the directory where `target` shall be.
    pub(crate) fn begin(target: &Path) -> Result<Self> {
        let failed = |error: &io::Error| failure::io("create", target, error);
        // SQLite is told not to follow links, in any part of a path.
        let directory = fs::canonicalize(files::directory(target)).map_err(|error| failed(&error))?;
        remove_abandoned(&directory);
        for attempt in 0.. {
            let path = directory.join(format!("{PREFIX}{}-{attempt}{SUFFIX}", std::process::id()));
            match files::create(&path, FILE_MODE) {
                Err(Refused::Io(error))
                    if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {}
                Err(Refused::Io(error)) => return Err(failed(&error)),
                Err(refused) => return Err(failure::untrusted(target, &refused)),
                Ok(file) => {
                    // Where there are no such locks, its age has to tell.
                    let _ = file.try_lock();
                    return Ok(Self { path, file, placed: false });
                }
            }
        }
        Err(failed(&io::ErrorKind::AlreadyExists.into()))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its inode number, which a rename leaves as it is.
    pub(crate) fn inode(&self) -> Result<u64> {
        let status = self.file.metadata().map_err(|error| failure::io("create", &self.path, &error))?;
        Ok(status.ino())
    }

    /// Syncs the file.
    pub(crate) fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| failure::io("write", &self.path, &error))
    }

    /// Puts it where nothing must be. The name is durable then.
    pub(crate) fn place_new(mut self, target: &Path) -> io::Result<()> {
        disk::rename_new(&self.path, target)?;
        self.placed = true;
        files::sync_directory(target);
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            remove(&self.path);
        }
    }
}

fn remove(path: &Path) {
    for suffix in ["", WAL_SUFFIX, JOURNAL_SUFFIX, SHM_SUFFIX] {
        let _ = fs::remove_file(paths::beside(path, suffix));
    }
}

/// Removes what killed processes left behind.
fn remove_abandoned(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_draft = name.to_str().is_some_and(|name| {
            name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).is_some()
        });
        if is_draft && is_abandoned(&entry.path()) {
            remove(&entry.path());
        }
    }
}

fn is_abandoned(path: &Path) -> bool {
    let Ok(file) = files::open(path, Access::Read) else { return false };
    match file.try_lock() {
        Ok(()) => true,
        Err(fs::TryLockError::WouldBlock) => false,
        Err(fs::TryLockError::Error(_)) => {
            let changed = file.metadata().and_then(|status| status.modified());
            changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED))
        }
    }
}
