//! `doctor`, `system health` and `storage health` say that no request can be made where none can, and how to mend it.
//!
//! An ordinary account asks, as Host Factory's does: root may write anything.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use ohfp_tests::grid::{Grid, TEMPLATE, document};
use ohfp_tests::{Ended, copy_tree, ended};
use serde_json::{Value, json};

/// An account that owns nothing but its site.
const USER: u32 = 65_534;

/// A site of an ordinary account, which is this process's own unless that is root.
struct Site {
    grid: Grid,
    tree: PathBuf,
    root: bool,
}

impl Site {
    fn new() -> Self {
        let mut grid = Grid::new(&json!({}), &json!({}));
        let root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let tree = grid.sandbox.path.join("tree");
        copy_tree(&tree);
        chmod(&grid.sandbox.path, 0o755);
        for name in ["work", "log", "home"] {
            let path = grid.sandbox.path.join(name);
            if root {
                ended(grid.sandbox.command("chown").arg("-R").arg(format!("{USER}:{USER}")).arg(&path));
            }
        }
        // A snapshot apart from the state, so that it has no part in this.
        grid.sandbox.set("OHFP_SNAPSHOT", grid.sandbox.path.join("home/x.snapshot"));
        let site = Self { grid, tree, root };
        assert_eq!(site.run(&["machines", "request", TEMPLATE, "1"]).code, 0);
        site
    }

    fn run(&self, words: &[&str]) -> Ended {
        let mut command = self.grid.sandbox.command(self.tree.join("bin/ohfp"));
        if self.root {
            command.uid(USER).gid(USER);
        }
        ended(command.args(words))
    }

    /// Gives a file to root where that makes a difference, and takes the right to write it.
    fn protect(&self, path: &Path, mode: u32) {
        if self.root {
            chown(path, Some(0), Some(0)).unwrap();
        }
        chmod(path, mode);
    }
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The checks of that name that are not good news.
fn bad(answer: &Ended, what: &str) -> Vec<Value> {
    let document = document(answer);
    let checks = document["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["check"] == what && check["status"] != "ok").cloned().collect()
}

type Break = fn(&mut Site);

/// What keeps requests from being made, and a part of what the fix must say.
#[test]
fn what_cannot_be_written_is_told() {
    let cases: [(&str, Break, &str); 6] = [
        (
            "the directory, without its lock",
            |site| {
                fs::remove_file(site.grid.work().join("ohfp.db.lock")).unwrap();
                site.protect(&site.grid.work(), 0o555);
            },
            "work",
        ),
        ("the database", |site| site.protect(&site.grid.work().join("ohfp.db"), 0o444), "ch"),
        ("the lock", |site| site.protect(&site.grid.work().join("ohfp.db.lock"), 0o444), "ch"),
        ("the log of the store", |site| site.protect(&site.grid.work().join("ohfp.db-wal"), 0o444), "ch"),
        (
            "a directory to be made",
            |site| {
                let above = site.grid.sandbox.path.join("above");
                fs::create_dir(&above).unwrap();
                site.protect(&above, 0o555);
                site.grid.sandbox.set("HF_PROVIDER_WORKDIR", above.join("work"));
            },
            "above",
        ),
        (
            "a file for a directory",
            |site| {
                let file = site.grid.sandbox.input("file", "");
                site.grid.sandbox.set("HF_PROVIDER_WORKDIR", file);
            },
            "OHFP_STATE_DIR",
        ),
    ];
    for (what, broken, fix) in cases {
        let mut site = Site::new();
        for words in [&["doctor"][..], &["system", "health"], &["storage", "health"]] {
            let sound = site.run(words);
            assert_eq!(sound.code, 0, "{what}: {words:?} before: {sound:?}");
        }
        broken(&mut site);
        assert_eq!(site.run(&["machines", "request", TEMPLATE, "1"]).code, 1, "{what}: a request is made");
        let doctor = site.run(&["doctor"]);
        let told = bad(&doctor, "store");
        let fixed = told.iter().any(|check| check["fix"].as_str().is_some_and(|text| text.contains(fix)));
        assert!(doctor.code == 1 && fixed, "{what}: {doctor:?}");
        let health = site.run(&["storage", "health"]);
        let said = document(&health);
        assert!(health.code == 1 && said["healthy"] == false && said["writable"] == false, "{what}: {said}");
        assert_eq!(site.run(&["system", "health"]).code, 1, "{what}");
        chmod(&site.grid.work(), 0o755);
    }
}

/// A log that cannot be written stops no request, and is told all the same; the look leaves it as it was.
#[test]
fn a_log_that_cannot_be_written_is_told() {
    let site = Site::new();
    let log = site.grid.log();
    let before = fs::metadata(&log).unwrap();
    assert_eq!(bad(&site.run(&["doctor"]), "log"), Vec::<Value>::new());
    assert_eq!(fs::metadata(&log).unwrap().len(), before.len());
    site.protect(&log, 0o444);
    let doctor = site.run(&["doctor"]);
    let told = bad(&doctor, "log");
    assert!(doctor.code == 0 && told.len() == 1 && told[0]["fix"].is_string(), "{doctor:?}");
    let health = site.run(&["system", "health"]);
    assert!(health.code == 0 && health.text().contains("nothing can be logged to"), "{health:?}");
    assert_eq!(document(&health)["status"], "warning");
}

/// Where all files are there, requests are made in a directory that takes no new ones, so that is only doubtful.
#[test]
fn a_directory_that_takes_no_new_files() {
    let site = Site::new();
    site.protect(&site.grid.work(), 0o555);
    let (doctor, made) = (site.run(&["doctor"]), site.run(&["machines", "request", TEMPLATE, "1"]));
    assert!(made.code == 0 && doctor.code == 0, "{made:?} {doctor:?}");
    assert_eq!(bad(&doctor, "store")[0]["status"], "warning");
    chmod(&site.grid.work(), 0o755);
}

/// A published number that holds, and a store that is missing.
#[test]
fn what_else_is_told() {
    let site = Site::new();
    let templates = site.grid.sandbox.root().join("awsprov_templates.json");
    let text = fs::read_to_string(&templates).unwrap();
    assert_eq!(site.run(&["templates", "list"]).code, 0);
    fs::write(&templates, text.replace("\"maxNumber\": 5", "\"maxNumber\": 2")).unwrap();
    let held = bad(&site.run(&["doctor"]), "templates");
    assert!(held.len() == 1 && held[0]["detail"].as_str().unwrap().contains("`five`"), "{held:?}");
    for name in ["ohfp.db", "ohfp.db-wal", "ohfp.db-shm"] {
        let _ = fs::remove_file(site.grid.work().join(name));
    }
    for words in [&["doctor"][..], &["system", "health"], &["storage", "health"]] {
        let answer = site.run(words);
        assert!(answer.code == 1 && answer.text().contains("missing"), "{words:?}: {answer:?}");
    }
}

/// Every finding that is not good news has a fix.
#[test]
fn every_finding_has_a_fix() {
    let mut site = Site::new();
    site.grid
        .sandbox
        .write("config.json", r#"{"provider": {"providers": [{"name": "s", "type": "sim"}]}, "nosuch": 1}"#);
    site.grid.sandbox.write(
        "awsprov_templates.json",
        r#"{"templates": [{"templateId": "a", "maxNumber": 1, "vmTyp": "x"}]}"#,
    );
    chmod(&site.grid.work().join("ohfp.db.lock"), 0o666);
    fs::write(site.grid.work().join("results.cache"), "x").unwrap();
    chmod(&site.grid.work().join("results.cache"), 0o666);
    site.grid.sandbox.unset("HF_PROVIDER_LOGDIR");
    site.grid.sandbox.unset("HOME");
    let doctor = site.run(&["doctor"]);
    let document = document(&doctor);
    let checks = document["checks"].as_array().unwrap();
    let bad: Vec<&Value> = checks.iter().filter(|check| check["status"] != "ok").collect();
    assert!(doctor.code == 1 && bad.len() >= 4, "{document}");
    for check in bad {
        assert!(check["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "no fix: {check}");
    }
}
