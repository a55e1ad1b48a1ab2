//! What is known of a window of time, from records and store, as one document.

use ohfp_broker::activity::{Activity, Series, Step, Window};
use ohfp_broker::administration::StoreHealth;
use ohfp_broker::{Result, Timestamp};
use ohfp_metrics::counters::Counter;
use ohfp_metrics::totals::Operations;
use ohfp_metrics::{HostMetrics, Recorded, Tally};
use serde_json::{Map, Value, json};

use crate::session::Session;

/// Metrics of a window of time.
pub struct SiteMetrics {
    /// The window, in one step.
    pub window: Window,
    /// What processes recorded.
    pub view: Recorded,
    /// What the store tells, or why it does not.
    pub activity: Result<Activity>,
    /// How the store is doing; `None` where it cannot be opened.
    pub store: Option<StoreHealth>,
}

impl SiteMetrics {
    /// Reads records and store. What the store cannot tell is in the report.
    ///
    /// # Errors
    /// [`ErrorKind::Input`](ohfp_broker::ErrorKind::Input) for a window that ends before it begins, or where no state
    /// directory is known.
    pub fn gather(session: &Session, since: Timestamp, until: Timestamp) -> Result<Self> {
        let window = Window::whole(since, until)?;
        let view = HostMetrics::new(&session.invocation.state_directory()?).ask(until);
        let store = session.store();
        let activity = match &store {
            Ok(store) => store.activity(&window),
            Err(error) => Err(error.clone()),
        };
        let store = store.ok().map(|store| store.health());
        Ok(Self { window, view, activity, store })
    }

    /// As one document.
    pub fn document(&self) -> Value {
        let (operations, begins) = self.view.within(self.window.since(), self.window.until());
        let mut document = json!({
            "since": self.window.since(),
            "until": self.window.until(),
            "operations_since": begins,
            "counted_since": self.view.since(),
            "operations": self::operations(&operations),
        });
        let Some(fields) = document.as_object_mut() else { return document };
        if let Ok(activity) = &self.activity {
            fields.extend(of_store(activity));
        }
        fields.insert("notes".to_owned(), json!(self.notes()));
        document
    }

    /// What an operator has to know about these numbers.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.view.notes();
        if let Err(error) = &self.activity {
            notes.push(format!("the store does not tell: {}", error.summary()));
        }
        notes
    }

    /// The operations by themselves, as rows of a table.
    pub fn operation_rows(&self) -> Value {
        let (operations, _) = self.view.within(self.window.since(), self.window.until());
        let rows = operations.iter().map(|(operation, tally)| {
            json!({
                "operation": operation, "count": tally.count, "failed": tally.failed(),
                "p50_ms": of_micros(tally.latency.quantile(0.5)), "p99_ms": of_micros(tally.latency.quantile(0.99)),
                "cpu_ms": of_micros(tally.mean_cpu_micros()), "peak_mib": tally.peak_bytes >> 20,
                "provider_calls": tally.counted(Counter::ProviderCalls),
                "provider_errors": tally.counted(Counter::ProviderErrors),
            })
        });
        json!({ "operations": rows.collect::<Vec<_>>() })
    }

    /// The templates by themselves, as rows of a table; `None` where the store does not tell.
    pub fn template_rows(&self) -> Option<Value> {
        let activity = self.activity.as_ref().ok()?;
        let rows = activity.series.iter().map(|series| {
            let total = series.total();
            let missing: u64 = total.missing.values().sum();
            json!({
                "template": series.template, "provider": series.provider,
                "machines": series.machines.values().sum::<u64>(), "open": series.open_requests,
                "requested": total.requested, "delivered": total.delivered, "missing": missing,
                "up_p50_s": seconds(total.to_running.quantile(0.5)), "up_p90_s": seconds(total.to_running.quantile(0.9)),
                "returned": total.returned, "reclaimed": total.reclaimed, "orphaned": total.orphaned,
            })
        });
        Some(json!({ "templates": rows.collect::<Vec<_>>() }))
    }
}

fn operations(operations: &Operations) -> Value {
    operations.iter().map(|(name, tally)| operation(name, tally)).collect()
}

/// The main numbers of each operation, by its name.
pub(super) fn by_name(operations: &Operations) -> Value {
    let rows = operations.iter().map(|(name, tally)| {
        let quantile = |share| of_micros(tally.latency.quantile(share));
        let row = json!({
            "count": tally.count, "failed": tally.failed(), "p50_ms": quantile(0.5), "p99_ms": quantile(0.99),
            "cpu_ms": of_micros(tally.mean_cpu_micros()), "peak_bytes": tally.peak_bytes,
        });
        (name.clone(), row)
    });
    Value::Object(rows.collect())
}

fn operation(name: &str, tally: &Tally) -> Value {
    let buckets: Vec<Value> =
        tally.latency.cumulative().map(|(bound, count)| json!([of_micros(Some(bound)), count])).collect();
    let quantile = |share| of_micros(tally.latency.quantile(share));
    let counted: Map<String, Value> = Counter::ALL
        .iter()
        .map(|counter| (counter.name().to_owned(), tally.counted(*counter).into()))
        .collect();
    json!({
        "operation": name,
        "count": tally.count,
        "failed": tally.failed(),
        "outcomes": tally.outcomes,
        "latency_ms": {
            "mean": of_micros(tally.mean_latency()),
            "p50": quantile(0.5), "p90": quantile(0.9), "p99": quantile(0.99), "buckets": buckets,
        },
        "cpu_ms": of_micros(tally.mean_cpu_micros()),
        "peak_bytes": tally.peak_bytes,
        "snapshot": tally.snapshot,
        "counts": counted,
    })
}

fn of_store(activity: &Activity) -> Map<String, Value> {
    let templates: Vec<Value> = activity.series.iter().map(template).collect();
    let mut fields = Map::new();
    for (name, value) in [
        ("templates", Value::from(templates)),
        ("shortfalls", json!(activity.reasons)),
        ("pools", json!(activity.pools)),
        (
            "returns",
            json!({
                "made": activity.returns.iter().sum::<u64>(), "ended": activity.returns_ended,
                "open": activity.open_returns,
            }),
        ),
    ] {
        fields.insert(name.to_owned(), value);
    }
    fields
}

fn template(series: &Series) -> Value {
    let Step {
        requests,
        requested,
        ended,
        missing,
        launched,
        delivered,
        to_running,
        returned,
        reclaimed,
        failed_to_start,
        released,
        orphaned,
        gone,
        present: _,
    } = series.total();
    json!({
        "template": series.template, "provider": series.provider, "machines": series.machines,
        "open_requests": series.open_requests, "oldest_open": series.oldest_open, "requests": requests,
        "requested": requested, "delivered": delivered, "missing": missing, "ended": ended, "launched": launched,
        "time_to_running_ms": to_running, "returned": returned, "reclaimed": reclaimed,
        "failed_to_start": failed_to_start, "released": released, "orphaned": orphaned, "gone": gone,
    })
}

/// Milliseconds with three decimals.
fn of_micros(micros: Option<u64>) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "shown with three decimals")]
    micros.map_or(Value::Null, |micros| json!(micros as f64 / 1_000.0))
}

/// Seconds with three decimals.
fn seconds(millis: Option<u64>) -> Value {
    of_micros(millis)
}
