//! What a site needs beside ohfp: store, log, providers, disk, clock.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use ohfp_broker::operations::Providers as _;
use ohfp_broker::provider::Health;
use ohfp_broker::store::RequestFilter;
use ohfp_platform::disk;
use ohfp_timings::milliseconds;

use super::check::{Bound, Grade, HealthCheck, Unit};
use super::limits::HealthLimits;
use super::own_cost::mebibytes;
use crate::clock;
use crate::diagnosis;
use crate::invocation::Invocation;
use crate::session::Session;
use crate::site_store::SiteStore;

/// No site has been installed before: a clock that tells an earlier time is not set. 2024-01-01, in milliseconds.
const EARLIEST: i64 = 1_704_067_200_000;

/// The state store: whether it can be used, how fast, and how large it is. Gives the opened store, too.
pub(super) fn store(session: &Session, limits: &HealthLimits) -> (Vec<HealthCheck>, Option<SiteStore>) {
    if !session.configuration.settings.database_support() {
        let check = HealthCheck::stated(
            "store",
            Grade::Warning,
            "disabled: only operations on templates and configuration work",
        );
        return (vec![check.hint("set `features.database_support` in config.json to true")], None);
    }
    let began = Instant::now();
    let store = match session.store() {
        Ok(store) => store,
        Err(error) => {
            let check = HealthCheck::stated("store", Grade::Unhealthy, error.summary());
            let hint = error.hint_text().unwrap_or("`ohfp doctor` checks what it needs");
            return (vec![check.hint(hint)], None);
        }
    };
    let health = store.health();
    let took = began.elapsed();
    let health = diagnosis::completed(health, store.file());
    if !health.healthy {
        let check = HealthCheck::stated("store", Grade::Unhealthy, health.problems.join("; "));
        return (vec![check.hint("`ohfp doctor` says what to do")], None);
    }
    let what =
        if health.exists { "opened and read" } else { "does not exist yet; the first request creates it" };
    let mut checks = vec![HealthCheck::measured(
        "store",
        milliseconds(took),
        Unit::Milliseconds,
        Bound::AtMost(limits.store_time),
        format!("{} {what}", health.path),
        "put the state on a local disk; `ohfp storage test` measures each step of a write",
    )];
    if health.exists {
        checks.push(HealthCheck::measured(
            "store_size",
            mebibytes(health.bytes),
            Unit::Mebibytes,
            Bound::AtMost(limits.store_size),
            "the database file",
            "lower `storage.history_days`, so that finished requests are forgotten sooner",
        ));
        checks.push(HealthCheck::measured(
            "store_log",
            mebibytes(health.log_bytes),
            Unit::Mebibytes,
            Bound::AtMost(limits.store_log),
            "the write-ahead log",
            "look for a process that keeps the store open: it keeps the log from being carried over",
        ));
    }
    (checks, health.exists.then(|| (*store).clone()))
}

/// The log. A missing one does not prevent requests.
pub(super) fn log(session: &Session, limits: &HealthLimits) -> HealthCheck {
    let path = match session.log().map(|log| log.0.clone()) {
        Err(error) => return HealthCheck::stated("log", Grade::Unhealthy, error.summary()),
        Ok(None) => {
            return HealthCheck::stated("log", Grade::Warning, "nothing is logged")
                .hint("set HF_PROVIDER_LOGDIR or HOME");
        }
        Ok(Some(path)) => path,
    };
    let began = Instant::now();
    let problem = diagnosis::log_problem(&path);
    let took = began.elapsed();
    match problem {
        Some(problem) => HealthCheck::stated(
            "log",
            Grade::Warning,
            format!("nothing can be logged to `{}`: {problem}", path.display()),
        )
        .hint("`ohfp doctor` says how to mend that"),
        None => HealthCheck::measured(
            "log",
            milliseconds(took),
            Unit::Milliseconds,
            Bound::AtMost(limits.log),
            format!("{} opened", path.display()),
            "name a directory on a local disk in HF_PROVIDER_LOGDIR",
        ),
    }
}

/// A check for each enabled provider, which is called.
pub(super) fn providers(session: &Session, limits: &HealthLimits) -> Vec<HealthCheck> {
    let registry = match session.providers() {
        Ok(registry) => registry,
        Err(error) => return vec![HealthCheck::stated("providers", Grade::Unhealthy, error.summary())],
    };
    let names = registry.names();
    if names.is_empty() {
        return vec![
            HealthCheck::stated("providers", Grade::Unhealthy, "no provider is enabled")
                .hint("set `enabled` of a provider in config.json to true"),
        ];
    }
    let check = |name: &String| {
        let began = Instant::now();
        let Health { healthy, detail } = registry.health(name, clock::now(), session.deadline());
        let took = began.elapsed();
        let called = format!("provider {name}");
        if !healthy {
            return HealthCheck::stated(called, Grade::Unhealthy, detail)
                .hint(format!("`ohfp providers show {name}` shows its settings; the log has its errors"));
        }
        HealthCheck::measured(
            called,
            milliseconds(took),
            Unit::Milliseconds,
            Bound::AtMost(limits.provider),
            detail,
            "its service or the network is slow; the log has throttles and timeouts",
        )
    };
    names.iter().map(check).collect()
}

/// Free space where state and log are; the log's only where it is on a file system of its own.
pub(super) fn disks(invocation: &Invocation, session: &Session, limits: &HealthLimits) -> Vec<HealthCheck> {
    let state = invocation.state_directory().ok().map(|path| existing(&path));
    let log = session.log().ok().and_then(|log| log.0.as_deref().map(existing));
    let device = |path: &PathBuf| fs::metadata(path).ok().map(|at| at.dev());
    let shared = state.as_ref().and_then(device);
    let log = log.filter(|path| shared.is_none() || device(path) != shared);
    let places = [("disk", state), ("log_disk", log)];
    let found = places.iter().filter_map(|(name, path)| Some((*name, path.as_deref()?)));
    found.flat_map(|(name, path)| disk(name, path, limits)).collect()
}

fn disk(name: &str, path: &Path, limits: &HealthLimits) -> Vec<HealthCheck> {
    let space = match disk::space(path) {
        Ok(space) => space,
        Err(error) => {
            let told = format!("`{}` cannot be looked at: {error}", path.display());
            return vec![HealthCheck::stated(name, Grade::Unhealthy, told)];
        }
    };
    let hint = format!("free some space on the file system of `{}`", path.display());
    let mut checks = vec![HealthCheck::measured(
        name,
        mebibytes(space.free_bytes),
        Unit::Mebibytes,
        Bound::AtLeast(limits.disk),
        format!("free for `{}`", path.display()),
        &hint,
    )];
    #[expect(clippy::cast_precision_loss, reason = "compared with a small threshold")]
    checks.extend(space.free_inodes.map(|free| {
        HealthCheck::measured(
            format!("{name}_files"),
            free as f64,
            Unit::Count,
            Bound::AtLeast(limits.inodes),
            format!("files that can still be created for `{}`", path.display()),
            &hint,
        )
    }));
    checks
}

/// The directory of a path that exists.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// The clock, against what was written last: files of store and log, and the newest request.
pub(super) fn clock(session: &Session, store: Option<&SiteStore>, limits: &HealthLimits) -> HealthCheck {
    let now = clock::now().millis();
    if now < EARLIEST {
        return HealthCheck::stated("clock", Grade::Unhealthy, "the clock of this host is not set")
            .hint("start a time service, such as chronyd");
    }
    let written = |path: &Path| {
        let since = fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    };
    let mut last: Vec<i64> = Vec::new();
    last.extend(session.log().ok().and_then(|log| written(log.0.as_deref()?)));
    if let Some(store) = store {
        last.extend(store.file().and_then(written));
        let newest = store.requests(&RequestFilter { limit: Some(1), ..RequestFilter::default() });
        last.extend(newest.unwrap_or_default().iter().map(|view| view.request.created.millis()));
    }
    let behind = last.into_iter().max().unwrap_or(now).saturating_sub(now).max(0);
    let behind = Duration::from_millis(u64::try_from(behind).unwrap_or(0));
    HealthCheck::measured(
        "clock",
        behind.as_secs_f64(),
        Unit::Seconds,
        Bound::AtMost(limits.clock),
        "behind what store and log have as their last change",
        "set the clocks of this host and of its file server by one time service; deadlines depend on them",
    )
}
