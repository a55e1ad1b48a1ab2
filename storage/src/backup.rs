//! Copies of a store, and migrations, which begin with one.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use rusqlite::Connection;
use rusqlite::backup::{Backup as Copying, StepResult};
use serde::Serialize;

use crate::connection::{self, Found, Setup};
use crate::failure::{self, refused};
use crate::place;
use crate::schema;
use crate::store::SqliteStore;

/// A copy that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Where it is.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What a migration did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The version that was found; nothing where there is no database yet.
    pub from: Option<u32>,
    /// The version it has then.
    pub to: u32,
    /// The journal that was found, where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_from: Option<String>,
    /// The journal it has then, where it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_to: Option<String>,
    /// Whether anything was changed.
    pub changed: bool,
    /// The copy that was made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
}

impl SqliteStore {
    /// Copies the store as it is now into one file, while others go on. An existing file is never replaced.
    /// The copy can be put in the place of the store as it is.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<Backup> {
        let to = to.as_ref();
        let to = std::path::absolute(to).map_err(|error| failure::io("find", to, &error))?;
        let copied = self.read(|session| copy(session.connection(), &to))?;
        copied.ok_or_else(|| {
            let shown = self.path().display();
            Error::new(ErrorKind::NotFound, format!("there is no state store at `{shown}` yet"))
        })
    }

    /// Brings the database up to date; with `dry_run`, only says what that would do. Any use of an outdated
    /// store does the same first, so this is for those who want to choose the moment.
    pub fn migrate(&self, dry_run: bool) -> Result<Migration> {
        let setup = Setup { read_only: dry_run || self.options().read_only, ..self.setup() };
        let turn = if dry_run { None } else { Some(self.turn()?) };
        let mut migration = Migration {
            from: None,
            to: schema::VERSION,
            journal_from: None,
            journal_to: None,
            changed: false,
            backup: None,
        };
        match connection::find(self.path(), setup)? {
            Found::Nothing => {}
            Found::Ready(_) => migration.from = Some(schema::VERSION),
            Found::Outdated(connection, outdated) => {
                migration.from = Some(outdated.version);
                if outdated.wal != setup.wal {
                    let name = |wal: bool| Some(if wal { "wal" } else { "truncate" }.to_owned());
                    (migration.journal_from, migration.journal_to) = (name(outdated.wal), name(setup.wal));
                }
                if turn.is_some() {
                    let backup = connection::update(self.path(), &connection, outdated, setup)?;
                    migration.backup = backup.map(|backup| backup.path);
                    migration.changed = true;
                }
            }
        }
        Ok(migration)
    }
}

/// Puts a copy beside a database that is about to be migrated.
pub(crate) fn before_migration(database: &Path, connection: &Connection, version: u32) -> Result<Backup> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    let to = place::beside(database, &format!("{}-v{version}-{time}", place::BACKUP_SUFFIX));
    copy(connection, &to)
}

/// Copies into a file of another name first, so that a copy is whole or not there.
fn copy(from: &Connection, to: &Path) -> Result<Backup> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(refused(format!("`{}` exists already, and a backup replaces nothing", to.display())));
    }
    let new = place::beside(to, place::NEW_SUFFIX);
    let done = fill(from, &new).and_then(|()| publish(&new, to));
    if done.is_err() {
        // What went wrong is known; this is only tidying up.
        let _ = connection::remove_database(&new);
    }
    done?;
    let bytes = fs::metadata(to).map_or(0, |file| file.len());
    Ok(Backup { path: to.display().to_string(), bytes })
}

fn fill(from: &Connection, new: &Path) -> Result<()> {
    connection::remove_database(new)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(place::FILE_MODE).open(new);
    drop(file.map_err(|error| failure::io("create", new, &error))?);
    place::give_to_owner_of_directory(new);
    let failed = |error: rusqlite::Error| failure::sqlite(new, "write to", &error);
    let mut copy = Connection::open(new).map_err(failed)?;
    // All in one step: others may write meanwhile where there is a WAL, and a copy in several steps would
    // have to begin again each time they do.
    let step = Copying::new(from, &mut copy).and_then(|copying| copying.step(-1)).map_err(failed)?;
    if step != StepResult::Done {
        return Err(failure::busy(new));
    }
    // One file, without a log beside it.
    let check: String = copy
        .pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))
        .and_then(|_| copy.pragma_query_value(None, "quick_check", |row| row.get(0)))
        .map_err(failed)?;
    if check != "ok" {
        return Err(failure::damaged(new).cause(check));
    }
    copy.close().map_err(|(_, error)| failed(error))
}

fn publish(new: &Path, to: &Path) -> Result<()> {
    fs::File::open(new)
        .and_then(|file| file.sync_all())
        .map_err(|error| failure::io("write", new, &error))?;
    fs::rename(new, to).map_err(|error| failure::io("create", to, &error))?;
    place::sync_directory(to);
    Ok(())
}
