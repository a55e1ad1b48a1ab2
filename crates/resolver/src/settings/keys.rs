//! Names of `config.json`: keys, aliases, sections, and names without effect.
//!
//! It must not know how a file is read.

use ohfp_keys::Key;

pub use crate::settings::key_table::KEYS;
pub(crate) use crate::settings::other_names::ALIASES;
use crate::settings::other_names::{DEFAULT_TAGS, DESCRIPTIVE, WITHOUT_EFFECT};

/// The kind of a dotted name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyKind {
    /// A key with a value.
    Key(&'static Key),
    /// An alias of a key.
    Alias(&'static Key),
    /// A section that holds keys.
    Section,
    /// A known name without effect.
    WithoutEffect,
    /// Describes the file itself.
    Descriptive,
    /// An unknown name.
    Unknown,
}

/// The kind of `name`.
pub(crate) fn meaning(name: &str) -> KeyKind {
    if let Some(key) = find(name) {
        return KeyKind::Key(key);
    }
    if let Some(key) = canonical(name).and_then(find) {
        return KeyKind::Alias(key);
    }
    let is_section = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    if KEYS.iter().any(|key| is_section(key.name)) || ALIASES.iter().any(|(alias, _)| is_section(alias)) {
        KeyKind::Section
    } else if WITHOUT_EFFECT.contains(&name) {
        KeyKind::WithoutEffect
    } else if DESCRIPTIVE.contains(&name) {
        KeyKind::Descriptive
    } else {
        KeyKind::Unknown
    }
}

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The key that `name` is an alias of.
pub fn canonical(name: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, key)| *key)
}

/// The other names of a key.
pub fn aliases(key: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, meant)| *meant == key).map(|(alias, _)| *alias)
}

/// The nearest name that has an effect to the unknown `name`.
pub fn nearest(name: &str) -> Option<&'static str> {
    let aliases = ALIASES.iter().map(|(alias, _)| *alias).filter(|alias| *alias != DEFAULT_TAGS);
    let known = KEYS.iter().map(|key| key.name).chain(aliases);
    crate::nearest::nearest_dotted(name, &known.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (number, key) in KEYS.iter().enumerate() {
            assert!(!KEYS[..number].iter().any(|other| other.name == key.name), "{}", key.name);
            assert!(!WITHOUT_EFFECT.contains(&key.name), "{}", key.name);
        }
        for (alias, key) in ALIASES {
            assert!(find(key).is_some() && find(alias).is_none() && canonical(key).is_none(), "{alias}");
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
            ("performance.lazy_loading.enabeld", Some("performance.lazy_loading.enabled")),
            ("performance.background_loading.enbled", Some("performance.background_loading.enabled")),
            // Not every `enabled` is ours.
            ("quux.enabled", None),
            // Neither a key of another section nor one without effect.
            ("storage.tpe", Some("storage.type")),
            ("storage.kind", None),
            ("logging.max_file_size", None),
            ("template.default_instance_type", None),
        ] {
            assert_eq!(nearest(name), wanted, "{name}");
        }
    }
}
