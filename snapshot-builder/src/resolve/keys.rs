//! The keys of `config.json`: the one table that defaults, checks, messages and documents come from.
//!
//! It must not know how a file is read.

use serde_json::{Map, Value};

use super::rule::Rule;

/// A key of `config.json`.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted.
    pub name: &'static str,
    /// What its value may be.
    pub rule: Rule,
    /// Its value when nobody sets it.
    pub initial: Initial,
    /// What it is for, in a line.
    pub help: &'static str,
}

/// A value that can stand in a constant.
#[derive(Clone, Copy, Debug)]
pub enum Initial {
    /// null
    Unset,
    /// A string.
    Text(&'static str),
    /// A whole number.
    Number(u64),
    /// `{}`
    EmptyObject,
    /// `[]`
    EmptyList,
}

impl Initial {
    /// As JSON.
    pub fn value(self) -> Value {
        match self {
            Self::Unset => Value::Null,
            Self::Text(text) => Value::from(text),
            Self::Number(number) => Value::from(number),
            Self::EmptyObject => Value::Object(Map::new()),
            Self::EmptyList => Value::Array(Vec::new()),
        }
    }
}

const fn key(name: &'static str, rule: Rule, initial: Initial, help: &'static str) -> Key {
    Key { name, rule, initial, help }
}

/// How providers can be chosen, as other brokers' files have it.
const POLICIES: &[&str] = &[
    "FIRST_AVAILABLE",
    "ROUND_ROBIN",
    "WEIGHTED_ROUND_ROBIN",
    "LEAST_CONNECTIONS",
    "FASTEST_RESPONSE",
    "HIGHEST_SUCCESS_RATE",
    "CAPABILITY_BASED",
    "HEALTH_BASED",
    "RANDOM",
    "PERFORMANCE_BASED",
];

/// Every key that has an effect, in the order they are listed.
pub const KEYS: &[Key] = &[
    key(
        "scheduler.type",
        Rule::Word(&["hostfactory", "default"]),
        Initial::Text("hostfactory"),
        "whose field names and frames are written",
    ),
    key(
        "snapshot.refresh",
        Rule::Word(&["auto", "manual", "never"]),
        Initial::Text("auto"),
        "whether a snapshot that is older than its sources is made anew by itself",
    ),
    key(
        "snapshot.render_limit",
        Rule::Bytes,
        Initial::Number(64 << 20),
        "largest snapshot that holds the forms other than JSON ready-made",
    ),
    key(
        "storage.strategy",
        Rule::Word(&["sqlite"]),
        Initial::Text("sqlite"),
        "where requests and machines are remembered",
    ),
    key("storage.sql_strategy.name", Rule::Name, Initial::Text("ohfp.db"), "file name of the database"),
    key(
        "template.max_number",
        Rule::Whole(-1, i64::MAX),
        Initial::Unset,
        "maxNumber of templates that have none; unset, each must have one",
    ),
    key(
        "template.ncpus_from",
        Rule::Word(&["vcpus", "cores"]),
        Initial::Text("vcpus"),
        "what attributes.ncpus counts where it is derived from the machine type",
    ),
    key(
        "template.default_attributes",
        Rule::Object,
        Initial::EmptyObject,
        "attributes of templates that lack them",
    ),
    key("template.default_price_type", Rule::Price, Initial::Unset, "priceType of templates that have none"),
    key(
        "request.max_machines_per_request",
        Rule::Whole(1, i64::MAX),
        Initial::Number(100),
        "a request for more is refused",
    ),
    key("provider.active_provider", Rule::Name, Initial::Unset, "the provider that new requests go to"),
    key(
        "provider.selection_policy",
        Rule::Word(POLICIES),
        Initial::Text("FIRST_AVAILABLE"),
        "how a provider is chosen",
    ),
    key("provider.providers", Rule::List, Initial::EmptyList, "name, type and options of each provider"),
    key(
        "provider.provider_defaults",
        Rule::Object,
        Initial::EmptyObject,
        "per provider type: template_defaults, fields of templates that lack them",
    ),
];

/// Keys and whole sections of other brokers' files that are read and have no effect.
const WITHOUT_EFFECT: &[&str] = &[
    "naming",
    "logging",
    "metrics",
    "observability",
    "events",
    "resource",
    "circuit_breaker",
    "performance",
    "server",
    "ui",
    "native_spec",
    "environment",
    "debug",
    "allow_destructive_admin",
    "scripts_dir",
    "database",
    "retry",
    "request_timeout",
    "scheduler.config_root",
    "scheduler.config_dir",
    "scheduler.work_dir",
    "scheduler.log_dir",
    "scheduler.log_level",
    "scheduler.console_enabled",
    "scheduler.templates_filename",
    "scheduler.on_scheduler_mismatch",
    "storage.json_strategy",
    "storage.database",
    "storage.default_storage_path",
    "storage.dynamodb_strategy",
    "storage.sql_strategy.type",
    "storage.sql_strategy.host",
    "storage.sql_strategy.port",
    "storage.sql_strategy.username",
    "storage.sql_strategy.password",
    "storage.sql_strategy.pool_size",
    "storage.sql_strategy.max_overflow",
    "storage.sql_strategy.timeout",
    "storage.sql_strategy.ssl_ca",
    "storage.sql_strategy.ssl_verify",
    "storage.sql_strategy.cluster_endpoint",
    "template.default_instance_tags",
    "template.tags",
    "template.default_provider_type",
    "template.default_provider_name",
    "template.default_provider_api",
    "template.filename_patterns",
    "template.templates_file_path",
    "template.legacy_templates_file_path",
    "template.ami_resolution",
    "request.default_grace_period",
    "request.fulfillment_max_retries",
    "request.concurrency_max_retries",
    "request.fulfillment_timeout_seconds",
    "request.fulfillment_batch_size",
    "request.fulfillment_fallback_template_id",
    "request.default_timeout",
    "provider.default_provider_type",
    "provider.default_provider_instance",
    "provider.health_check_interval",
    "provider.circuit_breaker",
];

/// Keys that describe the file itself.
const DESCRIPTIVE: &[&str] = &["version", "$schema", "_comment"];

/// What a dotted name is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    /// A key with a value.
    Key(&'static Key),
    /// A section that holds keys.
    Section,
    /// Known, and without effect.
    WithoutEffect,
    /// About the file.
    Descriptive,
    /// Not known.
    Unknown,
}

/// What `name` is.
pub(crate) fn meaning(name: &str) -> Meaning {
    if let Some(key) = find(name) {
        return Meaning::Key(key);
    }
    let is_section = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    if KEYS.iter().any(|key| is_section(key.name)) {
        Meaning::Section
    } else if WITHOUT_EFFECT.contains(&name) {
        Meaning::WithoutEffect
    } else if DESCRIPTIVE.contains(&name) {
        Meaning::Descriptive
    } else {
        Meaning::Unknown
    }
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known name most like the unknown `name`: one whose last part is the same, a sibling, or one whose
/// last part alone is alike.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let (section, last) = name.rsplit_once('.').unwrap_or(("", name));
    let part = |full: &'static str| full.rsplit('.').next().unwrap_or(full);
    let keys = || KEYS.iter().map(|key| key.name);
    if let Some(moved) = keys().find(|full| part(full) == last) {
        return Some(moved);
    }
    let siblings = || {
        keys().chain(WITHOUT_EFFECT.iter().copied()).filter_map(move |full| {
            let rest =
                if section.is_empty() { full } else { full.strip_prefix(section)?.strip_prefix('.')? };
            // Only one level down: of `storage.sql_strategy.name`, `storage` for a top-level name.
            let deeper = rest.find('.').map_or(0, |dot| rest.len() - dot);
            full.get(..full.len() - deeper)
        })
    };
    if let Some(sibling) = super::nearest::nearest(last, siblings().map(part)) {
        return siblings().find(|full| part(full) == sibling);
    }
    let elsewhere = super::nearest::typo_of(last, keys().map(part))?;
    keys().find(|full| part(full) == elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_obey_their_rules_and_names_are_unique() {
        for (number, key) in KEYS.iter().enumerate() {
            let value = key.initial.value();
            assert!(value.is_null() || key.rule.allows(&value), "{}", key.name);
            assert!(!KEYS[..number].iter().any(|other| other.name == key.name), "{}", key.name);
            assert!(!WITHOUT_EFFECT.contains(&key.name), "{}", key.name);
        }
    }

    #[test]
    fn nearest_keys() {
        for (name, wanted) in [
            ("snapshot.refesh", Some("snapshot.refresh")),
            ("shceduler", Some("scheduler")),
            ("scheduler.typo", Some("scheduler.type")),
            ("storage.sql_strategy.nmae", Some("storage.sql_strategy.name")),
            ("refresh", Some("snapshot.refresh")),
            ("provider.provider", Some("provider.providers")),
            ("quux", None),
        ] {
            assert_eq!(nearest(name), wanted, "{name}");
        }
    }
}
