//! Inputs: one JSON object, from a file, from standard input or from the command line.

use std::io::{self, Read};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result, json};
use ohfp_platform::files;
use serde_json::Value;

/// Host Factory's inputs are a few kilobytes; five hundred machines are 40 KB.
const LIMIT: u64 = 64 * 1024 * 1024;
const TOO_LARGE: &str = "is larger than 64 MiB";

/// The name that stands for standard input, and for standard output.
pub const DASH: &str = "-";

/// Reads the input that `--file` or `--data` gives; nothing when neither is there.
pub fn read(file: Option<&Path>, data: Option<&str>) -> Result<Option<Value>> {
    match (file, data) {
        (_, Some(data)) => parse("the input of --data", data.as_bytes()).map(Some),
        (Some(path), None) if path == Path::new(DASH) => {
            read_all("standard input", &mut io::stdin().lock()).map(Some)
        }
        (Some(path), None) => read_file(path).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_file(path: &Path) -> Result<Value> {
    let name = format!("input file `{}`", path.display());
    match files::read_regular(path, LIMIT) {
        Ok(bytes) => parse(&name, &bytes),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(wrong(&name, TOO_LARGE)),
        Err(error) => Err(wrong(&name, &format!("cannot be read: {error}"))),
    }
}

fn read_all(name: &str, from: &mut impl Read) -> Result<Value> {
    let mut bytes = Vec::new();
    let read = from.take(LIMIT + 1).read_to_end(&mut bytes);
    read.map_err(|error| wrong(name, &format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LIMIT {
        return Err(wrong(name, TOO_LARGE));
    }
    parse(name, &bytes)
}

/// Takes bytes apart: one JSON object, with or without a byte order mark. `name` is theirs for messages.
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
        .hint("Host Factory asks with one JSON object, for example {}")
}
