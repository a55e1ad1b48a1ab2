//! From the configuration of another broker to one of ohfp: which files the broker reads, what each of their keys and
//! fields becomes, and why one is dropped.
//!
//! [`source`] reads the files of a broker, [`plan`](mod@plan) turns them into files of ohfp and a [`report`] with a row
//! for every key and field; [`state`] does the same for the requests and machines of IBM's plug-in. It changes no file,
//! and must not know where the result is written.
//!
//! ```
//! use ohfp_migration::{Source, plan, source};
//!
//! # let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config");
//! let files = source::read(Source::Ibm, directory.as_ref(), None).map_err(|error| error.to_string())?;
//! let plan = plan(Source::Ibm, &files).map_err(|error| error.to_string())?;
//! assert!(plan.report.rows().iter().any(|row| row.name == "AWS_REGION"));
//! # Ok::<(), String>(())
//! ```

#![forbid(unsafe_code)]

mod fields;
mod ibm;
mod options;
pub mod plan;
mod providers;
mod python;
mod reasons;
pub mod report;
pub mod source;
pub mod state;

pub use plan::{ImportPlan, plan};
pub use report::{ImportReport, ImportRow, Mapping};
pub use source::{Source, SourceFiles};
