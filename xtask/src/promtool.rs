//! `promtool`, which checks metrics and alert rules: from Debian's package `prometheus`, unpacked without being installed,
//! so that no server is started.

use std::path::PathBuf;

use xshell::cmd;

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
    let sh = &project.sh;
    let directory = project.fresh_dir("tools/prometheus.new")?;
    let _in_it = sh.push_dir(&directory);
    cmd!(sh, "timeout 120 apt-get download --quiet prometheus")
        .quiet()
        .ignore_stdout()
        .ignore_stderr()
        .run()?;
    let packages = sh.read_dir(&directory)?;
    let package = packages.first().ok_or("no package was downloaded")?;
    cmd!(sh, "dpkg-deb -x {package} .").quiet().run()?;
    sh.remove_path(package)?;
    Ok(std::fs::rename(&directory, project.target.join("tools/prometheus"))?)
}
