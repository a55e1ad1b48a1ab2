//! What the black-box tests share: the installed tree under test, a sandbox, and running programs.
//!
//! Nothing here links code of the product: tests see what a user sees.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that cannot run must say so"
)]

pub mod answers;
pub mod aws;
pub mod browser;
pub mod cloud;
pub mod contract;
pub mod counting;
pub mod damage;
pub mod disk;
pub mod document;
pub mod grid;
pub mod inquiry;
pub mod killing;
pub mod promtool;
pub mod terminal;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, fs};

use serde_json::Value;

/// The installed tree that `cargo xtask test` made.
pub fn tree() -> PathBuf {
    match std::env::var_os("OHFP_TEST_TREE") {
        Some(path) => PathBuf::from(path),
        None => panic!("OHFP_TEST_TREE is not set: run these tests with `cargo xtask test`"),
    }
}

/// The repository.
pub fn repository() -> PathBuf {
    // Asked at run time: checkouts that share a target directory share the test programs too.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    own.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).join("..").canonicalize().unwrap()
}

/// The target directory of this test program, which lies in its `PROFILE/deps`; what `cargo xtask` makes for tests is
/// there.
pub fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.ancestors().nth(3).unwrap().to_owned()
}

/// The operations of Host Factory; `OPERATION.sh` is the script that it runs.
pub const HF_OPERATIONS: [&str; 5] = [
    "getAvailableTemplates",
    "requestMachines",
    "requestReturnMachines",
    "getRequestStatus",
    "getReturnRequests",
];

/// Copies the installed tree, as an administrator who moves it would.
pub fn copy_tree(to: &Path) {
    fs::create_dir_all(to).unwrap();
    let copied = ended(Command::new("cp").arg("-a").arg(tree().join(".")).arg(to));
    assert_eq!(copied.code, 0, "{copied:?}");
}

/// A program of the installed tree.
pub fn program(name: &str) -> PathBuf {
    tree().join("bin").join(name)
}

/// How a program ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Ended {
    /// Exit code; 128 and the signal's number for a killed one.
    pub code: i32,
    /// All of standard output.
    pub stdout: Vec<u8>,
    /// Standard error as text.
    pub stderr: String,
}

/// For the message of a failed test: the beginning of what was said.
impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stdout, stderr) = (format!("{:?}", self.text()), format!("{:?}", self.stderr));
        write!(f, "exit {}, stdout {stdout:.250}, stderr {stderr:.250}", self.code)
    }
}

impl Ended {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as the one document that it must be.
    pub fn document(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The document of a program that must end well.
    pub fn answer(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        self.document()
    }
}

/// Every file below a directory with its content; nothing of one that is not there.
pub fn files_below(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// A directory of its own for one test, removed at the end, and the environment made for it.
#[derive(Debug)]
pub struct Sandbox {
    /// The directory.
    pub path: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Sandbox {
    /// An empty sandbox: no configuration, a home of its own, nothing inherited but `PATH`.
    pub fn empty() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ohfp-test-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("home")).unwrap();
        let path = path.canonicalize().unwrap();
        let mut sandbox = Self { environment: Vec::new(), path };
        sandbox.set("PATH", std::env::var_os("PATH").unwrap_or_default());
        sandbox.set("HOME", sandbox.path.join("home"));
        sandbox
    }

    /// A sandbox with these files in its configuration root, which `OHFP_CONFIG_DIR` names.
    pub fn with_files(files: &[(&str, &str)]) -> Self {
        let mut sandbox = Self::empty();
        fs::create_dir_all(sandbox.root()).unwrap();
        for (name, content) in files {
            sandbox.write(name, content);
        }
        sandbox.set("OHFP_CONFIG_DIR", sandbox.root());
        sandbox
    }

    /// A sandbox with a copy of the shipped examples.
    pub fn with_examples() -> Self {
        let sandbox = Self::with_files(&[]);
        for entry in fs::read_dir(repository().join("config")).unwrap() {
            let entry = entry.unwrap();
            if entry.path().extension() == Some(OsStr::new("json")) {
                fs::copy(entry.path(), sandbox.root().join(entry.file_name())).unwrap();
            }
        }
        sandbox
    }

    /// A sandbox with a copy of `tests/fixtures/NAME`.
    pub fn with_fixture(name: &str) -> Self {
        let sandbox = Self::with_files(&[]);
        for entry in fs::read_dir(repository().join("tests/fixtures").join(name)).unwrap() {
            let entry = entry.unwrap();
            sandbox.write(&entry.file_name().to_string_lossy(), fs::read(entry.path()).unwrap());
        }
        sandbox
    }

    /// The configuration root.
    pub fn root(&self) -> PathBuf {
        self.path.join("conf")
    }

    /// Writes a file into the configuration root.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.root().join(name), content).unwrap();
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.unset(name);
        self.environment.push((name.into(), value.into()));
    }

    /// Unsets a variable.
    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// A command with the sandbox's environment, in its directory.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(&self.path)
            .stdin(Stdio::null());
        command
    }

    /// Runs a program of the tree, by name, or any other by path.
    pub fn run<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) -> Ended {
        let path = if program.contains('/') { PathBuf::from(program) } else { self::program(program) };
        ended(self.command(path).args(arguments))
    }

    /// Runs `ohfp` with a command line whose words have no spaces.
    pub fn line(&self, line: &str) -> Ended {
        self.run("ohfp", &line.split(' ').collect::<Vec<_>>())
    }

    /// Runs the runtime where it has nothing to fall back on: what it prints, it knew itself.
    pub fn runtime_alone<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Ended {
        ended(self.command(program("ohfp")).env("OHFP_LIVE", "/nonexistent/ohfp-live").args(arguments))
    }

    /// Writes an input file of Host Factory beside the configuration root and gives its path.
    pub fn input(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Builds the snapshot; the build must succeed.
    pub fn build(&self) -> Ended {
        let built = self.run("ohfp-snapshot", &["build"]);
        assert_eq!(built.code, 0, "{built:?}");
        built
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Runs a command to its end. An answer in JSON must fit its schema.
pub fn ended(command: &mut Command) -> Ended {
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("cannot run {command:?}: {error}"),
    };
    let code = output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal));
    let ended = Ended {
        code: code.unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    if let Some(fault) = answers::fault_of(command, ended.code, &ended.stdout) {
        panic!("{command:?}: {fault}");
    }
    ended
}

/// Fails with the first of the faults that many cases together have.
pub fn expect_none(faults: &[String], cases: usize) {
    let shown = faults.get(..8).unwrap_or(faults).join("\n");
    assert!(faults.is_empty(), "{} of {cases} cases fail, the first of them:\n{shown}", faults.len());
    assert!(cases > 0, "there are no cases");
}

/// Every command path of the program, groups and the program itself included, with the visible
/// aliases of each word: read from the help texts, as a user would.
pub fn command_paths(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut next = 0;
    while let Some(path) = all.get(next).cloned() {
        let mut arguments = path.clone();
        arguments.push("-h".to_owned());
        let help = sandbox.run("ohfp-live", &arguments);
        assert_eq!(help.code, 0, "{path:?}: {help:?}");
        for name in listed_commands(&help.text()) {
            let mut longer = path.clone();
            longer.push(name);
            all.push(longer);
        }
        next += 1;
    }
    all
}

/// The names and aliases in a help text's list of commands, without clap's own `help`.
fn listed_commands(help: &str) -> Vec<String> {
    let rows =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut names = Vec::new();
    for row in rows {
        let name = row.split_whitespace().next().filter(|name| *name != "help");
        let aliases = row.rsplit_once("[alias").and_then(|(_, rest)| rest.split_once(": "));
        let aliases = aliases.into_iter().flat_map(|(_, rest)| rest.trim_end_matches(']').split(", "));
        names.extend(name.into_iter().chain(aliases).map(str::to_owned));
    }
    names
}

/// A template file of `count` templates, for answers of any size.
pub fn catalog(count: usize) -> String {
    let template = |number| {
        format!(
            r#"{{"templateId":"t-{number:06}","maxNumber":{number},"imageId":"ami-0123456789abcdef0","subnetId":"subnet-{number:08x}","vmType":"m6i.large"}}"#
        )
    };
    let templates: Vec<String> = (0..count).map(template).collect();
    format!("{{\"templates\":[\n{}\n]}}\n", templates.join(",\n"))
}

/// Compares text with a golden file; `UPDATE_GOLDEN=1` writes it instead.
pub fn golden(name: &str, actual: &[u8]) {
    let path = repository().join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} differs from tests/golden; after review: UPDATE_GOLDEN=1 cargo xtask test\n--- expected\n{}\n--- actual\n{}",
        String::from_utf8_lossy(&expected),
        String::from_utf8_lossy(actual)
    );
}

/// Builds a C program of `tests/tools` in `directory`.
pub fn c_program(name: &str, directory: &Path) -> PathBuf {
    compiled(&repository().join("tests/tools").join(format!("{name}.c")), &["-O1", "-Wall"], directory)
}

/// Builds the smallest program there is: what starting it costs, every program pays.
pub fn floor_program(directory: &Path) -> PathBuf {
    let source = repository().join("tests/bench/floor.c");
    compiled(&source, &["-Os", "-static", "-nostdlib", "-no-pie"], directory)
}

fn compiled(source: &Path, options: &[&str], directory: &Path) -> PathBuf {
    let binary = directory.join(source.file_stem().unwrap());
    let built = ended(Command::new("gcc").args(options).arg("-o").arg(&binary).arg(source));
    assert_eq!(built.code, 0, "{}", built.stderr);
    binary
}
