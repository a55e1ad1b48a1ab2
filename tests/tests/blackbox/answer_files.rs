//! Files that a person names for answers and exports: replaced only where asked for, with owner and mode, and through
//! no link that another account planted.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

use ohfp_tests::grid::{Grid, TEMPLATE};
use ohfp_tests::{Ended, Sandbox, ended, program};
use serde_json::json;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs ohfp under a file creation mask.
fn masked(sandbox: &Sandbox, mask: &str, words: &[&str]) -> Ended {
    let mut shell = sandbox.command("/bin/sh");
    shell.arg("-c").arg(format!("umask {mask}; exec \"$@\"")).arg("sh").arg(program("ohfp")).args(words);
    ended(&mut shell)
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_export_replaces_nothing_unless_forced() {
    let grid = Grid::new(&json!({}), &json!({}));
    grid.request(TEMPLATE, 1);
    let directory = grid.sandbox.path.join("out");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("state.json");
    let export = |more: &[&str]| {
        let words = [&["storage", "export", file.to_str().unwrap()], more].concat();
        grid.sandbox.run("ohfp", &words)
    };
    assert_eq!(export(&[]).code, 0);
    let written = fs::read(&file).unwrap();
    assert!(written.starts_with(b"{"));
    fs::write(&file, "precious").unwrap();
    let refused = export(&[]);
    assert!(refused.code == 1 && refused.stderr.contains("exists already"), "{refused:?}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    assert_eq!(export(&["--force"]).code, 0);
    assert_eq!(fs::read(&file).unwrap(), written);
    fs::remove_file(&file).unwrap();
    symlink("elsewhere", &file).unwrap();
    for more in [&[][..], &["--force"]] {
        let refused = export(more);
        assert!(refused.code == 1 && refused.stderr.contains("symbolic link"), "{refused:?}");
    }
    assert_eq!(names(&directory), ["state.json"]);
}

/// What holds state is for its owner and group alone, whatever the mask allows.
#[test]
fn exports_and_backups_are_not_for_all() {
    let grid = Grid::new(&json!({}), &json!({}));
    grid.request(TEMPLATE, 1);
    for mask in ["000", "022", "077"] {
        for command in ["export", "backup"] {
            let file = grid.sandbox.path.join(format!("{command}-{mask}"));
            let written = masked(&grid.sandbox, mask, &["storage", command, file.to_str().unwrap()]);
            assert_eq!(written.code, 0, "{written:?}");
            assert_eq!(mode(&file) & !0o640, 0, "{command} under {mask}: {:o}", mode(&file));
        }
    }
}

#[test]
fn an_answer_keeps_owner_and_mode_of_the_file_it_replaces() {
    let sandbox = Sandbox::with_fixture("golden");
    let file = sandbox.path.join("answer");
    for (mask, expected) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        let written = masked(&sandbox, mask, &["config", "show", "--output", file.to_str().unwrap()]);
        assert!(written.code == 0 && mode(&file) == expected, "{mask}: {written:?}, {:o}", mode(&file));
        fs::remove_file(&file).unwrap();
    }
    fs::write(&file, "old").unwrap();
    chmod(&file, 0o604);
    if is_root() {
        chown(&file, Some(65534), Some(65534)).unwrap();
    }
    let before = fs::metadata(&file).unwrap();
    let written = masked(&sandbox, "077", &["config", "show", "--output", file.to_str().unwrap()]);
    let after = fs::metadata(&file).unwrap();
    assert_eq!(written.code, 0, "{written:?}");
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert!(fs::read(&file).unwrap().starts_with(b"{"));
}

/// Where the output leads, and whether the answer arrives there.
#[test]
fn links_are_followed_where_no_other_account_can_plant_them() {
    let sandbox = Sandbox::with_fixture("golden");
    let output = |path: &Path| sandbox.run("ohfp", &["config", "show", "--output", path.to_str().unwrap()]);
    let (own, shared) = (sandbox.path.join("own"), sandbox.path.join("shared"));
    let target = sandbox.path.join("target");
    for directory in [&own, &shared] {
        fs::create_dir(directory).unwrap();
        symlink(&target, directory.join("link")).unwrap();
    }
    chmod(&own, 0o755);
    chmod(&shared, 0o1777);
    fs::write(&target, "before").unwrap();
    assert_eq!(output(&own.join("link")).code, 0);
    assert!(own.join("link").is_symlink() && fs::read(&target).unwrap().starts_with(b"{"));

    if is_root() {
        fs::write(&target, "before").unwrap();
        std::os::unix::fs::lchown(shared.join("link"), Some(65534), Some(65534)).unwrap();
        let refused = output(&shared.join("link"));
        assert!(refused.code == 1 && refused.stderr.contains("it is a symbolic link"), "{refused:?}");
        assert_eq!(fs::read(&target).unwrap(), b"before");
    }
}

#[test]
fn standard_streams_are_written_to_as_they_are() {
    let sandbox = Sandbox::with_fixture("golden");
    let log = sandbox.path.join("appended");
    fs::write(&log, "first\n").unwrap();
    let mut shell = sandbox.command("/bin/sh");
    shell.arg("-c").arg("exec \"$0\" config show --output /dev/stdout >> appended").arg(program("ohfp"));
    let done = ended(&mut shell);
    let content = fs::read_to_string(&log).unwrap();
    assert!(done.code == 0 && content.starts_with("first\n{"), "{done:?}: {content:.60}");
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
    let piped = sandbox.run("ohfp", &["config", "show", "--output", "/dev/stdout"]);
    assert!(piped.code == 0 && piped.stdout.starts_with(b"{"), "{piped:?}");
}

/// A pipe that no process reads is an error at once; one that is read gets the answer.
#[test]
fn pipes_are_not_waited_for() {
    let sandbox = Sandbox::with_fixture("golden");
    let pipe = sandbox.path.join("pipe");
    assert_eq!(ended(Command::new("mkfifo").arg(&pipe)).code, 0);
    let words = ["config", "show", "--output", pipe.to_str().unwrap()];
    let refused = sandbox.run("ohfp", &words);
    assert!(refused.code == 1 && refused.stderr.contains("cannot write"), "{refused:?}");
    let reading = pipe.clone();
    let reader = std::thread::spawn(move || fs::read(reading).unwrap());
    let written = (0..2_000).map(|_| sandbox.run("ohfp", &words)).find(|ended| ended.code == 0);
    assert!(written.is_some());
    assert!(reader.join().unwrap().starts_with(b"{"));
}
