//! Providers in `config.json` of the Python brokers: the list, the form of only one, and the defaults of a type.
//!
//! It must not know the other keys of the file.

use ohfp_resolver::PROVIDER_KINDS;
use ohfp_resolver::templates::fields::{WrittenName, named};
use serde_json::{Map, Value};

use crate::report::ImportReport;
use crate::{fields, options, reasons};

/// The key with the list.
pub(crate) const LIST: &str = "provider.providers";
/// The key with the defaults by type.
pub(crate) const DEFAULTS: &str = "provider.provider_defaults";

/// Why a provider of an unknown kind is dropped.
pub(crate) fn no_kind(kind: &str) -> String {
    format!("ohfp has no provider of type `{kind}`")
}

/// Reads providers of one file.
pub(crate) struct Providers<'p> {
    pub(crate) file: &'p str,
    pub(crate) report: &'p mut ImportReport,
}

impl Providers<'_> {
    /// The elements of `provider.providers` whose type ohfp has.
    pub(crate) fn list(&mut self, list: &[Value]) -> Vec<Value> {
        let mut kept: Vec<Value> = Vec::new();
        for (index, element) in list.iter().enumerate() {
            let text = |member: &str| element.get(member).and_then(Value::as_str).unwrap_or_default();
            let (name, kind) = (text("name"), text("type"));
            let at = format!("{LIST}.{}", if name.is_empty() { index.to_string() } else { name.to_owned() });
            let Some(members) = element.as_object().filter(|_| !name.is_empty()) else {
                self.report.dropped(self.file, &at, "a provider is an object with a `name` and a `type`");
                continue;
            };
            if !PROVIDER_KINDS.contains(&kind) {
                self.report.dropped(self.file, &at, no_kind(kind));
                continue;
            }
            if kept.iter().any(|other| other.get("name").and_then(Value::as_str) == Some(name)) {
                self.report.dropped(self.file, &at, "another provider has this name already");
                continue;
            }
            let provider = self.provider(&at, kind, members);
            kept.push(Value::Object(provider));
        }
        kept
    }

    /// The members of one provider.
    fn provider(&mut self, at: &str, kind: &str, members: &Map<String, Value>) -> Map<String, Value> {
        let mut provider = Map::new();
        for (member, value) in members {
            let name = format!("{at}.{member}");
            match (member.as_str(), value) {
                (_, Value::Null) => self.report.dropped(self.file, &name, "null means that it is not set"),
                ("name" | "type", value) => {
                    self.report.mapped(self.file, &name, &name);
                    provider.insert(member.clone(), value.clone());
                }
                ("enabled" | "priority" | "weight", value) => {
                    if let Some(value) = self.plain(&name, member, value) {
                        provider.insert(member.clone(), value);
                    }
                }
                ("config", Value::Object(given)) => {
                    let prefix = format!("{name}.");
                    let options = self.options(kind, &prefix, given);
                    provider.insert(member.clone(), Value::Object(options));
                }
                ("template_defaults", Value::Object(given)) => {
                    let prefix = format!("{name}.");
                    let fields = fields::renamed(self.file, (&prefix, &prefix), given, self.report);
                    provider.insert(member.clone(), Value::Object(fields));
                }
                (_, value) => self.member_without(&name, member, value),
            }
        }
        provider
    }

    /// Drops a member of a provider, with what is in it.
    fn member_without(&mut self, name: &str, member: &str, value: &Value) {
        let inside = value.as_object().filter(|members| !members.is_empty());
        let why = reasons::of_member(member);
        match inside {
            Some(members) => {
                for inner in members.keys() {
                    self.report.dropped(self.file, &format!("{name}.{inner}"), why.clone());
                }
            }
            None => self.report.dropped(self.file, name, why),
        }
    }

    fn options(&mut self, kind: &str, prefix: &str, given: &Map<String, Value>) -> Map<String, Value> {
        if kind == "aws" {
            return options::aws(self.file, (prefix, prefix), given, self.report);
        }
        for name in given.keys() {
            let name = format!("{prefix}{name}");
            self.report.mapped(self.file, &name, &name);
        }
        given.clone()
    }

    /// A flag or a number of a provider, without quotes.
    fn plain(&mut self, name: &str, member: &str, value: &Value) -> Option<Value> {
        let unquoted = value.as_str().and_then(|text| {
            let text = text.trim().to_ascii_lowercase();
            let number = text.parse::<i64>().ok().map(Value::from);
            number.or_else(|| text.parse::<bool>().ok().map(Value::from))
        });
        let new = unquoted.clone().unwrap_or_else(|| value.clone());
        let (is_right, allowed) = match member {
            "enabled" => (new.is_boolean(), "true or false"),
            "weight" => (new.as_i64().is_some_and(|number| number > 0), "a whole number, at least 1"),
            _ => (new.as_i64().is_some(), "a whole number"),
        };
        match unquoted {
            _ if !is_right => {
                self.report.dropped(self.file, name, format!("it must be {allowed}; the default counts"));
                return None;
            }
            Some(_) => self.report.changed(self.file, name, name, "written without quotes"),
            None => self.report.mapped(self.file, name, name),
        }
        Some(new)
    }

    /// The form of one provider without a list.
    pub(crate) fn only(&mut self, key: &str, section: &Map<String, Value>) -> Map<String, Value> {
        let (kind, prefix) = (key.strip_prefix("provider.").unwrap_or(key), format!("{key}."));
        let is_member = |name: &str| ["enabled", "priority", "weight", "template_defaults"].contains(&name);
        let (mut members, mut given) = (Map::new(), Map::new());
        for (name, value) in section {
            let target = if is_member(name) { &mut members } else { &mut given };
            target.insert(name.clone(), value.clone());
        }
        let mut new = self.provider(key, kind, &members);
        new.extend(self.options(kind, &prefix, &given));
        new
    }

    /// Defaults of all providers of a type. Fields of templates among the extensions are defaults, too.
    pub(crate) fn defaults(&mut self, types: &Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (kind, value) in types {
            let at = format!("{DEFAULTS}.{kind}");
            let Some(members) = value.as_object() else {
                self.report.dropped(self.file, &at, "it must be an object");
                continue;
            };
            if !PROVIDER_KINDS.contains(&kind.as_str()) {
                self.report.dropped(self.file, &at, no_kind(kind));
                continue;
            }
            let to = format!("{at}.template_defaults.");
            let mut defaults = Map::new();
            for (member, value) in members {
                let name = format!("{at}.{member}");
                match (member.as_str(), value) {
                    ("template_defaults", Value::Object(given)) => {
                        let fields = fields::renamed(self.file, (&to, &to), given, self.report);
                        defaults.extend(fields);
                    }
                    ("extensions", Value::Object(given)) => {
                        let fields = self.extensions(&name, &to, given);
                        for (field, value) in fields {
                            defaults.entry(field).or_insert(value);
                        }
                    }
                    (_, Value::Null) => {
                        self.report.dropped(self.file, &name, "null means that it is not set");
                    }
                    (_, value) => self.member_without(&name, member, value),
                }
            }
            if !defaults.is_empty() {
                let mut of_kind = Map::new();
                of_kind.insert("template_defaults".to_owned(), Value::Object(defaults));
                kept.insert(kind.clone(), Value::Object(of_kind));
            }
        }
        kept
    }

    fn extensions(&mut self, name: &str, to: &str, given: &Map<String, Value>) -> Map<String, Value> {
        let (known, other): (Vec<_>, Vec<_>) = given
            .iter()
            .partition(|(field, value)| matches!(named(field), WrittenName::Field(_)) && !value.is_null());
        for (field, _) in other {
            self.report.dropped(self.file, &format!("{name}.{field}"), "it is no field of a template");
        }
        let known = known.into_iter().map(|(field, value)| (field.clone(), value.clone())).collect();
        fields::renamed(self.file, (&format!("{name}."), to), &known, self.report)
    }
}
