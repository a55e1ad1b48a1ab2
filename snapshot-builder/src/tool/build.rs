//! `ohfp-snapshot build`.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use clap::Args;
use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_platform::audience::Audience;
use ohfp_resolver::{Environment, Origin, Resolved, load, location};
use ohfp_snapshot_format::stamps::StampsV1;

use super::target::{Outcome, Outcomes, Progress, located, note, open, size};
use crate::freshness;
use crate::freshness::LimitDecrease;
use crate::inspect::{Changes, PublishedTemplates};
use crate::lower;
use crate::publish::{self, Lock, Turn};
use crate::stamp;

/// Arguments of `build`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own on the command line")]
pub(super) struct Arguments {
    /// Configuration directory, or a config.json
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Write the snapshot to FILE instead of the path that ohfp reads
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Seal the snapshot: no freshness checks, for the life of the container image
    #[arg(long)]
    sealed: bool,
    /// Let every account read it, even if it cannot read all inputs
    ///
    /// By default, only accounts that can read all inputs can read the snapshot.
    #[arg(long, requires = "sealed")]
    world_readable: bool,
    /// Publish even if the maxNumber of a template is less than in the published snapshot
    ///
    /// A running Host Factory can hang when a limit shrinks, so the build refuses it without this
    /// option.
    #[arg(long)]
    allow_lower_max: bool,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(arguments: &Arguments, env: &Environment) -> Outcomes {
    let started = Instant::now();
    let progress = Progress::new(arguments.quiet);
    let place = location::find(arguments.config.as_deref(), arguments.output.as_deref(), env)?;
    let path = located(&place)?;

    progress.step("reading configuration and templates");
    let (resolved, stamps) = load_stamped(&place.origin, env)?;
    let payload = lower::lower(&resolved, &mut |step| progress.step(step))?;

    progress.step("publishing");
    // With `Turn::Wait` there is always a lock.
    let Some(lock) = Lock::take(&path, Turn::Wait)? else {
        return Ok(Outcome { document: String::new(), code: 1 });
    };
    let before = open(&path).ok();
    // Compared only with a snapshot of the same configuration, from which Host Factory may have read the number.
    let told = before.as_ref().filter(|_| !arguments.sealed);
    let lowered = told.map(|told| freshness::limit_decreases(&resolved, told, &place)).unwrap_or_default();
    if let (Some(first), false) = (lowered.first(), arguments.allow_lower_max) {
        progress.done();
        return Err(vec![refuse_lower(first, lowered.len())].into());
    }
    let stamps = (!arguments.sealed).then_some(&stamps);
    let audience =
        if arguments.world_readable { Audience::Everyone } else { Audience::of(resolved.trail.present()) };
    let bytes = publish::publish(&lock, &path, &payload, stamps, lower::maker(), audience)?;
    drop(lock);
    progress.done();

    let changes = before.and_then(|before| {
        let after = open(&path).ok()?;
        let (before, after) =
            (PublishedTemplates::of(&before.view()).ok()?, PublishedTemplates::of(&after.view()).ok()?);
        Some(Changes::between(&before, &after))
    });
    for warning in &resolved.warnings {
        note(&format!("warning: {warning}\n"));
    }
    for LimitDecrease { id, published: then, now } in changes.iter().flat_map(|changes| &changes.lowered) {
        note(&format!(
            "warning: maxNumber of template `{id}` is lowered from {then} to {now}; \
             a running Host Factory can hang on that\n  hint: restart Host Factory after this change\n"
        ));
    }
    let mut document = String::new();
    if !arguments.quiet {
        let _ = writeln!(
            document,
            "built {}: {} templates, {} in {} ms{}",
            path.display(),
            resolved.templates.len(),
            size(bytes),
            started.elapsed().as_millis(),
            if arguments.sealed { ", sealed" } else { "" }
        );
        if let Some(changes) = changes {
            document.push_str(&super::compare::summary(&changes));
        }
    }
    // Leaked: the process exits soon, and dropping a large catalog takes a fifth of the whole build.
    std::mem::forget((resolved, payload));
    Ok(Outcome { document, code: 0 })
}

fn refuse_lower(first: &LimitDecrease, count: usize) -> Error {
    let others = if count > 1 { format!(", and of {} more", count - 1) } else { String::new() };
    let LimitDecrease { id, published, now } = first;
    Error::new(
        ErrorKind::Refused,
        format!("maxNumber of template `{id}` is lowered from {published} to {now}{others}: nothing was published"),
    )
    .cause("a running Host Factory can hang when the limit of a template shrinks")
    .hint("stop Host Factory, build with --allow-lower-max, start it again; until then the published number holds")
}

/// Loads the configuration, and loads it again a tick later if a file is so young that a change within the same
/// tick could go unnoticed.
fn load_stamped(origin: &Origin, env: &Environment) -> Result<(Resolved, StampsV1), Errors> {
    let mut tries = 0;
    loop {
        let read_at = SystemTime::now();
        let resolved = load::load(origin, env)?;
        let stamps = stamp::take(&resolved, read_at);
        tries += 1;
        // A file with a modification time in the future keeps a stamp that is checked by content.
        if tries == 3 || !stamp::has_untrusted(&stamps) {
            return Ok((resolved, stamps));
        }
        std::thread::sleep(stamp::TICK);
    }
}
