//! Provider instances: from `config.json`, from IBM's file, or the embedded default.
//!
//! It must not know what a provider does with its options, nor which instance requests go to.

use ohfp_keys::{OptionValues, Typed, shown};
use serde_json::{Map, Value};

use crate::nearest::{did_you_mean, nearest};
use crate::providers::aws_config::{self, LONGEST_PAUSE, MOST_FAILURES};
use crate::providers::instance::ProviderInstance;
use crate::providers::members::{
    CONFIG, ENABLED, MEMBERS, NAME, PRIORITY, TEMPLATE_DEFAULTS, TYPE, WEIGHT, WITHOUT_EFFECT, idle_hint,
};
use crate::settings::effective::{SettingSource, Settings};
use crate::settings::key_table::{
    ACTIVE_PROVIDER, CIRCUIT_BREAKER, CIRCUIT_BREAKER_FAILURES, CIRCUIT_BREAKER_SECONDS,
    DEFAULT_PROVIDER_INSTANCE, DEFAULT_PROVIDER_TYPE, NATIVE_SPEC, NATIVE_SPEC_DIRECTORY, NATIVE_SPEC_MODE,
    PROVIDER_AWS, PROVIDER_DEFAULTS, PROVIDER_SIM, PROVIDER_TYPE, PROVIDERS,
};
use crate::settings::redact::redact;
use crate::source::findings::{Findings, Subject};
use crate::source::text::{OwnedStep, Step, Text, find, members};
use crate::templates::defaults::field_defaults;
use crate::templates::{fields, layers};

/// Kinds this product has code for.
pub const KINDS: &[&str] = &["aws", "sim"];

/// The instances in `provider.providers`, else the only one of the form with `provider.type`. Template
/// defaults of their types are not in them yet.
pub(crate) fn configured(text: &Text, settings: &Settings, findings: &mut Findings) -> Vec<ProviderInstance> {
    let list = settings.of(&PROVIDERS).unwrap_or_default();
    if list.is_empty() {
        return only(text, settings, findings).into_iter().collect();
    }
    for key in [PROVIDER_TYPE.key.name, PROVIDER_AWS.key.name, PROVIDER_SIM.key.name] {
        if !settings.get(key).is_null() {
            let message = format!("`{key}` has no effect beside `provider.providers`");
            findings.warning(text, place(text, key), message, None);
        }
    }
    let mut instances: Vec<ProviderInstance> = Vec::new();
    let about_list = || Subject::Setting("provider.providers".to_owned());
    for (index, value) in list.iter().enumerate() {
        let path = [Step::Key("provider"), Step::Key("providers"), Step::Index(index)];
        let part = find(text.as_str(), &path).unwrap_or(text.as_str());
        findings.about(about_list());
        let Some(members) = value.as_object() else {
            let message =
                format!("an element of `provider.providers` must be an object, not {}", shown(value));
            findings.error(text, text.offset(part), &message, None);
            continue;
        };
        let Some(mut instance) = instance(text, part, members, findings) else { continue };
        instance.source = source(settings, PROVIDERS.key.name, text, text.offset(part));
        let element = [OwnedStep::Index(index)];
        report_unset((text, PROVIDERS.key.name), &instance.name, (&element, false), settings, findings);
        if instances.iter().any(|other| other.name == instance.name) {
            let at = find(part, &[Step::Key("name")]).unwrap_or(part);
            let message =
                format!("the provider name `{}` is used twice; names must be unique", instance.name);
            findings.about(about_list());
            findings.error(text, text.offset(at), &message, None);
            continue;
        }
        instances.push(instance);
    }
    findings.about(Subject::Everything);
    instances
}

/// Where the value of a dotted key stands.
pub(crate) fn place(text: &Text, key: &str) -> usize {
    let path: Vec<Step<'_>> = key.split('.').map(Step::Key).collect();
    find(text.as_str(), &path).map_or(0, |part| text.offset(part))
}

fn source(settings: &Settings, key: &str, text: &Text, at: usize) -> String {
    let source = settings.entries().find(|setting| setting.key == key).map(|setting| &setting.source);
    match source {
        Some(SettingSource::File { path, .. }) => {
            let line = text.place(at).position.map_or(1, |(line, _)| line);
            SettingSource::File { path: path.clone(), line }.to_string()
        }
        Some(other) => other.to_string(),
        None => "default".to_owned(),
    }
}

/// An error for each reference to an unset variable in the provider that `element` leads to below `key`. Its options are
/// in its member `config`, or are its members if `is_config`.
fn report_unset(
    (text, key): (&Text, &str),
    name: &str,
    (element, is_config): (&[OwnedStep], bool),
    settings: &Settings,
    findings: &mut Findings,
) {
    for unset in settings.unset_in(key).filter(|unset| unset.path.starts_with(element)) {
        let mut member: Vec<String> =
            unset.path.iter().skip(element.len()).map(ToString::to_string).take(2).collect();
        if is_config {
            member.insert(0, CONFIG.key.name.to_owned());
        }
        let depth = if member.first().is_some_and(|first| first == CONFIG.key.name) { 2 } else { 1 };
        member.truncate(depth);
        let mut path: Vec<Step<'_>> = key.split('.').map(Step::Key).collect();
        path.extend(unset.steps());
        let at = find(text.as_str(), &path).map_or(0, |part| text.offset(part));
        let whole = findings.about(Subject::Provider(name.to_owned(), member.join(".")));
        findings.error(text, at, &unset.message(key), Some(unset.hint()));
        findings.about(whole);
    }
}

/// The form of other brokers for one provider: `{"type": "aws", "aws": {…}}`, or its section alone, or its
/// type alone.
fn only(text: &Text, settings: &Settings, findings: &mut Findings) -> Option<ProviderInstance> {
    let names = [settings.of(&ACTIVE_PROVIDER), settings.of(&DEFAULT_PROVIDER_INSTANCE)];
    let sections = [("aws", &PROVIDER_AWS), ("sim", &PROVIDER_SIM)];
    let mut written = sections.iter().filter(|(_, row)| settings.of(row).is_some());
    // A type that is named where a name is expected: there is nothing else that it could mean.
    let kind_in_place = names.into_iter().flatten().find(|name| KINDS.contains(name));
    let (kind, key) = match (settings.of(&PROVIDER_TYPE), written.next(), written.next()) {
        (Some(kind), ..) => (kind, PROVIDER_TYPE.key.name),
        (None, Some((kind, row)), None) => (*kind, row.key.name),
        (None, Some(_), Some(_)) => {
            let message =
                "`provider.aws` and `provider.sim` are both there; `provider.type` must say which is meant";
            findings.about(Subject::Setting(PROVIDER_TYPE.key.name.to_owned()));
            findings.error(text, place(text, PROVIDER_SIM.key.name), message, None);
            findings.about(Subject::Everything);
            return None;
        }
        (None, None, _) => match (kind_in_place, settings.of(&DEFAULT_PROVIDER_TYPE)) {
            (Some(kind), _) => (kind, ACTIVE_PROVIDER.key.name),
            (None, Some(kind)) => (kind, DEFAULT_PROVIDER_TYPE.key.name),
            (None, None) => return None,
        },
    };
    let name = names.into_iter().flatten().next().unwrap_or(kind);
    let section = find(text.as_str(), &[Step::Key("provider"), Step::Key(kind)]).unwrap_or("{}");
    let empty = Map::new();
    let given = sections.iter().find(|(known, _)| *known == kind).and_then(|(_, row)| settings.of(row));
    let (mut members, mut options) = (Map::new(), Map::new());
    for (name, value) in given.unwrap_or(&empty) {
        let is_member =
            MEMBERS.iter().any(|known| known.name == name) || WITHOUT_EFFECT.contains(&name.as_str());
        let is_given = [NAME.key.name, TYPE.key.name].contains(&name.as_str());
        let target = if is_member && !is_given { &mut members } else { &mut options };
        target.insert(name.clone(), value.clone());
    }
    members.insert(NAME.key.name.to_owned(), Value::from(name));
    members.insert(TYPE.key.name.to_owned(), Value::from(kind));
    let mut instance = instance(text, section, &members, findings)?;
    aws_config::check_options(text, section, &instance, &mut options, findings);
    instance.config.extend(options);
    instance.source = source(settings, key, text, place(text, key));
    if let Some((_, row)) = sections.iter().find(|(known, _)| *known == kind) {
        report_unset((text, row.key.name), &instance.name, (&[], true), settings, findings);
    }
    findings.about(Subject::Everything);
    Some(instance)
}

/// One instance, as far as it is right; `None` when it has no usable name.
fn instance(
    text: &Text,
    part: &str,
    members: &Map<String, Value>,
    findings: &mut Findings,
) -> Option<ProviderInstance> {
    let at = |key: &str| {
        let written = find(part, &[Step::Key(key)]);
        if part == "{}" { 0 } else { text.offset(written.unwrap_or(part)) }
    };
    // What a member means; `None` where it is not written or wrong, and that is told.
    let mut taken = OptionValues::default();
    let name = members.get(NAME.key.name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (key, value) in members {
        match MEMBERS.iter().find(|known| known.name == key) {
            Some(_) if value.is_null() => (),
            Some(member) => {
                if let Some(meant) = member.rule.meant(value) {
                    let message = format!(
                        "`{key}` of a provider is written as {}; it is read as {}",
                        shown(value),
                        shown(&meant)
                    );
                    findings.warning(text, at(key), message, None);
                    taken.set(member, meant);
                } else if member.rule.allows(value) {
                    taken.set(member, value.clone());
                } else {
                    let message = format!(
                        "`{key}` of a provider must be {}, not {}",
                        member.rule.allowed(),
                        shown(&redact(key, value))
                    );
                    let whole = findings.about(Subject::Provider(name.clone(), key.clone()));
                    if key == NAME.key.name {
                        findings.about(whole.clone());
                    }
                    findings.error(text, at(key), &message, None);
                    findings.about(whole);
                }
            }
            None if WITHOUT_EFFECT.contains(&key.as_str()) => {
                let message = format!("`{key}` of a provider has no effect in ohfp");
                findings.warning(text, at(key), message, idle_hint(key).map(str::to_owned));
            }
            None => {
                let known = nearest(key, MEMBERS.iter().map(|known| known.name));
                let message = format!("`{key}` is not a known key of a provider and is ignored");
                findings.warning(text, at(key), message, did_you_mean(known));
            }
        }
    }
    for key in [NAME.key.name, TYPE.key.name] {
        if members.get(key).is_none_or(Value::is_null) {
            findings.error(text, at("(whole)"), &format!("this provider has no `{key}`"), None);
        }
    }
    let kind = taken.of(&TYPE).unwrap_or_default();
    taken.of(&NAME)?;
    if !is_name(&name) {
        let message = format!("the provider name \"{name}\" must consist of 0-9, A-Z, a-z, _ and -");
        findings.error(text, at(NAME.key.name), &message, None);
        return None;
    }
    if !kind.is_empty() && !KINDS.contains(&kind) {
        let hint = did_you_mean(nearest(kind, KINDS.iter().copied()))
            .unwrap_or_else(|| "`aws` and `sim` are there".to_owned());
        let message = format!("ohfp has no provider of type `{kind}`; requests to `{name}` will fail");
        findings.warning(text, at(TYPE.key.name), message, Some(hint));
    }
    let mut instance = ProviderInstance::new(&name, kind, String::new());
    instance.enabled = taken.of(&ENABLED);
    instance.priority = taken.of(&PRIORITY);
    instance.weight = taken.of(&WEIGHT);
    if let Some(options) = taken.of(&CONFIG) {
        let written = find(part, &[Step::Key(CONFIG.key.name)]).unwrap_or(part);
        let mut options = options.clone();
        aws_config::check_options(text, written, &instance, &mut options, findings);
        instance.config = options;
    }
    if let Some(fields) = taken.of(&TEMPLATE_DEFAULTS) {
        let member = TEMPLATE_DEFAULTS.key.name;
        let written = find(part, &[Step::Key(member)]).unwrap_or(part);
        let whole = findings.about(Subject::Provider(name.clone(), member.to_owned()));
        instance.template_defaults = field_defaults(text, written, fields, findings);
        findings.about(whole);
    }
    Some(instance)
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Gives each instance the `template_defaults` of its type that it has not itself. What is wrong with those
/// of a type that no instance has is a warning.
pub(crate) fn add_type_defaults(
    text: &Text,
    settings: &Settings,
    instances: &mut [ProviderInstance],
    findings: &mut Findings,
) {
    /// The member of a type's defaults that has an effect.
    const DEFAULTS: &str = TEMPLATE_DEFAULTS.key.name;
    for (kind, value) in settings.of(&PROVIDER_DEFAULTS).into_iter().flatten() {
        let path = [Step::Key("provider"), Step::Key("provider_defaults"), Step::Key(kind)];
        let part = find(text.as_str(), &path).unwrap_or(text.as_str());
        let users: Vec<String> = instances
            .iter()
            .filter(|instance| instance.kind == *kind)
            .map(|instance| instance.name.clone())
            .collect();
        if users.is_empty()
            && let Some(near) = nearest(kind, KINDS.iter().copied()).filter(|near| near != kind)
        {
            let message = format!("`provider.provider_defaults.{kind}` is for a type that no provider has");
            findings.warning(text, text.offset(part), message, did_you_mean(Some(near)));
        }
        for member in members(part) {
            let name = member.name();
            if name != DEFAULTS && !WITHOUT_EFFECT.contains(&name.as_str()) && name != "cleanup" {
                let message =
                    format!("`provider.provider_defaults.{kind}.{name}` is not a known key and is ignored");
                let hint = did_you_mean(nearest(&name, [DEFAULTS]));
                findings.warning(text, text.offset(member.key.get()), message, hint);
            }
        }
        let written = find(part, &[Step::Key(DEFAULTS)]).unwrap_or(part);
        if let Some(first) = users.first() {
            let element = [OwnedStep::Key(kind.clone()), OwnedStep::Key(DEFAULTS.to_owned())];
            let defaults = (text, PROVIDER_DEFAULTS.key.name);
            report_unset(defaults, first, (&element, false), settings, findings);
        }
        // An error is about every instance of the type; the first stands for all of them.
        let subject = match users.first() {
            Some(first) => Subject::Provider(first.clone(), DEFAULTS.to_owned()),
            None => Subject::Unused,
        };
        findings.about(subject);
        let defaults = match value.get(DEFAULTS) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(fields)) => field_defaults(text, written, fields, findings),
            Some(other) => {
                let message = format!(
                    "`provider.provider_defaults.{kind}.template_defaults` must be an object, not {}",
                    shown(other)
                );
                findings.error(text, text.offset(written), &message, None);
                Map::new()
            }
        };
        findings.about(Subject::Everything);
        let mut defaults = defaults;
        for (field, value) in extensions((text, part), kind, value, findings) {
            defaults.entry(field).or_insert(value);
        }
        for instance in instances.iter_mut().filter(|instance| instance.kind == *kind) {
            layers::add_below(&mut instance.template_defaults, &defaults);
        }
    }
}

/// Gives each instance of type `aws` the options that other brokers have for all of them, as far as it lacks them.
pub(crate) fn add_shared_options(settings: &Settings, instances: &mut [ProviderInstance]) {
    // What is beyond the bounds of an option means the bound.
    let number = |row: &Typed<Option<u64>>, most: i64| {
        settings
            .of(row)
            .map(|number| Value::from(i64::try_from(number).map_or(most, |number| number.min(most))))
    };
    let text = |row: &Typed<Option<&'static str>>| settings.of(row).map(Value::from);
    let is_off = |row: &Typed<Option<bool>>| settings.of(row) == Some(false);
    let shared = [
        (
            "native_spec_mode",
            if is_off(&NATIVE_SPEC) { Some(Value::from("off")) } else { text(&NATIVE_SPEC_MODE) },
        ),
        ("native_spec_directory", text(&NATIVE_SPEC_DIRECTORY)),
        (
            "pause_after_failures",
            if is_off(&CIRCUIT_BREAKER) {
                Some(Value::from(0))
            } else {
                number(&CIRCUIT_BREAKER_FAILURES, MOST_FAILURES)
            },
        ),
        ("pause_seconds", number(&CIRCUIT_BREAKER_SECONDS, LONGEST_PAUSE)),
    ];
    for instance in instances.iter_mut().filter(|instance| instance.kind == "aws") {
        for (name, value) in &shared {
            if let Some(value) = value
                && !instance.config.contains_key(*name)
            {
                instance.config.insert((*name).to_owned(), value.clone());
            }
        }
    }
}

/// The fields of templates among the `extensions` of a type, which other brokers have for them. What else stands there
/// has no effect, and is named in one warning.
fn extensions(
    (text, part): (&Text, &str),
    kind: &str,
    value: &Value,
    findings: &mut Findings,
) -> Map<String, Value> {
    const EXTENSIONS: &str = "extensions";
    let written = find(part, &[Step::Key(EXTENSIONS)]).unwrap_or(part);
    let place = |name: &str| text.offset(find(written, &[Step::Key(name)]).unwrap_or(written));
    let (mut read, mut idle) = (Map::new(), Vec::new());
    for (name, value) in value.get(EXTENSIONS).and_then(Value::as_object).into_iter().flatten() {
        let Some(field) = fields::known(name).filter(|_| !value.is_null()) else {
            idle.push(format!("`{name}`"));
            continue;
        };
        let mut value = value.clone();
        field.unquote(&mut value);
        if let Some(fault) = field.rule.fault(&value) {
            let shown = shown(&redact(name, fault.value));
            let key = format!("provider.provider_defaults.{kind}.{EXTENSIONS}.{name}");
            let message = format!("`{key}` must be {}, not {shown}; it is ignored", fault.allowed);
            findings.warning(text, place(name), message, None);
            continue;
        }
        fields::normalize(field.hf, &mut value);
        read.insert(field.hf.to_owned(), value);
    }
    if !idle.is_empty() {
        let verb = if idle.len() == 1 { "has" } else { "have" };
        let names = idle.join(", ");
        let message =
            format!("{names} in `provider.provider_defaults.{kind}.{EXTENSIONS}` {verb} no effect in ohfp");
        findings.warning(text, text.offset(written), message, None);
    }
    read
}

#[cfg(test)]
mod tests;
