//! [`SqliteStore`]: when to open, whom to let write, what a transaction is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohfp_broker::records::{Ledger, Records};
use ohfp_broker::request::{Request, View};
use ohfp_broker::store::{
    Admission, Applied, Change, MachineFilter, RequestFilter, Resolved, Returning, Store,
};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{Machine, MachineId, MachineRef, RequestId, Result, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use crate::connection::{self, Found, Setup};
use crate::documents::{Documents, NoDocuments};
use crate::lock::{self, Turn};
use crate::session::{Session, Verdict};
use crate::{failure, machines, place, requests, returns};

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether the database lies on a file system of this machine alone. Elsewhere SQLite's write-ahead log
    /// does not work, and a rollback journal is used.
    pub local_file_system: bool,
    /// For how long to wait for others, at most.
    pub busy_timeout: Duration,
    /// Whether to open at once, and to create what is missing; else that is for the first query to do.
    pub eager: bool,
    /// Whether nothing may be written, created or migrated.
    pub read_only: bool,
}

/// Beyond so many bytes the write-ahead log is carried over into the database by whoever has written. A cold
/// start reads the log, so it must not be long; carrying it over costs two more writes to the disk, so it
/// must not be done each time.
const LONGEST_LOG: u64 = 256 * 1024;

/// The same while others wait for their turn.
const LONGEST_LOG_OF_MANY: u64 = 2 * 1024 * 1024;

/// When what was written is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// When the transaction ends.
    AtOnce,
    /// When the next transaction that is durable at once ends. Waiting for the disk is most of what a
    /// transaction costs.
    WithNext,
}

/// The state store in an SQLite database.
///
/// Reading creates nothing: where there is no database yet, there are no requests yet.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    options: Options,
    link: Mutex<Option<Link>>,
    /// Whether a turn to write had to be waited for: others may be waiting for theirs now.
    crowded: AtomicBool,
}

#[derive(Debug)]
struct Link {
    connection: Connection,
    writes: bool,
    /// The write-ahead log, where there is one; only once it writes.
    log: Option<File>,
}

impl Link {
    fn new(connection: Connection) -> Self {
        Self { connection, writes: false, log: None }
    }
}

impl SqliteStore {
    /// A store at `path`. Its directory and the database are created when first needed, or now with
    /// [`Options::eager`].
    ///
    /// # Errors
    ///
    /// `Input` where the file is not a state store or of a newer version, `Damaged` where it is broken,
    /// `Unavailable` where others keep it busy, `System` where it cannot be read or created.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let path = path.as_ref();
        // SQLite gives a meaning to some relative names.
        let path = std::path::absolute(path).map_err(|error| failure::io("find", path, &error))?;
        let store = Self { path, options, link: Mutex::new(None), crowded: AtomicBool::new(false) };
        if options.eager && store.connected()?.is_none() && !options.read_only {
            let turn = store.turn()?;
            drop(store.connected_for_writing(&turn)?);
        }
        Ok(store)
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it was opened.
    pub fn options(&self) -> Options {
        self.options
    }

    pub(crate) fn setup(&self) -> Setup {
        Setup {
            wal: self.options.local_file_system,
            busy_timeout: self.options.busy_timeout,
            read_only: self.options.read_only,
        }
    }

    fn link(&self) -> MutexGuard<'_, Option<Link>> {
        // A transaction that was cut short by a panic has been rolled back.
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to write, and a directory to write in.
    pub(crate) fn turn(&self) -> Result<Turn> {
        if self.options.read_only {
            return Err(failure::refused(format!(
                "the state store `{}` is open for reading only",
                self.path.display()
            )));
        }
        place::make_directory(&self.path)?;
        let turn = lock::take(&self.path, self.options.busy_timeout)?;
        self.crowded.fetch_or(turn.waited, Ordering::Relaxed);
        Ok(turn)
    }

    /// Opens the database with `open`, after which there is a write-ahead log where there should be one, and its
    /// name is on the disk as well as what will be in it.
    fn with_log<T>(&self, open: impl FnOnce() -> Result<T>) -> Result<T> {
        let is_new = self.options.local_file_system && !place::beside(&self.path, place::WAL_SUFFIX).exists();
        let opened = open()?;
        if is_new {
            place::sync_directory(&self.path);
        }
        Ok(opened)
    }

    /// The connection, made now if need be; nothing where there is no database.
    fn connected(&self) -> Result<Option<MutexGuard<'_, Option<Link>>>> {
        let mut link = self.link();
        if link.is_some() {
            return Ok(Some(link));
        }
        match self.with_log(|| connection::find(&self.path, self.setup()))? {
            Found::Nothing => Ok(None),
            Found::Ready(connection) => {
                *link = Some(Link::new(connection));
                Ok(Some(link))
            }
            Found::Outdated(connection, outdated) if self.options.read_only => {
                connection::may_be_read(&self.path, outdated)?;
                *link = Some(Link::new(connection));
                Ok(Some(link))
            }
            Found::Outdated(connection, _) => {
                // Another connection of ours would be in the way of what has to be done; and whoever writes
                // takes the turn first and the connection second.
                drop(connection);
                drop(link);
                let turn = self.turn()?;
                self.connected_for_writing(&turn).map(Some)
            }
        }
    }

    /// The connection, ready to write; the database is created or migrated if need be.
    fn connected_for_writing(&self, _turn: &Turn) -> Result<MutexGuard<'_, Option<Link>>> {
        let mut link = self.link();
        if link.is_none() {
            let setup = self.setup();
            let connection = self.with_log(|| match connection::find(&self.path, setup)? {
                Found::Ready(connection) => Ok(connection),
                Found::Outdated(connection, outdated) => {
                    connection::update(&self.path, &connection, outdated, setup)?;
                    connection::with_journal(&self.path, connection)
                }
                Found::Nothing => {
                    connection::create(&self.path, setup)?;
                    connection::with_journal(&self.path, connection::open(&self.path, setup)?)
                }
            })?;
            *link = Some(Link::new(connection));
        }
        if let Some(link) = link.as_mut()
            && !link.writes
        {
            if connection::prepare_for_writing(&self.path, &link.connection)? {
                link.log = Some(place::open_log(&self.path)?);
            }
            link.writes = true;
        }
        Ok(link)
    }

    /// Runs `body` on one consistent state; nothing where there is no database.
    pub(crate) fn read<T>(&self, body: impl FnOnce(&Session<'_>) -> Result<T>) -> Result<Option<T>> {
        let Some(link) = self.connected()? else { return Ok(None) };
        let Some(Link { connection, .. }) = link.as_ref() else { return Ok(None) };
        let patience = self.options.busy_timeout;
        let _transaction =
            connection::begin(&self.path, connection, TransactionBehavior::Deferred, patience)?;
        body(&Session::new(connection, &self.path)).map(Some)
    }

    /// Runs `body` in a transaction that may write, when it is our turn.
    pub(crate) fn write<T>(&self, body: impl FnOnce(&Session<'_>) -> Result<Verdict<T>>) -> Result<T> {
        self.write_with(Durability::AtOnce, body)
    }

    fn write_with<T>(
        &self,
        durability: Durability,
        body: impl FnOnce(&Session<'_>) -> Result<Verdict<T>>,
    ) -> Result<T> {
        // Opening takes longer than writing, and nobody has to wait for it.
        drop(self.connected()?);
        let turn = self.turn()?;
        let mut link = self.connected_for_writing(&turn)?;
        let Some(link) = link.as_mut() else { return Err(failure::busy(&self.path)) };
        let (connection, patience) = (&link.connection, self.options.busy_timeout);
        let transaction =
            connection::begin(&self.path, connection, TransactionBehavior::Immediate, patience)?;
        let value = match body(&Session::new(connection, &self.path))? {
            Verdict::Undo(value) => return Ok(value),
            Verdict::Keep(value) => value,
        };
        connection::commit(&self.path, &transaction, patience)?;
        let Some(log) = &link.log else { return Ok(value) };
        self.shorten_log(connection, log);
        // Others may write while this one waits for the disk, and one wait of the disk's serves them all.
        drop(turn);
        if durability == Durability::AtOnce {
            log.sync_data().map_err(|error| failure::io("write", &self.path, &error))?;
        }
        Ok(value)
    }

    /// Carries a long log over into the database. Everything is stored already, so a failure here is nobody's
    /// but the next writer's, who tries again.
    fn shorten_log(&self, connection: &Connection, log: &File) {
        let longest = if self.crowded.load(Ordering::Relaxed) { LONGEST_LOG_OF_MANY } else { LONGEST_LOG };
        if log.metadata().map_or(0, |file| file.len()) <= longest {
            return;
        }
        // Somebody who is reading the log right now is not waited for.
        let carried = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .and_then(|()| connection.busy_timeout(self.options.busy_timeout));
        if let Err(error) = carried {
            tracing::warn!(path = %self.path.display(), %error, "the write-ahead log cannot be shortened");
        }
    }
}

impl Store for SqliteStore {
    fn admit(&self, request: &Request, limit: MaxNumber) -> Result<Admission> {
        self.write(|session| requests::admit(session, request, limit))
    }

    fn demand(&self, template_id: &str) -> Result<u64> {
        Ok(self.read(|session| requests::demand(session, template_id))?.unwrap_or(0))
    }

    fn admit_return(&self, request: &Request, wanted: &[MachineRef]) -> Result<Returning> {
        self.write(|session| returns::admit(session, request, wanted))
    }

    fn apply(&self, change: &Change) -> Result<Applied> {
        if change.request.is_none() && change.machines.is_empty() {
            return Ok(Applied::Stored);
        }
        self.write(|session| requests::apply(session, change))
    }

    fn acknowledge(&self, ids: &[RequestId]) -> Result<()> {
        let unheard = self.read(|session| requests::any_unacknowledged(session, ids))?;
        if unheard == Some(true) {
            self.write(|session| requests::acknowledge(session, ids))?;
        }
        Ok(())
    }

    fn views(&self, ids: &[RequestId]) -> Result<Vec<Option<View>>> {
        Ok(self.read(|session| requests::views(session, ids))?.unwrap_or_else(|| vec![None; ids.len()]))
    }

    fn find_machines(&self, wanted: &[MachineRef]) -> Result<Vec<Resolved>> {
        let found = self.read(|session| machines::find(session, wanted))?;
        Ok(found.unwrap_or_else(|| vec![Resolved::Unknown; wanted.len()]))
    }

    fn machines_by_id(&self, ids: &[MachineId]) -> Result<Vec<Machine>> {
        Ok(self.read(|session| machines::by_id(session, ids))?.unwrap_or_default())
    }

    fn requests(&self, filter: &RequestFilter) -> Result<Vec<View>> {
        Ok(self.read(|session| requests::list(session, filter))?.unwrap_or_default())
    }

    fn machines(&self, filter: &MachineFilter) -> Result<Vec<Machine>> {
        Ok(self.read(|session| machines::list(session, filter))?.unwrap_or_default())
    }

    fn watched_machines(&self) -> Result<Vec<Machine>> {
        Ok(self.read(machines::watched)?.unwrap_or_default())
    }

    fn due(
        &self,
        now: Timestamp,
        unacknowledged_before: Timestamp,
        untouched_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<View>> {
        let due =
            self.read(|session| requests::due(session, now, unacknowledged_before, untouched_since, limit))?;
        Ok(due.unwrap_or_default())
    }
}

impl Records for SqliteStore {
    fn write(&self, provider: &str, body: &mut dyn FnMut(&mut dyn Ledger) -> Result<()>) -> Result<()> {
        self.write_with(Durability::WithNext, |session| {
            body(&mut Documents::new(*session, provider, true))?;
            Ok(Verdict::Keep(()))
        })
    }

    fn read(&self, provider: &str, body: &mut dyn FnMut(&mut dyn Ledger) -> Result<()>) -> Result<()> {
        match SqliteStore::read(self, |session| body(&mut Documents::new(*session, provider, false)))? {
            Some(()) => Ok(()),
            None => body(&mut NoDocuments),
        }
    }
}
