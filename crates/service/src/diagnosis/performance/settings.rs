//! Settings and variables that make ohfp slow.

use ohfp_components::environment;
use ohfp_resolver::settings::performance::Mode;
use ohfp_resolver::{Environment, Performance, Settings};

use super::slowness::SlownessCheck;

/// Sections whose keys change how fast ohfp is.
const SECTIONS: [&str; 3] = ["performance", "logging", "features"];

/// Variables that do.
const VARIABLES: [&str; 5] =
    ["LAZY_LOADING_ENABLED", "PERFORMANCE_DEBUG", "PERFORMANCE_LOG_LEVEL", "OHFP_SNAPSHOT_IO", "OHFP_LIVE"];

/// The checks `configuration` to `eager-initialization`.
pub(super) fn checks(settings: &Settings, env: &Environment, registered: usize) -> Vec<SlownessCheck> {
    let written = Performance::new(settings);
    let options = environment::overridden(written.clone(), env).unwrap_or(written);
    vec![
        configuration(settings),
        variables(env),
        lazy_loading(&options, settings, env),
        registration(&options, registered),
        eager(&options),
    ]
}

/// The source of a key's value.
pub(super) fn source(settings: &Settings, key: &str) -> String {
    let setting = settings.entries().find(|setting| setting.key == key);
    setting.map(|setting| setting.source.to_string()).unwrap_or_default()
}

fn configuration(settings: &Settings) -> SlownessCheck {
    let wrong: Vec<String> =
        SECTIONS.iter().flat_map(|section| settings.problems(section)).map(|error| error.summary()).collect();
    let set: Vec<&str> = settings
        .entries()
        .filter(|setting| SECTIONS.iter().any(|section| setting.key.split('.').next() == Some(section)))
        .filter(|setting| setting.source != ohfp_resolver::SettingSource::Default)
        .map(|setting| setting.key)
        .collect();
    let told =
        if set.is_empty() { "all at their defaults".to_owned() } else { format!("set: {}", set.join(", ")) };
    let fix = "correct the value that is named; until then its default counts";
    SlownessCheck::unless_empty("configuration", &wrong, &told, fix)
}

fn variables(env: &Environment) -> SlownessCheck {
    let set = |name: &&str| env.get(name).is_some_and(|value| !value.is_empty());
    let set: Vec<&str> = VARIABLES.iter().copied().filter(set).collect();
    let told = if set.is_empty() {
        "none that matters is set".to_owned()
    } else {
        format!("set: {}", set.join(", "))
    };
    let slow = ["LAZY_LOADING_ENABLED", "PERFORMANCE_DEBUG", "PERFORMANCE_LOG_LEVEL", "OHFP_SNAPSHOT_IO"];
    if set.iter().any(|name| slow.contains(name)) {
        let fix = "unset them where Host Factory runs ohfp, unless a trial needs them";
        return SlownessCheck::slow("environment", told, fix);
    }
    SlownessCheck::ok("environment", told)
}

fn lazy_loading(options: &Performance, settings: &Settings, env: &Environment) -> SlownessCheck {
    let variable = env.get("LAZY_LOADING_ENABLED").is_some_and(|value| !value.is_empty());
    let source = if variable {
        "$LAZY_LOADING_ENABLED".to_owned()
    } else {
        source(settings, "performance.lazy_loading.enabled")
    };
    if options.lazy_loading {
        return SlownessCheck::ok("lazy-loading", format!("enabled, from {source}"));
    }
    SlownessCheck::slow(
        "lazy-loading",
        format!("disabled, from {source}"),
        "set `performance.lazy_loading.enabled` to true: without it, store, providers and catalog are loaded at each start",
    )
}

fn registration(options: &Performance, registered: usize) -> SlownessCheck {
    let told = format!("{registered} components are registered");
    if options.minimal_registration {
        return SlownessCheck::ok("registration", told);
    }
    SlownessCheck::slow(
        "registration",
        format!("{told}, the optional ones at start"),
        "set `performance.startup.minimal_registration` to true",
    )
}

fn eager(options: &Performance) -> SlownessCheck {
    let defaults = Performance::default();
    let mut found: Vec<String> = Vec::new();
    let more: Vec<&str> = options
        .preload_critical
        .iter()
        .filter(|name| !defaults.preload_critical.contains(name))
        .map(String::as_str)
        .collect();
    if !more.is_empty() {
        found.push(format!("`preload_critical` has {}", more.join(" and ")));
    }
    for (name, is_set) in [
        ("`discovery_mode` is eager", options.discovery_mode == Mode::Eager),
        ("`connection_mode` is eager", options.connection_mode == Mode::Eager),
        ("`background_loading.enabled` is true", options.background_loading),
        ("`startup.background_loading` is true", options.start_in_background),
        ("`startup.defer_heavy_operations` is false", !options.defer_heavy_operations),
    ] {
        if is_set {
            found.push(name.to_owned());
        }
    }
    SlownessCheck::unless_empty(
        "eager-initialization",
        &found,
        "nothing is loaded ahead of its use",
        "leave these keys at their defaults: a process answers one question, so what it loads ahead is seldom used",
    )
}

/// What is measured and reported at each command.
pub(super) fn debugging(options: &Performance, settings: &Settings) -> SlownessCheck {
    let on = [
        ("performance.lazy_loading.debug_timing", options.debug_timing),
        ("performance.lazy_loading.log_component_loads", options.log_component_loads),
        ("performance.lazy_loading.track_memory_usage", options.track_memory_usage),
        ("logging.performance_timing", options.performance_timing),
        ("features.monitoring", options.monitoring),
    ];
    let found: Vec<String> = on
        .iter()
        .filter(|(_, is_on)| *is_on)
        .map(|(key, _)| format!("`{key}` ({})", source(settings, key)))
        .collect();
    let fix = "set them to false, or unset PERFORMANCE_DEBUG, once the question is answered";
    SlownessCheck::unless_empty("debugging", &found, "off", fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::CheckStatus;

    fn status(checks: &[SlownessCheck], what: &str) -> CheckStatus {
        checks.iter().find(|check| check.what == what).unwrap().status
    }

    #[test]
    fn defaults_are_fast() {
        let found = checks(&Settings::default(), &Environment::default(), 4);
        assert!(
            found.iter().all(|check| check.status == CheckStatus::Ok && check.fix.is_none()),
            "{found:#?}"
        );
        assert_eq!(debugging(&Performance::default(), &Settings::default()).status, CheckStatus::Ok);
    }

    #[test]
    fn what_is_away_from_its_default_is_found() {
        let check = |variable: &str, value: &str, what: &str| {
            let env = Environment::from_iter([(variable, value)]);
            let found = checks(&Settings::default(), &env, 4);
            assert_eq!(status(&found, what), CheckStatus::Warning, "{variable}={value}: {found:#?}");
        };
        check("LAZY_LOADING_ENABLED", "false", "lazy-loading");
        check("PERFORMANCE_DEBUG", "1", "environment");
        check("PERFORMANCE_LOG_LEVEL", "DEBUG", "environment");
        let changed = |change: fn(&mut Performance)| {
            let mut options = Performance::default();
            change(&mut options);
            [
                registration(&options, 9).status,
                eager(&options).status,
                debugging(&options, &Settings::default()).status,
            ]
        };
        let (ok, slow) = (CheckStatus::Ok, CheckStatus::Warning);
        for (change, expected) in [
            ((|with| with.minimal_registration = false) as fn(&mut Performance), [slow, ok, ok]),
            (|with| with.preload_critical.push("StoragePort".to_owned()), [ok, slow, ok]),
            (|with| with.connection_mode = Mode::Eager, [ok, slow, ok]),
            (|with| with.discovery_mode = Mode::Eager, [ok, slow, ok]),
            (|with| with.background_loading = true, [ok, slow, ok]),
            (|with| with.start_in_background = true, [ok, slow, ok]),
            (|with| with.defer_heavy_operations = false, [ok, slow, ok]),
            (|with| with.debug_timing = true, [ok, ok, slow]),
            (|with| with.log_component_loads = true, [ok, ok, slow]),
            (|with| with.track_memory_usage = true, [ok, ok, slow]),
            (|with| with.performance_timing = true, [ok, ok, slow]),
            (|with| with.monitoring = true, [ok, ok, slow]),
        ] {
            assert_eq!(changed(change), expected);
        }
    }
}
