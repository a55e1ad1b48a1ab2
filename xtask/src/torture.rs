//! `cargo xtask torture`: what must not happen to a snapshot, tried out on real processes.
//!
//! * `snapshot`: every byte changed in three ways, every length; answers must not change.
//! * `publish`: builders killed at random moments while others read; every answer belongs whole to
//!   one generation, and nothing is left behind.
//! * `readers`: many readers while one snapshot replaces another; the same of every answer.
//! * `crowd`, `requests`, `rot`, `files`, `power`: the tests of these subjects at their full size: many
//!   processes at once, processes killed at random moments, damaged databases, files of the store lost or
//!   planted, power cuts.
//! * `aws`: four processes at a time on the cloud for tests, of which a fifth of all calls fail.

mod generations;
mod parts;
mod publish;
mod readers;
mod snapshot;
mod stage;

use std::path::PathBuf;

use stage::Stage;
use xshell::cmd;

use crate::cloud;
use crate::dist;
use crate::project::{Project, Result};

/// Runs one of them; options make it smaller.
pub(crate) fn run(project: &Project, options: &[&str]) -> Result<()> {
    let stage = |name| Stage::set(project, name);
    let snapshot = |stride| snapshot::run(&stage("snapshot")?, recorder(project)?, stride);
    match options {
        ["snapshot"] => snapshot(1),
        ["snapshot", "--stride", stride] => snapshot(stride.parse()?),
        ["publish"] => publish::run(&stage("publish")?, 1_000),
        ["publish", "--kills", kills] => publish::run(&stage("publish")?, kills.parse()?),
        ["readers"] => readers::run(&stage("readers")?, 10_000, 200),
        ["readers", "--readers", readers, "--builds", builds] => {
            readers::run(&stage("readers")?, readers.parse()?, builds.parse()?)
        }
        ["crowd"] => tests(project, "crowd", &[("OHFP_CROWD_PROCESSES", "64"), ("OHFP_CROWD_ROUNDS", "20")]),
        ["requests"] => tests(project, "kills", &[("OHFP_KILLS", "2000")]),
        ["requests", "--kills", kills] => tests(project, "kills", &[("OHFP_KILLS", kills)]),
        ["rot"] => tests(project, "rot", &[("OHFP_ROT", "2000")]),
        ["rot", "--databases", databases] => tests(project, "rot", &[("OHFP_ROT", databases)]),
        ["files"] => tests(project, "harmed_files", &[("OHFP_FILES", "1")]),
        ["power"] => tests(project, "power", &[("OHFP_CUTS", "50")]),
        ["power", "--cuts", cuts] => tests(project, "power", &[("OHFP_CUTS", cuts)]),
        ["aws"] => storm(project, "3000"),
        ["aws", "--cycles", cycles] => storm(project, cycles),
        _ => Err("torture takes `snapshot [--stride N]`, `publish [--kills N]`, \
                  `readers [--readers N --builds N]`, `crowd`, `requests [--kills N]`, \
                  `rot [--databases N]`, `files`, `power [--cuts N]` or `aws [--cycles N]`"
            .into()),
    }
}

/// Runs the black-box tests of one file, larger than the test suite does, with what they print.
fn tests(project: &Project, name: &str, sizes: &[(&str, &str)]) -> Result<()> {
    let tree = dist::make(project, &project.fresh_dir("torture-tests")?, dist::USE)?;
    let cargo = Project::cargo();
    let run = cmd!(
        project.sh,
        "{cargo} test -p ohfp-tests --test blackbox -- {name}:: --nocapture --test-threads 1"
    );
    Ok(run.env("OHFP_TEST_TREE", &tree.root).envs(sizes.iter().copied()).quiet().run()?)
}

/// The storm over AWS, with 50 power cuts.
fn storm(project: &Project, cycles: &str) -> Result<()> {
    // Tests that find no cloud pass, and say so in a line that is easily missed.
    cloud::python(project).ok_or(cloud::NOT_INSTALLED)?;
    tests(project, "aws::storm", &[("OHFP_STORM", cycles), ("OHFP_CUTS", "50")])
}

/// The program that stands for the live one where only being called matters.
fn recorder(project: &Project) -> Result<PathBuf> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let (source, program) =
        (project.root.join("tests/tools/recorder.c"), project.target.join("torture-snapshot/recorder"));
    let options = ["-Os", "-static", "-nostdlib", "-no-pie", "-ffreestanding", "-fno-stack-protector"];
    cmd!(project.sh, "{compiler} {options...} -o {program} {source}").quiet().run()?;
    Ok(program)
}
