//! Redacts secrets in output for people. Decided by words in names (`secret_names`) and by the form of texts
//! (`secret_texts`) alone; it must not know which settings and fields exist.

use std::borrow::Cow;
use std::collections::HashMap;

use ohfp_broker::template::Template;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::settings::secret_names::{NameKind, kind};
pub use crate::settings::secret_texts::REDACTED;
use crate::settings::secret_texts::without_secrets;

/// Whether output contains secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// Redacted: the default, and always so in a snapshot.
    Hidden,
    /// In plain text, on request.
    Shown,
}

impl Secrets {
    /// `value` of `key`, redacted unless `Shown`.
    pub fn of(self, key: &str, value: &Value) -> Value {
        match self {
            Self::Hidden => redact(key, value),
            Self::Shown => value.clone(),
        }
    }

    /// Templates, redacted unless `Shown`.
    pub fn of_templates(self, templates: &[Template]) -> Cow<'_, [Template]> {
        match self {
            Self::Hidden => redact_templates(templates),
            Self::Shown => Cow::Borrowed(templates),
        }
    }
}

/// Values that are switches, such as EC2's `"HttpTokens": "required"`, and never secrets.
const SETTINGS: &[&str] = &[
    "", "auto", "default", "disabled", "enabled", "false", "no", "none", "off", "on", "optional", "required",
    "true", "yes",
];

/// Redacts `value` of `key`. `key` may be dotted; its last part counts.
pub fn redact(key: &str, value: &Value) -> Value {
    redact_as(kind(key.rsplit('.').next().unwrap_or(key)), value)
}

fn redact_as(kind: NameKind, value: &Value) -> Value {
    match (kind, value) {
        (_, Value::Null | Value::Bool(_)) | (NameKind::Plain | NameKind::UserData, Value::Number(_)) => {
            value.clone()
        }
        // Below a secret, names are not considered: `"credentials": {"user": …, "value": …}`.
        (NameKind::Secret | NameKind::UserData, Value::Object(members)) => Value::Object(
            members.iter().map(|(name, value)| (name.clone(), redact_as(kind, value))).collect(),
        ),
        (NameKind::Plain, Value::Object(members)) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), redact(name, value))).collect())
        }
        (_, Value::Array(items)) => Value::Array(items.iter().map(|item| redact_as(kind, item)).collect()),
        (NameKind::Secret, Value::String(text)) if SETTINGS.contains(&text.to_lowercase().as_str()) => {
            value.clone()
        }
        (NameKind::Secret, _) => Value::String(REDACTED.to_owned()),
        (NameKind::UserData, Value::String(text)) if !is_path(text) && !text.is_empty() => {
            Value::String(format!("({} bytes, xxh3 {:016x})", text.len(), xxh3_64(text.as_bytes())))
        }
        (NameKind::Plain | NameKind::UserData, Value::String(text)) => {
            without_secrets(text).map_or_else(|| value.clone(), Value::String)
        }
    }
}

/// Redacts templates; borrows them if they contain no secret.
pub fn redact_templates(templates: &[Template]) -> Cow<'_, [Template]> {
    // Catalogs have many templates and few names.
    let mut kinds: HashMap<&str, NameKind> = HashMap::new();
    let mut shown: Option<Vec<Template>> = None;
    for (number, template) in templates.iter().enumerate() {
        let mut changed: Vec<(String, Value)> = Vec::new();
        for (name, value) in template.fields() {
            let kind = *kinds.entry(name.as_str()).or_insert_with(|| kind(name));
            let redacted = redact_as(kind, value);
            if redacted != *value {
                changed.push((name.clone(), redacted));
            }
        }
        if changed.is_empty() {
            continue;
        }
        let shown = shown.get_or_insert_with(|| templates.to_vec());
        if let Some(copy) = shown.get_mut(number) {
            *copy = template.shown_with(changed);
        }
    }
    shown.map_or(Cow::Borrowed(templates), Cow::Owned)
}

/// Whether text where user data is expected names a file instead.
fn is_path(text: &str) -> bool {
    const SCRIPTS: &[&str] = &["bash", "bat", "cfg", "cmd", "ps1", "py", "sh", "txt", "yaml", "yml"];
    let is_short = text.len() <= 255 && !text.contains(char::is_whitespace) && !text.contains('=');
    let extension = text.rsplit_once('.').map(|(_, extension)| extension);
    is_short
        && (["/", "./", "../", "~/", "$"].iter().any(|start| text.starts_with(start))
            || extension.is_some_and(|extension| SCRIPTS.contains(&extension)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, wanted: &str) {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(redact(key, &value).to_string(), wanted, "{key}");
    }

    #[test]
    fn secrets_are_hidden_at_any_depth() {
        check("session-token", "5", "\"(redacted)\"");
        check("password", "null", "null");
        check("password", "true", "true");
        check("HttpTokens", "\"required\"", "\"required\"");
        check("password", "\"\"", "\"\"");
        check(
            "providers",
            r#"[{"name":"a","config":{"passwords":["p"],"region":"r"}}]"#,
            r#"[{"name":"a","config":{"passwords":["(redacted)"],"region":"r"}}]"#,
        );
        check(
            "credentials",
            r#"{"user":"u","more":{"value":"v"}}"#,
            r#"{"user":"(redacted)","more":{"value":"(redacted)"}}"#,
        );
    }

    #[test]
    fn user_data_is_shown_by_length_and_digest() {
        for (name, text, hidden) in [
            ("userDataScript", "/opt/boot.sh", false),
            ("userDataScript", "boot.sh", false),
            ("userDataScript", "#!/bin/sh\nexport P=x", true),
            ("userData", "volume=zone", true),
            ("UserData", "IyEvYmluL3No", true),
            ("machine_bootstrap", "#cloud-config", true),
            ("user", "data", false),
        ] {
            let shown = redact(name, &Value::from(text));
            let wanted = format!("({} bytes, xxh3 {:016x})", text.len(), xxh3_64(text.as_bytes()));
            assert_eq!(shown, if hidden { wanted.as_str() } else { text }, "{name}");
        }
    }

    #[test]
    fn templates_are_copied_only_where_something_is_hidden() {
        let template = |extra: &str| {
            let fields = format!(r#"{{"templateId": "a", "maxNumber": 1, "imageId": "i"{extra}}}"#);
            Template::new(serde_json::from_str(&fields).unwrap()).unwrap()
        };
        let plain = [template("")];
        assert!(matches!(redact_templates(&plain), Cow::Borrowed(_)));
        let some = [template(""), template(r#", "launch_template_spec": {"UserData": "eA=="}"#)];
        let shown = redact_templates(&some);
        assert_eq!(shown[0], some[0]);
        assert!(!Value::Object(shown[1].fields().clone()).to_string().contains("eA=="));
    }
}
