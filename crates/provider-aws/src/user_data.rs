//! User data of machines: the template's script, with the variables that a request adds.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use ohfp_broker::UserData;
use ohfp_broker::launch_spec::{FieldError, LaunchSpec};

use crate::calls::UserDataBytes;

/// EC2's limit, before base64.
const MOST_BYTES: u64 = 16_384;

/// The script that `userDataScript` names, with `userData` of the template and of the request as exported variables
/// after its first line.
///
/// # Errors
/// The script cannot be read, or all of it is too long.
pub(crate) fn of_launch(
    spec: &LaunchSpec,
    of_request: Option<&UserData>,
    directory: &Path,
) -> Result<Option<UserDataBytes>, FieldError> {
    let wrong = |why: String| {
        let field = if spec.user_data_script.is_some() { "userDataScript" } else { "userData" };
        FieldError { field: field.into(), why: why.into() }
    };
    let script = spec.user_data_script.as_deref().map(|text| script(text, directory));
    let script = script.transpose().map_err(wrong)?;
    let is_cut = script.as_ref().is_some_and(|script| script.len() as u64 > MOST_BYTES);
    let exports: Vec<String> = spec.user_data.iter().chain(of_request).map(exports).collect();
    let mut bytes = script.unwrap_or_default();
    if !exports.is_empty() {
        let exports = exports.concat();
        let after_first = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) if bytes.starts_with(b"#!") => end + 1,
            _ if bytes.is_empty() => {
                bytes.extend_from_slice(b"#!/bin/sh\n");
                bytes.len()
            }
            _ => 0,
        };
        bytes.splice(after_first..after_first, exports.into_bytes());
    }
    let length = bytes.len() as u64;
    if length > MOST_BYTES {
        // A longer script was not read to its end.
        let length = if is_cut { format!("over {MOST_BYTES}") } else { length.to_string() };
        return Err(wrong(format!(
            "makes user data of {length} bytes, and EC2 takes at most {MOST_BYTES}: let the script fetch the rest"
        )));
    }
    Ok(Some(UserDataBytes(bytes)).filter(|data| !data.0.is_empty()))
}

/// `k=v;k=v` as exported variables, a line each; any other text as one variable.
fn exports(data: &UserData) -> String {
    let text = data.reveal().trim().trim_end_matches(';');
    let pairs: Option<Vec<(&str, &str)>> =
        text.split(';').map(|pair| pair.split_once('=').filter(|(name, _)| is_variable(name))).collect();
    let pairs = pairs.unwrap_or_else(|| vec![("OHFP_USER_DATA", text)]);
    // In single quotes a shell takes everything as it is, but for the quote itself.
    let line = |(name, value): (&str, &str)| format!("export {name}='{}'\n", value.replace('\'', "'\\''"));
    pairs.into_iter().map(line).collect()
}

fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The script at a path, which is below `directory` where it is relative. Some files have the script itself in place of
/// a path: it begins with `#`.
fn script(text: &str, directory: &Path) -> Result<Vec<u8>, String> {
    if text.starts_with('#') {
        return Ok(text.as_bytes().to_vec());
    }
    let path = directory.join(text);
    let failed = |error: &std::io::Error| format!("names {}, which cannot be read: {error}", path.display());
    let file = fs::File::open(&path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells that it is too long; a device without an end is not read to it.
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn made(fields: &Value, of_request: Option<&str>) -> Result<Option<String>, FieldError> {
        let spec = LaunchSpec::parse(fields.as_object().unwrap()).unwrap();
        let of_request = of_request.map(UserData::new);
        let data = of_launch(&spec, of_request.as_ref(), Path::new("/no"))?;
        Ok(data.map(|data| String::from_utf8(data.0).unwrap()))
    }

    #[test]
    fn the_script_with_its_variables() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("boot.sh");
        fs::write(&path, "#!/bin/bash\necho up\n").unwrap();
        let path = path.to_str().unwrap();
        for (fields, of_request, wanted) in [
            (json!({}), None, None),
            (json!({ "userDataScript": path }), None, Some("#!/bin/bash\necho up\n")),
            (
                json!({ "userDataScript": path, "userData": "A=1;B=it's" }),
                Some("C=x=y;"),
                Some("#!/bin/bash\nexport A='1'\nexport B='it'\\''s'\nexport C='x=y'\necho up\n"),
            ),
            (json!({ "userData": "A=1" }), None, Some("#!/bin/sh\nexport A='1'\n")),
            (json!({}), Some("{\"a\": 1}"), Some("#!/bin/sh\nexport OHFP_USER_DATA='{\"a\": 1}'\n")),
            (json!({ "userDataScript": "#cloud-config\n" }), None, Some("#cloud-config\n")),
        ] {
            assert_eq!(made(&fields, of_request).unwrap().as_deref(), wanted, "{fields} {of_request:?}");
        }
    }

    #[test]
    fn what_cannot_be_user_data() {
        let error = made(&json!({ "userDataScript": "/no/such/file" }), None).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("`userDataScript` names /no/such/file, which cannot be read: "),
            "{message}"
        );
        let error = made(&json!({ "userDataScript": "boot.sh" }), None).unwrap_err();
        assert!(error.why.contains("names /no/boot.sh"), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("long.sh");
        for (length, is_allowed) in [(16_384, true), (16_385, false)] {
            fs::write(&path, "#".repeat(length)).unwrap();
            let made = made(&json!({ "userDataScript": path }), None);
            assert_eq!(made.is_ok(), is_allowed, "{length}");
        }
        let error = made(&json!({ "userDataScript": "/dev/zero" }), None).unwrap_err();
        assert!(error.why.contains("of over 16384 bytes, and EC2 takes at most 16384"), "{error}");
        let error = made(&json!({ "userData": format!("A={}", "x".repeat(16_384)) }), None).unwrap_err();
        assert!(error.to_string().starts_with("`userData` makes user data of 16406 bytes"), "{error}");
    }
}
