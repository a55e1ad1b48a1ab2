//! A check of what makes ohfp slow.

use crate::diagnosis::check::{CheckStatus, OK, WARNING};

/// One check of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlownessCheck {
    /// A name of [`CHECKLIST`](crate::diagnosis::CHECKLIST).
    pub what: &'static str,
    /// Whether it makes ohfp slow.
    pub status: CheckStatus,
    /// What was measured or found.
    pub measured: String,
    /// What to do about it; `None` where the check is ok.
    pub fix: Option<String>,
}

impl SlownessCheck {
    pub(super) fn ok(what: &'static str, measured: impl Into<String>) -> Self {
        Self { what, status: OK, measured: measured.into(), fix: None }
    }

    pub(super) fn slow(what: &'static str, measured: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what, status: WARNING, measured: measured.into(), fix: Some(fix.into()) }
    }

    /// Slow if anything was found.
    pub(super) fn unless_empty(what: &'static str, found: &[String], good: &str, fix: &str) -> Self {
        if found.is_empty() { Self::ok(what, good) } else { Self::slow(what, found.join(", "), fix) }
    }
}
