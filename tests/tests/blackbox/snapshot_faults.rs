//! What happens to a snapshot while it is used: written over in place, cut short under its reader, on a
//! full or read-only file system, under a clock that jumps, replaced under many readers.
//!
//! The answer is always what the sources say, or the failure is plain and changes nothing.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot run must say so")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use ohfp_tests::grid::{Grid, TEMPLATE, answered, wanted};
use ohfp_tests::{Ended, Sandbox, c_program, catalog, copy_tree, ended, expect_none, program};
use serde_json::json;

const TEMPLATES: &str = "awsprov_templates.json";
const LIST: [&str; 2] = ["templates", "list"];
const LINES: [&[&str]; 4] = [
    &LIST,
    &["templates", "show", "t-000007"],
    &["config", "show"],
    &["getAvailableTemplates", "-f", "in.json"],
];

/// A configuration of `count` templates with a fresh snapshot, which nothing renews.
fn sandbox(count: usize) -> Sandbox {
    let mut sandbox = Sandbox::with_files(&[(TEMPLATES, &catalog(count))]);
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    sandbox.set("OHFP_SNAPSHOT_REFRESH", "manual");
    sandbox.input("in.json", "{}");
    sandbox.build();
    sandbox
}

/// `cp new old`: at every moment of it, and after it.
#[test]
fn overwritten_in_place() {
    let mut sandbox = sandbox(200);
    let path = sandbox.path.join("x.snapshot");
    let old = fs::read(&path).unwrap();
    sandbox.write(TEMPLATES, catalog(210));
    sandbox.build();
    let new = fs::read(&path).unwrap();
    let expected = LINES.map(|line| sandbox.run("ohfp-live", line));
    assert!(expected.iter().all(|ended| ended.code == 0));
    // Cut to nothing and filled again, as cp does; or written from the front over what is there.
    let moments = [0, 1, 255, 256, 4096, new.len() / 2, new.len() - 1];
    let cut = moments.map(|written| new[..written].to_vec());
    let over = moments.map(|written| [&new[..written], old.get(written..).unwrap_or_default()].concat());
    let mut faults = Vec::new();
    for (number, content) in cut.into_iter().chain(over).enumerate() {
        for access in ["mmap", "read"] {
            sandbox.set("OHFP_SNAPSHOT_IO", access);
            fs::write(&path, &content).unwrap();
            for (line, expected) in LINES.iter().zip(&expected) {
                let answer = sandbox.run("ohfp", line);
                if answer != *expected {
                    faults.push(format!("moment {number}, {access}, {line:?}: {answer:?}"));
                }
            }
        }
    }
    expect_none(&faults, moments.len() * 2 * 2 * LINES.len());
    let copy = sandbox.path.join("copy");
    fs::write(&copy, &new).unwrap();
    fs::write(&path, &old).unwrap();
    assert_eq!(ended(Command::new("cp").arg(&copy).arg(&path)).code, 0);
    for (line, expected) in LINES.iter().zip(&expected) {
        assert_eq!(sandbox.runtime_alone(line), *expected, "{line:?}");
    }
}

/// Numbers of system calls.
struct Calls {
    mmap: &'static str,
    writev: &'static str,
    vmsplice: &'static str,
    pread: &'static str,
    fstatfs: &'static str,
}

const CALLS: Calls = if cfg!(target_arch = "x86_64") {
    Calls { mmap: "9", writev: "20", vmsplice: "278", pread: "17", fstatfs: "138" }
} else {
    Calls { mmap: "222", writev: "66", vmsplice: "75", pread: "67", fstatfs: "44" }
};

/// Runs a program of the tree and cuts the snapshot short at a moment of it.
fn cut_short(sandbox: &Sandbox, name: &str, moment: [&str; 2], length: usize, line: &[&str]) -> Ended {
    let path = sandbox.path.join("x.snapshot");
    let whole = fs::read(&path).unwrap();
    let mut command = sandbox.command(sandbox.path.join("interfere"));
    command.args(moment).arg(&path).arg(length.to_string()).arg(program(name)).args(line);
    let ended = ended(&mut command);
    assert_ne!(ended.code, 99, "{name} {line:?} makes no such call");
    fs::write(&path, whole).unwrap();
    ended
}

/// A mapped file that is cut short raises SIGBUS, or fails the write: the live program answers.
#[test]
fn cut_short_while_mapped() {
    let sandbox = sandbox(3000);
    c_program("interfere", &sandbox.path);
    let large: &[&str] = &LIST;
    let small: &[&str] = &["templates", "list", "--limit", "3"];
    let one: &[&str] = &["templates", "show", "t-000007"];
    let cases = [
        (["after", CALLS.mmap], 0, large),
        (["after", CALLS.mmap], 4096, large),
        (["after", CALLS.mmap], 0, small),
        (["after", CALLS.mmap], 0, one),
        (["after", CALLS.mmap], 65536, one),
        (["before", CALLS.pread], 4096, one),
        (["before", CALLS.writev], 0, small),
        (["before", CALLS.vmsplice], 0, large),
        (["before", CALLS.vmsplice], 65536, large),
    ];
    let mut faults = Vec::new();
    for (moment, length, line) in cases {
        let expected = sandbox.run("ohfp-live", line);
        let found = cut_short(&sandbox, "ohfp", moment, length, line);
        if found != expected || found.code != 0 {
            faults.push(format!("{moment:?} to {length}, {line:?}: {found:?}"));
        }
    }
    expect_none(&faults, cases.len());
}

/// When some of the answer is out already, nothing can be taken back: a failure that says so.
#[test]
fn cut_short_in_the_middle_of_an_answer() {
    // More than the largest pipe holds.
    let sandbox = sandbox(12_000);
    c_program("interfere", &sandbox.path);
    let found = cut_short(&sandbox, "ohfp", ["after", CALLS.vmsplice], 0, &LIST);
    assert!(found.code == 1 && found.stderr.contains("cannot write the answer"), "{:.300}", found.stderr);
}

/// The live program and the tool have no program to hand over to, so they read instead of mapping and are not killed.
#[test]
fn cut_short_under_the_others() {
    let sandbox = sandbox(50);
    c_program("interfere", &sandbox.path);
    let expected = sandbox.run("ohfp-live", &LIST);
    let found = cut_short(&sandbox, "ohfp-live", ["after", CALLS.pread], 0, &LIST);
    assert_eq!(found, expected);
    for line in [&["inspect"][..], &["verify"], &["check"]] {
        let found = cut_short(&sandbox, "ohfp-snapshot", ["after", CALLS.pread], 0, line);
        let plain = found.code == 0 || found.code == 1 && found.stderr.starts_with("error: ");
        assert!(plain, "{line:?}: {found:?}");
    }
}

/// A request looks its template up in a mapped snapshot. Cut short then, the request is made all the same, once.
#[test]
fn cut_short_under_a_request() {
    let mut grid = Grid::new(&json!({}), &json!({}));
    grid.sandbox.set("OHFP_SNAPSHOT", grid.sandbox.path.join("x.snapshot"));
    grid.sandbox.set("OHFP_SNAPSHOT_REFRESH", "manual");
    grid.sandbox.build();
    grid.machines(TEMPLATE, 1);
    c_program("interfere", &grid.sandbox.path);
    let input = grid.sandbox.input("in.json", wanted(TEMPLATE, 2).to_string());
    let line = ["requestMachines", "-f", input.to_str().unwrap()];
    for (round, length) in [0, 300, 4096].into_iter().enumerate() {
        // The file system is asked about just before the file is mapped.
        let found = cut_short(&grid.sandbox, "ohfp-live", ["after", CALLS.fstatfs], length, &line);
        let answer = answered("requestMachines", &found);
        assert_eq!(grid.settled(answer["requestId"].as_str().unwrap())["status"], "complete");
        assert_eq!(grid.live(), 3 + 2 * round as u64, "cut to {length}");
    }
}

/// Runs a program under an unprivileged account.
fn unprivileged(sandbox: &Sandbox, tree: &Path, name: &str, line: &[&str]) -> Ended {
    let mut command = sandbox.command(tree.join("bin").join(name));
    // Only root can change its account, and only root needs to.
    let is_root = ended(Command::new("id").arg("-u")).text().trim() == "0";
    if is_root {
        command.uid(65534).gid(65534);
    }
    ended(command.args(line))
}

#[test]
fn a_directory_that_became_read_only() {
    let mut sandbox = sandbox(5);
    let tree = sandbox.path.join("tree");
    copy_tree(&tree);
    let directory = sandbox.path.join("snapshots");
    fs::create_dir(&directory).unwrap();
    sandbox.set("OHFP_SNAPSHOT", directory.join("x.snapshot"));
    sandbox.set("OHFP_SNAPSHOT_REFRESH", "auto");
    sandbox.set("HF_PROVIDER_LOGDIR", sandbox.path.join("log"));
    fs::create_dir(sandbox.path.join("log")).unwrap();
    fs::set_permissions(sandbox.path.join("log"), fs::Permissions::from_mode(0o777)).unwrap();
    sandbox.build();
    let before = fs::read(directory.join("x.snapshot")).unwrap();
    sandbox.write(TEMPLATES, catalog(6));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    let expected = unprivileged(&sandbox, &tree, "ohfp-live", &["--no-snapshot", "templates", "list"]);
    for _ in 0..2 {
        let answer = unprivileged(&sandbox, &tree, "ohfp", &LIST);
        assert!(answer.code == 0 && answer == expected, "{answer:?}");
    }
    let built = unprivileged(&sandbox, &tree, "ohfp-snapshot", &["build"]);
    assert!(built.code == 1 && built.stderr.contains("cannot write `"), "{built:?}");
    let log: String = fs::read_dir(sandbox.path.join("log"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(log.contains("cannot rebuild the snapshot"), "{log}");
    assert!(fs::read(directory.join("x.snapshot")).unwrap() == before, "it was changed");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A file size limit simulates a full disk where the test cannot mount one.
#[test]
fn a_file_that_may_not_grow() {
    let mut sandbox = sandbox(50);
    let path = sandbox.path.join("x.snapshot");
    let before = fs::read(&path).unwrap();
    sandbox.write(TEMPLATES, catalog(51));
    // Blocks of 512 bytes, or of 1024: less than a snapshot either way.
    let limited = |sandbox: &Sandbox, name: &str, line: &[&str], shell: &str| {
        let mut command = sandbox.command("sh");
        ended(command.args(["-c", shell, "sh"]).arg(program(name)).args(line))
    };
    let built = limited(&sandbox, "ohfp-snapshot", &["build"], "ulimit -f 64; exec \"$@\"");
    assert!(built.code == 1 && built.stdout.is_empty(), "{built:?}");
    assert!(built.stderr.contains("cannot write `") && built.stderr.contains("ulimit"), "{built:?}");
    assert!(fs::read(&path).unwrap() == before, "the published snapshot was changed");
    let leftovers = || {
        let names = fs::read_dir(&sandbox.path).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".tmp")).count()
    };
    assert_eq!(leftovers(), 0, "unfinished files are left");
    // Those who ask are answered all the same, and renewing in passing fails in silence.
    let expected = sandbox.run("ohfp-live", &LIST);
    sandbox.set("OHFP_SNAPSHOT_REFRESH", "auto");
    let asked = limited(&sandbox, "ohfp", &LIST, "ulimit -f 64; exec \"$@\"");
    assert!(asked.code == 0 && asked == expected, "{asked:?}");
    // An answer that does not fit is a failure of either program.
    for name in ["ohfp", "ohfp-live"] {
        let cut = limited(&sandbox, name, &LIST, "ulimit -f 1; exec \"$@\" >answer");
        assert!(cut.code == 1 && cut.stderr.contains("larger than allowed"), "{name}: {cut:?}");
    }
}

/// The same on a small file system, where this machine allows to mount one. Where it does not, the limit
/// above has to do, and this says so.
#[test]
fn a_full_file_system() {
    let sandbox = sandbox(50);
    let directory = sandbox.path.join("small");
    fs::create_dir(&directory).unwrap();
    // Room for one snapshot and a part of the next.
    let kibibytes = fs::metadata(sandbox.path.join("x.snapshot")).unwrap().len() / 1024 * 3 / 2;
    let script = format!(
        r#"
        mount -t tmpfs -o size={kibibytes}k tmpfs small || exit 77
        build() {{ OHFP_SNAPSHOT=small/x.snapshot "$1" build --quiet; }}
        build "$1" || exit 1
        cp small/x.snapshot first
        build "$1" 2>said && exit 2
        cmp first small/x.snapshot || exit 3
        ls -A small >names
        cat said
    "#
    );
    let run = |wrapper: &[&str]| {
        let mut command = sandbox.command(wrapper[0]);
        ended(command.args(&wrapper[1..]).args(["sh", "-c", &script, "sh"]).arg(program("ohfp-snapshot")))
    };
    let forbidden = |found: &Ended| found.code == 77 || found.stderr.contains("unshare");
    let mut found = run(&["unshare", "-m"]);
    if forbidden(&found) {
        found = run(&["unshare", "-r", "-m"]);
    }
    if forbidden(&found) {
        eprintln!("no file system can be mounted here ({found:?}); only the limit on sizes was tried");
        return;
    }
    assert!(found.code == 0 && found.text().contains("free some space"), "{found:?}");
    let names = fs::read_to_string(sandbox.path.join("names")).unwrap();
    assert_eq!(names, "x.snapshot\n", "something unfinished is left");
}

/// Devices that fail a write, or take nothing at all.
#[test]
fn a_standard_output_that_fails() {
    let sandbox = sandbox(50);
    for name in ["ohfp", "ohfp-live"] {
        for line in LINES {
            // Address 0 of this process cannot be written: EIO.
            let failing = File::options().write(true).open("/proc/self/mem").unwrap();
            let mut command = sandbox.command(program(name));
            let child = command.args(line).stdout(failing).stderr(Stdio::piped()).spawn();
            let output = child.unwrap().wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.code() == Some(1)
                    && said.contains("cannot write the answer: input/output error"),
                "{name} {line:?}: {output:?}"
            );
            // The memory of a program that is gone takes nothing, and reports no error.
            let shell = "exec \"$@\" >/proc/self/mem";
            let mut command = sandbox.command("timeout");
            command.args(["20", "sh", "-c", shell, "sh"]).arg(program(name)).args(line);
            let ended = ended(&mut command);
            assert!(ended.code == 1 && ended.stderr.contains("cannot write the answer"), "{name}: {ended:?}");
        }
    }
}

/// Whatever the clock said when a file was written: what is in it now counts.
#[test]
fn clocks_that_jump() {
    // Seconds since 1970: before it, at it, in the past, ahead, beyond what nanoseconds in 64 bits hold.
    let times = ["-86400", "0", "1", "1000000000", "4102444800", "9300000000"];
    // Of the same length, at the same time, in the same file.
    let kinds = ["m6i.large", "m7i.large"];
    let mut faults = Vec::new();
    for policy in ["manual", "auto"] {
        for time in times {
            let mut sandbox = sandbox(5);
            sandbox.set("OHFP_SNAPSHOT_REFRESH", policy);
            let set = |path: PathBuf| {
                let touched = ended(Command::new("touch").args(["-d", &format!("@{time}")]).arg(path));
                assert_eq!(touched.code, 0, "{touched:?}");
            };
            set(sandbox.root().join(TEMPLATES));
            sandbox.build();
            for turn in 0..3 {
                let (now, other) = (kinds[turn % 2], kinds[(turn + 1) % 2]);
                sandbox.write(TEMPLATES, catalog(5).replace("m6i.large", now));
                set(sandbox.root().join(TEMPLATES));
                for round in 0..2 {
                    let (ohfp, live) = (sandbox.run("ohfp", &LIST), sandbox.run("ohfp-live", &LIST));
                    if ohfp != live || ohfp.code != 0 || ohfp.text().contains(other) {
                        faults
                            .push(format!("{policy} @{time}, turn {turn}, round {round}: {ohfp:?} {live:?}"));
                    }
                }
            }
            // The snapshot's own modification time is not an input.
            sandbox.build();
            set(sandbox.path.join("x.snapshot"));
            if sandbox.run("ohfp", &LIST) != sandbox.run("ohfp-live", &LIST) {
                faults.push(format!("{policy} @{time}: the snapshot's own time"));
            }
        }
    }
    expect_none(&faults, times.len() * 2);
}

/// A few of the thousands that `cargo xtask torture readers` starts.
#[test]
fn readers_see_whole_generations() {
    let sandbox = sandbox(100);
    let generation = |number: usize| catalog(100).replace("ami-0123", &format!("ami-{number:04}"));
    let answers: Vec<Vec<u8>> = (0..3)
        .map(|number| {
            sandbox.write(TEMPLATES, generation(number));
            sandbox.run("ohfp-live", &LIST).stdout
        })
        .collect();
    let (stop, asked, wrong) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let answer = sandbox.run("ohfp", &LIST);
                    asked.fetch_add(1, Ordering::Relaxed);
                    if answer.code != 0 || !answers.contains(&answer.stdout) {
                        wrong.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let mut builds = 0;
        while builds < 12 || asked.load(Ordering::Relaxed) < 200 {
            let next = sandbox.root().join("next");
            fs::write(&next, generation(builds % 3)).unwrap();
            fs::rename(&next, sandbox.root().join(TEMPLATES)).unwrap();
            sandbox.build();
            builds += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(wrong.into_inner(), 0, "of {} answers", asked.into_inner());
}
