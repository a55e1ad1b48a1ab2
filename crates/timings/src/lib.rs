//! Where the time of one invocation goes: a tree of phases, each with its wall and processor time, page faults,
//! allocations and growth of memory.
//!
//! A process has one record, which [`start`] begins. Before that a phase costs one load of a word, so every invocation
//! has the phases, and one that is not asked about costs nothing more. It must not know what the phases do.
//!
//! ```
//! ohfp_timings::start("runtime", "exec");
//! {
//!     let _phase = ohfp_timings::phase("load");
//!     let _inner = ohfp_timings::phase("read config.json");
//! }
//! let report = ohfp_timings::report().unwrap();
//! assert!(report.text().lines().any(|line| line.trim_start().starts_with("read config.json")));
//! ```

#![forbid(unsafe_code)]

mod cost;
mod record;
mod report;
mod trace;

pub use cost::{Cost, peak_resident, resident};
pub use record::{Phase, is_on, phase, phase_of, report, start};
pub use report::{Measured, Report, milliseconds};
