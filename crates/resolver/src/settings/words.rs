//! Words in values: the names of components and of log levels.

use tracing::Level;

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

/// The words of `logging.level`, the most verbose one first.
pub const LOG_LEVELS: &[&str] = &["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// Normalizes `word` to one of [`LOG_LEVELS`]; it may be in any case, with or without `LOG_`.
pub fn log_level_word(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_uppercase();
    let word = match word.strip_prefix("LOG_").unwrap_or(&word) {
        "WARN" => "WARNING",
        "FATAL" => "CRITICAL",
        other => other,
    };
    LOG_LEVELS.iter().copied().find(|known| *known == word)
}

/// The level of a word; `None` if it is unknown.
pub fn log_level(word: &str) -> Option<Level> {
    Some(match log_level_word(word)? {
        "TRACE" => Level::TRACE,
        "DEBUG" => Level::DEBUG,
        "INFO" => Level::INFO,
        "WARNING" => Level::WARN,
        _ => Level::ERROR,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for (word, wanted) in [
            ("DEBUG", Some(Level::DEBUG)),
            ("LOG_WARNING", Some(Level::WARN)),
            ("log_info", Some(Level::INFO)),
            ("warn", Some(Level::WARN)),
            ("FATAL", Some(Level::ERROR)),
            ("TRACE", Some(Level::TRACE)),
            ("loud", None),
            ("", None),
        ] {
            assert_eq!(log_level(word), wanted, "{word}");
        }
        assert!(LOG_LEVELS.iter().all(|word| log_level_word(word) == Some(*word)));
    }
}
