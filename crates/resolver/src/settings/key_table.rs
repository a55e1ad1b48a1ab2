//! The keys of `config.json`: the one table that defaults, checks, messages and documents come from.

use std::time::Duration;

use ohfp_broker::launch_spec::PriceType;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_keys::{
    DefaultValue, Items, Object, Rule, Thresholds, Word, at_least, at_most, count, flag, list, object,
    seconds, size, text, unset_flag, unset_signed, unset_text, unset_whole, whole, word, words,
};

use crate::settings::words::{
    COMPONENTS, Impact, LogLevel, Mode, NcpusFrom, Refresh, SelectionPolicy, StorageStrategy,
};

/// The longest time that requests and returns can be given: a week, in seconds.
pub const LONGEST_TIMEOUT: u32 = 604_800;

/// Each kind of processor with its default `attributes.type`.
pub(crate) const X86_64: (&str, &str) = ("x86_64", "X86_64");
pub(crate) const ARM64: (&str, &str) = ("arm64", "AARCH64");

ohfp_keys::table! {
    /// Every key that has an effect, in the order they are listed.
    pub KEYS;
    SCHEDULER: Word<SchedulerKind> = "scheduler.type", word!(SchedulerKind::HostFactory),
        "whose field names and frames are written";
    REFRESH: Word<Refresh> = "snapshot.refresh", word!(Refresh::Auto),
        "whether a snapshot that is older than its sources is rebuilt automatically";
    RENDER_LIMIT: u64 = "snapshot.render_limit", size(64 << 20),
        "largest snapshot with pre-rendered YAML, table and list output, in bytes";
    STORAGE_STRATEGY: Word<StorageStrategy> = "storage.strategy", word!(StorageStrategy::Sqlite),
        "where requests and machines are remembered";
    BUSY_TIMEOUT: u64 = "storage.sql_strategy.timeout", whole(1, 3_600, 30),
        "seconds to wait for the database while others write to it";
    HISTORY_DAYS: u64 = "storage.history_days", whole(0, 36_500, 90),
        "days that finished requests are kept; 0: for ever";
    DATABASE_NAME: &'static str = "storage.sql_strategy.name", text(Rule::Name, "ohfp.db"),
        "file name of the database";
    MAX_NUMBER: Option<i64> = "template.max_number", unset_signed(-1),
        "maxNumber of templates that have none; unset: each must have one";
    NCPUS_FROM: Word<NcpusFrom> = "template.ncpus_from", word!(NcpusFrom::Vcpus),
        "what attributes.ncpus counts if it is derived from the machine type";
    MACHINE_TYPE_NAMES: Option<Object> = "template.machine_type_names", object(Rule::Object, DefaultValue::Object(&[X86_64, ARM64])),
        "X86_64";
    TEMPLATE_TAGS: Option<Object> = "template.tags", object(Rule::Object, DefaultValue::EmptyObject),
        "tags of the machines of all templates; those of a template, of its provider and of its type go first";
    DEFAULT_ATTRIBUTES: Option<Object> = "template.default_attributes", object(Rule::Object, DefaultValue::EmptyObject),
        "attributes of templates that lack them";
    TEMPLATE_PROVIDER_NAME: Option<&'static str> = "template.default_provider_name", unset_text(Rule::Name),
        "the provider of templates that name neither a provider nor a provider type";
    TEMPLATE_PROVIDER_TYPE: Option<&'static str> = "template.default_provider_type", unset_text(Rule::Name),
        "the provider type of templates that name neither a provider nor a provider type";
    DEFAULT_PRICE_TYPE: Option<&'static str> = "template.default_price_type", unset_text(Rule::Word(PriceType::NAMES)),
        "priceType of templates that have none";
    MAX_MACHINES_PER_REQUEST: Option<u64> = "request.max_machines_per_request", unset_whole(1),
        "a request for more is refused; unset: only maxNumber and the provider set limits";
    FULFILLMENT_TIMEOUT: u64 = "request.fulfillment_timeout_seconds", whole(1, LONGEST_TIMEOUT, 900),
        "seconds until machines that are not running are abandoned and released";
    RETURN_TIMEOUT: u64 = "request.return_timeout_seconds", whole(1, LONGEST_TIMEOUT, 900),
        "seconds until a return fails whose machines are not terminated";
    UNACKNOWLEDGED_TIMEOUT: u64 = "request.unacknowledged_timeout_seconds", whole(1, LONGEST_TIMEOUT, 600),
        "seconds until machines of an unacknowledged request are released";
    RECONCILE_INTERVAL: u64 = "reconcile.interval_seconds", whole(0, LONGEST_TIMEOUT, 0),
        "seconds between two looks for machines that no request has, after the answer of a poll; 0: none";
    ACTIVE_PROVIDER: Option<&'static str> = "provider.active_provider", unset_text(Rule::Name),
        "the provider that new requests go to";
    SELECTION_POLICY: Word<SelectionPolicy> = "provider.selection_policy", word!(SelectionPolicy::FirstAvailable),
        "how one of several enabled providers is selected";
    PROVIDERS: Option<Items> = "provider.providers", list(),
        "name, type and options of each provider";
    PROVIDER_TYPE: Option<&'static str> = "provider.type", unset_text(Rule::Name),
        "type of the only provider, in place of `provider.providers`; its options are in the section of that name";
    PROVIDER_AWS: Option<Object> = "provider.aws", object(Rule::Object, DefaultValue::Unset),
        "options of the only provider, of type aws";
    PROVIDER_SIM: Option<Object> = "provider.sim", object(Rule::Object, DefaultValue::Unset),
        "options of the only provider, of type sim";
    DEFAULT_PROVIDER_INSTANCE: Option<&'static str> = "provider.default_provider_instance", unset_text(Rule::Name),
        "the provider that new requests go to if `provider.active_provider` is unset";
    DEFAULT_PROVIDER_TYPE: Option<&'static str> = "provider.default_provider_type", unset_text(Rule::Name),
        "the type of provider that new requests go to if no provider is named";
    PROVIDER_DEFAULTS: Option<Object> = "provider.provider_defaults", object(Rule::Object, DefaultValue::EmptyObject),
        "per provider type: template_defaults, fields of templates that lack them";
    NATIVE_SPEC: Option<bool> = "native_spec.enabled", unset_flag(),
        "false: specifications of templates in AWS's own terms are left out; an AWS provider with `native_spec_mode` decides for itself";
    NATIVE_SPEC_MODE: Option<&'static str> = "native_spec.merge_mode", unset_text(Rule::Word(&["merge", "extend", "replace", "override"])),
        "`native_spec_mode` of AWS providers that have none";
    NATIVE_SPEC_DIRECTORY: Option<&'static str> = "native_spec.spec_file_base_path", unset_text(Rule::Name),
        "`native_spec_directory` of AWS providers that have none";
    CIRCUIT_BREAKER: Option<bool> = "circuit_breaker.enabled", unset_flag(),
        "false: an endpoint of AWS that cannot be reached is called all the same";
    CIRCUIT_BREAKER_FAILURES: Option<u64> = "circuit_breaker.failure_threshold", unset_whole(1),
        "`pause_after_failures` of AWS providers that have none";
    CIRCUIT_BREAKER_SECONDS: Option<u64> = "circuit_breaker.recovery_timeout", unset_whole(1),
        "`pause_seconds` of AWS providers that have none";
    AWS_INTEGRATION: Option<bool> = "features.aws_integration", unset_flag(),
        "whether the AWS provider is registered; unset: if a provider of type aws is configured";
    DATABASE_SUPPORT: bool = "features.database_support", flag(true),
        "whether the state store is registered; false: only operations on templates and configuration work";
    MONITORING: bool = "features.monitoring", flag(false),
        "whether MonitoringService is registered, which logs the component costs of each command";
    METRICS: bool = "metrics.enabled", flag(true),
        "whether each operation appends a record of its cost and outcome to the metrics of this host";
    METRICS_FAST_PATH: bool = "metrics.fast_path", flag(false),
        "whether an answer from the snapshot is recorded as well; it costs the runtime three system calls";
    METRICS_TEXTFILE: Option<&'static str> = "metrics.textfile", unset_text(Rule::Name),
        "a file that commands replace by the current metrics, at most every 15 s, for node_exporter's textfile collector";
    OTLP_ENDPOINT: Option<&'static str> = "metrics.otlp.endpoint", unset_text(Rule::Name),
        "address of an OpenTelemetry collector, such as http://localhost:4318: each command leaves its spans in a spool, which `ohfp metrics push` sends there";
    OTLP_TIMEOUT: Duration = "metrics.otlp.timeout_seconds", seconds(1, 600, 10),
        "seconds that a call of the collector may take";
    OTLP_SPOOL_LIMIT: u64 = "metrics.otlp.spool_limit", size(16 << 20),
        "largest spool, in bytes; nothing is added to a larger one";
    LOG_LEVEL: Word<LogLevel> = "logging.level", word!(LogLevel::Info),
        "least severe event that is logged; unset: LSF's `LogLevel` in IBM's file decides";
    ACCEPT_PROPAGATED_LOG_SETTINGS: Option<bool> = "logging.accept_propagated_setting", unset_flag(),
        "whether Host Factory's HF_LOGLEVEL, HF_LOG_MAX_FILE_SIZE and HF_LOG_MAX_ROTATE count; unset: ACCEPT_PROPAGATED_LOG_SETTING in IBM's file decides";
    LOG_FILE: Option<&'static str> = "logging.file_path", unset_text(Rule::Name),
        "the log file; a relative path is below the log directory; unset: a name with that of the provider and the host";
    LOG_SIZE: u64 = "logging.max_size", size(10 << 20),
        "size in bytes at which the log is rotated; 0: never";
    LOG_FILES: u64 = "logging.backup_count", whole(0, 1_000, 5),
        "rotated files that are kept";
    LOG_CONSOLE: bool = "logging.console_enabled", flag(false),
        "whether events of `logging.level` are shown on standard error too, where that is a terminal";
    LOG_DIRECTORY: Option<&'static str> = "scheduler.log_dir", unset_text(Rule::Name),
        "directory of the log where neither Host Factory nor LSF names one; a relative path is below the configuration directory";
    PERFORMANCE_TIMING: bool = "logging.performance_timing", flag(false),
        "logs the time, loads, hits and memory of each command when it ends";
    LAZY_LOADING: bool = "performance.lazy_loading.enabled", flag(true),
        "true: a component is built when first used; false: all are registered and built at start";
    CACHE_INSTANCES: bool = "performance.lazy_loading.cache_instances", flag(true),
        "true: a built component is kept and shared; false: it is dropped with its last user, except for critical ones";
    DISCOVERY_MODE: Word<Mode> = "performance.lazy_loading.discovery_mode", word!(Mode::Lazy),
        "when on-demand registrations run: lazy, at the first request for their component; eager, at start";
    CONNECTION_MODE: Word<Mode> = "performance.lazy_loading.connection_mode", word!(Mode::Lazy),
        "when components that connect (store, providers) are built: lazy, when first used; eager, at start";
    DEBUG_TIMING: bool = "performance.lazy_loading.debug_timing", flag(false),
        "prints the load times of all components on standard error when a command ends";
    LOG_COMPONENT_LOADS: bool = "performance.lazy_loading.log_component_loads", flag(false),
        "logs each load and unload of a component";
    TRACK_MEMORY_USAGE: bool = "performance.lazy_loading.track_memory_usage", flag(false),
        "measures the growth of memory with each load";
    PRELOAD_CRITICAL: Option<Items> = "performance.lazy_loading.preload_critical", words(COMPONENTS, &["LoggingPort", "ConfigurationPort"]),
        "components built at start, in this order, and never unloaded; a failure ends the command";
    BACKGROUND_LOADING: bool = "performance.lazy_loading.background_loading.enabled", flag(false),
        "builds the components of `preload_common` in background threads";
    THREAD_POOL_SIZE: usize = "performance.lazy_loading.background_loading.thread_pool_size", count(1, 64, 2),
        "maximum number of background threads";
    PRELOAD_COMMON: Option<Items> = "performance.lazy_loading.background_loading.preload_common", words(COMPONENTS, &["TemplateService", "RequestService"]),
        "components built in the background, in this order";
    MINIMAL_REGISTRATION: bool = "performance.startup.minimal_registration", flag(true),
        "registers the optional components only when an unregistered one is requested";
    DEFER_HEAVY_OPERATIONS: bool = "performance.startup.defer_heavy_operations", flag(true),
        "true: maintenance, such as writing caches, runs after the answer; false: it runs at once";
    START_IN_BACKGROUND: bool = "performance.startup.background_loading", flag(false),
        "true: components for start are built in the background, and the command does not wait for all of them";
    COMPONENT_CACHE_SIZE: usize = "performance.caching.component_cache_size", count(0, 1_000_000, 100),
        "maximum number of unused components, and of answers in the result cache; the least recently used are dropped first";
    RESULT_CACHE_TTL: Duration = "performance.caching.result_cache_ttl", seconds(0, 31_536_000, 300),
        "seconds until a cached answer expires, and an unused component is unloaded in long-running commands; 0: no result cache";
    MEMORY_LIMIT_MB: u64 = "performance.caching.memory_limit_mb", whole(1, 1_048_576, 500),
        "memory in MiB above which unused components are unloaded; the result cache is never larger";
    BATCH_SIZE: usize = "performance.optimization.batch_size", count(1, 1_000, 10),
        "number of components preloaded between checks of the timeout and the memory limit";
    CONCURRENT_LOADS: usize = "performance.optimization.concurrent_loads", count(1, 64, 3),
        "maximum number of threads that build components at the same time";
    PRELOAD_TIMEOUT: Duration = "performance.optimization.timeout_seconds", seconds(1, 86_400, 30),
        "seconds that preloading may take, and that a request waits for a component that another thread builds";
    HEALTH_STARTUP: Thresholds = "performance.health.startup_ms", at_most(100, 500),
        "milliseconds from the start of ohfp to its end; as the following, the value that warns and the one that is unhealthy";
    HEALTH_FIRST_ACCESS: Thresholds = "performance.health.first_access_ms", at_most(1_000, 5_000),
        "milliseconds that the first access to a component takes";
    HEALTH_MEMORY: Thresholds = "performance.health.memory_mb", at_most(200, 500),
        "most memory of the process, in MiB";
    HEALTH_FAILED_LOADS: Thresholds = "performance.health.failed_loads", at_most(0, 3),
        "components that could not be loaded";
    HEALTH_SNAPSHOT: Word<Impact> = "performance.health.unused_snapshot", word!(Impact::Warning),
        "what a snapshot that is not used counts as";
    HEALTH_STORE_TIME: Thresholds = "performance.health.store_ms", at_most(200, 2_000),
        "milliseconds to open and read the state store";
    HEALTH_STORE_SIZE: Thresholds = "performance.health.store_mb", at_most(2_048, 16_384),
        "size of the state store, in MiB";
    HEALTH_STORE_LOG: Thresholds = "performance.health.store_log_mb", at_most(64, 1_024),
        "size of the state store's write-ahead log, in MiB";
    HEALTH_PROVIDER: Thresholds = "performance.health.provider_ms", at_most(5_000, 30_000),
        "milliseconds that a provider takes to answer";
    HEALTH_LOG: Thresholds = "performance.health.log_ms", at_most(50, 1_000),
        "milliseconds to open the log for writing";
    HEALTH_DISK: Thresholds = "performance.health.disk_free_mb", at_least(200, 20),
        "free space for state and log, in MiB; less than the first warns, less than the second is unhealthy";
    HEALTH_INODES: Thresholds = "performance.health.disk_free_files", at_least(1_000, 100),
        "files that can still be created for state and log; less than the first warns, less than the second is unhealthy";
    HEALTH_CLOCK: Thresholds = "performance.health.clock_behind_seconds", at_most(10, 300),
        "seconds that the clock is behind what was written last";
}
