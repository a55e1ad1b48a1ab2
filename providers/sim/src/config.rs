//! What can be set: the `config` object of a provider of type `sim`.
//!
//! It must not know where the object was read from.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use ohfp_broker::quoted::readings;
use ohfp_broker::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::chance::Span;
use crate::keys::{KEYS, Key, is_section};
use crate::network::Block;

/// Everything that can be set about the simulation. `Default` is what holds where nothing is set.
#[derive(Clone, Debug, PartialEq)]
pub struct SimConfig {
    pub(crate) seed: u64,
    pub(crate) default_type: String,
    pub(crate) terminated_visible: i64,
    pub(crate) boot: Boot,
    pub(crate) capacity: Capacity,
    pub(crate) network: Network,
    pub(crate) spot: Spot,
    pub(crate) launch: Launch,
    pub(crate) describe: Describe,
    pub(crate) release: Release,
    pub(crate) latency: Latency,
}

/// How machines come up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Boot {
    pub(crate) time: Span,
    pub(crate) failure: f64,
    pub(crate) failure_reason: String,
}

/// How many machines there can be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Capacity {
    pub(crate) total: u64,
    pub(crate) by_type: BTreeMap<String, u64>,
}

/// Where machines are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    pub(crate) block: Block,
    pub(crate) public_block: Option<Block>,
    pub(crate) domain: String,
}

/// How spot machines are taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) reclaim: f64,
    pub(crate) reclaim_after: Span,
    pub(crate) notice: i64,
}

/// What can go wrong with launches.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Launch {
    pub(crate) refused: f64,
    pub(crate) no_capacity: f64,
    pub(crate) unreachable: f64,
    pub(crate) unknown: f64,
    pub(crate) late: f64,
    pub(crate) late_by: Span,
}

/// What can go wrong with looking.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Describe {
    pub(crate) error: f64,
    pub(crate) consistency: i64,
}

/// How machines go, and what can go wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Release {
    pub(crate) time: Span,
    pub(crate) slow: f64,
    pub(crate) slow_time: Span,
    pub(crate) error: f64,
}

/// How long calls take, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Latency {
    pub(crate) launch: u64,
    pub(crate) describe: u64,
    pub(crate) release: u64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            default_type: "m6i.large".to_owned(),
            terminated_visible: 3_600_000,
            boot: Boot {
                time: Span::seconds(5, 15),
                failure: 0.0,
                failure_reason: "Server.InternalError: Internal error on launch".to_owned(),
            },
            capacity: Capacity { total: 10_000, by_type: BTreeMap::new() },
            network: Network {
                block: Block::new(Ipv4Addr::new(10, 0, 0, 0), 16),
                public_block: None,
                domain: "sim.internal".to_owned(),
            },
            spot: Spot { reclaim: 0.0, reclaim_after: Span::seconds(300, 3_600), notice: 120_000 },
            launch: Launch {
                refused: 0.0,
                no_capacity: 0.0,
                unreachable: 0.0,
                unknown: 0.0,
                late: 0.0,
                late_by: Span::seconds(60, 60),
            },
            describe: Describe { error: 0.0, consistency: 0 },
            release: Release {
                time: Span::seconds(2, 5),
                slow: 0.0,
                slow_time: Span::seconds(300, 300),
                error: 0.0,
            },
            latency: Latency { launch: 0, describe: 0, release: 0 },
        }
    }
}

impl SimConfig {
    /// Reads a provider's `config` object as far as it is right. What is missing, null or wrong has its
    /// default.
    pub fn read(options: &Map<String, Value>) -> (Self, Vec<Finding>) {
        let mut config = Self::default();
        let mut findings = Vec::new();
        read(options, "", &mut config, &mut findings);
        let network = &config.network;
        if network.public_block.is_some_and(|public| public.size() < network.block.size()) {
            findings.push(Finding::Wrong(format!(
                "`network.public_block` must have at least as many addresses as `network.block` ({})",
                network.block
            )));
        }
        (config, findings)
    }

    /// Reads a provider's `config` object.
    ///
    /// # Errors
    /// [`ErrorKind::Input`]: unknown keys and values that are not allowed, all of them in one error.
    pub fn from_options(options: &Map<String, Value>) -> Result<Self> {
        let (config, findings) = Self::read(options);
        let mut wrong = findings.iter().filter(|finding| finding.is_wrong()).map(ToString::to_string);
        match (wrong.next(), wrong.next()) {
            (None, _) => Ok(config),
            (Some(only), None) => Err(Error::new(ErrorKind::Input, only)),
            (Some(first), Some(second)) => {
                let error = Error::new(ErrorKind::Input, "several settings are wrong");
                Err(wrong.fold(error.cause(first).cause(second), Error::cause))
            }
        }
    }
}

/// Something wrong or doubtful in the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A key that does not exist, by its dotted path.
    Unknown(String),
    /// A value that is not allowed: what is said of it.
    Wrong(String),
    /// A value in quotes, or in another form than it is meant, that was read: what is said of it.
    Quoted(String),
}

impl Finding {
    /// Whether it stops the provider.
    pub fn is_wrong(&self) -> bool {
        !matches!(self, Self::Quoted(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "`{path}` is not a known key"),
            Self::Wrong(message) | Self::Quoted(message) => f.write_str(message),
        }
    }
}

/// Walks the object: a member is a key, or a section that has keys.
fn read(object: &Map<String, Value>, section: &str, config: &mut SimConfig, findings: &mut Vec<Finding>) {
    for (name, value) in object {
        let path = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
        // A dot stands between section and name; it is never part of a name.
        let key = KEYS.iter().find(|key| key.path == path && !name.contains('.'));
        if let Some(key) = key {
            findings.extend(take(key, value, config));
        } else if is_section(&path) && !path.is_empty() && !name.contains('.') {
            match value {
                Value::Null => {}
                Value::Object(members) => read(members, &path, config, findings),
                other => findings.push(Finding::Wrong(format!(
                    "`{path}` must be an object that holds settings, not {}",
                    shown(other)
                ))),
            }
        } else {
            findings.push(Finding::Unknown(path));
        }
    }
}

/// Takes a value over, in quotes or not.
fn take(key: &Key, value: &Value, config: &mut SimConfig) -> Option<Finding> {
    if value.is_null() || key.set(value, config).is_some() {
        return None;
    }
    let path = key.path;
    let meant = readings(value).into_iter().find(|meant| key.set(meant, config).is_some());
    Some(match meant {
        Some(meant) => Finding::Quoted(format!(
            "`{path}` is written as {}; it is read as {}",
            shown(value),
            shown(&meant)
        )),
        None => Finding::Wrong(format!("`{path}` must be {}, not {}", key.allowed, shown(value))),
    })
}

/// A value for a message; the beginning of a long one.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
