//! Transactions: a consistent state, checked against the files beside the database, and durable when they return.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ohfp_broker::{ErrorKind, Result};
use rusqlite::{Connection, TransactionBehavior};

use crate::coherence::{self, Doubt};
use crate::connection;
use crate::lock::WriteLock;
use crate::session::{Session, TxEnd};
use crate::store::{Creation, Link, SqliteStore};
use crate::watermark::{self, FileMark, StoreId, Watermark};
use crate::{failure, identity, reserve, traces};

/// A writer checkpoints the write-ahead log once it exceeds this many bytes. A cold start reads the log, so it
/// must not be long; a checkpoint costs two more writes to the disk, so it must not be done each time.
const CHECKPOINT_ABOVE: u64 = 256 * 1024;

/// The same threshold while other processes wait for the write lock.
const CHECKPOINT_ABOVE_WHEN_CONTENDED: u64 = 2 * 1024 * 1024;

/// How often files that do not seem to belong together are looked at: another process may be writing to them.
const LOOKS: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Durability of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When the transaction ends.
    AtOnce,
    /// When the next transaction that is durable at once ends. Waiting for the disk is most of what a
    /// transaction costs.
    WithNext,
}

/// A transaction that was tried on files that may not belong together.
enum Tried<T> {
    Done(T),
    Doubtful(Doubt),
}

impl SqliteStore {
    /// Runs `body` on one consistent state; `None` where there is no database.
    pub(crate) fn read<T>(&self, body: impl FnOnce(&Session<'_>) -> Result<T>) -> Result<Option<T>> {
        let mut body = Some(body);
        self.undoubted(|| {
            let Some(mut guard) = self.with_room(|| self.connected())? else { return Ok(Tried::Done(None)) };
            let Some(link) = guard.as_mut() else { return Ok(Tried::Done(None)) };
            let Link { connection, unconfirmed, id, .. } = link;
            let patience = self.options().busy_timeout;
            let transaction =
                connection::begin(self.path(), connection, TransactionBehavior::Deferred, patience)?;
            if let Some(seen) = unconfirmed {
                let known = identity::known(self.path(), &transaction)?;
                if let Some(doubt) = seen.doubt(&known) {
                    drop(transaction);
                    *guard = None;
                    return Ok(Tried::Doubtful(doubt));
                }
                (*unconfirmed, *id) = (None, Some(known.id));
            }
            let Some(body) = body.take() else { return Ok(Tried::Done(None)) };
            let value = body(&Session::new(&transaction, self.path()))?;
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
            return Err(failure::busy(self.path()));
        };
        let known = identity::known(self.path(), connection)?;
        let doubt = unconfirmed.as_ref().and_then(|seen| seen.doubt(&known));
        if let Some(doubt) = doubt.or_else(|| mark.and_then(|mark| coherence::reaches(&mark, &known))) {
            *guard = None;
            return Err(doubt.error(self.path()));
        }
        *unconfirmed = None;
        step(connection)
    }

    /// Tries again what met files that do not belong together: another process may have been writing to them.
    fn undoubted<T>(&self, mut step: impl FnMut() -> Result<Tried<T>>) -> Result<T> {
        for look in 1.. {
            match step()? {
                Tried::Done(value) => return Ok(value),
                Tried::Doubtful(doubt) if look >= LOOKS => return Err(doubt.error(self.path())),
                Tried::Doubtful(_) => std::thread::sleep(BETWEEN_LOOKS),
            }
        }
        Err(failure::busy(self.path()))
    }

    /// Runs `body` in a transaction that may write, with the write lock, in a store that is there.
    pub(crate) fn write<T>(&self, body: impl FnOnce(&Session<'_>) -> Result<TxEnd<T>>) -> Result<T> {
        self.write_with(Durability::AtOnce, Creation::Refused, body)
    }

    pub(crate) fn write_with<T>(
        &self,
        durability: Durability,
        creation: Creation,
        body: impl FnOnce(&Session<'_>) -> Result<TxEnd<T>>,
    ) -> Result<T> {
        let mut body = Some(body);
        self.undoubted(|| {
            // Opening takes longer than writing, and no process has to wait for it. Where there is no store, not
            // even a lock file is made.
            if self.connected()?.is_none() && creation == Creation::Refused {
                return Err(traces::missing(self.path()));
            }
            let lock = self.write_lock()?;
            let mark = self.watermark(lock.file())?;
            self.leave_replaced(mark.as_ref());
            let mut guard = self.connected_for_writing(&lock, creation)?;
            let Some(link) = guard.as_mut() else { return Err(failure::busy(self.path())) };
            let Link { connection, log, unconfirmed, id, .. } = link;
            let patience = self.options().busy_timeout;
            // One that was just created has left another.
            let mark = if mark.is_some() { mark } else { self.watermark(lock.file())? };
            let transaction =
                connection::begin(self.path(), connection, TransactionBehavior::Immediate, patience)?;
            let known = identity::known(self.path(), &transaction)?;
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
            let Some(body) = body.take() else { return Err(failure::busy(self.path())) };
            let value = match body(&Session::new(&transaction, self.path()))? {
                TxEnd::Rollback(value) => return Ok(Tried::Done(value)),
                TxEnd::Commit(value) => value,
            };
            let at_once = durability == Durability::AtOnce;
            let number = known.number.saturating_add(u64::from(at_once));
            if at_once {
                identity::count(&transaction, number)
                    .map_err(|error| failure::sqlite(self.path(), "write to", &error))?;
            }
            let _phase = ohfp_timings::phase("commit");
            connection::commit(self.path(), &transaction, patience)?;
            drop(transaction);
            let mark = Written { lock: &lock, id: known.id, number, mark, file };
            self.note(&mark, connection, log.as_ref());
            let lock_file = Arc::clone(lock.file());
            // Other processes may write while this one waits for the disk, and one sync serves all of them.
            drop(lock);
            if at_once {
                if let Some(log) = log {
                    log.sync_data().map_err(|error| failure::io("write", self.path(), &error))?;
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
        let mark = read.map_err(|error| failure::io("read the lock file of", self.path(), &error))?;
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
            .and_then(|busy: i64| connection.busy_timeout(self.options().busy_timeout).map(|()| busy == 0));
        let whole = done.unwrap_or_else(|error| {
            tracing::warn!(path = %self.path().display(), %error, "the write-ahead log cannot be checkpointed");
            false
        });
        let base = if whole { written.number } else { written.mark.map_or(0, |mark| mark.base) };
        let file = std::fs::symlink_metadata(self.path()).map(|file| FileMark::of(&file)).unwrap_or_default();
        let mark = written.watermark(base, file);
        let lock = written.lock.file();
        self.noted(if written.mark.is_some() { mark.write_file(lock) } else { mark.write(lock) });
        whole
    }

    /// A watermark that cannot be written only weakens later checks.
    fn noted(&self, written: std::io::Result<()>) {
        if let Err(error) = written {
            tracing::warn!(path = %self.path().display(), %error, "the lock file cannot be written");
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
                    && reserve::release(self.path()) =>
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
