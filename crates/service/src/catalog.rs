//! Loads what a command answers from, and looks after the snapshot on the way: why the runtime did
//! not use it, whether to make it anew, and that no published `maxNumber` sinks unnoticed.

use std::path::PathBuf;
use std::time::SystemTime;

use ohfp_broker::Errors;
use ohfp_cli::GlobalOptions;
use ohfp_components::environment;
use ohfp_platform::sys;
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Environment, LeftOut, Performance, Refresh, Resolved, Trail, load, location};
use ohfp_snapshot_builder::freshness::{self, Refreshed, Scrutiny, Verdict};
use ohfp_snapshot_builder::inspect;
use ohfp_snapshot_format::Snapshot;

use crate::log;

/// Configuration and templates, with what is needed to bring the snapshot up to date afterwards.
pub struct Catalog {
    /// Configuration and templates.
    pub resolved: Resolved,
    upkeep: Option<Upkeep>,
}

struct Upkeep {
    path: PathBuf,
    verdict: Verdict,
    published: Option<Snapshot>,
    read_at: SystemTime,
    /// Whether a snapshot may hold the answer, as far as the options tell.
    answerable: bool,
}

/// Loads from where the command line or the environment says.
pub fn load(global: &GlobalOptions, env: &Environment) -> Result<Catalog, Errors> {
    // A log or snapshot that may not grow is no reason to die before the answer.
    sys::survive_file_size_limit();
    let place = location::find(global.config.as_deref(), None, env)?;
    let read_at = SystemTime::now();
    let mut resolved = load::load_with_problems(&place.origin, env)?;
    let performance = Performance::new(&resolved.settings);
    log::configure(&environment::overridden(performance.clone(), env).unwrap_or(performance), env);
    // A configuration named on the command line is somebody's experiment: the snapshot is not its own.
    let looked_after = !global.no_snapshot && global.config.is_none();
    let answerable = global.scheduler.is_none() && global.output.is_none();
    let upkeep = looked_after.then(|| examine(&place, env, &resolved.trail, read_at, answerable)).flatten();
    if let Some(published) = upkeep.as_ref().and_then(|upkeep| upkeep.published.as_ref())
        && freshness::is_of(published, &place)
    {
        let lowered = freshness::limit_decreases(&resolved, published);
        for lowered in lowered.iter().take(LOGGED) {
            tracing::warn!(
                template = lowered.id,
                published = lowered.published,
                now = lowered.now,
                "maxNumber was lowered; Host Factory can hang on that, so the published number holds until \
                 `ohfp-snapshot build --allow-lower-max`"
            );
        }
        freshness::keep_published_limits(&mut resolved, lowered);
    }
    // From a fresh snapshot, it has been said when that was made.
    if upkeep.as_ref().is_none_or(|upkeep| upkeep.verdict != Verdict::Fresh) {
        log_left_out(&resolved);
    }
    Ok(Catalog { resolved, upkeep })
}

/// How many templates a finding is logged for one by one.
const LOGGED: usize = 20;

/// Host Factory runs the scripts and nothing else: the log is where its administrator looks.
fn log_left_out(resolved: &Resolved) {
    for left_out in resolved.left_out.iter().take(LOGGED) {
        tracing::warn!(template = left_out.id, hint = left_out.hint, "{}", left_out.message());
    }
    if let Some(more @ 1..) = resolved.left_out.len().checked_sub(LOGGED) {
        tracing::warn!("{more} more templates are left out; `ohfp templates validate` lists them");
    }
}

fn examine(
    place: &ConfigLocation,
    env: &Environment,
    read: &Trail,
    read_at: SystemTime,
    answerable: bool,
) -> Option<Upkeep> {
    let path = place.snapshot.clone()?;
    let (verdict, published) = freshness::assess(&path, place, env, Scrutiny::JustRead(read));
    Some(Upkeep { path, verdict, published, read_at, answerable })
}

impl Upkeep {
    /// The verdict once more, with a look at every byte where nothing else explains why we were asked: a
    /// question that a sound snapshot answers is here because the answer's section is damaged.
    fn verdict(&self) -> Verdict {
        match (&self.verdict, &self.published) {
            (Verdict::Fresh, Some(published)) if self.answerable => {
                inspect::verify_bytes(&published.view()).map_or_else(Verdict::Unusable, |()| Verdict::Fresh)
            }
            (verdict, _) => verdict.clone(),
        }
    }
}

impl Catalog {
    /// Puts into the log what is doubtful, once for each change of the files; templates that are left out have
    /// been named.
    fn tell_findings(&self) {
        let left_out: Vec<String> = self.resolved.left_out.iter().map(LeftOut::message).collect();
        let warnings = self.resolved.warnings.iter().filter(|warning| !left_out.contains(&warning.message));
        for warning in warnings.take(LOGGED) {
            tracing::warn!(finding = warning.to_string(), "the configuration is doubtful");
        }
    }

    /// Brings the snapshot up to date, as `snapshot.refresh` says. The answer is out by now; whatever
    /// goes wrong here goes to the log.
    pub fn look_after_snapshot(&self) {
        let Some(upkeep) = &self.upkeep else { return };
        let verdict = upkeep.verdict();
        let Some(reason) = verdict.reason() else { return };
        let path = upkeep.path.display().to_string();
        if let Some(first) = self.resolved.problems.first() {
            tracing::warn!(
                snapshot = path,
                reason,
                problems = self.resolved.problems.len(),
                first = first.error.summary(),
                "the snapshot is not made anew while something is wrong; `ohfp config validate` tells all of it"
            );
            return;
        }
        match (self.resolved.settings.refresh(), &verdict) {
            (Refresh::Never, _) => {}
            (Refresh::Manual, _) => {
                tracing::warn!(
                    snapshot = path,
                    reason,
                    "the snapshot is not used; `ohfp-snapshot build` makes a new one"
                );
            }
            (Refresh::Auto, Verdict::Foreign(_)) => {
                tracing::warn!(
                    snapshot = path,
                    reason,
                    "the snapshot is not used; name another file in OHFP_SNAPSHOT"
                );
            }
            (Refresh::Auto, verdict) => {
                let refreshed = freshness::refresh(
                    &upkeep.path,
                    &self.resolved,
                    upkeep.read_at,
                    verdict,
                    upkeep.published.as_ref(),
                );
                match refreshed {
                    Ok(Refreshed::Rebuilt) => {
                        tracing::info!(snapshot = path, reason, "made the snapshot anew");
                        self.tell_findings();
                    }
                    Ok(Refreshed::Restamped) => {
                        tracing::info!(snapshot = path, reason, "renewed the snapshot's stamps");
                    }
                    Ok(Refreshed::Busy) => {
                        tracing::debug!(snapshot = path, reason, "another process makes the snapshot anew");
                    }
                    Err(error) => {
                        tracing::info!(
                            snapshot = path,
                            reason,
                            error = error.summary(),
                            "cannot make the snapshot anew"
                        );
                    }
                }
            }
        }
    }
}
