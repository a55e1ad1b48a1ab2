//! Reads the `config` object of a provider of type `sim`.
//!
//! It must not know where the object was read from.

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_keys::{OptionFinding, OptionValues};
use serde_json::{Map, Value};

use crate::config::SimConfig;
use crate::keys::KEYS;

impl SimConfig {
    /// Reads a provider's `config` object as far as it is right. What is missing, null or wrong has its
    /// default.
    pub fn read(options: &Map<String, Value>) -> (Self, Vec<OptionFinding>) {
        let (values, mut findings) = OptionValues::read(KEYS, options);
        let config = Self::new(&values);
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

#[cfg(test)]
mod tests {
    use ohfp_keys::Key;

    use super::*;

    /// The options with that key alone.
    fn options(key: &Key, value: Value) -> Map<String, Value> {
        match key.name.split_once('.') {
            Some((section, name)) => Map::from_iter([(
                section.to_owned(),
                Value::Object(Map::from_iter([(name.to_owned(), value)])),
            )]),
            None => Map::from_iter([(key.name.to_owned(), value)]),
        }
    }

    #[test]
    fn defaults_that_are_written_change_nothing() {
        for key in KEYS {
            let (config, findings) = SimConfig::read(&options(key, key.default.value()));
            assert_eq!((config, findings), (SimConfig::default(), Vec::new()), "{}", key.name);
        }
    }

    #[test]
    fn every_key_sets_something_of_its_own() {
        let other = |key: &Key| match key.name {
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
            let value = serde_json::from_str(other(key)).unwrap();
            let config = SimConfig::from_options(&options(key, value)).unwrap();
            assert!(!seen.contains(&config), "{}", key.name);
            seen.push(config);
        }
    }
}
