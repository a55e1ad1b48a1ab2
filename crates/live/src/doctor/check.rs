//! A finding of `doctor`.

/// One finding.
pub(crate) struct Check {
    pub(super) what: &'static str,
    pub(super) status: &'static str,
    pub(super) detail: String,
    pub(super) fix: Option<String>,
}

pub(super) const OK: &str = "ok";
pub(super) const WARNING: &str = "warning";
pub(super) const FAILED: &str = "failed";
