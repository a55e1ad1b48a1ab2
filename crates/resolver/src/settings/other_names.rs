//! Names of `config.json` besides its keys: aliases, names without effect, words of other brokers' files.

use crate::settings::key_table::{LOG_LEVEL, SCHEDULER, STORAGE_STRATEGY};
use crate::settings::words::{LogLevel, StorageStrategy};
use ohfp_broker::wire_format::SchedulerKind;

/// Aliases of keys. If both are written, the key counts.
pub(crate) const ALIASES: &[(&str, &str)] = &[
    ("storage.type", "storage.strategy"),
    (DEFAULT_TAGS, "template.tags"),
    ("provider.circuit_breaker.enabled", "circuit_breaker.enabled"),
    ("provider.circuit_breaker.failure_threshold", "circuit_breaker.failure_threshold"),
    ("provider.circuit_breaker.recovery_timeout", "circuit_breaker.recovery_timeout"),
    ("performance.background_loading.enabled", "performance.lazy_loading.background_loading.enabled"),
    (
        "performance.background_loading.thread_pool_size",
        "performance.lazy_loading.background_loading.thread_pool_size",
    ),
    (
        "performance.background_loading.preload_common",
        "performance.lazy_loading.background_loading.preload_common",
    ),
];

/// Another name of `template.tags`. It is suggested for no other name: near to it are fields that have defaults elsewhere.
pub(crate) const DEFAULT_TAGS: &str = "template.default_instance_tags";

/// Keys and whole sections of other brokers' files that are read and have no effect.
pub(crate) const WITHOUT_EFFECT: &[&str] = &[
    "naming",
    "logging.format",
    "metrics.metrics_enabled",
    "metrics.metrics_dir",
    "metrics.metrics_interval",
    "metrics.trace_enabled",
    "metrics.trace_buffer_size",
    "metrics.trace_file_max_size_mb",
    "metrics.provider_metrics",
    "observability",
    "events",
    "resource",
    "circuit_breaker.half_open_max_calls",
    "circuit_breaker.service_configs",
    "circuit_breaker.retryable_exceptions",
    "performance.adaptive_batch_sizing",
    "performance.batch_sizes",
    "performance.cache_ttl",
    "performance.caching.ami_resolution",
    "performance.caching.handler_discovery",
    "performance.caching.request_status",
    "performance.enable_adaptive_batch_sizing",
    "performance.enable_batching",
    "performance.enable_caching",
    "performance.enable_parallel",
    "performance.lazy_loading.max_concurrent_loads",
    "performance.max_workers",
    "performance.sync_timeout_seconds",
    "server",
    "ui",
    "environment",
    "debug",
    "allow_destructive_admin",
    "scripts_dir",
    "database",
    "retry",
    "request_timeout",
    "scheduler.config_root",
    "scheduler.config_dir",
    "scheduler.work_dir",
    "scheduler.log_level",
    "scheduler.console_enabled",
    "scheduler.templates_filename",
    "scheduler.on_scheduler_mismatch",
    "storage.json_strategy",
    "storage.database",
    "storage.default_storage_path",
    "storage.dynamodb_strategy",
    "storage.sql_strategy.type",
    "storage.sql_strategy.host",
    "storage.sql_strategy.port",
    "storage.sql_strategy.username",
    "storage.sql_strategy.password",
    "storage.sql_strategy.pool_size",
    "storage.sql_strategy.max_overflow",
    "storage.sql_strategy.ssl_ca",
    "storage.sql_strategy.ssl_verify",
    "storage.sql_strategy.cluster_endpoint",
    "template.default_provider_api",
    "template.filename_patterns",
    "template.templates_file_path",
    "template.legacy_templates_file_path",
    "template.ami_resolution",
    "request.default_grace_period",
    "request.fulfillment_max_retries",
    "request.concurrency_max_retries",
    "request.fulfillment_batch_size",
    "request.fulfillment_fallback_template_id",
    "request.default_timeout",
    "provider.health_check_interval",
    "provider.circuit_breaker.half_open_max_calls",
];

/// What has the effect that an administrator expects of a key without one, or why nothing has.
const IDLE_HINTS: &[(&str, &str)] = &[
    (
        "scheduler.work_dir",
        "OHFP_STATE_DIR and --state-dir name the state directory: a store is never left behind for a key",
    ),
    (
        "request.default_grace_period",
        "getReturnRequests tells the time that the provider leaves to a machine",
    ),
    (
        "circuit_breaker.half_open_max_calls",
        "one call at a time finds out whether an endpoint can be reached again",
    ),
];

/// The hint about a key without effect.
pub(crate) fn idle_hint(name: &str) -> Option<&'static str> {
    let name =
        name.strip_prefix("provider.").filter(|rest| rest.starts_with("circuit_breaker.")).unwrap_or(name);
    IDLE_HINTS.iter().find(|(known, _)| *known == name).map(|(_, hint)| *hint)
}

/// Keys that describe the file itself.
pub(crate) const DESCRIPTIVE: &[&str] = &["version", "$schema", "_comment"];

/// A word of other brokers' files for one of ours.
struct OtherWord {
    key: &'static str,
    theirs: &'static str,
    ours: &'static str,
    /// Why it is read so, where an administrator has to know.
    because: Option<&'static str>,
}

const OURS: Option<&str> = Some("ohfp keeps its state in SQLite");

/// Words of other brokers' files that stand for one of ours.
const OTHER_WORDS: &[OtherWord] = &[
    OtherWord {
        key: SCHEDULER.key.name,
        theirs: "hf",
        ours: SchedulerKind::HostFactory.name(),
        because: None,
    },
    OtherWord {
        key: STORAGE_STRATEGY.key.name,
        theirs: "json",
        ours: StorageStrategy::Sqlite.name(),
        because: OURS,
    },
    OtherWord {
        key: STORAGE_STRATEGY.key.name,
        theirs: "sql",
        ours: StorageStrategy::Sqlite.name(),
        because: OURS,
    },
];

/// The word of ours that a word of other brokers' files stands for, and why, where an administrator has to know.
pub(crate) fn translated(key: &str, word: &str) -> Option<(&'static str, Option<&'static str>)> {
    match OTHER_WORDS.iter().find(|other| other.key == key && other.theirs == word) {
        Some(other) => Some((other.ours, other.because)),
        None if key == LOG_LEVEL.key.name => LogLevel::lenient(word).map(|level| (level.name(), None)),
        None => None,
    }
}
