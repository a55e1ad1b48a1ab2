//! Secrets in texts, by the form of what is around them: URLs, assignments, headers.

use std::borrow::Cow;

use crate::settings::secret_names::is_secret;

/// What is printed in place of a secret.
pub const REDACTED: &str = "(redacted)";

/// Removes secrets that are recognizable by their form; `None` if there is none. These are user information and
/// signatures of URLs, values behind a secret's name and `=`, what follows `Bearer`, and private keys.
pub(crate) fn without_secrets(text: &str) -> Option<String> {
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
            assert_eq!(without_secrets(text).as_deref().unwrap_or(text), wanted);
        }
    }
}
