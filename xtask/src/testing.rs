//! `cargo xtask test`: the tests of the workspace, on an installed tree made for them.

use std::process::{Child, Command, ExitCode, Stdio};

use xshell::cmd;

use crate::dist::Tree;
use crate::project::{Project, Result, note, step};
use crate::{cloud, conformance, dist};

/// Runs the tests; the runner's closing lines are the last, and its exit code is ours.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<ExitCode> {
    // The tests compile while the programs do: the last steps of the latter leave a processor idle.
    let compiling = compile(args.is_empty());
    // Release programs: their page faults, system calls and sizes are under test.
    let tree = dist::make(project, &project.fresh_dir("test-tree")?, dist::CLOUDS);
    // What does not compile is reported below, where it is compiled again.
    if let Some(mut compiling) = compiling {
        compiling.wait()?;
    }
    let tree = tree?;
    let conforms = args.is_empty().then(|| conforms(project, &tree)).transpose()?;

    let cloud_works = if args.is_empty() { cloud::test(project)? } else { true };
    let shared = cloud::Shared::start(project)?;

    let cargo = Project::cargo();
    let sh = &project.sh;
    let nextest = cmd!(sh, "{cargo} nextest --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
    let runner = if nextest {
        if args.is_empty() {
            step("running the examples in the documentation, which nextest does not");
            cmd!(sh, "{cargo} test --workspace --doc --quiet").quiet().run()?;
        }
        cmd!(sh, "{cargo} nextest run --workspace --no-fail-fast {args...}")
    } else {
        cmd!(sh, "{cargo} test --workspace --no-fail-fast {args...}")
    };
    step(if nextest { "running the tests with cargo-nextest" } else { "running the tests with cargo test" });
    // The tests set what they need; nothing of the caller's installation may leak in.
    let inherited = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        ["OHFP_", "HF_", "PRO_"].iter().any(|prefix| name.starts_with(prefix))
    });
    let mut runner = Command::from(runner);
    for name in inherited {
        runner.env_remove(name);
    }
    if let Some(shared) = &shared {
        runner.env(cloud::VARIABLE, &shared.address);
    }
    let status = runner.env("OHFP_TEST_TREE", &tree.root).status()?;
    // A runner that was killed has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    if code == 0 && conforms == Some(false) {
        note("the tests passed, but the tree does not conform: see above");
        return Ok(ExitCode::FAILURE);
    }
    if code == 0 && !cloud_works {
        note("the tests passed, but those of the cloud for tests did not: see above");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::from(code))
}

/// Starts to compile the tests, unless only a few of them are wanted. Its output would be mixed with that of the
/// programs' build.
fn compile(all: bool) -> Option<Child> {
    let mut command = Command::new(Project::cargo());
    command.args(["test", "--workspace", "--no-run", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null());
    all.then(|| command.spawn().ok()).flatten()
}

/// Plays Host Factory against the tree. The runner is no part of this repository: without it this says so,
/// and the tests of the repository alone must do.
fn conforms(project: &Project, tree: &Tree) -> Result<bool> {
    if conformance::runner(project).is_none() {
        note(
            "note: the conformance runner is not there (see `cargo xtask conformance`), so its cases were NOT run",
        );
        return Ok(true);
    }
    Ok(conformance::play(project, &tree.root, &[])? == ExitCode::SUCCESS)
}
