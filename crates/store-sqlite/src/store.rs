//! [`SqliteStore`]: when to open, which process may write, what a transaction is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohfp_broker::Result;
use ohfp_platform::files::{self, Access, Refused};
use rusqlite::Connection;

use crate::coherence::{self, Lock, Seen};
use crate::connection::{self, Found, Setup};
use crate::lock::{self, WriteLock};
use crate::traces::{self, Traces};
use crate::watermark::StoreId;
use crate::{create, failure, identity, migration, paths};

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether the database lies on a file system of this machine alone. Elsewhere SQLite's write-ahead log
    /// does not work, and a rollback journal is used.
    pub local_file_system: bool,
    /// Size of a block of that file system in bytes; 0 where it is not known.
    pub block_size: u64,
    /// Maximum wait for other processes.
    pub busy_timeout: Duration,
    /// Whether to open at once what is there; else that is for the first query to do.
    pub eager: bool,
    /// Whether writing, creating and migrating are forbidden.
    pub read_only: bool,
}

/// Size of a page of memory in bytes, at least.
const PAGE: u64 = 4_096;

/// Effect of a write without a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// The database is created, unless there are traces of an older one.
    Allowed,
    /// It is missing, which is an error.
    Refused,
}

/// The state store in an SQLite database.
///
/// Reading creates no file. Only a request for machines creates a store, and only without traces of an older
/// one.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    options: Options,
    traces: Traces,
    link: Mutex<Option<Link>>,
    /// The lock file, opened once: by the first process that reads its watermark.
    lock_file: Mutex<Option<Arc<File>>>,
    /// The write lock among the threads of this process. Taken before `link`.
    threads: Mutex<()>,
    /// Whether the write lock had to be waited for: others may be waiting for it now.
    pub(crate) contended: AtomicBool,
    /// Whether this process may use up the reserve.
    pub(crate) may_use_reserve: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) connection: Connection,
    pub(crate) writes: bool,
    /// The write-ahead log, where there is one; only once it writes.
    pub(crate) log: Option<File>,
    /// State of the files before they were opened, until the first transaction confirms it.
    pub(crate) unconfirmed: Option<Seen>,
    /// Which store it is, once that is confirmed.
    pub(crate) id: Option<StoreId>,
}

impl Link {
    fn new(connection: Connection, seen: Seen) -> Self {
        Self { connection, writes: false, log: None, unconfirmed: Some(seen), id: None }
    }
}

impl SqliteStore {
    /// A store at `path`, which leaves traces beside it only.
    ///
    /// # Errors
    ///
    /// As [`Self::open_with`].
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        Self::open_with(path, options, Traces::default())
    }

    /// A store at `path`. The database is opened when first needed, or now with [`Options::eager`].
    ///
    /// # Errors
    ///
    /// `Input` where the file is not a state store or of a newer version, `Damaged` where it is broken or missing
    /// although there was one, `Unavailable` where others keep it busy, `System` where it cannot be read.
    pub fn open_with(path: impl AsRef<Path>, options: Options, traces: Traces) -> Result<Self> {
        let path = path.as_ref();
        // SQLite gives a meaning to some relative names.
        let path = std::path::absolute(path).map_err(|error| failure::io("find", path, &error))?;
        let store = Self {
            path,
            options,
            traces,
            link: Mutex::default(),
            lock_file: Mutex::default(),
            threads: Mutex::default(),
            contended: AtomicBool::new(false),
            may_use_reserve: AtomicBool::new(false),
        };
        if options.eager {
            drop(store.connected()?);
        }
        Ok(store)
    }

    /// Path of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The options of the store.
    pub fn options(&self) -> Options {
        self.options
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.traces
    }

    pub(crate) fn setup(&self) -> Setup {
        Setup {
            wal: self.options.local_file_system,
            busy_timeout: self.options.busy_timeout,
            read_only: self.options.read_only,
            small_blocks: (1..PAGE).contains(&self.options.block_size),
        }
    }

    pub(crate) fn link(&self) -> MutexGuard<'_, Option<Link>> {
        // A transaction that was cut short by a panic has been rolled back.
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up the connection, for what has to be done to the files themselves. The caller has the write lock.
    pub(crate) fn disconnect(&self) {
        *self.link() = None;
    }

    /// The write lock, and a directory to write in.
    pub(crate) fn write_lock(&self) -> Result<WriteLock<'_>> {
        if self.options.read_only {
            return Err(failure::refused(format!(
                "the state store `{}` is open for reading only",
                self.path.display()
            )));
        }
        let _phase = ohfp_timings::phase("wait for lock");
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.lock_file(true)?;
        match lock::take(&self.path, &file, self.options.busy_timeout) {
            Ok(waited) => {
                self.contended.fetch_or(waited, Ordering::Relaxed);
                Ok(WriteLock::new(file, threads))
            }
            Err(error) => {
                // A lock that comes too late goes with the last handle of the file.
                *self.lock_file.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(error)
            }
        }
    }

    /// The write lock if no process has it, and none waits for it.
    pub(crate) fn idle_write_lock(&self) -> Result<Option<WriteLock<'_>>> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.lock_file(true)?;
        Ok(file.try_lock().is_ok().then(|| WriteLock::new(file, threads)))
    }

    fn lock_file(&self, create: bool) -> Result<Arc<File>> {
        let mut held = self.lock_file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = held.as_ref() {
            return Ok(Arc::clone(file));
        }
        if create {
            paths::make_directory(&self.path)?;
        }
        let file = Arc::new(lock::open(&self.path)?);
        *held = Some(Arc::clone(&file));
        Ok(file)
    }

    /// Looks at the files before SQLite opens them; `None` where there is no database.
    fn look(&self) -> Result<Option<Seen>> {
        let Some(file) = paths::inspect(&self.path)? else {
            self.traces.must_be_new(&self.path)?;
            return Ok(None);
        };
        let wal = self.options.local_file_system;
        let log = if wal { paths::inspect_log(&self.path)? } else { None };
        let mut held = self.lock_file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read_only = None;
        let lock = match held.as_ref() {
            Some(lock) => Lock::Open(lock),
            None => {
                let path = paths::beside(&self.path, paths::LOCK_SUFFIX);
                let access = if self.options.read_only { Access::Read } else { Access::ReadWrite };
                match files::open(&path, access) {
                    Ok(lock) if self.options.read_only => Lock::Open(read_only.insert(lock)),
                    Ok(lock) => Lock::Open(held.insert(Arc::new(lock))),
                    Err(refused) if refused.is_missing() => Lock::Missing,
                    Err(Refused::Io(error)) if is_denied(&error) => Lock::Closed,
                    Err(refused) => return Err(failure::untrusted(&path, &refused)),
                }
            }
        };
        let seen = coherence::look(&self.path, lock, &file, log, wal)?;
        match seen.doubt_alone() {
            Some(doubt) => Err(doubt.error(&self.path)),
            None => Ok(Some(seen)),
        }
    }

    /// Opens the database, after which there is a write-ahead log where there should be one, and its name is on
    /// the disk as well as what will be in it.
    fn find(&self, seen: &Seen) -> Result<Found> {
        let found = connection::find(&self.path, self.setup())?;
        if self.options.local_file_system && !seen.log_exists() {
            files::sync_directory(&self.path);
        }
        if let Found::Outdated(connection, outdated) = &found
            && outdated.version > 0
            && let Some(doubt) = seen.doubt(&identity::known(&self.path, connection)?)
        {
            return Err(doubt.error(&self.path));
        }
        Ok(found)
    }

    /// The connection, made now if need be; `None` where there is no database.
    pub(crate) fn connected(&self) -> Result<Option<MutexGuard<'_, Option<Link>>>> {
        let mut link = self.link();
        if link.is_some() {
            return Ok(Some(link));
        }
        let _phase = ohfp_timings::phase("open store");
        let Some(seen) = self.look()? else { return Ok(None) };
        match self.find(&seen)? {
            Found::Ready(connection) => {
                *link = Some(Link::new(connection, seen));
                Ok(Some(link))
            }
            Found::Outdated(connection, outdated) if self.options.read_only => {
                connection::may_be_read(&self.path, outdated)?;
                *link = Some(Link::new(connection, seen));
                Ok(Some(link))
            }
            Found::Outdated(connection, _) => {
                // Another connection of ours would be in the way of what has to be done; and a writer takes the
                // write lock first and the connection second.
                drop(connection);
                drop(link);
                let lock = self.write_lock()?;
                self.connected_for_writing(&lock, Creation::Refused).map(Some)
            }
        }
    }

    /// The connection, ready to write; the database is created or migrated if need be.
    pub(crate) fn connected_for_writing(
        &self,
        lock: &WriteLock<'_>,
        creation: Creation,
    ) -> Result<MutexGuard<'_, Option<Link>>> {
        let mut link = self.link();
        if link.is_none() {
            let seen = match self.look()? {
                Some(seen) => seen,
                None if creation == Creation::Refused => return Err(traces::missing(&self.path)),
                None => {
                    create::create(&self.path, self.setup(), lock.file(), &self.traces)?;
                    self.look()?.ok_or_else(|| traces::missing(&self.path))?
                }
            };
            let connection = match self.find(&seen)? {
                Found::Ready(connection) => connection,
                Found::Outdated(connection, outdated) => {
                    migration::update(&self.path, &connection, outdated, self.setup())?;
                    let connection = connection::with_journal(&self.path, connection)?;
                    create::seal(&self.path, &connection, lock.file())?;
                    connection
                }
            };
            // What was looked at may have become another store by an update.
            let seen = self.look()?.unwrap_or(seen);
            *link = Some(Link::new(connection, seen));
        }
        if let Some(link) = link.as_mut()
            && !link.writes
        {
            if connection::prepare_for_writing(&self.path, &link.connection)? {
                link.log = Some(paths::open_log(&self.path)?);
            }
            link.writes = true;
        }
        Ok(link)
    }
}

fn is_denied(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied
}
