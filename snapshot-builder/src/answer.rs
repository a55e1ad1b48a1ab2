//! The questions that the configuration alone answers, named once for builder and live program.

use ohfp_broker::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::load::Resolved;
use crate::render::{Format, Rendered, documents};
use crate::resolve::keys;
use crate::resolve::nearest::{did_you_mean, nearest};

/// A question about the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// `config show`
    Config,
    /// `config get KEY`
    Setting(String),
    /// `providers list`
    Providers,
    /// `providers show [NAME]`
    Provider(Option<String>),
    /// `scheduler list`
    Schedulers,
    /// `scheduler show [NAME]`
    Scheduler(Option<String>),
    /// `storage list`
    Stores,
}

impl Document {
    /// The questions worth an answer ahead of time, under their commands. `config get` is not among
    /// them: its many small answers would make every open of the snapshot dearer.
    pub fn all(resolved: &Resolved) -> Vec<(String, Self)> {
        let mut all = vec![
            ("config show".to_owned(), Self::Config),
            ("providers list".to_owned(), Self::Providers),
            ("scheduler list".to_owned(), Self::Schedulers),
            ("storage list".to_owned(), Self::Stores),
            ("providers show".to_owned(), Self::Provider(None)),
            ("scheduler show".to_owned(), Self::Scheduler(None)),
        ];
        let named = |command: &str, name: &str| format!("{command} {name}");
        for provider in &resolved.providers {
            all.push((named("providers show", &provider.name), Self::Provider(Some(provider.name.clone()))));
        }
        for name in documents::scheduler_names() {
            all.push((named("scheduler show", name), Self::Scheduler(Some(name.to_owned()))));
        }
        all
    }

    /// The answer, or `None` when the thing named does not exist.
    pub fn render(&self, resolved: &Resolved, format: Format) -> Option<Rendered> {
        let value: Value = match self {
            Self::Config => return Some(documents::config(resolved, format)),
            Self::Setting(key) => documents::setting(resolved, key)?,
            Self::Providers => documents::providers(resolved),
            Self::Provider(name) => documents::provider(resolved, name.as_deref())?,
            Self::Schedulers => documents::schedulers(resolved),
            Self::Scheduler(name) => documents::scheduler(resolved, name.as_deref())?,
            Self::Stores => documents::stores(resolved),
        };
        Some(documents::render(&value, format))
    }

    /// The error for a name that does not exist, with the nearest one that does.
    pub fn missing(&self, resolved: &Resolved) -> Error {
        let (what, name, known): (_, _, Vec<String>) = match self {
            Self::Setting(key) => {
                let error = Error::new(ErrorKind::NotFound, format!("there is no configuration key `{key}`"));
                return hinted(error, keys::nearest(key));
            }
            Self::Provider(name) => (
                "provider",
                name.clone(),
                resolved.providers.iter().map(|provider| provider.name.clone()).collect(),
            ),
            Self::Scheduler(name) => {
                ("scheduler", name.clone(), documents::scheduler_names().map(str::to_owned).collect())
            }
            _ => ("document", None, Vec::new()),
        };
        not_found(what, name.as_deref(), known.iter().map(String::as_str))
    }
}

/// "Not found", with the nearest known name.
pub fn not_found<'a>(what: &str, name: Option<&str>, known: impl Iterator<Item = &'a str>) -> Error {
    let Some(name) = name else {
        return Error::new(ErrorKind::NotFound, format!("there is no {what}"));
    };
    hinted(Error::new(ErrorKind::NotFound, format!("there is no {what} `{name}`")), nearest(name, known))
}

fn hinted(error: Error, nearest: Option<&str>) -> Error {
    match did_you_mean(nearest) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The template of that id.
pub fn template<'a>(resolved: &'a Resolved, id: &str) -> Result<&'a ohfp_broker::template::Template> {
    let templates = &resolved.templates;
    templates.iter().find(|template| template.id == id).ok_or_else(|| {
        let error = not_found("template", Some(id), templates.iter().map(|template| template.id.as_str()));
        if error.hint_text().is_some() {
            error
        } else {
            error.hint("`ohfp templates list --format table` shows all templates")
        }
    })
}
