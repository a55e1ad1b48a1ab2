//! The file that keeps lines until they are sent: one for each host, so that one lock is enough.
//!
//! A process adds its line under a shared lock. Who sends takes the file away first, under the exclusive one, so a line
//! is in the file that is sent or in the next one, and in no file that was deleted.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::files::{self, Access};
use ohfp_platform::sys;

const MODE: u32 = 0o640;

/// How long a lock is waited for that a process holds while it adds a line.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
}

/// Lines that were taken away; they stay in a file until [`Taken::done`]. No other process sends as long as this lives.
#[derive(Debug)]
pub(super) struct Taken {
    path: PathBuf,
    _turn: File,
    pub(super) bytes: Vec<u8>,
}

impl Spool {
    /// The spool of this host in the state directory.
    pub(super) fn new(directory: &Path) -> Self {
        Self { path: directory.join(format!("spans-{}.spool", sys::host_name())) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line in one write, unless the file has grown to its limit. A state directory that is not there is not
    /// made for this.
    pub(super) fn add(&self, line: &[u8], limit: u64) -> Result<()> {
        for _ in 0..2 {
            let mut file = match files::open_or_create(&self.path, Access::Append, MODE) {
                Ok(file) => file,
                Err(refused) if refused.is_missing() => return Ok(()),
                Err(refused) => return Err(self.failed("written", refused)),
            };
            if self.add_to(&mut file, line, limit)? {
                break;
            }
        }
        Ok(())
    }

    /// Adds a line to an open file; `false` where it is taken away, now or since it was opened: what is added then would
    /// be deleted with it. The next one is a new file.
    fn add_to(&self, file: &mut File, line: &[u8], limit: u64) -> Result<bool> {
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Ok(false),
            // Without locks a line may be lost, and no answer.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        if !files::is_at(file, &self.path) {
            return Ok(false);
        }
        if file.metadata().map_err(|error| self.failed("read", error))?.len() >= limit {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("`{}` has grown to its limit", self.path.display()),
            )
            .hint("`ohfp metrics push` sends it; `metrics.otlp.spool_limit` is the limit"));
        }
        file.write_all(line).map_err(|error| self.failed("written", error))?;
        Ok(true)
    }

    /// Takes away what was left behind by a command that could not send it, or what there is now. `None` where there is
    /// nothing.
    pub(super) fn take(&self) -> Result<Option<Taken>> {
        let mut path = self.path.clone().into_os_string();
        path.push(".sending");
        let path = PathBuf::from(path);
        if !self.path.exists() && !path.exists() {
            return Ok(None);
        }
        // One process at a time: another would replace or remove the file that this one sends. The directory is locked, so
        // that nothing is left of it.
        let turn =
            File::open(files::directory(&self.path)).map_err(|error| self.failed("taken away", error))?;
        self.locked(&turn)?;
        let bytes = match self.read(&path)? {
            Some(left_behind) => Some(left_behind),
            None => match fs::rename(&self.path, &path) {
                Ok(()) => self.read(&path)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(self.failed("taken away", error)),
            },
        };
        Ok(bytes.map(|bytes| Taken { path, _turn: turn, bytes }))
    }

    /// All of a file, once no process adds to it; `None` where there is none.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        let mut file = match files::open(path, Access::Read) {
            Ok(file) => file,
            Err(refused) if refused.is_missing() => return Ok(None),
            Err(refused) => return Err(self.failed("read", refused)),
        };
        self.locked(&file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| self.failed("read", error))?;
        Ok(Some(bytes))
    }

    /// Waits for a lock that another process has for a moment.
    fn locked(&self, file: &File) -> Result<()> {
        let begun = Instant::now();
        while let Err(TryLockError::WouldBlock) = file.try_lock() {
            if begun.elapsed() > LONGEST_WAIT {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    format!("another process sends `{}` now", self.path.display()),
                ));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn failed(&self, what: &str, error: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::System, format!("`{}` cannot be {what}: {error}", self.path.display()))
    }
}

impl Taken {
    /// Removes the lines: they were sent.
    pub(super) fn done(self) -> Result<()> {
        fs::remove_file(&self.path).map_err(|error| {
            Error::new(ErrorKind::System, format!("`{}` cannot be removed: {error}", self.path.display()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_until_they_are_sent() {
        let directory = std::env::temp_dir().join(format!("ohfp-spool-{}", std::process::id()));
        let spool = Spool::new(&directory);
        // No directory is made.
        assert_eq!(spool.add(b"1\n", 100), Ok(()));
        assert!(!directory.exists());
        fs::create_dir_all(&directory).unwrap();
        assert!(spool.take().unwrap().is_none());
        spool.add(b"1\n", 100).unwrap();
        spool.add(b"2\n", 100).unwrap();
        let taken = spool.take().unwrap().unwrap();
        assert_eq!(taken.bytes, b"1\n2\n");
        spool.add(b"3\n", 100).unwrap();
        // Another process sends.
        assert!(spool.take().unwrap_err().summary().contains("another process"));
        drop(taken);
        // Not sent: these first.
        let taken = spool.take().unwrap().unwrap();
        assert_eq!(taken.bytes, b"1\n2\n");
        taken.done().unwrap();
        let taken = spool.take().unwrap().unwrap();
        assert_eq!(taken.bytes, b"3\n");
        taken.done().unwrap();
        // One that opened the file just before it was taken away.
        let mut opened = files::open_or_create(&spool.path, Access::Append, MODE).unwrap();
        spool.add(b"4\n", 100).unwrap();
        let taken = spool.take().unwrap().unwrap();
        assert_eq!(spool.add_to(&mut opened, b"5\n", 100), Ok(false));
        assert_eq!(taken.bytes, b"4\n");
        taken.done().unwrap();
        drop(opened);
        spool.add(b"12345\n", 6).unwrap();
        assert!(spool.add(b"x\n", 6).unwrap_err().summary().contains("limit"));
        fs::remove_dir_all(&directory).unwrap();
    }
}
