//! Operators' actions: backup and migration.

use std::path::Path;

use ohfp_broker::administration::{Backup, Migration};
use ohfp_broker::{Error, ErrorKind, Result};

use crate::connection::{self, Found, Setup};
use crate::copy::copy;
use crate::failure;
use crate::store::SqliteStore;
use crate::{create, migration, paths, schema, traces};

impl SqliteStore {
    /// Copies the store into one file, while other processes keep writing. An existing file is never replaced.
    /// [`Self::restore`] replaces the store by the copy.
    ///
    /// # Errors
    ///
    /// `Refused` if the file exists, `NotFound` if there is no store yet, `System` if it cannot be written.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<Backup> {
        let to = to.as_ref();
        let to = std::path::absolute(to).map_err(|error| failure::io("find", to, &error))?;
        self.with_reader(|connection| copy(connection, &to))?.ok_or_else(|| {
            let shown = self.path().display();
            Error::new(ErrorKind::NotFound, format!("there is no state store at `{shown}` yet"))
        })
    }

    /// Migrates the database; with `dry_run`, only reports the effect. Any use of an outdated store migrates it
    /// first, so this only serves to choose the moment.
    ///
    /// # Errors
    ///
    /// As [`Self::open_with`].
    pub fn migrate(&self, dry_run: bool) -> Result<Migration> {
        let setup = Setup { read_only: dry_run || self.options().read_only, ..self.setup() };
        let is_there = paths::inspect(self.path())?.is_some();
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
                    let backup = migration::update(self.path(), &connection, outdated, setup)?;
                    create::seal(self.path(), &connection, lock.file())?;
                    migration.backup = backup.map(|backup| backup.path);
                    migration.changed = true;
                }
            }
        }
        Ok(migration)
    }
}
