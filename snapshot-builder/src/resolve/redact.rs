//! Hides secrets from whatever is printed. Decided by names and by the form of URLs alone; it must not
//! know which settings exist.

use serde_json::Value;

/// What is printed in place of a secret.
pub const REDACTED: &str = "(redacted)";

/// Parts of names that secrets go by, in lower case without `_` and `-`.
const SECRET_NAMES: &[&str] = &[
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "accesskey",
    "apikey",
    "privatekey",
    "authorization",
];

/// `value` of `key` as it may be shown. `key` may be dotted; its last part counts.
pub fn redact(key: &str, value: &Value) -> Value {
    let name = key.rsplit('.').next().unwrap_or(key);
    match value {
        Value::Null => Value::Null,
        Value::Object(members) => Value::Object(
            members.iter().map(|(member, value)| (member.clone(), redact(member, value))).collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|item| redact(name, item)).collect()),
        _ if is_secret(name) => Value::String(REDACTED.to_owned()),
        Value::String(text) => Value::String(without_credentials(text)),
        other => other.clone(),
    }
}

/// Whether things of this name are secrets.
pub(crate) fn is_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    SECRET_NAMES.iter().any(|secret| plain.contains(secret))
}

/// `https://user:password@host` without what stands before the `@`.
fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((scheme, after)) = rest.split_once("://") {
        shown.push_str(scheme);
        shown.push_str("://");
        let end = after.find(|letter: char| letter.is_whitespace() || "/?#\"'".contains(letter));
        let (authority, behind) = after.split_at_checked(end.unwrap_or(after.len())).unwrap_or((after, ""));
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                shown.push_str(REDACTED);
                shown.push('@');
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_at_any_depth() {
        let check = |key: &str, value: &str, wanted: &str| {
            let value: Value = serde_json::from_str(value).unwrap();
            assert_eq!(redact(key, &value).to_string(), wanted, "{key}");
        };
        check("a.secret_access_key", "\"x\"", "\"(redacted)\"");
        check("AWS_ACCESS_KEY_ID", "\"x\"", "\"(redacted)\"");
        check("session-token", "5", "\"(redacted)\"");
        check("password", "null", "null");
        check("secret.name", "\"x\"", "\"x\"");
        check("AWS_CREDENTIAL_FILE", "\"/etc/aws\"", "\"/etc/aws\"");
        check("keyName", "\"k\"", "\"k\"");
        check(
            "providers",
            r#"[{"name":"a","config":{"passwords":["p"],"region":"r"}}]"#,
            r#"[{"name":"a","config":{"passwords":["(redacted)"],"region":"r"}}]"#,
        );
        check("url", "\"https://u:p@h/x\"", "\"https://(redacted)@h/x\"");
        check("url", "\"a http://h/p@q, ftp://u@h\"", "\"a http://h/p@q, ftp://(redacted)@h\"");
    }
}
