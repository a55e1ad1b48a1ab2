//! Files that another account may have put where ohfp keeps its own, and the modes of those that ohfp makes.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot run must say so")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use ohfp_tests::grid::{Grid, TEMPLATE, answered, wanted};
use ohfp_tests::{Ended, Sandbox, copy_tree, ended, expect_none, program};
use serde_json::json;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn fifo(path: &Path) {
    assert_eq!(ended(Command::new("mkfifo").arg(path)).code, 0);
}

/// An account that owns nothing else.
const USER: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A file that must stay as it is, whatever leads to it.
fn bystander(sandbox: &Sandbox) -> PathBuf {
    let path = sandbox.input("bystander", "untouched");
    chmod(&path, 0o644);
    path
}

type Plant = fn(&Path, &Path);

/// What may be planted under a name, with the bystander it leads to, and how it is called.
const PLANTED: [(&str, Plant); 7] = [
    ("it is a symbolic link", |path, bystander| symlink(bystander, path).unwrap()),
    ("it is a symbolic link", |path, _| symlink("/nowhere/at/all", path).unwrap()),
    ("it is a named pipe", |path, _| fifo(path)),
    ("it is a directory", |path, _| fs::create_dir(path).unwrap()),
    ("2 names", |path, bystander| fs::hard_link(bystander, path).unwrap()),
    ("accounts other than its owner", |path, _| {
        fs::write(path, "").unwrap();
        chmod(path, 0o666);
    }),
    ("it is a device", |path, _| {
        // Only root makes devices; for others a pipe stands in, which is refused all the same.
        if ended(Command::new("mknod").arg(path).args(["c", "1", "3"])).code != 0 {
            symlink("/dev/null", path).unwrap();
        }
    }),
];

#[test]
fn a_planted_log_is_not_written() {
    for (what, plant) in PLANTED {
        let grid = Grid::new(&json!({}), &json!({}));
        let bystander = bystander(&grid.sandbox);
        let _ = fs::remove_file(grid.log());
        plant(&grid.log(), &bystander);
        let asked = grid.ask("requestMachines", &wanted(TEMPLATE, 1));
        answered("requestMachines", &asked);
        let told = asked.stderr.contains("nothing is logged") && asked.stderr.contains(what);
        assert!(told || what == "it is a device", "{what}: {asked:?}");
        assert_eq!(fs::read(&bystander).unwrap(), b"untouched", "{what}");
        assert!(fs::symlink_metadata("/nowhere").is_err(), "{what}");
    }
}

/// A cache is never needed: answers come without it, and what was planted stays.
#[test]
fn a_planted_cache_is_not_used() {
    for (what, plant) in PLANTED {
        let grid = Grid::new(&json!({}), &json!({}));
        let bystander = bystander(&grid.sandbox);
        let hosts = grid.machines(TEMPLATE, 1);
        let cache = grid.work().join("results.cache");
        let _ = fs::remove_file(&cache);
        plant(&cache, &bystander);
        let planted = fs::symlink_metadata(&cache).unwrap().ino();
        let id = grid.give_back(&hosts);
        assert_eq!(grid.settled(&id)["status"], "complete", "{what}");
        assert_eq!(grid.status(&id)["status"], "complete", "{what}");
        assert_eq!(fs::read(&bystander).unwrap(), b"untouched", "{what}");
        assert_eq!(fs::symlink_metadata(&cache).unwrap().ino(), planted, "{what}");
        let log = fs::read_to_string(grid.log()).unwrap();
        assert!(log.contains("results.cache"), "{what} is not told: {log}");
    }
}

/// A builder neither writes through a planted lock or temporary file, nor waits for one.
#[test]
fn a_planted_lock_of_the_snapshot_is_refused() {
    for (what, plant) in PLANTED {
        let sandbox = Sandbox::with_fixture("golden");
        let bystander = bystander(&sandbox);
        let directory = sandbox.path.join("out");
        fs::create_dir(&directory).unwrap();
        plant(&directory.join(".x.snapshot.lock"), &bystander);
        let target = directory.join("x.snapshot");
        let built = sandbox.run("ohfp-snapshot", &["build", "--output", target.to_str().unwrap()]);
        assert!(built.code == 1 && built.stderr.contains(".x.snapshot.lock"), "{what}: {built:?}");
        assert!(!target.exists(), "{what}");
        assert_eq!(
            (fs::read(&bystander).unwrap(), mode(&bystander)),
            (b"untouched".to_vec(), 0o644),
            "{what}"
        );
    }
}

/// An account that may only read the directory of a snapshot cannot stop its builders.
#[test]
fn readers_of_the_directory_stop_no_builder() {
    let sandbox = Sandbox::with_fixture("golden");
    let directory = sandbox.path.join("out");
    fs::create_dir(&directory).unwrap();
    let held = fs::File::open(&directory).unwrap();
    held.lock().unwrap();
    let target = directory.join("x.snapshot");
    let built = sandbox.run("ohfp-snapshot", &["build", "--output", target.to_str().unwrap()]);
    assert!(built.code == 0 && target.exists(), "{built:?}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "the lock is left behind");
}

/// Pipes in the place of inputs are errors at once.
#[test]
fn pipes_in_the_place_of_inputs() {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let templates = sandbox.root().join("awsprov_templates.json");
    fs::remove_file(&templates).unwrap();
    fifo(&templates);
    for (name, words, code) in [
        ("ohfp", &["templates", "list"][..], 1),
        ("ohfp", &["doctor"], 1),
        ("ohfp", &["templates", "validate"], 1),
        ("ohfp-snapshot", &["build"], 1),
        ("ohfp-snapshot", &["check"], 1),
        ("ohfp-snapshot", &["verify"], 1),
    ] {
        let answer = sandbox.run(name, words);
        assert_eq!(answer.code, code, "{name} {words:?}: {answer:?}");
    }
}

/// Names from outside are cut in messages and log, and are no command where a message is pasted into a shell.
#[test]
fn foreign_text_is_cut_and_no_command() {
    let grid = Grid::new(&json!({}), &json!({}));
    let long = "x".repeat(100_000);
    let inputs = ["`reboot`", "$(reboot)", "a; reboot", "a | reboot", "\u{202e}a", long.as_str()];
    for text in inputs {
        let mut said = grid.refusal("requestMachines", &wanted(text, 1));
        grid.ask("requestReturnMachines", &json!({ "machines": [{ "name": text }] }));
        grid.ask("getRequestStatus", &json!({ "requests": [{ "requestId": text }] }));
        for words in [["requests", "show", text], ["machines", "show", text], ["config", "get", text]] {
            if !text.starts_with("xxx") {
                said.push_str(&grid.sandbox.run("ohfp", &words).stderr);
            }
        }
        assert!(said.len() < 4_000 && !said.contains('\u{202e}'), "{text:.20}: {said:.300}");
        let parts: Vec<&str> = said.split('`').collect();
        let run = parts.iter().skip(1).step_by(2).find(|part| part.contains("reboot"));
        assert_eq!(run, None, "{text:.20}: {said}");
    }
    let logged = fs::read_to_string(grid.log()).unwrap();
    assert!(logged.contains("xxx…"), "nothing was logged of it");
    let longest = logged.lines().map(str::len).max().unwrap();
    assert!(longest < 2_000, "a line of the log has {longest} bytes");
}

/// Runs a program of the tree under a file creation mask.
fn masked(sandbox: &Sandbox, mask: &str, name: &str, words: &[&str]) -> Ended {
    let mut shell = sandbox.command("/bin/sh");
    shell.arg("-c").arg(format!("umask {mask}; exec \"$@\"")).arg("sh").arg(program(name)).args(words);
    ended(&mut shell)
}

#[test]
fn modes_whatever_the_mask() {
    for mask in ["000", "022", "027", "077"] {
        let mut grid = Grid::new(&json!({}), &json!({}));
        let (work, logs) = (grid.sandbox.path.join("new/work"), grid.sandbox.path.join("new/log"));
        grid.sandbox.set("HF_PROVIDER_WORKDIR", &work);
        grid.sandbox.set("HF_PROVIDER_LOGDIR", &logs);
        let requested = masked(&grid.sandbox, mask, "ohfp", &["machines", "request", TEMPLATE, "1"]);
        assert_eq!(requested.code, 0, "{requested:?}");
        for directory in [&work, &logs] {
            assert_eq!(mode(directory) & 0o022, 0, "{mask}: {} {:o}", directory.display(), mode(directory));
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                // The snapshot is as readable as what it is made from.
                let allowed =
                    if path.extension().is_some_and(|ext| ext == "snapshot") { 0o644 } else { 0o640 };
                assert_eq!(mode(&path) & !allowed, 0, "{mask}: {} {:o}", path.display(), mode(&path));
            }
        }
    }
}

/// Changes the sandbox, and the mode that a snapshot must have then.
#[test]
fn a_snapshot_is_as_narrow_as_its_narrowest_input() {
    type Change = fn(&Sandbox);
    let cases: [(&str, Change, u32); 7] = [
        ("all may read", |_| (), 0o644),
        ("one is its owner's", |sandbox| chmod(&sandbox.root().join("awsprov_templates.json"), 0o600), 0o600),
        ("one is the group's", |sandbox| chmod(&sandbox.root().join("config.json"), 0o640), 0o640),
        ("the directory is its owner's", |sandbox| chmod(&sandbox.root(), 0o700), 0o600),
        ("the directory is the group's", |sandbox| chmod(&sandbox.root(), 0o750), 0o640),
        ("the directory above is", |sandbox| chmod(&sandbox.path, 0o700), 0o600),
        (
            "a link leads elsewhere",
            |sandbox| {
                let (hidden, link) = (sandbox.path.join("hidden"), sandbox.root().join("config.json"));
                fs::create_dir(&hidden).unwrap();
                fs::rename(&link, hidden.join("config.json")).unwrap();
                symlink(hidden.join("config.json"), &link).unwrap();
                chmod(&hidden, 0o700);
            },
            0o600,
        ),
    ];
    let mut faults = Vec::new();
    for (what, change, expected) in cases {
        for mask in ["000", "077"] {
            let mut sandbox = Sandbox::with_fixture("golden");
            sandbox.write("config.json", "{}");
            for name in ["", "awsprov_templates.json", "config.json"] {
                chmod(&sandbox.root().join(name), if name.is_empty() { 0o755 } else { 0o644 });
            }
            chmod(&sandbox.path, 0o755);
            let path = sandbox.path.join("x.snapshot");
            sandbox.set("OHFP_SNAPSHOT", &path);
            change(&sandbox);
            let built = masked(&sandbox, mask, "ohfp-snapshot", &["build"]);
            if built.code != 0 || mode(&path) != expected {
                faults.push(format!("{what}, {mask}: {:o}, not {expected:o}: {built:?}", mode(&path)));
            }
            // What live makes is no wider, and neither are new stamps.
            fs::remove_file(&path).unwrap();
            for touched in [false, true] {
                if touched {
                    let config = sandbox.root().join("config.json");
                    fs::write(&config, "{}").unwrap();
                }
                masked(&sandbox, mask, "ohfp", &["templates", "list"]);
                if mode(&path) != expected {
                    faults.push(format!("{what}, {mask}, by live: {:o}, not {expected:o}", mode(&path)));
                }
            }
            let sealed = masked(&sandbox, mask, "ohfp-snapshot", &["build", "--sealed"]);
            let open = mode(&path);
            let asked = masked(&sandbox, mask, "ohfp-snapshot", &["build", "--sealed", "--world-readable"]);
            if sealed.code != 0 || asked.code != 0 || open != expected || mode(&path) != 0o644 {
                faults
                    .push(format!("{what}, {mask}, sealed: {open:o}, and {:o} where asked for", mode(&path)));
            }
        }
    }
    expect_none(&faults, cases.len());
}

/// What root makes in another account's directories is that account's, who goes on using it.
#[test]
fn what_root_makes_belongs_to_the_owner_of_the_directory() {
    if !is_root() {
        eprintln!("not shown: only root can act beside another account");
        return;
    }
    let mut grid = Grid::new(&json!({}), &json!({}));
    let tree = grid.sandbox.path.join("tree");
    copy_tree(&tree);
    chmod(&grid.sandbox.path, 0o755);
    let top = grid.sandbox.path.join("theirs");
    fs::create_dir(&top).unwrap();
    chown(&top, Some(USER), Some(USER)).unwrap();
    grid.sandbox.set("HF_PROVIDER_WORKDIR", top.join("work"));
    grid.sandbox.set("HF_PROVIDER_LOGDIR", top.join("deep/log"));
    let run = |user: Option<u32>, words: &[&str]| {
        let mut command = grid.sandbox.command(tree.join("bin/ohfp"));
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        ended(command.args(words))
    };
    for words in [
        &["machines", "request", TEMPLATE, "1"][..],
        &["templates", "list"],
        &["machines", "status", "--all"],
    ] {
        let answer = run(None, words);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    let export = top.join("export.json");
    assert_eq!(run(None, &["storage", "export", export.to_str().unwrap()]).code, 0);
    let answer = top.join("answer.json");
    assert_eq!(run(None, &["config", "show", "--output", answer.to_str().unwrap()]).code, 0);
    let mut directories = vec![top];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            seen += 1;
            let status = fs::symlink_metadata(&path).unwrap();
            assert_eq!((status.uid(), status.gid()), (USER, USER), "{}", path.display());
            if status.is_dir() {
                directories.push(path);
            }
        }
    }
    assert!(seen > 8, "{seen} files are too few");
    for words in [&["machines", "request", TEMPLATE, "1"][..], &["doctor"], &["storage", "health"]] {
        let answer = run(Some(USER), words);
        assert_eq!(answer.code, 0, "{answer:?}");
    }
    // Root goes on using what is theirs.
    assert_eq!(run(None, &["doctor"]).code, 0);
}
