//! A page about a site: machines, requests, failures, capacity, the cost of ohfp itself, and open problems. One HTML
//! file with plots, without scripts, that asks no network; for screens of any width, paper and screen readers.
//!
//! It is for front ends, which collect the [`ReportData`]. It must not know where that comes from, nor where the page goes.
//!
//! ```
//! use ohfp_broker::Timestamp;
//! use ohfp_broker::activity::{Collector, Window};
//! use ohfp_report::{OwnCost, ReportData, page, window};
//!
//! let now = Timestamp::from_seconds(1_795_527_477);
//! let window: Window = window(now, std::time::Duration::from_secs(86_400))?;
//! let html = page(&ReportData {
//!     site: "awsinst".to_owned(),
//!     version: "0.1.0".to_owned(),
//!     made: now,
//!     activity: Collector::new(window).finish(),
//!     problems: Vec::new(),
//!     own_cost: OwnCost::default(),
//! });
//! assert!(html.starts_with("<!DOCTYPE html>") && !html.contains("<script"));
//! # Ok::<(), ohfp_broker::Error>(())
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | `data` | what a page is made of |
//! | `html` | markup, and text that is escaped |
//! | `number`, `scale` | numbers for people; marks of axes |
//! | `plot` | plots as SVG |
//! | `parts` | legends, tables, figures |
//! | `sections/` | a file for each section of the page |

#![forbid(unsafe_code)]

mod data;
mod html;
mod number;
mod parts;
mod plot;
mod scale;
mod sections;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ohfp_broker::activity::Window;
use ohfp_broker::{Result, Timestamp};

pub use data::{CostFigure, OperationCost, OwnCost, ReportData, ReportProblem};

/// The window of a report that reaches back so far from `now`, in steps that a plot can show. It begins and ends at full
/// steps, so it may be somewhat longer.
///
/// # Errors
/// As [`Window::new`].
pub fn window(now: Timestamp, length: Duration) -> Result<Window> {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 2);
    let (since, until, step) = scale::round_window(now, length);
    Window::new(since, until, step)
}

/// The page.
pub fn page(data: &ReportData) -> String {
    sections::page(data)
}
