//! Sends what the spool holds to the collector.

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_otlp::{OtlpCollector, Sent, Span};
use ohfp_platform::sys;

use super::Collecting;
use super::process::{self, Process};
use super::spool::{Spool, Taken};
use crate::invocation::Invocation;

/// Most spans that are sent in one call.
const MOST_SPANS: usize = 2_000;
/// Most files that are sent: what was left behind, and what has come since.
const MOST_FILES: usize = 2;

/// What was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Where to.
    pub endpoint: String,
    /// Commands whose spans were sent.
    pub commands: usize,
    /// Spans that the collector has got.
    pub spans: usize,
    /// Spans of these that it has refused for good.
    pub rejected: u64,
    /// What it says about that.
    pub message: String,
    /// Lines of the spool that were damaged, or of another version.
    pub damaged: usize,
}

/// Sends what the spool of this host holds to the collector that the settings name.
///
/// # Errors
/// [`ErrorKind::Input`] where no collector is named, or its address is wrong, [`ErrorKind::Unavailable`] where it takes
/// nothing; what is not sent is kept then.
pub fn push(invocation: &Invocation) -> Result<Pushed, Errors> {
    let configuration = invocation.configuration()?;
    let directory = invocation.state_directory()?;
    let collecting = Collecting::of(&configuration.settings, || Ok(directory)).ok_or_else(|| {
        Error::new(ErrorKind::Input, "no collector is configured: `metrics.otlp.endpoint` is not set")
            .hint("set it to the address of a collector, such as `http://localhost:4318`")
    })?;
    let collector = OtlpCollector::new(&collecting.endpoint, collecting.timeout)
        .map_err(|why| Error::new(ErrorKind::Input, format!("`metrics.otlp.endpoint` is wrong: {why}")))?;
    let spool = Spool::new(&collecting.directory);
    let mut pushed = Pushed { endpoint: collector.endpoint().to_owned(), ..Pushed::default() };
    for _ in 0..MOST_FILES {
        let Some(taken) = spool.take()? else { break };
        send(&collector, &spool, taken, &mut pushed)?;
    }
    Ok(pushed)
}

/// Sends a file in as many calls as it takes. It is kept whole until all is sent: a span that a collector gets twice has
/// the same ids.
fn send(collector: &OtlpCollector, spool: &Spool, taken: Taken, pushed: &mut Pushed) -> Result<()> {
    let resource = process::resource(sys::host_name());
    let mut batch: Vec<Span> = Vec::new();
    let flush = |batch: &mut Vec<Span>, pushed: &mut Pushed| -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        pushed.spans += batch.len();
        let Sent { rejected, message } = collector
            .send(&resource, std::mem::take(batch))
            .map_err(|why| refused(collector, spool, &why))?;
        pushed.rejected += rejected;
        if !message.is_empty() {
            pushed.message = message;
        }
        Ok(())
    };
    for line in taken.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Some(process) = Process::parse(line) else {
            pushed.damaged += 1;
            continue;
        };
        pushed.commands += 1;
        batch.extend(process.spans());
        if batch.len() >= MOST_SPANS {
            flush(&mut batch, pushed)?;
        }
    }
    flush(&mut batch, pushed)?;
    taken.done()
}

fn refused(collector: &OtlpCollector, spool: &Spool, why: &str) -> Error {
    let message = format!(
        "the collector at `{}` has not taken the spans, which are kept in `{}`: {why}",
        collector.endpoint(),
        spool.path().display()
    );
    Error::new(ErrorKind::Unavailable, message)
}
