//! The metrics for scrapers: names, units and labels.
//!
//! What processes recorded only ever grows, so these are counters. What the store tells is of the window or of now, so
//! these are gauges: history is pruned, and a counter must not sink.

use ohfp_broker::Timestamp;
use ohfp_broker::activity::{Activity, Series, Step};
use ohfp_metrics::counters::Counter;
use ohfp_metrics::exposition::{Family, FamilyKind, Labels};
use ohfp_metrics::totals::Operations;

use super::report::SiteMetrics;

/// Most pairs of template and provider with samples of their own; those beyond are summed under the template `other`.
const MOST_SERIES: usize = 500;
const OTHER: &str = "other";

const MICROS: u64 = 1_000_000;
const MILLIS: u64 = 1_000;

/// All families of a report.
pub(super) fn of(report: &SiteMetrics) -> Vec<Family> {
    let mut families = of_operations(&report.view.all());
    let mut alone = |kind, name, help, value: Option<(u64, u64)>| {
        let mut family = Family::new(kind, name, help);
        if let Some((value, parts)) = value {
            family.add_parts(&[], value, parts);
        }
        families.push(family);
    };
    let since = report.view.since().and_then(|since| u64::try_from(since.millis()).ok());
    alone(
        FamilyKind::Gauge,
        "ohfp_metrics_start_time_seconds",
        "When the first process ended that the counters have, since 1970.",
        since.map(|since| (since, MILLIS)),
    );
    alone(
        FamilyKind::Counter,
        "ohfp_metrics_skipped_records_total",
        "Records of processes that were not readable.",
        Some((report.view.skipped(), 1)),
    );
    let healthy = report.store.as_ref().is_some_and(|store| store.healthy) && report.activity.is_ok();
    alone(
        FamilyKind::Gauge,
        "ohfp_store_healthy",
        "Whether the state store can be read.",
        Some((healthy.into(), 1)),
    );
    alone(
        FamilyKind::Gauge,
        "ohfp_store_size_bytes",
        "Size of the database of the state store.",
        report.store.as_ref().map(|store| (store.bytes, 1)),
    );
    let window = report.window.until().millis_since(report.window.since());
    alone(
        FamilyKind::Gauge,
        "ohfp_window_seconds",
        "Length of the window that the metrics named ohfp_window are of.",
        u64::try_from(window).ok().map(|window| (window, MILLIS)),
    );
    if let Ok(activity) = &report.activity {
        families.extend(of_activity(activity, report.window.until()));
    }
    families
}

fn of_operations(operations: &Operations) -> Vec<Family> {
    let mut count = Family::new(
        FamilyKind::Counter,
        "ohfp_operations_total",
        "Processes that ended, by operation and outcome.",
    );
    let mut latency = Family::new(
        FamilyKind::Histogram,
        "ohfp_operation_duration_seconds",
        "Time from the start of the program to its end.",
    );
    let mut cpu =
        Family::new(FamilyKind::Counter, "ohfp_operation_cpu_seconds_total", "Processor time of processes.");
    let mut peak = Family::new(
        FamilyKind::Gauge,
        "ohfp_operation_peak_memory_bytes",
        "Largest resident set of any process so far.",
    );
    let mut snapshot = Family::new(
        FamilyKind::Counter,
        "ohfp_snapshot_lookups_total",
        "What live processes had from the snapshot, or why it was not used.",
    );
    let mut counted: Vec<(Family, Counter, u64)> = COUNTED
        .iter()
        .map(|(counter, name, help, parts)| (Family::new(FamilyKind::Counter, name, help), *counter, *parts))
        .collect();
    for (operation, tally) in operations {
        let label = ("operation", operation.as_str());
        for (outcome, number) in &tally.outcomes {
            count.add(&[label, ("outcome", outcome)], *number);
        }
        for (result, number) in &tally.snapshot {
            snapshot.add(&[label, ("result", result)], *number);
        }
        latency.add_histogram(&[label], &tally.latency, MICROS);
        cpu.add_parts(&[label], tally.cpu_micros, MICROS);
        peak.add(&[label], tally.peak_bytes);
        for (family, counter, parts) in &mut counted {
            family.add_parts(&[label], tally.counted(*counter), *parts);
        }
    }
    let mut families = vec![count, latency, cpu, peak, snapshot];
    families.extend(counted.into_iter().map(|(family, ..)| family));
    families
}

/// Counters of processes: name, help, and parts of the unit.
const COUNTED: &[(Counter, &str, &str, u64)] = &[
    (Counter::ComponentLoads, "ohfp_component_loads_total", "Components that were built.", 1),
    (Counter::ComponentFailures, "ohfp_component_failures_total", "Components that could not be built.", 1),
    (Counter::CacheHits, "ohfp_result_cache_hits_total", "Answers that came from the result cache.", 1),
    (
        Counter::CacheMisses,
        "ohfp_result_cache_misses_total",
        "Answers that the result cache did not have.",
        1,
    ),
    (Counter::LockWaits, "ohfp_store_lock_waits_total", "Times that the write lock was waited for.", 1),
    (
        Counter::LockWaitMicros,
        "ohfp_store_lock_wait_seconds_total",
        "Time that the write lock was waited for.",
        MICROS,
    ),
    (Counter::ProviderCalls, "ohfp_provider_calls_total", "Calls of providers.", 1),
    (
        Counter::ProviderMicros,
        "ohfp_provider_call_seconds_total",
        "Time that calls of providers took.",
        MICROS,
    ),
    (Counter::ProviderErrors, "ohfp_provider_errors_total", "Calls of providers that failed.", 1),
    (Counter::ProviderRetries, "ohfp_provider_retries_total", "Attempts of calls after the first one.", 1),
    (Counter::ProviderThrottles, "ohfp_provider_throttles_total", "Attempts that the provider throttled.", 1),
    (
        Counter::ProviderPauses,
        "ohfp_provider_paused_calls_total",
        "Calls that were not made, since their endpoint is left alone after failures in a row (the breaker is open).",
        1,
    ),
];

/// A family of the store, with the samples that a series adds to it.
struct OfSeries {
    family: Family,
    add: fn(&mut Family, Labels<'_>, &Series, &Step, Timestamp),
}

impl OfSeries {
    fn new(
        name: &'static str,
        help: &'static str,
        add: fn(&mut Family, Labels<'_>, &Series, &Step, Timestamp),
    ) -> Self {
        Self { family: Family::new(FamilyKind::Gauge, name, help), add }
    }
}

fn of_activity(activity: &Activity, now: Timestamp) -> Vec<Family> {
    let mut families = of_series();
    let (own, rest) = activity.series.split_at(activity.series.len().min(MOST_SERIES));
    let rest = (!rest.is_empty()).then(|| together(rest));
    for series in own.iter().chain(&rest) {
        let labels = [("template", series.template.as_str()), ("provider", series.provider.as_str())];
        let total = series.total();
        for OfSeries { family, add } in &mut families {
            add(family, &labels, series, &total, now);
        }
    }
    let mut returns = Family::new(FamilyKind::Gauge, "ohfp_open_returns", "Returns that are not over.");
    returns.add(&[], activity.open_returns);
    families.into_iter().map(|of| of.family).chain([returns]).collect()
}

fn of_series() -> Vec<OfSeries> {
    vec![
        OfSeries::new(
            "ohfp_machines",
            "Machines that are not terminated, by state.",
            |family, labels, series, _, _| {
                by(family, labels, "state", &series.machines);
            },
        ),
        OfSeries::new("ohfp_open_requests", "Requests that are not over.", |family, labels, series, _, _| {
            family.add(labels, series.open_requests);
        }),
        OfSeries::new(
            "ohfp_oldest_open_request_age_seconds",
            "Age of the oldest request that is not over.",
            |family, labels, series, _, now| {
                let age = series.oldest_open.map(|oldest| now.millis_since(oldest));
                if let Some(age) = age.and_then(|age| u64::try_from(age).ok()) {
                    family.add_parts(labels, age, MILLIS);
                }
            },
        ),
        OfSeries::new("ohfp_window_requests", "Requests that were made.", |family, labels, _, step, _| {
            family.add(labels, step.requests);
        }),
        OfSeries::new(
            "ohfp_window_requested_machines",
            "Machines, or units, that were requested.",
            |family, labels, _, step, _| family.add(labels, step.requested),
        ),
        OfSeries::new(
            "ohfp_window_delivered_machines",
            "Machines, or units, that came up.",
            |family, labels, _, step, _| family.add(labels, step.delivered),
        ),
        OfSeries::new(
            "ohfp_window_missing_machines",
            "Machines, or units, that requests lacked when they ended, by the main reason.",
            |family, labels, _, step, _| by(family, labels, "reason", &step.missing),
        ),
        OfSeries::new(
            "ohfp_window_ended_requests",
            "Requests that ended, by state.",
            |family, labels, _, step, _| by(family, labels, "state", &step.ended),
        ),
        OfSeries::new(
            "ohfp_window_ended_machines",
            "Machines that began to end, by who ended them.",
            |family, labels, _, step, _| {
                for (reason, count) in [
                    ("returned", step.returned),
                    ("reclaimed", step.reclaimed),
                    ("failed_to_start", step.failed_to_start),
                    ("released", step.released),
                    ("orphaned", step.orphaned),
                ] {
                    family.add(&[labels, &[("reason", reason)]].concat(), count);
                }
            },
        ),
        OfSeries {
            family: Family::new(
                FamilyKind::Summary,
                "ohfp_window_time_to_running_seconds",
                "Time from a request to its machines running.",
            ),
            add: |family, labels, _, step, _| family.add_quantiles(labels, &step.to_running, MILLIS),
        },
    ]
}

fn by<'n>(
    family: &mut Family,
    labels: Labels<'_>,
    label: &'static str,
    counts: impl IntoIterator<Item = (&'n &'static str, &'n u64)>,
) {
    for (name, count) in counts {
        family.add(&[labels, &[(label, name)]].concat(), *count);
    }
}

/// Several series as one.
fn together(series: &[Series]) -> Series {
    let mut sum = Series {
        template: OTHER.to_owned(),
        provider: OTHER.to_owned(),
        steps: series.iter().flat_map(|series| series.steps.iter().cloned()).collect(),
        machines: std::collections::BTreeMap::new(),
        open_requests: series.iter().map(|series| series.open_requests).sum(),
        oldest_open: series.iter().filter_map(|series| series.oldest_open).min(),
    };
    for (state, count) in series.iter().flat_map(|series| &series.machines) {
        *sum.machines.entry(state).or_default() += count;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ohfp_broker::activity::Window;
    use ohfp_metrics::{HostMetrics, ProcessRecord, Tally};

    use super::*;

    /// Every name that a scraper may see.
    fn names() -> BTreeSet<&'static str> {
        let at = Timestamp::from_millis;
        let window = Window::whole(at(0), at(1)).unwrap();
        let activity = ohfp_broker::activity::Collector::new(window).finish();
        let view = HostMetrics::new(std::path::Path::new("/nonexistent")).view();
        let report = SiteMetrics { window, view, activity: Ok(activity), store: None };
        of(&report).iter().map(Family::name).collect()
    }

    /// The names in a text, without what a histogram adds to them.
    fn used(text: &str) -> BTreeSet<&str> {
        let is_part = |character: char| character.is_ascii_lowercase() || character == '_';
        let words =
            text.split(|character: char| !is_part(character)).filter(|word| word.starts_with("ohfp_"));
        let base = |word| ["_bucket", "_sum", "_count"].iter().find_map(|end| str::strip_suffix(word, end));
        words.map(|word| base(word).unwrap_or(word)).collect()
    }

    /// What the dashboard and the alert rules ask for is there, and every metric is on the dashboard or in the book.
    #[test]
    fn dashboard_and_rules_name_what_there_is() {
        let names = names();
        let dashboard = include_str!("../../../../docs/src/monitoring/ohfp-dashboard.json");
        let rules = include_str!("../../../../docs/src/monitoring/ohfp-alerts.yml");
        let book = include_str!("../../../../docs/src/monitoring.md");
        for (what, text) in [("dashboard", dashboard), ("rules", rules), ("book", book)] {
            let used = used(text);
            let unknown: Vec<&&str> =
                used.iter().filter(|name| !names.contains(**name) && **name != "ohfp_window").collect();
            assert!(!used.is_empty() && unknown.is_empty(), "{what}: {unknown:?}");
        }
        let book = used(book);
        let missing: Vec<_> = names.iter().filter(|name| !book.contains(**name)).collect();
        assert!(missing.is_empty(), "the book does not name {missing:?}");
    }

    #[test]
    fn names_follow_the_conventions() {
        for name in names() {
            let parts: Vec<&str> = name.split('_').collect();
            assert_eq!(parts[0], "ohfp", "{name}");
            assert!(
                !["ms", "micros", "kib", "mb", "millis"].iter().any(|unit| parts.contains(unit)),
                "{name}"
            );
        }
    }

    /// A site with thousands of templates has no more series than a scraper can bear.
    #[test]
    fn labels_are_bounded() {
        let at = Timestamp::from_millis;
        let window = Window::whole(at(0), at(100)).unwrap();
        let mut collector = ohfp_broker::activity::Collector::new(window);
        for number in 0..2_000 {
            let request = ohfp_broker::Request {
                template_id: Some(format!("t-{number:04}")),
                provider: Some("aws".to_owned()),
                ..ohfp_broker::Request::new(
                    ohfp_broker::RequestId::from_text(format!("req-{number}")),
                    ohfp_broker::RequestKind::Acquire,
                    2,
                    at(1),
                    at(9),
                )
            };
            collector.request(&(&request).into());
        }
        let families = of_activity(&collector.finish(), at(100));
        let text =
            ohfp_metrics::exposition::document(&families, ohfp_metrics::exposition::Exposition::Prometheus);
        let requested: Vec<&str> =
            text.lines().filter(|line| line.starts_with("ohfp_window_requested_machines{")).collect();
        assert_eq!(requested.len(), MOST_SERIES + 1);
        let rest = r#"ohfp_window_requested_machines{template="other",provider="other"} 3000"#;
        assert_eq!(requested.last(), Some(&rest));
    }

    #[test]
    fn a_record_is_in_its_families() {
        let mut tally = Tally::default();
        tally.add(&ProcessRecord { wall_micros: 2_500, cpu_micros: 1_500, ..ProcessRecord::default() });
        let families = of_operations(&Operations::from([("requestMachines".to_owned(), tally)]));
        let text =
            ohfp_metrics::exposition::document(&families, ohfp_metrics::exposition::Exposition::Prometheus);
        for line in [
            r#"ohfp_operations_total{operation="requestMachines",outcome="ok"} 1"#,
            r#"ohfp_operation_duration_seconds_bucket{operation="requestMachines",le="0.003"} 1"#,
            r#"ohfp_operation_duration_seconds_sum{operation="requestMachines"} 0.0025"#,
            r#"ohfp_operation_cpu_seconds_total{operation="requestMachines"} 0.0015"#,
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in\n{text}");
        }
    }
}
