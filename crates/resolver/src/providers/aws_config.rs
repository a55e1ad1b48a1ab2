//! The keys of IBM's `awsprov_config.json`, and their check. It must not know how they are used.

use ohfp_keys::{Rule, shown};
use serde_json::{Map, Value};

use crate::nearest::{did_you_mean, nearest};
use crate::providers::instance::ProviderInstance;
use crate::providers::members::{MEMBERS, idle_hint};
use crate::settings::redact::redact;
use crate::source::findings::{Findings, Subject};
use crate::source::text::{Step, Text, find, members};

/// The rule for each key. The last group is LSF's.
const KEYS: &[(&str, Rule)] = &[
    ("AWS_REGION", Rule::Name),
    ("AWS_CREDENTIAL_FILE", Rule::Text),
    ("AWS_ENDPOINT_URL", Rule::Text),
    ("AWS_KEY_FILE", Rule::Text),
    ("AWS_PROXY_HOST", Rule::Text),
    ("AWS_PROXY_PORT", Rule::Whole(0, 65_535)),
    ("AWS_CONNECTION_TIMEOUT_MS", Rule::Whole(1, 2_147_483_647)),
    ("AWS_REQUEST_RETRY_ATTEMPTS", Rule::Whole(0, 10)),
    ("AWS_INSTANCE_PENDING_TIMEOUT_SEC", Rule::Whole(180, 10_000)),
    ("AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS", Rule::Whole(0, 10)),
    ("AWS_DESCRIBE_REQUEST_INTERVAL", Rule::Whole(0, 10_000)),
    ("ACCEPT_PROPAGATED_LOG_SETTING", Rule::Flag),
    ("LogLevel", Rule::Any),
    ("AWS_CREDENTIAL_SCRIPT", Rule::Any),
    ("AWS_CREDENTIAL_RENEW_MARGIN", Rule::Any),
    ("AWS_SPOT_TERMINATE_ON_RECLAIM", Rule::Any),
    ("INSTANCE_CREATION_TIMEOUT", Rule::Any),
    ("AWS_TAG_InstanceID", Rule::Any),
];

/// Further option names of a provider of type `aws` in `config.json`.
const OPTIONS: &[(&str, Rule)] = &[
    ("region", Rule::Name),
    ("profile", Rule::Text),
    ("role_arn", Rule::Text),
    ("access_key_id", Rule::Text),
    ("secret_access_key", Rule::Text),
    ("session_token", Rule::Text),
    ("endpoint_url", Rule::Text),
    ("credential_file", Rule::Text),
    ("external_id", Rule::Name),
    ("allow_insecure_endpoint", Rule::Boolean),
    ("concurrent_calls", Rule::Whole(1, 64)),
    ("image_cache_seconds", Rule::Whole(0, 604_800)),
    ("native_spec_mode", Rule::Word(NATIVE_SPEC_MODES)),
    ("native_spec_directory", Rule::Name),
    ("pause_after_failures", Rule::Whole(0, MOST_FAILURES)),
    ("pause_seconds", Rule::Whole(1, LONGEST_PAUSE)),
];

/// Bounds of the pause of an endpoint that cannot be reached: a number, and a week in seconds.
pub(crate) const MOST_FAILURES: i64 = 1_000_000;
pub(crate) const LONGEST_PAUSE: i64 = 604_800;

/// How specifications of templates count.
const NATIVE_SPEC_MODES: &[&str] = &["merge", "extend", "replace", "override", "off"];

/// Names in other brokers' files for options under IBM's names. Where 0 is what those brokers write for their default, it
/// is not set.
const OTHER_NAMES: &[(&str, &str, Rule)] = &[
    ("key_file", "AWS_KEY_FILE", Rule::Text),
    ("proxy_host", "AWS_PROXY_HOST", Rule::Text),
    ("proxy_port", "AWS_PROXY_PORT", Rule::Whole(0, 65_535)),
    ("connection_timeout_ms", "AWS_CONNECTION_TIMEOUT_MS", Rule::Whole(1, 2_147_483_647)),
    ("request_retry_attempts", "AWS_REQUEST_RETRY_ATTEMPTS", Rule::Whole(0, 10)),
    ("instance_pending_timeout_sec", "AWS_INSTANCE_PENDING_TIMEOUT_SEC", Rule::Whole(180, 10_000)),
    ("describe_request_retry_attempts", "AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS", Rule::Whole(0, 10)),
    ("describe_request_interval", "AWS_DESCRIBE_REQUEST_INTERVAL", Rule::Whole(0, 10_000)),
];

/// Options of other brokers that have no effect.
const WITHOUT_EFFECT: &[(&str, Rule)] = &[
    ("retries", Rule::Whole(0, 100)),
    ("timeout", Rule::Whole(1, 2_147_483)),
    ("service_role_spot_fleet", Rule::Any),
    ("ssm_parameter_prefix", Rule::Any),
    ("handlers", Rule::Any),
    ("launch_template", Rule::Any),
    ("tagging", Rule::Any),
    ("batch_sizes", Rule::Any),
    ("naming", Rule::Any),
    ("storage", Rule::Any),
];

/// The help, rule and default of a part of `provider.providers`, `provider.aws` or `provider.sim`: a member of a
/// provider, or an option of one of type `aws`. `None` for what has no rule of its own.
pub fn element_rule(path: &[&str]) -> Option<(&'static str, Rule, Value)> {
    let member = |name: &str| MEMBERS.iter().find(|member| member.name == name);
    let option = match path {
        ["provider", "providers", _, name] => {
            return member(name).map(|member| (member.help, member.rule, member.default.value()));
        }
        ["provider", "providers", _, "config", option] | ["provider", "aws", option] => *option,
        _ => return None,
    };
    let rule = rule(option)?;
    Some(("an option of a provider of type aws", rule, Value::Null))
}

fn rule(option: &str) -> Option<Rule> {
    let plain = KEYS.iter().chain(OPTIONS).chain(WITHOUT_EFFECT);
    let other = OTHER_NAMES.iter().map(|(name, _, rule)| (*name, *rule));
    plain.copied().chain(other).find(|(known, _)| *known == option).map(|(_, rule)| rule)
}

/// Moves the values under other brokers' names to those of ohfp; a value that is there counts.
fn rename(options: &mut Map<String, Value>) {
    for (theirs, ours, _) in OTHER_NAMES {
        let Some(value) = options.remove(*theirs) else { continue };
        let is_default = value.is_null() || value == 0 || value == "";
        if !is_default && !options.contains_key(*ours) {
            options.insert((*ours).to_owned(), value);
        }
    }
}

/// Reads a value by its rule, in quotes or not. `None` if it is invalid; the error's subject is `config.NAME`
/// of `instance`.
fn value(
    (text, at): (&Text, usize),
    (instance, name): (&str, &str),
    rule: Rule,
    value: &Value,
    findings: &mut Findings,
) -> Option<Value> {
    if value.is_null() || rule.allows(value) {
        return Some(value.clone());
    }
    let shown = |value: &Value| shown(&redact(name, value));
    if let Some(meant) = rule.meant(value) {
        let message = format!("`{name}` is written as {}; it is read as {}", shown(value), shown(&meant));
        findings.warning(text, at, message, None);
        return Some(meant);
    }
    let whole = findings.about(Subject::Provider(instance.to_owned(), format!("config.{name}")));
    findings.error(text, at, &format!("`{name}` must be {}, not {}", rule.allowed(), shown(value)), None);
    findings.about(whole);
    None
}

/// Checks the options of an `aws` provider in `config.json`; `part` is their text. Other types check their own
/// options.
pub(crate) fn check_options(
    text: &Text,
    part: &str,
    instance: &ProviderInstance,
    options: &mut Map<String, Value>,
    findings: &mut Findings,
) {
    if instance.kind != "aws" {
        return;
    }
    let (mut wrong, mut idle) = (Vec::new(), Vec::new());
    for (name, given) in options.iter_mut() {
        let at = text.offset(find(part, &[Step::Key(name)]).unwrap_or(part));
        if WITHOUT_EFFECT.iter().any(|(known, _)| known == name) && !given.is_null() {
            idle.push((name.clone(), at));
        }
        match rule(name) {
            Some(rule) => match value((text, at), (&instance.name, name), rule, given, findings) {
                Some(meant) => *given = meant,
                None => wrong.push(name.clone()),
            },
            None => {
                let near = nearest(name, KEYS.iter().chain(OPTIONS).map(|(known, _)| *known));
                let message = format!("`{name}` is not a known option of a provider of type `aws`");
                findings.warning(text, at, message, did_you_mean(near));
            }
        }
    }
    options.retain(|name, _| !wrong.contains(name));
    rename(options);
    if let Some((_, at)) = idle.first() {
        let names: Vec<String> = idle.iter().map(|(name, _)| format!("`{name}`")).collect();
        let verb = if names.len() == 1 { "has" } else { "have" };
        let message =
            format!("{} of provider `{}` {verb} no effect in ohfp", names.join(", "), instance.name);
        findings.warning(
            text,
            *at,
            message,
            idle.iter().find_map(|(name, _)| idle_hint(name)).map(str::to_owned),
        );
    }
}

/// Reads the valid options of the file. The subject of errors is `instance`.
pub(crate) fn read(text: &Text, instance: &str, findings: &mut Findings) -> Map<String, Value> {
    let whole = findings.about(Subject::Provider(instance.to_owned(), "config".to_owned()));
    let options = options(text, instance, findings);
    findings.about(whole);
    options
}

fn options(text: &Text, instance: &str, findings: &mut Findings) -> Map<String, Value> {
    let mut config = Map::new();
    match text.value(text.as_str()) {
        Ok(Value::Object(_)) => (),
        Ok(other) => {
            let message = format!("expected an object like {{\"AWS_REGION\": …}}, not {}", shown(&other));
            findings.error(text, 0, &message, None);
            return config;
        }
        Err(syntax) => {
            findings.error(text, syntax.offset, &syntax.message, None);
            return config;
        }
    }
    for member in members(text.as_str()) {
        let (name, at) = (member.name(), text.offset(member.key.get()));
        let Ok(value) = text.value(member.value.get()) else { continue };
        if config.contains_key(&name) {
            findings.warning(text, at, format!("`{name}` appears twice; the last one counts"), None);
        }
        let value_at = text.offset(member.value.get());
        let value = match KEYS.iter().find(|(known, _)| *known == name) {
            Some((_, rule)) => {
                match self::value((text, value_at), (instance, &name), *rule, &value, findings) {
                    Some(value) => value,
                    None => continue,
                }
            }
            None => {
                let known = nearest(&name, KEYS.iter().map(|(known, _)| *known));
                let message = format!("`{name}` is not a known key of this file");
                findings.warning(text, at, message, did_you_mean(known));
                value
            }
        };
        config.insert(name, value);
    }
    let is_set = |key: &str| config.get(key).is_some_and(|value| !value.is_null());
    if config.get("AWS_PROXY_HOST").and_then(Value::as_str).is_some_and(|host| !host.is_empty())
        && find(text.as_str(), &[Step::Key("AWS_PROXY_PORT")]).is_none_or(|port| port == "null")
    {
        let at = find(text.as_str(), &[Step::Key("AWS_PROXY_HOST")]);
        let at = at.map_or(0, |part| text.offset(part));
        findings.error(
            text,
            at,
            "`AWS_PROXY_HOST` needs `AWS_PROXY_PORT`, a whole number from 0 to 65535",
            None,
        );
    }
    if !is_set("AWS_REGION") {
        let hint = "set it, unless the environment or the AWS profile names a region".to_owned();
        findings.file_warning(text, "`AWS_REGION` is missing".to_owned(), Some(hint));
    }
    config
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn keys_are_checked() {
        let check = |content: &str, wanted: &str, lines: &[&str]| {
            let text = Text::new(Path::new("/a.json"), 0, content.as_bytes().to_vec()).unwrap();
            let mut findings = Findings::default();
            assert_eq!(Value::Object(read(&text, "aws", &mut findings)).to_string(), wanted, "{content}");
            assert_eq!(findings.lines(), lines, "{content}");
        };
        let fine = r#"{"AWS_REGION":"eu-west-1","AWS_REQUEST_RETRY_ATTEMPTS":3,"LogLevel":"info"}"#;
        check(fine, fine, &[]);
        check(
            "{}",
            "{}",
            &[
                "warning: /a.json: `AWS_REGION` is missing (set it, unless the environment or the AWS profile names a region)",
            ],
        );
        check(
            r#"{"AWS_REGION": "", "AWS_INSTANCE_PENDING_TIMEOUT_SEC": 5, "AWS_PROXY_HOST": "p"}"#,
            r#"{"AWS_PROXY_HOST":"p"}"#,
            &[
                "error: /a.json:1:16: `AWS_REGION` must be a string that is not empty, not \"\"",
                "error: /a.json:1:56: `AWS_INSTANCE_PENDING_TIMEOUT_SEC` must be a whole number from 180 to 10000, not 5",
                "error: /a.json:1:77: `AWS_PROXY_HOST` needs `AWS_PROXY_PORT`, a whole number from 0 to 65535",
                "warning: /a.json: `AWS_REGION` is missing (set it, unless the environment or the AWS profile names a region)",
            ],
        );
        check(
            r#"{"AWS_REGION": "r", "AWS_REGIN": "r"}"#,
            r#"{"AWS_REGION":"r","AWS_REGIN":"r"}"#,
            &[
                "warning: /a.json:1:21: `AWS_REGIN` is not a known key of this file (did you mean `AWS_REGION`?)",
            ],
        );
        check(
            r#"{"AWS_REGION": "r", "AWS_PROXY_HOST": "p", "AWS_PROXY_PORT": "8080"}"#,
            r#"{"AWS_REGION":"r","AWS_PROXY_HOST":"p","AWS_PROXY_PORT":8080}"#,
            &["warning: /a.json:1:62: `AWS_PROXY_PORT` is written as \"8080\"; it is read as 8080"],
        );
        check(
            r#"{"AWS_REGION": "r", "AWS_PROXY_HOST": "p", "AWS_PROXY_PORT": "eighty"}"#,
            r#"{"AWS_REGION":"r","AWS_PROXY_HOST":"p"}"#,
            &["error: /a.json:1:62: `AWS_PROXY_PORT` must be a whole number from 0 to 65535, not \"eighty\""],
        );
        check("7", "{}", &["error: /a.json:1:1: expected an object like {\"AWS_REGION\": …}, not 7"]);
        check("{", "{}", &["error: /a.json:1:1: the file ends inside an object; expected `,` or `}`"]);
    }
}
