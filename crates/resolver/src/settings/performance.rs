//! Component-loading options (when to build, how long to keep, what to report): the sections `performance`,
//! `features` and `logging` of `config.json` as one value.
//!
//! It must not know any component, only names.

use std::time::Duration;

use serde_json::Value;
use tracing::Level;

use crate::settings::effective::Settings;
use crate::settings::key_table;
pub use crate::settings::words::Mode;

/// One field for each key, under the key's last name where that is distinct.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
pub struct Performance {
    /// `features.aws_integration`; `None` means on if a provider needs it.
    pub aws_integration: Option<bool>,
    /// `features.database_support`
    pub database_support: bool,
    /// `features.monitoring`
    pub monitoring: bool,
    /// `logging.level`
    pub log_level: Level,
    /// Level of performance events alone; only the environment sets it.
    pub performance_log_level: Option<Level>,
    /// `logging.accept_propagated_setting`
    pub accept_propagated_log_settings: bool,
    /// `logging.max_size`
    pub log_size: u64,
    /// `logging.backup_count`
    pub log_files: u64,
    /// `logging.console_enabled`
    pub log_console: bool,
    /// `logging.performance_timing`
    pub performance_timing: bool,
    /// `performance.lazy_loading.enabled`
    pub lazy_loading: bool,
    /// `performance.lazy_loading.cache_instances`
    pub cache_instances: bool,
    /// `performance.lazy_loading.discovery_mode`
    pub discovery_mode: Mode,
    /// `performance.lazy_loading.connection_mode`
    pub connection_mode: Mode,
    /// `performance.lazy_loading.debug_timing`
    pub debug_timing: bool,
    /// `performance.lazy_loading.log_component_loads`
    pub log_component_loads: bool,
    /// `performance.lazy_loading.track_memory_usage`
    pub track_memory_usage: bool,
    /// `performance.lazy_loading.preload_critical`
    pub preload_critical: Vec<String>,
    /// `performance.lazy_loading.background_loading.enabled`
    pub background_loading: bool,
    /// `performance.lazy_loading.background_loading.thread_pool_size`
    pub thread_pool_size: usize,
    /// `performance.lazy_loading.background_loading.preload_common`
    pub preload_common: Vec<String>,
    /// `performance.startup.minimal_registration`
    pub minimal_registration: bool,
    /// `performance.startup.defer_heavy_operations`
    pub defer_heavy_operations: bool,
    /// `performance.startup.background_loading`
    pub start_in_background: bool,
    /// `performance.caching.component_cache_size`
    pub component_cache_size: usize,
    /// `performance.caching.result_cache_ttl`
    pub result_cache_ttl: Duration,
    /// `performance.caching.memory_limit_mb`, in bytes.
    pub memory_limit: u64,
    /// `performance.optimization.batch_size`
    pub batch_size: usize,
    /// `performance.optimization.concurrent_loads`
    pub concurrent_loads: usize,
    /// `performance.optimization.timeout_seconds`
    pub timeout: Duration,
}

impl Default for Performance {
    fn default() -> Self {
        Self::new(&Settings::default())
    }
}

impl Performance {
    /// Reads the options from the settings.
    pub fn new(settings: &Settings) -> Self {
        let names = |row| {
            let list: Option<&[Value]> = settings.of(row);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            aws_integration: settings.of(&key_table::AWS_INTEGRATION),
            database_support: settings.database_support(),
            monitoring: settings.of(&key_table::MONITORING),
            log_level: settings.of(&key_table::LOG_LEVEL).level(),
            performance_log_level: None,
            accept_propagated_log_settings: settings.accepts_propagated_log_settings(),
            log_size: settings.of(&key_table::LOG_SIZE),
            log_files: settings.of(&key_table::LOG_FILES),
            log_console: settings.of(&key_table::LOG_CONSOLE),
            performance_timing: settings.of(&key_table::PERFORMANCE_TIMING),
            lazy_loading: settings.of(&key_table::LAZY_LOADING),
            cache_instances: settings.of(&key_table::CACHE_INSTANCES),
            discovery_mode: settings.of(&key_table::DISCOVERY_MODE),
            connection_mode: settings.of(&key_table::CONNECTION_MODE),
            debug_timing: settings.of(&key_table::DEBUG_TIMING),
            log_component_loads: settings.of(&key_table::LOG_COMPONENT_LOADS),
            track_memory_usage: settings.of(&key_table::TRACK_MEMORY_USAGE),
            preload_critical: names(&key_table::PRELOAD_CRITICAL),
            background_loading: settings.of(&key_table::BACKGROUND_LOADING),
            thread_pool_size: settings.of(&key_table::THREAD_POOL_SIZE),
            preload_common: names(&key_table::PRELOAD_COMMON),
            minimal_registration: settings.of(&key_table::MINIMAL_REGISTRATION),
            defer_heavy_operations: settings.of(&key_table::DEFER_HEAVY_OPERATIONS),
            start_in_background: settings.of(&key_table::START_IN_BACKGROUND),
            component_cache_size: settings.of(&key_table::COMPONENT_CACHE_SIZE),
            result_cache_ttl: settings.of(&key_table::RESULT_CACHE_TTL),
            memory_limit: settings.of(&key_table::MEMORY_LIMIT_MB) << 20,
            batch_size: settings.of(&key_table::BATCH_SIZE),
            concurrent_loads: settings.of(&key_table::CONCURRENT_LOADS),
            timeout: settings.of(&key_table::PRELOAD_TIMEOUT),
        }
    }

    /// Whether these settings ask where the time of a command goes.
    pub fn is_timed(&self) -> bool {
        self.debug_timing || self.performance_timing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults() {
        let defaults = Performance::default();
        assert!(defaults.lazy_loading && defaults.cache_instances && defaults.minimal_registration);
        assert!(!defaults.background_loading && !defaults.start_in_background && !defaults.debug_timing);
        assert_eq!((defaults.discovery_mode, defaults.connection_mode), (Mode::Lazy, Mode::Lazy));
        assert_eq!(defaults.preload_critical, ["LoggingPort", "ConfigurationPort"]);
        assert_eq!(defaults.preload_common, ["TemplateService", "RequestService"]);
        assert_eq!((defaults.thread_pool_size, defaults.batch_size, defaults.concurrent_loads), (2, 10, 3));
        assert_eq!((defaults.component_cache_size, defaults.memory_limit), (100, 500 << 20));
        assert_eq!(
            (defaults.result_cache_ttl, defaults.timeout),
            (Duration::from_mins(5), Duration::from_secs(30))
        );
        assert_eq!(defaults.aws_integration, None);
    }

    /// Each key changes its own field, and no other.
    #[test]
    fn each_key_has_a_field() {
        let check = |key: &'static str, value: serde_json::Value, change: fn(&mut Performance)| {
            let mut settings = Settings::default();
            settings.set(
                crate::settings::keys::find(key).unwrap(),
                value,
                crate::settings::effective::SettingSource::Default,
            );
            let mut expected = Performance::default();
            change(&mut expected);
            assert_ne!(expected, Performance::default(), "{key}");
            assert_eq!(Performance::new(&settings), expected, "{key}");
        };
        let flag = |key, default: bool, change| check(key, Value::Bool(!default), change);
        check("features.aws_integration", Value::Bool(false), |with| with.aws_integration = Some(false));
        flag("features.database_support", Performance::default().database_support, |with| {
            with.database_support ^= true;
        });
        flag("features.monitoring", Performance::default().monitoring, |with| with.monitoring ^= true);
        check("logging.level", Value::from("CRITICAL"), |with| with.log_level = Level::ERROR);
        flag("logging.accept_propagated_setting", false, |with| with.accept_propagated_log_settings = true);
        flag("logging.performance_timing", Performance::default().performance_timing, |with| {
            with.performance_timing ^= true;
        });
        flag("performance.lazy_loading.enabled", true, |with| with.lazy_loading = false);
        flag("performance.lazy_loading.cache_instances", true, |with| with.cache_instances = false);
        check("performance.lazy_loading.discovery_mode", Value::from("eager"), |with| {
            with.discovery_mode = Mode::Eager;
        });
        check("performance.lazy_loading.connection_mode", Value::from("eager"), |with| {
            with.connection_mode = Mode::Eager;
        });
        flag("performance.lazy_loading.debug_timing", false, |with| with.debug_timing = true);
        flag(
            "performance.lazy_loading.log_component_loads",
            Performance::default().log_component_loads,
            |with| with.log_component_loads ^= true,
        );
        flag(
            "performance.lazy_loading.track_memory_usage",
            Performance::default().track_memory_usage,
            |with| {
                with.track_memory_usage ^= true;
            },
        );
        check("performance.lazy_loading.preload_critical", Value::from(vec!["CachePort"]), |with| {
            with.preload_critical = vec!["CachePort".to_owned()];
        });
        flag("performance.lazy_loading.background_loading.enabled", false, |with| {
            with.background_loading = true;
        });
        check("performance.lazy_loading.background_loading.thread_pool_size", Value::from(9), |with| {
            with.thread_pool_size = 9;
        });
        check("performance.lazy_loading.background_loading.preload_common", Value::from(vec!["x"]), |with| {
            with.preload_common = vec!["x".to_owned()];
        });
        flag("performance.startup.minimal_registration", true, |with| with.minimal_registration = false);
        flag(
            "performance.startup.defer_heavy_operations",
            Performance::default().defer_heavy_operations,
            |with| with.defer_heavy_operations ^= true,
        );
        flag("performance.startup.background_loading", false, |with| with.start_in_background = true);
        check("performance.caching.component_cache_size", Value::from(9), |with| {
            with.component_cache_size = 9;
        });
        check("performance.caching.result_cache_ttl", Value::from(9), |with| {
            with.result_cache_ttl = Duration::from_secs(9);
        });
        check("performance.caching.memory_limit_mb", Value::from(9), |with| {
            with.memory_limit = 9 * 1024 * 1024;
        });
        check("performance.optimization.batch_size", Value::from(9), |with| with.batch_size = 9);
        check("performance.optimization.concurrent_loads", Value::from(9), |with| with.concurrent_loads = 9);
        check("performance.optimization.timeout_seconds", Value::from(9), |with| {
            with.timeout = Duration::from_secs(9);
        });
    }
}
