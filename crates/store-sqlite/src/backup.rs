//! Copies of a store, and migrations, which begin with one.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use ohfp_broker::{Error, ErrorKind, Result};
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde::Serialize;

use crate::connection::{self, Found, Setup};
use crate::draft::Draft;
use crate::failure::{self, refused};
use crate::store::SqliteStore;
use crate::{create, digest, identity, place, schema, traces};

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
    /// [`Self::restore`] puts the copy in the place of the store.
    ///
    /// # Errors
    ///
    /// `Refused` where the file exists, `NotFound` where there is no store yet, `System` where it cannot be written.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<Backup> {
        let to = to.as_ref();
        let to = std::path::absolute(to).map_err(|error| failure::io("find", to, &error))?;
        self.with_reader(|connection| copy(connection, &to))?.ok_or_else(|| {
            let shown = self.path().display();
            Error::new(ErrorKind::NotFound, format!("there is no state store at `{shown}` yet"))
        })
    }

    /// Brings the database up to date; with `dry_run`, only says what that would do. Any use of an outdated
    /// store does the same first, so this is for those who want to choose the moment.
    ///
    /// # Errors
    ///
    /// As [`Self::open_with`].
    pub fn migrate(&self, dry_run: bool) -> Result<Migration> {
        let setup = Setup { read_only: dry_run || self.options().read_only, ..self.setup() };
        let is_there = place::inspect(self.path())?.is_some();
        if !is_there {
            self.traces().must_be_new(self.path())?;
        }
        let mut migration = Migration {
            from: None,
            to: schema::VERSION,
            journal_from: None,
            journal_to: None,
            changed: false,
            backup: None,
        };
        if !is_there && !setup.read_only {
            return Err(traces::missing(self.path()));
        }
        if !is_there {
            return Ok(migration);
        }
        let lock = if dry_run { None } else { Some(self.write_lock()?) };
        match connection::find(self.path(), setup)? {
            Found::Ready(_) => migration.from = Some(schema::VERSION),
            Found::Outdated(connection, outdated) => {
                migration.from = Some(outdated.version);
                if outdated.wal != setup.wal {
                    let name = |wal: bool| Some(if wal { "wal" } else { "truncate" }.to_owned());
                    (migration.journal_from, migration.journal_to) = (name(outdated.wal), name(setup.wal));
                }
                if let Some(lock) = &lock {
                    let backup = connection::update(self.path(), &connection, outdated, setup)?;
                    create::seal(self.path(), &connection, lock.file())?;
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

/// Copies into a draft first, so that a copy is whole or not there.
fn copy(from: &Connection, to: &Path) -> Result<Backup> {
    let exists = || refused(format!("`{}` exists already, and a backup replaces nothing", to.display()));
    if fs::symlink_metadata(to).is_ok() {
        return Err(exists());
    }
    let draft = Draft::begin(to)?;
    vacuum(from, &draft)?;
    stamp(&draft)?;
    draft.sync()?;
    match draft.place_new(to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists()),
        placed => placed.map_err(|error| failure::io("create", to, &error))?,
    }
    Ok(Backup { path: to.display().to_string(), bytes: place::size(to) })
}

/// Copies everything that is stored into a draft, and nothing that was deleted: free pages stay behind. It is one
/// state of the store, whatever other processes write meanwhile.
pub(crate) fn vacuum(from: &Connection, draft: &Draft) -> Result<()> {
    let to = ToSqlOutput::Borrowed(ValueRef::Text(draft.path().as_os_str().as_bytes()));
    let copied = from.execute("VACUUM INTO ?1", [to]);
    copied.map(drop).map_err(|error| failure::sqlite(draft.path(), "copy", &error))
}

/// Makes a copy say that it is a backup, of when, and what the sum of its content is.
fn stamp(draft: &Draft) -> Result<()> {
    let path = draft.path();
    let failed = |error: rusqlite::Error| failure::sqlite(path, "write to", &error);
    let copy = connection::open(path, draft_setup())?;
    let now = jiff::Timestamp::now().as_millisecond();
    let inode = draft.inode()?.cast_signed();
    copy.execute(
        "UPDATE store SET kind = ?1, inode = ?2, made = ?3, digest = NULL",
        (identity::BACKUP, inode, now),
    )
    .map_err(failed)?;
    let sum = digest::of(&copy).map_err(failed)?;
    copy.execute("UPDATE store SET digest = ?1", [sum]).map_err(failed)?;
    let check: String = copy.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(failed)?;
    if check != "ok" {
        return Err(failure::damaged(path).cause(check));
    }
    copy.close().map_err(|(_, error)| failed(error))
}

/// How a draft that no other process knows is opened.
pub(crate) fn draft_setup() -> Setup {
    Setup { wal: false, busy_timeout: Duration::ZERO, read_only: false, small_blocks: false }
}
