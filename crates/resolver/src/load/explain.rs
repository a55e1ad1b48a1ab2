//! Where the value of a key comes from: what each layer says, and the files that there are.

use std::path::{Path, PathBuf};

use ohfp_broker::Result;
use serde_json::Value;

use super::Inputs;
use super::layers::{LayerKind, NAMES, PARTS};
use crate::providers::choice;
use crate::resolved::Configuration;
use crate::settings::effective::SettingSource;
use crate::settings::key_table::{ACCEPT_PROPAGATED_LOG_SETTINGS, LOG_LEVEL, PROVIDERS};
use crate::settings::keys;
use crate::source::text::{Step, Text, find};

/// What one layer says of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerValue {
    /// The layer.
    pub layer: LayerKind,
    /// File, line and column, or the variable; `None` for what is built in.
    pub place: Option<String>,
    /// The file, if it is in one.
    pub file: Option<PathBuf>,
    /// The value as it is written; secrets are in plain text.
    pub value: Value,
    /// Whether it is the one that counts.
    pub decides: bool,
}

/// A file of the configuration that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFile {
    /// The layer that it is.
    pub layer: LayerKind,
    /// Its absolute path.
    pub path: PathBuf,
}

impl Inputs {
    /// The values of a key, or of a path into the value of one, in all layers, from the lowest. `configuration` is what
    /// these inputs resolve to.
    pub fn layer_values(&self, configuration: &Configuration, key: &str) -> Vec<LayerValue> {
        let mut values = Vec::new();
        if let Some(key) = keys::find(key) {
            let value = key.default.value();
            values.push(LayerValue {
                layer: LayerKind::BuiltIn,
                place: None,
                file: None,
                value,
                decides: false,
            });
        }
        let ibm = self.ibm_value(configuration, key);
        let mut names: Vec<Vec<&str>> = vec![key.split('.').collect()];
        names.extend(keys::aliases(key).map(|alias| alias.split('.').collect()));
        // IBM's file is below what is said explicitly.
        values.extend(ibm);
        for layer in &self.layers.all {
            let Ok(tree) = layer.tree() else { continue };
            let found = names.iter().find_map(|name| tree.node.find(name)).filter(|node| !node.is_null());
            if let Some(node) = found {
                let is_variable = layer.text.is_variable();
                values.push(LayerValue {
                    layer: layer.kind,
                    place: Some(layer.text.place(node.at).to_string()),
                    file: (!is_variable).then(|| layer.text.path().to_owned()),
                    value: layer.written(node),
                    decides: false,
                });
            }
        }
        let setting = configuration.settings.entries().find(|setting| setting.key == key);
        // Variables that have no name of their own in the configuration.
        if let Some(setting) = setting
            && let SettingSource::Variable(name) = &setting.source
            && !values.iter().any(|known| known.place.as_deref() == Some(&format!("${name}")))
        {
            values.push(LayerValue {
                layer: LayerKind::Variable,
                place: Some(format!("${name}")),
                file: None,
                value: setting.value.clone(),
                decides: false,
            });
        }
        let decides = setting.and_then(|setting| self.position(&values, &setting.source));
        let last = values.len().checked_sub(1);
        if let Some(value) = decides.or(last).and_then(|at| values.get_mut(at)) {
            value.decides = true;
        }
        values
    }

    /// The layer whose value has that source.
    fn position(&self, values: &[LayerValue], source: &SettingSource) -> Option<usize> {
        let shown = |value: &LayerValue| {
            let place = value.place.as_deref().unwrap_or("default");
            let place = Path::new(place)
                .strip_prefix(&self.root)
                .map_or(place, |short| short.to_str().unwrap_or(place));
            place.to_owned()
        };
        let source = source.to_string();
        values.iter().rposition(|value| {
            let shown = shown(value);
            shown == source || shown.strip_prefix(&source).is_some_and(|rest| rest.starts_with(':'))
        })
    }

    fn ibm_value(&self, configuration: &Configuration, key: &str) -> Option<LayerValue> {
        let text = self.ibm_config.as_ref().ok().and_then(Option::as_ref)?;
        let option = if key == LOG_LEVEL.key.name {
            "LogLevel"
        } else if key == ACCEPT_PROPAGATED_LOG_SETTINGS.key.name {
            "ACCEPT_PROPAGATED_LOG_SETTING"
        } else {
            let rest = key.strip_prefix(PROVIDERS.key.name)?.strip_prefix('.')?;
            let (name, option) = rest.split_once(".config.")?;
            let instance = self.instance_name.as_ref().ok().and_then(Option::as_deref).unwrap_or("aws");
            let is_meant = choice::ibm_instance(&configuration.providers, instance) == name;
            Some(option).filter(|_| is_meant)?
        };
        ibm_member(text, option)
    }

    /// The files of the configuration that exist, from the lowest layer.
    pub fn layer_files(&self) -> Vec<LayerFile> {
        let files = self.layers.all.iter().filter(|layer| !layer.text.is_variable());
        let mut files: Vec<LayerFile> =
            files.map(|layer| LayerFile { layer: layer.kind, path: layer.text.path().to_owned() }).collect();
        if let Ok(Some(text)) = &self.ibm_config {
            files.push(LayerFile { layer: LayerKind::Ibm, path: text.path().to_owned() });
        }
        files
    }

    /// The names of the places where a configuration file may be, from the lowest layer, present or not.
    pub fn places_of_files(&self) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = NAMES.iter().map(|name| self.root.join(name)).collect();
        places.push(self.root.join(PARTS));
        places
    }

    /// The file that a change of a key belongs in: the one of the user's that sets it, else that of the configuration
    /// directory, which may not exist yet.
    ///
    /// # Errors
    /// The error of reading that file, where it could not be read.
    pub fn file_to_change(&self, values: &[LayerValue]) -> Result<PathBuf> {
        let is_own = |layer| matches!(layer, LayerKind::Directory | LayerKind::Part | LayerKind::Named);
        let deciding =
            values.iter().rev().filter(|value| is_own(value.layer)).find_map(|value| value.file.clone());
        if let Some(file) = deciding {
            return Ok(file);
        }
        for kind in [LayerKind::Named, LayerKind::Directory] {
            if let Some(file) = self.layers.file_of(kind)? {
                return Ok(file.to_owned());
            }
        }
        let [json, ..] = NAMES;
        Ok(self.root.join(json))
    }

    /// The content of a file of the configuration as it was read; empty for one that does not exist.
    pub fn content_of(&self, path: &Path) -> &str {
        let layer =
            self.layers.all.iter().find(|layer| !layer.text.is_variable() && layer.text.path() == path);
        layer.map_or("", |layer| layer.text.as_str())
    }
}

fn ibm_member(text: &Text, option: &str) -> Option<LayerValue> {
    let part = find(text.as_str(), &[Step::Key(option)])?;
    Some(LayerValue {
        layer: LayerKind::Ibm,
        place: Some(text.place(text.offset(part)).to_string()),
        file: Some(text.path().to_owned()),
        value: text.value(part).ok()?,
        decides: false,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::resolved::Origin;
    use crate::source::environment::Environment;

    /// A directory that goes away with the test.
    struct Site(PathBuf);

    impl Site {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let site = Self(std::env::temp_dir().join(format!("ohfp-explain-{name}-{}", std::process::id())));
            for (name, content) in files {
                let path = site.0.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            site
        }

        fn values(&self, config: Option<&str>, variables: &[(&str, &str)], key: &str) -> Vec<String> {
            let origin = Origin { root: self.0.clone(), config_file: config.map(|name| self.0.join(name)) };
            let env: Environment = variables.iter().copied().collect();
            let inputs = Inputs::read(&origin, &env);
            let configuration = inputs.configuration(&env).unwrap();
            let root = format!("{}/", self.0.display());
            let values = inputs.layer_values(&configuration, key);
            let line = |value: &LayerValue| {
                let place = value.place.as_deref().unwrap_or("-").replace(&root, "");
                let mark = if value.decides { " *" } else { "" };
                format!("{} {place} {}{mark}", value.layer.name(), value.value)
            };
            values.iter().map(line).collect()
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_layer_with_its_place() {
        let site = Site::new(
            "layers",
            &[
                ("system/config.toml", "[logging]\nlevel = \"ERROR\"\n"),
                (
                    "config.yaml",
                    "logging:\n  level: WARNING\nprovider:\n  providers:\n  - {name: a, type: sim}\n",
                ),
                ("config.d/10.json", "{\"logging\":\n {\"level\": \"DEBUG\"}}"),
                ("config.d/20.toml", "logging.level = \"INFO\"\n"),
                ("mine.yaml", "logging: {level: ERROR}\n"),
                ("awsprov_config.json", r#"{"AWS_REGION": "eu", "LogLevel": "trace"}"#),
            ],
        );
        let system = site.0.join("system");
        let system = ("OHFP_SYSTEM_CONFIG_DIR", system.to_str().unwrap());
        let below = [
            "built-in - \"INFO\"",
            "ibm awsprov_config.json:1:34 \"trace\"",
            "system system/config.toml:2:9 \"ERROR\"",
            "directory config.yaml:2:10 \"WARNING\"",
            "config.d config.d/10.json:2:12 \"DEBUG\"",
        ];
        let last = "config.d config.d/20.toml:1:17 \"INFO\"";
        let with = |more: &[&str]| -> Vec<String> {
            [&below[..], more].concat().into_iter().map(str::to_owned).collect()
        };
        assert_eq!(site.values(None, &[system], "logging.level"), with(&[&format!("{last} *")]));
        assert_eq!(
            site.values(Some("mine.yaml"), &[system, ("OHFP_LOGGING__LEVEL", "debug")], "logging.level"),
            with(&[
                last,
                "--config mine.yaml:1:18 \"ERROR\"",
                "environment $OHFP_LOGGING__LEVEL \"debug\" *"
            ])
        );
        assert_eq!(
            site.values(None, &[], "provider.providers.a.type"),
            ["directory config.yaml:5:21 \"sim\" *"]
        );
        assert_eq!(
            site.values(None, &[], "provider.providers.aws.config.AWS_REGION"),
            ["ibm awsprov_config.json:1:16 \"eu\" *"]
        );
        assert_eq!(
            site.values(None, &[("OHFP_SNAPSHOT_REFRESH", "never")], "snapshot.refresh"),
            ["built-in - \"auto\"", "environment $OHFP_SNAPSHOT_REFRESH \"never\" *"]
        );
        assert_eq!(site.values(None, &[], "request.return_timeout_seconds"), ["built-in - 900 *"]);
        // A variable's dollar sign is one, and is shown as it was set.
        let variable = ("OHFP_STORAGE__SQL_STRATEGY__NAME", "a$b$$c");
        assert_eq!(
            site.values(None, &[variable], "storage.sql_strategy.name").last().unwrap(),
            "environment $OHFP_STORAGE__SQL_STRATEGY__NAME \"a$b$$c\" *"
        );
    }
}
