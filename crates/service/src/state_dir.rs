//! The state directory of this instance: state store and result cache.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::disk::{self, FileSystem};
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Environment, location};
use xxhash_rust::xxh3::xxh3_64;

/// The rule that decides the state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationRule {
    /// An environment variable, or several together.
    Variables(&'static str),
    /// The user's state directory, if no variable is set.
    User,
}

/// Open Resource Broker's directory for its state. It counts for a site whose configuration is that broker's, which had
/// no other state directory before; elsewhere a store that is in use would get lost.
const ORB_WORK_DIR: &str = "ORB_WORK_DIR";

impl fmt::Display for LocationRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variables(names) => f.write_str(names),
            Self::User => f.write_str("the user's state directory"),
        }
    }
}

/// The rule in force: ohfp's variable, then Host Factory's, then LSF's, then that of a broker whose configuration is
/// read, then the user's state directory.
pub fn rule(env: &Environment) -> LocationRule {
    let is_set = |name: &str| env.get(name).is_some_and(|value| !value.is_empty());
    let has_provider = is_set("HF_PROVIDER_NAME") || is_set("PROVIDER_NAME");
    match () {
        () if is_set("OHFP_STATE_DIR") => LocationRule::Variables("OHFP_STATE_DIR"),
        () if is_set("HF_PROVIDER_WORKDIR") => LocationRule::Variables("HF_PROVIDER_WORKDIR"),
        () if has_provider && is_set("HF_WORKDIR") => {
            LocationRule::Variables("HF_WORKDIR and HF_PROVIDER_NAME")
        }
        () if has_provider && is_set("PRO_DATA_DIR") => {
            LocationRule::Variables("PRO_DATA_DIR and PROVIDER_NAME")
        }
        () if is_set(ORB_WORK_DIR) && location::is_orb(env) => LocationRule::Variables(ORB_WORK_DIR),
        () => LocationRule::User,
    }
}

/// Path of the state directory. Under a scheduler, it belongs to the instance; for a person, each configuration
/// has its own.
pub fn directory(place: &ConfigLocation, env: &Environment) -> Result<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(directory) = set("OHFP_STATE_DIR").or_else(|| set("HF_PROVIDER_WORKDIR")) {
        return absolute(&directory);
    }
    if let Some(provider) = set("HF_PROVIDER_NAME").or_else(|| set("PROVIDER_NAME")) {
        if let Some(directory) = set("HF_WORKDIR") {
            return absolute(&directory.join("providers").join(provider));
        }
        if let Some(directory) = set("PRO_DATA_DIR") {
            return absolute(&directory.join(format!("ohfp-{}", provider.display())));
        }
    }
    if let Some(directory) = set(ORB_WORK_DIR).filter(|_| location::is_orb(env)) {
        return absolute(&directory);
    }
    let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let base = base.filter(|base| base.is_absolute()).ok_or_else(|| {
        Error::new(ErrorKind::Input, "no directory is configured for the state of requests and machines")
            .cause(
                "none of OHFP_STATE_DIR, HF_PROVIDER_WORKDIR, HF_WORKDIR with HF_PROVIDER_NAME, \
                 XDG_STATE_HOME and HOME is set",
            )
            .hint("name a directory in OHFP_STATE_DIR")
    })?;
    let root = xxh3_64(location::identity(&place.origin));
    Ok(base.join("ohfp").join(format!("{root:016x}")))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| {
        Error::new(ErrorKind::Input, format!("`{}` is no directory", path.display())).cause(error)
    })
}

/// The file system of a path, or of its nearest existing parent; `None` if it is unknown.
pub fn file_system(path: &Path) -> Option<FileSystem> {
    path.ancestors().find_map(disk::file_system)
}

/// Path of the result cache, beside the store.
pub fn cache(directory: &Path) -> PathBuf {
    directory.join(CACHE)
}

const CACHE: &str = "results.cache";

/// Path of the marker that records the existence of this store. It lies in the user's cache directory, named
/// after configuration and store, so that it is found when the store's file system is not mounted. `None` if no
/// cache directory is known.
pub fn marker(place: &ConfigLocation, env: &Environment, database: &Path) -> Option<PathBuf> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let key = [location::identity(&place.origin), &[0], database.as_os_str().as_bytes()].concat();
    let name = format!("{:016x}.store", xxh3_64(&key));
    base.filter(|base| base.is_absolute()).map(|base| base.join("ohfp").join(name))
}

/// Whether a file name beside the database is reserved for another file of the instance.
pub fn is_reserved(name: &str) -> bool {
    let endings = ["-wal", "-shm", "-journal", ".lock", ".reserve", ".snapshot", ".previous", ".tmp", ".log"];
    name.starts_with('.')
        || name.starts_with(ohfp_metrics::PREFIX)
        || [CACHE, "config.json"].contains(&name)
        || name.contains(".spool")
        || name.contains(".backup")
        || name.contains(".replaced-")
        || endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether a path can be passed to C: it is not empty and has no NUL byte.
pub fn is_usable(path: &Path) -> bool {
    !path.as_os_str().as_bytes().contains(&0)
}
