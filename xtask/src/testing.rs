//! `cargo xtask test`: the tests of the workspace, on an installed tree made for them.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitCode, Output, Stdio};

use xshell::cmd;

use crate::binaries::Clouds;
use crate::dist::Tree;
use crate::project::{Project, Result, note, step};
use crate::{browser, cloud, conformance, dist, promtool};

/// Runs the tests; the runner's closing lines are the last, and its exit code is ours.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<ExitCode> {
    let all = args.is_empty();
    // The programs are built on one processor for a good part of the time: the other one compiles the tests, and tries
    // the cloud for tests.
    let [compiling, cloud] = if all {
        [
            Some(aside(Project::cargo(), &["test", "--workspace", "--no-run", "--quiet"])?),
            Some(aside(std::env::current_exe()?, &["cloud", "--test"])?),
        ]
    } else {
        [None, None]
    };
    // Release programs: their page faults, system calls and sizes are under test.
    let tree = dist::make(project, &project.fresh_dir("test-tree")?, dist::USE);
    // What does not compile is reported below, where it is compiled again.
    if let Some(compiling) = compiling {
        compiling.wait_with_output()?;
    }
    let cloud_works = cloud.is_none_or(|cloud| reported(cloud, "testing the cloud for tests"));
    let tree = tree?;

    let nextest = has_nextest(project);
    // Neither takes a processor for itself.
    let examples =
        (all && nextest).then(|| aside(Project::cargo(), &["test", "--workspace", "--doc", "--quiet"]));
    let conforms = all.then(|| conforms(project, &tree)).transpose()?;
    let examples = examples.transpose()?;
    let examples_work =
        examples.is_none_or(|examples| reported(examples, "running the examples in the documentation"));
    let shared = cloud::Shared::start(project)?;
    let browser = browser::find(project);

    let cargo = Project::cargo();
    let sh = &project.sh;
    let runner = if nextest {
        // Half of the tests wait: for the disk, or for a cloud whose machines take their time.
        let threads = std::thread::available_parallelism().map_or(4, |cores| cores.get() * 2).to_string();
        let threads = all.then(|| ["--test-threads".to_owned(), threads]).into_iter().flatten();
        cmd!(sh, "{cargo} nextest run --workspace --no-fail-fast {threads...} {args...}")
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
    if let Some(promtool) = promtool::find(project) {
        runner.env(promtool::VARIABLE, promtool);
    }
    if let Some(browser) = &browser {
        runner.env(browser::VARIABLE, browser);
    }
    runner.env("OHFP_TEST_ARTIFACTS", project.target.join("report"));
    let status = runner.env("OHFP_TEST_TREE", &tree.root).status()?;
    // A runner that was killed has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    let others = [
        (conforms.unwrap_or(true), "the tree does not conform"),
        (cloud_works, "the tests of the cloud for tests do not pass"),
        (examples_work, "the examples in the documentation do not work"),
    ];
    let failed = others.iter().find(|(works, _)| !works);
    if let (0, Some((_, what))) = (code, failed) {
        note(format_args!("the tests passed, but {what}: see above"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::from(code))
}

fn has_nextest(project: &Project) -> bool {
    let cargo = Project::cargo();
    cmd!(project.sh, "{cargo} nextest --version").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// Starts what has time until something else is done, and leaves the processors to that: AWS's SDK takes one of them for
/// minutes, so it has to begin early. The output is kept, since it would be mixed with that of the other.
fn aside(program: impl AsRef<OsStr>, words: &[&str]) -> Result<Child> {
    let mut command = Command::new("nice");
    command.args(["-n", "15"]).arg(program).args(words);
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

/// Waits for what was started aside, and shows what it had to say; whether it succeeded.
fn reported(child: Child, what: &str) -> bool {
    step(what);
    match child.wait_with_output() {
        Ok(Output { status, stdout, stderr }) => {
            for text in [stdout, stderr] {
                note(String::from_utf8_lossy(&text).trim_end());
            }
            status.success()
        }
        Err(error) => {
            note(error);
            false
        }
    }
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
    let mut conforms = conformance::play(project, tree, Clouds::Simulated, &[])? == ExitCode::SUCCESS;
    if !tree.has_aws(project)? {
        note("note: the tree is built without AWS, so the cases were NOT run with machines of AWS");
    } else if cloud::python(project).is_some() {
        conforms &= conformance::play(project, tree, Clouds::Aws, &[])? == ExitCode::SUCCESS;
    }
    Ok(conforms)
}
