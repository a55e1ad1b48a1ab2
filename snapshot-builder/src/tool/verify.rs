//! `ohfp-snapshot verify`: every byte, then a rebuild in memory.

use std::fmt::Write;

use clap::Args;
use ohfp_broker::{Error, ErrorKind};
use ohfp_resolver::{Environment, load, location};
use ohfp_snapshot_format::verify;

use super::target::{Outcome, Outcomes, Progress, Target, open};
use crate::freshness::{self, LimitDecrease};
use crate::lower;

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Check the bytes only; do not rebuild
    #[arg(long)]
    no_rebuild: bool,
}

pub(super) fn run(arguments: &Arguments, env: &Environment) -> Outcomes {
    let progress = Progress::new(false);
    let path = arguments.target.path(env)?;
    let snapshot = open(&path)?;
    progress.step("checking every section");
    verify::every_byte(&snapshot.view()).map_err(|refusal| {
        vec![
            Error::new(ErrorKind::Input, format!("snapshot `{}` {refusal}", path.display()))
                .hint("`ohfp-snapshot build` rebuilds it"),
        ]
    })?;
    if arguments.no_rebuild {
        progress.done();
        return Ok(Outcome { document: format!("valid: {}\n", path.display()), code: 0 });
    }
    progress.step("rebuilding from the sources");
    let place = location::find(arguments.target.config.as_deref(), None, env)?;
    let mut resolved = load::load(&place.origin, env)?;
    let held = freshness::limit_decreases(&resolved, &snapshot, &place);
    resolved.keep_published_limits(held);
    let payload = lower::lower(&resolved, &mut |step| progress.step(step))?;
    progress.done();
    if payload.digest() == snapshot.header.payload_digest {
        let mut document = format!("valid and up to date: {}\n", path.display());
        for LimitDecrease { id, published, now } in &resolved.held {
            let _ = writeln!(
                document,
                "  maxNumber of {id} is held at {published}; its file says {now} (build --allow-lower-max allows it)"
            );
        }
        return Ok(Outcome { document, code: 0 });
    }
    let document = format!(
        "valid, but out of date: {}\n  snapshot {:032x}\n  sources  {:032x}\n",
        path.display(),
        snapshot.header.payload_digest,
        payload.digest()
    );
    Ok(Outcome { document, code: 1 })
}
