//! Files in the configuration root that look like configuration and are not read, and what would differ if
//! they were. They change no answer, so they leave no trail.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, ReadDir};
use std::path::Path;

use ohfp_broker::template::Template;
use ohfp_platform::files;
use serde_json::{Map, Value};

use crate::load::layers::{self, NAMES, PARTS};
use crate::settings::config_file;
use crate::settings::effective::Settings;
use crate::source::environment::Environment;
use crate::source::findings::{Findings, Problem, Subject, Warning};
use crate::source::text::{SourcePosition, Text};
use crate::source::trail::{Recorder, Trail};
use crate::templates::{fields, files as template_files};

/// The result of the load, for comparison.
pub(crate) struct Loaded<'l> {
    pub(crate) root: &'l Path,
    pub(crate) instance_name: Option<&'l str>,
    pub(crate) settings: &'l Settings,
    pub(crate) templates: &'l [Template],
    pub(crate) trail: &'l Trail,
}

/// Larger files are reported without reading them; in bytes.
const LARGEST: u64 = 16 << 20;

/// Endings of formats of configuration that no file is read under.
const UNREAD_ENDINGS: [&str; 3] = ["json5", "jsonc", "yml"];

/// Most names that a message lists.
const NAMED: usize = 5;

/// What a file appears to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Settings,
    /// A file of `config.d`.
    Part,
    IbmSettings,
    Templates,
    Directory,
}

/// A warning for each file that is not read.
pub(crate) fn find(loaded: &Loaded<'_>) -> Vec<Warning> {
    let Ok(entries) = fs::read_dir(loaded.root) else { return Vec::new() };
    let names = sorted(entries);
    let is_read = |name: &str| {
        let path = loaded.root.join(name);
        loaded.trail.present().any(|present| present == path)
    };
    let other = names.iter().filter(|name| !is_read(name));
    let mut found: Vec<Warning> = other.filter_map(|name| warning(loaded, name, kind(name)?)).collect();
    // All that has a known ending there is read.
    if is_read(PARTS)
        && let Ok(entries) = fs::read_dir(loaded.root.join(PARTS))
    {
        let names = sorted(entries).into_iter().filter(|name| is_unread_part(name));
        found.extend(names.filter_map(|name| warning(loaded, &format!("{PARTS}/{name}"), Kind::Part)));
    }
    found
}

fn sorted(entries: ReadDir) -> BTreeSet<String> {
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// An error for each further format of a `config.json` in the configuration directory. It stops no operation:
/// `config.json` has always been read alone, and production must not end when a file appears beside it.
pub(crate) fn second_formats(root: &Path, trail: &Trail) -> Vec<Problem> {
    let [json, others @ ..] = NAMES;
    let own = root.join(json);
    if !trail.present().any(|present| present == own) {
        return Vec::new();
    }
    let beside = others.into_iter().filter(|name| root.join(name).symlink_metadata().is_ok());
    let problem = |name: &str| Problem {
        subject: Subject::Setting(name.to_owned()),
        error: layers::two_formats(root, json, name),
    };
    beside.map(problem).collect()
}

/// Whether a file of `config.d` is in a format of configuration, under an ending that is not read.
fn is_unread_part(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    !name.starts_with('.') && ending.is_some_and(|ending| UNREAD_ENDINGS.contains(&ending))
}

fn kind(name: &str) -> Option<Kind> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_structured = ["json", "toml", "yaml"].contains(&extension) || UNREAD_ENDINGS.contains(&extension);
    Some(match stem {
        _ if name.starts_with('.') => return None,
        "conf" | "templates" if extension == "d" => Kind::Directory,
        _ if !is_structured => return None,
        "config" if NAMES.contains(&name) => return None,
        "config" | "default_config" => Kind::Settings,
        _ if stem.starts_with("config.") => Kind::Settings,
        _ if stem.ends_with("prov_config") => Kind::IbmSettings,
        _ if stem == "templates" || stem.ends_with("_templates") => Kind::Templates,
        _ => return None,
    })
}

fn warning(loaded: &Loaded<'_>, name: &str, kind: Kind) -> Option<Warning> {
    let path = loaded.root.join(name);
    let (what, differs) = match kind {
        Kind::Directory => {
            let files = fs::read_dir(&path).ok()?.flatten().map(|entry| entry.file_name());
            let files: BTreeSet<String> = files.map(|name| name.to_string_lossy().into_owned()).collect();
            let held = if files.is_empty() {
                "it is empty".to_owned()
            } else {
                format!("it holds {}", listed(&files))
            };
            ("no directory of parts is read".to_owned(), held)
        }
        Kind::Settings => (
            "settings are read from `config.json`, `config.yaml` or `config.toml`, and from `config.d`"
                .to_owned(),
            settings(loaded, &path),
        ),
        Kind::Part => (
            format!("of `{PARTS}`, files whose names end in `.json`, `.yaml` or `.toml` are"),
            settings(loaded, &path),
        ),
        Kind::IbmSettings | Kind::Templates if of_another_instance(loaded, name) => return None,
        Kind::IbmSettings => {
            let read = read_names(loaded, "prov_config.json");
            (instead(&read, "files of other formats and names are not"), ibm_settings(loaded, &read, &path))
        }
        Kind::Templates => {
            let read = read_names(loaded, "templates.json");
            (instead(&read, "files of other formats and names are not"), templates(loaded, &path))
        }
    };
    let place = SourcePosition { path, position: None };
    Some(Warning { place: Some(place), message: format!("this is not read: {what}; {differs}"), hint: None })
}

fn instead(read: &BTreeSet<String>, otherwise: &str) -> String {
    if read.is_empty() { otherwise.to_owned() } else { format!("{} is", listed(read)) }
}

/// Whether a file belongs to another instance of Host Factory: instances may share a directory, each with files
/// named after it.
fn of_another_instance(loaded: &Loaded<'_>, name: &str) -> bool {
    let owner = name.split_once("prov_").map(|(owner, _)| owner);
    loaded.instance_name.is_some()
        && owner.is_some_and(|owner| owner != "aws" && Some(owner) != loaded.instance_name)
}

/// Names of the files that were read and have this ending.
fn read_names(loaded: &Loaded<'_>, ending: &str) -> BTreeSet<String> {
    let names = loaded.trail.present().filter_map(|path| path.file_name().and_then(OsStr::to_str));
    names.filter(|name| name.ends_with(ending)).map(str::to_owned).collect()
}

fn listed(names: &BTreeSet<String>) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    match names.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
        _ => shown.join(", "),
    }
}

fn json(path: &Path) -> Option<Text> {
    let content = files::read_regular(path, LARGEST).ok()?;
    Text::new(path, 0, content).ok()
}

/// The settings that would differ if the file were read.
fn settings(loaded: &Loaded<'_>, path: &Path) -> String {
    let Some(text) = json(path).filter(|text| text.value(text.as_str()).is_ok_and(|value| value.is_object()))
    else {
        return "what it sets is not in force".to_owned();
    };
    let (env, mut findings) = (Environment::default(), Findings::default());
    let would = config_file::read(Some(&text), loaded.root, &Recorder::new(&env), &mut findings);
    let differs: BTreeSet<String> = would
        .entries()
        .filter(|setting| setting.source.is_file() && setting.value != *loaded.settings.get(setting.key))
        .map(|setting| setting.key.to_owned())
        .collect();
    if differs.is_empty() { nothing() } else { format!("it would change {}", listed(&differs)) }
}

fn nothing() -> String {
    "it would change nothing".to_owned()
}

/// The options that would differ from the file that is read.
fn ibm_settings(loaded: &Loaded<'_>, read: &BTreeSet<String>, path: &Path) -> String {
    let object = |path: &Path| -> Option<Map<String, Value>> {
        let text = json(path)?;
        match text.value(text.as_str()) {
            Ok(Value::Object(members)) => Some(members),
            _ => None,
        }
    };
    let Some(would) = object(path) else { return "what it sets is not in force".to_owned() };
    let is: Map<String, Value> =
        read.first().and_then(|name| object(&loaded.root.join(name))).unwrap_or_default();
    let differs: BTreeSet<String> = would
        .iter()
        .filter(|(name, value)| is.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    if differs.is_empty() { nothing() } else { format!("it would change {}", listed(&differs)) }
}

/// The templates of the file that are not offered, or are offered with other fields.
fn templates(loaded: &Loaded<'_>, path: &Path) -> String {
    let Some(text) = json(path) else { return "its templates are not offered".to_owned() };
    let parts = template_files::templates(&text, &mut Findings::default());
    if parts.is_empty() {
        return "its templates are not offered".to_owned();
    }
    let (mut missing, mut other) = (BTreeSet::new(), BTreeSet::new());
    for part in parts {
        let Ok(Value::Object(fields)) = text.value(part) else { continue };
        let Some(id) = fields::template_id(&fields) else { continue };
        match loaded.templates.iter().find(|template| template.id() == id) {
            None => {
                missing.insert(id.to_owned());
            }
            Some(template) => {
                let differs = fields.iter().find(|(name, value)| {
                    let hf = fields::hf_name(name);
                    hf != "attributes" && template.fields().get(hf) != Some(value)
                });
                other.extend(differs.map(|(name, _)| format!("{id}.{name}")));
            }
        }
    }
    let mut says = Vec::new();
    if !missing.is_empty() {
        says.push(format!("its templates {} are not offered", listed(&missing)));
    }
    if !other.is_empty() {
        says.push(format!("it would change {}", listed(&other)));
    }
    if says.is_empty() { nothing() } else { says.join(", and ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_by_name() {
        for (names, expected) in [
            (&["conf.d", "templates.d"][..], Some(Kind::Directory)),
            (&["config.yml", "config.jsonc", "config.json5"], Some(Kind::Settings)),
            (&["default_config.json", "config.local.json", "config.prod.yaml"], Some(Kind::Settings)),
            (&["awsprov_config.json", "xprov_config.yaml"], Some(Kind::IbmSettings)),
            (&["templates.json", "aws_templates.json", "awsprov_templates.yml"], Some(Kind::Templates)),
            (
                &[
                    "config.json",
                    "config.yaml",
                    "config.toml",
                    "config.d",
                    "config",
                    "templates",
                    "d",
                    "config.txt",
                    "config.json.bak",
                    ".config.yaml",
                    ".templates.json",
                    "mytemplates.json",
                    "other.json",
                    "other.d",
                    "prov_config",
                    "",
                ],
                None,
            ),
        ] {
            for name in names {
                assert_eq!(kind(name), expected, "{name}");
            }
        }
    }

    #[test]
    fn five_names_and_a_number() {
        for (count, expected) in [
            (0, ""),
            (1, "`0`"),
            (5, "`0`, `1`, `2`, `3`, `4`"),
            (6, "`0`, `1`, `2`, `3`, `4` and 1 more"),
            (8, "`0`, `1`, `2`, `3`, `4` and 3 more"),
        ] {
            assert_eq!(listed(&(0..count).map(|number| number.to_string()).collect()), expected);
        }
    }
}
