//! A finding of the diagnosis.

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// Nothing to do.
    Ok,
    /// Operations work, with less than they could have.
    Warning,
    /// It keeps operations from working.
    Failed,
}

impl CheckStatus {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Check {
    /// The part that was checked.
    pub what: &'static str,
    /// How it is.
    pub status: CheckStatus,
    /// What was found.
    pub detail: String,
    /// What to do about it; `None` where the check is ok.
    pub fix: Option<String>,
}

pub(super) const OK: CheckStatus = CheckStatus::Ok;
pub(super) const WARNING: CheckStatus = CheckStatus::Warning;
pub(super) const FAILED: CheckStatus = CheckStatus::Failed;
