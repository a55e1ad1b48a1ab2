//! Words in values: an enum for each closed list, and the names of components.

use ohfp_broker::keywords;
use tracing::Level;

/// What to do when a snapshot is older than its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Rebuild it after the answer.
    Auto,
    /// Answer from the files; the administrator rebuilds it.
    Manual,
    /// Answer from the files; the snapshot is not opened.
    Never,
}

keywords!(Refresh { Auto: "auto", Manual: "manual", Never: "never" });

/// Kind of the state store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageStrategy {
    /// An SQLite database in the work directory.
    Sqlite,
}

keywords!(StorageStrategy { Sqlite: "sqlite" });

/// What `attributes.ncpus` counts if it is derived from the machine type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NcpusFrom {
    /// Virtual processors.
    Vcpus,
    /// Physical cores, as IBM counts with hyper-threading.
    Cores,
}

keywords!(NcpusFrom { Vcpus: "vcpus", Cores: "cores" });

/// How one of several enabled providers is selected; named as in other brokers' files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectionPolicy {
    /// The first healthy one in the order of preference.
    FirstAvailable,
    /// In turn.
    RoundRobin,
    /// In turn, in proportion to the weights.
    WeightedRoundRobin,
    /// The one with the fewest machines.
    LeastConnections,
    /// The healthy one whose health check returns first.
    FastestResponse,
    /// The one with the most requests that were fulfilled completely.
    HighestSuccessRate,
    /// The first that can launch all of the machines.
    CapabilityBased,
    /// As [`FirstAvailable`](Self::FirstAvailable).
    HealthBased,
    /// Any.
    Random,
    /// As [`FastestResponse`](Self::FastestResponse).
    PerformanceBased,
}

keywords!(SelectionPolicy {
    FirstAvailable: "FIRST_AVAILABLE",
    RoundRobin: "ROUND_ROBIN",
    WeightedRoundRobin: "WEIGHTED_ROUND_ROBIN",
    LeastConnections: "LEAST_CONNECTIONS",
    FastestResponse: "FASTEST_RESPONSE",
    HighestSuccessRate: "HIGHEST_SUCCESS_RATE",
    CapabilityBased: "CAPABILITY_BASED",
    HealthBased: "HEALTH_BASED",
    Random: "RANDOM",
    PerformanceBased: "PERFORMANCE_BASED",
});

/// When a component is registered or built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On first use.
    Lazy,
    /// At start.
    Eager,
}

keywords!(Mode { Lazy: "lazy", Eager: "eager" });

/// What a finding counts as where a site may see it otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impact {
    /// It is as it should be here.
    Healthy,
    /// Operations work, with less than they could have.
    Warning,
    /// It keeps the site from working as it should.
    Unhealthy,
}

keywords!(Impact { Healthy: "healthy", Warning: "warning", Unhealthy: "unhealthy" });

/// The least severe event that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// Details for developers.
    Debug,
    /// What was done.
    Info,
    /// What an administrator should look into.
    Warning,
    /// What failed.
    Error,
    /// As [`Error`](Self::Error); other brokers' files tell them apart.
    Critical,
}

keywords!(LogLevel {
    Trace: "TRACE",
    Debug: "DEBUG",
    Info: "INFO",
    Warning: "WARNING",
    Error: "ERROR",
    Critical: "CRITICAL",
});

impl LogLevel {
    /// The level of a word in any case, with or without `LOG_`; `WARN` and `FATAL` are known too.
    pub fn lenient(word: &str) -> Option<Self> {
        let word = word.to_ascii_uppercase();
        match word.strip_prefix("LOG_").unwrap_or(&word) {
            "WARN" => Some(Self::Warning),
            "FATAL" => Some(Self::Critical),
            other => Self::parse(other),
        }
    }

    /// The level of the log.
    pub fn level(self) -> Level {
        match self {
            Self::Trace => Level::TRACE,
            Self::Debug => Level::DEBUG,
            Self::Info => Level::INFO,
            Self::Warning => Level::WARN,
            Self::Error | Self::Critical => Level::ERROR,
        }
    }

    /// All words, for messages.
    pub fn listed() -> String {
        Self::NAMES.join(", ")
    }
}

/// The names of all components, as `preload_critical` and `preload_common` have them.
pub const COMPONENTS: &[&str] = &[
    "LoggingPort",
    "ConfigurationPort",
    "StoragePort",
    "ProviderPort",
    "SchedulerPort",
    "CachePort",
    "TemplateService",
    "RequestService",
    "MonitoringService",
];

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use ohfp_broker::Keyword;

    use super::*;

    #[test]
    fn each_word_stands_for_its_value() {
        fn check<K: Keyword + Display>() {
            assert_eq!(K::ALL.len(), K::NAMES.len());
            for (value, word) in K::ALL.iter().zip(K::NAMES) {
                assert_eq!((value.to_string().as_str(), K::parse(word)), (*word, Some(*value)));
                assert_eq!((K::parse(&format!("{word} ")), K::parse("")), (None, None));
            }
        }
        check::<Refresh>();
        check::<StorageStrategy>();
        check::<NcpusFrom>();
        check::<SelectionPolicy>();
        check::<Mode>();
        check::<LogLevel>();
    }

    #[test]
    fn levels() {
        for (word, wanted) in [
            ("DEBUG", Some(Level::DEBUG)),
            ("LOG_WARNING", Some(Level::WARN)),
            ("log_info", Some(Level::INFO)),
            ("warn", Some(Level::WARN)),
            ("FATAL", Some(Level::ERROR)),
            ("error", Some(Level::ERROR)),
            ("TRACE", Some(Level::TRACE)),
            ("loud", None),
            ("", None),
        ] {
            assert_eq!(LogLevel::lenient(word).map(LogLevel::level), wanted, "{word}");
        }
        assert!(LogLevel::ALL.iter().all(|level| LogLevel::lenient(level.name()) == Some(*level)));
        assert_eq!(LogLevel::listed(), "TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL");
    }
}
