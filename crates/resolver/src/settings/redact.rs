//! Redacts secrets in output for people. Decided by words in names and by the form of texts alone; it must not
//! know which settings and fields exist.

use std::borrow::Cow;
use std::collections::HashMap;

use ohfp_broker::template::Template;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// What is printed in place of a secret.
pub const REDACTED: &str = "(redacted)";

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

/// Words that mark a name as a secret's, in the singular.
const SECRET_WORDS: &[&str] = &[
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "jwt",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pat",
    "pwd",
    "sas",
    "secret",
    "session",
    "sig",
    "signature",
    "token",
];

/// Words before `key` that mark a secret; other keys (of a map, of an SSH login) are no secrets.
const KEY_WORDS: &[&str] = &[
    "access",
    "account",
    "api",
    "app",
    "client",
    "encryption",
    "license",
    "master",
    "private",
    "secret",
    "service",
    "shared",
    "signing",
    "storage",
];

/// Endings of words that are written without a separator, as in `dbpassword`.
const ENDINGS: &[&str] =
    &["accesskey", "apikey", "credential", "passwd", "password", "privatekey", "secret", "token"];

/// Last words of names that describe a secret but do not contain it.
const ABOUT: &[&str] = &[
    "algorithm",
    "arn",
    "count",
    "days",
    "dir",
    "directory",
    "duration",
    "enabled",
    "expiry",
    "file",
    "folder",
    "header",
    "interval",
    "length",
    "limit",
    "margin",
    "method",
    "minutes",
    "mode",
    "ms",
    "name",
    "path",
    "provider",
    "required",
    "script",
    "seconds",
    "size",
    "source",
    "strategy",
    "timeout",
    "ttl",
    "type",
    "version",
];

/// Values that are switches, such as EC2's `"HttpTokens": "required"`, and never secrets.
const SETTINGS: &[&str] = &[
    "", "auto", "default", "disabled", "enabled", "false", "no", "none", "off", "on", "optional", "required",
    "true", "yes",
];

/// How a value is shown, decided by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As it is, except for secrets in its text.
    Plain,
    /// Redacted.
    Secret,
    /// A script, shown as its length and digest.
    UserData,
}

/// Redacts `value` of `key`. `key` may be dotted; its last part counts.
pub fn redact(key: &str, value: &Value) -> Value {
    redact_as(kind(key.rsplit('.').next().unwrap_or(key)), value)
}

fn redact_as(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (_, Value::Null | Value::Bool(_)) | (Kind::Plain | Kind::UserData, Value::Number(_)) => value.clone(),
        // Below a secret, names are not considered: `"credentials": {"user": …, "value": …}`.
        (Kind::Secret | Kind::UserData, Value::Object(members)) => Value::Object(
            members.iter().map(|(name, value)| (name.clone(), redact_as(kind, value))).collect(),
        ),
        (Kind::Plain, Value::Object(members)) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), redact(name, value))).collect())
        }
        (_, Value::Array(items)) => Value::Array(items.iter().map(|item| redact_as(kind, item)).collect()),
        (Kind::Secret, Value::String(text)) if SETTINGS.contains(&text.to_lowercase().as_str()) => {
            value.clone()
        }
        (Kind::Secret, _) => Value::String(REDACTED.to_owned()),
        (Kind::UserData, Value::String(text)) if !is_path(text) && !text.is_empty() => {
            Value::String(format!("({} bytes, xxh3 {:016x})", text.len(), xxh3_64(text.as_bytes())))
        }
        (Kind::Plain | Kind::UserData, Value::String(text)) => {
            without_secrets(text).map_or_else(|| value.clone(), Value::String)
        }
    }
}

/// Redacts templates; borrows them if they contain no secret.
pub fn redact_templates(templates: &[Template]) -> Cow<'_, [Template]> {
    // Catalogs have many templates and few names.
    let mut kinds: HashMap<&str, Kind> = HashMap::new();
    let mut shown: Option<Vec<Template>> = None;
    for (number, template) in templates.iter().enumerate() {
        let mut changed: Vec<(&String, Value)> = Vec::new();
        for (name, value) in &template.fields {
            let kind = *kinds.entry(name.as_str()).or_insert_with(|| kind(name));
            let redacted = redact_as(kind, value);
            if redacted != *value {
                changed.push((name, redacted));
            }
        }
        if changed.is_empty() {
            continue;
        }
        let shown = shown.get_or_insert_with(|| templates.to_vec());
        if let Some(template) = shown.get_mut(number) {
            for (name, value) in changed {
                template.fields.insert(name.clone(), value);
            }
        }
    }
    shown.map_or(Cow::Borrowed(templates), Cow::Owned)
}

/// Whether values of this name are secrets.
pub(crate) fn is_secret(name: &str) -> bool {
    kind(name) == Kind::Secret
}

fn kind(name: &str) -> Kind {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(|word| singular(word)).collect();
    let is = |at: usize, known: &[&str]| words.get(at).is_some_and(|word| known.contains(word));
    let Some(last) = words.len().checked_sub(1) else { return Kind::Plain };
    let is_user_data = |at: usize| is(at, &["user"]) && is(at + 1, &["data"]);
    if (0..=last).any(|at| is_user_data(at) || is(at, &["userdata", "bootstrap"])) {
        return Kind::UserData;
    }
    let is_key = |at: usize| is(at, KEY_WORDS) && is(at + 1, &["key"]);
    let is_connection = |at: usize| is(at, &["connection"]) && is(at + 1, &["string"]);
    let ends = |word: &str| ENDINGS.iter().any(|ending| word.ends_with(ending)) || word == "connectionstring";
    let names_secret = |at: usize| {
        is(at, SECRET_WORDS)
            || is_key(at)
            || is_connection(at)
            || words.get(at).is_some_and(|word| ends(word))
    };
    if (0..=last).any(names_secret) && !is(last, ABOUT) { Kind::Secret } else { Kind::Plain }
}

/// The words of a name in `snake_case`, `kebab-case` or `camelCase`, in lower case; digits are words.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            before = None;
            continue;
        }
        let next_is_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = before.is_none_or(|before| {
            before.is_numeric() != letter.is_numeric()
                || (letter.is_uppercase() && (before.is_lowercase() || next_is_small))
        });
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
        before = Some(*letter);
    }
    words
}

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(one) if SECRET_WORDS.contains(&one) || one == "key" || ENDINGS.contains(&one) => one,
        _ => word,
    }
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

/// Removes secrets that are recognizable by their form; `None` if there is none. These are user information and
/// signatures of URLs, values behind a secret's name and `=`, what follows `Bearer`, and private keys.
fn without_secrets(text: &str) -> Option<String> {
    let mut shown = Cow::Borrowed(text);
    if text.contains("PRIVATE KEY-----") {
        return Some(REDACTED.to_owned());
    }
    if text.contains('@') && text.contains("://") {
        shown = Cow::Owned(without_user(&shown));
    } else if let Some((user, host)) = text.rsplit_once('@')
        && user.split_once(':').is_some_and(|(name, word)| !name.is_empty() && !word.is_empty())
        && !text.contains(char::is_whitespace)
    {
        shown = Cow::Owned(format!("{REDACTED}@{host}"));
    }
    if shown.contains('=') {
        shown = Cow::Owned(without_values(&shown));
    }
    for scheme in ["Bearer ", "Basic "] {
        if let Some((before, _)) = shown.split_once(scheme) {
            shown = Cow::Owned(format!("{before}{scheme}{REDACTED}"));
        }
    }
    (shown != text).then(|| shown.into_owned())
}

/// Removes the user information from `https://user:password@host`.
fn without_user(text: &str) -> String {
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

/// Removes the values of secrets from `a=b;password=c&sig=d`.
fn without_values(text: &str) -> String {
    let is_end = |letter: char| letter.is_whitespace() || "&;,\"'".contains(letter);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        let start = before.rfind(|letter: char| !(letter.is_alphanumeric() || "-_%. ".contains(letter)));
        let name = start.and_then(|at| before.get(at..)).unwrap_or(before);
        let name = name.trim_matches(|letter: char| !letter.is_alphanumeric());
        shown.push_str(before);
        shown.push('=');
        let end = after.find(is_end).unwrap_or(after.len());
        let (value, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        if !value.is_empty() && is_secret(name) {
            shown.push_str(REDACTED);
            rest = behind;
        } else {
            rest = after;
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, wanted: &str) {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(redact(key, &value).to_string(), wanted, "{key}");
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "a.secret_access_key",
            "AWS_ACCESS_KEY_ID",
            "session-token",
            "password",
            "PASSWORD",
            "dbPassword",
            "dbpassword",
            "passwords",
            "password2",
            "pwd",
            "db_pass",
            "AWSSecretKey",
            "apiKey",
            "APIKey",
            "apikey",
            "api-keys",
            "privateKey",
            "accountKey",
            "SharedAccessKey",
            "clientSecret",
            "github_pat",
            "sasToken",
            "azure_sas",
            "X-Amz-Signature",
            "sig",
            "authorization",
            "proxy_auth",
            "HTTPAuth",
            "cookie",
            "sessionCookies",
            "jwt",
            "connection_string",
            "ConnectionString",
            "bearer",
            "credentials",
            "TOKEN_OLD",
        ] {
            check(name, "\"x\"", "\"(redacted)\"");
        }
        for name in [
            "secret.name",
            "AWS_CREDENTIAL_FILE",
            "AWS_CREDENTIAL_SCRIPT",
            "AWS_CREDENTIAL_RENEW_MARGIN",
            "AWS_KEY_FILE",
            "keyName",
            "key",
            "publicKey",
            "kms_key_id",
            "session_name",
            "session_timeout",
            "auth_type",
            "signature_version",
            "author",
            "passthrough",
            "compass",
            "pattern",
            "tokenizer",
            "assassin",
            "path",
            "design",
            "monkey",
            "templateId",
            "securityGroupIds",
            "AWS_PROXY_HOST",
        ] {
            check(name, "\"x\"", "\"x\"");
        }
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
    fn texts_that_give_secrets_away() {
        for (text, wanted) in [
            ("https://u:p@h/x", "https://(redacted)@h/x"),
            ("a http://h/p@q, ftp://u@h", "a http://h/p@q, ftp://(redacted)@h"),
            ("u:p@proxy:3128", "(redacted)@proxy:3128"),
            ("me@example.com", "me@example.com"),
            (
                "https://s/f?X-Amz-Date=1&X-Amz-Signature=ab",
                "https://s/f?X-Amz-Date=1&X-Amz-Signature=(redacted)",
            ),
            ("https://a/b?sv=1&sig=a%2Fb&x=y", "https://a/b?sv=1&sig=(redacted)&x=y"),
            ("team=x;db_password=p;a=b", "team=x;db_password=(redacted);a=b"),
            ("Server=h;Account Key=p==;X=y", "Server=h;Account Key=(redacted);X=y"),
            ("Authorization: Bearer abc", "Authorization: Bearer (redacted)"),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc", "(redacted)"),
            ("team=x", "team=x"),
            ("a=b=c", "a=b=c"),
            ("=", "="),
        ] {
            check("text", &Value::from(text).to_string(), &Value::from(wanted).to_string());
        }
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
            Template::from_fields(serde_json::from_str(&fields).unwrap()).unwrap()
        };
        let plain = [template("")];
        assert!(matches!(redact_templates(&plain), Cow::Borrowed(_)));
        let some = [template(""), template(r#", "launch_template_spec": {"UserData": "eA=="}"#)];
        let shown = redact_templates(&some);
        assert_eq!(shown[0], some[0]);
        assert!(!Value::Object(shown[1].fields.clone()).to_string().contains("eA=="));
    }
}
