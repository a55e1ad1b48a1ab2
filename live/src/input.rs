//! Inputs: one JSON object, from a file or from the command line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result, json};
use serde_json::Value;

/// Host Factory's inputs are a few kilobytes; five hundred machines are 40 KB.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Reads the input that `--file` or `--data` gives; nothing when neither is there.
pub(crate) fn read(file: Option<&Path>, data: Option<&str>) -> Result<Option<Value>> {
    match (file, data) {
        (_, Some(data)) => parse("the input of --data", data.as_bytes()).map(Some),
        (Some(path), None) => read_file(path).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_file(path: &Path) -> Result<Value> {
    let name = format!("input file `{}`", path.display());
    let unreadable = |error: std::io::Error| wrong(&name, &format!("cannot be read: {error}"));
    let status = std::fs::metadata(path).map_err(unreadable)?;
    if !status.is_file() {
        return Err(wrong(&name, "is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err(wrong(&name, "is larger than 64 MiB"));
    }
    parse(&name, &bytes)
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
