//! Costs of components (times, counts, memory), for `MonitoringService`, the log, `system metrics` and `system health`.

use std::sync::PoisonError;
use std::time::Duration;

use ohfp_render::{Format, documents};
use ohfp_timings::milliseconds;
use serde_json::{Value, json};

use super::container::Container;
use super::slot::Slot;

/// What loading components has come to so far, for those who judge it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadFigures {
    /// Components that were registered.
    pub registered: usize,
    /// Loads that succeeded.
    pub loads: u64,
    /// Loads that failed.
    pub failures: u64,
    /// The component that took longest to load at its last load, with the time of its own part; `None` before any load.
    pub slowest: Option<(&'static str, Duration)>,
}

/// Sums over all components.
pub(super) struct Totals {
    pub(super) start: Option<Duration>,
    pub(super) registered: usize,
    pub(super) pending_batches: usize,
    pub(super) loads: u64,
    pub(super) hits: u64,
    pub(super) failures: u64,
    pub(super) unloads: u64,
    pub(super) load: Duration,
}

impl Container {
    pub(super) fn totals(&self) -> Totals {
        let start = *self.0.start.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.lock();
        let slots = || table.slots.values();
        let sum = |count: fn(&Slot) -> u64| slots().map(count).sum();
        Totals {
            start,
            registered: slots().len(),
            pending_batches: table.pending.len(),
            loads: sum(|slot| slot.stats.loads),
            hits: sum(|slot| slot.stats.hits),
            failures: sum(|slot| slot.stats.failures),
            unloads: sum(|slot| slot.stats.unloads),
            load: slots().map(|slot| slot.stats.total).sum(),
        }
    }

    /// How many components were built, and how many could not be.
    pub fn loads(&self) -> (u64, u64) {
        let totals = self.totals();
        (totals.loads, totals.failures)
    }

    /// The full report: totals, then a row for each component in the order of registration.
    pub fn report(&self) -> Value {
        let (totals, options) = (self.totals(), self.options());
        let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let (deferred, deferred_done) = (queue.waiting(), queue.done());
        drop(queue);
        json!({
            "lazy_loading": options.lazy_loading,
            "cache_instances": options.cache_instances,
            "registered": totals.registered,
            "pending_batches": totals.pending_batches,
            "loads": totals.loads,
            "hits": totals.hits,
            "failures": totals.failures,
            "unloads": totals.unloads,
            "start_ms": totals.start.map(milliseconds),
            "load_ms": milliseconds(totals.load),
            "uptime_ms": milliseconds(self.0.began.elapsed()),
            "deferred_waiting": deferred,
            "deferred_done": deferred_done,
            "resident_kb": ohfp_timings::resident().map(|bytes| bytes / 1024),
            "memory_limit_kb": options.memory_limit / 1024,
            "components": self.rows(true),
        })
    }

    /// A row for each component; without `long`, counters that are zero are left out.
    fn rows(&self, long: bool) -> Vec<Value> {
        let table = self.lock();
        let slots = table.order.iter().filter_map(|key| table.slots.get(key));
        slots
            .filter(|slot| long || slot.stats.loads + slot.stats.failures > 0)
            .map(|slot| {
                let stats = &slot.stats;
                let loaded = stats.loads > 0;
                let mut row = json!({
                    "component": slot.name,
                    "state": slot.state_name(),
                    "loads": stats.loads,
                    "hits": stats.hits,
                    "load_ms": loaded.then(|| milliseconds(stats.load)),
                    "own_ms": loaded.then(|| milliseconds(stats.own)),
                    "growth_kb": stats.growth.map(|bytes| bytes / 1024),
                });
                if long && let Value::Object(fields) = &mut row {
                    fields.insert("total_ms".to_owned(), json!(milliseconds(stats.total)));
                    fields.insert("failures".to_owned(), json!(stats.failures));
                    fields.insert("unloads".to_owned(), json!(stats.unloads));
                    fields.insert("preloaded".to_owned(), json!(stats.preloaded));
                    fields.insert("batch".to_owned(), json!(slot.batch.name()));
                    fields.insert("kind".to_owned(), json!(slot.recipe.kind()));
                    fields.insert("connects".to_owned(), json!(slot.connects));
                }
                row
            })
            .collect()
    }

    /// The loaded components as a table for standard error.
    pub(super) fn timing_table(&self) -> String {
        let rows = documents::render(&json!({ "components": self.rows(false) }), Format::Table);
        let totals = self.totals();
        let (start, load) = (totals.start.map_or(0.0, milliseconds), milliseconds(totals.load));
        format!(
            "{}start {start} ms, {} loads {load} ms, {} hits, {} of {} components not loaded\n",
            String::from_utf8_lossy(&rows.bytes(false)),
            totals.loads,
            totals.hits,
            self.lock().slots.values().filter(|slot| slot.stats.loads == 0).count(),
            totals.registered,
        )
    }

    /// What loading has come to so far.
    pub fn figures(&self) -> LoadFigures {
        let (registered, loads, failures) = {
            let totals = self.totals();
            (totals.registered, totals.loads, totals.failures)
        };
        let table = self.lock();
        let loaded = table.slots.values().filter(|slot| slot.stats.loads > 0);
        let slowest = loaded.map(|slot| (slot.name, slot.stats.own)).max_by_key(|(_, own)| *own);
        LoadFigures { registered, loads, failures, slowest }
    }
}
