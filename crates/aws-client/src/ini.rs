//! Credentials in the form of AWS's file, as Host Factory's configuration names them.

use aws_credential_types::Credentials;

/// Reads the keys of section `[default]`. Messages name lines, never values.
pub(crate) fn credentials(text: &str, provider: &'static str) -> Result<Credentials, String> {
    let mut in_section = false;
    let mut has_section = false;
    let (mut id, mut secret, mut token) = (None, None, None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            in_section = name.trim() == "default";
            has_section |= in_section;
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("line {} is neither `[section]` nor `key = value`", index + 1));
        };
        if !in_section {
            continue;
        }
        let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        match key.trim().to_ascii_lowercase().as_str() {
            "aws_access_key_id" => id = value,
            "aws_secret_access_key" => secret = value,
            "aws_session_token" | "aws_security_token" => token = value,
            _ => {}
        }
    }
    match (has_section, id, secret) {
        (false, ..) => Err("it has no section [default]".to_owned()),
        (_, None, _) => Err("section [default] has no aws_access_key_id".to_owned()),
        (_, _, None) => Err("section [default] has no aws_secret_access_key".to_owned()),
        (_, Some(id), Some(secret)) => Ok(Credentials::new(id, secret, token, None, provider)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        let check = |text: &str, expected: Result<(&str, &str, Option<&str>), &str>| {
            let found = credentials(text, "test");
            let found = found.as_ref().map_err(String::as_str);
            let found =
                found.map(|keys| (keys.access_key_id(), keys.secret_access_key(), keys.session_token()));
            assert_eq!(found, expected, "{text}");
        };
        check("[default]\naws_access_key_id=AK\naws_secret_access_key = s=e\n", Ok(("AK", "s=e", None)));
        check(
            "# c\n[other]\naws_access_key_id=NO\n[default]\nAWS_ACCESS_KEY_ID=AK\r\naws_secret_access_key=s\r\n\
             aws_session_token=t\nregion=x\n[last]\naws_access_key_id=NO\n",
            Ok(("AK", "s", Some("t"))),
        );
        check("", Err("it has no section [default]"));
        check("[default]\naws_access_key_id=AK\n", Err("section [default] has no aws_secret_access_key"));
        check(
            "[default]\naws_access_key_id=\naws_secret_access_key=s",
            Err("section [default] has no aws_access_key_id"),
        );
        check("[default]\nsecret", Err("line 2 is neither `[section]` nor `key = value`"));
    }
}
