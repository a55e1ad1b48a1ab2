//! `cargo xtask torture`: what must not happen to a snapshot, tried out on real processes.
//!
//! * `snapshot`: every byte changed in three ways, every length; answers must not change.
//! * `publish`: builders killed at random moments while others read; every answer belongs whole to
//!   one generation, and nothing is left behind.
//! * `readers`: many readers while one snapshot replaces another; the same of every answer.
//! * `crowd`, `requests`, `rot`, `files`, `power`: the tests of these subjects at their full size: many
//!   processes at once, processes killed at random moments, damaged databases, files of the store lost or
//!   planted, power cuts.

mod generations;
mod parts;
mod publish;
mod readers;
mod snapshot;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xshell::cmd;

use crate::dist::{self, Tree};
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
        _ => Err("torture takes `snapshot [--stride N]`, `publish [--kills N]`, \
                  `readers [--readers N --builds N]`, `crowd`, `requests [--kills N]`, \
                  `rot [--databases N]`, `files` or `power [--cuts N]`"
            .into()),
    }
}

/// Runs the black-box tests of one file, larger than the test suite does, with what they print.
fn tests(project: &Project, name: &str, sizes: &[(&str, &str)]) -> Result<()> {
    let tree = dist::make(project, &project.fresh_dir("torture-tests")?)?;
    let cargo = Project::cargo();
    let run = cmd!(
        project.sh,
        "{cargo} test -p ohfp-tests --test blackbox -- {name}:: --nocapture --test-threads 1"
    );
    Ok(run.env("OHFP_TEST_TREE", &tree.root).envs(sizes.iter().copied()).quiet().run()?)
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

/// An installed tree, a configuration to edit, and a directory for snapshots.
struct Stage {
    tree: Tree,
    config: PathBuf,
    work: PathBuf,
}

impl Stage {
    fn set(project: &Project, name: &str) -> Result<Self> {
        let root = project.fresh_dir(&format!("torture-{name}"))?;
        // An installed tree that is there already saves the build.
        let tree = match std::env::var_os("OHFP_TEST_TREE") {
            Some(root) => Tree { root: PathBuf::from(root) },
            None => dist::make(project, &root.join("tree"))?,
        };
        let (config, work) = (root.join("config"), root.join("work"));
        for directory in [&config, &work] {
            project.sh.create_dir(directory)?;
        }
        for name in ["config.json", "awsprov_config.json", "awsprov_templates.json"] {
            project.sh.copy_file(tree.config().join(name), &config)?;
        }
        Ok(Self { tree, config, work })
    }

    /// A program of the tree that sees this stage and nothing else. The live program tells why the
    /// snapshot was not used and leaves it alone: whoever is tortured must not be healed on the way.
    fn command(&self, program: &str, snapshot: &Path) -> Command {
        self.command_of(&self.tree.program(program), snapshot)
    }

    /// The same for a program that lies elsewhere.
    fn command_of(&self, program: &Path, snapshot: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("OHFP_CONFIG_DIR", &self.config)
            .env("OHFP_SNAPSHOT", snapshot)
            .env("OHFP_SNAPSHOT_REFRESH", "manual")
            .stdin(Stdio::null());
        command
    }

    fn build(&self, snapshot: &Path) -> Result<()> {
        let built = self.command("ohfp-snapshot", snapshot).args(["build", "--quiet"]).output()?;
        if built.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&built.stderr).into()) }
    }
}

/// A small generator: deterministic, so that a failure can be repeated.
struct Random(u64);

impl Random {
    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        // Steele and Vigna's SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)).checked_rem(bound).unwrap_or(0)
    }
}
