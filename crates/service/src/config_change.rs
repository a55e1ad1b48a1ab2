//! Changes of the configuration files: checked before they are made, written whole or not at all.
//!
//! It must not know how a person is asked, nor how an answer is shown.

use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_resolver::load::{Inputs, LayerValue};
use ohfp_resolver::settings::rule_text;
use ohfp_resolver::{Configuration, Key, edit, element_rule, load};
use serde_json::Value;

use crate::config_keys::KeyPath;
use crate::invocation::Invocation;
use crate::site_files::replace_unchanged;

/// What a change has done.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigChange {
    /// The key, under its own name.
    pub key: String,
    /// The file that was changed; `None` if nothing had to be.
    pub file: Option<PathBuf>,
    /// What decides although the file says otherwise: a variable, or a file above it.
    pub overridden_by: Option<String>,
}

/// Sets a key in the file that decides.
///
/// # Errors
/// [`ErrorKind::NotFound`] for an unknown key, [`ErrorKind::Input`] for a value that is not allowed or makes the
/// configuration wrong, [`ErrorKind::Refused`] if another process has changed the file meanwhile, [`ErrorKind::System`]
/// if it cannot be written. Nothing is changed then.
pub fn set(invocation: &Invocation, key: &str, written: &str) -> Result<ConfigChange, Errors> {
    let path = KeyPath::parse(key)?;
    let value = meant(&path, written)?;
    let (inputs, values) = layers(invocation, &path)?;
    let file = inputs.file_to_change(&values)?;
    let before = inputs.content_of(&file);
    let after = edit::set(&file, before, &path.steps(), &value)?;
    replace(invocation, &file, before, &after)?;
    let above = values.iter().rev().take_while(|known| known.file.as_ref() != Some(&file));
    let overridden_by = above
        .filter(|known| known.decides && known.place.is_some() && is_above(known))
        .find_map(|known| known.place.clone());
    Ok(ConfigChange { key: path.dotted, file: Some(file), overridden_by })
}

/// Whether a layer goes before the files of the configuration directory.
fn is_above(value: &LayerValue) -> bool {
    matches!(value.layer, load::LayerKind::Variable | load::LayerKind::Named | load::LayerKind::Part)
}

/// Removes a key from the file that decides.
///
/// # Errors
/// As [`set`].
pub fn unset(invocation: &Invocation, key: &str) -> Result<ConfigChange, Errors> {
    let path = KeyPath::parse(key)?;
    let (inputs, values) = layers(invocation, &path)?;
    let file = inputs.file_to_change(&values)?;
    let before = inputs.content_of(&file);
    let names = [path.steps()].into_iter().chain(ohfp_resolver::settings::keys::aliases(path.key.name).map(
        |alias| {
            let rest = path.dotted.get(path.key.name.len()..).unwrap_or_default();
            alias.split('.').chain(rest.split('.').filter(|step| !step.is_empty())).collect()
        },
    ));
    let mut after = None;
    for name in names {
        if let Some(changed) = edit::unset(&file, after.as_deref().unwrap_or(before), &name)? {
            after = Some(changed);
        }
    }
    let decides = values.iter().find(|value| value.decides && value.place.is_some());
    let Some(after) = after else {
        let overridden_by = decides.and_then(|value| value.place.clone());
        return Ok(ConfigChange { key: path.dotted, file: None, overridden_by });
    };
    replace(invocation, &file, before, &after)?;
    let overridden_by =
        decides.filter(|value| value.file.as_ref() != Some(&file)).and_then(|value| value.place.clone());
    Ok(ConfigChange { key: path.dotted, file: Some(file), overridden_by })
}

/// The file to edit, with its content.
///
/// # Errors
/// Those of locating it, and of reading it: what could not be read cannot be edited.
pub fn file_to_edit(invocation: &Invocation) -> Result<(PathBuf, String)> {
    let inputs = invocation.inputs()?;
    let file = inputs.file_to_change(&[])?;
    let content = inputs.content_of(&file).to_owned();
    Ok((file, content))
}

/// Replaces a file by what a person has made of it.
///
/// # Errors
/// As [`set`].
pub fn replace_edited(invocation: &Invocation, file: &Path, before: &str, after: &str) -> Result<(), Errors> {
    edit::check(file, after)?;
    replace(invocation, file, before, after)
}

fn layers<'i>(invocation: &'i Invocation, path: &KeyPath) -> Result<(&'i Inputs, Vec<LayerValue>), Errors> {
    let inputs = invocation.inputs()?;
    let configuration = invocation.configuration()?;
    Ok((inputs, inputs.layer_values(configuration, &path.dotted)))
}

/// The value that a person has written: JSON, or text, whichever the key allows.
pub(crate) fn meant(path: &KeyPath, written: &str) -> Result<Value> {
    let text = Value::from(written);
    let parsed: Option<Value> = serde_json::from_str(written).ok();
    let steps = path.steps();
    let rule =
        if path.is_key() { Some(path.key.rule) } else { element_rule(&steps).map(|(_, rule, _)| rule) };
    let Some(rule) = rule else { return Ok(parsed.unwrap_or(text)) };
    let mut candidates = [parsed.clone(), Some(text.clone())].into_iter().flatten();
    let allowed = candidates.find(|value| rule.allows(value) || has_reference(value));
    let allowed =
        allowed.or_else(|| rule.meant(&text)).or_else(|| other_word(path.key, path.is_key(), &text));
    allowed.ok_or_else(|| {
        let shown = rule_text(&path.dotted, &parsed.unwrap_or(text));
        Error::new(ErrorKind::Input, format!("`{}` must be {}, not {shown}", path.dotted, rule.allowed()))
            .hint(format!("`ohfp config explain {}` says more", path.dotted))
    })
}

/// A reference to a variable can be anything; it is checked with the whole file.
fn has_reference(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains('$'))
}

/// A word of other brokers, which the key is also read with.
fn other_word(key: &Key, is_key: bool, value: &Value) -> Option<Value> {
    let word = value.as_str().filter(|_| is_key)?;
    ohfp_resolver::settings::other_word(key.name, word).map(Value::from)
}

/// Checks the configuration as it would be, and replaces the file.
fn replace(invocation: &Invocation, file: &Path, before: &str, after: &str) -> Result<(), Errors> {
    if before == after {
        return Ok(());
    }
    check(invocation, file, before, after)?;
    replace_unchanged(file, before, after).map_err(Errors::from)
}

/// The configuration as it would be; `None` where it stays as it is, or has errors for which nothing can be answered.
///
/// # Errors
/// Those that it does not have now.
pub(crate) fn check(
    invocation: &Invocation,
    file: &Path,
    before: &str,
    after: &str,
) -> Result<Option<Configuration>, Errors> {
    if before == after {
        return Ok(None);
    }
    let (place, env) = (invocation.place()?, invocation.env());
    let planned = Inputs::planned(&place.origin, env, file, after);
    let known = errors(invocation.configuration().map(|configuration| &**configuration));
    let known: Vec<String> = known.iter().map(without_position).collect();
    let planned = planned.configuration(env);
    let mut new = errors(planned.as_ref().map_err(Clone::clone));
    new.retain(|error| !known.contains(&without_position(error)));
    if !new.is_empty() {
        return Err(new.into());
    }
    Ok(planned.ok())
}

/// The errors of a configuration, whether or not anything can be answered.
fn errors(loaded: Result<&Configuration, Errors>) -> Vec<Error> {
    match loaded {
        Err(errors) => errors.iter().cloned().collect(),
        Ok(configuration) => configuration.problems.iter().map(|problem| problem.error.clone()).collect(),
    }
}

/// An error in words alone: a change moves the lines behind it.
fn without_position(error: &Error) -> String {
    let summary = error.summary();
    summary.split_once(": ").map_or(summary.clone(), |(_, message)| message.to_owned())
}
