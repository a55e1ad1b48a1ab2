//! Which reports of its own time the settings of an invocation ask for.

use std::sync::atomic::{AtomicBool, Ordering};

use ohfp_components::environment;
use ohfp_resolver::{Environment, Performance};

static TABLE: AtomicBool = AtomicBool::new(false);
static LOG: AtomicBool = AtomicBool::new(false);

/// The reports that the settings ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `performance.lazy_loading.debug_timing`: a table on standard error.
    pub table: bool,
    /// `logging.performance_timing`: a line of the log.
    pub log: bool,
}

/// Begins the record where the settings ask for one; what has happened until now is its first phase.
pub(crate) fn configure(performance: &Performance) {
    TABLE.fetch_or(performance.debug_timing, Ordering::Relaxed);
    LOG.fetch_or(performance.performance_timing, Ordering::Relaxed);
    if performance.is_timed() {
        ohfp_timings::start("runtime", "start");
    }
}

/// Whether the environment asks for the table, as `performance.lazy_loading.debug_timing` does.
pub fn asked_by(env: &Environment) -> bool {
    environment::debugs(env)
}

/// What the settings that were read so far ask for.
pub fn asked() -> Asked {
    Asked { table: TABLE.load(Ordering::Relaxed), log: LOG.load(Ordering::Relaxed) }
}
