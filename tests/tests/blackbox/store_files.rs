//! What lies beside the database is a part of the store; and a store that is missing is not a new one.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot go on must say so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ohfp_tests::grid::{Grid, TEMPLATE, hosts, refused, wanted};
use ohfp_tests::{Ended, ended, program};
use serde_json::{Value, json};

/// A site with a request of two machines, and what names them.
struct Site {
    grid: Grid,
    naming: Vec<(&'static str, Value)>,
    id: String,
}

impl Site {
    fn new() -> Self {
        let grid = Grid::new(&json!({}), &json!({}));
        let id = grid.request(TEMPLATE, 2);
        let machines: Vec<Value> = hosts(&grid.settled(&id))
            .iter()
            .map(|host| json!({ "name": host.name, "machineId": host.id }))
            .collect();
        let naming = vec![
            ("getRequestStatus", json!({ "requests": [{ "requestId": id }] })),
            ("getReturnRequests", json!({ "machines": machines })),
            ("requestReturnMachines", json!({ "machines": machines })),
        ];
        Self { grid, naming, id }
    }

    fn ohfp(&self, words: &[&str]) -> Ended {
        ended(self.grid.sandbox.command(program("ohfp")).args(words))
    }

    #[track_caller]
    fn refuses(&self, operation: &str, input: &Value, says: &str) {
        let message = self.grid.refusal(operation, input);
        assert!(message.contains(says), "{operation}: {message}");
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "ohfp.snapshot")
        .collect();
    names.sort();
    names
}

#[test]
fn an_empty_work_directory_is_a_missing_store() {
    let site = Site::new();
    let (work, away) = (site.grid.work(), site.grid.sandbox.path.join("away"));
    fs::rename(&work, &away).unwrap();
    fs::create_dir(&work).unwrap();
    for (operation, input) in &site.naming {
        site.refuses(operation, input, "the state store is missing");
    }
    site.refuses("getReturnRequests", &json!({}), "the state store is missing");
    site.refuses("requestMachines", &wanted(TEMPLATE, 1), "the state store is missing");
    for words in [&["machines", "list"][..], &["requests", "list"], &["storage", "health"], &["doctor"]] {
        let said = site.ohfp(words);
        assert_eq!(said.code, 1, "{words:?}: {said:?}");
        let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), said.stderr);
        assert!(text.contains("the state store is missing"), "{words:?}: {text}");
    }
    assert_eq!(names(&work), Vec::<String>::new());
    // Not mounted at all.
    fs::remove_dir_all(&work).unwrap();
    site.refuses("requestMachines", &wanted(TEMPLATE, 1), "the state store is missing");
    assert!(!work.exists());
    // Back again.
    fs::rename(&away, &work).unwrap();
    assert_eq!(site.grid.settled(&site.id)["status"], "complete");
    // Lost for good, which a person has to say.
    fs::remove_dir_all(&work).unwrap();
    let created = site.grid.command(&["storage", "init"]);
    assert!(!created["traces"].as_array().unwrap().is_empty(), "{created}");
    site.grid.machines(TEMPLATE, 1);
}

#[test]
fn a_new_installation_is_answered() {
    let grid = Grid::new(&json!({}), &json!({}));
    assert_eq!(grid.answer("getReturnRequests", &json!({}))["requests"], json!([]));
    assert_eq!(names(&grid.work()), Vec::<String>::new());
    let machines = json!({ "machines": [{ "name": "host-1", "machineId": "i-1" }] });
    for operation in ["getReturnRequests", "requestReturnMachines"] {
        let message = grid.refusal(operation, &machines);
        assert!(message.contains("the state store is missing"), "{operation}: {message}");
    }
    assert_eq!(names(&grid.work()), Vec::<String>::new());
    grid.machines(TEMPLATE, 1);
}

#[test]
fn a_lost_log_is_said_and_a_backup_brings_the_store_back() {
    let site = Site::new();
    let (work, backup) = (site.grid.work(), site.grid.sandbox.path.join("backup.db"));
    let backup = backup.to_str().unwrap();
    site.grid.command(&["storage", "backup", backup]);
    let late = site.grid.request(TEMPLATE, 1);
    fs::remove_file(work.join("ohfp.db-wal")).unwrap();
    for _ in 0..2 {
        for (operation, input) in &site.naming {
            site.refuses(operation, input, "its log was lost");
        }
        site.refuses("requestMachines", &wanted(TEMPLATE, 1), "its log was lost");
        let said = site.ohfp(&["storage", "validate"]);
        assert!(said.code == 1 && said.stderr.contains("storage restore"), "{said:?}");
    }
    let restored = site.grid.command(&["storage", "restore", backup]);
    assert!(restored["unknown_since"].is_string(), "{restored}");
    assert_eq!(site.grid.settled(&site.id)["status"], "complete");
    let unknown = site.grid.answer("getRequestStatus", &json!({ "requests": [{ "requestId": late }] }));
    assert_ne!(unknown["requests"][0]["status"], "complete", "{unknown}");
    assert!(names(&work).iter().any(|name| name.starts_with("ohfp.db.replaced-")), "{:?}", names(&work));
}

#[test]
fn names_of_other_files_are_no_database() {
    for name in ["ohfp.snapshot", "results.cache", "x-wal", "x.lock", ".hidden"] {
        let settings = json!({ "storage": { "sql_strategy": { "name": name } } });
        let grid = Grid::new(&json!({}), &settings);
        let message = grid.refusal("requestMachines", &wanted(TEMPLATE, 1));
        assert!(message.contains(name) && message.contains("storage.sql_strategy.name"), "{message}");
    }
}

/// A small file system that is really full; `None` where none can be mounted.
struct Disk(PathBuf);

impl Disk {
    fn mount(grid: &Grid, block: &str) -> Option<Self> {
        let (image, at) = (grid.sandbox.path.join("image"), grid.work());
        fs::File::create(&image).unwrap().set_len(48 << 20).unwrap();
        let run = |program: &str, words: &[&str], path: &Path| {
            Command::new(program).args(words).arg(path).output().is_ok_and(|done| done.status.success())
        };
        if !run("mkfs.ext4", &["-q", "-b", block, "-m", "0"], &image) {
            return None;
        }
        let mounted = Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&at).output();
        mounted.is_ok_and(|done| done.status.success()).then_some(Self(at))
    }

    fn fill(&self) {
        // In steps that become smaller, so that nothing is left.
        for size in ["1M", "64k", "1k"] {
            let to = self.0.join(format!("filler-{size}"));
            let _ = Command::new("dd")
                .args(["if=/dev/zero", &format!("bs={size}"), &format!("of={}", to.display())])
                .output();
            let _ = Command::new("sync").arg(&to).output();
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_disk_that_is_full_takes_returns() {
    for block in ["1024", "4096"] {
        let grid = Grid::new(&json!({}), &json!({}));
        let Some(disk) = Disk::mount(&grid, block) else {
            eprintln!("skipped: no file system can be mounted here");
            return;
        };
        let machines = grid.machines(TEMPLATE, 3);
        disk.fill();
        // An error, and no death by a signal.
        refused(&grid.ask("requestMachines", &wanted(TEMPLATE, 50)));
        let machines: Vec<Value> =
            machines.iter().map(|host| json!({ "name": host.name, "machineId": host.id })).collect();
        let back = grid.answer("requestReturnMachines", &json!({ "machines": machines }));
        assert!(back["requestId"].is_string(), "{block}: {back}");
        drop(disk);
    }
}
