//! Environment variables that override the component-loading options. They never change an answer, so they are
//! not part of the snapshot's stamps.

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_resolver::settings::words::LogLevel;
use ohfp_resolver::{Environment, Performance};

/// `performance.lazy_loading.enabled`
const LAZY_LOADING: &str = "LAZY_LOADING_ENABLED";
/// All of `debug_timing`, `log_component_loads`, `track_memory_usage` and `performance_timing`.
const DEBUG: &str = "PERFORMANCE_DEBUG";
/// Level of the performance events in the log.
const LOG_LEVEL: &str = "PERFORMANCE_LOG_LEVEL";

/// Applies the variables to the options. Empty variables are treated as unset.
pub fn overridden(mut performance: Performance, env: &Environment) -> Result<Performance> {
    if let Some(enabled) = flag(LAZY_LOADING, env)? {
        performance.lazy_loading = enabled;
    }
    if let Some(debug) = flag(DEBUG, env)? {
        performance.debug_timing = debug;
        performance.log_component_loads = debug;
        performance.track_memory_usage = debug;
        performance.performance_timing = debug;
    }
    if let Some(word) = value(LOG_LEVEL, env) {
        let level = LogLevel::lenient(&word).ok_or_else(|| wrong(LOG_LEVEL, &LogLevel::listed(), &word))?;
        performance.performance_log_level = Some(level.level());
    }
    Ok(performance)
}

/// Whether `PERFORMANCE_DEBUG` is on, for what begins before the options are known. A wrong value is an error later.
pub fn debugs(env: &Environment) -> bool {
    flag(DEBUG, env) == Ok(Some(true))
}

fn value(name: &str, env: &Environment) -> Option<String> {
    let value = env.get(name).filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

fn flag(name: &str, env: &Environment) -> Result<Option<bool>> {
    let Some(word) = value(name, env) else { return Ok(None) };
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Some(true)),
        "false" | "0" => Ok(Some(false)),
        _ => Err(wrong(name, "true, false, 1 or 0", &word)),
    }
}

fn wrong(name: &str, allowed: &str, word: &str) -> Error {
    let allowed = if allowed.contains(" or ") { allowed.to_owned() } else { format!("one of {allowed}") };
    Error::new(ErrorKind::Input, format!("the environment variable {name} must be {allowed}, not \"{word}\""))
}
