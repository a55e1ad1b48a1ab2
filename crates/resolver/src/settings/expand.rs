//! `$NAME` and `${NAME}` in the strings of `config.json`, as shells write them. References to unset variables
//! stay as written, and so do variables whose names indicate a secret: expanded values are printed and stored
//! in snapshots. It must not know which strings those are.

use serde_json::Value;

use crate::settings::secret_names::is_secret;
use crate::source::trail::Recorder;

/// Expands every string in `value`, at any depth.
pub(crate) fn expand(value: &mut Value, recorder: &Recorder<'_>) {
    match value {
        Value::String(text) if text.contains('$') => *text = expanded(text, recorder),
        Value::Array(items) => items.iter_mut().for_each(|item| expand(item, recorder)),
        Value::Object(members) => members.values_mut().for_each(|member| expand(member, recorder)),
        _ => (),
    }
}

fn expanded(text: &str, recorder: &Recorder<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, len) = name(after);
        let value = if name.is_empty() || is_secret(name) {
            None
        } else {
            recorder.variable(name).and_then(|value| value.to_str())
        };
        if let Some(value) = value {
            out.push_str(value);
        } else {
            out.push('$');
            out.push_str(after.get(..len).unwrap_or_default());
        }
        rest = after.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The name of the variable after a `$`, and its length in bytes with delimiters; an empty name if the text is
/// no reference.
fn name(after: &str) -> (&str, usize) {
    if let Some(braced) = after.strip_prefix('{') {
        return braced.split_once('}').map_or(("", 0), |(name, _)| (name, name.len() + 2));
    }
    let end = after.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let end = end.unwrap_or(after.len());
    (after.get(..end).unwrap_or_default(), end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::environment::Environment;

    #[test]
    fn variables_are_expanded_once_and_recorded() {
        let env: Environment =
            [("A", "1"), ("DIR", "/x"), ("LOOP", "$A"), ("MY_SECRET_KEY", "s")].into_iter().collect();
        let check = |text: &str, wanted: &str, consulted: &[&str]| {
            let recorder = Recorder::new(&env);
            let mut value = serde_json::json!({ "k": [text] });
            expand(&mut value, &recorder);
            assert_eq!(value["k"][0], wanted, "{text}");
            let names: Vec<String> = recorder.finish().variables.into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, consulted, "{text}");
        };
        check("$DIR/${A}x", "/x/1x", &["A", "DIR"]);
        check("$NOPE/${NOPE}", "$NOPE/${NOPE}", &["NOPE"]);
        check("$LOOP", "$A", &["LOOP"]);
        check("5$ ${ $", "5$ ${ $", &[]);
        check("$Ä${}", "$Ä${}", &[]);
        check("$A$A", "11", &["A"]);
        check("$MY_SECRET_KEY", "$MY_SECRET_KEY", &[]);
    }
}
