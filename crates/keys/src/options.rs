//! Reads an object of options, such as the `config` of a provider, by a table of keys.
//!
//! It must not know where the object was read from.

use std::fmt;

use serde_json::{Map, Value};

use crate::key::Key;
use crate::rule::shown;
use crate::typed::{KeyType, Typed};

/// The options that are set to an allowed value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionValues(Vec<(&'static str, Value)>);

impl OptionValues {
    /// Reads an object as far as it is right. An option that is missing, null or wrong has its default.
    pub fn read(keys: &'static [Key], object: &Map<String, Value>) -> (Self, Vec<OptionFinding>) {
        let mut walk = Walk { keys, values: Self::default(), findings: Vec::new() };
        walk.section(object, "");
        (walk.values, walk.findings)
    }

    /// Sets a key to a value that its rule allows.
    pub fn set(&mut self, key: &Key, value: Value) {
        match self.0.iter_mut().find(|(name, _)| *name == key.name) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.name, value)),
        }
    }

    /// The value of a row, or its default.
    pub fn of<T: KeyType>(&self, row: &Typed<T>) -> T::Read<'_> {
        let written = self.0.iter().find(|(name, _)| *name == row.key.name);
        row.read(written.map_or(&Value::Null, |(_, value)| value))
    }
}

/// Something wrong or doubtful in the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionFinding {
    /// A key that does not exist, by its dotted name.
    Unknown(String),
    /// A value that is not allowed, as a message.
    Wrong(String),
    /// A value that was read although it is quoted or in another form than its key has, as a message.
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
            Self::Unknown(name) => write!(f, "`{name}` is not a known key"),
            Self::Wrong(message) | Self::Quoted(message) => f.write_str(message),
        }
    }
}

struct Walk {
    keys: &'static [Key],
    values: OptionValues,
    findings: Vec<OptionFinding>,
}

impl Walk {
    /// A member is a key, or a section that has keys.
    fn section(&mut self, object: &Map<String, Value>, section: &str) {
        for (member, value) in object {
            let name = if section.is_empty() { member.clone() } else { format!("{section}.{member}") };
            // A dot stands between section and member; it is never part of a member's name.
            let key = self.keys.iter().find(|key| key.name == name && !member.contains('.'));
            if let Some(key) = key {
                self.value(key, value);
            } else if is_section(self.keys, &name) && !member.contains('.') {
                match value {
                    Value::Null => {}
                    Value::Object(members) => self.section(members, &name),
                    other => self.findings.push(OptionFinding::Wrong(format!(
                        "`{name}` must be an object that holds settings, not {}",
                        shown(other)
                    ))),
                }
            } else {
                self.findings.push(OptionFinding::Unknown(name));
            }
        }
    }

    fn value(&mut self, key: &Key, value: &Value) {
        let name = key.name;
        if value.is_null() {
            return;
        }
        if key.rule.allows(value) {
            self.values.set(key, value.clone());
        } else if let Some(meant) = key.rule.meant(value) {
            let message = format!("`{name}` is written as {}; it is read as {}", shown(value), shown(&meant));
            self.findings.push(OptionFinding::Quoted(message));
            self.values.set(key, meant);
        } else {
            let message = format!("`{name}` must be {}, not {}", key.rule.allowed(), shown(value));
            self.findings.push(OptionFinding::Wrong(message));
        }
    }
}

/// Whether keys are in the section of that dotted name.
fn is_section(keys: &[Key], name: &str) -> bool {
    keys.iter().any(|key| key.name.rsplit_once('.').is_some_and(|(section, _)| section == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rule, flag, text, whole};

    crate::table! {
        /// Keys of this test.
        KEYS;
        SEED: u64 = "seed", whole(0, 9, 1), "a";
        REGION: &'static str = "net.region", text(Rule::Name, "eu"), "a";
        DEBUG: bool = "net.debug", flag(false), "a";
    }

    #[test]
    fn the_last_value_counts() {
        let mut values = OptionValues::default();
        for seed in [2, 3] {
            values.set(&SEED.key, Value::from(seed));
            assert_eq!(values.of(&SEED), seed);
        }
    }

    #[test]
    fn options_are_read_by_the_table() {
        let check = |text: &str, wanted: (u64, &str, bool), findings: &[&str]| {
            let object: Map<String, Value> = serde_json::from_str(text).unwrap();
            let (values, found) = OptionValues::read(KEYS, &object);
            assert_eq!((values.of(&SEED), values.of(&REGION), values.of(&DEBUG)), wanted, "{text}");
            let found: Vec<String> = found.iter().map(|one| format!("{} {one}", one.is_wrong())).collect();
            assert_eq!(found, findings, "{text}");
        };
        let default = (1, "eu", false);
        check("{}", default, &[]);
        check(r#"{"seed": null, "net": null}"#, default, &[]);
        check(r#"{"seed": 3, "net": {"region": "us", "debug": true}}"#, (3, "us", true), &[]);
        check(
            r#"{"seed": "3", "net": {"debug": "True"}}"#,
            (3, "eu", true),
            &[
                "false `seed` is written as \"3\"; it is read as 3",
                "false `net.debug` is written as \"True\"; it is read as true",
            ],
        );
        check(
            r#"{"seed": 10, "net": {"region": ""}}"#,
            default,
            &[
                "true `seed` must be a whole number from 0 to 9, not 10",
                "true `net.region` must be a string that is not empty, not \"\"",
            ],
        );
        check(r#"{"net": 1}"#, default, &["true `net` must be an object that holds settings, not 1"]);
        for name in ["sead", "region", "net.region", ""] {
            check(&format!(r#"{{"{name}": 1}}"#), default, &[&format!("true `{name}` is not a known key")]);
        }
        check(r#"{"net": {"seed": 1}}"#, default, &["true `net.seed` is not a known key"]);
    }
}
