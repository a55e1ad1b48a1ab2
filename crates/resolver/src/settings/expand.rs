//! References to environment variables in the strings of the configuration: `$NAME`, `${NAME}`, `${NAME:-default}`, and
//! `$$` for a dollar sign.
//!
//! A variable that is not set and has no default is reported, and the reference stays as written. So do those whose names
//! indicate a secret: expanded values are printed and stored in snapshots. It must not know which strings those are.

use serde_json::Value;

use crate::settings::secret_names::is_secret;
use crate::source::text::{OwnedStep, Step};
use crate::source::trail::Recorder;

/// A reference to a variable that is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unset {
    /// Where its string is in the value.
    pub(crate) path: Vec<OwnedStep>,
    /// Name of the variable.
    pub(crate) variable: String,
}

impl Unset {
    /// The steps to its string.
    pub(crate) fn steps(&self) -> Vec<Step<'_>> {
        self.path.iter().map(OwnedStep::borrowed).collect()
    }

    /// What is wrong with `name`.
    pub(crate) fn message(&self, name: &str) -> String {
        let path: String = self.path.iter().map(|step| format!(".{step}")).collect();
        format!("`{name}{path}` refers to the environment variable {}, which is not set", self.variable)
    }

    /// How to mend it.
    pub(crate) fn hint(&self) -> String {
        let name = &self.variable;
        format!("set {name}, write ${{{name}:-a default}}, or $$ where a dollar sign is meant")
    }
}

/// Expands every string in `value`, at any depth; gives the references that cannot be.
pub(crate) fn expand(value: &mut Value, recorder: &Recorder<'_>) -> Vec<Unset> {
    let mut expansion = Expansion { recorder, path: Vec::new(), unset: Vec::new() };
    expansion.value(value);
    expansion.unset
}

struct Expansion<'r, 'e> {
    recorder: &'r Recorder<'e>,
    path: Vec<OwnedStep>,
    unset: Vec<Unset>,
}

impl Expansion<'_, '_> {
    fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains('$') => *text = self.text(text),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.part(OwnedStep::Index(index), item);
                }
            }
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    self.part(OwnedStep::Key(name.clone()), member);
                }
            }
            _ => (),
        }
    }

    fn part(&mut self, step: OwnedStep, value: &mut Value) {
        self.path.push(step);
        self.value(value);
        self.path.pop();
    }

    fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let (len, replaced) = match reference(after) {
                Some(reference) => (reference.len, self.replaced(&reference)),
                None => (0, None),
            };
            match replaced {
                Some(value) => out.push_str(&value),
                None => {
                    out.push('$');
                    out.push_str(after.get(..len).unwrap_or_default());
                }
            }
            rest = after.get(len..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    /// The text that a reference stands for; `None` for one that stays.
    fn replaced(&mut self, reference: &Reference<'_>) -> Option<String> {
        let Reference { name, default, .. } = *reference;
        if is_secret(name) {
            return None;
        }
        let set = self.recorder.variable(name).and_then(|value| value.to_str());
        // As in a shell, a default also stands for a variable that is empty.
        match (set, default) {
            (Some("") | None, Some(default)) => Some(default.to_owned()),
            (Some(value), _) => Some(value.to_owned()),
            (None, None) => {
                self.unset.push(Unset { path: self.path.clone(), variable: name.to_owned() });
                None
            }
        }
    }
}

/// A reference behind a dollar sign.
struct Reference<'t> {
    name: &'t str,
    default: Option<&'t str>,
    /// Length in bytes, with braces.
    len: usize,
}

fn reference(after: &str) -> Option<Reference<'_>> {
    if let Some(braced) = after.strip_prefix('{') {
        let (inside, _) = braced.split_once('}')?;
        let (name, default) =
            inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
        return is_name(name).then_some(Reference { name, default, len: inside.len() + 2 });
    }
    let end = after.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let name = after.get(..end.unwrap_or(after.len()))?;
    is_name(name).then_some(Reference { name, default: None, len: name.len() })
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::environment::Environment;

    #[test]
    fn variables_are_expanded_once_and_recorded() {
        let env: Environment =
            [("A", "1"), ("DIR", "/x"), ("LOOP", "$A"), ("MY_SECRET_KEY", "s"), ("EMPTY", "")]
                .into_iter()
                .collect();
        let check = |text: &str, wanted: &str, consulted: &[&str], unset: &[&str]| {
            let recorder = Recorder::new(&env);
            let mut value = serde_json::json!({ "k": [text] });
            let found = expand(&mut value, &recorder);
            assert_eq!(value["k"][0], wanted, "{text}");
            let names: Vec<String> = recorder.finish().variables.into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, consulted, "{text}");
            let found: Vec<String> = found.iter().map(|unset| unset.message("x")).collect();
            let wanted: Vec<String> = unset
                .iter()
                .map(|name| format!("`x.k.0` refers to the environment variable {name}, which is not set"))
                .collect();
            assert_eq!(found, wanted, "{text}");
        };
        check("$DIR/${A}x", "/x/1x", &["A", "DIR"], &[]);
        check("$NOPE/${NOPE}", "$NOPE/${NOPE}", &["NOPE"], &["NOPE", "NOPE"]);
        check("${NOPE:-}${NOPE:-a b}", "a b", &["NOPE"], &[]);
        check("${A:-x}${EMPTY:-e}$EMPTY", "1e", &["A", "EMPTY"], &[]);
        check("$$A $$$A", "$A $1", &["A"], &[]);
        check("$LOOP", "$A", &["LOOP"], &[]);
        check("5$ ${ $ $1 ${1}", "5$ ${ $ $1 ${1}", &[], &[]);
        check("$Ä${}${:-x}", "$Ä${}${:-x}", &[], &[]);
        check("$A$A", "11", &["A"], &[]);
        check("$MY_SECRET_KEY${MY_SECRET_KEY:-x}", "$MY_SECRET_KEY${MY_SECRET_KEY:-x}", &[], &[]);
    }
}
