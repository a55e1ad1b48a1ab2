//! The queries that the configuration alone answers, declared once for builder and live program.

use ohfp_broker::template::{ID_RULE, is_id};
use ohfp_broker::text::quoted;
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_resolver::nearest::did_you_mean;
pub use ohfp_resolver::nearest::nearest;
use ohfp_resolver::settings::keys;
use ohfp_resolver::settings::keys::KEYS;
use ohfp_resolver::{Resolved, Secrets, choice_problems};
use serde_json::Value;

use crate::{Format, Rendered, documents};

/// A query about the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
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

impl Query {
    /// The queries that are precompiled, with their commands. `config get` is not among them: its many small
    /// answers would make every open of the snapshot slower.
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

    /// Renders the answer; `None` if the named provider, scheduler, store or key does not exist.
    pub fn render(&self, resolved: &Resolved, format: Format, secrets: Secrets) -> Option<Rendered> {
        match self {
            Self::Config => Some(documents::config(resolved, format, secrets)),
            _ => Some(documents::render(&self.value(resolved, secrets)?, format)),
        }
    }

    /// The answer as a value; `None` as above, and for the whole configuration, whose form depends on the format.
    pub fn value(&self, resolved: &Resolved, secrets: Secrets) -> Option<Value> {
        match self {
            Self::Config => None,
            Self::Setting(key) => documents::setting(resolved, key, secrets),
            Self::Providers => Some(documents::providers(resolved)),
            Self::Provider(name) => documents::provider(resolved, name.as_deref(), secrets),
            Self::Schedulers => Some(documents::schedulers(resolved)),
            Self::Scheduler(name) => documents::scheduler(resolved, name.as_deref()),
            Self::Stores => Some(documents::stores(resolved)),
        }
    }

    /// Checks the part of the configuration that the answer shows.
    ///
    /// # Errors
    /// Each error once, in the order of the table of keys.
    pub fn check(&self, resolved: &Resolved) -> Result<(), Errors> {
        let settings = &resolved.settings;
        let of = |name: Option<&String>| -> Vec<Error> {
            let named = resolved.providers.iter().filter(|one| name.is_none_or(|name| one.name == *name));
            named.flat_map(|one| one.problems(&["type", "enabled", "priority", "weight", "config"])).collect()
        };
        let errors: Vec<Error> = match self {
            Self::Config => KEYS.iter().flat_map(|key| settings.problems(key.name)).collect(),
            Self::Setting(key) => settings.problems(keys::canonical(key).unwrap_or(key)),
            Self::Provider(name @ Some(_)) => of(name.as_ref()),
            Self::Provider(None) | Self::Providers => {
                choice_problems(settings, &resolved.providers).into_iter().chain(of(None)).collect()
            }
            Self::Schedulers | Self::Scheduler(_) => settings.problems("scheduler.type"),
            Self::Stores => settings.problems("storage.strategy"),
        };
        let mut told: Vec<Error> = Vec::new();
        for error in errors {
            if !told.contains(&error) {
                told.push(error);
            }
        }
        if told.is_empty() { Ok(()) } else { Err(told.into()) }
    }

    /// The error for a name that does not exist, with the nearest one that does.
    pub fn missing(&self, resolved: &Resolved) -> Error {
        let (what, name, known): (_, _, Vec<String>) = match self {
            Self::Setting(key) => {
                let error =
                    Error::new(ErrorKind::NotFound, format!("there is no configuration key {}", quoted(key)));
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

/// Most template ids that a note lists.
const NAMED: usize = 5;

/// Notes on a list of templates, a line each: templates that are left out, and `maxNumber`s that differ from
/// the file.
pub fn list_notes(resolved: &Resolved) -> Vec<String> {
    let line = |count: usize, names: &mut dyn Iterator<Item = &str>, what: &str, look: &str| {
        let names: Vec<String> = names.take(NAMED).map(|name| format!("`{name}`")).collect();
        let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
        format!("{what}: {}{more}; {look}", names.join(", "))
    };
    let (left_out, held) = (&resolved.left_out, &resolved.held);
    let mut notes = Vec::new();
    if !left_out.is_empty() {
        let what = match left_out.len() {
            1 => "1 template is left out".to_owned(),
            count => format!("{count} templates are left out"),
        };
        let mut names = left_out.iter().map(|left_out| left_out.id.as_str());
        notes.push(line(left_out.len(), &mut names, &what, "`ohfp templates validate` gives the reasons"));
    }
    if !held.is_empty() {
        let what = "maxNumber as published, which is more than in the file";
        let mut names = held.iter().map(|held| held.id.as_str());
        notes.push(line(held.len(), &mut names, what, "`ohfp templates validate` gives details"));
    }
    notes
}

/// A "not found" error that suggests the nearest known name.
pub fn not_found<'a>(what: &str, name: Option<&str>, known: impl Iterator<Item = &'a str>) -> Error {
    let Some(name) = name else {
        return Error::new(ErrorKind::NotFound, format!("there is no {what}"));
    };
    hinted(
        Error::new(ErrorKind::NotFound, format!("there is no {what} {}", quoted(name))),
        nearest(name, known),
    )
}

fn hinted(error: Error, nearest: Option<&str>) -> Error {
    match did_you_mean(nearest) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The error for an invalid template id; `None` for a valid one. It needs no catalog.
pub fn impossible_id(id: &str) -> Option<Error> {
    const SHOWN: usize = 64;
    if is_id(id) {
        return None;
    }
    let cut = id.char_indices().nth(SHOWN).and_then(|(end, _)| id.get(..end));
    let shown = cut.map_or_else(|| id.to_owned(), |start| format!("{start}…"));
    let error = Error::new(ErrorKind::NotFound, format!("there is no template {}", quoted(&shown)));
    Some(error.hint(format!("a templateId is {ID_RULE}")))
}

/// Finds a template by its id.
pub fn template<'a>(resolved: &'a Resolved, id: &str) -> Result<&'a ohfp_broker::template::Template> {
    if let Some(error) = impossible_id(id) {
        return Err(error);
    }
    let templates = &resolved.templates;
    templates.iter().find(|template| template.id() == id).ok_or_else(|| {
        if let Some(left_out) = resolved.left_out.iter().find(|left_out| left_out.id == id) {
            return Error::new(ErrorKind::NotFound, left_out.message()).hint(left_out.hint.as_str());
        }
        not_found("template", Some(id), templates.iter().map(ohfp_broker::Template::id))
            .hint_or("`ohfp templates list --format table` shows all templates")
    })
}
