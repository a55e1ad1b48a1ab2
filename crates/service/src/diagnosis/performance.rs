//! What makes ohfp slow, gone through one by one, each with what was measured. It changes no file.
//!
//! `docs/src/troubleshooting.md` has a row for each name.

mod logged;
mod settings;
mod slowness;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ohfp_broker::Errors;
use ohfp_platform::disk::{self, Kind};
use ohfp_resolver::{Performance, Settings};
use ohfp_timings::milliseconds;

pub use slowness::SlownessCheck;

use super::check::{FAILED, OK, WARNING};
use crate::health::{self, Grade, HealthCheck, HealthScope, Programs};
use crate::invocation::Invocation;
use crate::session::Session;
use crate::{clock, state_dir};

/// The names of all checks, in the order of the answer.
pub const CHECKLIST: [&str; 20] = [
    "startup",
    "host",
    "snapshot",
    "catalog",
    "configuration",
    "environment",
    "lazy-loading",
    "registration",
    "eager-initialization",
    "first-access",
    "memory",
    "cache",
    "debugging",
    "log-level",
    "log-speed",
    "error-log",
    "file-system",
    "store",
    "store-log",
    "provider",
];

/// Starting a program that does nothing takes longer only where something else is wrong with the host.
const SLOW_HOST: Duration = Duration::from_millis(10);

/// Goes through the list. Where the session cannot be assembled, that is the only check.
pub fn performance(
    invocation: &Invocation,
    session: Result<&Session, Errors>,
) -> Result<Vec<SlownessCheck>, Errors> {
    let session = session?;
    let checked = health::run(invocation, Ok(session), HealthScope::Everything)?.checks;
    let options = session.container().options();
    let settings = &session.configuration.settings;

    let mut list = startup(&checked);
    list.push(host(invocation));
    list.extend(of(&checked, "snapshot", "snapshot"));
    list.push(catalog(invocation));
    list.extend(settings::checks(settings, invocation.env(), session.container().figures().registered));
    list.extend(of(&checked, "first_access", "first-access"));
    list.extend(of(&checked, "memory", "memory"));
    list.push(cache(invocation, options));
    list.push(settings::debugging(options, settings));
    list.push(log_level(options, settings));
    list.extend(of(&checked, "log", "log-speed").map(|check| sized(check, invocation.log_path().as_deref())));
    list.push(logged::errors(invocation.log_path().as_deref(), clock::now()));
    list.push(file_systems(invocation));
    list.push(store(&checked, settings));
    list.extend(of(&checked, "store_log", "store-log"));
    let providers = checked.iter().filter(|check| check.name.starts_with("provider"));
    list.extend(providers.map(|check| named(check, "provider", Some(&check.name))));
    Ok(list)
}

/// A check of the health under its name here.
fn of(checked: &[HealthCheck], name: &str, what: &'static str) -> Option<SlownessCheck> {
    checked.iter().find(|check| check.name == name).map(|check| named(check, what, None))
}

fn named(check: &HealthCheck, what: &'static str, subject: Option<&str>) -> SlownessCheck {
    let mut measured = subject.map(|subject| format!("{subject}: ")).unwrap_or_default();
    match check.measured {
        Some(found) => {
            let limits = found.bound.thresholds();
            measured += &format!(
                "{} {} (thresholds {} and {}); {}",
                found.value,
                found.unit.name(),
                limits.warning,
                limits.unhealthy,
                check.detail
            );
        }
        None => measured += &check.detail,
    }
    let status = match check.grade {
        Grade::Healthy => OK,
        // What cannot be measured at all does not work.
        Grade::Unhealthy if check.measured.is_none() => FAILED,
        Grade::Warning | Grade::Unhealthy => WARNING,
    };
    let hint = || check.hint.clone().unwrap_or_else(|| "`ohfp doctor` says more".to_owned());
    SlownessCheck { what, status, measured, fix: (status != OK).then(hint) }
}

fn startup(checked: &[HealthCheck]) -> Vec<SlownessCheck> {
    let starts = checked.iter().filter(|check| check.name.ends_with("startup_time"));
    starts.map(|check| named(check, "startup", Some(&check.name))).collect()
}

/// What starting any program costs here.
fn host(invocation: &Invocation) -> SlownessCheck {
    let what = "host";
    let took =
        Programs::beside(invocation.env()).and_then(|programs| programs.start_time(Path::new("/bin/true")));
    match took {
        Err(error) => SlownessCheck::ok(what, format!("not measured: {error}")),
        Ok(took) if took > SLOW_HOST => SlownessCheck::slow(
            what,
            format!("{} ms for a program that does nothing", milliseconds(took)),
            "this host is slow to start any program: look at its load, its memory, and what scans programs at their start",
        ),
        Ok(took) => {
            SlownessCheck::ok(what, format!("{} ms for a program that does nothing", milliseconds(took)))
        }
    }
}

/// What it takes to read and resolve all templates, which the snapshot saves.
fn catalog(invocation: &Invocation) -> SlownessCheck {
    let began = Instant::now();
    let templates = invocation.resolved().map(|resolved| resolved.templates.len());
    let took = milliseconds(began.elapsed());
    match templates {
        Ok(count) => SlownessCheck::ok("catalog", format!("{took} ms to read and resolve {count} templates")),
        Err(errors) => SlownessCheck {
            what: "catalog",
            status: FAILED,
            measured: errors.joined().summary(),
            fix: Some("`ohfp templates validate --format list` shows all findings".to_owned()),
        },
    }
}

/// Answers that need not be computed again.
fn cache(invocation: &Invocation, options: &Performance) -> SlownessCheck {
    let what = "cache";
    let off = [
        ("`performance.caching.result_cache_ttl` is 0", options.result_cache_ttl.is_zero()),
        ("`performance.caching.component_cache_size` is 0", options.component_cache_size == 0),
        ("`performance.lazy_loading.cache_instances` is false", !options.cache_instances),
    ];
    let off: Vec<&str> = off.iter().filter(|(_, is_off)| *is_off).map(|(told, _)| *told).collect();
    if !off.is_empty() {
        let fix = "leave these keys at their defaults: without a cache each poll reads the store again";
        return SlownessCheck::slow(what, off.join(", "), fix);
    }
    let file = invocation.state_directory().ok().map(|directory| state_dir::cache(&directory));
    let found = file.and_then(|file| std::fs::metadata(file).ok());
    match found {
        None => SlownessCheck::ok(what, "cold: the first request that is over fills it"),
        Some(found) => {
            let age = found.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
            let warmth = if age > options.result_cache_ttl { "cold" } else { "warm" };
            let told = format!("{warmth}: {} bytes, written {} s ago", found.len(), age.as_secs());
            SlownessCheck::ok(what, told)
        }
    }
}

fn log_level(options: &Performance, settings: &Settings) -> SlownessCheck {
    let (level, source) = (options.log_level, settings::source(settings, "logging.level"));
    let told = format!("{level}, from {source}");
    if level > tracing::Level::INFO {
        let fix = "set `logging.level` to INFO: each operation writes some twenty lines more";
        SlownessCheck::slow("log-level", told, fix)
    } else {
        SlownessCheck::ok("log-level", told)
    }
}

/// With the size of the log.
fn sized(check: SlownessCheck, log: Option<&Path>) -> SlownessCheck {
    let size = log.and_then(|path| std::fs::metadata(path).ok()).map(|found| found.len());
    let size = size.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
    SlownessCheck { measured: check.measured + &size, ..check }
}

/// Where configuration, snapshot, state, log and programs lie.
fn file_systems(invocation: &Invocation) -> SlownessCheck {
    let place = invocation.place().ok();
    let places: [(&str, Option<PathBuf>); 5] = [
        ("programs", std::env::current_exe().ok()),
        ("configuration", place.map(|place| place.origin.root.clone())),
        ("snapshot", place.and_then(|place| place.snapshot.clone())),
        ("state", invocation.state_directory().ok()),
        ("log", invocation.log_path()),
    ];
    let kinds = places.iter().filter_map(|(name, path)| {
        Some((*name, path.as_ref()?.ancestors().find_map(|path| disk::kind(path).ok())?))
    });
    let (remote, near): (Vec<_>, Vec<_>) = kinds.partition(|(_, kind)| *kind == Kind::Other);
    let names = |places: &[(&str, Kind)]| places.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if remote.is_empty() {
        return SlownessCheck::ok("file-system", format!("local: {}", names(&near)));
    }
    let local = if near.is_empty() { "none".to_owned() } else { names(&near) };
    SlownessCheck::slow(
        "file-system",
        format!("shared with other hosts or of unknown kind: {}; local: {local}", names(&remote)),
        "put snapshot (OHFP_SNAPSHOT), log (HF_PROVIDER_LOGDIR) and programs on a local disk; the state only where no \
         other host needs it",
    )
}

/// Time and size of the store are one check.
fn store(checked: &[HealthCheck], settings: &Settings) -> SlownessCheck {
    let found = of(checked, "store", "store");
    let size = of(checked, "store_size", "store");
    let days = match settings.history_days() {
        0 => "history is kept for ever".to_owned(),
        days => format!("history is kept for {days} days"),
    };
    let parts: Vec<SlownessCheck> = found.into_iter().chain(size).collect();
    let worst = parts
        .iter()
        .find(|part| part.status == FAILED)
        .or_else(|| parts.iter().find(|part| part.fix.is_some()));
    let measured =
        parts.iter().map(|part| part.measured.clone()).chain([days]).collect::<Vec<_>>().join("; ");
    let (status, fix) = worst.map_or((OK, None), |worst| (worst.status, worst.fix.clone()));
    SlownessCheck { what: "store", status, measured, fix }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Each finding can be looked up.
    #[test]
    fn every_check_has_a_row_in_the_book() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/troubleshooting.md");
        let text = fs::read_to_string(page).unwrap();
        let rows: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
            .map(|row| row.0)
            .collect();
        assert_eq!(rows, CHECKLIST);
    }
}
