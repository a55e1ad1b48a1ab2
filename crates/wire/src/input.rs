//! Input documents: one JSON object from a file, from standard input or from the command line. Contract:
//! "the call", `<script> -f <file>`.

use std::io::{self, Read};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result, json};
use ohfp_platform::files;
use serde_json::Value;

/// Longest input in bytes. Host Factory's are a few kilobytes; five hundred machines are 40 KB.
pub const LIMIT: u64 = 64 * 1024 * 1024;
const TOO_LARGE: &str = "is larger than 64 MiB";

/// The name that stands for standard input, and for standard output.
pub const DASH: &str = "-";

/// Reads the input of `--file` or `--data`; `None` if neither is given.
pub fn read(file: Option<&Path>, data: Option<&str>) -> Result<Option<Value>> {
    match (file, data) {
        (_, Some(data)) => parse("the input of --data", data.as_bytes()).map(Some),
        (Some(path), None) => {
            let name = if path == Path::new(DASH) {
                "standard input".to_owned()
            } else {
                format!("input file `{}`", path.display())
            };
            object(&name, contents(path, LIMIT)).map(Some)
        }
        (None, None) => Ok(None),
    }
}

/// Reads a text that is no object of Host Factory's: from a file, or from standard input where it is named `-`.
///
/// # Errors
/// [`ErrorKind::Input`] where it cannot be read, or is not UTF-8.
pub fn text(file: &Path) -> Result<String> {
    let wrong = |what: &str| {
        let name = if file == Path::new(DASH) {
            "standard input".to_owned()
        } else {
            format!("`{}`", file.display())
        };
        Error::new(ErrorKind::Input, format!("{name} {what}"))
            .hint("name a text file in UTF-8, or - for standard input")
    };
    let bytes = contents(file, LIMIT).map_err(|error| wrong(&unread(&error)))?;
    String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))
}

/// The content of a regular file, or of standard input where it is named `-`.
///
/// # Errors
/// Those of reading; [`io::ErrorKind::FileTooLarge`] where it is longer than `limit` bytes.
pub fn contents(file: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if file == Path::new(DASH) {
        read_all(&mut io::stdin().lock(), limit)
    } else {
        files::read_regular(file, limit)
    }
}

fn read_all(from: &mut impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if read as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
}

/// Why [`contents`] with [`LIMIT`] has failed.
fn unread(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::FileTooLarge {
        TOO_LARGE.to_owned()
    } else {
        format!("cannot be read: {error}")
    }
}

fn object(name: &str, bytes: io::Result<Vec<u8>>) -> Result<Value> {
    parse(name, &bytes.map_err(|error| wrong(name, &unread(&error)))?)
}

/// Parses one JSON object, with or without a byte order mark. `name` is the name of the input for messages.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Value> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match json::from_slice(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(wrong(name, "does not hold a JSON object")),
        Err(error) => Err(wrong(name, &format!("is not JSON: {error}"))),
    }
}

fn wrong(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::Input, format!("{name} {what}"))
        .hint("Host Factory passes one JSON object, for example {}")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use serde_json::json;

    use super::{LIMIT, object, parse, read, read_all};

    #[test]
    fn one_json_object_with_or_without_a_byte_order_mark() {
        let check = |bytes: &[u8], expected: Result<_, &str>| {
            let found = parse("input file `x`", bytes).map_err(|error| error.summary());
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        check(br#"{"a": 1}"#, Ok(json!({ "a": 1 })));
        check(b"\xef\xbb\xbf{}", Ok(json!({})));
        check(b" {}\n", Ok(json!({})));
        for other in [&b"[]"[..], b"1", b"null", b"\"x\""] {
            check(other, Err("input file `x` does not hold a JSON object"));
        }
        let text = parse("input file `x`", b"{").map_err(|error| error.summary());
        assert!(text.is_err_and(|text| text.starts_with("input file `x` is not JSON: ")));
    }

    #[test]
    fn the_place_it_comes_from() {
        let directory = std::env::temp_dir().join(format!("ohfp-input-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("input.json");
        std::fs::write(&file, br#"{"from": "file"}"#).unwrap();
        let found = |file: Option<&Path>, data| read(file, data).map_err(|error| error.summary());
        assert_eq!(found(None, None), Ok(None));
        assert_eq!(found(None, Some(r#"{"from": "data"}"#)), Ok(Some(json!({ "from": "data" }))));
        assert_eq!(found(Some(&file), Some("{}")), Ok(Some(json!({}))), "--data comes first");
        assert_eq!(found(Some(&file), None), Ok(Some(json!({ "from": "file" }))));
        let wrong = found(None, Some("[]"));
        assert_eq!(wrong, Err("the input of --data does not hold a JSON object".to_owned()));
        let missing = directory.join("missing");
        let text = format!("input file `{}` cannot be read: ", missing.display());
        assert!(found(Some(&missing), None).is_err_and(|found| found.starts_with(&text)));

        // A file with a hole is as long as it says and takes no room.
        let large = std::fs::File::create(directory.join("large")).unwrap();
        large.set_len(64 * 1024 * 1024 + 1).unwrap();
        let text = format!("input file `{}` is larger than 64 MiB", directory.join("large").display());
        assert_eq!(found(Some(&directory.join("large")), None), Err(text));
        let plain = |name: &str| super::text(&directory.join(name)).unwrap_err();
        assert!(plain("large").summary().ends_with("is larger than 64 MiB"));
        // Whatever a text is for, it is no input of Host Factory's.
        for name in ["missing", "large"] {
            assert!(plain(name).hint_text().is_some_and(|hint| !hint.contains("Host Factory")), "{name}");
        }
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_stream_is_read_up_to_the_limit() {
        let check = |bytes: &mut dyn io::Read, expected: &str| {
            let mut bytes = bytes;
            let found = object("standard input", read_all(&mut bytes, LIMIT)).map(|value| value.to_string());
            assert_eq!(found.unwrap_or_else(|error| error.summary()), expected);
        };
        check(&mut &b"{\"a\":1}"[..], "{\"a\":1}");
        check(&mut io::repeat(b' '), "standard input is larger than 64 MiB");
        let spaces = io::Read::take(io::repeat(b' '), 64 * 1024 * 1024 - 2);
        check(&mut io::Read::chain(spaces, &b"{}"[..]), "{}");
    }
}
