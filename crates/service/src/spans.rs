//! Where the time of many commands goes, for an OpenTelemetry collector.
//!
//! A command whose settings name a collector leaves what it was busy with in a spool, in one write after its answer; it
//! sends nothing itself, since its caller waits for its end. `ohfp metrics push` sends what the spool holds.

mod process;
mod push;
mod spool;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use ohfp_broker::Result;
use ohfp_resolver::Settings;
use ohfp_resolver::settings::key_table::{OTLP_ENDPOINT, OTLP_SPOOL_LIMIT, OTLP_TIMEOUT};
use ohfp_timings::Report;

pub use process::CommandEnd;
pub use push::{Pushed, push};
use spool::Spool;

/// What the settings say about the collector.
#[derive(Clone, Debug)]
struct Collecting {
    endpoint: String,
    timeout: Duration,
    /// Bytes of the spool at which nothing is added.
    limit: u64,
    directory: PathBuf,
}

static COLLECTING: OnceLock<Collecting> = OnceLock::new();

impl Collecting {
    /// `None` where no collector is named, or no state directory is known.
    fn of(settings: &Settings, directory: impl FnOnce() -> Result<PathBuf>) -> Option<Self> {
        Some(Self {
            endpoint: settings.of(&OTLP_ENDPOINT)?.to_owned(),
            timeout: settings.of(&OTLP_TIMEOUT),
            limit: settings.of(&OTLP_SPOOL_LIMIT),
            directory: directory().ok()?,
        })
    }
}

/// Begins the record of this process where the settings name a collector.
pub(crate) fn configure(settings: &Settings, directory: impl FnOnce() -> Result<PathBuf>) {
    if let Some(collecting) = Collecting::of(settings, directory) {
        let _ = COLLECTING.set(collecting);
        ohfp_timings::start("runtime", "start");
    }
}

/// Whether the settings that were read name a collector.
pub fn is_wanted() -> bool {
    COLLECTING.get().is_some()
}

/// Adds what was recorded to the spool, where the settings name a collector. Whatever keeps it from that is in the log
/// only.
pub fn keep(ended: &CommandEnd<'_>, report: &Report) {
    let Some(collecting) = COLLECTING.get() else { return };
    let spool = Spool::new(&collecting.directory);
    if let Err(error) = spool.add(&process::line(ended, report), collecting.limit) {
        tracing::warn!(error = error.summary(), "the spans of this command are not kept");
    }
}
