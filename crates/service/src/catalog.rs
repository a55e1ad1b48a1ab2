//! Configuration and templates for a command. No published `maxNumber` decreases unnoticed.

mod upkeep;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_broker::{Error, ErrorKind, Errors, Result, Template};
use ohfp_cli::GlobalOptions;
use ohfp_components::environment;
use ohfp_metrics::counters;
use ohfp_platform::sys;
use ohfp_render::queries::{self, Query};
use ohfp_render::{Format, Rendered};
use ohfp_resolver::load::Inputs;
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::settings::keys::KEYS;
use ohfp_resolver::{Environment, FIELD_NAMES, LeftOut, Performance, Resolved, Secrets, Settings, hf_name};
use ohfp_snapshot_builder::freshness::{self, Verdict};
use serde_json::Value;

use crate::log;
use crate::snapshot_use;
use crate::spans;
use crate::state_dir;
use crate::surviving::surviving;
use crate::timings;

use upkeep::{LOGGED, Upkeep};

/// Configuration and templates, with the state that a refresh of the snapshot needs.
pub struct Catalog {
    resolved: Resolved,
    secrets: Secrets,
    scheduler: Option<SchedulerKind>,
    upkeep: Option<Upkeep>,
    refresh: AtomicBool,
    /// The templates that are answered although others are wrong.
    surviving: Option<Vec<Template>>,
}

/// What a catalog is loaded from.
pub(crate) struct Reading<'i> {
    pub(crate) options: &'i GlobalOptions,
    pub(crate) env: &'i Environment,
    pub(crate) place: &'i ConfigLocation,
    pub(crate) inputs: &'i Inputs,
    /// The scheduler that the command line names.
    pub(crate) scheduler: Option<SchedulerKind>,
}

impl Catalog {
    /// Loads the templates, and compares them with the published snapshot.
    pub(crate) fn load(reading: &Reading<'_>) -> Result<Self, Errors> {
        let Reading { options, env, place, inputs, scheduler } = *reading;
        // A file size limit that log or snapshot exceed must not kill the process before the answer.
        sys::survive_file_size_limit();
        let mut resolved = inputs.resolve(env)?;
        let performance = Performance::new(&resolved.settings);
        let performance = environment::overridden(performance.clone(), env).unwrap_or(performance);
        log::configure(&performance, env, log::named(&resolved.settings, env, &place.origin.root));
        timings::configure(&performance);
        spans::configure(&resolved.settings, || state_dir::directory(place, env));
        // A configuration named on the command line is an experiment; the published snapshot does not belong to it.
        // Neither does it to a process whose variables override keys.
        let overridden = env.overrides().next().is_some();
        let looked_after = !options.no_snapshot && options.config.is_none() && !overridden;
        let answerable = options.scheduler.is_none() && options.output.is_none();
        let upkeep = looked_after
            .then(|| upkeep::examine(place, env, &resolved.trail, inputs.read_at(), answerable))
            .flatten();
        counters::snapshot(snapshot_use::assessed(upkeep.as_ref().map(|upkeep| &upkeep.verdict)));
        if let Some(published) = upkeep.as_ref().and_then(|upkeep| upkeep.published.as_ref()) {
            let lowered = freshness::limit_decreases(&resolved, published, place);
            for lowered in lowered.iter().take(LOGGED) {
                tracing::warn!(
                    template = lowered.id,
                    published = lowered.published,
                    now = lowered.now,
                    "maxNumber was lowered; Host Factory can hang on that, so the published number holds until \
                     `ohfp-snapshot build --allow-lower-max`"
                );
            }
            resolved.keep_published_limits(lowered);
        }
        let published = upkeep.as_ref().and_then(|upkeep| upkeep.published.as_ref());
        let surviving = published.and_then(|published| surviving(&resolved, published, place));
        if let Some(surviving) = &surviving {
            let first = resolved.problems.first().map(|problem| problem.error.summary()).unwrap_or_default();
            tracing::warn!(
                answered = surviving.len(),
                first,
                "templates are wrong; those that are as they were published are answered, and no other"
            );
        }
        let (root, rule) = (place.origin.root.display(), place.source);
        let fresh = upkeep.as_ref().is_some_and(|upkeep| upkeep.verdict == Verdict::Fresh);
        let templates = resolved.templates.len();
        tracing::debug!(configuration = %root, %rule, templates, fresh, "the templates are read from the files");
        // If the snapshot is fresh, the warnings were logged when it was built.
        if upkeep.as_ref().is_none_or(|upkeep| upkeep.verdict != Verdict::Fresh) {
            log_left_out(&resolved);
        }
        let secrets = if options.show_secrets { Secrets::Shown } else { Secrets::Hidden };
        Ok(Self { resolved, secrets, scheduler, upkeep, refresh: AtomicBool::new(false), surviving })
    }

    /// Rebuilds the snapshot now, whatever `snapshot.refresh` says. Gives its path and what was done.
    ///
    /// # Errors
    /// Errors of the configuration; [`ErrorKind::Refused`] where this invocation has no snapshot.
    pub fn rebuild(&self) -> Result<(PathBuf, &'static str), Errors> {
        if !self.resolved.problems.is_empty() {
            return Err(self.resolved.errors().into());
        }
        let Some(upkeep) = &self.upkeep else {
            let error = Error::new(
                ErrorKind::Refused,
                "this command line or its environment does without a snapshot",
            );
            return Err(error
                .hint("leave out --config and --no-snapshot, and variables like OHFP_A__B; `ohfp config path` shows its path")
                .into());
        };
        upkeep.rebuild(&self.resolved)
    }

    /// Refreshes the snapshot where that was asked for, according to `snapshot.refresh`. Errors go to the log only.
    pub(crate) fn refresh_snapshot(&self) {
        if let Some(upkeep) = self.upkeep.as_ref().filter(|_| self.refresh.load(Ordering::Relaxed)) {
            upkeep.refresh(&self.resolved);
        }
    }

    /// The settings that the templates were resolved with.
    pub(crate) fn settings(&self) -> &Settings {
        &self.resolved.settings
    }

    /// The templates that are answered: all, or where some are wrong those that are as they were published.
    ///
    /// # Errors
    /// Errors in the templates, or in what they inherit from the configuration, where none can be answered.
    pub fn templates(&self) -> Result<&[Template], Errors> {
        match &self.surviving {
            Some(surviving) => Ok(surviving),
            None => self.resolved.templates(),
        }
    }

    /// How many templates are answered although others are wrong; `None` where none is wrong, or none is answered.
    pub(crate) fn surviving(&self) -> Option<usize> {
        self.surviving.as_ref().map(Vec::len)
    }

    /// The templates for Host Factory, of which there is at least one: it drops a provider that answers none.
    ///
    /// # Errors
    /// As [`Self::templates`], and [`ErrorKind::Input`] where no template can be offered, with the reasons.
    pub fn offered(&self) -> Result<&[Template], Errors> {
        let templates = self.templates()?;
        if templates.is_empty() { Err(self.none_offered().into()) } else { Ok(templates) }
    }

    fn none_offered(&self) -> Error {
        let place = self.resolved.origin.root.display();
        let left_out = &self.resolved.left_out;
        let reasons: Vec<String> = left_out.iter().take(NAMED).map(LeftOut::message).collect();
        let message = match (reasons.as_slice(), left_out.len().saturating_sub(NAMED)) {
            ([], _) => format!("there are no templates in `{place}`"),
            (all, 0) => format!("no template of `{place}` can be offered: {}", all.join("; ")),
            (some, more) => format!(
                "no template of `{place}` can be offered: {}; {more} more are left out",
                some.join("; ")
            ),
        };
        Error::new(ErrorKind::Input, message)
            .hint("Host Factory drops a provider that answers none, so this is an error; run `ohfp templates validate` for details")
    }

    /// The template of that id, with its secrets.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], with the reason or the nearest id.
    pub fn template(&self, id: &str) -> Result<&Template> {
        let Some(surviving) = &self.surviving else { return queries::template(&self.resolved, id) };
        if let Some(template) = surviving.iter().find(|template| template.id() == id) {
            return Ok(template);
        }
        let error = match queries::template(&self.resolved, id) {
            Ok(_) => Error::new(
                ErrorKind::NotFound,
                format!(
                    "template `{id}` is not offered: it has changed since the templates were published, and others are wrong"
                ),
            ),
            Err(error) => error,
        };
        let error = match self.resolved.problems.first() {
            Some(first) => error.cause(first.error.summary()),
            None => error,
        };
        Err(error.hint("`ohfp templates validate` shows all errors"))
    }

    /// Templates as they are shown: with secrets redacted unless the options ask for them.
    pub fn shown<'t>(&self, templates: &'t [Template]) -> Cow<'t, [Template]> {
        self.secrets.of_templates(templates)
    }

    /// The names that fields of the answer have.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] where `scheduler.type` is invalid and the options name none.
    pub fn scheduler(&self) -> Result<SchedulerKind> {
        self.scheduler.map_or_else(|| self.resolved.settings.scheduler(), Ok)
    }

    /// The answer to a query.
    ///
    /// # Errors
    /// Errors in what the answer shows; [`ErrorKind::NotFound`] for a name that does not exist.
    pub fn answer(&self, query: &Query, format: Format) -> Result<Rendered, Errors> {
        query.check(&self.resolved)?;
        let rendered = query.render(&self.resolved, format, self.secrets);
        rendered.ok_or_else(|| query.missing(&self.resolved).into())
    }

    /// The same as a value, for commands that show a part of it.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn value(&self, query: &Query) -> Result<Value, Errors> {
        query.check(&self.resolved)?;
        query.value(&self.resolved, self.secrets).ok_or_else(|| query.missing(&self.resolved).into())
    }

    /// Notes on a list of the templates, a line each.
    pub fn notes(&self) -> Vec<String> {
        queries::list_notes(&self.resolved)
    }

    /// Asks for the upkeep of the snapshot, which did not give the answer. It is done once the answer is out, by
    /// [`Invocation::finish`](crate::invocation::Invocation::finish).
    pub fn queue_refresh(&self) {
        self.refresh.store(true, Ordering::Relaxed);
    }
}

/// Most templates whose reason a message gives.
const NAMED: usize = 5;

/// The names of the fields of a template, as Host Factory has them.
pub fn field_names() -> impl Iterator<Item = &'static str> {
    FIELD_NAMES.iter().map(|(name, _)| *name)
}

/// The names of all settings.
pub fn setting_names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}

/// Host Factory's name of a field that is named in either spelling.
pub fn field_name(name: &str) -> &str {
    hf_name(name)
}

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
