//! `cargo xtask cloud`: the cloud for tests, a stand-in for EC2 and Auto Scaling in one Python process.
//!
//! `tests/cloud/README.md` describes it. It runs in a virtual environment of its own below the target directory, made
//! once; where no package index can be reached the tests that need it are skipped, and say so.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use xshell::cmd;

use crate::project::{Project, Result, note, step};

/// What names the address of a running cloud to the tests.
pub(crate) const VARIABLE: &str = "OHFP_TEST_CLOUD";

/// Why there is no cloud.
pub(crate) const NOT_INSTALLED: &str =
    "the cloud for tests needs packages from an index that cannot be reached";

/// Runs the command: serves until interrupted, or with `--test` runs the cloud's own tests.
pub(crate) fn run(project: &Project, options: &[&str]) -> Result<ExitCode> {
    let port = match options {
        [] => "0",
        ["--port", port] => port,
        ["--test"] => return Ok(if test(project)? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        _ => return Err("`cargo xtask cloud` takes --port N or --test, and nothing else".into()),
    };
    let python = python(project).ok_or(NOT_INSTALLED)?;
    let status = command(project, &python, &["--stay", "--port", port]).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A Python with the packages of `tests/cloud/requirements.txt`, `None` where they cannot be installed.
///
/// The interpreter's path is also how the black-box tests find the environment, see `tests/src/cloud.rs`.
pub(crate) fn python(project: &Project) -> Option<PathBuf> {
    let environment = project.target.join("cloud-venv");
    match prepare(project, &environment) {
        Ok(python) => Some(python),
        Err(error) => {
            note(format_args!(
                "note: the cloud for tests cannot be installed, its tests are NOT run: {error}"
            ));
            None
        }
    }
}

fn prepare(project: &Project, environment: &Path) -> Result<PathBuf> {
    let sh = &project.sh;
    let wanted = project.root.join("tests/cloud/requirements.txt");
    // A copy of what was installed: other requirements make the environment anew.
    let installed = environment.join("installed.txt");
    let python = environment.join("bin/python");
    let current = || -> Result<bool> { Ok(sh.read_file(&installed)? == sh.read_file(&wanted)?) };
    if python.is_file() && current().unwrap_or(false) {
        return Ok(python);
    }
    step("installing moto and boto3 in a virtual environment (once)");
    sh.remove_path(environment)?;
    cmd!(sh, "python3 -m venv {environment}").quiet().run()?;
    let pip = environment.join("bin/pip");
    cmd!(sh, "{pip} install --quiet --disable-pip-version-check --requirement {wanted}").quiet().run()?;
    sh.copy_file(&wanted, &installed)?;
    Ok(python)
}

/// Runs the tests of the cloud itself; `false` where one fails.
fn test(project: &Project) -> Result<bool> {
    let Some(python) = python(project) else { return Ok(true) };
    let ran = Command::new(python)
        .args(["-m", "unittest", "discover"])
        .args(["--start-directory", "cloud/tests", "--top-level-directory", "."])
        .current_dir(project.root.join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .status()?;
    Ok(ran.success())
}

/// One cloud for all tests of a run: each test is a tenant of its own.
pub(crate) struct Shared {
    /// With its standard input: it ends once that is closed.
    child: Child,
    /// For example `http://127.0.0.1:40123`.
    pub(crate) address: String,
}

impl Shared {
    /// Starts the cloud, if it can be installed.
    pub(crate) fn start(project: &Project) -> Result<Option<Self>> {
        let Some(python) = python(project) else { return Ok(None) };
        let mut command = command(project, &python, &[]);
        let (child, address) = addressed(command.stdin(Stdio::piped()))?;
        Ok(Some(Self { child, address }))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // It may have ended already; a run's result does not depend on it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cloud that nothing in this process holds.
pub(crate) struct Unattended {
    /// Its process.
    pub(crate) id: u32,
    /// For example `http://127.0.0.1:40123`.
    pub(crate) address: String,
}

/// Starts a cloud that outlives this command, and ends once it has not been asked for so many seconds. What it complains
/// of goes to `log`.
pub(crate) fn leave_running(project: &Project, idle_seconds: u32, log: &Path) -> Result<Unattended> {
    let python = python(project).ok_or(NOT_INSTALLED)?;
    let mut command = command(project, &python, &["--idle", &idle_seconds.to_string()]);
    let (child, address) = addressed(command.stdin(Stdio::null()).stderr(File::create(log)?))?;
    Ok(Unattended { id: child.id(), address })
}

/// The command of a cloud, in the directory from which it is found.
fn command(project: &Project, python: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(python);
    command
        .args(["-m", "cloud"])
        .args(options)
        .current_dir(project.root.join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Starts a cloud, and reads its first line.
fn addressed(command: &mut Command) -> Result<(Child, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut address)?;
    }
    if address.is_empty() {
        child.wait()?;
        return Err("the cloud for tests ended before it said its address".into());
    }
    Ok((child, address.trim().to_owned()))
}
