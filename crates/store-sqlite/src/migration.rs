//! Migration of an existing database.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ohfp_broker::Result;
use ohfp_broker::administration::Backup;
use rusqlite::Connection;

use crate::connection::{Outdated, Setup, patiently, set_journal};
use crate::copy::before_migration;
use crate::{failure, identity, paths, schema};

/// Migrates a database to this version and journal mode; returns the copy made before. The caller holds the
/// write lock.
pub(crate) fn update(
    path: &Path,
    connection: &Connection,
    found: Outdated,
    setup: Setup,
) -> Result<Option<Backup>> {
    let mut copy = None;
    if found.version < schema::VERSION {
        copy = Some(before_migration(path, connection, found.version)?);
        patiently(setup.busy_timeout, || schema::migrate(connection, found.version))
            .map_err(|error| failure::sqlite(path, "migrate", &error))?;
        tracing::info!(path = %path.display(), from = found.version, to = schema::VERSION, "migrated the state store");
    }
    if setup.wal && !found.wal && identity::known(path, connection)?.is_backup {
        // From now on it goes its own way. That must be in the file itself, before there is a log.
        let inode = paths::inspect(path)?.map_or(0, |file| file.ino());
        patiently(setup.busy_timeout, || identity::adopt(connection, inode))
            .map_err(|error| failure::sqlite(path, "write to", &error))?;
        tracing::warn!(path = %path.display(), "a backup was put in the place of the state store");
    }
    if found.wal != setup.wal {
        let changed = patiently(setup.busy_timeout, || set_journal(connection, setup.wal))
            .map_err(|error| failure::sqlite(path, "change the journal of", &error))?;
        // Another process has it open. A rollback journal works on a local file system too; the WAL works on
        // no network file system.
        if changed != setup.wal && !setup.wal {
            return Err(failure::busy(path));
        }
    }
    Ok(copy)
}
