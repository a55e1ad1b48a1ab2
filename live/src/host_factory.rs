//! Host Factory's operations on the wire: one JSON document on standard output, exit code 0 or 1.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::GlobalOptions;
use ohfp_snapshot_builder::load::Environment;
use ohfp_snapshot_builder::render::templates::Catalogue;
use ohfp_snapshot_builder::render::{Format, Rendered, json};
use ohfp_snapshot_builder::resolve::SchedulerKind;
use serde_json::Value;

use crate::output::Reply;
use crate::source;

/// Host Factory's inputs are a few kilobytes; five hundred machines are 40 KB.
const INPUT_LIMIT: u64 = 64 * 1024 * 1024;

/// `getAvailableTemplates`: pure, and never an empty list.
pub(crate) fn available_templates(global: &GlobalOptions, input: &Path, env: &Environment) -> Reply {
    if let Err(error) = read_input(input) {
        return failure(&[error]);
    }
    let source = match source::load(global, env) {
        Ok(source) => source,
        Err(errors) => return failure(&errors),
    };
    let resolved = &source.resolved;
    if resolved.templates.is_empty() {
        let place = resolved.origin.root.display();
        return failure(&[Error::new(ErrorKind::Input, format!("there are no templates in `{place}`"))
            .hint("Host Factory drops a provider that answers none, so this is an error; `ohfp templates validate` tells more")]);
    }
    let catalogue = Catalogue { templates: &resolved.templates, scheduler: SchedulerKind::HostFactory };
    let list = catalogue.list(Format::Json, false);
    let document = Rendered::plain([list.head, list.records, list.tail].concat());
    Reply { source: Some(source), ..Reply::answer(document) }
}

/// The operations on machines.
pub(crate) fn not_yet(input: &Path) -> Reply {
    let error = match read_input(input) {
        Ok(_) => Error::new(ErrorKind::Unavailable, "this version of ohfp answers template questions only"),
        Err(error) => error,
    };
    failure(&[error])
}

/// A failure as Host Factory reads it: the message on standard output, exit code 1.
pub(crate) fn failure(errors: &[Error]) -> Reply {
    let message = errors.iter().map(Error::summary).collect::<Vec<_>>().join("; ");
    let mut document = b"{\"message\": ".to_vec();
    json::string(&mut document, &message);
    document.extend_from_slice(b"}\n");
    Reply { document: Rendered::plain(document), errors: errors.to_vec(), code: 1, ..Reply::default() }
}

/// Reads the input file: one JSON object, with or without a byte order mark.
fn read_input(path: &Path) -> Result<Value> {
    let wrong = |what: String| {
        Error::new(ErrorKind::Input, format!("input file `{}` {what}", path.display()))
            .hint("Host Factory writes one JSON object into it, for example {}")
    };
    let unreadable = |error: std::io::Error| wrong(format!("cannot be read: {error}"));
    let status = std::fs::metadata(path).map_err(unreadable)?;
    if !status.is_file() {
        return Err(wrong("is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(INPUT_LIMIT + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > INPUT_LIMIT {
        return Err(wrong("is larger than 64 MiB".to_owned()));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match serde_json::from_slice(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(wrong("does not hold a JSON object".to_owned())),
        Err(error) => Err(wrong(format!("is not JSON: {error}"))),
    }
}
