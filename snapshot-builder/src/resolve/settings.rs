//! The effective configuration, each value with where it comes from.
//!
//! It must not know how the values are read, nor what providers and templates make of them.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

use super::keys::{KEYS, Key};
use super::redact::redact;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// A file. The path is relative to the configuration root where it lies in it, so that what is
    /// printed does not depend on the root's place.
    File {
        /// Which.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// One key with its value in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Dotted name.
    pub key: &'static str,
    /// Its value; secrets are in the clear.
    pub value: Value,
    /// Who set it.
    pub source: Source,
}

impl Setting {
    /// The value as it may be shown.
    pub fn redacted(&self) -> Value {
        redact(self.key, &self.value)
    }
}

/// Whose field names and frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerKind {
    /// IBM Host Factory's.
    HostFactory,
    /// Plain ones.
    Default,
}

/// What to do when a snapshot is older than its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Make it anew in passing.
    Auto,
    /// Answer live, and leave it to the administrator.
    Manual,
    /// Do not even look.
    Never,
}

/// The effective configuration: a value for every key, in the order of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings(Vec<Setting>);

impl Default for Settings {
    fn default() -> Self {
        let unset =
            |key: &Key| Setting { key: key.name, value: key.initial.value(), source: Source::Default };
        Self(KEYS.iter().map(unset).collect())
    }
}

impl Settings {
    /// Every setting, in the order of the table.
    pub fn entries(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// The value of a key; null when the key is not known or not set.
    pub fn get(&self, key: &str) -> &Value {
        self.entries().find(|setting| setting.key == key).map_or(&Value::Null, |setting| &setting.value)
    }

    /// `scheduler.type`
    pub fn scheduler(&self) -> SchedulerKind {
        match self.get("scheduler.type").as_str() {
            Some("default") => SchedulerKind::Default,
            _ => SchedulerKind::HostFactory,
        }
    }

    /// `snapshot.refresh`
    pub fn refresh(&self) -> Refresh {
        match self.get("snapshot.refresh").as_str() {
            Some("manual") => Refresh::Manual,
            Some("never") => Refresh::Never,
            _ => Refresh::Auto,
        }
    }

    /// `snapshot.render_limit`, in bytes.
    pub fn render_limit(&self) -> u64 {
        self.get("snapshot.render_limit").as_u64().unwrap_or(64 << 20)
    }

    /// `storage.strategy`
    pub fn storage_strategy(&self) -> &str {
        self.get("storage.strategy").as_str().unwrap_or("sqlite")
    }

    /// `storage.sql_strategy.name`
    pub fn database_name(&self) -> &str {
        self.get("storage.sql_strategy.name").as_str().unwrap_or("ohfp.db")
    }

    /// `request.max_machines_per_request`; `None` is no limit of its own.
    pub fn max_machines_per_request(&self) -> Option<u64> {
        self.get("request.max_machines_per_request").as_u64()
    }

    /// `request.fulfillment_timeout_seconds`
    pub fn fulfillment_timeout(&self) -> u64 {
        self.get("request.fulfillment_timeout_seconds").as_u64().unwrap_or(900)
    }

    /// `request.return_timeout_seconds`
    pub fn return_timeout(&self) -> u64 {
        self.get("request.return_timeout_seconds").as_u64().unwrap_or(900)
    }

    /// `request.unacknowledged_timeout_seconds`
    pub fn unacknowledged_timeout(&self) -> u64 {
        self.get("request.unacknowledged_timeout_seconds").as_u64().unwrap_or(600)
    }

    /// `storage.sql_strategy.timeout`, in seconds.
    pub fn busy_timeout(&self) -> u64 {
        self.get("storage.sql_strategy.timeout").as_u64().unwrap_or(30)
    }

    /// `storage.history_days`; 0 is for ever.
    pub fn history_days(&self) -> u64 {
        self.get("storage.history_days").as_u64().unwrap_or(90)
    }

    /// `provider.selection_policy`
    pub fn selection_policy(&self) -> &str {
        self.get("provider.selection_policy").as_str().unwrap_or("FIRST_AVAILABLE")
    }

    /// `template.max_number`
    pub fn max_number(&self) -> Option<i64> {
        self.get("template.max_number").as_i64()
    }

    pub(crate) fn set(&mut self, key: &'static str, value: Value, source: Source) {
        if let Some(setting) = self.0.iter_mut().find(|setting| setting.key == key) {
            setting.value = value;
            setting.source = source;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_everything_is_default() {
        let settings = Settings::default();
        assert_eq!(settings.scheduler(), SchedulerKind::HostFactory);
        assert_eq!(settings.refresh(), Refresh::Auto);
        assert_eq!(settings.render_limit(), 67_108_864);
        assert_eq!(settings.storage_strategy(), "sqlite");
        assert_eq!(settings.database_name(), "ohfp.db");
        assert_eq!(settings.max_machines_per_request(), None);
        assert_eq!(settings.max_number(), None);
        let names: Vec<&str> = settings.entries().map(|setting| setting.key).collect();
        assert_eq!(names, KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
        assert!(settings.entries().all(|setting| setting.source == Source::Default));
    }
}
