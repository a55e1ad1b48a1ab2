//! Keys of the configuration for a person: their values, where those come from, and where they are looked for.
//!
//! It reads the configuration without the templates. It must not know how an answer is shown.

use std::path::PathBuf;

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_resolver::load::LayerValue;
use ohfp_resolver::settings::{insert, keys};
use ohfp_resolver::{Key, Secrets, SettingSource, Settings, element_rule, location, schema};
use serde_json::{Map, Value, json};

use crate::invocation::Invocation;

/// A key, or a path into the value of one.
pub(crate) struct KeyPath {
    /// The key that the path begins with.
    pub(crate) key: &'static Key,
    /// The whole path, with the key under its own name.
    pub(crate) dotted: String,
}

impl KeyPath {
    /// Parses a path: the longest key that it begins with, under any of its names.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], with the nearest key.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let ends = text.match_indices('.').map(|(at, _)| at).chain([text.len()]);
        let found = ends.filter_map(|end| {
            let (start, rest) = text.split_at_checked(end)?;
            let key = keys::find(start).or_else(|| keys::canonical(start).and_then(keys::find))?;
            let has_parts = matches!(key.default.value(), Value::Array(_) | Value::Object(_))
                || matches!(key.name, "provider.aws" | "provider.sim");
            (rest.is_empty() || has_parts).then(|| Self { key, dotted: format!("{}{rest}", key.name) })
        });
        found.reduce(|_, longer| longer).ok_or_else(|| unknown(text))
    }

    /// Whether it is a key itself.
    pub(crate) fn is_key(&self) -> bool {
        self.dotted == self.key.name
    }

    pub(crate) fn steps(&self) -> Vec<&str> {
        self.dotted.split('.').collect()
    }
}

fn unknown(text: &str) -> Error {
    let error = Error::new(ErrorKind::NotFound, format!("there is no configuration key `{text}`"));
    match keys::nearest(text) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`ohfp config show --format table` lists all keys"),
    }
}

/// The value that a path into a key's value leads to: by member, index, or `name` of an element.
fn inside<'v>(value: &'v Value, steps: &[&str]) -> Option<&'v Value> {
    if steps.is_empty() {
        return Some(value);
    }
    (1..=steps.len()).find_map(|taken| {
        let (step, rest) = steps.split_at_checked(taken)?;
        let step = step.join(".");
        let next = match value {
            Value::Object(members) => members.get(&step),
            Value::Array(items) => {
                let named = |item: &&Value| item.get("name").and_then(Value::as_str) == Some(&step);
                items.iter().find(named).or_else(|| items.get(step.parse::<usize>().ok()?))
            }
            _ => None,
        }?;
        inside(next, rest)
    })
}

fn secrets(invocation: &Invocation) -> Secrets {
    if invocation.options().show_secrets { Secrets::Shown } else { Secrets::Hidden }
}

/// The layers of a path with its effective value.
struct Found {
    path: KeyPath,
    value: Option<Value>,
    problem: Option<Error>,
    layers: Vec<LayerValue>,
}

fn found(invocation: &Invocation, key: &str) -> Result<Found, Errors> {
    let path = KeyPath::parse(key)?;
    let configuration = invocation.configuration()?;
    let layers = invocation.inputs()?.layer_values(configuration, &path.dotted);
    let below = path.dotted.get(path.key.name.len() + 1..).map(|rest| rest.split('.').collect::<Vec<_>>());
    let below = below.unwrap_or_default();
    let mut value = inside(configuration.settings.get(path.key.name), &below).cloned();
    if value.is_none()
        && let ["provider.providers", name, "config", rest @ ..] =
            [&[path.key.name], below.as_slice()].concat().as_slice()
    {
        // Options that are not in the list itself, such as those of IBM's file.
        let instance = configuration.providers.iter().find(|instance| instance.name == *name);
        value = instance.and_then(|instance| instance.config.get(&rest.join("."))).cloned();
    }
    let problem = configuration.settings.problems(path.key.name).into_iter().next();
    Ok(Found { path, value, problem, layers })
}

/// `config get KEY` for a path into a value.
///
/// # Errors
/// [`ErrorKind::NotFound`] if it leads to nothing.
pub fn get(invocation: &Invocation, key: &str) -> Result<Value, Errors> {
    let Found { path, value, layers, .. } = found(invocation, key)?;
    let value = value.ok_or_else(|| {
        let error = Error::new(ErrorKind::NotFound, format!("`{}` is not set", path.dotted));
        error.hint(format!("`ohfp config get {}` shows what is", path.key.name))
    })?;
    let source = layers.iter().find(|layer| layer.decides).and_then(|layer| layer.place.clone());
    Ok(json!({
        "key": path.dotted,
        "value": secrets(invocation).of(&path.dotted, &value),
        "source": source.unwrap_or_else(|| "default".to_owned()),
    }))
}

/// `config explain KEY`.
///
/// # Errors
/// [`ErrorKind::NotFound`] for an unknown key.
pub fn explain(invocation: &Invocation, key: &str) -> Result<Value, Errors> {
    let Found { path, value, problem, layers } = found(invocation, key)?;
    let shown = |value: &Value| secrets(invocation).of(&path.dotted, value);
    let decides = layers.iter().find(|layer| layer.decides);
    let mut answer = Map::new();
    let mut add = |name: &str, value: Value| answer.insert(name.to_owned(), value);
    add("key", json!(path.dotted));
    let (help, allowed, default) = if path.is_key() {
        (path.key.help, Some(path.key.rule.allowed()), Some(path.key.default.value()))
    } else {
        let steps: Vec<&str> = path.steps();
        match element_rule(&steps) {
            Some((help, rule, default)) => (help, Some(rule.allowed()), Some(default)),
            None => ("part of a value; its meaning is that of the key above it", None, None),
        }
    };
    add("help", json!(help));
    if let Some(allowed) = allowed {
        add("allowed", json!(allowed));
    }
    add("value", value.as_ref().map_or(Value::Null, shown));
    add(
        "source",
        json!(decides.and_then(|layer| layer.place.clone()).unwrap_or_else(|| "default".to_owned())),
    );
    add("layer", json!(decides.map_or("built-in", |layer| layer.layer.name())));
    if let Some(default) = default {
        add("default", default);
    }
    if let Some(problem) = problem {
        add("problem", json!(problem.summary()));
    }
    let rows = layers.iter().rev().map(|layer| {
        json!({
            "layer": layer.layer.name(),
            "place": layer.place,
            "value": shown(&layer.value),
            "decides": layer.decides,
        })
    });
    add("layers", rows.collect());
    if let Some(kind) = invocation.scheduler().filter(|_| path.dotted == "scheduler.type") {
        add("commandLine", json!(kind.name()));
    }
    Ok(Value::Object(answer))
}

/// `config show` with its options: keys that `changed` leaves, each with its layer and position.
///
/// # Errors
/// Errors of the configuration.
pub fn list(invocation: &Invocation, changed: bool) -> Result<Value, Errors> {
    let configuration = invocation.configuration()?;
    let inputs = invocation.inputs()?;
    let settings: &Settings = &configuration.settings;
    let mut rows = Vec::new();
    for setting in settings.entries() {
        let layers = inputs.layer_values(configuration, setting.key);
        let decides = layers.iter().find(|layer| layer.decides);
        let is_default = decides.is_none_or(|layer| layer.place.is_none());
        if changed && is_default {
            continue;
        }
        rows.push(json!({
            "key": setting.key,
            "value": secrets(invocation).of(setting.key, &setting.value),
            "layer": decides.map_or("built-in", |layer| layer.layer.name()),
            "source": decides.and_then(|layer| layer.place.clone()).unwrap_or_else(|| "default".to_owned()),
        }));
    }
    Ok(json!({ "settings": rows }))
}

/// `config show --changed`: as `config show`, without what has its default.
///
/// # Errors
/// Errors of the configuration.
pub fn changed(invocation: &Invocation) -> Result<Value, Errors> {
    let configuration = invocation.configuration()?;
    let mut tree = Map::new();
    for setting in configuration.settings.entries() {
        if setting.source == SettingSource::Default {
            continue;
        }
        insert(&mut tree, setting.key, secrets(invocation).of(setting.key, &setting.value));
    }
    Ok(Value::Object(tree))
}

/// `config path`: the directory, the rules before the one that chose it, and the files.
///
/// # Errors
/// [`ErrorKind::Input`] where no rule applies; its cause names all of them.
pub fn path(invocation: &Invocation) -> Result<Value, Errors> {
    let place = invocation.place()?;
    let inputs = invocation.inputs()?;
    let rules = location::rules(invocation.env());
    let rules = rules.iter().map(|option| json!({ "rule": option.rule, "path": option.path }));
    let present = inputs.layer_files();
    let mut files: Vec<Value> = present
        .iter()
        .map(|file| json!({ "layer": file.layer.name(), "path": file.path, "exists": true }))
        .collect();
    let missing = inputs.places_of_files().into_iter().filter(|path| !path.exists());
    files.extend(missing.map(|path: PathBuf| {
        let layer = if path.ends_with("config.d") { "config.d" } else { "directory" };
        json!({ "layer": layer, "path": path, "exists": false })
    }));
    Ok(json!({
        "directory": place.origin.root,
        "rule": place.source.to_string(),
        "file": place.origin.config_file,
        "snapshot": place.snapshot,
        "rules": rules.collect::<Vec<Value>>(),
        "files": files,
    }))
}

/// Whether a key is one of the table, or a section of it, which the precompiled queries know.
pub fn is_setting(key: &str) -> bool {
    let known = keys::canonical(key).unwrap_or(key);
    let is_in =
        |name: &str| name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    keys::KEYS.iter().any(|key| is_in(key.name)) || KeyPath::parse(key).is_err()
}

/// The JSON Schema of configuration files.
pub fn configuration_schema() -> Value {
    schema::configuration()
}

/// The JSON Schema of template files.
pub fn templates_schema() -> Value {
    schema::templates()
}
