//! The inter-process write lock: a FIFO queue on an advisory file lock.
//!
//! SQLite lets waiting writers poll, so that under load some wait for ever. Here they queue for a file beside the
//! database: the kernel wakes one after the other, and gives the lock up for a process that dies. It is a queue
//! only; what keeps data whole are SQLite's own locks.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, MutexGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_metrics::counters::{self, Counter};
use ohfp_platform::files::{self, Access};

use crate::failure;
use crate::paths::{self, LOCK_MODE};

/// The right to write, until dropped.
#[derive(Debug)]
pub(crate) struct WriteLock<'s> {
    file: Arc<File>,
    /// Threads of this process share the file, so they queue before it.
    _thread: MutexGuard<'s, ()>,
}

impl<'s> WriteLock<'s> {
    pub(crate) fn new(file: Arc<File>, thread: MutexGuard<'s, ()>) -> Self {
        Self { file, _thread: thread }
    }

    /// The lock file.
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }
}

impl Drop for WriteLock<'_> {
    fn drop(&mut self) {
        // Where the file system has no locks there is none to give up.
        let _ = self.file.unlock();
    }
}

/// Opens the lock file of `database`, whose directory must exist; makes it where it is missing.
pub(crate) fn open(database: &Path) -> Result<File> {
    let path = paths::beside(database, paths::LOCK_SUFFIX);
    files::open_or_create(&path, Access::ReadWrite, LOCK_MODE)
        .map_err(|refused| failure::untrusted(&path, &refused))
}

/// Waits at most `limit` for the lock. Gives whether it had to wait: others may be waiting too.
pub(crate) fn take(database: &Path, file: &Arc<File>, limit: Duration) -> Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => {
            let start = Instant::now();
            let waited = wait(database, Arc::clone(file), limit);
            counters::add(Counter::LockWaits, 1);
            let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            counters::add(Counter::LockWaitMicros, micros);
            waited.map(|()| true)
        }
        Err(TryLockError::Error(error)) => without(database, &error).map(|()| false),
    }
}

/// A lock cannot be waited for with a time limit, so a thread waits for it. When the caller has given up and has
/// dropped its handle, the thread's is the last one: closing it gives up a lock that came too late.
fn wait(database: &Path, file: Arc<File>, limit: Duration) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    let waiting = thread::Builder::new().name("state-lock".to_owned()).stack_size(64 * 1024);
    let spawned = waiting.spawn(move || {
        let locked = loop {
            match file.lock() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                locked => break locked,
            }
        };
        drop(file);
        // The caller is gone when it took too long.
        let _ = sender.send(locked);
    });
    if let Err(error) = spawned {
        return Err(Error::new(ErrorKind::System, "cannot start a thread").cause(error));
    }
    match receiver.recv_timeout(limit) {
        Ok(locked) => locked.map_err(|error| failure::io("lock", database, &error)),
        Err(_) => Err(failure::busy(database)),
    }
}

/// Some network file systems have no such locks. SQLite has its own; only the queue is not fair then.
fn without(database: &Path, error: &std::io::Error) -> Result<()> {
    if matches!(error.kind(), std::io::ErrorKind::Unsupported) || error.raw_os_error() == Some(NO_LOCKS) {
        let path = database.display();
        tracing::warn!(%path, %error, "the file system has no locks; writers take their turns by chance");
        Ok(())
    } else {
        Err(failure::io("lock", &paths::beside(database, paths::LOCK_SUFFIX), error))
    }
}

/// `ENOLCK` on Linux.
const NO_LOCKS: i32 = 37;
