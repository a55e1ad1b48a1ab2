//! Provider instances: from `config.json`, from IBM's file, or the embedded default.
//!
//! It must not know what a provider does with its options.

use serde_json::{Map, Value};

use super::defaults::field_defaults;
use super::nearest::{did_you_mean, nearest};
use super::redact::redact;
use super::rule::{Rule, shown};
use super::settings::{Settings, Source};
use crate::load::{Findings, Step, Text, find};

/// A configured provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderInstance {
    /// Unique.
    pub name: String,
    /// `aws`, `sim`.
    pub kind: String,
    /// Whether requests may go to it.
    pub enabled: bool,
    /// Lower goes first.
    pub priority: i64,
    /// Share of requests.
    pub weight: i64,
    /// Its options; secrets are in the clear.
    pub config: Map<String, Value>,
    /// Where it is configured.
    pub source: String,
    /// Whether requests go to it when nothing else is said.
    pub default: bool,
    /// Fields for templates that lack them, under Host Factory's names.
    pub template_defaults: Map<String, Value>,
}

impl ProviderInstance {
    /// An instance that nothing is said about but its name.
    pub(crate) fn new(name: &str, kind: &str, source: String) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            enabled: true,
            priority: 0,
            weight: 100,
            config: Map::new(),
            source,
            default: false,
            template_defaults: Map::new(),
        }
    }

    /// The options as they may be shown.
    pub fn redacted_config(&self) -> Map<String, Value> {
        self.config.iter().map(|(key, value)| (key.clone(), redact(key, value))).collect()
    }
}

/// Kinds this product has code for.
const KINDS: &[&str] = &["aws", "sim"];

/// The members of an element of `provider.providers`.
const MEMBERS: &[(&str, Rule)] = &[
    ("name", Rule::Name),
    ("type", Rule::Name),
    ("enabled", Rule::Boolean),
    ("priority", Rule::Whole(i64::MIN, i64::MAX)),
    ("weight", Rule::Whole(1, i64::MAX)),
    ("config", Rule::Object),
    ("template_defaults", Rule::Object),
];

/// Members of other brokers' files that have no effect.
const WITHOUT_EFFECT: &[&str] =
    &["handlers", "handler_overrides", "extensions", "capabilities", "health_check"];

/// The instances in `provider.providers`, with the defaults of their type and their own.
pub(crate) fn configured(text: &Text, settings: &Settings, findings: &mut Findings) -> Vec<ProviderInstance> {
    let mut instances: Vec<ProviderInstance> = Vec::new();
    let by_type = defaults_by_type(text, settings, findings);
    let list = settings.get("provider.providers").as_array().map_or(&[][..], Vec::as_slice);
    let source =
        settings.entries().find(|setting| setting.key == "provider.providers").map(|setting| &setting.source);
    for (index, value) in list.iter().enumerate() {
        let path = [Step::Key("provider"), Step::Key("providers"), Step::Index(index)];
        let part = find(text.as_str(), &path).unwrap_or(text.as_str());
        let Some(members) = value.as_object() else {
            let message =
                format!("an element of `provider.providers` must be an object, not {}", shown(value));
            findings.error(text, text.offset(part), &message, None);
            continue;
        };
        let Some(mut instance) = instance(text, part, members, findings) else { continue };
        if let Some(Source::File { path, .. }) = source {
            let line = text.place(text.offset(part)).position.map_or(1, |(line, _)| line);
            instance.source = Source::File { path: path.clone(), line }.to_string();
        }
        if instances.iter().any(|other| other.name == instance.name) {
            let at = find(part, &[Step::Key("name")]).unwrap_or(part);
            let message =
                format!("the provider name `{}` is used twice; names must be unique", instance.name);
            findings.error(text, text.offset(at), &message, None);
            continue;
        }
        for (field, value) in by_type.get(&instance.kind).and_then(Value::as_object).into_iter().flatten() {
            if !instance.template_defaults.contains_key(field) {
                instance.template_defaults.insert(field.clone(), value.clone());
            }
        }
        instances.push(instance);
    }
    instances
}

fn instance(
    text: &Text,
    part: &str,
    members: &Map<String, Value>,
    findings: &mut Findings,
) -> Option<ProviderInstance> {
    let mut sound = true;
    let at = |key: &str| text.offset(find(part, &[Step::Key(key)]).unwrap_or(part));
    for (key, value) in members {
        match MEMBERS.iter().find(|(known, _)| known == key) {
            Some((_, rule)) if !value.is_null() && !rule.allows(value) => {
                let message = format!(
                    "`{key}` of a provider must be {}, not {}",
                    rule.allowed(),
                    shown(&redact(key, value))
                );
                findings.error(text, at(key), &message, None);
                sound = false;
            }
            Some(_) => (),
            None if WITHOUT_EFFECT.contains(&key.as_str()) => {
                findings.warning(text, at(key), format!("`{key}` of a provider has no effect in ohfp"), None);
            }
            None => {
                let known = nearest(key, MEMBERS.iter().map(|(known, _)| *known));
                let message = format!("`{key}` is not a known key of a provider and is ignored");
                findings.warning(text, at(key), message, did_you_mean(known));
            }
        }
    }
    for key in ["name", "type"] {
        if members.get(key).is_none_or(Value::is_null) {
            findings.error(text, text.offset(part), &format!("this provider has no `{key}`"), None);
            sound = false;
        }
    }
    let word = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default();
    let (name, kind) = (word("name"), word("type"));
    if !name.is_empty() && !is_name(name) {
        let message = format!("the provider name \"{name}\" must consist of 0-9, A-Z, a-z, _ and -");
        findings.error(text, at("name"), &message, None);
        sound = false;
    }
    if !kind.is_empty() && !KINDS.contains(&kind) {
        let hint = did_you_mean(nearest(kind, KINDS.iter().copied()))
            .unwrap_or_else(|| "`aws` and `sim` are there".to_owned());
        let message = format!("ohfp has no provider of type `{kind}`; requests to `{name}` will fail");
        findings.warning(text, at("type"), message, Some(hint));
    }
    if !sound {
        return None;
    }
    let mut instance = ProviderInstance::new(name, kind, String::new());
    instance.enabled = members.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    instance.priority = members.get("priority").and_then(Value::as_i64).unwrap_or(instance.priority);
    instance.weight = members.get("weight").and_then(Value::as_i64).unwrap_or(instance.weight);
    instance.config = members.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(fields) = members.get("template_defaults").and_then(Value::as_object) {
        instance.template_defaults = field_defaults(text, at("template_defaults"), fields, findings);
    }
    Some(instance)
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// `template_defaults` of each provider type.
fn defaults_by_type(text: &Text, settings: &Settings, findings: &mut Findings) -> Map<String, Value> {
    let mut by_type = Map::new();
    for (kind, value) in settings.get("provider.provider_defaults").as_object().into_iter().flatten() {
        let path = [Step::Key("provider"), Step::Key("provider_defaults"), Step::Key(kind)];
        let at = find(text.as_str(), &path).map_or(0, |part| text.offset(part));
        match value.get("template_defaults") {
            None | Some(Value::Null) => (),
            Some(Value::Object(fields)) => {
                by_type.insert(kind.clone(), Value::Object(field_defaults(text, at, fields, findings)));
            }
            Some(other) => {
                let message = format!(
                    "`provider.provider_defaults.{kind}.template_defaults` must be an object, not {}",
                    shown(other)
                );
                findings.error(text, at, &message, None);
            }
        }
    }
    by_type
}

/// Gives what IBM's file says to the instance it is about: the one of its name, the only one of its
/// kind, or a new one.
pub(crate) fn add_ibm(
    instances: &mut Vec<ProviderInstance>,
    name: &str,
    config: Map<String, Value>,
    source: String,
) {
    let is_aws = |instance: &ProviderInstance| instance.kind == "aws";
    let of_name = instances.iter().position(|instance| is_aws(instance) && instance.name == name);
    let only = || {
        let first = instances.iter().position(is_aws)?;
        let is_only = !instances.iter().skip(first + 1).any(is_aws);
        is_only.then_some(first)
    };
    let position = of_name.or_else(only);
    if let Some(instance) = position.and_then(|position| instances.get_mut(position)) {
        for (key, value) in config {
            instance.config.entry(key).or_insert(value);
        }
    } else {
        let mut instance = ProviderInstance::new(name, "aws", source);
        instance.config = config;
        instances.push(instance);
    }
}

/// Marks where requests go when nothing else is said: the instance that Host Factory names, the active
/// one, else the first enabled one.
pub(crate) fn mark_default(
    instances: &mut [ProviderInstance],
    called: Option<&str>,
    text: Option<&Text>,
    settings: &Settings,
    findings: &mut Findings,
) {
    let active = settings.get("provider.active_provider").as_str();
    if let (Some(active), Some(text)) = (active, text) {
        let path = [Step::Key("provider"), Step::Key("active_provider")];
        let at = find(text.as_str(), &path).map_or(0, |part| text.offset(part));
        // One that is written down but wrong has its own error already.
        let is_written = |value: &Value| value.get("name").and_then(Value::as_str) == Some(active);
        let written = settings.get("provider.providers").as_array();
        match instances.iter().find(|instance| instance.name == active) {
            None if written.is_some_and(|list| list.iter().any(is_written)) => (),
            None => {
                let known = nearest(active, instances.iter().map(|instance| instance.name.as_str()));
                let message = format!("`provider.active_provider` names `{active}`, which is not configured");
                findings.error(text, at, &message, did_you_mean(known));
            }
            Some(instance) if !instance.enabled => {
                let message = format!("`provider.active_provider` names `{active}`, which is not enabled");
                findings.warning(text, at, message, None);
            }
            Some(_) => (),
        }
    }
    let named = |name: Option<&str>| {
        let name = name?;
        instances.iter().position(|instance| instance.name == name)
    };
    let position = named(called)
        .or_else(|| named(active))
        .or_else(|| instances.iter().position(|instance| instance.enabled))
        .unwrap_or(0);
    if let Some(instance) = instances.get_mut(position) {
        instance.default = true;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::load::{Environment, Recorder};

    fn read(
        providers: &str,
        active: Option<&str>,
        called: Option<&str>,
    ) -> (Vec<ProviderInstance>, Vec<String>) {
        let active = active.map_or(String::new(), |name| format!(", \"active_provider\": \"{name}\""));
        let content = format!("{{\"provider\": {{\"providers\": {providers}{active}}}}}");
        let text = Text::new(Path::new("/c/config.json"), 0, content.into_bytes()).unwrap();
        let env = Environment::default();
        let mut findings = Findings::default();
        let settings = crate::resolve::config_file::read(
            Some(&text),
            Path::new("/c"),
            &Recorder::new(&env),
            &mut findings,
        );
        let mut instances = configured(&text, &settings, &mut findings);
        mark_default(&mut instances, called, Some(&text), &settings, &mut findings);
        (instances, findings.lines())
    }

    #[test]
    fn instances() {
        let (instances, findings) = read(
            r#"[{"name": "a", "type": "aws", "priority": 2, "weight": 5, "config": {"region": "r", "password": "p"}},
               {"name": "b-2", "type": "sim", "enabled": false}]"#,
            None,
            None,
        );
        assert_eq!(findings, Vec::<String>::new());
        let [a, b] = instances.as_slice() else { panic!("two instances") };
        assert_eq!((a.priority, a.weight, a.enabled, a.default), (2, 5, true, true));
        assert_eq!((b.priority, b.weight, b.enabled, b.default), (0, 100, false, false));
        assert_eq!(
            Value::Object(a.redacted_config()).to_string(),
            r#"{"region":"r","password":"(redacted)"}"#
        );
        assert_eq!((a.source.as_str(), b.source.as_str()), ("config.json:1", "config.json:2"));
    }

    #[test]
    fn findings() {
        let check = |providers: &str, active: Option<&str>, wanted: &[&str]| {
            assert_eq!(read(providers, active, None).1, wanted, "{providers}");
        };
        check(
            "[5]",
            None,
            &["error: /c/config.json:1:29: an element of `provider.providers` must be an object, not 5"],
        );
        check(r#"[{"type": "aws"}]"#, None, &["error: /c/config.json:1:29: this provider has no `name`"]);
        check(
            r#"[{"name": "a b", "type": "aws"}]"#,
            None,
            &["error: /c/config.json:1:38: the provider name \"a b\" must consist of 0-9, A-Z, a-z, _ and -"],
        );
        check(
            r#"[{"name": "a", "type": "aws", "weight": 0}]"#,
            None,
            &["error: /c/config.json:1:68: `weight` of a provider must be a whole number from 1, not 0"],
        );
        check(
            r#"[{"name": "a", "type": "aws"}, {"name": "a", "type": "sim"}]"#,
            None,
            &["error: /c/config.json:1:68: the provider name `a` is used twice; names must be unique"],
        );
        check(
            r#"[{"name": "a", "type": "asw", "enbled": true, "handlers": {}}]"#,
            None,
            &[
                "warning: /c/config.json:1:51: ohfp has no provider of type `asw`; requests to `a` will fail (did you mean `aws`?)",
                "warning: /c/config.json:1:68: `enbled` is not a known key of a provider and is ignored (did you mean `enabled`?)",
                "warning: /c/config.json:1:86: `handlers` of a provider has no effect in ohfp",
            ],
        );
        check(
            r#"[{"name": "alpha", "type": "aws"}]"#,
            Some("alpa"),
            &["error: /c/config.json:1:83: `provider.active_provider` names `alpa`, which is not configured"],
        );
    }

    #[test]
    fn the_default_instance() {
        let providers = r#"[{"name": "a", "type": "sim", "enabled": false}, {"name": "b", "type": "sim"}, {"name": "c", "type": "sim"}]"#;
        for (active, called, wanted) in [
            (None, None, "b"),
            (Some("c"), None, "c"),
            (Some("c"), Some("b"), "b"),
            (Some("c"), Some("x"), "c"),
        ] {
            let (instances, _) = read(providers, active, called);
            let default: Vec<_> = instances.iter().filter(|instance| instance.default).collect();
            assert_eq!(default.len(), 1);
            assert_eq!(default[0].name, wanted);
        }
    }

    #[test]
    fn ibm_options_go_to_the_instance_they_are_about() {
        let check = |kinds: &[(&str, &str)], name: &str, wanted: &[&str]| {
            let mut instances: Vec<_> =
                kinds.iter().map(|(name, kind)| ProviderInstance::new(name, kind, String::new())).collect();
            let config = [("AWS_REGION".to_owned(), Value::from("r"))].into_iter().collect();
            add_ibm(&mut instances, name, config, "x".to_owned());
            let with_region = instances.iter().filter(|instance| instance.config.contains_key("AWS_REGION"));
            assert_eq!(with_region.map(|instance| instance.name.as_str()).collect::<Vec<_>>(), wanted);
        };
        check(&[], "awsinst", &["awsinst"]);
        check(&[("aws", "aws")], "awsinst", &["aws"]);
        check(&[("a", "aws"), ("b", "aws")], "b", &["b"]);
        check(&[("a", "aws"), ("b", "aws")], "c", &["c"]);
        check(&[("c", "sim")], "x", &["x"]);
    }
}
