//! Metrics of this site across processes: the record of this one, and what all of them and the store come to.
//!
//! A record is appended once the answer is out, and whatever keeps it from being written changes nothing about that.

mod families;
mod report;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use ohfp_broker::{Error, ErrorKind, Result, Timestamp};
use ohfp_metrics::counters::{self, Counter};
use ohfp_metrics::exposition;
use ohfp_metrics::totals::Operations;
use ohfp_metrics::{HostMetrics, Outcome, ProcessRecord, Tally};
use ohfp_platform::files::{Refused, Replacement};
use ohfp_resolver::Settings;
use serde_json::Value;

pub use ohfp_metrics::Operation;
pub use ohfp_metrics::exposition::Exposition;
pub use report::SiteMetrics;

use crate::clock;
use crate::invocation::Invocation;
use crate::session::Session;

/// The window of reports that name no other, in milliseconds: an hour.
pub const WINDOW_MILLIS: i64 = 3_600_000;

/// A text file that `metrics.textfile` names is not replaced more often than this.
const TEXTFILE_INTERVAL: Duration = Duration::from_secs(15);

/// How this process ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// What it was asked for.
    pub operation: Operation,
    /// Its exit code.
    pub code: u8,
    /// The kind of its first error.
    pub error: Option<ErrorKind>,
    /// When its program began.
    pub start: Instant,
}

/// Appends the record of this process where `metrics.enabled` allows it, and writes the file that `metrics.textfile`
/// names. In a state directory that does not exist, or cannot be written, there is no record.
pub fn record(invocation: &Invocation, session: Option<&Session>, ended: &Ended) {
    let settings = invocation.known_settings();
    if settings.is_some_and(|settings| !settings.metrics_enabled()) {
        return;
    }
    let Ok(directory) = invocation.state_directory() else { return };
    if let Some((loads, failures)) = session.map(|session| session.container().loads()) {
        counters::add(Counter::ComponentLoads, loads);
        counters::add(Counter::ComponentFailures, failures);
    }
    let record = ProcessRecord {
        operation: ended.operation,
        outcome: Outcome::of(ended.code, ended.error),
        code: ended.code,
        ..ProcessRecord::of_this_process().since(ended.start)
    };
    // Where there is no state store, its directory may be that of a file system that is not mounted.
    let has_store = || session.is_some_and(|session| session.store().is_ok_and(|store| store.exists()));
    if let Some(news) = HostMetrics::new(&directory).record(&record, has_store) {
        tracing::warn!("{news}");
    }
    if let Some(session) = session {
        write_textfile(session);
    }
}

/// Writes the file that `metrics.textfile` names, unless that was done a moment ago. Errors go to the log only.
fn write_textfile(session: &Session) {
    let Some(path) = session.configuration.settings.metrics_textfile().map(Path::new) else { return };
    let age = fs::metadata(path).and_then(|file| file.modified()).ok().and_then(|at| at.elapsed().ok());
    if age.is_some_and(|age| age < TEXTFILE_INTERVAL) {
        return;
    }
    let now = clock::now();
    let written = SiteMetrics::gather(session, now.plus_millis(-WINDOW_MILLIS), now)
        .and_then(|report| textfile(path, &report));
    if let Err(error) = written {
        tracing::warn!(error = error.summary(), "`metrics.textfile` is not written");
    }
}

/// What the processes of one operation have cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCost {
    /// The operation.
    pub operation: String,
    /// How many processes.
    pub count: u64,
    /// How many of them failed.
    pub failed: u64,
    /// The times that half, nine of ten and 99 of 100 of them did not exceed, in microseconds.
    pub latency: Option<[u64; 3]>,
    /// Mean processor time of those whose time was taken, in microseconds; 0 where there is none.
    pub cpu_micros: u64,
    /// The largest resident set, in bytes.
    pub peak_bytes: u64,
}

/// What was recorded within a window, the most frequent operation first; `None` where `metrics.enabled` is off.
///
/// # Errors
/// [`ErrorKind::Input`] where no state directory is known.
pub fn costs(session: &Session, since: Timestamp, until: Timestamp) -> Result<Option<Vec<RecordedCost>>> {
    let Some(operations) = recorded(&session.invocation, &session.configuration.settings, since, until)?
    else {
        return Ok(None);
    };
    let cost = |(operation, tally): (&String, &Tally)| {
        let quantiles = [0.5, 0.9, 0.99].map(|share| tally.latency.quantile(share));
        RecordedCost {
            operation: operation.clone(),
            count: tally.count,
            failed: tally.failed(),
            latency: if let [Some(half), Some(most), Some(nearly)] = quantiles {
                Some([half, most, nearly])
            } else {
                None
            },
            cpu_micros: tally.mean_cpu_micros().unwrap_or(0),
            peak_bytes: tally.peak_bytes,
        }
    };
    let mut costs: Vec<RecordedCost> = operations.iter().map(cost).collect();
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.count));
    Ok(Some(costs))
}

/// How many components the processes of the last hour could not build, as far as that is recorded.
pub(crate) fn failed_loads(invocation: &Invocation, settings: &Settings) -> u64 {
    let now = clock::now();
    let operations = recorded(invocation, settings, now.plus_millis(-WINDOW_MILLIS), now).ok().flatten();
    let failures = |tally: &Tally| tally.counted(Counter::ComponentFailures);
    operations.map_or(0, |operations| operations.values().map(failures).sum())
}

/// What was recorded within a window; `None` where `metrics.enabled` is off.
fn recorded(
    invocation: &Invocation,
    settings: &Settings,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Operations>> {
    if !settings.metrics_enabled() {
        return Ok(None);
    }
    let view = HostMetrics::new(&invocation.state_directory()?).view();
    Ok(Some(view.within(since, until).0))
}

/// What all processes of this host have cost, by operation; empty where no state directory is known.
pub fn operations(invocation: &Invocation) -> Value {
    let view = invocation.state_directory().map(|directory| HostMetrics::new(&directory).view());
    report::by_name(&view.unwrap_or_default().all())
}

/// Replaces a file by the report, as the textfile collector of `node_exporter` reads it.
///
/// # Errors
/// [`ErrorKind::System`] where it cannot be written.
pub fn textfile(path: &Path, report: &SiteMetrics) -> Result<()> {
    let replaced = || -> std::result::Result<(), Refused> {
        let mut new = Replacement::keeping(path)?;
        new.file().write_all(text(report, Exposition::Prometheus).as_bytes())?;
        Ok(new.commit_unsynced()?)
    };
    replaced().map_err(|refused| {
        Error::new(ErrorKind::System, format!("cannot write the text file `{}`", path.display()))
            .cause(refused)
    })
}

/// The report in a text format for scrapers.
pub fn text(report: &SiteMetrics, format: Exposition) -> String {
    exposition::document(&families::of(report), format)
}

/// A point in time so many milliseconds ago.
pub fn ago(now: Timestamp, millis: u64) -> Timestamp {
    now.plus_millis(i64::try_from(millis).map_or(i64::MIN + 1, |millis| -millis))
}
