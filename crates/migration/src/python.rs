//! `config.json` of the Python brokers: what has the same name here is kept, and the rest is dropped for a reason.
//!
//! Which keys have an effect is asked of the resolver, so that a key that ohfp learns is imported from then on.

use ohfp_resolver::settings::words::LogLevel;
use ohfp_resolver::settings::{insert, keys};
use ohfp_resolver::{KEYS, PROVIDER_KINDS};
use serde_json::{Map, Value};

use crate::providers::{self, Providers};
use crate::reasons;
use crate::report::ImportReport;
use crate::source::SourceFile;

/// The new configuration, and the providers that are not in it.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    pub(crate) config: Map<String, Value>,
    /// Name and type of each.
    pub(crate) dropped_providers: Vec<(String, String)>,
}

/// Keys that name a provider.
const NAMING: [&str; 3] =
    ["provider.active_provider", "provider.default_provider_instance", "template.default_provider_name"];
/// Keys that name a type of providers.
const TYPING: [&str; 2] = ["provider.default_provider_type", "template.default_provider_type"];

/// Imports the file.
pub(crate) fn config(file: &SourceFile, members: &Map<String, Value>, report: &mut ImportReport) -> Imported {
    let mut walk = Walk { file: &file.name, imported: Imported::default(), aliased: Vec::new(), report };
    walk.find_dropped(members);
    walk.section("", members);
    for (name, key, value) in std::mem::take(&mut walk.aliased) {
        if walk.is_written(key) {
            walk.report.dropped(walk.file, &name, format!("`{key}` is the same, and counts"));
        } else {
            walk.key(&name, key, value);
        }
    }
    walk.imported
}

/// Where the other broker has files of specifications.
const SPECIFICATIONS: &str = "native_spec.spec_file_base_path";

struct Walk<'w> {
    file: &'w str,
    imported: Imported,
    /// Values under an alias: name, key, value.
    aliased: Vec<(String, &'static str, &'w Value)>,
    report: &'w mut ImportReport,
}

impl<'w> Walk<'w> {
    fn section(&mut self, prefix: &str, members: &'w Map<String, Value>) {
        for (name, value) in members {
            let dotted = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            self.member(&dotted, value);
        }
    }

    fn member(&mut self, name: &str, value: &'w Value) {
        let is_section = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        if name == "_comment" {
            self.keep(name, value.clone());
            self.report.mapped(self.file, name, name);
        } else if value.is_null() {
            self.report.dropped(self.file, name, "null means that it is not set");
        } else if name == SPECIFICATIONS {
            self.report.dropped(
                self.file,
                name,
                "files of specifications are copied to `specs`, where they are read",
            );
        } else if let Some(key) = keys::find(name) {
            self.key(name, key.name, value);
        } else if let Some(key) = keys::canonical(name) {
            self.aliased.push((name.to_owned(), key, value));
        } else {
            match value.as_object().filter(|_| KEYS.iter().any(|key| is_section(key.name))) {
                Some(members) => self.section(name, members),
                None => self.idle(name, value),
            }
        }
    }

    /// Drops a key, or each key of a section that has no counterpart as a whole.
    fn idle(&mut self, name: &str, value: &'w Value) {
        match value.as_object().filter(|members| !members.is_empty()) {
            Some(members) => self.section(name, members),
            None => self.report.dropped(self.file, name, reasons::of_key(name)),
        }
    }

    fn key(&mut self, name: &str, key: &'static str, value: &'w Value) {
        match (key, value) {
            (providers::LIST, Value::Array(list)) => {
                let list = self.providers().list(list);
                return self.keep(key, Value::Array(list));
            }
            (providers::DEFAULTS, Value::Object(types)) => {
                let defaults = self.providers().defaults(types);
                if !defaults.is_empty() {
                    self.keep(key, Value::Object(defaults));
                }
                return;
            }
            ("provider.aws" | "provider.sim", Value::Object(section)) => {
                let only = self.providers().only(key, section);
                return self.keep(key, Value::Object(only));
            }
            _ => (),
        }
        if let Some(why) = self.names_a_dropped_provider(key, value) {
            return self.report.dropped(self.file, name, why);
        }
        let Some(rule) = keys::find(key).map(|key| key.rule) else { return };
        let is_variable = value.as_str().is_some_and(|text| text.contains('$'));
        let (new, what) = match translated(key, value) {
            Some((new, None)) => (new, None),
            Some((new, Some(why))) => {
                self.report.guessed(self.file, name, key, why);
                return self.keep(key, new);
            }
            None if is_variable || rule.allows(value) => (value.clone(), None),
            None => match rule.meant(value) {
                Some(meant) => (meant, Some("written without quotes")),
                None => {
                    let why = format!("it must be {}; the default counts", rule.allowed());
                    return self.report.dropped(self.file, name, why);
                }
            },
        };
        match what {
            Some(what) => self.report.changed(self.file, name, key, what),
            None => self.report.mapped(self.file, name, key),
        }
        self.keep(key, new);
    }

    fn providers(&mut self) -> Providers<'_> {
        Providers { file: self.file, report: self.report }
    }

    /// Sets a dotted key of the new configuration.
    fn keep(&mut self, key: &str, value: Value) {
        insert(&mut self.imported.config, key, value);
    }

    fn is_written(&self, key: &str) -> bool {
        let mut parts = key.split('.');
        let first = parts.next().and_then(|part| self.imported.config.get(part));
        parts.fold(first, |value, part| value.and_then(|value| value.get(part))).is_some()
    }

    /// Finds the providers whose type ohfp does not have.
    fn find_dropped(&mut self, members: &Map<String, Value>) {
        let provider = members.get("provider");
        let list = provider.and_then(|provider| provider.get("providers")).and_then(Value::as_array);
        for element in list.into_iter().flatten() {
            let text = |member: &str| element.get(member).and_then(Value::as_str).unwrap_or_default();
            if !PROVIDER_KINDS.contains(&text("type")) {
                self.imported.dropped_providers.push((text("name").to_owned(), text("type").to_owned()));
            }
        }
    }

    fn names_a_dropped_provider(&self, key: &str, value: &Value) -> Option<String> {
        let word = value.as_str()?;
        let dropped = &self.imported.dropped_providers;
        let kind = if NAMING.contains(&key) {
            &dropped.iter().find(|(name, _)| name == word)?.1
        } else if TYPING.contains(&key) {
            &dropped.iter().find(|(_, kind)| kind == word)?.1
        } else {
            return None;
        };
        Some(providers::no_kind(kind))
    }
}

/// A word of the Python brokers for one of ohfp, and why it is a guess, where it is one.
fn translated(key: &str, value: &Value) -> Option<(Value, Option<&'static str>)> {
    let word = value.as_str()?;
    match (key, word) {
        ("scheduler.type", "hf") => Some((Value::from("hostfactory"), None)),
        ("storage.strategy", "sqlite") => None,
        ("storage.strategy", _) if !word.contains('$') => Some((
            Value::from("sqlite"),
            Some("ohfp keeps its state in SQLite; `--state FILE` imports what there is"),
        )),
        ("logging.level", _) => LogLevel::lenient(word).map(|level| (Value::from(level.name()), None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::Mapping;

    /// A configuration, what it becomes, and names of dropped keys.
    fn check(given: Value, expected: &Value, dropped: &[&str]) {
        let file = SourceFile { name: "config.json".to_owned(), value: given };
        let mut report = ImportReport::default();
        let imported = config(&file, file.value.as_object().unwrap(), &mut report);
        assert_eq!(Value::Object(imported.config), *expected, "{}", file.value);
        let rows = report.rows().iter().filter(|row| row.outcome == Mapping::Dropped);
        let names: Vec<&str> = rows.map(|row| row.name.as_str()).collect();
        assert_eq!(names, dropped, "{}", file.value);
    }

    #[test]
    fn keys_with_an_effect_are_kept() {
        check(
            json!({
                "version": "2.0.0", "_comment": "ours",
                "scheduler": { "type": "hf", "config_root": "$HF_PROVIDER_CONFDIR" },
                "storage": { "type": "json", "json_strategy": { "base_path": "data" } },
                "logging": { "level": "debug" },
                "request": { "max_machines_per_request": "50" },
                "server": { "enabled": false, "cors": { "enabled": true } },
                "performance": { "lazy_loading": { "enabled": true, "nosuch": 1 }, "max_workers": 10 }
            }),
            &json!({
                "_comment": "ours",
                "scheduler": { "type": "hostfactory" },
                "logging": { "level": "DEBUG" },
                "request": { "max_machines_per_request": 50 },
                "performance": { "lazy_loading": { "enabled": true } },
                "storage": { "strategy": "sqlite" }
            }),
            &[
                "version",
                "scheduler.config_root",
                "storage.json_strategy.base_path",
                "server.enabled",
                "server.cors.enabled",
                "performance.lazy_loading.nosuch",
                "performance.max_workers",
            ],
        );
    }

    /// Keys of whole sections of other brokers, one of which is in the section of another key.
    #[test]
    fn keys_that_have_an_effect_in_sections_of_other_brokers() {
        let logging = json!({ "file_path": "logs/app.log", "max_size": 1000, "backup_count": 3, "console_enabled": false });
        let mut with_format = logging.clone();
        with_format["format"] = json!("%(message)s");
        check(
            json!({
                "native_spec": { "enabled": true, "merge_mode": "replace", "spec_file_base_path": "specs/aws" },
                "provider": { "circuit_breaker": { "failure_threshold": 3, "half_open_max_calls": 1 } },
                "circuit_breaker": { "recovery_timeout": 60, "service_configs": { "ec2": {} } },
                "scheduler": { "log_dir": "/var/log/x", "work_dir": "w" },
                "template": { "tags": { "a": "b" } },
                "logging": with_format
            }),
            &json!({
                "native_spec": { "enabled": true, "merge_mode": "replace" },
                "circuit_breaker": { "recovery_timeout": 60, "failure_threshold": 3 },
                "scheduler": { "log_dir": "/var/log/x" },
                "template": { "tags": { "a": "b" } },
                "logging": logging
            }),
            &[
                "native_spec.spec_file_base_path",
                "provider.circuit_breaker.half_open_max_calls",
                "circuit_breaker.service_configs.ec2",
                "scheduler.work_dir",
                "logging.format",
            ],
        );
    }

    #[test]
    fn providers_are_those_that_ohfp_has() {
        check(
            json!({ "provider": {
                "active_provider": "k", "selection_policy": "WHATEVER",
                "providers": [
                    { "name": "k", "type": "k8s" },
                    { "name": "east", "type": "aws", "weight": "5", "priority": 1, "handlers": { "EC2Fleet": {} },
                      "config": { "region": "us-east-1", "handlers": {} },
                      "template_defaults": { "subnet_ids": ["s"], "max_instances": "3" } },
                    { "name": "east", "type": "aws" }, { "type": "aws" }
                ],
                "provider_defaults": { "aws": {
                    "extensions": { "fleet_role": "r", "spot_thing": 1 },
                    "template_defaults": { "price_type": "spot" }, "cleanup": { "enabled": true }
                }, "k8s": {} }
            } }),
            &json!({ "provider": {
                "providers": [{ "name": "east", "type": "aws", "weight": 5, "priority": 1,
                    "config": { "region": "us-east-1" },
                    "template_defaults": { "subnetId": ["s"], "maxNumber": 3 } }],
                "provider_defaults": { "aws": { "template_defaults": { "priceType": "spot", "fleetRole": "r" } } }
            } }),
            &[
                "provider.active_provider",
                "provider.selection_policy",
                "provider.providers.k",
                "provider.providers.east.handlers.EC2Fleet",
                "provider.providers.east.config.handlers",
                "provider.providers.east",
                "provider.providers.3",
                "provider.provider_defaults.aws.extensions.spot_thing",
                "provider.provider_defaults.aws.cleanup.enabled",
                "provider.provider_defaults.k8s",
            ],
        );
        check(
            json!({ "provider": { "type": "aws", "aws": { "region": "r", "timeout": 3, "enabled": "true" } } }),
            &json!({ "provider": { "type": "aws", "aws": { "enabled": true, "region": "r" } } }),
            &["provider.aws.timeout"],
        );
    }
}
