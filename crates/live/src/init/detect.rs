//! What is there already: the scheduler that runs this site, and other brokers' configurations.
//!
//! It looks into a few directories that the environment names, and changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use ohfp_service::import::Source;
use ohfp_service::invocation::Environment;
use serde_json::{Value, json};

/// The scheduler that a site belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SiteScheduler {
    /// Symphony's Host Factory.
    HostFactory,
    /// LSF's resource connector.
    Lsf,
}

/// A configuration of another broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Installation {
    pub(super) source: Source,
    pub(super) directory: PathBuf,
    /// Its requests and machines.
    pub(super) state: Option<PathBuf>,
}

impl Installation {
    /// The word of `--from`.
    pub(super) fn word(&self) -> &'static str {
        match self.source {
            Source::Orb => "orb",
            Source::OhfpPython => "ohfp-python",
            Source::Ibm => "ibm",
        }
    }

    /// The command that imports it.
    pub(super) fn command(&self) -> String {
        let state = self.state.as_ref().map(|file| format!(" --state {}", quoted(file))).unwrap_or_default();
        format!("ohfp config import --from {} {}{state}", self.word(), quoted(&self.directory))
    }

    pub(super) fn document(&self) -> Value {
        json!({
            "broker": self.word(),
            "directory": self.directory.display().to_string(),
            "state": self.state.as_ref().map(|file| file.display().to_string()),
            "import": self.command(),
        })
    }
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-~+=:,@%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The scheduler whose variables are set.
pub(super) fn scheduler(env: &Environment) -> Option<SiteScheduler> {
    let any = |names: &[&str]| names.iter().any(|name| env.get(name).is_some_and(|value| !value.is_empty()));
    if any(&["HF_CONFDIR", "HF_PROVIDER_CONFDIR", "HF_PROVIDER_NAME", "HF_TOP"]) {
        Some(SiteScheduler::HostFactory)
    } else if any(&["PRO_CONF_DIR", "PRO_DATA_DIR", "PRO_LSF_TOP"]) {
        Some(SiteScheduler::Lsf)
    } else {
        None
    }
}

/// Other brokers' configurations in the directories that the environment names; `own` is not one of them.
pub(super) fn installations(env: &Environment, own: &Path) -> Vec<Installation> {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let mut found: Vec<Installation> = Vec::new();
    let mut add = |installation: Option<Installation>| {
        if let Some(one) = installation.filter(|one| one.directory != own)
            && !found.iter().any(|known| known.directory == one.directory)
        {
            found.push(one);
        }
    };
    let home = set("HOME").map(|home| home.join(".orb"));
    let roots = set("ORB_ROOT_DIR").into_iter().chain(home);
    let of_variables =
        [set("ORB_CONFIG_DIR"), set("ORB_CONFIG_FILE").and_then(|file| file.parent().map(Path::to_owned))];
    for directory in of_variables.into_iter().flatten() {
        add(python(&directory, &[set("ORB_WORK_DIR"), directory.parent().map(|root| root.join("work"))]));
    }
    for root in roots {
        add(python(&root.join("config"), &[set("ORB_WORK_DIR"), Some(root.join("work"))]));
    }
    let instances = set("HF_CONFDIR").map(|root| entries(&root.join("providers"))).unwrap_or_default();
    for directory in set("HF_PROVIDER_CONFDIR").into_iter().chain(instances) {
        let work = [set("HF_PROVIDER_WORKDIR")];
        add(python(&directory, &work).or_else(|| ibm(&directory, None)));
    }
    if let Some(root) = set("PRO_CONF_DIR") {
        let state = set("PRO_DATA_DIR").map(|data| data.join("aws-db.json"));
        add(ibm(&root, state.clone()).or_else(|| ibm(&root.join("conf"), state)));
    }
    found
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn has_file(directory: &Path, ending: &str) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| name.ends_with(ending))
}

/// Sections that only the Python brokers have.
const THEIRS: [&str; 7] =
    ["naming", "resource", "circuit_breaker", "server", "native_spec", "events", "environment"];

/// The Python broker's configuration in a directory, where there is one. `work` are its work directories.
fn python(directory: &Path, work: &[Option<PathBuf>]) -> Option<Installation> {
    let text = fs::read(directory.join("config.json")).ok()?;
    let config: Value = serde_json::from_slice(&text).ok()?;
    let state = work.iter().flatten().map(|work| work.join("data/request_database.json"));
    let state = state.into_iter().find(|file| file.is_file());
    let is_theirs = state.is_some() || THEIRS.iter().any(|section| config.get(section).is_some());
    if !is_theirs || !has_file(directory, "templates.json") {
        return None;
    }
    // The newer one no longer reads IBM's file.
    let source = if has_file(directory, "prov_templates.json") { Source::OhfpPython } else { Source::Orb };
    Some(Installation { source, directory: directory.to_owned(), state })
}

/// IBM's configuration in a directory, where there is one without a `config.json` of ohfp.
fn ibm(directory: &Path, state: Option<PathBuf>) -> Option<Installation> {
    let is_theirs = has_file(directory, "prov_templates.json") && !directory.join("config.json").exists();
    let state = state.filter(|file| file.is_file());
    is_theirs.then(|| Installation { source: Source::Ibm, directory: directory.to_owned(), state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_commands() {
        for (path, expected) in [("/a/b-c.json", "/a/b-c.json"), ("/a b", "'/a b'"), ("/it's", r"'/it'\''s'")]
        {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }

    #[test]
    fn schedulers_by_their_variables() {
        for (name, expected) in [
            ("HF_CONFDIR", Some(SiteScheduler::HostFactory)),
            ("PRO_CONF_DIR", Some(SiteScheduler::Lsf)),
            ("HOME", None),
        ] {
            assert_eq!(scheduler(&Environment::from_iter([(name, "/x")])), expected, "{name}");
        }
        assert_eq!(scheduler(&Environment::from_iter([("HF_CONFDIR", "")])), None);
    }
}
