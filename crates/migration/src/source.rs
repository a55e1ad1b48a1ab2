//! The files that a broker reads, found in a directory as that broker lays it out.
//!
//! It must not know what a key or field means.

use std::fs;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result, json};
use ohfp_resolver::document;
use serde_json::{Map, Value};

/// A broker whose configuration can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Open Resource Broker.
    Orb,
    /// Open `HostFactory` Plugin, as the former was called until 2025.
    OhfpPython,
    /// IBM's AWS plug-in, of Symphony's Host Factory or LSF's resource connector.
    Ibm,
}

impl Source {
    /// The name for messages.
    pub fn title(self) -> &'static str {
        match self {
            Self::Orb => "Open Resource Broker",
            Self::OhfpPython => "Open HostFactory Plugin",
            Self::Ibm => "IBM's plug-in",
        }
    }
}

/// A file in JSON, YAML or TOML.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its name in the directory.
    pub name: String,
    /// Its content.
    pub value: Value,
}

impl SourceFile {
    /// The members of the object that it is.
    pub(crate) fn object(&self) -> Result<&Map<String, Value>> {
        self.value
            .as_object()
            .ok_or_else(|| Error::new(ErrorKind::Input, format!("`{}` must be a JSON object", self.name)))
    }
}

/// The files of a broker.
#[derive(Clone, Debug)]
pub struct SourceFiles {
    /// The directory that they are in.
    pub root: PathBuf,
    /// The instance of Host Factory whose files they are.
    pub instance: Option<String>,
    /// `config.json`, or the same in YAML or TOML.
    pub config: Option<SourceFile>,
    /// IBM's configuration file.
    pub ibm_config: Option<SourceFile>,
    /// Files with templates, the most specific one first.
    pub templates: Vec<SourceFile>,
    /// Names of files that look like templates, and that the broker does not read.
    pub passed_over: Vec<String>,
}

/// Largest file that is read, in bytes.
const LIMIT: u64 = 256 << 20;

/// Suffix of IBM's template files, after the instance's name.
const IBM_TEMPLATES: &str = "prov_templates.json";

/// Endings of the names of files that the Python brokers' sites have.
const ENDINGS: [&str; 4] = ["json", "yaml", "yml", "toml"];

/// Directories below the one that is named in which brokers keep their files.
const BELOW: [&str; 3] = ["", "config", "conf"];

/// Reads the files of a broker in `directory`, or in its `config` or `conf`. `instance` is Host Factory's name of the
/// instance, where it is known.
///
/// # Errors
/// [`ErrorKind::Input`] where there are none, one is no JSON, or several instances have files and none is named.
pub fn read(source: Source, directory: &Path, instance: Option<&str>) -> Result<SourceFiles> {
    if !directory.is_dir() {
        let message = format!("`{}` is no directory", directory.display());
        return Err(Error::new(ErrorKind::Input, message)
            .hint("name the directory of the other broker's configuration files"));
    }
    for below in BELOW {
        let root = directory.join(below);
        let names = names(&root);
        let found = match source {
            Source::Ibm => names.iter().any(|name| name.ends_with(IBM_TEMPLATES)),
            Source::Orb | Source::OhfpPython => in_any_format(&names, "config").next().is_some(),
        };
        if found {
            return match source {
                Source::Ibm => ibm(root, &names, instance),
                Source::Orb | Source::OhfpPython => python(source, root, &names, instance),
            };
        }
    }
    let wanted = match source {
        Source::Ibm => "a file `<instance>prov_templates.json`",
        Source::Orb | Source::OhfpPython => "`config.json`, `config.yaml` or `config.toml`",
    };
    let message = format!("`{}` has no configuration of {}", directory.display(), source.title());
    Err(Error::new(ErrorKind::Input, message)
        .cause(format!("there is no {wanted} in it, nor in its `config` or `conf`"))
        .hint("--from names the broker that the files are of: orb, ohfp-python or ibm"))
}

fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The names of a file in the formats that it is there in.
fn in_any_format<'n>(names: &'n [String], stem: &'n str) -> impl Iterator<Item = &'n str> {
    let is_one = move |name: &&String| {
        let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|ending| ENDINGS.contains(&ending))
    };
    names.iter().filter(is_one).map(String::as_str)
}

/// The name of a file, whatever its format; `None` where there is none.
fn name_of<'n>(names: &'n [String], stem: &'n str) -> Result<Option<&'n str>> {
    let mut found = in_any_format(names, stem);
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => {
            let message = format!("there are `{one}` and `{other}`, and only one of them can count");
            Err(Error::new(ErrorKind::Input, message)
                .hint("remove the one that the other broker does not read"))
        }
        (one, _) => Ok(one),
    }
}

/// Reads one file; `None` where there is none of that name.
fn file(root: &Path, names: &[String], name: &str) -> Result<Option<SourceFile>> {
    if !names.iter().any(|known| known == name) {
        return Ok(None);
    }
    let path = root.join(name);
    let wrong = |cause: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Input, format!("cannot read `{}`", path.display())).cause(cause)
    };
    let metadata = fs::metadata(&path).map_err(|error| wrong(&error))?;
    if !metadata.is_file() || metadata.len() > LIMIT {
        return Err(wrong(&"it is no regular file of at most 256 MiB"));
    }
    let bytes = fs::read(&path).map_err(|error| wrong(&error))?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let value = if path.extension().is_some_and(|ending| ending == "json") {
        json::from_slice(text).map_err(|error| wrong(&error))?
    } else {
        document(Path::new(name), text).map_err(|error| wrong(&error.summary()))?
    };
    Ok(Some(SourceFile { name: name.to_owned(), value }))
}

fn ibm(root: PathBuf, names: &[String], instance: Option<&str>) -> Result<SourceFiles> {
    let mut instances: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(IBM_TEMPLATES)).collect();
    let chosen = match instance {
        Some(instance) if instances.contains(&instance) => instance,
        Some(_) if instances.contains(&"aws") => "aws",
        Some(instance) => {
            let message = format!("`{}` has no templates of instance `{instance}`", root.display());
            return Err(Error::new(ErrorKind::Input, message)
                .hint(format!("HF_PROVIDER_NAME names the instance; there are {}", listed(&instances))));
        }
        None => match instances.as_slice() {
            [only] => *only,
            _ => {
                let message = format!(
                    "`{}` has templates of several instances: {}",
                    root.display(),
                    listed(&instances)
                );
                return Err(Error::new(ErrorKind::Input, message)
                    .hint("name one of them in HF_PROVIDER_NAME, as Host Factory does"));
            }
        },
    };
    let own = format!("{chosen}{IBM_TEMPLATES}");
    let templates = file(&root, names, &own)?.into_iter().collect();
    // As Host Factory's own plug-in: the instance's file, else the sample's.
    let ibm_config = match file(&root, names, &format!("{chosen}prov_config.json"))? {
        None => file(&root, names, "awsprov_config.json")?,
        found => found,
    };
    instances.retain(|other| *other != chosen);
    let passed_over = instances.iter().map(|other| format!("{other}{IBM_TEMPLATES}")).collect();
    let instance = Some(instance.unwrap_or(chosen).to_owned());
    Ok(SourceFiles { instance, config: None, ibm_config, templates, passed_over, root })
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn python(source: Source, root: PathBuf, names: &[String], instance: Option<&str>) -> Result<SourceFiles> {
    let config = match name_of(names, "config")? {
        Some(name) => file(&root, names, name)?,
        None => None,
    };
    let ibm_names = |what: &str| {
        let own = instance.map(|instance| format!("{instance}prov_{what}.json"));
        own.into_iter().chain([format!("awsprov_{what}.json")])
    };
    let mut chain = Vec::new();
    for stem in stems(config.as_ref()) {
        chain.extend(name_of(names, &stem)?.map(str::to_owned));
    }
    let is_there = |name: &String| names.contains(name);
    let of_ibm: Vec<String> = ibm_names("templates").find(is_there).into_iter().collect();
    // The former name of the broker is the one that reads IBM's file.
    let (read, left) = match source {
        Source::OhfpPython if !of_ibm.is_empty() => (of_ibm, chain),
        _ if !chain.is_empty() => (chain, of_ibm),
        _ => (of_ibm, chain),
    };
    let mut templates = Vec::new();
    for name in &read {
        templates.extend(file(&root, names, name)?);
    }
    if templates.is_empty() {
        let message = format!("`{}` has no file with templates", root.display());
        return Err(Error::new(ErrorKind::Input, message)
            .hint(format!("{} reads `templates.json`, or a file named after a provider", source.title())));
    }
    let ibm_config = match ibm_names("config").find(|name| is_there(name)) {
        Some(name) => file(&root, names, &name)?,
        None => None,
    };
    let instance = instance.map(str::to_owned);
    Ok(SourceFiles { instance, config, ibm_config, templates, passed_over: left, root })
}

/// Names of template files without their endings, the most specific first: of each provider, of its type, of all.
fn stems(config: Option<&SourceFile>) -> Vec<String> {
    let provider = config.and_then(|file| file.value.get("provider"));
    let mut names: Vec<String> = Vec::new();
    let mut add = |stem: &str| {
        let name = format!("{stem}_templates");
        if !names.contains(&name) && !stem.contains('/') {
            names.push(name);
        }
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let list = provider.and_then(|provider| provider.get("providers")).and_then(Value::as_array);
    for element in list.into_iter().flatten() {
        if element.get("enabled") == Some(&Value::Bool(false)) {
            continue;
        }
        for member in ["name", "type"] {
            if let Some(stem) = text(element.get(member)) {
                add(&stem);
            }
        }
    }
    for key in ["active_provider", "default_provider_instance", "type", "default_provider_type"] {
        if let Some(stem) = text(provider.and_then(|provider| provider.get(key))) {
            add(&stem);
        }
    }
    add("aws");
    names.push("templates".to_owned());
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files in a directory, and which of them a broker reads: templates, configuration, what it passes over.
    fn check(source: Source, instance: Option<&str>, files: &[(&str, &str)], expected: Result<&str, &str>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let read = read(source, directory.path(), instance);
        let told = match &read {
            Ok(files) => {
                let templates: Vec<&str> = files.templates.iter().map(|file| file.name.as_str()).collect();
                let config = files.config.iter().chain(&files.ibm_config).map(|file| file.name.as_str());
                let config: Vec<&str> = config.collect();
                Ok(format!("{}|{}|{}", templates.join(","), config.join(","), files.passed_over.join(",")))
            }
            Err(error) => Err(error.to_string()),
        };
        match (expected, told) {
            (Ok(expected), Ok(told)) => assert_eq!(told, expected),
            (Err(part), Err(told)) => assert!(told.contains(part), "{told}"),
            (expected, told) => panic!("{told:?} is not {expected:?}"),
        }
    }

    const EAST: &str = r#"{"provider": {"providers": [{"name": "east", "type": "aws"}]}}"#;

    #[test]
    fn each_broker_reads_its_own_files() {
        let both = [("config.json", EAST), ("awsprov_templates.json", "[]"), ("east_templates.json", "[]")];
        check(Source::Orb, None, &both, Ok("east_templates.json|config.json|awsprov_templates.json"));
        check(Source::OhfpPython, None, &both, Ok("awsprov_templates.json|config.json|east_templates.json"));
        let chain = [
            ("config/config.json", EAST),
            ("config/templates.json", "[]"),
            ("config/aws_templates.json", "[]"),
            ("config/east_templates.json", "[]"),
            ("config/awsprov_config.json", "{}"),
        ];
        check(
            Source::Orb,
            None,
            &chain,
            Ok("east_templates.json,aws_templates.json,templates.json|config.json,awsprov_config.json|"),
        );
        let ibm = [("conf/awsinstprov_templates.json", "[]"), ("conf/awsprov_config.json", "{}")];
        check(Source::Ibm, None, &ibm, Ok("awsinstprov_templates.json|awsprov_config.json|"));
        check(Source::Ibm, Some("awsinst"), &ibm, Ok("awsinstprov_templates.json|awsprov_config.json|"));
        check(Source::Ibm, Some("other"), &ibm, Err("no templates of instance `other`"));
    }

    #[test]
    fn yaml_and_toml_are_read_as_json_is() {
        let yaml = [
            ("config.yaml", "provider:\n  providers:\n  - {name: east, type: aws}\n"),
            ("east_templates.yml", "templates: []\n"),
            ("aws_templates.toml", "templates = []\n"),
            ("templates.json", "[]"),
        ];
        check(
            Source::Orb,
            None,
            &yaml,
            Ok("east_templates.yml,aws_templates.toml,templates.json|config.yaml|"),
        );
        let toml = [
            ("config/config.toml", "[[provider.providers]]\nname = \"east\"\ntype = \"aws\"\n"),
            ("config/east_templates.json", "[]"),
        ];
        check(Source::OhfpPython, None, &toml, Ok("east_templates.json|config.toml|"));
        let two = [("config.json", "{}"), ("config.toml", ""), ("templates.json", "[]")];
        check(
            Source::Orb,
            None,
            &two,
            Err("there are `config.json` and `config.toml`, and only one of them can count"),
        );
        let two = [("config.json", "{}"), ("templates.json", "[]"), ("templates.yaml", "[]")];
        check(Source::Orb, None, &two, Err("`templates.json` and `templates.yaml`"));
        let wrong = [("config.yaml", "a: [\n"), ("templates.json", "[]")];
        check(Source::Orb, None, &wrong, Err("config.yaml:2"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        check(
            Source::Orb,
            None,
            &[("awsprov_templates.json", "[]")],
            Err("has no configuration of Open Resource Broker"),
        );
        check(Source::Orb, None, &[("config.json", "{}")], Err("no file with templates"));
        check(Source::Orb, None, &[("config.json", "{"), ("templates.json", "[]")], Err("config.json"));
        let two = [("aprov_templates.json", "[]"), ("bprov_templates.json", "[]")];
        check(Source::Ibm, None, &two, Err("several instances: `a`, `b`"));
        check(Source::Ibm, Some("b"), &two, Ok("bprov_templates.json||aprov_templates.json"));
    }
}
