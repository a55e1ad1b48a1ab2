//! A database file of SQLite in the state directory.

use std::path::PathBuf;
use std::time::Duration;

use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_resolver::StorageStrategy;
use ohfp_store_sqlite::{Options, SqliteStore, Traces};

use crate::invocation::Invocation;
use crate::site_store::{AccessMode, SiteStore, StoreFactory, StoreLocation};
use crate::state_dir;

pub(super) const FACTORY: StoreFactory = StoreFactory { strategy: StorageStrategy::Sqlite, locate, open };

fn locate(site: &Invocation) -> Result<StoreLocation, Errors> {
    let path = database(site)?;
    Ok(StoreLocation { shown: path.display().to_string(), exists: path.exists() })
}

fn database(site: &Invocation) -> Result<PathBuf, Errors> {
    let name = site.configuration()?.settings.database_name()?;
    let path = site.state_directory()?.join(name);
    if !state_dir::is_usable(&path) {
        return Err(
            Error::new(ErrorKind::Input, format!("`{}` is not a valid file name", path.display())).into()
        );
    }
    if state_dir::is_reserved(name) {
        return Err(Error::new(
            ErrorKind::Input,
            format!(
                "`storage.sql_strategy.name` is `{name}`, which is another file's name beside the database"
            ),
        )
        .hint("choose another name, such as `ohfp.db`")
        .into());
    }
    Ok(path)
}

fn open(site: &Invocation, access: AccessMode, eager: bool) -> Result<SiteStore, Errors> {
    let path = database(site)?;
    let file_system = state_dir::file_system(&path);
    let options = Options {
        local_file_system: file_system.is_some_and(|found| found.local),
        block_size: file_system.map_or(0, |found| found.block_size),
        busy_timeout: Duration::from_secs(site.configuration()?.settings.busy_timeout()),
        eager,
        read_only: access == AccessMode::ReadOnly,
    };
    let traces = Traces {
        marker: state_dir::marker(site.place()?, site.env(), &path),
        companions: path.parent().map(state_dir::cache).into_iter().collect(),
        log: site.log_path(),
    };
    Ok(SqliteStore::open_with(path, options, traces).map(SiteStore::new)?)
}
