//! Names of secrets, by the words in them.
//!
//! It must not know which settings and fields exist.

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

/// How a value is shown, decided by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameKind {
    /// As it is, except for secrets in its text.
    Plain,
    /// Redacted.
    Secret,
    /// A script, shown as its length and digest.
    UserData,
}

/// Whether values of this name are secrets.
pub(crate) fn is_secret(name: &str) -> bool {
    kind(name) == NameKind::Secret
}

/// How values of this name are shown.
pub(crate) fn kind(name: &str) -> NameKind {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(|word| singular(word)).collect();
    let is = |at: usize, known: &[&str]| words.get(at).is_some_and(|word| known.contains(word));
    let Some(last) = words.len().checked_sub(1) else { return NameKind::Plain };
    let is_user_data = |at: usize| is(at, &["user"]) && is(at + 1, &["data"]);
    if (0..=last).any(|at| is_user_data(at) || is(at, &["userdata", "bootstrap"])) {
        return NameKind::UserData;
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
    if (0..=last).any(names_secret) && !is(last, ABOUT) { NameKind::Secret } else { NameKind::Plain }
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert!(is_secret(name), "{name}");
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
            assert!(!is_secret(name), "{name}");
        }
    }
}
