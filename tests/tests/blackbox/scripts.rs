//! Host Factory's five scripts: as `ohfp init` writes them, and as the installed tree carries them.
//!
//! Sites run them directly, through `bash FILE` or `sh FILE`, by links, from any directory, out of trees that
//! were moved to unusual paths. Each must reach its operation with its arguments.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ohfp_tests::{Ended, HF_OPERATIONS, Sandbox, copy_tree, ended, program, tree};
use serde_json::Value;

/// A place that breaks scripts which quote carelessly.
const ODD: &str = r#"it's a "tree" $HOME `x` \ ;&"#;

fn prepared() -> Sandbox {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    sandbox
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn script_names() -> Vec<String> {
    let mut names: Vec<String> = HF_OPERATIONS.iter().map(|operation| format!("{operation}.sh")).collect();
    names.sort();
    names
}

/// Puts something in the way.
type Make = fn(&Path);

/// Runs every script of a directory in every way, and compares with the operation by its name.
fn check(sandbox: &Sandbox, scripts: &Path) {
    let input = sandbox.input("in put $1 'x'.json", "{}");
    let links = sandbox.path.join("some links");
    fs::create_dir_all(&links).unwrap();
    for operation in HF_OPERATIONS {
        let name = format!("{operation}.sh");
        let script = scripts.join(&name);
        let (absolute, relative) = (links.join(&name), links.join("relative").join(&name));
        fs::create_dir_all(links.join("relative")).unwrap();
        for (target, link) in [(script.clone(), &absolute), (Path::new("..").join(&name), &relative)] {
            let _ = fs::remove_file(link);
            symlink(target, link).unwrap();
        }
        let parent = scripts.file_name().unwrap();
        let ways: Vec<(&Path, Vec<OsString>)> = vec![
            (Path::new("/"), vec![script.clone().into()]),
            (Path::new("/"), vec!["bash".into(), script.clone().into()]),
            (Path::new("/"), vec!["sh".into(), script.clone().into()]),
            (scripts, vec![format!("./{name}").into()]),
            (scripts, vec!["bash".into(), name.clone().into()]),
            (scripts.parent().unwrap(), vec!["sh".into(), Path::new(parent).join(&name).into()]),
            (&links, vec![absolute.clone().into()]),
            (&links, vec!["bash".into(), format!("relative/{name}").into()]),
            (&links, vec!["sh".into(), relative.clone().into()]),
        ];
        for arguments in [vec!["-f".into(), input.clone().into_os_string()], vec!["-h".into()], vec![]] {
            let line: Vec<OsString> = [vec![operation.into()], arguments.clone()].concat();
            let expected = sandbox.run("ohfp-live", &line);
            for (directory, words) in &ways {
                let mut command = sandbox.command(&words[0]);
                command.args(&words[1..]).args(&arguments).current_dir(directory);
                assert_eq!(
                    ended(&mut command),
                    expected,
                    "{words:?} {arguments:?} in {}",
                    directory.display()
                );
            }
        }
        is_answer(
            operation,
            &sandbox.run("ohfp", &[operation.into(), OsString::from("-f"), input.clone().into()]),
        );
    }
}

/// What an operation answers to `{}`, which asks some of them nothing.
fn is_answer(operation: &str, ended: &Ended) {
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let message = answer["message"].as_str().unwrap_or_default();
    match operation {
        "getAvailableTemplates" => {
            assert!(ended.code == 0 && answer["templates"][0]["templateId"] == "first-Typed", "{ended:?}");
        }
        "getReturnRequests" => {
            assert!(ended.code == 0 && answer["requests"].as_array().is_some_and(Vec::is_empty), "{ended:?}");
        }
        _ => assert!(ended.code == 1 && message.contains("is missing: expected"), "{operation}: {ended:?}"),
    }
}

/// Writes scripts with the program of `tree`.
fn init(sandbox: &Sandbox, tree: &Path, options: &[&str]) -> Ended {
    ended(sandbox.command(tree.join("bin/ohfp")).arg("init").args(options))
}

/// An odd directory in the sandbox with a copy of the tree.
fn moved(sandbox: &Sandbox) -> PathBuf {
    let tree = sandbox.path.join(ODD).join("tree");
    copy_tree(&tree);
    tree
}

#[test]
fn wrappers() {
    let sandbox = prepared();
    // Neither the directory nor the one it is in exists.
    let written = init(&sandbox, &tree(), &["--scripts-dir", "new/my scripts"]);
    assert!(written.code == 0 && written.stderr.is_empty(), "{written:?}");
    let scripts = sandbox.path.join("new/my scripts");
    assert_eq!(files(&scripts), script_names());
    for operation in HF_OPERATIONS {
        let path = scripts.join(format!("{operation}.sh"));
        let text = fs::read_to_string(&path).unwrap();
        let live = program("ohfp").canonicalize().unwrap();
        assert_eq!(text, format!("#!/bin/sh\nexec '{}' {operation} \"$@\"\n", live.display()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o755, "{operation}");
        assert!(written.text().contains(&format!("{operation}.sh")), "{written:?}");
    }
    check(&sandbox, &scripts);
}

#[test]
fn direct_links() {
    let sandbox = prepared();
    let written = init(&sandbox, &tree(), &["--scripts-dir", "scripts", "--direct"]);
    assert_eq!(written.code, 0, "{written:?}");
    let scripts = sandbox.path.join("scripts");
    assert_eq!(files(&scripts), script_names());
    let input = sandbox.input("in.json", "{}");
    for name in script_names() {
        let path = scripts.join(&name);
        assert_eq!(fs::read_link(&path).unwrap(), program("ohfp").canonicalize().unwrap());
        // A link is a program, not a script: there is no `bash FILE` here.
        let second = sandbox.path.join(&name);
        symlink(Path::new("scripts").join(&name), &second).unwrap();
        let operation = name.strip_suffix(".sh").unwrap();
        let expected = ended(sandbox.command(program("ohfp-live")).args([operation, "-f"]).arg(&input));
        for (directory, program) in
            [("/", &path), ("/", &second), (scripts.to_str().unwrap(), &Path::new(".").join(&name))]
        {
            let run = ended(sandbox.command(program).arg("-f").arg(&input).current_dir(directory));
            assert_eq!(run, expected, "{program:?}");
        }
        is_answer(operation, &expected);
    }
}

#[test]
fn paths_with_quotes_and_spaces() {
    let sandbox = prepared();
    let tree = moved(&sandbox);
    let scripts = sandbox.path.join("x 'y' \"z\" $PATH");
    assert_eq!(init(&sandbox, &tree, &["--scripts-dir", scripts.to_str().unwrap()]).code, 0);
    check(&sandbox, &scripts);
    assert_eq!(
        init(&sandbox, &tree, &["--scripts-dir", scripts.to_str().unwrap(), "--direct", "--force"]).code,
        0
    );
    let run = ended(
        sandbox.command(scripts.join("getAvailableTemplates.sh")).arg("-f").arg(sandbox.input("in", "{}")),
    );
    is_answer("getAvailableTemplates", &run);
}

#[test]
fn scripts_of_the_tree() {
    let sandbox = prepared();
    let scripts = tree().canonicalize().unwrap().join("scripts");
    assert_eq!(files(&scripts), script_names());
    check(&sandbox, &scripts);
}

#[test]
fn scripts_of_a_moved_tree() {
    let sandbox = prepared();
    let tree = moved(&sandbox);
    check(&sandbox, &tree.join("scripts"));
    // They run the program of their own tree and no other.
    // Written by another process: one of ours could be forked while the file is open, which then cannot
    // be executed.
    let stub = r#"rm "$0" && printf '#!/bin/sh\necho "mine: $*"\n' >"$0" && chmod 755 "$0""#;
    let written = ended(sandbox.command("sh").args(["-c", stub]).arg(tree.join("bin/ohfp")));
    assert_eq!(written.code, 0, "{written:?}");
    let run = ended(sandbox.command(tree.join("scripts/requestMachines.sh")).args(["-f", "x y"]));
    assert_eq!(run.text(), "mine: requestMachines -f x y\n", "{run:?}");
}

/// What is in the way of a script is kept; a directory keeps everything from being written.
#[test]
fn existing_files_are_kept() {
    let kinds: [(&str, Make); 3] = [
        ("file", |path| fs::write(path, "mine\n").unwrap()),
        ("dangling link", |path| symlink("/nonexistent/target", path).unwrap()),
        ("directory", |path| fs::create_dir(path).unwrap()),
    ];
    for (kind, make) in kinds {
        for options in [
            &["--scripts-dir", "scripts"][..],
            &["--scripts-dir", "scripts", "--direct", "--config-dir", "new conf"],
        ] {
            let sandbox = prepared();
            let scripts = sandbox.path.join("scripts");
            fs::create_dir(&scripts).unwrap();
            let taken = scripts.join("getRequestStatus.sh");
            make(&taken);
            let told = init(&sandbox, &tree(), options);
            assert!(told.stderr.contains("getRequestStatus.sh"), "{kind}: {told:?}");
            if kind == "directory" {
                assert!(told.code == 1 && told.stdout.is_empty(), "{told:?}");
                assert_eq!(files(&scripts), ["getRequestStatus.sh"]);
                assert!(!sandbox.path.join("new conf").exists());
                continue;
            }
            assert!(told.code == 0 && told.stderr.contains("--force"), "{kind}: {told:?}");
            assert!(told.text().contains("\"kept\": [\"scripts/getRequestStatus.sh\"]"), "{kind}: {told:?}");
            let kept = if kind == "file" { Some(b"mine\n".to_vec()) } else { None };
            assert_eq!(fs::read(&taken).ok(), kept, "{kind}: it was replaced");
            let forced = init(&sandbox, &tree(), &[options, &["--force"]].concat());
            assert_eq!(forced.code, 0, "{kind}: {forced:?}");
            assert_eq!(files(&scripts), script_names(), "{kind}");
            let input = sandbox.input("in.json", "{}");
            let run = ended(sandbox.command(&taken).arg("-f").arg(input));
            is_answer("getRequestStatus", &run);
        }
    }
}

/// A configuration to start from is one that works.
#[test]
fn a_configuration_to_start_from() {
    let mut sandbox = Sandbox::empty();
    let written = init(&sandbox, &tree(), &["--config-dir", "conf"]);
    assert_eq!(written.code, 0, "{written:?}");
    sandbox.set("OHFP_CONFIG_DIR", sandbox.root());
    let valid: Value =
        serde_json::from_slice(&sandbox.run("ohfp", &["templates", "validate"]).stdout).unwrap();
    assert!(valid["valid"] == true && valid["findings"].as_array().unwrap().is_empty(), "{valid}");
    sandbox.build();
    sandbox.write("config.json", "{}");
    let again = init(&sandbox, &tree(), &["--config-dir", "conf"]);
    assert!(again.code == 0 && again.text().contains("\"kept\": [\"conf/config.json\"]"), "{again:?}");
    assert_eq!(fs::read(sandbox.root().join("config.json")).unwrap(), b"{}");
}
