//! What a snapshot's bytes guarantee: no damage stays unseen, same inputs give same bytes anywhere, and
//! a sealed one needs nothing but itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use ohfp_tests::{Sandbox, expect_none};
use serde_json::Value;

use crate::common::generations::{FILE, sandbox, snapshot, tool, write};

fn inspected(sandbox: &Sandbox) -> Value {
    serde_json::from_slice(&tool(sandbox, &["inspect", "--json"]).stdout).unwrap()
}

/// Positions in every part of a snapshot: the header, the stamps, the index, and each section's first,
/// middle and last byte. Their offsets are at 48 and 72 of the header.
fn positions(sandbox: &Sandbox, bytes: &[u8]) -> Vec<usize> {
    let number =
        |at: usize| usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap();
    let mut positions: Vec<usize> = (0..256).step_by(5).collect();
    for part in [48, 72] {
        let (start, len) = (number(part), number(part + 8));
        positions.extend((start..start + len).step_by(len / 12));
        positions.push(start + len - 1);
    }
    for section in inspected(sandbox)["sections"].as_array().unwrap().iter().step_by(3) {
        let field = |name: &str| usize::try_from(section[name].as_u64().unwrap()).unwrap();
        let (start, len) = (field("offset"), field("bytes"));
        if len > 0 {
            positions.extend([start, start + len / 2, start + len - 1]);
        }
    }
    positions
}

#[test]
fn verify_sees_every_flipped_bit() {
    let sandbox = sandbox(&[("a", 1), ("b", -1)]);
    sandbox.build();
    let sound = snapshot(&sandbox, "x.snapshot").unwrap();
    let positions = positions(&sandbox, &sound);
    let mut faults = Vec::new();
    for (number, position) in positions.iter().enumerate() {
        let mut damaged = sound.clone();
        damaged[*position] ^= 1 << (number % 8);
        fs::write(sandbox.path.join("damaged"), damaged).unwrap();
        for line in
            [&["verify", "--snapshot", "damaged"][..], &["verify", "--no-rebuild", "--snapshot", "damaged"]]
        {
            let ended = tool(&sandbox, line);
            if ended.code != 1
                || !ended.stdout.is_empty()
                || !ended.stderr.starts_with("error: snapshot `damaged` ")
            {
                faults.push(format!("byte {position}: {ended:?}"));
            }
        }
    }
    expect_none(&faults, positions.len() * 2);
}

#[test]
fn verify_sees_cut_and_foreign_files() {
    let sandbox = sandbox(&[("a", 1)]);
    sandbox.build();
    let sound = snapshot(&sandbox, "x.snapshot").unwrap();
    let half = sound.len() / 2;
    let cases: [(&str, Vec<u8>); 7] = [
        ("is shorter than a header", Vec::new()),
        ("is shorter than a header", sound[..255].to_vec()),
        ("should have ", sound[..256].to_vec()),
        ("should have ", sound[..half].to_vec()),
        ("should have ", [&sound[..], b"\n"].concat()),
        ("is not an ohfp snapshot", vec![b' '; 4096]),
        ("is not an ohfp snapshot", fs::read(ohfp_tests::program("ohfp")).unwrap()),
    ];
    for (words, bytes) in cases {
        fs::write(sandbox.path.join("damaged"), bytes).unwrap();
        for command in ["verify", "check", "inspect"] {
            let ended = tool(&sandbox, &[command, "--snapshot", "damaged"]);
            assert!(
                ended.code == 1 && ended.stdout.is_empty() && ended.stderr.contains(words),
                "{command} {words}: {ended:?}"
            );
        }
    }
}

#[test]
fn verify_compares_with_the_sources() {
    let sandbox = sandbox(&[("a", 1)]);
    sandbox.build();
    let verified = tool(&sandbox, &["verify"]);
    assert!(verified.code == 0 && verified.text().starts_with("valid and up to date: "), "{verified:?}");
    write(&sandbox, &[("a", 2)]);
    let verified = tool(&sandbox, &["verify"]);
    assert!(verified.code == 1 && verified.text().starts_with("valid, but out of date: "), "{verified:?}");
    assert_eq!(tool(&sandbox, &["verify", "--no-rebuild"]).code, 0);
    sandbox.write(FILE, "broken");
    let verified = tool(&sandbox, &["verify"]);
    assert!(verified.code == 1 && verified.stderr.contains("awsprov_templates.json:1:1"), "{verified:?}");
}

/// Two sandboxes with the same inputs, made at other places and times and in another order.
fn twins(make: fn() -> Sandbox) -> [Sandbox; 2] {
    let (first, mut second) = (make(), make());
    let mut entries: Vec<_> =
        fs::read_dir(second.root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for (age, path) in entries.iter().rev().enumerate() {
        let content = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        fs::write(path, content).unwrap();
        let age = Duration::from_hours(24 * (age as u64 + 1));
        File::options().append(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }
    let moved = second.path.join("somewhere/else entirely");
    fs::create_dir(second.path.join("somewhere")).unwrap();
    fs::rename(second.root(), &moved).unwrap();
    second.set("OHFP_CONFIG_DIR", moved);
    for (name, value) in [
        ("LC_ALL", "de_DE.UTF-8"),
        ("TZ", "Asia/Tokyo"),
        ("HOSTNAME", "other"),
        ("USER", "operator"),
        ("COLUMNS", "40"),
        ("NO_COLOR", "1"),
    ] {
        second.set(name, value);
    }
    let mut twins = [first, second];
    for sandbox in &mut twins {
        sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("snapshots/x.snapshot"));
    }
    twins
}

const MAKERS: [fn() -> Sandbox; 4] = [
    Sandbox::with_examples,
    || {
        let mut sandbox = Sandbox::with_fixture("small");
        sandbox.set("HF_PROVIDER_NAME", "awsinst");
        sandbox
    },
    || Sandbox::with_fixture("odd"),
    || Sandbox::with_fixture("default-names"),
];

#[test]
fn same_inputs_give_the_same_payload_anywhere() {
    for make in MAKERS {
        let [first, second] = twins(make);
        first.build();
        second.build();
        let [left, right] = [&first, &second].map(inspected);
        assert_eq!(left["payload_digest"], right["payload_digest"]);
        let sections = |report: &Value| {
            report["sections"]
                .as_array()
                .unwrap()
                .iter()
                .map(|section| section["xxh3"].to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(sections(&left), sections(&right));
        // What differs stands outside.
        assert_ne!(left["root"], right["root"]);
        // Once more, over an older generation.
        first.build();
        assert_eq!(inspected(&first)["payload_digest"], left["payload_digest"]);
    }
}

#[test]
fn sealed_snapshots_are_equal_and_outlive_their_sources() {
    const LINES: [&[&str]; 5] = [
        &["templates", "list"],
        &["templates", "list", "--format", "table"],
        &["config", "show"],
        &["providers", "show"],
        &["getAvailableTemplates", "-f", "in.json"],
    ];
    for make in MAKERS {
        let [mut first, second] = twins(make);
        for sandbox in [&first, &second] {
            let built = tool(sandbox, &["build", "--sealed"]);
            assert!(built.code == 0 && built.text().trim_end().ends_with(", sealed"), "{built:?}");
        }
        let bytes = snapshot(&first, "x.snapshot").unwrap();
        assert!(Some(&bytes) == snapshot(&second, "x.snapshot").as_ref(), "the sealed snapshots differ");
        let path = first.path.display().to_string();
        assert!(
            !bytes.windows(path.len()).any(|window| window == path.as_bytes()),
            "the root's path is in it"
        );

        first.input("in.json", "{}");
        let before = LINES.map(|line| first.run("ohfp-live", line));
        // Under plain names there is nothing ready-made for Host Factory.
        let plain =
            first.run("ohfp-live", &["config", "get", "scheduler.type"]).text().contains("\"default\"");
        fs::remove_dir_all(first.root()).unwrap();
        for name in ["OHFP_CONFIG_DIR", "HOME"] {
            first.unset(name);
        }
        first.set("HF_PROVIDER_NAME", "any");
        for (line, before) in LINES.iter().zip(&before) {
            if !plain || line.first() != Some(&"getAvailableTemplates") {
                assert_eq!(&first.runtime_alone(line), before, "{line:?}");
                assert_eq!(before.code, 0, "{line:?}");
            }
        }
        for (line, words) in [
            (&["check"][..], "fresh: |(sealed)"),
            (&["verify", "--no-rebuild"], "valid: "),
            (&["inspect"], "sealed: true"),
        ] {
            let ended = tool(&first, &[line, &["--snapshot", "snapshots/x.snapshot"]].concat());
            assert!(
                ended.code == 0 && words.split('|').all(|part| ended.text().contains(part)),
                "{line:?} {ended:?}"
            );
        }
    }
}

/// The container has the snapshot, named by its variable, and no configuration.
#[test]
fn the_snapshots_variable_is_enough_to_examine_it() {
    let mut sandbox = sandbox(&[("a", 1)]);
    assert_eq!(tool(&sandbox, &["build", "--sealed"]).code, 0);
    sandbox.unset("OHFP_CONFIG_DIR");
    for line in [&["check"][..], &["verify", "--no-rebuild"], &["inspect"]] {
        let ended = tool(&sandbox, line);
        assert_eq!(ended.code, 0, "{line:?} {ended:?}");
    }
}
