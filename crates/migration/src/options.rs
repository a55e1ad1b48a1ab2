//! The options of a provider of type `aws`, in the names of every broker.
//!
//! It must not know in which file they stand.

use ohfp_provider_aws::KEYS;
use ohfp_resolver::nearest::{did_you_mean, nearest};
use serde_json::{Map, Value};

use crate::report::ImportReport;

/// Names of other brokers for an option, with its name here.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("AWS_REGION", "region"),
    ("AWS_CREDENTIAL_FILE", "credential_file"),
    ("key_file", "AWS_KEY_FILE"),
    ("proxy_host", "AWS_PROXY_HOST"),
    ("proxy_port", "AWS_PROXY_PORT"),
    ("connection_timeout_ms", "AWS_CONNECTION_TIMEOUT_MS"),
    ("request_retry_attempts", "AWS_REQUEST_RETRY_ATTEMPTS"),
    ("instance_pending_timeout_sec", "AWS_INSTANCE_PENDING_TIMEOUT_SEC"),
    ("describe_request_retry_attempts", "AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS"),
    ("describe_request_interval", "AWS_DESCRIBE_REQUEST_INTERVAL"),
];

/// Names that stand for nearly the same.
const GUESSES: &[(&str, &str, &str)] = &[(
    "retries",
    "AWS_REQUEST_RETRY_ATTEMPTS",
    "the Python broker counts attempts of every service alike; without it, the kind of failure decides",
)];

/// Ranges that IBM documents; 0 of the Python brokers means the default.
const RANGES: &[(&str, i64, i64)] = &[
    ("AWS_PROXY_PORT", 0, 65_535),
    ("AWS_REQUEST_RETRY_ATTEMPTS", 0, 10),
    ("AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS", 0, 10),
    ("AWS_DESCRIBE_REQUEST_INTERVAL", 0, 10_000),
    ("AWS_INSTANCE_PENDING_TIMEOUT_SEC", 180, 10_000),
];

/// Options of other brokers without a counterpart.
const REASONS: &[(&str, &str)] = &[
    ("timeout", "a call may take as long as its operation"),
    ("handlers", "the launch API follows from the template's fields"),
    ("launch_template", "launch templates are made for each request, and deleted with it"),
    ("service_role_spot_fleet", "`fleetRole` of a template, or of `template_defaults`, names the role"),
    ("ssm_parameter_prefix", "`imageId` has the whole name of an image parameter"),
    ("tagging", "tags of a template are put on all that its requests make"),
    ("batch_sizes", "batches follow from the limits of AWS's calls"),
    ("naming", "names of AWS resources are made from the request's id"),
    ("storage", "state is in one SQLite database"),
];

/// The options under ohfp's names; `prefix` is put before the names in the report.
pub(crate) fn aws(
    file: &str,
    prefix: (&str, &str),
    given: &Map<String, Value>,
    report: &mut ImportReport,
) -> Map<String, Value> {
    let mut options = Map::new();
    for (theirs, value) in given {
        let (from, to) = (format!("{}{theirs}", prefix.0), |ours: &str| format!("{}{ours}", prefix.1));
        if value.is_null() {
            report.dropped(file, &from, "null means that it is not set");
            continue;
        }
        let renamed = OTHER_NAMES.iter().find(|(name, _)| name == theirs).map(|(_, ours)| *ours);
        let guess = GUESSES.iter().find(|(name, ..)| name == theirs);
        let ours = renamed.or(guess.map(|(_, ours, _)| *ours)).unwrap_or(theirs);
        let Some(key) = KEYS.iter().find(|key| key.name == ours) else {
            report.dropped(file, &from, unknown(theirs));
            continue;
        };
        // The broker's own name of the option counts, wherever it stands.
        if ours != theirs && given.get(ours).is_some_and(|value| !value.is_null()) {
            report.dropped(file, &from, format!("`{ours}` says the same, and counts"));
            continue;
        }
        let is_variable = value.as_str().is_some_and(|text| text.contains('$'));
        let meant = key.rule.meant(value);
        let value = match (&meant, value) {
            (Some(meant), _) => meant.clone(),
            (None, value) if is_variable || key.rule.allows(value) => value.clone(),
            _ => {
                report.dropped(file, &from, format!("it must be {}", key.rule.allowed()));
                continue;
            }
        };
        let range = RANGES.iter().find(|(name, ..)| *name == ours).map(|(_, least, most)| *least..=*most);
        if let (Some(range), Some(number)) = (range, value.as_i64())
            && !range.contains(&number)
        {
            let (least, most) = range.into_inner();
            report.dropped(
                file,
                &from,
                format!("it must be a whole number from {least} to {most}; the default counts"),
            );
            continue;
        }
        match guess {
            Some((.., why)) => report.guessed(file, &from, &to(ours), *why),
            None if meant.is_some() => report.changed(file, &from, &to(ours), "written without quotes"),
            None => report.mapped(file, &from, &to(ours)),
        }
        options.insert(ours.to_owned(), value);
    }
    let has_host = options.get("AWS_PROXY_HOST").and_then(Value::as_str).is_some_and(|host| !host.is_empty());
    if has_host && !options.contains_key("AWS_PROXY_PORT") {
        options.remove("AWS_PROXY_HOST");
        report.dropped(
            file,
            &format!("{}AWS_PROXY_HOST", prefix.0),
            "a proxy needs a port, and there is none",
        );
    }
    options
}

fn unknown(name: &str) -> String {
    if let Some((_, why)) = REASONS.iter().find(|(known, _)| *known == name) {
        return (*why).to_owned();
    }
    let hint = did_you_mean(nearest(name, KEYS.iter().map(|key| key.name)));
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("a provider of type aws has no such option{hint}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::Mapping;

    /// Options of another broker, what they become, and a part of the reason for each that is dropped.
    fn check(given: &Value, expected: &Value, dropped: &[(&str, &str)]) {
        let mut report = ImportReport::default();
        let options = aws("f", ("", ""), given.as_object().unwrap(), &mut report);
        assert_eq!(Value::Object(options), *expected, "{given}");
        let rows: Vec<_> = report.rows().iter().filter(|row| row.outcome == Mapping::Dropped).collect();
        assert_eq!(rows.len(), dropped.len(), "{rows:?}");
        for (name, part) in dropped {
            let why = rows.iter().find(|row| row.name == *name).and_then(|row| row.why.clone());
            assert!(why.as_ref().is_some_and(|why| why.contains(part)), "{name}: {why:?}");
        }
    }

    #[test]
    fn names_of_every_broker() {
        check(
            &json!({ "AWS_REGION": "eu-west-1", "AWS_CREDENTIAL_FILE": "/c", "AWS_PROXY_HOST": "p", "AWS_PROXY_PORT": "80" }),
            &json!({ "region": "eu-west-1", "credential_file": "/c", "AWS_PROXY_HOST": "p", "AWS_PROXY_PORT": 80 }),
            &[],
        );
        check(
            &json!({ "region": "a", "AWS_REGION": "b", "profile": "$P", "proxy_host": "p", "handlers": {}, "timeout": 30, "role_arn": null }),
            &json!({ "region": "a", "profile": "$P" }),
            &[
                ("AWS_REGION", "`region` says the same"),
                ("AWS_PROXY_HOST", "needs a port"),
                ("handlers", "launch API"),
                ("timeout", "as long as its operation"),
                ("role_arn", "null"),
            ],
        );
        check(
            &json!({ "instance_pending_timeout_sec": 60, "retries": 3, "regoin": "x", "region": 7 }),
            &json!({ "AWS_REQUEST_RETRY_ATTEMPTS": 3 }),
            &[
                ("instance_pending_timeout_sec", "from 180 to 10000"),
                ("regoin", "did you mean `region`"),
                ("region", "must be"),
            ],
        );
    }

    /// The check of the configuration knows each option, and refuses nothing that the provider takes.
    #[test]
    fn options_are_known_to_the_configuration() {
        for key in KEYS {
            let rule = ohfp_resolver::element_rule(&["provider", "aws", key.name]).map(|(_, rule, _)| rule);
            let default = key.default.value();
            assert!(rule.is_some_and(|rule| default.is_null() || rule.allows(&default)), "{}", key.name);
        }
    }

    #[test]
    fn every_name_leads_to_an_option() {
        let names = OTHER_NAMES.iter().map(|(_, ours)| ours).chain(GUESSES.iter().map(|(_, ours, _)| ours));
        for ours in names.chain(RANGES.iter().map(|(ours, ..)| ours)) {
            assert!(KEYS.iter().any(|key| key.name == *ours), "{ours}");
        }
    }
}
