//! Where the state store of a site lies, and how it is opened.

use std::path::PathBuf;
use std::time::Duration;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Configuration, Environment};
use ohfp_store_sqlite::{Options, SqliteStore, Traces};

use crate::{log, state_dir};

/// Whether an invocation may change state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// It may.
    ReadWrite,
    /// It must not: a dry run, or a look.
    ReadOnly,
}

/// Where the database of this configuration lies.
pub fn database(configuration: &Configuration, place: &ConfigLocation, env: &Environment) -> Result<PathBuf> {
    let name = configuration.settings.database_name()?;
    let path = state_dir::directory(place, env)?.join(name);
    if !state_dir::is_usable(&path) {
        return Err(Error::new(ErrorKind::Input, format!("`{}` cannot be a file's name", path.display())));
    }
    if state_dir::is_reserved(name) {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "`storage.sql_strategy.name` is `{name}`, which is another file's name beside the database"
            ),
        )
        .hint("choose another name, such as `ohfp.db`"));
    }
    Ok(path)
}

/// Opens the state store, or gets it ready to be opened at the first use where `eager` is not set.
///
/// # Errors
/// [`ErrorKind::Input`] where the configuration names no usable file, else what keeps the store from being opened.
pub fn store(
    configuration: &Configuration,
    place: &ConfigLocation,
    env: &Environment,
    access: AccessMode,
    eager: bool,
) -> Result<SqliteStore> {
    let path = database(configuration, place, env)?;
    let file_system = state_dir::file_system(&path);
    let options = Options {
        local_file_system: file_system.is_some_and(|found| found.local),
        block_size: file_system.map_or(0, |found| found.block_size),
        busy_timeout: Duration::from_secs(configuration.settings.busy_timeout()),
        eager,
        read_only: access == AccessMode::ReadOnly,
    };
    let traces = Traces {
        marker: state_dir::marker(place, env, &path),
        companions: path.parent().map(state_dir::cache).into_iter().collect(),
        log: log::path(env),
    };
    SqliteStore::open_with(path, options, traces)
}
