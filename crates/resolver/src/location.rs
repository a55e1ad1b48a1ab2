//! Where to read configuration and where to keep the snapshot: the shared rule of
//! [`ohfp_platform::locate`] with the command line on top.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::locate::{self, RootSource};

use crate::resolved::Origin;
use crate::source::environment::Environment;

/// The answer for one invocation.
#[derive(Clone, Debug)]
pub struct ConfigLocation {
    /// Where configuration is read from.
    pub origin: Origin,
    /// Which rule said so.
    pub source: RootSource,
    /// Where the snapshot belongs; nothing when neither work nor home directory is known.
    pub snapshot: Option<PathBuf>,
}

/// Looks a variable up the way `locate` wants it.
pub fn lookup<'e>(env: &'e Environment) -> impl Fn(&str) -> Option<&'e [u8]> {
    move |name| env.get(name).map(OsStrExt::as_bytes)
}

/// Finds the place. `config` is a folder or a `config.json`; `snapshot` overrides the rule.
pub fn find(config: Option<&Path>, snapshot: Option<&Path>, env: &Environment) -> Result<ConfigLocation> {
    let get = lookup(env);
    let (origin, source) = match config {
        Some(path) => (explicit(path)?, RootSource::CommandLine),
        None => {
            let root = locate::config_root(&get).ok_or_else(no_configuration)?;
            let path = PathBuf::from(OsStr::from_bytes(root.path.as_bytes()));
            (Origin { root: path, config_file: None }, root.source)
        }
    };
    let snapshot = match snapshot {
        Some(path) => Some(absolute(path)?),
        None => locate::snapshot_path(&get, Some(identity(&origin)))
            .map(|path| PathBuf::from(OsStr::from_bytes(path.as_bytes()))),
    };
    Ok(ConfigLocation { origin, source, snapshot })
}

/// What stands for an origin in stamps: its root, or the file where an unusual one was named, so
/// that a snapshot made from it is never taken for the root's own.
pub fn identity(origin: &Origin) -> &[u8] {
    match &origin.config_file {
        Some(file) if *file != origin.root.join("config.json") => file.as_os_str().as_bytes(),
        _ => origin.root.as_os_str().as_bytes(),
    }
}

fn explicit(path: &Path) -> Result<Origin> {
    let path = absolute(path)?;
    if path.is_dir() {
        return Ok(Origin { root: path, config_file: None });
    }
    if !path.exists() {
        return Err(Error::new(
            ErrorKind::Input,
            format!("`{}`, named by --config, does not exist", path.display()),
        )
        .hint("name a config.json or the folder that holds it"));
    }
    let root = path.parent().unwrap_or(Path::new("/")).to_owned();
    Ok(Origin { root, config_file: Some(path) })
}

fn absolute(path: &Path) -> Result<PathBuf> {
    locate::Path::absolute(path.as_os_str().as_bytes())
        .map(|path| PathBuf::from(OsStr::from_bytes(path.as_bytes())))
        .ok_or_else(|| Error::new(ErrorKind::Usage, format!("the path `{}` is too long", path.display())))
}

fn no_configuration() -> Error {
    let mut hint = "name the folder with your templates in OHFP_CONFIG_DIR or --config".to_owned();
    let examples = locate::program_directory()
        .map(|directory| PathBuf::from(OsStr::from_bytes(directory.as_bytes())).join("../../config"))
        .and_then(|path| path.canonicalize().ok())
        .filter(|path| path.is_dir());
    if let Some(examples) = examples {
        hint.push_str(&format!("; to try the examples: OHFP_CONFIG_DIR={}", examples.display()));
    }
    Error::new(ErrorKind::Input, "no configuration found")
        .cause(
            "none of OHFP_CONFIG_DIR, HF_PROVIDER_CONFDIR, HF_CONFDIR with HF_PROVIDER_NAME, and PRO_CONF_DIR is set, \
             and neither ~/.config/ohfp nor /etc/ohfp exists",
        )
        .hint(hint)
}
