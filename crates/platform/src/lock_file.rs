//! A lock between processes: a file beside what it guards, which exists while the lock is held.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::files::{self, Refused};

/// Whether to wait for another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Wait: a person or a pipeline needs the result.
    Wait,
    /// Do not wait: the holder does the same work.
    GiveUp,
}

/// The lock; released when dropped. A killed process does not hold it.
#[derive(Debug)]
pub struct LockFile {
    path: PathBuf,
    /// Holds the lock while it is open.
    held: Option<File>,
}

impl LockFile {
    /// Takes the lock; `None` if another process has it and `turn` is not to wait. Where the file system has no locks,
    /// or the file belongs to another account, the result is not held.
    ///
    /// # Errors
    /// The file is not trusted, for example because it is a link.
    pub fn take(path: &Path, mode: u32, turn: Turn) -> Result<Option<Self>, Refused> {
        let lock = |held| Ok(Some(Self { path: path.to_owned(), held }));
        loop {
            let handle = match files::open_or_create(path, files::Access::ReadWrite, mode) {
                Ok(handle) => handle,
                // It belongs to another account, in a directory that a group shares. Other problems surface
                // when writing.
                Err(Refused::Io(_)) => return lock(None),
                Err(refused) => return Err(refused),
            };
            match turn {
                Turn::Wait => {
                    if handle.lock().is_err() {
                        return lock(None);
                    }
                }
                Turn::GiveUp => match handle.try_lock() {
                    Ok(()) => {}
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(_)) => return lock(None),
                },
            }
            // The previous holder has removed the file while this process waited; other processes wait for a new one.
            if files::is_at(&handle, path) {
                return lock(Some(handle));
            }
        }
    }

    /// Whether it keeps other processes out.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }
}

impl Drop for LockFile {
    /// The file is removed before the lock is released: a waiting process notices that and creates a new file.
    fn drop(&mut self) {
        if self.held.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let path = std::env::temp_dir().join(format!("ohfp-lock-file-{}", std::process::id()));
        let take = || LockFile::take(&path, 0o600, Turn::GiveUp).unwrap();
        let first = take().unwrap();
        assert!(first.is_held() && path.exists());
        assert!(take().is_none());
        drop(first);
        assert!(!path.exists());
        assert!(take().is_some_and(|second| second.is_held()));
    }
}
