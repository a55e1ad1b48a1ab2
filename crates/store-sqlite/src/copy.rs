//! Atomic copies of a database.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use ohfp_broker::Result;
use ohfp_broker::administration::Backup;
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::connection::{self, Setup};
use crate::draft::Draft;
use crate::failure::{self, refused};
use crate::{digest, identity, paths};

/// Puts a copy beside a database that is about to be migrated.
pub(crate) fn before_migration(database: &Path, connection: &Connection, version: u32) -> Result<Backup> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    let to = paths::beside(database, &format!("{}-v{version}-{time}", paths::BACKUP_SUFFIX));
    copy(connection, &to)
}

/// Copies into a draft first, so that a copy is complete or absent.
pub(crate) fn copy(from: &Connection, to: &Path) -> Result<Backup> {
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
    Ok(Backup { path: to.display().to_string(), bytes: paths::size(to) })
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
