//! The default provider, for requests whose template names none: explicit configuration has precedence over
//! implied one.
//!
//! In this order: the enabled instance of `config.json` that Host Factory calls by its name,
//! `provider.active_provider`, `provider.default_provider_instance`, `provider.default_provider_type`, the
//! first enabled instance, what IBM's files stand for. It must not know how instances are read.

use ohfp_broker::{Error, ErrorKind};
use serde_json::{Map, Value};

use crate::nearest::{did_you_mean, nearest};
use crate::providers::configured::place;
use crate::providers::instance::ProviderInstance;
use crate::settings::effective::Settings;
use crate::settings::key_table::{ACTIVE_PROVIDER, DEFAULT_PROVIDER_INSTANCE, DEFAULT_PROVIDER_TYPE};
use crate::source::findings::{Findings, Subject};
use crate::source::text::{Step, Text, find};

const ACTIVE: &str = ACTIVE_PROVIDER.key.name;
const DEFAULT_INSTANCE: &str = DEFAULT_PROVIDER_INSTANCE.key.name;
const DEFAULT_TYPE: &str = DEFAULT_PROVIDER_TYPE.key.name;

/// Errors in the settings that decide the choice of a provider; choosing one requires all of them to be valid.
pub fn choice_problems(settings: &Settings, providers: &[ProviderInstance]) -> Vec<Error> {
    let keys = ["provider.providers", "provider.type", "provider.aws", "provider.sim"];
    let mut errors: Vec<Error> = Vec::new();
    let found = keys.iter().chain(&[ACTIVE, DEFAULT_INSTANCE, DEFAULT_TYPE]);
    let members = ["type", "enabled", "priority", "weight"];
    let of_instances = providers.iter().flat_map(|instance| instance.problems(&members));
    for error in found.flat_map(|key| settings.problems(key)).chain(of_instances) {
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors
}

/// The name of the instance that IBM's file is about: the one called `name`, the only one of type `aws`, or
/// a new one.
pub(crate) fn ibm_instance(instances: &[ProviderInstance], name: &str) -> String {
    let mut aws = instances.iter().filter(|instance| instance.kind == "aws");
    let of_name = aws.clone().find(|instance| instance.name == name);
    let only = || aws.next().filter(|_| aws.next().is_none());
    of_name.or_else(only).map_or(name, |instance| &instance.name).to_owned()
}

/// Adds the options of IBM's file to that instance. Options of `config.json` have precedence.
pub(crate) fn add_ibm(
    instances: &mut Vec<ProviderInstance>,
    name: &str,
    config: Map<String, Value>,
    source: String,
) {
    if let Some(instance) =
        instances.iter_mut().find(|instance| instance.kind == "aws" && instance.name == name)
    {
        for (key, value) in config {
            instance.config.entry(key).or_insert(value);
        }
    } else if !instances.iter().any(|instance| instance.name == name) {
        let mut instance = ProviderInstance::implied(name, "aws", source);
        instance.config = config;
        instances.push(instance);
    }
}

/// Marks the default instance. None is marked if the configuration does not determine it.
pub(crate) fn mark_default(
    instances: &mut [ProviderInstance],
    instance_name: Option<&str>,
    text: Option<&Text>,
    settings: &Settings,
    findings: &mut Findings,
) {
    let stated = text.and_then(|text| stated(instances, text, settings, findings));
    let named = |wanted: &ProviderInstance| Some(wanted.name.as_str()) == instance_name && !wanted.implied;
    let called = instances.iter().position(named);
    let is_enabled = |at: &usize| instances.get(*at).is_some_and(|instance| instance.enabled);
    let choice = match (called.filter(is_enabled), stated) {
        (Some(called), _) => Some(called),
        (None, Some(Stated::Instance(at))) => Some(at),
        (None, Some(Stated::Unknown)) => None,
        (None, None) => {
            if let Some(disabled) = called.and_then(|at| instances.get(at)) {
                let message =
                    format!("provider `{}`, which Host Factory names, is not enabled", disabled.name);
                let hint = format!(
                    "set `enabled` of `{}` to true, or name another one as `{ACTIVE}`",
                    disabled.name
                );
                findings.about(Subject::Setting(ACTIVE.to_owned()));
                findings.failure(0, Error::new(ErrorKind::Input, message).hint(hint));
                findings.about(Subject::Everything);
            }
            let enabled = instances.iter().enumerate().filter(|(_, instance)| instance.enabled);
            called
                .or_else(|| enabled.min_by_key(|(_, one)| (one.implied, one.priority)).map(|(at, _)| at))
                .or_else(|| (!instances.is_empty()).then_some(0))
        }
    };
    if let Some(instance) = choice.and_then(|at| instances.get_mut(at)) {
        instance.default = true;
    }
}

/// How the configuration names the default provider.
enum Stated {
    Instance(usize),
    /// It names an unknown one, which is reported.
    Unknown,
}

fn stated(
    instances: &[ProviderInstance],
    text: &Text,
    settings: &Settings,
    findings: &mut Findings,
) -> Option<Stated> {
    let mut stated = None;
    for row in [&ACTIVE_PROVIDER, &DEFAULT_PROVIDER_INSTANCE, &DEFAULT_PROVIDER_TYPE] {
        let (Some(word), key) = (settings.of(row), row.key.name) else { continue };
        let found =
            if key == DEFAULT_TYPE { of_type(instances, word) } else { of_name(instances, key, word, text) };
        match found {
            Ok(at) => {
                stated.get_or_insert(Stated::Instance(at));
            }
            // An element that is written but invalid has its own error already.
            Err(None) => {
                stated.get_or_insert(Stated::Unknown);
            }
            Err(Some(fault)) => {
                let message = format!("`{key}` {}", fault.message);
                if stated.is_some() {
                    findings.about(Subject::Unused);
                } else {
                    findings.about(Subject::Setting(key.to_owned()));
                    stated = Some(fault.at.map_or(Stated::Unknown, Stated::Instance));
                }
                findings.error(text, place(text, key), &message, fault.hint);
                findings.about(Subject::Everything);
            }
        }
    }
    stated
}

/// Why a name does not determine the default provider.
struct Fault {
    message: String,
    hint: Option<String>,
    /// The instance that it refers to, if there is one.
    at: Option<usize>,
}

fn of_name(
    instances: &[ProviderInstance],
    key: &str,
    name: &str,
    text: &Text,
) -> Result<usize, Option<Fault>> {
    let known = || instances.iter().map(|instance| instance.name.as_str());
    let at = instances.iter().position(|instance| instance.name == name);
    match at.and_then(|at| instances.get(at)) {
        Some(instance) if instance.enabled => at.ok_or(None),
        Some(_) => {
            let mut other = instances.iter().filter(|instance| instance.enabled);
            let hint = match other.next() {
                Some(other) => {
                    format!("set its `enabled` to true, or name another one, such as `{}`", other.name)
                }
                None => "set its `enabled` to true".to_owned(),
            };
            Err(Some(Fault {
                message: format!("names `{name}`, which is not enabled"),
                hint: Some(hint),
                at,
            }))
        }
        None if is_written(text, name) => Err(None),
        None => {
            let hint = did_you_mean(nearest(name, known())).or_else(|| {
                let known: Vec<String> = known().map(|name| format!("`{name}`")).collect();
                (!known.is_empty()).then(|| format!("there are {}", known.join(", ")))
            });
            let message = format!("names `{name}`, which is not configured");
            Err(Some(Fault { message, hint: hint.filter(|_| key != DEFAULT_TYPE), at: None }))
        }
    }
}

/// The first enabled instance of that type.
fn of_type(instances: &[ProviderInstance], kind: &str) -> Result<usize, Option<Fault>> {
    let of_kind = instances.iter().enumerate().filter(|(_, instance)| instance.kind == kind);
    let enabled = of_kind.clone().filter(|(_, instance)| instance.enabled);
    if let Some((at, _)) = enabled.min_by_key(|(_, instance)| (instance.implied, instance.priority)) {
        return Ok(at);
    }
    let disabled = of_kind.map(|(at, _)| at).next();
    let what = if disabled.is_some() { "enabled" } else { "configured" };
    let known = instances.iter().map(|instance| instance.kind.as_str());
    Err(Some(Fault {
        message: format!("is `{kind}`, and no provider of that type is {what}"),
        hint: did_you_mean(nearest(kind, known).filter(|near| *near != kind)),
        at: disabled,
    }))
}

/// Whether an element of `provider.providers` has that name, even if it is invalid otherwise.
fn is_written(text: &Text, name: &str) -> bool {
    let path = [Step::Key("provider"), Step::Key("providers")];
    let list = find(text.as_str(), &path);
    let list: Vec<Value> = list.and_then(|part| serde_json::from_str(part).ok()).unwrap_or_default();
    list.iter().any(|element| element.get("name").and_then(Value::as_str) == Some(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Instances from `NAME TYPE` texts.
    fn instances(texts: &[&str]) -> Vec<ProviderInstance> {
        let instance = |text: &&str| {
            let (name, kind) = text.split_once(' ').unwrap_or((text, ""));
            ProviderInstance::new(name, kind, "config.json".to_owned())
        };
        texts.iter().map(instance).collect()
    }

    #[test]
    fn which_instance_ibms_file_is_about() {
        for (texts, name) in [
            (&[][..], "awsinst"),
            (&["a aws"], "a"),
            (&["a sim"], "awsinst"),
            (&["a aws", "b aws"], "awsinst"),
            (&["a aws", "awsinst aws"], "awsinst"),
            (&["a aws", "b sim"], "a"),
            (&["awsinst sim", "b aws"], "b"),
        ] {
            assert_eq!(ibm_instance(&instances(texts), "awsinst"), name, "{texts:?}");
        }
    }

    /// An instance of that name and type gets the options that it lacks, and a free name a new instance.
    #[test]
    fn what_ibms_file_says_is_added() {
        for (texts, name, expected) in [
            (&["a aws"][..], "a", vec![("a", json!({ "region": "own", "proxy": "p" }), false)]),
            (&["a sim"], "a", vec![("a", json!({ "region": "own" }), false)]),
            (
                &["b aws"],
                "a",
                vec![
                    ("b", json!({ "region": "own" }), false),
                    ("a", json!({ "region": "ibm", "proxy": "p" }), true),
                ],
            ),
        ] {
            let mut all = instances(texts);
            for instance in &mut all {
                instance.config.insert("region".to_owned(), json!("own"));
            }
            let ibm = json!({ "region": "ibm", "proxy": "p" });
            add_ibm(&mut all, name, ibm.as_object().unwrap().clone(), "ibm.json".to_owned());
            let found: Vec<_> = all
                .iter()
                .map(|one| (one.name.as_str(), Value::Object(one.config.clone()), one.implied))
                .collect();
            assert_eq!(found, expected, "{texts:?}");
        }
    }

    /// The first enabled instance of a type, what a file says before what is implied, then the least priority.
    #[test]
    fn an_instance_by_its_type() {
        let check = |change: fn(&mut Vec<ProviderInstance>),
                     kind: &str,
                     expected: Result<usize, (&str, Option<&str>, Option<usize>)>| {
            let mut all = instances(&["a aws", "b aws", "c sim"]);
            change(&mut all);
            let found = of_type(&all, kind).map_err(|fault| {
                let fault = fault.unwrap();
                (fault.message, fault.hint, fault.at)
            });
            let expected = expected.map_err(|(message, hint, at)| {
                (
                    format!("is `{kind}`, and no provider of that type is {message}"),
                    hint.map(str::to_owned),
                    at,
                )
            });
            assert_eq!(found, expected);
        };
        check(|_| (), "aws", Ok(0));
        check(|_| (), "sim", Ok(2));
        check(|all| all[0].enabled = false, "aws", Ok(1));
        check(|all| all[1].priority = -1, "aws", Ok(1));
        check(|all| (all[0].implied, all[0].priority) = (true, -9), "aws", Ok(1));
        check(|all| all[2].enabled = false, "sim", Err(("enabled", None, Some(2))));
        check(|_| (), "siim", Err(("configured", Some("did you mean `sim`?"), None)));
        check(|_| (), "azure", Err(("configured", None, None)));
    }
}
