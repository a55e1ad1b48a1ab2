//! Root beside an ordinary user: what root runs in the user's directory stays the user's, and what the user, or
//! anybody who may write to a directory, has planted there leads root to no file of another.
//!
//! Needs root; elsewhere it says so and tests nothing.
#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ohfp_tests::grid::{Grid, TEMPLATE, document, text, wanted};
use ohfp_tests::{Ended, ended, expect_none, program};
use serde_json::{Value, json};

/// An account that the machine need not know.
const USER: u32 = 54_322;

/// A site of which state, log and home are the user's.
struct Site {
    grid: Grid,
    bin: PathBuf,
}

impl Site {
    /// `None` where this cannot be tested.
    fn new() -> Option<Self> {
        let mut grid = Grid::new(&json!({}), &json!({}));
        let bin = grid.sandbox.path.join("bin");
        fs::create_dir(&bin).unwrap();
        for name in ["ohfp", "ohfp-live", "ohfp-snapshot"] {
            fs::copy(program(name), bin.join(name)).unwrap();
        }
        fs::set_permissions(&grid.sandbox.path, Permissions::from_mode(0o755)).unwrap();
        for directory in ["work", "log", "home"] {
            if chown(grid.sandbox.path.join(directory), Some(USER), Some(USER)).is_err() {
                eprintln!("note: NOT tested: files cannot be given to another user here");
                return None;
            }
        }
        for entry in fs::read_dir(grid.work()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        grid.sandbox.set("OHFP_SNAPSHOT_REFRESH", "auto");
        let site = Self { grid, bin };
        if site.run(Who::User, &["--version"]).code != 0 {
            eprintln!("note: NOT tested: no program can be run as another user here");
            return None;
        }
        Some(site)
    }

    fn command(&self, who: Who, umask: &str) -> Command {
        let mut command = self.grid.sandbox.command("timeout");
        command.args(["-k", "1", "5", "sh", "-c", &format!("umask {umask} && exec \"$@\""), "sh"]);
        if who == Who::User {
            command.args([
                "setpriv",
                &format!("--reuid={USER}"),
                &format!("--regid={USER}"),
                "--clear-groups",
            ]);
        }
        command.arg(self.bin.join("ohfp"));
        command
    }

    fn run(&self, who: Who, words: &[&str]) -> Ended {
        ended(self.command(who, "022").args(words))
    }

    /// What Host Factory and a person do all day; each must succeed.
    fn day(&self, who: Who) {
        let made = self.answered(who, &["requestMachines", "-d", &wanted(TEMPLATE, 1).to_string()]);
        let id = json!({ "requests": [{ "requestId": text(&made["requestId"]) }] }).to_string();
        let status = loop {
            let status = self.answered(who, &["getRequestStatus", "-d", &id]);
            if status["requests"][0]["status"] != "running" {
                break status;
            }
        };
        let machine = &status["requests"][0]["machines"][0];
        let back = json!({ "machines": [{ "name": machine["name"], "machineId": machine["machineId"] }] });
        self.answered(who, &["requestReturnMachines", "-d", &back.to_string()]);
        self.answered(who, &["getReturnRequests", "-d", "{}"]);
        self.answered(who, &["getAvailableTemplates", "-d", "{}"]);
        for words in
            [["machines", "list"], ["requests", "list"], ["storage", "validate"], ["storage", "health"]]
        {
            self.answered(who, &words);
        }
        // Something that is logged.
        self.run(who, &["requestMachines", "-d", &wanted("nosuch", 1).to_string()]);
    }

    fn answered(&self, who: Who, words: &[&str]) -> Value {
        let ended = self.run(who, words);
        assert_eq!(ended.code, 0, "{who:?} {words:?}: {ended:?}");
        document(&ended)
    }

    /// All files of state, log and home.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for directory in ["work", "log", "home"] {
            collect(&self.grid.sandbox.path.join(directory), &mut found);
        }
        found
    }

    /// A command that asks everything, as root, whatever it answers.
    fn everything_as_root(&self) -> Vec<Ended> {
        let unknown = json!({ "requests": [{ "requestId": "req-01a21b2b-95aa-7d1e-9e86-66657b016c6a" }] });
        let back = json!({ "machines": [{ "name": "nosuch", "machineId": "i-00000000000000000" }] });
        [
            vec!["requestMachines", "-d", &wanted(TEMPLATE, 1).to_string()],
            vec!["getRequestStatus", "-d", &unknown.to_string()],
            vec!["requestReturnMachines", "-d", &back.to_string()],
            vec!["getReturnRequests", "-d", "{}"],
            vec!["getAvailableTemplates", "-d", "{}"],
            vec!["doctor"],
            vec!["machines", "list"],
        ]
        .into_iter()
        .map(|words| self.run(Who::Root, &words))
        .collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Root,
    User,
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        }
        found.push(path);
    }
}

/// A file of root's that no other account may see, and a directory beside it where nothing may appear.
struct Victim {
    directory: PathBuf,
}

impl Victim {
    fn new(site: &Site) -> Self {
        let directory = site.grid.sandbox.path.join("victim");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("file"), "root's\n").unwrap();
        fs::set_permissions(directory.join("file"), Permissions::from_mode(0o600)).unwrap();
        Self { directory }
    }

    /// Puts something that leads to it, or a pipe, in a place, as the user does.
    fn plant(&self, what: &str, place: &Path) {
        match what {
            "link" => symlink(self.directory.join("file"), place).unwrap(),
            "link to nothing" => symlink(self.directory.join("new"), place).unwrap(),
            "hard link" => return fs::hard_link(self.directory.join("file"), place).unwrap(),
            _ => assert_eq!(ended(Command::new("mkfifo").arg(place)).code, 0),
        }
        lchown(place, Some(USER), Some(USER)).unwrap();
    }

    /// What has become of it.
    fn harm(&self) -> Option<String> {
        let mut names: Vec<String> = fs::read_dir(&self.directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        if names != ["file"] {
            return Some(format!("{names:?} are there"));
        }
        let file = self.directory.join("file");
        let metadata = fs::metadata(&file).unwrap();
        if metadata.uid() != 0 || metadata.gid() != 0 || metadata.mode() & 0o7777 != 0o600 {
            return Some(format!("it is {}:{} {:o} now", metadata.uid(), metadata.gid(), metadata.mode()));
        }
        (fs::read(&file).unwrap() != b"root's\n").then(|| "its content changed".to_owned())
    }

    /// What is wrong after a case: processes that did not end by themselves, and harm, which is mended for the next
    /// one.
    fn faults(&self, site: &Site, case: &str, all: &[Ended]) -> Vec<String> {
        let hung = all.iter().filter(|ended| ended.code == 124 || ended.code >= 128);
        let mut faults: Vec<String> = hung.map(|ended| format!("{case}: {ended:?}")).collect();
        if let Some(harm) = self.harm() {
            faults.push(format!("{case}: {harm}"));
            Self::new(site);
        }
        faults
    }
}

/// Everything that is made belongs to the user, who can go on with it.
#[test]
fn what_root_makes_is_the_users() {
    let Some(site) = Site::new() else { return };
    site.day(Who::Root);
    let foreign: Vec<PathBuf> =
        site.files().into_iter().filter(|file| fs::symlink_metadata(file).unwrap().uid() != USER).collect();
    assert!(foreign.is_empty(), "root's files are in the way: {foreign:?}");
    let lines = || fs::read_to_string(site.grid.log()).unwrap_or_default().lines().count();
    let before = lines();
    assert!(before > 0, "nothing was logged");
    site.day(Who::User);
    assert!(lines() > before, "the user's lines are missing");
    site.day(Who::Root);
    site.day(Who::User);
}

/// Names that ohfp opens or creates, and what is planted under each.
#[test]
fn planted_names_lead_to_no_file_of_another() {
    let Some(site) = Site::new() else { return };
    let victim = Victim::new(&site);
    let log = site.grid.log();
    let work = site.grid.work();
    let names = [
        "ohfp.db",
        "ohfp.db-wal",
        "ohfp.db-shm",
        "ohfp.db-journal",
        "ohfp.db.lock",
        "ohfp.db.new",
        "results.cache",
        "ohfp.snapshot",
        "ohfp.snapshot.lock",
        "ohfp.snapshot.previous",
    ];
    let places: Vec<PathBuf> = names.iter().map(|name| work.join(name)).chain([log.clone()]).collect();
    let (mut faults, mut cases) = (Vec::new(), 0);
    for existing in [false, true] {
        for place in &places {
            for planted in ["link", "link to nothing", "hard link", "pipe"] {
                for directory in [&work, &site.grid.sandbox.path.join("log")] {
                    for entry in fs::read_dir(directory).unwrap() {
                        let path = entry.unwrap().path();
                        if path.is_dir() {
                            fs::remove_dir_all(path).unwrap();
                        } else {
                            fs::remove_file(path).unwrap();
                        }
                    }
                }
                let _ = fs::remove_dir_all(site.grid.sandbox.path.join("home"));
                fs::create_dir(site.grid.sandbox.path.join("home")).unwrap();
                chown(site.grid.sandbox.path.join("home"), Some(USER), Some(USER)).unwrap();
                if existing {
                    site.run(Who::User, &["requestMachines", "-d", &wanted(TEMPLATE, 1).to_string()]);
                }
                let _ = fs::remove_file(place);
                victim.plant(planted, place);
                cases += 1;
                let name = place.file_name().unwrap().to_string_lossy().into_owned();
                let case = format!("{planted} as {name}{}", if existing { " in a store" } else { "" });
                faults.extend(victim.faults(&site, &case, &site.everything_as_root()));
            }
        }
    }
    expect_none(&faults, cases);
}

/// Files of a stranger in root's directory that everybody may write to are refused by name.
#[test]
fn files_of_a_stranger_are_refused() {
    let Some(site) = Site::new() else { return };
    site.day(Who::Root);
    let work = site.grid.work();
    let mut faults = Vec::new();
    chown(&work, Some(0), Some(0)).unwrap();
    fs::set_permissions(&work, Permissions::from_mode(0o1777)).unwrap();
    for file in site.files() {
        if file.starts_with(&work) {
            chown(&file, Some(0), Some(0)).unwrap();
        }
    }
    site.answered(Who::Root, &["requests", "list"]);
    for name in ["ohfp.db", "ohfp.db.lock"] {
        let file = work.join(name);
        chown(&file, Some(USER), Some(USER)).unwrap();
        let ended = site.run(Who::Root, &["requestMachines", "-d", &wanted(TEMPLATE, 1).to_string()]);
        if ended.code != 1 || !ended.text().contains(name) {
            faults.push(format!("{name} of a stranger: {ended:?}"));
        }
        chown(&file, Some(0), Some(0)).unwrap();
        let mode = fs::metadata(&file).unwrap().mode();
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        let ended = site.run(Who::Root, &["requestMachines", "-d", &wanted(TEMPLATE, 1).to_string()]);
        if ended.code != 1 || !ended.text().contains(name) {
            faults.push(format!("{name} that everybody may write: {ended:?}"));
        }
        fs::set_permissions(&file, Permissions::from_mode(mode & 0o7777)).unwrap();
    }
    site.answered(Who::Root, &["requests", "list"]);
    expect_none(&faults, 4);
}

/// Whatever the umask: nothing of the state is anybody's but its owner's and, to read, its group's.
#[test]
fn modes_do_not_depend_on_the_umask() {
    let mut faults = Vec::new();
    for umask in ["0", "022", "077"] {
        let Some(site) = Site::new() else { return };
        for who in [Who::User, Who::Root] {
            let backup = site.grid.work().join(format!("backup-{who:?}")).display().to_string();
            let export = site.grid.work().join(format!("export-{who:?}")).display().to_string();
            for words in [
                vec!["requestMachines", "-d", &wanted(TEMPLATE, 1).to_string()],
                vec!["requestMachines", "-d", &wanted("nosuch", 1).to_string()],
                vec!["getReturnRequests", "-d", "{}"],
                vec!["storage", "backup", &backup],
                vec!["storage", "export", &export],
            ] {
                ended(site.command(who, umask).args(words));
            }
            for made in [&backup, &export] {
                assert!(Path::new(made).exists(), "{made}");
            }
        }
        for file in site.files() {
            let metadata = fs::symlink_metadata(&file).unwrap();
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let allowed = match name.as_str() {
                _ if metadata.is_dir() => 0o755,
                "ohfp.db.lock" => 0o600,
                // Its inputs are for all to read.
                "ohfp.snapshot" | "ohfp.snapshot.previous" | "ohfp.snapshot.lock" => 0o644,
                _ => 0o640,
            };
            let home = site.grid.sandbox.path.join("home");
            if metadata.mode() & 0o777 & !allowed != 0 && file != home {
                faults.push(format!("umask {umask}: {name} has mode {:o}", metadata.mode() & 0o777));
            }
        }
    }
    expect_none(&faults, 3);
}

/// A reader of the group sees the state and cannot keep writers waiting.
#[test]
fn a_reader_cannot_stop_writers() {
    let Some(site) = Site::new() else { return };
    site.day(Who::User);
    let lock = site.grid.work().join("ohfp.db.lock");
    let mut reader = site.grid.sandbox.command("setpriv");
    reader.args([&format!("--reuid={}", USER + 1), &format!("--regid={USER}"), "--clear-groups"]);
    let taken = ended(reader.args(["sh", "-c", "exec 3< \"$1\"", "sh"]).arg(&lock));
    assert!(taken.code != 0 && taken.stderr.contains("ermission"), "a reader can open the lock: {taken:?}");
}

/// Files that a person names, in a directory of another who has planted something under their names.
#[test]
fn answers_backups_and_exports_follow_no_link() {
    let Some(site) = Site::new() else { return };
    site.day(Who::Root);
    let hostile = site.grid.sandbox.path.join("hostile");
    fs::create_dir(&hostile).unwrap();
    chown(&hostile, Some(USER), Some(USER)).unwrap();
    let victim = Victim::new(&site);
    let target = hostile.join("out").display().to_string();
    let (mut faults, mut cases) = (Vec::new(), 0);
    for words in [
        vec!["requests", "list", "--output", &target],
        vec!["templates", "list", "--output", &target],
        vec!["storage", "backup", &target],
        vec!["storage", "export", &target],
    ] {
        for planted in ["link", "link to nothing", "pipe", "hard link"] {
            for ending in ["", ".new", ".tmp", "-journal"] {
                for entry in fs::read_dir(&hostile).unwrap() {
                    fs::remove_file(entry.unwrap().path()).unwrap();
                }
                let place = format!("{target}{ending}");
                victim.plant(planted, Path::new(&place));
                cases += 1;
                let case = format!("{:?}, a {planted} as out{ending}", &words[..2]);
                faults.extend(victim.faults(&site, &case, &[site.run(Who::Root, &words)]));
            }
        }
    }
    expect_none(&faults, cases);
}
