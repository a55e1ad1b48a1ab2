//! Loads configuration and templates for a command, and maintains the snapshot: why the runtime did not use it,
//! whether to rebuild it, and that no published `maxNumber` decreases unnoticed.

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

/// Configuration and templates, with the state that a refresh of the snapshot needs.
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
    /// Whether the options allow an answer from a snapshot.
    answerable: bool,
}

/// Loads the configuration that the command line or the environment names.
pub fn load(global: &GlobalOptions, env: &Environment) -> Result<Catalog, Errors> {
    // A file size limit that log or snapshot exceed must not kill the process before the answer.
    sys::survive_file_size_limit();
    let place = location::find(global.config.as_deref(), None, env)?;
    let read_at = SystemTime::now();
    let mut resolved = load::load_with_problems(&place.origin, env)?;
    let performance = Performance::new(&resolved.settings);
    log::configure(&environment::overridden(performance.clone(), env).unwrap_or(performance), env);
    // A configuration named on the command line is an experiment; the published snapshot does not belong to it.
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
    // If the snapshot is fresh, the warnings were logged when it was built.
    if upkeep.as_ref().is_none_or(|upkeep| upkeep.verdict != Verdict::Fresh) {
        log_left_out(&resolved);
    }
    Ok(Catalog { resolved, upkeep })
}

/// Most templates for which a finding is logged one by one.
const LOGGED: usize = 20;

/// Logs templates that are left out: Host Factory only runs the scripts, so the log is where its administrator
/// finds them.
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
    /// The final verdict. If no other reason explains why the runtime did not answer, every byte is checked:
    /// the section of the answer must be damaged.
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
    /// Logs the warnings, once for each change of the files, except for templates that are left out, which are
    /// logged already.
    fn tell_findings(&self) {
        let left_out: Vec<String> = self.resolved.left_out.iter().map(LeftOut::message).collect();
        let warnings = self.resolved.warnings.iter().filter(|warning| !left_out.contains(&warning.message));
        for warning in warnings.take(LOGGED) {
            tracing::warn!(finding = warning.to_string(), "the configuration has a warning");
        }
    }

    /// Refreshes the snapshot, according to `snapshot.refresh`. Runs after the answer, so errors go to the log
    /// only.
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
                "the snapshot is not rebuilt while the configuration has errors; `ohfp config validate` lists them"
            );
            return;
        }
        match (self.resolved.settings.refresh(), &verdict) {
            (Refresh::Never, _) => {}
            (Refresh::Manual, _) => {
                tracing::warn!(
                    snapshot = path,
                    reason,
                    "the snapshot is not used; `ohfp-snapshot build` rebuilds it"
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
                        tracing::info!(snapshot = path, reason, "rebuilt the snapshot");
                        self.tell_findings();
                    }
                    Ok(Refreshed::Restamped) => {
                        tracing::info!(snapshot = path, reason, "renewed the snapshot's stamps");
                    }
                    Ok(Refreshed::Busy) => {
                        tracing::debug!(
                            snapshot = path,
                            reason,
                            "another process is rebuilding the snapshot"
                        );
                    }
                    Err(error) => {
                        tracing::info!(
                            snapshot = path,
                            reason,
                            error = error.summary(),
                            "cannot rebuild the snapshot"
                        );
                    }
                }
            }
        }
    }
}
