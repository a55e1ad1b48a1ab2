//! What can be set: the `config` object of a provider of type `sim`.
//!
//! It must not know where the object was read from.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ohfp_broker::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::chance::Span;
use crate::keys::{KEYS, is_section, nearest};
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
    /// Reads a provider's `config` object. What is missing or null has its default.
    ///
    /// # Errors
    /// Unknown keys and values that are not allowed, each by its dotted path; all of them in one error.
    pub fn from_options(options: &Map<String, Value>) -> Result<Self> {
        let mut config = Self::default();
        let mut findings = Vec::new();
        read(options, "", &mut config, &mut findings);
        let network = &config.network;
        if network.public_block.is_some_and(|public| public.size() < network.block.size()) {
            findings.push(Finding {
                message: format!(
                    "`network.public_block` must have at least as many addresses as `network.block` ({})",
                    network.block
                ),
                hint: None,
            });
        }
        let mut findings = findings.into_iter();
        match (findings.next(), findings.len()) {
            (None, _) => Ok(config),
            (Some(only), 0) => {
                let error = Error::new(ErrorKind::Input, format!("{WHERE}: {}", only.message));
                Err(match only.hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                })
            }
            (Some(first), more) => {
                let message = format!("{WHERE}: {} settings are wrong", more + 1);
                let error = Error::new(ErrorKind::Input, message).cause(first.text());
                Err(findings.fold(error, |error, finding| error.cause(finding.text())))
            }
        }
    }
}

/// What messages begin with.
const WHERE: &str = "config of a `sim` provider";

struct Finding {
    message: String,
    hint: Option<String>,
}

impl Finding {
    fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
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
            if !value.is_null() && key.set(value, config).is_none() {
                findings.push(Finding {
                    message: format!("`{path}` must be {}, not {}", key.allowed, shown(value)),
                    hint: None,
                });
            }
        } else if is_section(&path) && !path.is_empty() && !name.contains('.') {
            match value {
                Value::Null => {}
                Value::Object(members) => read(members, &path, config, findings),
                other => findings.push(Finding {
                    message: format!("`{path}` must be an object that holds settings, not {}", shown(other)),
                    hint: None,
                }),
            }
        } else {
            findings.push(Finding {
                message: format!("`{path}` is not a known key"),
                hint: nearest(&path).map(|near| format!("did you mean `{near}`?")),
            });
        }
    }
}

/// A value for a message; the beginning of a long one.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
