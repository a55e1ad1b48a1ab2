//! Host Factory's side of the contract: whatever it passes, standard output is exactly one JSON document.
//!
//! Exit code 0 with the answer, or 1 with the reason in `message`, never an empty list, never a hang.
//! The same by script name and by command, with a snapshot and without.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use ohfp_tests::{Ended, HF_OPERATIONS, Sandbox, ended, expect_none, program};
use serde_json::Value;

fn prepared() -> Sandbox {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let scripts = sandbox.path.join("scripts");
    fs::create_dir(&scripts).unwrap();
    for operation in HF_OPERATIONS {
        symlink(program("ohfp"), scripts.join(format!("{operation}.sh"))).unwrap();
    }
    sandbox
}

/// Runs an operation by script, by command and by live alone; all must agree. Nothing may hang.
fn run(sandbox: &Sandbox, operation: &str, arguments: &[OsString]) -> Result<Ended, String> {
    let script = sandbox.path.join("scripts").join(format!("{operation}.sh"));
    let one = |program: OsString, before: &[&str]| {
        let mut command = sandbox.command("timeout");
        ended(command.args(["-k", "1", "30"]).arg(program).args(before).args(arguments))
    };
    let all = [
        one(script.into(), &[]),
        one(program("ohfp").into(), &[operation]),
        one(program("ohfp-live").into(), &[operation]),
    ];
    if all.iter().any(|one| *one != all[2]) {
        return Err(format!("{operation} {arguments:?}: by script, command and live\n  {all:?}"));
    }
    Ok(all[2].clone())
}

/// What is wrong with a failure: it must say why, once, as JSON, to Host Factory and to the log.
fn fault(ended: &Ended, says: &str) -> Option<String> {
    let document: Option<Value> = serde_json::from_slice(&ended.stdout).ok();
    let message = document.as_ref().and_then(|document| document["message"].as_str()).unwrap_or_default();
    let sound = ended.code == 1
        && document.as_ref().and_then(Value::as_object).is_some_and(|object| object.len() == 1)
        && message.contains(says)
        && !message.is_empty()
        && !message.ends_with(':')
        && !message.contains('\n')
        && ended.stderr.starts_with("error: ");
    (!sound).then(|| format!("{ended:?}"))
}

/// Every operation must fail on these arguments.
fn check(sandbox: &Sandbox, cases: &[(&[&str], &str)]) {
    let mut faults = Vec::new();
    for (words, says) in cases {
        for operation in HF_OPERATIONS {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            let found = match run(sandbox, operation, &words) {
                Ok(ended) => fault(&ended, says),
                Err(differ) => Some(differ),
            };
            faults.extend(found.map(|found| format!("{operation} {words:?} (expected: {says}): {found}")));
        }
    }
    expect_none(&faults, cases.len() * HF_OPERATIONS.len());
}

#[test]
fn wrong_command_lines() {
    let sandbox = prepared();
    sandbox.input("in.json", "{}");
    check(
        &sandbox,
        &[
            (&[], "--file"),
            (&["-f"], "--file"),
            (&["-f", ""], ""),
            (&["in.json"], "in.json"),
            (&["-f", "in.json", "extra"], "extra"),
            (&["-f", "in.json", "-f", "in.json"], "--file"),
            (&["-x"], "-x"),
            (&["-f", "in.json", "--nosuch"], "--nosuch"),
            (&["-f", "in.json", "--format", "bogus"], "bogus"),
        ],
    );
}

#[test]
fn files_that_cannot_be_read() {
    let sandbox = prepared();
    fs::create_dir(sandbox.path.join("a directory")).unwrap();
    symlink("/nonexistent", sandbox.path.join("dangling")).unwrap();
    symlink("loop", sandbox.path.join("loop")).unwrap();
    let fifo = sandbox.path.join("fifo");
    assert_eq!(ended(Command::new("mkfifo").arg(&fifo)).code, 0);
    File::create(sandbox.path.join("sparse")).unwrap().set_len(100 << 20).unwrap();
    sandbox.input("in.json", "{}");
    let long = "x".repeat(5000);
    let mut cases: Vec<(&[&str], &str)> = vec![
        (&["-f", "nosuch.json"], "nosuch.json"),
        (&["-f", "in.json/x"], "in.json/x"),
        (&["-f", "a directory"], "a directory"),
        (&["-f", "dangling"], "dangling"),
        (&["-f", "loop"], "loop"),
        (&["-f", "fifo"], "fifo"),
        (&["-f", "/dev/zero"], "/dev/zero"),
        (&["-f", "/dev/null"], "/dev/null"),
        (&["-f", "sparse"], "sparse"),
    ];
    let too_long = ["-f", &long];
    cases.push((&too_long, "xxx"));
    let locked = sandbox.input("locked", "{}");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything.
    if File::open(&locked).is_err() {
        cases.push((&["-f", "locked"], "locked"));
    }
    check(&sandbox, &cases);
    // With a writer at the other end that says nothing more.
    let mut writer = fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    for _ in 0..3 {
        writer.write_all(b"{}\n").unwrap();
    }
    check(&sandbox, &[(&["-f", "fifo"], "fifo")]);
}

#[test]
fn files_that_are_no_json_object() {
    let sandbox = prepared();
    let deep = "[".repeat(200_000);
    let contents: Vec<&[u8]> = vec![
        b"",
        b" \n",
        b"{",
        b"{\"templates\":",
        b"{} {}",
        b"{},",
        b"[]",
        b"null",
        b"\"text\"",
        b"{'templates': []}",
        b"{\"a\": 1,}",
        b"// comment\n{}",
        b"\xff\xfe\x00\x01\x80binary\x00garbage",
        b"{\"a\": \"\xff\"}",
        b"\x7fELF\x02\x01\x01\0\0\0",
        b"\x0c{}",
        deep.as_bytes(),
    ];
    for content in contents {
        sandbox.input("in.json", content);
        check(&sandbox, &[(&["-f", "in.json"], "in.json")]);
    }
}

/// What Host Factory may pass besides `{}` is read and has no influence.
#[test]
fn inputs_of_every_kind_are_answered() {
    let sandbox = prepared();
    let expected = sandbox.run("ohfp-live", &["templates", "list"]);
    let template = r#"{"templates":[{"templateId":"first-Typed","maxNumber":1,"attributes":{}}]}"#;
    let big = format!("{{\"x\": \"{}\"}}", "x".repeat(1 << 20));
    let inputs: [&[u8]; 9] = [
        b"{}",
        b"{\n}\n",
        b"\xef\xbb\xbf{}",
        b"\xef\xbb\xbf{\"a\": 1}\r\n",
        b"{\"a\": null}",
        b"{\t\n}\n",
        b"{                                                                                            }",
        template.as_bytes(),
        big.as_bytes(),
    ];
    for input in inputs {
        let path = sandbox.input("in.json", input);
        let answer = run(&sandbox, "getAvailableTemplates", &["-f".into(), path.into()]).unwrap();
        assert_eq!(answer, expected, "{:.60}", String::from_utf8_lossy(input));
    }
}

/// A pipe can be read only once, so the program that reads it must also answer.
#[test]
fn inputs_from_a_pipe() {
    let sandbox = prepared();
    let piped = |name: &str| {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"{}\n").unwrap();
        drop(writer);
        let mut command = sandbox.command(program(name));
        ended(command.args(["getAvailableTemplates", "-f", "/dev/stdin"]).stdin(Stdio::from(reader)))
    };
    assert_eq!(piped("ohfp"), piped("ohfp-live"));
}

/// Where there is nothing to offer, Host Factory must hear of a failure: it drops a provider for good
/// that answers no templates.
#[test]
fn no_templates_is_a_failure() {
    let configurations: [(&str, &[(&str, &str)]); 4] = [
        ("nothing", &[]),
        ("an empty list", &[("awsprov_templates.json", r#"{"templates": []}"#)]),
        ("broken JSON", &[("awsprov_templates.json", r#"{"templates": ["#)]),
        (
            "a broken configuration",
            &[("config.json", "{"), ("awsprov_templates.json", r#"{"templates": []}"#)],
        ),
    ];
    for (what, files) in configurations {
        let sandbox = prepared();
        for name in ["config.json", "awsprov_config.json", "awsprov_templates.json"] {
            fs::remove_file(sandbox.root().join(name)).unwrap();
        }
        for (name, content) in files {
            sandbox.write(name, content);
        }
        sandbox.input("in.json", "{}");
        // A snapshot of what was there before must not answer; neither must one of what is there now.
        for _ in 0..2 {
            let ended = run(&sandbox, "getAvailableTemplates", &["-f".into(), "in.json".into()]).unwrap();
            assert_eq!(fault(&ended, ""), None, "{what}");
            let _ = sandbox.run("ohfp-snapshot", &["build"]);
        }
    }
}

#[test]
fn help_is_no_failure() {
    let sandbox = prepared();
    for operation in HF_OPERATIONS {
        for option in ["-h", "--help"] {
            let ended = run(&sandbox, operation, &[option.into()]).unwrap();
            assert!(
                ended.code == 0 && ended.text().contains(&format!("Usage: ohfp {operation}")),
                "{ended:?}"
            );
        }
    }
}
