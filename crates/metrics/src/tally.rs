//! What several processes of one operation have done together.

use std::collections::BTreeMap;

use ohfp_broker::histogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::counters::Counter;
use crate::record::ProcessRecord;

/// Bounds of latencies, in microseconds: from an answer of the result cache to a call of a cloud.
pub const LATENCY: &[u64] = &[
    1_000, 2_000, 3_000, 4_000, 5_000, 7_500, 10_000, 15_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Sums over processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// How many processes.
    pub count: u64,
    /// By outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// By what they had from the snapshot.
    pub snapshot: BTreeMap<String, u64>,
    /// Latencies in microseconds.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub latency: Histogram,
    /// Processor time in microseconds.
    pub cpu_micros: u64,
    /// The largest resident set of all, in bytes.
    pub peak_bytes: u64,
    /// What they counted, without what is 0.
    pub counts: BTreeMap<String, u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            count: 0,
            outcomes: BTreeMap::new(),
            snapshot: BTreeMap::new(),
            latency: Histogram::new(LATENCY),
            cpu_micros: 0,
            peak_bytes: 0,
            counts: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Adds a process.
    pub fn add(&mut self, record: &ProcessRecord) {
        self.count = self.count.saturating_add(1);
        add_to(&mut self.outcomes, record.outcome.name(), 1);
        add_to(&mut self.snapshot, record.snapshot.name(), 1);
        // The runtime does not take the time.
        if record.wall_micros > 0 {
            self.latency.add(record.wall_micros);
        }
        self.cpu_micros = self.cpu_micros.saturating_add(record.cpu_micros);
        self.peak_bytes = self.peak_bytes.max(record.peak_bytes);
        for (counter, count) in Counter::ALL.iter().zip(&record.counts) {
            if *count > 0 {
                add_to(&mut self.counts, counter.name(), u64::from(*count));
            }
        }
    }

    /// Adds other processes.
    pub fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        for (sums, more) in [
            (&mut self.outcomes, &other.outcomes),
            (&mut self.snapshot, &other.snapshot),
            (&mut self.counts, &other.counts),
        ] {
            for (name, count) in more {
                add_to(sums, name, *count);
            }
        }
        self.latency.merge(&other.latency);
        self.cpu_micros = self.cpu_micros.saturating_add(other.cpu_micros);
        self.peak_bytes = self.peak_bytes.max(other.peak_bytes);
    }

    /// Mean processor time in microseconds of those whose time was taken: the runtime takes none.
    pub fn mean_cpu_micros(&self) -> Option<u64> {
        self.cpu_micros.checked_div(self.latency.count())
    }

    /// Mean latency in microseconds of the same.
    pub fn mean_latency(&self) -> Option<u64> {
        self.latency.sum().checked_div(self.latency.count())
    }

    /// What they counted.
    pub fn counted(&self, counter: Counter) -> u64 {
        self.counts.get(counter.name()).copied().unwrap_or(0)
    }

    /// How many of them failed.
    pub fn failed(&self) -> u64 {
        self.count.saturating_sub(self.outcomes.get("ok").copied().unwrap_or(0))
    }
}

fn add_to(sums: &mut BTreeMap<String, u64>, name: &str, count: u64) {
    match sums.get_mut(name) {
        Some(sum) => *sum = sum.saturating_add(count),
        None => {
            sums.insert(name.to_owned(), count);
        }
    }
}

fn write<S: Serializer>(latency: &Histogram, serializer: S) -> Result<S::Ok, S::Error> {
    (latency.counts(), latency.sum()).serialize(serializer)
}

/// Counts over other bounds than these are left out.
fn read<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Histogram, D::Error> {
    let (counts, sum) = <(Vec<u64>, u64)>::deserialize(deserializer)?;
    Ok(Histogram::from_counts(LATENCY, counts, sum).unwrap_or(Histogram::new(LATENCY)))
}
