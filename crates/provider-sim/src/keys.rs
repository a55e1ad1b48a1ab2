//! The keys of the `config` object: the one table that reading, messages and documents come from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::chance::Span;
use crate::config::{FleetKind, SimConfig};
use crate::network::{Block, is_domain};

/// One key.
#[derive(Clone, Copy)]
pub struct OptionKey {
    /// Dotted.
    pub path: &'static str,
    /// What its value must be, to complete "must be …".
    pub allowed: &'static str,
    /// Its default as JSON; `null` where there is none.
    pub default: &'static str,
    /// What it does, in a line.
    pub help: &'static str,
    set: fn(&Value, &mut SimConfig) -> Option<()>,
}

impl OptionKey {
    /// Takes a value over; nothing where it is not allowed.
    pub(crate) fn set(&self, value: &Value, config: &mut SimConfig) -> Option<()> {
        (self.set)(value, config)
    }
}

const PROBABILITY: &str = "a number from 0 to 1";
const SECONDS: &str = "a number of seconds from 0 to 31536000";
const SPAN: &str = "a number of seconds from 0 to 31536000, or a list of the least and the most";
const MILLIS: &str = "a whole number of milliseconds from 0 to 600000";
const TEXT: &str = "a text of 1 to 200 letters";

/// A row whose setter ends with the assignment.
macro_rules! key {
    ($path:literal, $allowed:expr, $default:literal, $read:expr => $($field:ident).+, $help:literal) => {
        OptionKey {
            path: $path,
            allowed: $allowed,
            default: $default,
            help: $help,
            set: |value, config| {
                config.$($field).+ = $read(value)?.into();
                Some(())
            },
        }
    };
}

/// Every key.
pub const KEYS: &[OptionKey] = &[
    key!("seed", "a whole number from 0 to 18446744073709551615", "0", whole_any => seed,
        "same seed and same requests: same ids, boot times and fates"),
    key!("default_type", TEXT, "\"m6i.large\"", text => default_type,
        "machine type of templates that have neither `vmType` nor `vmTypes`"),
    key!("terminated_visible_seconds", SECONDS, "3600", millis_of => terminated_visible,
        "how long an ended machine can still be looked at"),
    key!("boot.seconds", SPAN, "[5, 15]", span => boot.time,
        "from launch to `running`"),
    key!("boot.failure_probability", PROBABILITY, "0", probability => boot.failure,
        "how likely a machine ends instead of coming up"),
    key!("boot.failure_reason", TEXT, "\"Server.InternalError: Internal error on launch\"",
        text => boot.failure_reason, "what is said of such a machine"),
    key!("capacity.total", "a whole number from 0 to 1000000", "10000", count => capacity.total,
        "how many machines there can be at a time; a launch beyond it gives fewer or none"),
    key!("capacity.by_type", "an object of machine types with whole numbers from 0 to 1000000", "{}",
        counts => capacity.by_type, "the same for single machine types"),
    key!("network.block", Block::ALLOWED, "\"10.0.0.0/16\"", block => network.block,
        "private addresses; the first four and the last are not used"),
    key!("network.public_block", Block::ALLOWED, "null", block => network.public_block,
        "public addresses of running machines; none where not set; at least as large as `network.block`"),
    key!("network.domain", "a domain such as \"sim.internal\"", "\"sim.internal\"", domain => network.domain,
        "domain of host names, `ip-10-0-1-23.sim.internal`"),
    key!("spot.reclaim_probability", PROBABILITY, "0", probability => spot.reclaim,
        "how likely a spot machine is taken back by the provider"),
    key!("spot.reclaim_after_seconds", SPAN, "[300, 3600]", span => spot.reclaim_after,
        "from launch to when it is taken"),
    key!("spot.notice_seconds", SECONDS, "120", millis_of => spot.notice,
        "how long before that it is announced"),
    key!("spot.notice_on_demand", "true or false", "false", flag => spot.notice_on_demand,
        "whether announced reclaims are told only to those who ask for them, as EC2 does"),
    key!("launch.refused_probability", PROBABILITY, "0", probability => launch.refused,
        "how likely a launch is refused for good"),
    key!("launch.no_capacity_probability", PROBABILITY, "0", probability => launch.no_capacity,
        "how likely a launch finds nothing to be had"),
    key!("launch.unreachable_probability", PROBABILITY, "0", probability => launch.unreachable,
        "how likely a launch does not reach the provider; trying again is another chance"),
    key!("launch.unknown_probability", PROBABILITY, "0", probability => launch.unknown,
        "how likely a launch makes its machines and then fails to say so; the next try finds them"),
    key!("launch.late_probability", PROBABILITY, "0", probability => launch.late,
        "how likely a launch is accepted and its machines appear later; until then the outcome is unknown"),
    key!("launch.late_seconds", SPAN, "60", span => launch.late_by,
        "how much later"),
    key!("describe.error_probability", PROBABILITY, "0", probability => describe.error,
        "how likely a look at machines fails; trying again is another chance"),
    key!("describe.consistency_milliseconds", MILLIS, "0", millis => describe.consistency,
        "how long a new machine is not seen yet, except in the answer to its launch"),
    key!("release.seconds", SPAN, "[2, 5]", span => release.time,
        "from release to `terminated`"),
    key!("release.slow_probability", PROBABILITY, "0", probability => release.slow,
        "how likely a machine takes `release.slow_seconds` instead"),
    key!("release.slow_seconds", SPAN, "300", span => release.slow_time,
        "from release to `terminated` for such a machine"),
    key!("release.error_probability", PROBABILITY, "0", probability => release.error,
        "how likely a release fails and ends nothing; trying again is another chance"),
    key!("fleet.type", "\"instant\", \"request\" or \"maintain\"", "\"instant\"", fleet_kind => fleet.kind,
        "`instant`: all machines are in the response to the launch; `request`: they come one after the other; \
         `maintain`: the same, and one that ends is replaced until the request is over"),
    key!("fleet.at_once", "a whole number from 0 to 1000000", "0", count => fleet.at_once,
        "machines of a `request` or `maintain` fleet that are in the response to the launch"),
    key!("fleet.interval_seconds", SPAN, "[1, 5]", span => fleet.interval,
        "from one machine of such a fleet to the next, and from an end to its replacement"),
    key!("identity.account", TEXT, "null", text => identity.account,
        "account that machines are launched in; those of another account are not touched"),
    key!("identity.region", TEXT, "null", text => identity.region,
        "the same for the region"),
    key!("latency.launch_milliseconds", MILLIS, "0", latency => latency.launch,
        "how long a launch really takes"),
    key!("latency.describe_milliseconds", MILLIS, "0", latency => latency.describe,
        "how long a look at machines really takes"),
    key!("latency.release_milliseconds", MILLIS, "0", latency => latency.release,
        "how long a release really takes"),
];

fn flag(value: &Value) -> Option<bool> {
    value.as_bool()
}

/// Reads the kind of fleets.
fn fleet_kind(value: &Value) -> Option<FleetKind> {
    match value.as_str()? {
        "instant" => Some(FleetKind::Instant),
        "request" => Some(FleetKind::Request),
        "maintain" => Some(FleetKind::Maintain),
        _ => None,
    }
}

/// The section of a dotted path, and the name in it.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// Whether a dotted path is that of an object that holds keys.
pub(crate) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| split(key.path).0 == path)
}

/// The longest time that can be set, in milliseconds: a year.
const LONGEST: f64 = 31_536_000_000.0;

fn number(value: &Value) -> Option<f64> {
    value.as_number()?.as_f64().filter(|number| number.is_finite())
}

fn probability(value: &Value) -> Option<f64> {
    number(value).filter(|number| (0.0..=1.0).contains(number))
}

fn whole_any(value: &Value) -> Option<u64> {
    value.as_u64()
}

fn count(value: &Value) -> Option<u64> {
    value.as_u64().filter(|count| *count <= 1_000_000)
}

fn counts(value: &Value) -> Option<BTreeMap<String, u64>> {
    let members = value.as_object()?;
    members.iter().map(|(name, value)| Some((name.clone(), count(value)?))).collect()
}

/// Milliseconds from seconds, which may have decimals.
fn millis_of(value: &Value) -> Option<i64> {
    let millis = (number(value)? * 1_000.0).round();
    // A year of milliseconds is far below what both types hold exactly.
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole, and within a year")]
    (0.0..=LONGEST).contains(&millis).then_some(millis as i64)
}

fn span(value: &Value) -> Option<Span> {
    let (least, most) = match value.as_array().map(Vec::as_slice) {
        Some([least, most]) => (millis_of(least)?, millis_of(most)?),
        Some(_) => return None,
        None => (millis_of(value)?, millis_of(value)?),
    };
    (least <= most).then_some(Span { least, most })
}

fn latency(value: &Value) -> Option<u64> {
    value.as_u64().filter(|millis| *millis <= 600_000)
}

fn millis(value: &Value) -> Option<i64> {
    latency(value).and_then(|millis| i64::try_from(millis).ok())
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| (1..=200).contains(&text.chars().count())).map(str::to_owned)
}

fn domain(value: &Value) -> Option<String> {
    value.as_str().filter(|text| is_domain(text)).map(str::to_owned)
}

fn block(value: &Value) -> Option<Block> {
    value.as_str().and_then(Block::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_defaults_are_the_defaults() {
        for key in KEYS {
            let value: Value = serde_json::from_str(key.default).unwrap();
            let mut config = SimConfig::default();
            if !value.is_null() {
                assert_eq!(key.set(&value, &mut config), Some(()), "{}", key.path);
            }
            assert_eq!(config, SimConfig::default(), "{}", key.path);
            assert!(!key.help.is_empty() && !key.allowed.is_empty());
        }
    }

    #[test]
    fn every_key_sets_something_of_its_own() {
        let other = |key: &OptionKey| match key.path {
            "network.block" => "\"10.1.0.0/16\"",
            "network.public_block" => "\"198.18.0.0/15\"",
            "network.domain"
            | "default_type"
            | "boot.failure_reason"
            | "identity.account"
            | "identity.region" => "\"other\"",
            "spot.notice_on_demand" => "true",
            "fleet.type" => "\"request\"",
            "capacity.by_type" => "{\"a\": 1}",
            _ => "1",
        };
        let mut seen: Vec<SimConfig> = vec![SimConfig::default()];
        for key in KEYS {
            let mut config = SimConfig::default();
            key.set(&serde_json::from_str(other(key)).unwrap(), &mut config).unwrap();
            assert!(!seen.contains(&config), "{}", key.path);
            seen.push(config);
        }
    }
}
