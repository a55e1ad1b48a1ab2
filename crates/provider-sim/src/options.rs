//! Reads the `config` object of a provider of type `sim`.
//!
//! It must not know where the object was read from.

use std::fmt;

use ohfp_broker::quoted::readings;
use ohfp_broker::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use crate::config::SimConfig;
use crate::keys::{KEYS, OptionKey, is_section};

impl SimConfig {
    /// Reads a provider's `config` object as far as it is right. What is missing, null or wrong has its
    /// default.
    pub fn read(options: &Map<String, Value>) -> (Self, Vec<OptionFinding>) {
        let mut config = Self::default();
        let mut findings = Vec::new();
        read(options, "", &mut config, &mut findings);
        let network = &config.network;
        if network.public_block.is_some_and(|public| public.size() < network.block.size()) {
            findings.push(OptionFinding::Wrong(format!(
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
pub enum OptionFinding {
    /// A key that does not exist, by its dotted path.
    Unknown(String),
    /// A value that is not allowed: what is said of it.
    Wrong(String),
    /// A value in quotes, or in another form than it is meant, that was read: what is said of it.
    Quoted(String),
}

impl OptionFinding {
    /// Whether it stops the provider.
    pub fn is_wrong(&self) -> bool {
        !matches!(self, Self::Quoted(_))
    }
}

impl fmt::Display for OptionFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(path) => write!(f, "`{path}` is not a known key"),
            Self::Wrong(message) | Self::Quoted(message) => f.write_str(message),
        }
    }
}

/// Walks the object: a member is a key, or a section that has keys.
fn read(
    object: &Map<String, Value>,
    section: &str,
    config: &mut SimConfig,
    findings: &mut Vec<OptionFinding>,
) {
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
                other => findings.push(OptionFinding::Wrong(format!(
                    "`{path}` must be an object that holds settings, not {}",
                    shown(other)
                ))),
            }
        } else {
            findings.push(OptionFinding::Unknown(path));
        }
    }
}

/// Takes a value over, in quotes or not.
fn take(key: &OptionKey, value: &Value, config: &mut SimConfig) -> Option<OptionFinding> {
    if value.is_null() || key.set(value, config).is_some() {
        return None;
    }
    let path = key.path;
    let meant = readings(value).into_iter().find(|meant| key.set(meant, config).is_some());
    Some(match meant {
        Some(meant) => OptionFinding::Quoted(format!(
            "`{path}` is written as {}; it is read as {}",
            shown(value),
            shown(&meant)
        )),
        None => OptionFinding::Wrong(format!("`{path}` must be {}, not {}", key.allowed, shown(value))),
    })
}

/// A value for a message; the beginning of a long one.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
