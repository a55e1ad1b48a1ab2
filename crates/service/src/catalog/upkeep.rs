//! The upkeep of the snapshot: why the runtime did not use it, and whether to rebuild it.

use std::path::PathBuf;
use std::time::SystemTime;

use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Environment, LeftOut, Refresh, Resolved, Trail};
use ohfp_snapshot_builder::freshness::{self, Refreshed, Scrutiny, Verdict};
use ohfp_snapshot_format::{Snapshot, verify};

/// Most findings that are logged one by one.
pub(super) const LOGGED: usize = 20;

/// What to do where the snapshot is that of another configuration.
const OTHER_FILE: &str = "name another file in OHFP_SNAPSHOT";

/// What a refresh of the snapshot needs.
pub(super) struct Upkeep {
    path: PathBuf,
    pub(super) verdict: Verdict,
    pub(super) published: Option<Snapshot>,
    read_at: SystemTime,
    /// Whether the options allow an answer from a snapshot.
    answerable: bool,
}

/// Compares the snapshot with what was just read; `None` where no path of one is known.
pub(super) fn examine(
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
                verify::every_byte(&published.view()).map_or_else(Verdict::Unusable, |()| Verdict::Fresh)
            }
            (verdict, _) => verdict.clone(),
        }
    }

    /// Rebuilds the snapshot now, whatever `snapshot.refresh` says. Gives its path and what was done.
    pub(super) fn rebuild(&self, resolved: &Resolved) -> Result<(PathBuf, &'static str), Errors> {
        let verdict = self.verdict();
        if verdict == Verdict::Fresh {
            return Ok((self.path.clone(), "up to date"));
        }
        if let Verdict::Foreign(_) = verdict {
            let why = verdict.reason().unwrap_or_default();
            let message = format!("cannot rebuild `{}`", self.path.display());
            return Err(Error::new(ErrorKind::Refused, message).cause(why).hint(OTHER_FILE).into());
        }
        let published = self.published.as_ref();
        let done = match freshness::refresh(&self.path, resolved, self.read_at, &verdict, published)? {
            Refreshed::Rebuilt => "rebuilt",
            Refreshed::Restamped => "up to date, with new times of its inputs",
            Refreshed::Busy => "being rebuilt by another process",
        };
        Ok((self.path.clone(), done))
    }

    /// Refreshes the snapshot according to `snapshot.refresh`. Errors go to the log only.
    pub(super) fn refresh(&self, resolved: &Resolved) {
        let verdict = self.verdict();
        let Some(reason) = verdict.reason() else { return };
        let path = self.path.display().to_string();
        if let Some(first) = resolved.problems.first() {
            tracing::warn!(
                snapshot = path,
                reason,
                problems = resolved.problems.len(),
                first = first.error.summary(),
                "the snapshot is not rebuilt while the configuration has errors; `ohfp config validate` lists them"
            );
            return;
        }
        match (resolved.settings.refresh(), &verdict) {
            (Refresh::Never, _) => {}
            (Refresh::Manual, _) => {
                tracing::warn!(
                    snapshot = path,
                    reason,
                    "the snapshot is not used; `ohfp-snapshot build` rebuilds it"
                );
            }
            (Refresh::Auto, Verdict::Foreign(_)) => {
                tracing::warn!(snapshot = path, reason, "the snapshot is not used; {OTHER_FILE}");
            }
            (Refresh::Auto, verdict) => {
                let refreshed =
                    freshness::refresh(&self.path, resolved, self.read_at, verdict, self.published.as_ref());
                match refreshed {
                    Ok(Refreshed::Rebuilt) => {
                        tracing::info!(snapshot = path, reason, "rebuilt the snapshot");
                        tell_findings(resolved);
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

/// Logs the warnings, once for each change of the files, except for templates that are left out, which are logged already.
fn tell_findings(resolved: &Resolved) {
    let left_out: Vec<String> = resolved.left_out.iter().map(LeftOut::message).collect();
    let warnings = resolved.warnings.iter().filter(|warning| !left_out.contains(&warning.message));
    for warning in warnings.take(LOGGED) {
        tracing::warn!(finding = warning.to_string(), "the configuration has a warning");
    }
}
