//! Snapshots of small catalogs, one after the other, in a directory of their own.

use std::fs;

use ohfp_tests::{Ended, Sandbox};

pub(crate) const FILE: &str = "awsprov_templates.json";

/// A sandbox whose snapshot is `snapshots/x.snapshot`, with these templates: id and `maxNumber`.
pub(crate) fn sandbox(templates: &[(&str, i64)]) -> Sandbox {
    let mut sandbox = Sandbox::with_files(&[]);
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("snapshots/x.snapshot"));
    write(&sandbox, templates);
    sandbox
}

pub(crate) fn write(sandbox: &Sandbox, templates: &[(&str, i64)]) {
    let template = |(id, number): &(&str, i64)| {
        format!(r#"{{"templateId": "{id}", "maxNumber": {number}, "vmType": "m5.large"}}"#)
    };
    let templates: Vec<String> = templates.iter().map(template).collect();
    sandbox.write(FILE, format!("[{}]", templates.join(",\n")));
}

pub(crate) fn snapshot(sandbox: &Sandbox, name: &str) -> Option<Vec<u8>> {
    fs::read(sandbox.path.join("snapshots").join(name)).ok()
}

pub(crate) fn tool(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    sandbox.run("ohfp-snapshot", arguments)
}
