//! Checked and configured connections.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::{disk, files};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::identity::{self, Identity};
use crate::{failure, schema};

/// State of the database at a path.
pub(crate) enum Found {
    /// A database that must first be brought to this version, or to the other journal.
    Outdated(Connection, Outdated),
    /// A database to be used.
    Ready(Connection),
}

/// Version and journal of an outdated database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outdated {
    /// Its version.
    pub(crate) version: u32,
    /// Whether it is in WAL mode.
    pub(crate) wal: bool,
}

/// How the database is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// Whether it shall be in WAL mode.
    pub(crate) wal: bool,
    /// How long SQLite waits for locks of other processes.
    pub(crate) busy_timeout: Duration,
    /// Whether writes are forbidden.
    pub(crate) read_only: bool,
    /// Whether blocks of the file system are smaller than pages of memory.
    pub(crate) small_blocks: bool,
}

/// Opens the database, which is there.
pub(crate) fn find(path: &Path, setup: Setup) -> Result<Found> {
    let connection = open(path, setup)?;
    let (application, version, wal) = patiently(setup.busy_timeout, || marks(&connection))
        .map_err(|error| failure::sqlite(path, "open", &error))?;
    let version = usable(path, application, version)?;
    if version < schema::VERSION || wal != setup.wal {
        Ok(Found::Outdated(connection, Outdated { version, wal }))
    } else {
        Ok(Found::Ready(connection))
    }
}

/// Whether a database is a state store that this program can use.
pub(crate) fn is_ours(path: &Path, connection: &Connection) -> Result<()> {
    let (application, version, _) =
        marks(connection).map_err(|error| failure::sqlite(path, "open", &error))?;
    usable(path, application, version).map(drop)
}

fn usable(path: &Path, application: i32, version: i64) -> Result<u32> {
    if application != schema::APPLICATION_ID {
        return Err(failure::foreign(path, "it is an SQLite database of another program"));
    }
    match u32::try_from(version) {
        Ok(0) => Err(failure::damaged(path).cause("it has no schema version")),
        Ok(version) if version <= schema::VERSION => Ok(version),
        _ => Err(newer(path, &version.to_string())),
    }
}

/// Application id, version and WAL mode of a database. Read in one transaction, since each separate query takes
/// locks and checks the file for changes.
fn marks(connection: &Connection) -> rusqlite::Result<(i32, i64, bool)> {
    let _reading = Transaction::new_unchecked(connection, TransactionBehavior::Deferred)?;
    let application = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = schema::version(connection)?;
    Ok((application, version, has_log(connection)?))
}

fn newer(path: &Path, version: &str) -> Error {
    Error::new(
        ErrorKind::Input,
        format!(
            "the state store `{}` has schema version {version}; this program knows up to {}",
            path.display(),
            schema::VERSION
        ),
    )
    .hint("use the version of ohfp that wrote it, or a newer one")
}

/// Checks whether an outdated database can be read without migrating it.
pub(crate) fn may_be_read(path: &Path, found: Outdated) -> Result<()> {
    if found.version < schema::VERSION {
        return Err(Error::new(
            ErrorKind::Refused,
            format!(
                "the state store `{}` has schema version {}; this program reads version {}",
                path.display(),
                found.version,
                schema::VERSION
            ),
        )
        .hint("`ohfp storage migrate` brings it up to date"));
    }
    if found.wal {
        tracing::warn!(path = %path.display(), "the state store is in WAL mode on a network file system");
    }
    Ok(())
}

/// Opens a database that is there. Uses calls instead of pragmas where possible, since they are cheaper.
pub(crate) fn open(path: &Path, setup: Setup) -> Result<Connection> {
    if setup.wal && setup.small_blocks {
        has_room_for_index(path)?;
    }
    let access =
        if setup.read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let opened = match Connection::open_with_flags(path, flags) {
        // SQLite means links in any part of the path. Those above the file are the administrator's choice.
        Err(error) if error.sqlite_error().is_some_and(|error| error.extended_code == LINK_IN_PATH) => {
            let resolved = resolved(path).map_err(|error| failure::io("open", path, &error))?;
            Connection::open_with_flags(resolved, flags)
        }
        opened => opened,
    };
    let opened = opened.and_then(|connection| {
        connection.busy_timeout(setup.busy_timeout)?;
        // A tampered schema must not execute code, and foreign keys are always enforced.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        // Plans do not depend on the values that are bound, for which SQLite would prepare a statement again at its
        // first step: seven of a hundred instructions of a status.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // Usually each process is the last one to close the database, which would checkpoint and remove the log.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    });
    opened.map_err(|error| failure::sqlite(path, "open", &error))
}

/// `SQLITE_CANTOPEN_SYMLINK`
const LINK_IN_PATH: i32 = 0x060e;

/// The path with a directory without links.
fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    let directory = fs::canonicalize(files::directory(path))?;
    Ok(directory.join(path.file_name().unwrap_or_default()))
}

/// What the index of the log takes at its start, in bytes, with some to spare.
const INDEX_ROOM: u64 = 64 << 10;

/// SQLite takes room for that index, which is mapped into memory, by a byte in each page. Where blocks are
/// smaller than pages that leaves holes, and writing into a hole on a full disk is SIGBUS.
fn has_room_for_index(path: &Path) -> Result<()> {
    let space = disk::space(files::directory(path)).map_err(|error| failure::io("open", path, &error))?;
    if space.free_bytes < INDEX_ROOM { Err(failure::full(path)) } else { Ok(()) }
}

/// What the database file says by itself, without the log beside it and without any lock. SQLite opens and closes
/// it, so locks that other connections of this process hold stay.
pub(crate) fn alone(path: &Path) -> rusqlite::Result<Identity> {
    identity::read(&open_alone(path)?)
}

/// The connection for that.
pub(crate) fn open_alone(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(connection)
}

/// The connection when it has its journal, which SQLite opens no earlier than at the first read.
pub(crate) fn with_journal(path: &Path, connection: Connection) -> Result<Connection> {
    schema::version(&connection).map_err(|error| failure::sqlite(path, "open", &error))?;
    Ok(connection)
}

/// Ends a connection to a draft so that all of it is in its one file, which has the right journal then.
pub(crate) fn close_whole(connection: Connection, wal: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    set_journal(&connection, wal)?;
    connection.close().map_err(|(_, error)| error)
}

/// Chooses the journal; gives whether it is the WAL now.
pub(crate) fn set_journal(connection: &Connection, wal: bool) -> rusqlite::Result<bool> {
    let mode = if wal { "wal" } else { "truncate" };
    let now: String = connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0))?;
    Ok(now == "wal")
}

/// What a connection needs before its first write. Gives whether it has a write-ahead log, which the caller has
/// to sync after each transaction.
pub(crate) fn prepare_for_writing(path: &Path, connection: &Connection) -> Result<bool> {
    let prepared = has_log(connection).and_then(|has_log| {
        // The log is synced when it is another's turn already. A rollback journal must be on the disk before
        // the database changes; that it is cut to nothing spares network file systems a file that comes and
        // goes with every transaction.
        // What is deleted is overwritten: user data of requests may hold what must not be found again.
        connection.execute_batch(if has_log {
            "PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON;"
        } else {
            "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;
             PRAGMA secure_delete = ON;"
        })?;
        Ok(has_log)
    });
    prepared.map_err(|error| failure::sqlite(path, "write to", &error))
}

fn has_log(connection: &Connection) -> rusqlite::Result<bool> {
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(journal == "wal")
}

/// Begins a transaction. The same query checks that no other process has migrated the database meanwhile, and
/// fixes the state that a read transaction sees.
pub(crate) fn begin<'c>(
    path: &Path,
    connection: &'c Connection,
    behavior: TransactionBehavior,
    patience: Duration,
) -> Result<Transaction<'c>> {
    let begun = patiently(patience, || {
        let transaction = Transaction::new_unchecked(connection, behavior)?;
        let version = schema::version(&transaction)?;
        Ok((transaction, version))
    });
    let (transaction, version) = begun.map_err(|error| failure::sqlite(path, "use", &error))?;
    if version == i64::from(schema::VERSION) {
        Ok(transaction)
    } else {
        Err(newer(path, &version.to_string()))
    }
}

/// Commits. Without a WAL, readers may block the commit; the transaction stays intact meanwhile.
pub(crate) fn commit(path: &Path, transaction: &Transaction<'_>, patience: Duration) -> Result<()> {
    patiently(patience, || transaction.execute_batch("COMMIT"))
        .map_err(|error| failure::sqlite(path, "write to", &error))
}

/// Retries a step while other processes block it, for the cases in which SQLite does not wait itself.
pub(crate) fn patiently<T>(
    patience: Duration,
    mut step: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match step() {
            Err(error) if failure::is_busy(&error) && start.elapsed() < patience => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}
