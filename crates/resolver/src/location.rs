//! Where to read configuration and where to keep the snapshot: the shared rule of
//! [`ohfp_platform::locate`] with the command line on top.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::locate::{self, RootSource};

use crate::resolved::Origin;
use crate::source::environment::Environment;

/// The location for one invocation.
#[derive(Clone, Debug)]
pub struct ConfigLocation {
    /// Where configuration is read from.
    pub origin: Origin,
    /// The rule that decided it.
    pub source: RootSource,
    /// Path of the snapshot; `None` if neither work nor home directory is known.
    pub snapshot: Option<PathBuf>,
}

/// A variable look-up in the form that `locate` takes.
pub fn lookup<'e>(env: &'e Environment) -> impl Fn(&str) -> Option<&'e [u8]> {
    move |name| env.bytes(name)
}

/// Locates the configuration. `config` is a directory or a `config.json`; `snapshot` overrides the rule for the
/// snapshot.
pub fn find(config: Option<&Path>, snapshot: Option<&Path>, env: &Environment) -> Result<ConfigLocation> {
    let get = lookup(env);
    let (origin, source) = match config {
        Some(path) => (explicit(path)?, RootSource::CommandLine),
        None => match locate::config_root(&get) {
            Some(root) => {
                let path = PathBuf::from(OsStr::from_bytes(root.path.as_bytes()));
                (Origin { root: path, config_file: None }, root.source)
            }
            None => orb(env)?.ok_or_else(no_configuration)?,
        },
    };
    let snapshot = match snapshot {
        Some(path) => Some(absolute(path)?),
        None => locate::snapshot_path(&get, Some(identity(&origin)))
            .map(|path| PathBuf::from(OsStr::from_bytes(path.as_bytes()))),
    };
    Ok(ConfigLocation { origin, source, snapshot })
}

/// The variables that name the places of an installation of Open Resource Broker. They count where no other rule
/// applies, and only for the live program: the runtime leaves such a site to it.
const ORB: [&str; 3] = ["ORB_CONFIG_DIR", "ORB_CONFIG_FILE", "ORB_ROOT_DIR"];

/// The place that a variable of Open Resource Broker names.
fn orb(env: &Environment) -> Result<Option<(Origin, RootSource)>> {
    for name in ORB {
        let Some(value) = env.get(name).filter(|value| !value.is_empty()) else { continue };
        let path = absolute(Path::new(value))?;
        let origin = match name {
            "ORB_CONFIG_FILE" => {
                let root = path.parent().unwrap_or(Path::new("/")).to_owned();
                let own = path == root.join("config.json");
                Origin { root, config_file: (!own).then_some(path) }
            }
            "ORB_ROOT_DIR" => Origin { root: path.join("config"), config_file: None },
            _ => Origin { root: path, config_file: None },
        };
        return Ok(Some((origin, RootSource::Variable(name))));
    }
    Ok(None)
}

/// Whether the configuration is where a variable of Open Resource Broker says: then its other variables count, too.
pub fn is_orb(env: &Environment) -> bool {
    let is_set = |name: &&str| env.get(name).is_some_and(|value| !value.is_empty());
    ORB.iter().any(is_set) && locate::config_root(&lookup(env)).is_none()
}

/// A rule that can decide the configuration directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationOption {
    /// The rule, as in the documentation.
    pub rule: &'static str,
    /// What it comes to here; `None` where it says nothing.
    pub path: Option<PathBuf>,
}

/// Every rule in its order, for a person who asks why a directory was chosen.
pub fn rules(env: &Environment) -> Vec<LocationOption> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let provider = set("HF_PROVIDER_NAME").or_else(|| set("PROVIDER_NAME"));
    let user = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let option = |rule, path| LocationOption { rule, path };
    vec![
        option("OHFP_CONFIG_DIR", set("OHFP_CONFIG_DIR")),
        option("HF_PROVIDER_CONFDIR", set("HF_PROVIDER_CONFDIR")),
        option(
            "HF_CONFDIR with HF_PROVIDER_NAME",
            set("HF_CONFDIR").zip(provider).map(|(root, name)| root.join("providers").join(name)),
        ),
        option("PRO_CONF_DIR", set("PRO_CONF_DIR")),
        option(
            "the user's configuration directory",
            user.map(|base| base.join("ohfp")).filter(|path| path.is_dir()),
        ),
        option("/etc/ohfp", Some(PathBuf::from("/etc/ohfp")).filter(|path| path.is_dir())),
        option("ORB_CONFIG_DIR", set("ORB_CONFIG_DIR")),
        option("ORB_CONFIG_FILE", set("ORB_CONFIG_FILE")),
        option("ORB_ROOT_DIR", set("ORB_ROOT_DIR").map(|root| root.join("config"))),
    ]
}

/// Identifies an origin in stamps: its root, or the file if one was named, so that a snapshot built from it is
/// never used for the root itself.
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
        .hint("name a config.json or its directory"));
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
    let mut hint = "name the directory of your templates in OHFP_CONFIG_DIR or --config".to_owned();
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
             neither ~/.config/ohfp nor /etc/ohfp exists, and none of ORB_CONFIG_DIR, ORB_CONFIG_FILE and ORB_ROOT_DIR \
             is set",
        )
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(root: &str, config_file: Option<&str>) -> Origin {
        Origin { root: PathBuf::from(root), config_file: config_file.map(PathBuf::from) }
    }

    #[test]
    fn an_unusual_file_stands_for_itself() {
        for (config_file, expected) in [
            (None, "/etc/ohfp"),
            (Some("/etc/ohfp/config.json"), "/etc/ohfp"),
            (Some("/etc/ohfp/other.json"), "/etc/ohfp/other.json"),
            (Some("/tmp/config.json"), "/tmp/config.json"),
        ] {
            assert_eq!(identity(&origin("/etc/ohfp", config_file)), expected.as_bytes());
        }
    }

    #[test]
    fn the_command_line_goes_before_the_environment() {
        let directory = std::env::temp_dir().join(format!("ohfp-location-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("my.json");
        std::fs::write(&file, "{}").unwrap();
        let env: Environment = [("OHFP_CONFIG_DIR", "/etc/elsewhere"), ("OHFP_SNAPSHOT", "/var/x.snapshot")]
            .into_iter()
            .collect();
        let found = |config: Option<&Path>, snapshot: Option<&str>| {
            let found = find(config, snapshot.map(Path::new), &env).unwrap();
            (found.origin, found.source, found.snapshot)
        };
        let of_variable = Some(PathBuf::from("/var/x.snapshot"));
        let root = directory.to_str().unwrap();
        assert_eq!(
            found(None, None),
            (origin("/etc/elsewhere", None), RootSource::Variable("OHFP_CONFIG_DIR"), of_variable.clone())
        );
        assert_eq!(
            found(Some(&directory), Some("/tmp/y/")),
            (origin(root, None), RootSource::CommandLine, Some(PathBuf::from("/tmp/y")))
        );
        assert_eq!(
            found(Some(&file), None),
            (origin(root, file.to_str()), RootSource::CommandLine, of_variable)
        );

        let missing = find(Some(&directory.join("missing")), None, &env).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::Input);
        assert_eq!(
            missing.summary(),
            format!("`{}`, named by --config, does not exist", directory.join("missing").display())
        );
        let long = find(Some(Path::new(&"x/".repeat(3_000))), None, &env).unwrap_err();
        assert_eq!(long.kind(), ErrorKind::Usage);
        std::fs::remove_dir_all(directory).unwrap();
    }

    /// The places of another broker, where there is none of ours; a home without a configuration is none.
    #[test]
    fn places_of_open_resource_broker() {
        let home = ("HOME", "/nonexistent");
        for (variables, expected) in [
            (&[home, ("ORB_CONFIG_DIR", "/o/c")][..], Some(("/o/c", None, "ORB_CONFIG_DIR"))),
            (&[home, ("ORB_CONFIG_FILE", "/o/config.json")], Some(("/o", None, "ORB_CONFIG_FILE"))),
            (&[home, ("ORB_CONFIG_FILE", "/o/x.json")], Some(("/o", Some("/o/x.json"), "ORB_CONFIG_FILE"))),
            (&[home, ("ORB_ROOT_DIR", "/o")], Some(("/o/config", None, "ORB_ROOT_DIR"))),
            (&[home, ("ORB_ROOT_DIR", "/r"), ("ORB_CONFIG_DIR", "/c")], Some(("/c", None, "ORB_CONFIG_DIR"))),
            (
                &[home, ("ORB_CONFIG_DIR", "/c"), ("HF_PROVIDER_CONFDIR", "/hf")],
                Some(("/hf", None, "HF_PROVIDER_CONFDIR")),
            ),
            (&[home, ("ORB_CONFIG_DIR", "")], None),
        ] {
            let env: Environment = variables.iter().copied().collect();
            let found = find(None, None, &env).ok().map(|found| (found.origin, found.source));
            let expected =
                expected.map(|(root, file, name)| (origin(root, file), RootSource::Variable(name)));
            assert_eq!(found, expected, "{variables:?}");
            let is_theirs = matches!(expected, Some((_, RootSource::Variable(name))) if ORB.contains(&name));
            assert_eq!(is_orb(&env), is_theirs, "{variables:?}");
        }
    }

    #[test]
    fn a_snapshot_needs_a_place() {
        let env: Environment = [("OHFP_CONFIG_DIR", "/etc/ohfp")].into_iter().collect();
        assert_eq!(find(None, None, &env).unwrap().snapshot, None);
        let env: Environment =
            [("HF_PROVIDER_CONFDIR", "/c"), ("HF_PROVIDER_WORKDIR", "/w")].into_iter().collect();
        assert_eq!(find(None, None, &env).unwrap().snapshot, Some(PathBuf::from("/w/ohfp.snapshot")));
        assert_eq!(lookup(&env)("HF_PROVIDER_WORKDIR"), Some(b"/w".as_slice()));
        assert_eq!(lookup(&env)("OHFP_SNAPSHOT"), None);
    }

    #[test]
    fn without_configuration_the_variables_are_named() {
        let error = no_configuration();
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.summary().starts_with("no configuration found"), "{}", error.summary());
        let hint = error.hint_text().unwrap_or_default();
        assert!(
            hint.starts_with("name the directory of your templates in OHFP_CONFIG_DIR or --config"),
            "{hint}"
        );
    }
}
