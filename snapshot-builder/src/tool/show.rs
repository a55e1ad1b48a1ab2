//! `ohfp-snapshot inspect`: content and inputs of a snapshot.

use std::fmt::Write;

use clap::Args;
use ohfp_broker::{Error, ErrorKind};
use ohfp_render::json as render_json;
use ohfp_resolver::Environment;
use ohfp_snapshot_format::FORMAT_VERSION;
use serde_json::{Value, json};

use super::target::{Form, Outcome, Outcomes, Target, open, size};

/// Arguments of `inspect`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &Arguments, env: &Environment) -> Outcomes {
    let path = arguments.target.path(env)?;
    let snapshot = open(&path)?;
    let damaged =
        |refusal| vec![Error::new(ErrorKind::Input, format!("snapshot `{}` {refusal}", path.display()))];
    let contents = snapshot.contents().map_err(damaged)?;
    let stamps = snapshot.stamps().map_err(damaged)?;
    let header = &snapshot.header;
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(bytes)).into_owned();

    let sections: Vec<Value> = contents
        .index
        .sections
        .iter()
        .zip(contents.names().map_err(damaged)?)
        .map(|(section, name)| {
            json!({
                "name": text(name),
                "offset": header.sections_offset() + section.offset.to_native(),
                "bytes": section.len.to_native(),
                "xxh3": format!("{:016x}", section.check.to_native()),
            })
        })
        .collect();
    let files: Vec<Value> = stamps
        .files
        .iter()
        .map(|file| match file.present.as_ref() {
            None => json!({ "path": text(&file.path), "present": false }),
            Some(present) => json!({
                "path": text(&file.path),
                "present": true,
                "bytes": present.size.to_native(),
                "mtime_ns": present.mtime_ns.to_native(),
                "inode": present.inode.to_native(),
                "xxh3_128": format!("{:016x}{:016x}", present.digest[1].to_native(), present.digest[0].to_native()),
            }),
        })
        .collect();
    // Names only: a value may be a secret.
    let variables: Vec<Value> = stamps
        .variables
        .iter()
        .map(|variable| json!({ "name": variable.name.as_str(), "set": variable.value.is_some() }))
        .collect();
    let report = json!({
        "snapshot": path.display().to_string(),
        "bytes": header.file_len,
        "format_version": FORMAT_VERSION,
        "product_version": header.product_version(),
        "fingerprint": format!("{:032x}", header.fingerprint),
        "payload_digest": format!("{:032x}", header.payload_digest),
        "sealed": header.sealed(),
        "root": text(&stamps.root),
        "templates": contents.index.templates.to_native(),
        "answers": contents.index.answers.len(),
        "inputs": files,
        "variables": variables,
        "sections": sections,
    });
    let document = if arguments.form.is_json() {
        String::from_utf8_lossy(&render_json::document(&report)).into_owned()
    } else {
        describe(&report)
    };
    Ok(Outcome { document, code: 0 })
}

/// Formats the report for people.
fn describe(report: &Value) -> String {
    let mut out = String::new();
    for (name, value) in report.as_object().into_iter().flatten() {
        match value {
            Value::Array(rows) => {
                let _ = writeln!(out, "{name}: {}", rows.len());
                for row in rows {
                    let _ = writeln!(out, "  {}", line(row));
                }
            }
            Value::String(text) => {
                let _ = writeln!(out, "{name}: {text}");
            }
            Value::Number(number) if name == "bytes" => {
                let _ = writeln!(out, "{name}: {number} ({})", size(number.as_u64().unwrap_or_default()));
            }
            other => {
                let _ = writeln!(out, "{name}: {other}");
            }
        }
    }
    out
}

fn line(row: &Value) -> String {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
    let truth = |name: &str| row.get(name).and_then(Value::as_bool).unwrap_or_default();
    match (row.get("path").is_some(), row.get("set").is_some()) {
        (true, _) if truth("present") => format!("{} ({})", text("path"), size(number("bytes"))),
        (true, _) => format!("{} (absent)", text("path")),
        (_, true) => format!("{} ({})", text("name"), if truth("set") { "set" } else { "not set" }),
        _ => format!("{:>10}  {:>10}  {}", number("offset"), number("bytes"), text("name")),
    }
}
