//! `cargo xtask cloud`: the cloud for tests, a stand-in for EC2 and Auto Scaling in one Python process.
//!
//! `tests/cloud/README.md` describes it. It runs in a virtual environment of its own below the target directory, made
//! once; where no package index can be reached the tests that need it are skipped, and say so.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};

use xshell::cmd;

use crate::project::{Project, Result, note, step};

/// What names the address of a running cloud to the tests.
pub(crate) const VARIABLE: &str = "OHFP_TEST_CLOUD";

/// Runs the command: serves until interrupted, or with `--test` runs the cloud's own tests.
pub(crate) fn run(project: &Project, options: &[&str]) -> Result<ExitCode> {
    let port = match options {
        [] => "0",
        ["--port", port] => port,
        ["--test"] => return Ok(if test(project)? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        _ => return Err("`cargo xtask cloud` takes --port N or --test, and nothing else".into()),
    };
    let python =
        python(project).ok_or("the cloud for tests needs packages from an index that cannot be reached")?;
    let status = Command::new(python)
        .args(["-m", "cloud", "--stay", "--port", port])
        .current_dir(project.root.join("tests"))
        .status()?;
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

fn prepare(project: &Project, environment: &std::path::Path) -> Result<PathBuf> {
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
    step("testing the cloud for tests");
    let ran = Command::new(python)
        .args([
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "cloud/tests",
            "--top-level-directory",
            ".",
        ])
        .current_dir(project.root.join("tests"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .status()?;
    Ok(ran.success())
}

/// One cloud for all tests of a run: each test is a tenant of its own.
pub(crate) struct Shared {
    child: Child,
    /// The cloud ends once this is closed.
    _input: Option<ChildStdin>,
    /// For example `http://127.0.0.1:40123`.
    pub(crate) address: String,
}

impl Shared {
    /// Starts the cloud, if it can be installed.
    pub(crate) fn start(project: &Project) -> Result<Option<Self>> {
        let Some(python) = python(project) else { return Ok(None) };
        let mut child = Command::new(python)
            .args(["-m", "cloud"])
            .current_dir(project.root.join("tests"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut address)?;
        }
        let input = child.stdin.take();
        let shared = Self { child, _input: input, address: address.trim().to_owned() };
        if shared.address.is_empty() {
            return Err("the cloud for tests ended before it said its address".into());
        }
        Ok(Some(shared))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // It may have ended already; a run's result does not depend on it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
