//! Publishing on request: the files are read again and, where `snapshot.refresh` allows it, become the snapshot.
//!
//! It must not know who has changed the files.

use std::time::SystemTime;

use ohfp_broker::{Error, Errors};
pub use ohfp_resolver::LimitDecrease;
use ohfp_resolver::Refresh;
use ohfp_resolver::load::Inputs;
use ohfp_snapshot_builder::freshness::{self, Refreshed, Scrutiny, Verdict};
use ohfp_snapshot_builder::inspect::{Changes, PublishedTemplates};
use ohfp_snapshot_format::Snapshot;
use ohfp_snapshot_format::open::IoPolicy;

use crate::invocation::Invocation;

/// What has become of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publication {
    /// It is built anew.
    Published,
    /// It had the present state already.
    Unchanged,
    /// It is not, for this reason, to complete "not published: …".
    Withheld(String),
}

/// What a publication came to.
#[derive(Clone, Debug)]
pub struct Published {
    /// What has become of the snapshot.
    pub publication: Publication,
    /// Number of templates that are offered.
    pub templates: usize,
    /// What differs from what was published before; `None` where none was.
    pub changes: Option<Changes>,
    /// Templates that keep the published `maxNumber`.
    pub held: Vec<LimitDecrease>,
}

impl Published {
    /// Reads the files and publishes them. With `allow_lower_max`, a `maxNumber` below the published one too.
    ///
    /// # Errors
    /// Every error in the files.
    pub fn now(invocation: &Invocation, allow_lower_max: bool) -> Result<Self, Errors> {
        let place = invocation.place()?;
        let env = invocation.env();
        let read_at = SystemTime::now();
        let mut resolved = Inputs::read(&place.origin, env).resolve(env)?;
        if !resolved.problems.is_empty() {
            return Err(resolved.errors().into());
        }
        let templates = resolved.templates.len();
        let withheld = |why: &str| {
            let publication = Publication::Withheld(why.to_owned());
            Ok(Self { publication, templates, changes: None, held: Vec::new() })
        };
        if !invocation.may_use_snapshot() {
            return withheld("--config and --no-snapshot do without the snapshot");
        }
        let Some(path) = &place.snapshot else {
            return withheld("neither a work directory nor a home directory is known");
        };
        match resolved.settings.refresh() {
            Refresh::Auto => {}
            Refresh::Manual => {
                return withheld("snapshot.refresh is manual; `ohfp-snapshot build` publishes");
            }
            Refresh::Never => return withheld("snapshot.refresh is never"),
        }
        let (verdict, before) = freshness::assess(path, place, env, Scrutiny::JustRead(&resolved.trail));
        if let Verdict::Foreign(_) = verdict {
            return withheld(&format!(
                "{}; name another file in OHFP_SNAPSHOT",
                verdict.reason().unwrap_or_default()
            ));
        }
        let lowered = before.as_ref().map(|before| freshness::limit_decreases(&resolved, before, place));
        let lowered = lowered.unwrap_or_default();
        if verdict == Verdict::Fresh && (lowered.is_empty() || !allow_lower_max) {
            let changes = before.map(|_| Changes::default());
            return Ok(Self { publication: Publication::Unchanged, templates, changes, held: lowered });
        }
        let held = if allow_lower_max { Vec::new() } else { lowered };
        resolved.keep_published_limits(held.clone());
        let verdict = if verdict == Verdict::Fresh { Verdict::Stale(Vec::new()) } else { verdict };
        match freshness::refresh(path, &resolved, read_at, &verdict, before.as_ref()) {
            Ok(Refreshed::Busy) => withheld("another process is publishing"),
            Ok(Refreshed::Rebuilt | Refreshed::Restamped) => {
                let after = Snapshot::open_path(path, IoPolicy::Read).ok();
                let changes = before.zip(after).and_then(|(before, after)| {
                    let before = PublishedTemplates::of(&before.view()).ok()?;
                    Some(Changes::between(&before, &PublishedTemplates::of(&after.view()).ok()?))
                });
                Ok(Self { publication: Publication::Published, templates, changes, held })
            }
            Err(error) => withheld(&error.summary()),
        }
    }

    /// The error of a change of the files that could not be published, for the log.
    pub(crate) fn log(result: &Result<Self, Errors>) {
        match result {
            Ok(Self { publication: Publication::Withheld(why), .. }) => {
                tracing::info!(why, "the change of the templates is not published");
            }
            Ok(published) => tracing::info!(templates = published.templates, "the templates are published"),
            Err(errors) => {
                let first = errors.first().map(Error::summary).unwrap_or_default();
                tracing::warn!(
                    first,
                    "the change of the templates is not published: the configuration has errors"
                );
            }
        }
    }
}
