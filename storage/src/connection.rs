//! A connection that has been checked, and is set up for how we use it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use ohfp_broker::{Error, ErrorKind, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::backup::{self, Backup};
use crate::{failure, place, schema};

/// What there is at the path.
pub(crate) enum Found {
    /// No database, and nothing that speaks of one.
    Nothing,
    /// A database that must first be brought to this version, or to the other journal.
    Outdated(Connection, Outdated),
    /// A database to be used.
    Ready(Connection),
}

/// What has to be done to a database first.
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
    /// For how long SQLite waits for others.
    pub(crate) busy_timeout: Duration,
    /// Whether nothing may be written.
    pub(crate) read_only: bool,
}

/// Opens the database if there is one.
pub(crate) fn find(path: &Path, setup: Setup) -> Result<Found> {
    if place::inspect(path)?.is_none() {
        place::must_be_new(path)?;
        return Ok(Found::Nothing);
    }
    let connection = open(path, setup)?;
    let (application, version, wal) = patiently(setup.busy_timeout, || marks(&connection))
        .map_err(|error| failure::sqlite(path, "open", &error))?;
    if application != schema::APPLICATION_ID {
        return Err(failure::foreign(path, "it is an SQLite database of another program"));
    }
    match u32::try_from(version) {
        Ok(version) if version > schema::VERSION => Err(newer(path, &version.to_string())),
        Err(_) => Err(newer(path, &version.to_string())),
        Ok(0) => Err(failure::damaged(path).cause("it has no schema version")),
        Ok(version) if version < schema::VERSION || wal != setup.wal => {
            Ok(Found::Outdated(connection, Outdated { version, wal }))
        }
        Ok(_) => Ok(Found::Ready(connection)),
    }
}

/// Whose database it is, its version, and whether it is in WAL mode.
fn marks(connection: &Connection) -> rusqlite::Result<(i32, i64, bool)> {
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

/// Whether a database can be read as it is, by somebody who must not change it.
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

/// Opens a database that is there. Calls instead of pragmas where there are calls: they cost nothing.
pub(crate) fn open(path: &Path, setup: Setup) -> Result<Connection> {
    let access =
        if setup.read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(setup.busy_timeout)?;
        // A schema that somebody has tampered with must not run anything, and keys always hold.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        // Every process is the last one to close most of the time; it would empty the log and remove it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        Ok(connection)
    });
    opened.map_err(|error| failure::sqlite(path, "open", &error))
}

/// Makes an empty database under another name and renames it, so that no process ever sees half of one. The
/// caller has the turn to write.
pub(crate) fn create(path: &Path, setup: Setup) -> Result<()> {
    let new = place::beside(path, place::NEW_SUFFIX);
    remove_database(&new)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(place::FILE_MODE).open(&new);
    file.map_err(|error| failure::io("create", &new, &error))?;
    place::give_to_owner_of_directory(&new);
    let filled = open(&new, Setup { read_only: false, ..setup }).and_then(|connection| {
        let failed = |error: rusqlite::Error| failure::sqlite(path, "create", &error);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(failed)?;
        connection.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(failed)?;
        schema::migrate(&connection, 0).map_err(failed)?;
        set_journal(&connection, setup.wal).map_err(failed)?;
        connection.close().map_err(|(_, error)| failed(error))
    });
    let done = filled.and_then(|()| {
        fs::File::open(&new)
            .and_then(|file| file.sync_all())
            .map_err(|error| failure::io("write", &new, &error))?;
        fs::rename(&new, path).map_err(|error| failure::io("create", path, &error))
    });
    if done.is_err() {
        let _ = remove_database(&new);
    }
    done?;
    place::sync_directory(path);
    Ok(())
}

/// The connection when it has its journal, which SQLite does not see to before somebody reads.
pub(crate) fn with_journal(path: &Path, connection: Connection) -> Result<Connection> {
    schema::version(&connection).map_err(|error| failure::sqlite(path, "open", &error))?;
    Ok(connection)
}

/// Removes a database that nobody uses, and its logs.
pub(crate) fn remove_database(path: &Path) -> Result<()> {
    for suffix in ["", place::WAL_SUFFIX, place::JOURNAL_SUFFIX, "-shm"] {
        let file = place::beside(path, suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failure::io("remove", &file, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Brings a database to this version and to the right journal; gives the copy that was made before. The
/// caller has the turn to write.
pub(crate) fn update(
    path: &Path,
    connection: &Connection,
    found: Outdated,
    setup: Setup,
) -> Result<Option<Backup>> {
    let mut copy = None;
    if found.version < schema::VERSION {
        copy = Some(backup::before_migration(path, connection, found.version)?);
        patiently(setup.busy_timeout, || schema::migrate(connection, found.version))
            .map_err(|error| failure::sqlite(path, "migrate", &error))?;
        tracing::info!(path = %path.display(), from = found.version, to = schema::VERSION, "migrated the state store");
    }
    if found.wal != setup.wal {
        let changed = patiently(setup.busy_timeout, || set_journal(connection, setup.wal))
            .map_err(|error| failure::sqlite(path, "change the journal of", &error))?;
        // Somebody has it open. A rollback journal serves on a local file system too; the WAL serves
        // nobody on a network file system.
        if changed != setup.wal && !setup.wal {
            return Err(failure::busy(path));
        }
    }
    Ok(copy)
}

/// Chooses the journal; gives whether it is the WAL now.
fn set_journal(connection: &Connection, wal: bool) -> rusqlite::Result<bool> {
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
        connection.execute_batch(if has_log {
            "PRAGMA synchronous = NORMAL; PRAGMA cell_size_check = ON;"
        } else {
            "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;"
        })?;
        Ok(has_log)
    });
    prepared.map_err(|error| failure::sqlite(path, "write to", &error))
}

fn has_log(connection: &Connection) -> rusqlite::Result<bool> {
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    Ok(journal == "wal")
}

/// Begins a transaction. That nobody has made the database newer meanwhile is looked up in the same go;
/// it also pins what a reading transaction sees.
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

/// Commits. Readers may be in the way where there is no WAL; the transaction stays whole meanwhile.
pub(crate) fn commit(path: &Path, transaction: &Transaction<'_>, patience: Duration) -> Result<()> {
    patiently(patience, || transaction.execute_batch("COMMIT"))
        .map_err(|error| failure::sqlite(path, "write to", &error))
}

/// Does it again while others are in the way. SQLite waits by itself in most cases; here are the others.
fn patiently<T>(patience: Duration, mut step: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
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
