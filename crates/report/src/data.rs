//! What a page is made of.

use ohfp_broker::Timestamp;
use ohfp_broker::activity::Activity;

/// Everything that a page shows. Its texts are foreign: they are escaped where they are shown. They must hold no secrets.
#[derive(Clone, Debug)]
pub struct ReportData {
    /// Name of the site, for the title.
    pub site: String,
    /// The version of ohfp.
    pub version: String,
    /// When the page was made.
    pub made: Timestamp,
    /// What happened in the window.
    pub activity: Activity,
    /// What needs attention now, the worst first.
    pub problems: Vec<ReportProblem>,
    /// What ohfp itself costs.
    pub own_cost: OwnCost,
}

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportProblem {
    /// Whether it keeps operations from working.
    pub is_severe: bool,
    /// The part that it is about.
    pub what: String,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// What ohfp itself costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnCost {
    /// What was measured while the page was made.
    pub now: Vec<CostFigure>,
    /// What was recorded in the window, for each operation; `None` where nothing records it.
    pub recorded: Option<Vec<OperationCost>>,
}

/// A figure with its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostFigure {
    /// What it is.
    pub name: String,
    /// With its unit.
    pub value: String,
    /// The value that warns, with its unit.
    pub limit: String,
    /// How it was measured.
    pub detail: String,
}

/// What the processes of one operation cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationCost {
    /// The operation or command.
    pub operation: String,
    /// Processes that ended.
    pub calls: u64,
    /// Those that failed.
    pub failed: u64,
    /// Quantiles of the time from start to end, in microseconds: half of them, nine of ten, 99 of 100; `None` without any.
    pub latency: Option<[u64; 3]>,
    /// Mean processor time in microseconds.
    pub cpu: u64,
    /// Most memory in KiB.
    pub memory: u64,
}
