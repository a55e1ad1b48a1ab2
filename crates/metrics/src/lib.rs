//! Metrics across processes. Each process that ends appends one record to the file of its host; the records are folded
//! into totals once there are many of them.
//!
//! A process counts what it does in [`counters`], which cost an addition each. At its end, after the answer, a [`ProcessRecord`]
//! goes to the [`log`] by one `write`: no lock, no sync, no other process in the way. [`totals`] are replaced as a whole,
//! and name the bytes of the log that are in them already, so that no record counts twice and a process that is killed
//! at any moment harms nothing. A reader adds up totals and log, and writes nothing.
//!
//! It must not know what an operation does, nor where the state directory comes from.
//!
//! ```
//! use ohfp_metrics::{HostMetrics, ProcessRecord, counters, counters::Counter};
//!
//! # let directory = tempfile::tempdir().unwrap();
//! let site = HostMetrics::new(directory.path());
//! counters::add(Counter::ProviderCalls, 1);
//! site.record(&ProcessRecord { operation: ohfp_metrics::Operation::RequestMachines, ..ProcessRecord::of_this_process() }, || true);
//! let view = site.view();
//! assert_eq!(view.all().values().map(|tally| tally.count).sum::<u64>(), 1);
//! ```

#![forbid(unsafe_code)]

pub mod counters;
pub mod exposition;
mod fold;
pub mod log;
mod record;
mod site;
mod tally;
pub mod totals;

pub use record::{Operation, Outcome, ProcessRecord, SIZE};
pub use site::{HostMetrics, PREFIX, Recorded};
pub use tally::{LATENCY, Tally};
