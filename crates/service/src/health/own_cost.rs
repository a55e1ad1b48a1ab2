//! What ohfp itself costs: start, first access to components, memory, failed loads, and whether the snapshot is used.

use std::path::Path;

use ohfp_broker::operations::Providers as _;
use ohfp_resolver::{Refresh, Trail};
use ohfp_snapshot_builder::freshness::{self, Scrutiny};
use ohfp_timings::milliseconds;

use super::check::{Bound, Grade, HealthCheck, Unit};
use super::limits::HealthLimits;
use super::programs::Programs;
use crate::invocation::Invocation;
use crate::metrics;
use crate::session::Session;

/// Loads what a typical operation needs, so that there is something to judge. A component that fails is counted.
pub(super) fn touch(session: &Session) {
    let _ = session.requests().map(|requests| requests.providers.names());
    let _ = session.templates();
}

/// Start times of the programs, as their callers see them.
pub(super) fn start(programs: &Programs<'_>, limits: &HealthLimits) -> [HealthCheck; 2] {
    let check = |name: &str, program: &Path, hint: &str| match programs.start_time(program) {
        Ok(time) => HealthCheck::measured(
            name,
            milliseconds(time),
            Unit::Milliseconds,
            Bound::AtMost(limits.startup),
            format!("`{} --version`, median of 5 runs from start to end", program.display()),
            hint,
        ),
        Err(error) => HealthCheck::stated(
            name,
            Grade::Unhealthy,
            format!("cannot run `{}`: {error}", program.display()),
        )
        .hint("install ohfp, ohfp-live and ohfp-snapshot beside each other"),
    };
    [
        check(
            "startup_time",
            &programs.runtime,
            "`ohfp doctor --performance` goes through what makes a start slow",
        ),
        check(
            "live_startup_time",
            &programs.live,
            "put the programs on a local file system; `ohfp doctor --performance` says more",
        ),
    ]
}

/// The components of this process, and its memory; failed loads of all processes of the last hour.
pub(super) fn components(
    invocation: &Invocation,
    session: &Session,
    limits: &HealthLimits,
) -> Vec<HealthCheck> {
    let figures = session.container().figures();
    let (slowest, took) = figures.slowest.unwrap_or(("none", std::time::Duration::ZERO));
    let mut checks = vec![HealthCheck::measured(
        "first_access",
        milliseconds(took),
        Unit::Milliseconds,
        Bound::AtMost(limits.first_access),
        format!("slowest of {} loads: {slowest}", figures.loads),
        "`ohfp system metrics` shows the time of each component, `--timings` that of each phase",
    )];
    checks.extend(ohfp_timings::peak_resident().map(|peak| {
        HealthCheck::measured(
            "memory",
            mebibytes(peak),
            Unit::Mebibytes,
            Bound::AtMost(limits.memory),
            "most that this process had resident",
            "lower `performance.caching.memory_limit_mb`, and turn off what is loaded ahead of its use",
        )
    }));
    let recorded = metrics::failed_loads(invocation, &session.configuration.settings);
    #[expect(clippy::cast_precision_loss, reason = "failures are few")]
    checks.push(HealthCheck::measured(
        "failed_loads",
        figures.failures.saturating_add(recorded) as f64,
        Unit::Count,
        Bound::AtMost(limits.failed_loads),
        "components that could not be built: in this process, and as recorded in the last hour",
        "the log names the component and the reason; `ohfp doctor` checks what it needs",
    ));
    checks
}

/// Whether the runtime answers from the snapshot.
pub(super) fn snapshot(
    invocation: &Invocation,
    session: &Session,
    programs: Option<&Programs<'_>>,
    limits: &HealthLimits,
) -> HealthCheck {
    let healthy = |detail: &str| HealthCheck::stated("snapshot", Grade::Healthy, detail);
    let unused = |detail: String, hint: &str| {
        let check = HealthCheck::stated("snapshot", limits.unused_snapshot.into(), detail);
        if check.grade == Grade::Healthy { check } else { check.hint(hint) }
    };
    if !invocation.may_use_snapshot() {
        return healthy("not asked, as the command line says");
    }
    if session.configuration.settings.refresh() == Refresh::Never {
        return healthy("not used, as `snapshot.refresh` says");
    }
    let Ok(place) = invocation.place() else {
        return unused("not known without a configuration".to_owned(), "`ohfp doctor` says more");
    };
    let Some(path) = &place.snapshot else {
        return unused("no path is configured".to_owned(), "name a file in OHFP_SNAPSHOT");
    };
    let (verdict, _) =
        freshness::assess(path, place, invocation.env(), Scrutiny::JustRead(&Trail::default()));
    let shown = path.display();
    if let Some(reason) = verdict.reason() {
        let hint = "`ohfp-snapshot build` rebuilds it; `ohfp doctor` says what keeps it from being used";
        return unused(format!("{shown} is not used: {reason}"), hint);
    }
    match programs {
        Some(programs) if !programs.answers_from_snapshot() => unused(
            format!("{shown} is fresh, but `{}` does not answer from it", programs.runtime.display()),
            "turn off `logging.performance_timing`, `debug_timing` and PERFORMANCE_DEBUG, which only ohfp-live answers; \
             `ohfp-snapshot verify` checks every byte",
        ),
        _ => healthy(&format!("{shown} is fresh and used")),
    }
}

/// Bytes in MiB.
pub(super) fn mebibytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown with three decimals")]
    let bytes = bytes as f64;
    bytes / f64::from(1 << 20)
}
