//! Standard output that is closed, full, or closed by its reader halfway; and a missing live program.
//!
//! A reader who has seen enough is success. An answer that could not be written is a failure that
//! says so: an exit code of 0 would be believed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot run must say so"
)]

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ohfp_tests::{Ended, HF_OPERATIONS, Sandbox, catalog, copy_tree, ended, program};
use serde_json::Value;

/// Answers small and larger than a pipe's buffer, from the snapshot and from live.
const LINES: &[&str] = &[
    "--help",
    "--version",
    "templates list",
    "templates list --format table --long",
    "templates list --limit 2000",
    "templates show t-000005",
    "config show",
    "getAvailableTemplates -f in.json",
    "templates list --scheduler default",
    "config get scheduler",
    "templates validate",
    "help help",
];

fn prepared() -> Sandbox {
    let sandbox = Sandbox::with_files(&[("awsprov_templates.json", &catalog(2500))]);
    sandbox.build();
    sandbox.input("in.json", "{}");
    sandbox
}

/// A command, its words handed to a shell line as `"$@"`.
fn in_shell(sandbox: &Sandbox, shell: &str, program: &Path, line: &str) -> Command {
    let mut command = sandbox.command("sh");
    command.args(["-c", shell, "sh"]).arg(program).args(line.split(' '));
    command
}

/// Reads `take` bytes of what a command writes and leaves.
fn left_by_its_reader(command: &mut Command, take: usize) -> Ended {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    // The command keeps a copy of the writing end until it is set to something else.
    command.stdout(Stdio::null());
    let mut taken = vec![0; take];
    reader.read_exact(&mut taken).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().unwrap_or(-1);
    Ended { code, stdout: taken, stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
}

#[test]
fn a_reader_that_leaves_is_success() {
    let sandbox = prepared();
    for line in LINES {
        for name in ["ohfp", "ohfp-live"] {
            for take in [0, 1] {
                for shell in ["exec \"$@\"", "trap '' PIPE; exec \"$@\""] {
                    let ended =
                        left_by_its_reader(&mut in_shell(&sandbox, shell, &program(name), line), take);
                    assert!(
                        ended.code == 0 && ended.stderr.is_empty(),
                        "{name} {line}, {take} read, {shell}: {ended:?}"
                    );
                }
            }
        }
    }
}

/// Whatever the reader's pace and the pipe's size, every byte arrives.
#[test]
fn a_slow_reader_gets_everything() {
    let sandbox = prepared();
    for line in LINES {
        let expected = sandbox.run("ohfp-live", &line.split(' ').collect::<Vec<_>>());
        let mut child =
            sandbox.command(program("ohfp")).args(line.split(' ')).stdout(Stdio::piped()).spawn().unwrap();
        let mut reader = child.stdout.take().unwrap();
        let (mut all, mut some) = (Vec::new(), vec![0; 4099]);
        loop {
            match reader.read(&mut some).unwrap() {
                0 => break,
                count => all.extend_from_slice(&some[..count]),
            }
        }
        assert_eq!(child.wait().unwrap().code(), Some(expected.code), "{line}");
        assert!(all == expected.stdout, "{line}: {} bytes instead of {}", all.len(), expected.stdout.len());
        let file = sandbox.path.join("out");
        let appended = in_shell(&sandbox, "echo first >out; exec \"$@\" >>out", &program("ohfp"), line)
            .status()
            .unwrap();
        assert_eq!(appended.code(), Some(expected.code), "{line}");
        assert!(
            fs::read(file).unwrap() == [b"first\n", &expected.stdout[..]].concat(),
            "{line}: appended to a file"
        );
    }
}

/// A failure of the one kind there is here: a message, exit code 1, nothing else.
fn check_failure(what: &str, ended: &Ended, says: &str) {
    let sound =
        ended.code == 1 && ended.stderr.contains("cannot write the answer") && ended.stderr.contains(says);
    assert!(sound && ended.stderr.lines().count() == 1 && ended.stdout.is_empty(), "{what}: {ended:?}");
}

#[test]
fn a_full_disk_is_a_failure() {
    let sandbox = prepared();
    for line in LINES {
        for name in ["ohfp", "ohfp-live"] {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let child = sandbox
                .command(program(name))
                .args(line.split(' '))
                .stdout(full)
                .stderr(Stdio::piped())
                .spawn();
            let output = child.unwrap().wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            let ended = Ended { code: output.status.code().unwrap_or(-1), stdout: Vec::new(), stderr };
            check_failure(&format!("{name} {line}"), &ended, "no space left");
        }
    }
}

/// The runtime notices it whichever program answers; live alone, started without the runtime, cannot.
#[test]
fn a_closed_standard_output_is_a_failure() {
    let sandbox = prepared();
    for line in LINES {
        let ended = ended(&mut in_shell(&sandbox, "exec \"$@\" >&-", &program("ohfp"), line));
        check_failure(line, &ended, "standard output is closed");
    }
    for (shell, code) in [
        ("exec \"$@\" >&- 2>&-", 1),
        ("exec \"$@\" 2>&-", 0),
        ("exec \"$@\" <&-", 0),
        ("exec \"$@\" <&- 2>&-", 0),
    ] {
        for line in LINES {
            let ended = ended(&mut in_shell(&sandbox, shell, &program("ohfp"), line));
            let expected = if code == 0 {
                sandbox.run("ohfp-live", &line.split(' ').collect::<Vec<_>>()).stdout
            } else {
                Vec::new()
            };
            assert!(ended.code == code && ended.stdout == expected, "{line} with {shell}: {ended:?}");
        }
    }
}

/// One clear error that names what is missing and what to do; Host Factory gets it as JSON.
fn check_missing(what: &str, ended: &Ended, path: &Path, host_factory: bool) {
    let said = ["cannot start", path.to_str().unwrap(), "hint:", "OHFP_LIVE"];
    assert!(ended.code == 1 && said.iter().all(|part| ended.stderr.contains(part)), "{what}: {ended:?}");
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{what}: {ended:?}");
    if host_factory {
        let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert!(
            document["message"].as_str().is_some_and(|message| message.contains("ohfp-live")),
            "{what}: {ended:?}"
        );
    } else {
        assert!(ended.stdout.is_empty(), "{what}: {ended:?}");
    }
}

#[test]
fn a_missing_live_program() {
    let sandbox = prepared();
    let tree = sandbox.path.join("tree");
    copy_tree(&tree);
    let (ohfp, live) = (tree.join("bin/ohfp"), tree.join("bin/ohfp-live"));
    fs::remove_file(&live).unwrap();
    let plain = sandbox.input("plain file", "#!/bin/sh\nexit 0\n");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let named: [(Option<PathBuf>, &Path); 5] = [
        (None, &live),
        (Some(PathBuf::new()), &live),
        (Some("/nonexistent/ohfp-live".into()), Path::new("/nonexistent/ohfp-live")),
        (Some(sandbox.path.clone()), &sandbox.path),
        (Some(plain.clone()), &plain),
    ];
    for (variable, expected) in named {
        let run = |program: &Path, line: &str| {
            let mut command = sandbox.command(program);
            command.args(line.split(' '));
            if let Some(path) = &variable {
                command.env("OHFP_LIVE", path);
            }
            ended(&mut command)
        };
        for line in ["nosuch", "templates list --scheduler default", "templates validate", "-x", "help help"]
        {
            check_missing(line, &run(&ohfp, line), expected, false);
        }
        for operation in HF_OPERATIONS {
            check_missing(operation, &run(&ohfp, &format!("{operation} -f nosuch.json")), expected, true);
            let link = sandbox.path.join(format!("{operation}.sh"));
            let _ = fs::remove_file(&link);
            symlink(&ohfp, &link).unwrap();
            check_missing(operation, &run(&link, "-f nosuch.json"), expected, true);
        }
        // What the snapshot knows needs no live program.
        assert_eq!(run(&ohfp, "templates list").code, 0);
        assert_eq!(run(&sandbox.path.join("getAvailableTemplates.sh"), "-f in.json").code, 0);
    }
}

/// Without any configuration, even without a home, help comes from the snapshot of the installed tree.
#[test]
fn help_without_anything() {
    let mut sandbox = Sandbox::empty();
    let tree = sandbox.path.join("a tree");
    copy_tree(&tree);
    let expected = sandbox.run("ohfp-live", &["help", "templates"]);
    sandbox.unset("HOME");
    fs::remove_file(tree.join("bin/ohfp-live")).unwrap();
    let link = sandbox.path.join("ohfp elsewhere");
    symlink(tree.join("bin/ohfp"), &link).unwrap();
    for program in [tree.join("bin/ohfp"), link] {
        assert_eq!(ended(sandbox.command(program).args(["help", "templates"])), expected);
    }
}

/// Started as its own live program it would start itself for ever, under whatever name and from whatever copy.
#[test]
fn ohfp_is_not_its_own_live_program() {
    let mut sandbox = prepared();
    let tree = sandbox.path.join("tree");
    copy_tree(&tree);
    let ohfp = tree.join("bin/ohfp");
    let (link, second) = (sandbox.path.join("link"), tree.join("bin/second"));
    symlink(&ohfp, &link).unwrap();
    fs::hard_link(&ohfp, &second).unwrap();
    let copy = sandbox.path.join("copy");
    fs::copy(&ohfp, &copy).unwrap();
    for named in [&ohfp, &link, &second, &copy] {
        sandbox.set("OHFP_LIVE", named);
        let run = |line: &str| ended(sandbox.command(&ohfp).args(line.split(' ')));
        check_missing("machines list", &run("machines list"), named, false);
        let refused = run("getReturnRequests -d {}");
        check_missing("getReturnRequests", &refused, named, true);
        assert!(refused.stderr.contains("ohfp itself"), "{refused:?}");
    }
}

/// A program that runs with more rights than its caller runs nothing that the caller names.
#[test]
fn a_privileged_program_chooses_its_own_live_program() {
    let mut sandbox = prepared();
    let tree = sandbox.path.join("tree");
    copy_tree(&tree);
    let ohfp = tree.join("bin/ohfp");
    let planted = sandbox.input("planted", "#!/bin/sh\necho planted\n");
    fs::set_permissions(&planted, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&sandbox.path, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.set("OHFP_LIVE", &planted);
    let run = |user: u32| ended(sandbox.command(&ohfp).uid(user).args(["completions", "tcsh"]));
    if chown(&ohfp, Some(65533), None).is_err() {
        eprintln!("not shown: only root can make a program of another user");
        return;
    }
    assert_eq!(run(65534).text(), "planted\n", "without more rights the variable counts");
    fs::set_permissions(&ohfp, fs::Permissions::from_mode(0o4755)).unwrap();
    let (privileged, owner) = (run(65534), run(65533));
    assert_eq!(owner.text(), "planted\n", "the owner has no more rights than it had");
    if privileged.text() == "planted\n" && is_without_set_user_id(&sandbox.path) {
        eprintln!("not shown: the file system ignores the set-user-id bit");
        return;
    }
    assert!(privileged.code == 2 && privileged.stdout.is_empty(), "{privileged:?}");
}

/// Whether the file system of a path is mounted `nosuid`.
fn is_without_set_user_id(path: &Path) -> bool {
    let found = ended(Command::new("findmnt").args(["-no", "OPTIONS", "-T"]).arg(path));
    found.text().split(',').any(|option| option.trim() == "nosuid")
}
