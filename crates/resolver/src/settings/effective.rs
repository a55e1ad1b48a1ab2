//! The effective configuration: each value with its source.
//!
//! It must not know how the values are read, nor how providers and templates use them.

use std::fmt;
use std::path::{Path, PathBuf};

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{Error, Result};
use ohfp_keys::{Key, KeyType, Typed};
use serde_json::Value;

use crate::settings::expand::Unset;
use crate::settings::key_table::{self, KEYS};
use crate::settings::redact::redact;
use crate::settings::words::{Refresh, SelectionPolicy, StorageStrategy};
use crate::source::findings::{Problem, Subject};
use crate::source::text::Text;

/// Source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// No file and no variable sets the key.
    Default,
    /// A file. The path is relative to the configuration root if it lies below it, so that output does not
    /// depend on the location of the root.
    File {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
}

impl SettingSource {
    /// What wrote the part of a text at `offset`; `root` shortens the path.
    pub(crate) fn of(text: &Text, offset: usize, root: &Path) -> Self {
        let (text, offset) = text.origin(offset);
        if text.is_variable() {
            let name = text.path().to_string_lossy();
            return Self::Variable(name.trim_start_matches('$').to_owned());
        }
        let line = text.place(offset).position.map_or(1, |(line, _)| line);
        Self::File { path: text.path().strip_prefix(root).unwrap_or(text.path()).to_owned(), line }
    }

    /// Whether a file sets it.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}

impl fmt::Display for SettingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// A key with its effective value.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Dotted name.
    pub key: &'static str,
    /// The value; secrets are in plain text.
    pub value: Value,
    /// Source of the value.
    pub source: SettingSource,
    /// The error, if the written value is invalid; `value` is the default then.
    pub problem: Option<Error>,
}

impl Setting {
    /// The value with secrets redacted.
    pub fn redacted(&self) -> Value {
        redact(self.key, &self.value)
    }
}

/// The effective configuration: a value for every key, in the order of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    entries: Vec<Setting>,
    /// References to unset variables in the value of a key that others read in parts, such as `provider.providers`.
    unset: Vec<(&'static str, Unset)>,
}

impl Default for Settings {
    fn default() -> Self {
        let unset = |key: &Key| Setting {
            key: key.name,
            value: key.default.value(),
            source: SettingSource::Default,
            problem: None,
        };
        Self { entries: KEYS.iter().map(unset).collect(), unset: Vec::new() }
    }
}

impl Settings {
    /// Every setting, in the order of the table.
    pub fn entries(&self) -> impl Iterator<Item = &Setting> {
        self.entries.iter()
    }

    /// The value of a row, or its default if the written value is invalid.
    pub fn of<T: KeyType>(&self, row: &Typed<T>) -> T::Read<'_> {
        row.read(self.get(row.key.name))
    }

    /// The value of a row, or the error in it.
    ///
    /// # Errors
    /// [`ErrorKind::Input`](ohfp_broker::ErrorKind::Input): the written value is invalid.
    pub fn require<T: KeyType>(&self, row: &Typed<T>) -> Result<T::Read<'_>> {
        let Some(setting) = self.setting(&row.key) else { return Ok(row.read(&Value::Null)) };
        setting.problem.as_ref().map_or_else(|| Ok(row.read(&setting.value)), |problem| Err(problem.clone()))
    }

    /// The setting of a key.
    pub(crate) fn setting(&self, key: &Key) -> Option<&Setting> {
        self.entries().find(|setting| setting.key == key.name)
    }

    /// Errors in the key or section `name`, each once.
    pub fn problems(&self, name: &str) -> Vec<Error> {
        let mut errors: Vec<Error> = Vec::new();
        for setting in self.entries().filter(|setting| is_in(setting.key, name)) {
            errors.extend(setting.problem.clone().filter(|error| !errors.contains(error)));
        }
        errors
    }

    /// The value of a key, or its default if the written value is invalid; null if the key is unknown or unset.
    pub fn get(&self, key: &str) -> &Value {
        self.entries().find(|setting| setting.key == key).map_or(&Value::Null, |setting| &setting.value)
    }

    /// `scheduler.type`
    ///
    /// # Errors
    /// As [`require`](Self::require); so are those of the following.
    pub fn scheduler(&self) -> Result<SchedulerKind> {
        self.require(&key_table::SCHEDULER)
    }

    /// `snapshot.refresh`
    pub fn refresh(&self) -> Refresh {
        self.of(&key_table::REFRESH)
    }

    /// `snapshot.render_limit`, in bytes.
    pub fn render_limit(&self) -> u64 {
        self.of(&key_table::RENDER_LIMIT)
    }

    /// `storage.strategy`
    pub fn storage_strategy(&self) -> Result<StorageStrategy> {
        self.require(&key_table::STORAGE_STRATEGY)
    }

    /// `storage.sql_strategy.name`. An error if another storage strategy is configured: state in another place
    /// must not count as missing.
    pub fn database_name(&self) -> Result<&str> {
        self.storage_strategy()?;
        self.require(&key_table::DATABASE_NAME)
    }

    /// `request.max_machines_per_request`; `None` means no limit.
    pub fn max_machines_per_request(&self) -> Result<Option<u64>> {
        self.require(&key_table::MAX_MACHINES_PER_REQUEST)
    }

    /// `request.fulfillment_timeout_seconds`
    pub fn fulfillment_timeout(&self) -> Result<u64> {
        self.require(&key_table::FULFILLMENT_TIMEOUT)
    }

    /// `request.return_timeout_seconds`
    pub fn return_timeout(&self) -> Result<u64> {
        self.require(&key_table::RETURN_TIMEOUT)
    }

    /// `request.unacknowledged_timeout_seconds`
    pub fn unacknowledged_timeout(&self) -> Result<u64> {
        self.require(&key_table::UNACKNOWLEDGED_TIMEOUT)
    }

    /// `reconcile.interval_seconds`; 0 looks never.
    pub fn reconcile_interval(&self) -> u64 {
        // An invalid value is no reason to call a cloud.
        self.require(&key_table::RECONCILE_INTERVAL).unwrap_or(0)
    }

    /// `storage.sql_strategy.timeout`, in seconds.
    pub fn busy_timeout(&self) -> u64 {
        self.of(&key_table::BUSY_TIMEOUT)
    }

    /// `storage.history_days`; 0 keeps history for ever.
    pub fn history_days(&self) -> u64 {
        // An invalid value counts as 0, so that the default never prunes what the value would have kept.
        self.require(&key_table::HISTORY_DAYS).unwrap_or(0)
    }

    /// `metrics.enabled`
    pub fn metrics_enabled(&self) -> bool {
        self.of(&key_table::METRICS)
    }

    /// Whether `metrics.enabled` and `metrics.fast_path` are both on.
    pub fn metrics_fast_path(&self) -> bool {
        self.metrics_enabled() && self.of(&key_table::METRICS_FAST_PATH)
    }

    /// `metrics.textfile`
    pub fn metrics_textfile(&self) -> Option<&str> {
        self.of(&key_table::METRICS_TEXTFILE)
    }

    /// `provider.selection_policy`
    pub fn selection_policy(&self) -> Result<SelectionPolicy> {
        self.require(&key_table::SELECTION_POLICY)
    }

    /// `features.database_support`
    pub fn database_support(&self) -> bool {
        self.of(&key_table::DATABASE_SUPPORT)
    }

    /// `logging.file_path`
    pub fn log_file(&self) -> Option<&str> {
        self.of(&key_table::LOG_FILE)
    }

    /// `scheduler.log_dir`
    pub fn log_directory(&self) -> Option<&str> {
        self.of(&key_table::LOG_DIRECTORY)
    }

    /// `logging.accept_propagated_setting`
    pub fn accepts_propagated_log_settings(&self) -> bool {
        self.of(&key_table::ACCEPT_PROPAGATED_LOG_SETTINGS) == Some(true)
    }

    /// `template.default_provider_name`
    pub fn default_provider_name(&self) -> Result<Option<&str>> {
        self.require(&key_table::TEMPLATE_PROVIDER_NAME)
    }

    /// `template.default_provider_type`
    pub fn default_provider_type(&self) -> Result<Option<&str>> {
        self.require(&key_table::TEMPLATE_PROVIDER_TYPE)
    }

    /// `template.max_number`
    pub fn max_number(&self) -> Option<i64> {
        self.of(&key_table::MAX_NUMBER)
    }

    /// References to unset variables in the value of a key.
    pub(crate) fn unset_in(&self, key: &str) -> impl Iterator<Item = &Unset> {
        self.unset.iter().filter(move |(name, _)| *name == key).map(|(_, unset)| unset)
    }

    pub(crate) fn note_unset(&mut self, key: &'static Key, unset: Vec<Unset>) {
        self.unset.extend(unset.into_iter().map(|unset| (key.name, unset)));
    }

    pub(crate) fn set(&mut self, key: &Key, value: Value, source: SettingSource) {
        if let Some(setting) = self.entries.iter_mut().find(|setting| setting.key == key.name) {
            setting.value = value;
            setting.source = source;
        }
    }

    /// Attaches errors to the settings that they are about.
    pub(crate) fn mark(&mut self, problems: &[Problem]) {
        for problem in problems {
            let Subject::Setting(name) = &problem.subject else { continue };
            for setting in self.entries.iter_mut().filter(|setting| is_in(setting.key, name)) {
                setting.problem.get_or_insert_with(|| problem.error.clone());
            }
        }
    }
}

/// Whether `key` is `name` or lies in the section `name`.
fn is_in(key: &str, name: &str) -> bool {
    key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::keys;

    #[test]
    fn without_a_file_everything_is_default() {
        let settings = Settings::default();
        assert_eq!(settings.scheduler(), Ok(SchedulerKind::HostFactory));
        assert_eq!(settings.refresh(), Refresh::Auto);
        assert_eq!(settings.render_limit(), 67_108_864);
        assert_eq!(settings.storage_strategy(), Ok(StorageStrategy::Sqlite));
        assert_eq!(settings.database_name(), Ok("ohfp.db"));
        assert_eq!(settings.max_machines_per_request(), Ok(None));
        assert_eq!(settings.max_number(), None);
        let names: Vec<&str> = settings.entries().map(|setting| setting.key).collect();
        assert_eq!(names, KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
        assert!(settings.entries().all(|setting| setting.source == SettingSource::Default));
    }

    /// An invalid value stops only the operations that need it.
    #[test]
    fn wrong_values_are_errors_where_they_are_needed() {
        let error = Error::new(ohfp_broker::ErrorKind::Input, "wrong");
        let about = |name: &str| {
            let mut settings = Settings::default();
            let subject = Subject::Setting(name.to_owned());
            settings.mark(&[Problem { subject, error: error.clone() }]);
            settings
        };
        let wrong = about("storage.strategy");
        assert_eq!(
            (wrong.storage_strategy(), wrong.database_name()),
            (Err(error.clone()), Err(error.clone()))
        );
        assert_eq!(wrong.scheduler(), Ok(SchedulerKind::HostFactory));
        assert_eq!((wrong.problems("storage"), wrong.problems("request")), (vec![error.clone()], vec![]));
        assert_eq!(about("storage").database_name(), Err(error.clone()));
        assert_eq!(about("storage.history_days").history_days(), 0);
        assert_eq!(about("storag").database_name(), Ok("ohfp.db"));
    }

    /// Each accessor tells its own key, in the key's own unit.
    #[test]
    fn each_accessor_tells_its_key() {
        let with = |key: &'static str, value: Value| {
            let mut settings = Settings::default();
            settings.set(keys::find(key).unwrap(), value, SettingSource::Variable("X".to_owned()));
            settings
        };
        let text = |key, value: &str| with(key, Value::from(value));
        let number = |key| with(key, Value::from(7));
        assert_eq!(text("scheduler.type", "default").scheduler(), Ok(SchedulerKind::Default));
        assert_eq!(text("snapshot.refresh", "manual").refresh(), Refresh::Manual);
        assert_eq!(text("snapshot.refresh", "never").refresh(), Refresh::Never);
        assert_eq!(number("snapshot.render_limit").render_limit(), 7);
        assert_eq!(text("storage.strategy", "sqlite").storage_strategy(), Ok(StorageStrategy::Sqlite));
        assert_eq!(text("storage.sql_strategy.name", "x.db").database_name(), Ok("x.db"));
        assert_eq!(number("request.max_machines_per_request").max_machines_per_request(), Ok(Some(7)));
        assert_eq!(number("request.fulfillment_timeout_seconds").fulfillment_timeout(), Ok(7));
        assert_eq!(number("request.return_timeout_seconds").return_timeout(), Ok(7));
        assert_eq!(number("request.unacknowledged_timeout_seconds").unacknowledged_timeout(), Ok(7));
        assert_eq!(number("reconcile.interval_seconds").reconcile_interval(), 7);
        assert_eq!(number("storage.sql_strategy.timeout").busy_timeout(), 7);
        assert_eq!(number("storage.history_days").history_days(), 7);
        assert_eq!(
            text("provider.selection_policy", "RANDOM").selection_policy(),
            Ok(SelectionPolicy::Random)
        );
        let accepts = |value: bool| with("logging.accept_propagated_setting", Value::Bool(value));
        assert!(accepts(true).accepts_propagated_log_settings());
        assert!(!accepts(false).accepts_propagated_log_settings());
        assert_eq!(text("template.default_provider_name", "n").default_provider_name(), Ok(Some("n")));
        assert_eq!(text("template.default_provider_type", "t").default_provider_type(), Ok(Some("t")));
        assert_eq!(number("template.max_number").max_number(), Some(7));
        assert!(!with("features.database_support", Value::Bool(false)).database_support());
        assert_eq!(Settings::default().get("no.such.key"), &Value::Null);

        let settings = text("logging.level", "DEBUG");
        let level = settings.entries().find(|setting| setting.key == "logging.level").unwrap();
        assert_eq!((level.source.to_string().as_str(), level.source.is_file()), ("$X", false));
        assert_eq!(level.redacted(), "DEBUG");
        let file = SettingSource::File { path: "config.json".into(), line: 3 };
        assert_eq!((file.to_string().as_str(), file.is_file()), ("config.json:3", true));
        assert_eq!(SettingSource::Default.to_string(), "default");
    }

    /// Without a setting, the defaults that the README tells.
    #[test]
    fn times_and_counts_by_default() {
        let settings = Settings::default();
        assert_eq!(settings.fulfillment_timeout(), Ok(900));
        assert_eq!(settings.return_timeout(), Ok(900));
        assert_eq!(settings.unacknowledged_timeout(), Ok(600));
        assert_eq!((settings.busy_timeout(), settings.history_days()), (30, 90));
        assert_eq!(settings.reconcile_interval(), 0);
        assert_eq!(settings.selection_policy(), Ok(SelectionPolicy::FirstAvailable));
        assert_eq!(
            (settings.default_provider_name(), settings.default_provider_type()),
            (Ok(None), Ok(None))
        );
        assert!(!settings.accepts_propagated_log_settings());
    }
}
