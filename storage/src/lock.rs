//! Whose turn it is to write.
//!
//! SQLite lets waiting writers poll, so that under load some wait for ever. Here they queue for an advisory
//! lock on a file beside the database: the kernel wakes one after the other, and gives the lock up for a
//! process that dies. It is a queue only; what keeps data whole are SQLite's own locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ohfp_broker::{Error, ErrorKind, Result};

use crate::place::{FILE_MODE, give_to_owner_of_directory};
use crate::{failure, place};

/// The right to write, until dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _file: File,
    /// Whether others had it when it was asked for.
    pub(crate) waited: bool,
}

/// Waits at most `limit` for the right to write to `database`. Its directory must exist.
pub(crate) fn take(database: &Path, limit: Duration) -> Result<Turn> {
    let path = place::beside(database, place::LOCK_SUFFIX);
    let file = open(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(Turn { _file: file, waited: false }),
        Err(TryLockError::WouldBlock) => wait(database, file, limit),
        Err(TryLockError::Error(error)) => without(file, &path, &error),
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE);
    match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let file = options.create(true).truncate(false).open(path);
            let file = file.map_err(|error| failure::io("create", path, &error))?;
            give_to_owner_of_directory(path);
            Ok(file)
        }
        opened => opened.map_err(|error| failure::io("open", path, &error)),
    }
}

/// A lock cannot be waited for with a time limit, so a thread waits for it. One that is too late gets the
/// lock some time, finds nobody to give it to, and so gives it up.
fn wait(database: &Path, file: File, limit: Duration) -> Result<Turn> {
    let (sender, receiver) = mpsc::channel();
    let waiting = thread::Builder::new().name("state-lock".to_owned()).stack_size(64 * 1024);
    let spawned = waiting.spawn(move || {
        let locked = loop {
            match file.lock() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
                Ok(()) => break Ok(file),
            }
        };
        // Nobody is there any more when it took too long.
        let _ = sender.send(locked);
    });
    if let Err(error) = spawned {
        return Err(Error::new(ErrorKind::System, "cannot start a thread").cause(error));
    }
    match receiver.recv_timeout(limit) {
        Ok(Ok(file)) => Ok(Turn { _file: file, waited: true }),
        Ok(Err(error)) => Err(failure::io("lock", database, &error)),
        Err(_) => Err(failure::busy(database)),
    }
}

/// Some network file systems have no such locks. SQLite has its own; only the queue is not fair then.
fn without(file: File, path: &Path, error: &std::io::Error) -> Result<Turn> {
    if matches!(error.kind(), std::io::ErrorKind::Unsupported) || error.raw_os_error() == Some(NO_LOCKS) {
        tracing::warn!(path = %path.display(), %error, "the file system has no locks; writers take their turns by chance");
        Ok(Turn { _file: file, waited: false })
    } else {
        Err(failure::io("lock", path, error))
    }
}

/// `ENOLCK` on Linux.
const NO_LOCKS: i32 = 37;
