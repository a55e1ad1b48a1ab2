//! A snapshot answers as long as it says what its sources say, and never after.
//!
//! After each change the runtime alone must refuse, and with the live program behind it give what the
//! sources say now. Help depends on no source and goes on. By `snapshot.refresh` the snapshot is made
//! anew in passing, or left alone.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ohfp_tests::{Sandbox, expect_none};

const TEMPLATES: &str = "awsprov_templates.json";
const FILES: [&str; 3] = [TEMPLATES, "config.json", "awsprov_config.json"];
const LIST: [&str; 2] = ["templates", "list"];
const ASK: [&str; 3] = ["getAvailableTemplates", "-f", "in.json"];
/// What Host Factory is told by a runtime that must not answer and cannot hand on.
const MESSAGE: &str = "{\"message\": \"ohfp cannot start its live program ohfp-live\"}\n";

/// A template that machines can be launched of, also where AWS is asked for them.
fn one(id: &str) -> String {
    let launch = r#""imageId": "ami-0123456789abcdef0", "subnetId": "subnet-0123456789abcdef0",
        "securityGroupIds": ["sg-0123456789abcdef0"], "vmType": "m5.large""#;
    format!(r#"{{"templates": [{{"templateId": "{id}", "maxNumber": 1, {launch}}}]}}"#)
}

fn sandbox() -> Sandbox {
    let config = r#"{"provider": {"providers": [{"name": "a", "type": "aws", "config": {"zone": "$ZONE", "rack": "${RACK:-none}"}}]}}"#;
    let mut sandbox = Sandbox::with_files(&[
        (TEMPLATES, &one("first")),
        ("config.json", config),
        ("awsprov_config.json", r#"{"AWS_REGION": "us-east-1"}"#),
    ]);
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    sandbox.set("ZONE", "b");
    sandbox.set("HF_PROVIDER_NAME", "inst");
    sandbox.input("in.json", "{}");
    sandbox
}

/// What is wrong while the snapshot is fresh: the runtime must know all by itself.
fn fresh_fault(sandbox: &Sandbox) -> Option<String> {
    for line in [&LIST[..], &ASK, &["config", "show"], &["providers", "show"], &["--help"]] {
        let (alone, live) = (sandbox.runtime_alone(line), sandbox.run("ohfp-live", line));
        if alone != live || alone.code != 0 {
            return Some(format!("fresh, but {line:?} gives {alone:?}, not {live:?}"));
        }
    }
    None
}

/// What is wrong while the snapshot is stale.
fn stale_fault(sandbox: &Sandbox) -> Option<String> {
    let (list, ask, help) =
        (sandbox.runtime_alone(&LIST), sandbox.runtime_alone(&ASK), sandbox.runtime_alone(&["--help"]));
    if list.code != 1 || !list.stdout.is_empty() || !list.stderr.contains("cannot start") {
        return Some(format!("the runtime alone says {list:?}"));
    }
    if ask.code != 1 || ask.text() != MESSAGE {
        return Some(format!("the runtime alone tells Host Factory {ask:?}"));
    }
    if help.code != 0 || !help.text().contains("Usage: ohfp") {
        return Some(format!("help: {help:?}"));
    }
    for line in [&LIST[..], &ASK, &["config", "show"], &["providers", "show"], &["--help"]] {
        let (ohfp, live) = (sandbox.run("ohfp", line), sandbox.run("ohfp-live", line));
        if ohfp != live {
            return Some(format!("{line:?} gives {ohfp:?}, not {live:?}"));
        }
    }
    None
}

type Change = Box<dyn Fn(&mut Sandbox)>;

/// Each change makes the snapshot stale. What happens to it then, the policy says.
fn check(cases: &[(String, Change)]) {
    let mut faults = Vec::new();
    for (what, change) in cases {
        for policy in ["manual", "auto"] {
            let mut sandbox = sandbox();
            sandbox.set("OHFP_SNAPSHOT_REFRESH", policy);
            sandbox.build();
            let before = fresh_fault(&sandbox);
            change(&mut sandbox);
            let snapshot = || fs::read(sandbox.path.join("x.snapshot")).ok();
            let published = snapshot();
            let found = before.or_else(|| stale_fault(&sandbox)).or_else(|| {
                // Another root's snapshot is not ours to replace, and from broken sources none is made.
                let foreign = what.contains("root") || what.contains("no longer automatic");
                let good = sandbox.run("ohfp-live", &["config", "validate"]).code == 0;
                match (policy == "auto" && good && !foreign, snapshot() == published) {
                    (true, _) => fresh_fault(&sandbox).map(|fault| format!("not made anew: {fault}")),
                    (false, same) => (!same).then(|| "made anew".to_owned()),
                }
            });
            let found = found.or_else(|| {
                let built = sandbox.run("ohfp-snapshot", &["build"]);
                if built.code == 0 { fresh_fault(&sandbox) } else { None }
            });
            faults.extend(found.map(|fault| format!("{what}, {policy}: {fault}")));
        }
    }
    expect_none(&faults, cases.len() * 2);
}

fn case(what: impl Into<String>, change: impl Fn(&mut Sandbox) + 'static) -> (String, Change) {
    (what.into(), Box::new(change))
}

/// Other content of the same length.
fn other(content: &str) -> String {
    content.replace("first", "other").replace("zone", "site").replace("us-east-1", "eu-west-2")
}

fn modify(path: PathBuf, time: SystemTime) {
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn files() {
    let mut cases = Vec::new();
    for name in FILES {
        let path = move |sandbox: &Sandbox| sandbox.root().join(name);
        cases.push(case(format!("{name} has more"), move |sandbox| {
            let content = fs::read_to_string(path(sandbox)).unwrap();
            sandbox.write(name, format!("{content}\n"));
        }));
        cases.push(case(format!("{name} has other bytes, as many"), move |sandbox| {
            let content = fs::read_to_string(path(sandbox)).unwrap();
            sandbox.write(name, other(&content));
        }));
        cases.push(case(format!("{name} has other bytes and its old time"), move |sandbox| {
            let time = fs::metadata(path(sandbox)).unwrap().modified().unwrap();
            let content = fs::read_to_string(path(sandbox)).unwrap();
            sandbox.write(name, other(&content));
            modify(path(sandbox), time);
        }));
        cases.push(case(format!("{name} lies elsewhere"), move |sandbox| {
            let moved = sandbox.path.join("moved.json");
            fs::rename(path(sandbox), &moved).unwrap();
            symlink(moved, path(sandbox)).unwrap();
        }));
        cases.push(case(format!("{name} is touched"), move |sandbox| {
            modify(path(sandbox), SystemTime::now());
        }));
        cases.push(case(format!("{name} is of yesterday"), move |sandbox| {
            modify(path(sandbox), SystemTime::now() - Duration::from_hours(24));
        }));
        cases.push(case(format!("{name} is gone"), move |sandbox| fs::remove_file(path(sandbox)).unwrap()));
        cases.push(case(format!("{name} is broken"), move |sandbox| sandbox.write(name, "{")));
        cases.push(case(format!("{name} is replaced by its copy"), move |sandbox| {
            let copy = sandbox.path.join("copy");
            fs::copy(path(sandbox), &copy).unwrap();
            modify(copy.clone(), fs::metadata(path(sandbox)).unwrap().modified().unwrap());
            fs::rename(copy, path(sandbox)).unwrap();
        }));
        cases.push(case(format!("{name} is a directory"), move |sandbox| {
            fs::remove_file(path(sandbox)).unwrap();
            fs::create_dir(path(sandbox)).unwrap();
        }));
        cases.push(case(format!("{name} is a link to something else"), move |sandbox| {
            fs::remove_file(path(sandbox)).unwrap();
            symlink(sandbox.input("else.json", one("elsewhere")), path(sandbox)).unwrap();
        }));
    }
    for (name, content) in [
        ("instprov_templates.json", one("own")),
        ("instprov_config.json", "{\"AWS_REGION\": \"own\"}".to_owned()),
    ] {
        cases.push(case(format!("{name} is new"), move |sandbox| sandbox.write(name, &content)));
    }
    cases.push(case("the directory is gone", |sandbox| fs::remove_dir_all(sandbox.root()).unwrap()));
    cases.push(case("the directory is another", |sandbox| {
        fs::rename(sandbox.root(), sandbox.path.join("old")).unwrap();
        fs::create_dir(sandbox.root()).unwrap();
        sandbox.write(TEMPLATES, one("other"));
    }));
    check(&cases);
}

#[test]
fn variables_and_roots() {
    let set = |name: &'static str, value: &'static str| {
        case(format!("{name}={value}"), move |sandbox| sandbox.set(name, value))
    };
    let unset = |name: &'static str| case(format!("no {name}"), move |sandbox| sandbox.unset(name));
    let elsewhere = |sandbox: &Sandbox| {
        let other = sandbox.path.join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join(TEMPLATES), one("other")).unwrap();
        other
    };
    check(&[
        set("HF_PROVIDER_NAME", "other"),
        set("HF_PROVIDER_NAME", ""),
        unset("HF_PROVIDER_NAME"),
        case("no longer automatic", |sandbox| sandbox.set("OHFP_SNAPSHOT_REFRESH", "never")),
        set("ZONE", "c"),
        set("ZONE", ""),
        unset("ZONE"),
        set("RACK", "1"),
        case("another root", move |sandbox| sandbox.set("OHFP_CONFIG_DIR", elsewhere(sandbox))),
        case("another root by another rule", move |sandbox| {
            sandbox.set("HF_PROVIDER_CONFDIR", elsewhere(sandbox));
            sandbox.unset("OHFP_CONFIG_DIR");
        }),
        case("the same root by another name", |sandbox| {
            symlink(sandbox.root(), sandbox.path.join("link")).unwrap();
            sandbox.set("OHFP_CONFIG_DIR", sandbox.path.join("link"));
        }),
        case("no root", |sandbox| sandbox.unset("OHFP_CONFIG_DIR")),
        case("no snapshot", |sandbox| fs::remove_file(sandbox.path.join("x.snapshot")).unwrap()),
    ]);
}

/// Files of other brokers are looked for along a chain; each link of it counts.
#[test]
fn files_that_were_absent() {
    let mut faults = Vec::new();
    let names =
        ["awsprov_templates.json", "east_templates.json", "aws_templates.json", "awsprov_config.json"];
    for name in names {
        let config = r#"{"provider": {"providers": [{"name": "east", "type": "aws"}]}}"#;
        let mut sandbox = Sandbox::with_files(&[("config.json", config), ("templates.json", &one("last"))]);
        sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
        sandbox.input("in.json", "{}");
        sandbox.build();
        faults.extend(fresh_fault(&sandbox));
        sandbox.write(name, one("new"));
        faults.extend(stale_fault(&sandbox).map(|fault| format!("{name}: {fault}")));
    }
    expect_none(&faults, names.len());
}

/// What is no input does not matter.
#[test]
fn other_changes_leave_it_fresh() {
    let mut sandbox = sandbox();
    sandbox.build();
    sandbox.write("notes.json", "{");
    sandbox.write("otherprov_templates.json", one("other"));
    for (name, value) in
        [("LANG", "de_DE.UTF-8"), ("TZ", "UTC"), ("HF_LOGLEVEL", "LOG_DEBUG"), ("PWD", "/"), ("ZONES", "c")]
    {
        sandbox.set(name, value);
    }
    expect_none(&Vec::from_iter(fresh_fault(&sandbox)), 1);
}

/// A file whose time lies ahead can change without its time changing, so that its time proves nothing.
#[test]
fn times_that_prove_nothing() {
    let sandbox = sandbox();
    let path = sandbox.root().join(TEMPLATES);
    let ahead = SystemTime::now() + Duration::from_hours(24);
    modify(path.clone(), ahead);
    sandbox.build();
    let first = sandbox.run("ohfp", &LIST);
    assert!(first.code == 0 && first.text().contains("\"first\""), "{first:?}");
    sandbox.write(TEMPLATES, one("other"));
    modify(path, ahead);
    let other = sandbox.run("ohfp", &LIST);
    assert!(other.code == 0 && other.text().contains("\"other\""), "{other:?}");
}
