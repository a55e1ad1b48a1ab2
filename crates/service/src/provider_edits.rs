//! Changes of the configured providers in the file that lists them: planned and checked first, then written.
//!
//! Between the two, a front end can ask the store whether a provider is in use. It must not know how a person is asked.

use std::path::PathBuf;

use ohfp_broker::store::{MachineFilter, RequestFilter};
use ohfp_broker::{Error, ErrorKind, Errors, MachineState, Result};
use ohfp_resolver::nearest::{did_you_mean, nearest};
use ohfp_resolver::settings::insert;
use ohfp_resolver::{Configuration, PROVIDER_KINDS, ProviderInstance, edit};
use serde_json::{Map, Value, json};

use crate::config_change::{check, meant};
use crate::config_keys::KeyPath;
use crate::invocation::Invocation;
use crate::session::Session;
use crate::site_files::replace_unchanged;

const LIST: &str = "provider.providers";
const ACTIVE: &str = "provider.active_provider";
/// Keys that name a provider, and lead nowhere without it.
const NAMING: [&str; 3] = [ACTIVE, "provider.default_provider_instance", "template.default_provider_name"];
/// Members of a provider that are set beside its options.
const MEMBERS: [&str; 3] = ["enabled", "priority", "weight"];

/// A change of the providers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderChange {
    /// Adds a provider.
    Add {
        /// Its type.
        kind: String,
        /// Options and members as a person writes them.
        options: Vec<(String, String)>,
        /// Whether new requests go to it.
        default: bool,
    },
    /// Sets options and members, as a person writes them; an empty text removes one.
    Update(Vec<(String, String)>),
    /// Removes the provider.
    Remove,
    /// Has new requests go to it.
    SetDefault,
}

/// A change that has been checked, and is not made yet.
#[derive(Debug)]
pub struct ProviderPlan {
    /// The file that changes.
    pub file: PathBuf,
    /// Providers that the configuration has now, and not afterwards.
    pub gone: Vec<String>,
    /// The provider of new requests afterwards.
    pub default: Option<String>,
    before: String,
    after: String,
}

/// What the store has of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderUse {
    /// Machines that exist.
    pub machines: usize,
    /// Requests that are open.
    pub requests: usize,
}

impl ProviderPlan {
    /// Plans the change of the provider `name`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown provider, [`ErrorKind::Refused`] for one that exists or cannot be changed
    /// in a file, [`ErrorKind::Input`] for what would make the configuration wrong.
    pub fn new(invocation: &Invocation, name: &str, change: &ProviderChange) -> Result<Self, Errors> {
        let configuration = invocation.configuration()?;
        let known = configuration.providers.iter().find(|instance| instance.name == name);
        let instance = match (change, known.filter(|instance| !instance.implied)) {
            (ProviderChange::Add { .. }, None) => None,
            (ProviderChange::Add { .. }, Some(_)) => {
                let error = Error::new(ErrorKind::Refused, format!("there is a provider `{name}` already"));
                let hint = format!("`ohfp providers update {name} KEY=VALUE` changes its options");
                return Err(error.hint(hint).into());
            }
            (ProviderChange::SetDefault, _) => Some(known.ok_or_else(|| unknown(configuration, name))?),
            (_, Some(instance)) => Some(instance),
            (_, None) => return Err(not_listed(known, || unknown(configuration, name)).into()),
        };
        let key = match (change, instance) {
            (ProviderChange::Update(_), Some(instance)) => base(configuration, instance),
            (ProviderChange::SetDefault, _) => ACTIVE.to_owned(),
            _ => LIST.to_owned(),
        };
        let inputs = invocation.inputs()?;
        let file = inputs.file_to_change(&inputs.layer_values(configuration, &key))?;
        let before = inputs.content_of(&file).to_owned();
        let text = Text { file: &file, content: before.clone() };
        let after = match change {
            ProviderChange::Add { kind, options, default } => {
                text.with_added(name, kind, options, *default)?
            }
            ProviderChange::Update(options) => text.with_options(&key, options)?,
            ProviderChange::Remove => text.without(name, configuration)?,
            ProviderChange::SetDefault => text.with(ACTIVE, &json!(name))?,
        };
        let planned = check(invocation, &file, &before, &after)?;
        let mut plan = Self { file, gone: Vec::new(), default: None, before, after };
        plan.compare(configuration, planned.as_ref().unwrap_or(configuration));
        let is_removed = |gone: &&String| !matches!(change, ProviderChange::Remove) || *gone != name;
        let explicit = |gone: &&String| {
            configuration.providers.iter().any(|instance| instance.name == **gone && !instance.implied)
        };
        if let Some(lost) = plan.gone.iter().filter(is_removed).find(explicit) {
            let message = format!("provider `{lost}` is not in `{LIST}`, which would take its place");
            let hint = "`ohfp config edit` moves it there: {\"name\": …, \"type\": …, \"config\": {…}}";
            return Err(Error::new(ErrorKind::Refused, message).hint(hint).into());
        }
        Ok(plan)
    }

    fn compare(&mut self, now: &Configuration, planned: &Configuration) {
        let stays = |name: &str| planned.providers.iter().any(|instance| instance.name == name);
        // The simulated provider of an empty configuration stands for none.
        let counts = |instance: &&ProviderInstance| !instance.implied || instance.kind != "sim";
        let gone = now.providers.iter().filter(counts).filter(|instance| !stays(&instance.name));
        self.gone = gone.map(|instance| instance.name.clone()).collect();
        let default = planned.providers.iter().find(|instance| instance.default);
        self.default = default.map(|instance| instance.name.clone());
    }

    /// Whether the file changes at all.
    pub fn is_change(&self) -> bool {
        self.before != self.after
    }

    /// Makes the change.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] if another process has changed the file meanwhile, [`ErrorKind::System`] if it cannot be
    /// written.
    pub fn apply(&self) -> Result<()> {
        if self.is_change() { replace_unchanged(&self.file, &self.before, &self.after) } else { Ok(()) }
    }
}

impl ProviderUse {
    /// Asks the store.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(session: &Session, provider: &str) -> Result<Self> {
        let requests = session.requests()?;
        let open = requests.store.requests(&RequestFilter::open())?;
        let states = MachineState::ALL.iter().copied().filter(|state| *state != MachineState::Terminated);
        let filter = MachineFilter { states: states.collect(), ..MachineFilter::default() };
        let machines = requests.store.machines(&filter)?;
        Ok(Self {
            machines: machines.iter().filter(|machine| machine.provider == provider).count(),
            requests: open.iter().filter(|open| open.request.provider.as_deref() == Some(provider)).count(),
        })
    }
}

/// A file and its text, which changes step by step.
struct Text<'f> {
    file: &'f std::path::Path,
    content: String,
}

impl Text<'_> {
    fn with(&self, key: &str, value: &Value) -> Result<String> {
        edit::set(self.file, &self.content, &key.split('.').collect::<Vec<_>>(), value)
    }

    fn with_added(
        mut self,
        name: &str,
        kind: &str,
        options: &[(String, String)],
        default: bool,
    ) -> Result<String, Errors> {
        if !PROVIDER_KINDS.contains(&kind) {
            let near = did_you_mean(nearest(kind, PROVIDER_KINDS.iter().copied()));
            let hint = near.unwrap_or_else(|| "`aws` and `sim` are there".to_owned());
            let message = format!("ohfp has no provider of type `{kind}`");
            return Err(Error::new(ErrorKind::Input, message).hint(hint).into());
        }
        let mut element = Map::from_iter([("name", name), ("type", kind)].map(member));
        for (key, written) in options {
            let key = own(key)?;
            let path = KeyPath::parse(&format!("{LIST}.{name}.{key}"))?;
            insert(&mut element, &key, meant(&path, written)?);
        }
        let list: Vec<&str> = LIST.split('.').collect();
        self.content = edit::append(self.file, &self.content, &list, &Value::Object(element))?;
        if default {
            self.content = self.with(ACTIVE, &json!(name))?;
        }
        Ok(self.content)
    }

    fn with_options(mut self, base: &str, options: &[(String, String)]) -> Result<String, Errors> {
        for (key, written) in options {
            let key = own(key)?;
            // The form of one provider has options and members in one object.
            let key =
                if base.starts_with(LIST) { &*key } else { key.strip_prefix("config.").unwrap_or(&key) };
            let path = KeyPath::parse(&format!("{base}.{key}"))?;
            if !written.is_empty() {
                self.content = self.with(&path.dotted, &meant(&path, written)?)?;
            } else if let Some(without) = edit::unset(self.file, &self.content, &path.steps())? {
                self.content = without;
            }
        }
        Ok(self.content)
    }

    fn without(mut self, name: &str, configuration: &Configuration) -> Result<String, Errors> {
        let path = format!("{LIST}.{name}");
        let Some(without) = edit::unset(self.file, &self.content, &path.split('.').collect::<Vec<_>>())?
        else {
            let message =
                format!("provider `{name}` is no element of `{LIST}`, so it cannot be removed alone");
            let error = Error::new(ErrorKind::Refused, message);
            return Err(error.hint("`ohfp config edit` opens the file in your editor").into());
        };
        self.content = without;
        for key in NAMING.into_iter().filter(|key| configuration.settings.get(key) == name) {
            let steps: Vec<&str> = key.split('.').collect();
            if let Some(without) = edit::unset(self.file, &self.content, &steps)? {
                self.content = without;
            }
        }
        Ok(self.content)
    }
}

fn member((name, text): (&str, &str)) -> (String, Value) {
    (name.to_owned(), json!(text))
}

/// The path of an option or a member below its provider.
fn own(key: &str) -> Result<String> {
    let is_path = |section: &str| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
    match key {
        "name" | "type" => {
            let message = format!("`{key}` of a provider cannot be changed");
            let hint =
                "machines are recorded under the name; add another provider, and remove this one later";
            Err(Error::new(ErrorKind::Refused, message).hint(hint))
        }
        _ if MEMBERS.contains(&key) || is_path("config") || is_path("template_defaults") => {
            Ok(key.to_owned())
        }
        _ => Ok(format!("config.{key}")),
    }
}

/// What the keys of a provider are below: its element, or the section of the form for one provider.
fn base(configuration: &Configuration, instance: &ProviderInstance) -> String {
    let list = configuration.settings.get(LIST).as_array();
    if list.is_some_and(|list| !list.is_empty()) {
        format!("{LIST}.{}", instance.name)
    } else {
        format!("provider.{}", instance.kind)
    }
}

fn unknown(configuration: &Configuration, name: &str) -> Error {
    let names = configuration.providers.iter().map(|instance| instance.name.as_str());
    let error = Error::new(ErrorKind::NotFound, format!("there is no provider `{name}`"));
    match did_you_mean(nearest(name, names)) {
        Some(hint) => error.hint(hint),
        None => error.hint("`ohfp providers list --format table` shows all of them"),
    }
}

/// The error of a provider that no file lists.
fn not_listed(implied: Option<&ProviderInstance>, unknown: impl FnOnce() -> Error) -> Error {
    let Some(ProviderInstance { name, kind, source, .. }) = implied else { return unknown() };
    let by = if source == "default" || source.is_empty() { String::new() } else { format!(" by `{source}`") };
    Error::new(ErrorKind::Refused, format!("provider `{name}` is implied{by}, and not listed in `{LIST}`"))
        .hint(format!("`ohfp providers add {name} --type {kind}` lists it"))
}
