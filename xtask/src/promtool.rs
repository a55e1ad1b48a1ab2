//! `promtool`, which checks metrics and alert rules: from Debian's package `prometheus`, unpacked without being installed,
//! so that no server is started.

use std::path::PathBuf;

use crate::debian::{self, Beside};
use crate::project::{Project, Result, note, step};

/// The variable that tells the tests where it is.
pub(crate) const VARIABLE: &str = "OHFP_PROMTOOL";

/// The program in `PATH`, or the one that was unpacked; unpacks it once. `None` where it cannot be had.
pub(crate) fn find(project: &Project) -> Option<PathBuf> {
    let unpacked = project.target.join("tools/prometheus");
    let program = unpacked.join("usr/bin/promtool");
    let found = project.tool("promtool").or_else(|| program.is_file().then(|| program.clone()));
    found.or_else(|| match unpack(project) {
        Ok(()) => Some(program),
        Err(error) => {
            note(format_args!("note: promtool cannot be had, so it checks nothing: {error}"));
            None
        }
    })
}

fn unpack(project: &Project) -> Result<()> {
    step("unpacking promtool from Debian's package prometheus (once)");
    let directory = project.fresh_dir("tools/prometheus.new")?;
    debian::unpack(project, &["prometheus"], Beside::Nothing, 120, &directory)?;
    Ok(std::fs::rename(&directory, project.target.join("tools/prometheus"))?)
}
