//! [`SqliteStore`]: when to open, which process may write, what a transaction is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ohfp_broker::{ErrorKind, Result};
use ohfp_platform::files::{self, Access, Refused};
use rusqlite::{Connection, TransactionBehavior};

use crate::coherence::{self, Doubt, Lock, Seen};
use crate::connection::{self, Found, Setup};
use crate::lock::{self, WriteLock};
use crate::session::{Session, Verdict};
use crate::traces::{self, Traces};
use crate::watermark::{self, FileMark, StoreId, Watermark};
use crate::{create, failure, identity, place, reserve};

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether the database lies on a file system of this machine alone. Elsewhere SQLite's write-ahead log
    /// does not work, and a rollback journal is used.
    pub local_file_system: bool,
    /// Size of a block of that file system in bytes; 0 where it is not known.
    pub block_size: u64,
    /// For how long to wait for others, at most.
    pub busy_timeout: Duration,
    /// Whether to open at once what is there; else that is for the first query to do.
    pub eager: bool,
    /// Whether nothing may be written, created or migrated.
    pub read_only: bool,
}

/// A writer checkpoints the write-ahead log once it exceeds this many bytes. A cold start reads the log, so it
/// must not be long; a checkpoint costs two more writes to the disk, so it must not be done each time.
const CHECKPOINT_ABOVE: u64 = 256 * 1024;

/// The same while others wait for the write lock.
const CHECKPOINT_ABOVE_WHEN_CONTENDED: u64 = 2 * 1024 * 1024;

/// Size of a page of memory in bytes, at least.
const PAGE: u64 = 4_096;

/// How often files that do not seem to belong together are looked at: another process may be writing to them.
const LOOKS: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// When what was written is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When the transaction ends.
    AtOnce,
    /// When the next transaction that is durable at once ends. Waiting for the disk is most of what a
    /// transaction costs.
    WithNext,
}

/// What becomes of a write where there is no database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// It is created, unless something speaks of an older one.
    Allowed,
    /// It is missing, which is an error.
    Refused,
}

/// The state store in an SQLite database.
///
/// Reading creates nothing. Only a request for machines creates a store, and only where nothing speaks of an
/// older one.
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
    contended: AtomicBool,
    /// Whether this process may use up the reserve.
    may_use_reserve: AtomicBool,
}

#[derive(Debug)]
struct Link {
    connection: Connection,
    writes: bool,
    /// The write-ahead log, where there is one; only once it writes.
    log: Option<File>,
    /// What was seen of the files before they were opened, until the first transaction has confirmed it.
    unconfirmed: Option<Seen>,
    /// Which store it is, once that is confirmed.
    id: Option<StoreId>,
}

impl Link {
    fn new(connection: Connection, seen: Seen) -> Self {
        Self { connection, writes: false, log: None, unconfirmed: Some(seen), id: None }
    }
}

/// A transaction that was tried on files that may not belong together.
enum Tried<T> {
    Done(T),
    Doubtful(Doubt),
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

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it was opened.
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

    fn link(&self) -> MutexGuard<'_, Option<Link>> {
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
            place::make_directory(&self.path)?;
        }
        let file = Arc::new(lock::open(&self.path)?);
        *held = Some(Arc::clone(&file));
        Ok(file)
    }

    /// Looks at the files before SQLite opens them; `None` where there is no database.
    fn look(&self) -> Result<Option<Seen>> {
        let Some(file) = place::inspect(&self.path)? else {
            self.traces.must_be_new(&self.path)?;
            return Ok(None);
        };
        let wal = self.options.local_file_system;
        let log = if wal { place::inspect_log(&self.path)? } else { None };
        let mut held = self.lock_file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read_only = None;
        let lock = match held.as_ref() {
            Some(lock) => Lock::Open(lock),
            None => {
                let path = place::beside(&self.path, place::LOCK_SUFFIX);
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
        if seen.is_alone() { Err(Doubt::Alone.error(&self.path)) } else { Ok(Some(seen)) }
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
    fn connected(&self) -> Result<Option<MutexGuard<'_, Option<Link>>>> {
        let mut link = self.link();
        if link.is_some() {
            return Ok(Some(link));
        }
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
    fn connected_for_writing(
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
                    connection::update(&self.path, &connection, outdated, self.setup())?;
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
                link.log = Some(place::open_log(&self.path)?);
            }
            link.writes = true;
        }
        Ok(link)
    }

    /// Runs `body` on one consistent state; `None` where there is no database.
    pub(crate) fn read<T>(&self, body: impl FnOnce(&Session<'_>) -> Result<T>) -> Result<Option<T>> {
        let mut body = Some(body);
        self.undoubted(|| {
            let Some(mut guard) = self.with_room(|| self.connected())? else { return Ok(Tried::Done(None)) };
            let Some(link) = guard.as_mut() else { return Ok(Tried::Done(None)) };
            let Link { connection, unconfirmed, id, .. } = link;
            let patience = self.options.busy_timeout;
            let transaction =
                connection::begin(&self.path, connection, TransactionBehavior::Deferred, patience)?;
            if let Some(seen) = unconfirmed {
                let known = identity::known(&self.path, &transaction)?;
                if let Some(doubt) = seen.doubt(&known) {
                    drop(transaction);
                    *guard = None;
                    return Ok(Tried::Doubtful(doubt));
                }
                (*unconfirmed, *id) = (None, Some(known.id));
            }
            let Some(body) = body.take() else { return Ok(Tried::Done(None)) };
            let value = body(&Session::new(&transaction, &self.path))?;
            drop(transaction);
            Ok(Tried::Done(Some(value)))
        })
    }

    /// Whether there is a database.
    pub(crate) fn is_there(&self) -> Result<bool> {
        Ok(self.connected()?.is_some())
    }

    /// Runs a step on the connection, outside of a transaction; `None` where there is no database.
    pub(crate) fn with_reader<T>(&self, step: impl FnOnce(&Connection) -> Result<T>) -> Result<Option<T>> {
        // The first transaction finds out whether the files belong together.
        if self.read(|_| Ok(()))?.is_none() {
            return Ok(None);
        }
        let guard = self.connected()?;
        guard.as_ref().and_then(|guard| guard.as_ref()).map(|link| step(&link.connection)).transpose()
    }

    /// Runs a step on the connection of a writer, outside of a transaction.
    pub(crate) fn with_writer<T>(
        &self,
        lock: &WriteLock<'_>,
        step: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let mut guard = self.connected_for_writing(lock, Creation::Refused)?;
        let mark = self.watermark(lock.file())?;
        let Some(Link { connection, unconfirmed, .. }) = guard.as_mut() else {
            return Err(failure::busy(&self.path));
        };
        let known = identity::known(&self.path, connection)?;
        let doubt = unconfirmed.as_ref().and_then(|seen| seen.doubt(&known));
        if let Some(doubt) = doubt.or_else(|| mark.and_then(|mark| coherence::reaches(&mark, &known))) {
            *guard = None;
            return Err(doubt.error(&self.path));
        }
        *unconfirmed = None;
        step(connection)
    }

    /// Tries again what met files that do not belong together: another process may have been writing to them.
    fn undoubted<T>(&self, mut step: impl FnMut() -> Result<Tried<T>>) -> Result<T> {
        for look in 1.. {
            match step()? {
                Tried::Done(value) => return Ok(value),
                Tried::Doubtful(doubt) if look >= LOOKS => return Err(doubt.error(&self.path)),
                Tried::Doubtful(_) => std::thread::sleep(BETWEEN_LOOKS),
            }
        }
        Err(failure::busy(&self.path))
    }

    /// Runs `body` in a transaction that may write, with the write lock, in a store that is there.
    pub(crate) fn write<T>(&self, body: impl FnOnce(&Session<'_>) -> Result<Verdict<T>>) -> Result<T> {
        self.write_with(Durability::AtOnce, Creation::Refused, body)
    }

    pub(crate) fn write_with<T>(
        &self,
        durability: Durability,
        creation: Creation,
        body: impl FnOnce(&Session<'_>) -> Result<Verdict<T>>,
    ) -> Result<T> {
        let mut body = Some(body);
        self.undoubted(|| {
            // Opening takes longer than writing, and no process has to wait for it. Where there is no store, not
            // even a lock file is made.
            if self.connected()?.is_none() && creation == Creation::Refused {
                return Err(traces::missing(&self.path));
            }
            let lock = self.write_lock()?;
            let mark = self.watermark(lock.file())?;
            self.leave_replaced(mark.as_ref());
            let mut guard = self.connected_for_writing(&lock, creation)?;
            let Some(link) = guard.as_mut() else { return Err(failure::busy(&self.path)) };
            let Link { connection, log, unconfirmed, id, .. } = link;
            let patience = self.options.busy_timeout;
            // One that was just created has left another.
            let mark = if mark.is_some() { mark } else { self.watermark(lock.file())? };
            let transaction =
                connection::begin(&self.path, connection, TransactionBehavior::Immediate, patience)?;
            let known = identity::known(&self.path, &transaction)?;
            let seen = unconfirmed.as_ref();
            let doubt = seen.and_then(|seen| seen.doubt(&known));
            let doubt = doubt.or_else(|| mark.and_then(|mark| coherence::reaches(&mark, &known)));
            if let Some(doubt) = doubt {
                drop(transaction);
                *guard = None;
                return Ok(Tried::Doubtful(doubt));
            }
            let file = unconfirmed.take().map(|seen| seen.file);
            *id = Some(known.id);
            let Some(body) = body.take() else { return Err(failure::busy(&self.path)) };
            let value = match body(&Session::new(&transaction, &self.path))? {
                Verdict::Undo(value) => return Ok(Tried::Done(value)),
                Verdict::Keep(value) => value,
            };
            let at_once = durability == Durability::AtOnce;
            let number = known.number.saturating_add(u64::from(at_once));
            if at_once {
                identity::count(&transaction, number)
                    .map_err(|error| failure::sqlite(&self.path, "write to", &error))?;
            }
            connection::commit(&self.path, &transaction, patience)?;
            drop(transaction);
            let mark = Written { lock: &lock, id: known.id, number, mark, file };
            self.note(&mark, connection, log.as_ref());
            let lock_file = Arc::clone(lock.file());
            // Others may write while this one waits for the disk, and one wait of the disk's serves them all.
            drop(lock);
            if at_once {
                if let Some(log) = log {
                    log.sync_data().map_err(|error| failure::io("write", &self.path, &error))?;
                }
                // Only now: a watermark above what is on the disk would make a whole store a damaged one.
                self.noted(watermark::raise(&lock_file, &known.id, number));
            }
            Ok(Tried::Done(value))
        })
    }

    /// Gives up a connection to files of a store that was replaced by another meanwhile: what would be written there
    /// would be lost.
    fn leave_replaced(&self, mark: Option<&Watermark>) {
        let mut link = self.link();
        let id = link.as_ref().and_then(|link| link.id);
        if let (Some(id), Some(mark)) = (id, mark)
            && id != mark.id
        {
            *link = None;
        }
    }

    /// What the lock file says of a store that was created as a whole.
    pub(crate) fn watermark(&self, lock: &File) -> Result<Option<Watermark>> {
        let read = Watermark::read(lock);
        let mark = read.map_err(|error| failure::io("read the lock file of", &self.path, &error))?;
        Ok(mark.filter(|mark| !mark.creating))
    }

    /// Checkpoints a long log, and keeps in the lock file what the database file is now.
    fn note(&self, written: &Written<'_, '_>, connection: &Connection, log: Option<&File>) {
        let contended = self.contended.load(Ordering::Relaxed);
        let most = if contended { CHECKPOINT_ABOVE_WHEN_CONTENDED } else { CHECKPOINT_ABOVE };
        let is_long = log.is_some_and(|log| log.metadata().is_ok_and(|log| log.len() > most));
        if is_long {
            self.checkpoint(written, connection);
        } else if written.mark.is_none() {
            // The lock file was removed, or belongs to a store that was being created.
            self.noted(written.watermark(0, written.file.unwrap_or_default()).write(written.lock.file()));
        } else if let (Some(mark), Some(file)) = (written.mark, written.file)
            && mark.file != file
        {
            self.noted(Watermark { file, ..mark }.write_file(written.lock.file()));
        }
    }

    /// Carries the log over into the database file. The transactions are durable already; where a reader is in
    /// the way, the next writer tries again. Gives whether all of the log was carried over.
    pub(crate) fn checkpoint(&self, written: &Written<'_, '_>, connection: &Connection) -> bool {
        // A process that is reading the log right now is not waited for.
        let done = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)))
            .and_then(|busy: i64| connection.busy_timeout(self.options.busy_timeout).map(|()| busy == 0));
        let whole = done.unwrap_or_else(|error| {
            tracing::warn!(path = %self.path.display(), %error, "the write-ahead log cannot be checkpointed");
            false
        });
        let base = if whole { written.number } else { written.mark.map_or(0, |mark| mark.base) };
        let file = std::fs::symlink_metadata(&self.path).map(|file| FileMark::of(&file)).unwrap_or_default();
        let mark = written.watermark(base, file);
        let lock = written.lock.file();
        self.noted(if written.mark.is_some() { mark.write_file(lock) } else { mark.write(lock) });
        whole
    }

    /// A watermark that cannot be written makes later checks milder, nothing worse.
    fn noted(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            tracing::warn!(path = %self.path.display(), %error, "the lock file cannot be written");
        }
    }

    /// From now on this process may use up the room that is kept for returns.
    pub fn use_reserve(&self) {
        self.may_use_reserve.store(true, Ordering::Relaxed);
    }

    /// Runs a step; where it fails for what may be a full disk, and this process may use the reserve, gives up the
    /// reserve and runs it again.
    pub(crate) fn with_room<T>(&self, step: impl Fn() -> Result<T>) -> Result<T> {
        match step() {
            Err(error)
                if error.kind() == ErrorKind::System
                    && self.may_use_reserve.load(Ordering::Relaxed)
                    && reserve::release(&self.path) =>
            {
                tracing::warn!(error = error.summary(), "the room that is kept for returns is used");
                *self.link() = None;
                step()
            }
            done => done,
        }
    }
}

/// What a transaction has written, with the write lock still held.
pub(crate) struct Written<'w, 's> {
    pub(crate) lock: &'w WriteLock<'s>,
    pub(crate) id: StoreId,
    /// Number of the last transaction in the database.
    pub(crate) number: u64,
    /// What the lock file said before.
    pub(crate) mark: Option<Watermark>,
    /// The database file, where it was looked at and found right.
    pub(crate) file: Option<FileMark>,
}

impl Written<'_, '_> {
    fn watermark(&self, base: u64, file: FileMark) -> Watermark {
        let number = self.mark.map_or(0, |mark| mark.number);
        Watermark { id: self.id, creating: false, number, base, file }
    }
}

fn is_denied(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied
}
