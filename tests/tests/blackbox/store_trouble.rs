//! A state store that cannot be used: every operation says so and fails, so that Host Factory asks again.
//!
//! "Cannot read" is never "there is nothing": an empty answer would make Host Factory forget machines that
//! cost money. Nothing is repaired by forgetting, and once the trouble is over everything is there.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ohfp_tests::grid::{Grid, TEMPLATE, document, hosts, refused, wanted};
use ohfp_tests::{Ended, ended, program};
use serde_json::{Value, json};

/// A site with two machines, and what Host Factory may ask then.
struct Site {
    grid: Grid,
    status: Value,
    questions: Vec<(&'static str, Value)>,
}

impl Site {
    fn new(settings: &Value) -> Self {
        let grid = Grid::new(&json!({}), settings);
        let id = grid.request(TEMPLATE, 2);
        let status = grid.settled(&id);
        let host = hosts(&status)[0].clone();
        let questions = vec![
            ("requestMachines", wanted(TEMPLATE, 1)),
            ("requestReturnMachines", json!({ "machines": [{ "name": host.name, "machineId": host.id }] })),
            (
                "getRequestStatus",
                json!({ "requests": [{ "requestId": id }, { "requestId": "req-unknown" }] }),
            ),
            ("getReturnRequests", json!({})),
            ("getReturnRequests", json!({ "machines": [{ "name": host.name }] })),
        ];
        Self { grid, status, questions }
    }

    fn database(&self) -> PathBuf {
        self.grid.work().join("ohfp.db")
    }

    /// The command, which nothing may keep waiting for ever.
    fn bounded(&self, command: &Command) -> Command {
        let mut bounded = self.grid.sandbox.command("timeout");
        bounded.args(["-k", "1", "30"]).arg(command.get_program()).args(command.get_args());
        bounded
    }

    /// Every question fails and says this.
    fn fails(&self, says: &[&str]) {
        for (operation, input) in &self.questions {
            let command = self.grid.operation("in.json", operation, input);
            let message = refused(&ended(&mut self.bounded(&command)));
            assert!(says.iter().all(|part| message.contains(part)), "{operation} {input}: {message}");
        }
        for words in [&["machines", "list"][..], &["requests", "list"], &["sim", "live"]] {
            let mut command = self.grid.sandbox.command(program("ohfp"));
            command.args(words);
            let ended = ended(&mut self.bounded(&command));
            assert!(ended.code == 1 && ended.stdout.is_empty(), "{words:?}: {ended:?}");
            assert!(says.iter().all(|part| ended.stderr.contains(part)), "{words:?}: {ended:?}");
        }
    }

    /// Everything is as it was before.
    fn is_well(&self) {
        let id = self.status["requestId"].as_str().unwrap();
        assert_eq!(self.grid.status(id), self.status);
        assert_eq!(self.grid.live(), 2);
        let requests = self.grid.command(&["requests", "list"]);
        assert_eq!(requests["requests"].as_array().unwrap().len(), 1, "{requests}");
    }
}

/// Runs a line of Python with a path as its argument.
fn python(line: &str, path: &Path) {
    let ended = ended(Command::new("python3").args(["-c", line]).arg(path));
    assert_eq!(ended.code, 0, "{ended:?}");
}

/// Breaks the store, asks everything, puts the files back, and finds everything.
fn check(what: &str, harm: &dyn Fn(&Path), says: &[&str]) {
    let site = Site::new(&json!({}));
    let (work, kept) = (site.grid.work(), site.grid.sandbox.path.join("kept"));
    assert_eq!(ended(Command::new("cp").arg("-a").arg(&work).arg(&kept)).code, 0);
    harm(&site.database());
    println!("{what}");
    site.fails(says);
    site.fails(says);
    fs::rename(&work, site.grid.sandbox.path.join("broken")).unwrap();
    fs::rename(&kept, &work).unwrap();
    site.is_well();
}

/// The database with one of these endings.
fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn replace(path: &Path, content: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(with(path, suffix));
    }
    fs::write(path, content).unwrap();
}

#[test]
fn files_that_are_no_state_store() {
    let garbage = b"This is no database. ".repeat(5_000);
    let directory = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    check("a directory", &directory, &["ohfp.db", "directory"]);
    check("garbage", &|path| replace(path, &garbage), &["ohfp.db", "not an SQLite database"]);
    check("an empty file", &|path| replace(path, b""), &["ohfp.db", "the file is empty"]);
    check("a cut file", &|path| replace(path, b"SQLite format 3\0xxxx"), &["ohfp.db"]);
    let foreign = |path: &Path| {
        replace(path, b"");
        let line =
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('create table t(a)'); c.commit()";
        python(line, path);
    };
    check("another program's", &foreign, &["ohfp.db", "another program"]);
}

#[test]
fn stores_that_lost_something() {
    let cut = |path: &Path| {
        let content = fs::read(path).unwrap();
        replace(path, &content[..4_096.min(content.len())]);
    };
    check("a database without all but its first page", &cut, &["ohfp.db"]);
    let overwritten = |path: &Path| {
        let line = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('pragma wal_checkpoint(truncate)')";
        python(line, path);
        let mut content = fs::read(path).unwrap();
        content[4_096..].fill(0xa5);
        replace(path, &content);
    };
    check("pages overwritten", &overwritten, &["ohfp.db"]);
    let lost = |path: &Path| fs::remove_file(path).unwrap();
    check("a log without its database", &lost, &["ohfp.db", "is missing"]);
}

/// A link whose file system is not mounted: an empty store must not be made in its place. Nor may anything wait
/// for a writer to open a pipe.
#[test]
fn names_that_lead_elsewhere() {
    let nowhere = |path: &Path| {
        for suffix in ["", "-wal", "-shm"] {
            fs::remove_file(with(path, suffix)).unwrap();
        }
        symlink("/nonexistent/ohfp.db", path).unwrap();
    };
    check("a link to nowhere", &nowhere, &["ohfp.db", "/nonexistent/ohfp.db", "missing"]);
    let pipe = |path: &Path| {
        fs::remove_file(path).unwrap();
        assert_eq!(ended(Command::new("mkfifo").arg(path)).code, 0);
    };
    check("a pipe", &pipe, &["ohfp.db", "not a regular file"]);
}

#[test]
fn a_store_of_a_newer_program() {
    let newer = |path: &Path| {
        let line = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('pragma user_version=99'); c.commit()";
        python(line, path);
    };
    check("a newer schema", &newer, &["ohfp.db", "schema version 99", "knows up to"]);
}

#[test]
fn a_directory_that_is_none() {
    let mut grid = Grid::new(&json!({}), &json!({}));
    let file = grid.sandbox.input("a file", "x");
    for place in [file.clone(), file.join("below"), PathBuf::from("/proc/nosuch/work")] {
        grid.sandbox.set("HF_PROVIDER_WORKDIR", &place);
        let message = grid.refusal("requestMachines", &wanted(TEMPLATE, 1));
        assert!(message.contains(place.to_str().unwrap()), "{message}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "x");
}

/// An account that may read the state but not write it gets an error that says so. Root may do everything, so
/// the operation runs under an unprivileged account where possible.
#[test]
fn a_directory_that_cannot_be_written() {
    let site = Site::new(&json!({}));
    let work = site.grid.work();
    let copy = site.grid.sandbox.path.join("ohfp-live");
    fs::copy(program("ohfp-live"), &copy).unwrap();
    for (path, mode) in [(&copy, 0o755), (&site.database(), 0o644), (&work, 0o755)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let unprivileged = |words: &[&str]| {
        let mut command = site.grid.sandbox.command("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).args(words);
        ended(&mut command)
    };
    let can_change_account = unprivileged(&["--version"]).code == 0;
    for (operation, input) in &site.questions[..2] {
        let ended = if can_change_account {
            unprivileged(&[operation, "-d", &input.to_string()])
        } else {
            fs::set_permissions(&work, fs::Permissions::from_mode(0o555)).unwrap();
            site.grid.ask(operation, input)
        };
        let message = refused(&ended);
        assert!(message.contains("ohfp.db"), "{message}");
    }
    fs::set_permissions(&work, fs::Permissions::from_mode(0o755)).unwrap();
    site.is_well();
}

/// Holds SQLite's own lock until dropped.
struct Holder(Child);

impl Holder {
    fn new(database: &Path, begin: &str) -> Self {
        let line = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\n\
                    c.execute(sys.argv[2])\nprint('held',flush=True)\nsys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", line])
            .arg(database)
            .arg(begin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Others that keep the store for longer than it was said to wait: those that must write fail, and those
/// that need not are answered.
#[test]
fn a_store_that_others_keep() {
    let site = Site::new(&json!({ "storage": { "sql_strategy": { "timeout": 1 } } }));
    let writes = |held: &str| {
        for (operation, input) in &site.questions[..2] {
            let message = site.grid.refusal(operation, input);
            assert!(
                message.contains("ohfp.db") && message.contains("is busy"),
                "{held} {operation}: {message}"
            );
        }
    };
    {
        let _held = Holder::new(&site.database(), "begin immediate");
        writes("a transaction");
        site.is_well();
    }
    let lock = with(&site.database(), ".lock");
    {
        let turn = OpenOptions::new().write(true).open(&lock).unwrap();
        turn.lock().unwrap();
        writes("the turn");
        site.is_well();
    }
    site.is_well();
    // One that keeps it for less is waited for.
    let turn = OpenOptions::new().write(true).open(&lock).unwrap();
    turn.lock().unwrap();
    let (operation, input) = &site.questions[0];
    let child = site.grid.operation("in.json", operation, input).stdout(Stdio::piped()).spawn().unwrap();
    turn.unlock().unwrap();
    let output = child.wait_with_output().unwrap();
    let ended = Ended { code: output.status.code().unwrap(), stdout: output.stdout, stderr: String::new() };
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(document(&ended)["requestId"].is_string());
}

/// A full disk, played by a limit on the size of files. Nothing is made that could not be recorded.
#[test]
fn a_full_disk() {
    let limited = |site: &Grid, command: &Command, blocks: u32| {
        let mut shell = site.sandbox.command("sh");
        // Some shells count in blocks of 512 bytes, some in kilobytes.
        shell.args(["-c", "ulimit -f $0 && exec \"$@\"", &blocks.to_string()]);
        shell.arg(command.get_program()).args(command.get_args());
        ended(&mut shell)
    };
    let site = Site::new(&json!({}));
    for (operation, input) in &site.questions[..2] {
        let ended = limited(&site.grid, &site.grid.operation("in.json", operation, input), 1);
        let message = refused(&ended);
        assert!(message.contains("ohfp.db"), "{operation}: {message}");
    }
    site.is_well();
    // The first request of all, which makes the store.
    for blocks in [0, 1, 16, 60] {
        let grid = Grid::new(&json!({}), &json!({}));
        let command = grid.operation("in.json", "requestMachines", &wanted(TEMPLATE, 1));
        refused(&limited(&grid, &command, blocks));
        assert_eq!(grid.command(&["requests", "list"])["requests"], json!([]), "{blocks} blocks");
        assert_eq!(grid.live(), 0);
        grid.machines(TEMPLATE, 1);
    }
}
