//! Damaged snapshots: whatever happened to the file, `ohfp` answers as `ohfp-live` does.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::{Ended, Sandbox, expect_none};
use serde_json::Value;

const LINES: [&[&str]; 6] = [
    &["--help"],
    &["templates", "list"],
    &["templates", "list", "--format", "table", "--limit", "2", "--offset", "1"],
    &["templates", "show", "OnDemand-M6i-Large"],
    &["config", "show", "--format", "yaml"],
    &["getAvailableTemplates", "-f", "in.json"],
];

struct Case {
    sandbox: Sandbox,
    sound: Vec<u8>,
    /// What `ohfp-live` says to each line.
    expected: [Ended; LINES.len()],
}

fn case() -> Case {
    let mut sandbox = Sandbox::with_examples();
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("x.snapshot"));
    // Or the first answer would repair the file.
    sandbox.set("OHFP_SNAPSHOT_REFRESH", "manual");
    sandbox.input("in.json", "{}");
    sandbox.build();
    let sound = fs::read(sandbox.path.join("x.snapshot")).unwrap();
    let expected = LINES.map(|line| sandbox.run("ohfp-live", line));
    assert!(expected.iter().all(|ended| ended.code == 0), "{expected:?}");
    Case { sandbox, sound, expected }
}

/// Puts each content in the snapshot's place and compares, mapped and read.
fn check(case: &mut Case, contents: impl Iterator<Item = (String, Vec<u8>)>) {
    let (mut faults, mut cases) = (Vec::new(), 0);
    for (number, (what, content)) in contents.enumerate() {
        fs::write(case.sandbox.path.join("x.snapshot"), content).unwrap();
        case.sandbox.set("OHFP_SNAPSHOT_IO", if number % 2 == 0 { "mmap" } else { "read" });
        for (line, expected) in LINES.iter().zip(&case.expected) {
            let ended = case.sandbox.run("ohfp", line);
            if ended != *expected {
                faults.push(format!("{what}, {line:?}: {ended:?}"));
            }
        }
        cases += LINES.len();
    }
    expect_none(&faults, cases);
}

#[test]
fn flipped_bits() {
    let mut case = case();
    let sound = case.sound.clone();
    let number =
        |at: usize| usize::try_from(u64::from_le_bytes(sound[at..at + 8].try_into().unwrap())).unwrap();
    // Stamps and index are described at 48 and 72 of the header.
    let [stamps, index] = [48, 72].map(number);
    let sections = index + number(80);
    let mut positions: Vec<usize> = (0..256).step_by(11).collect();
    positions.extend((stamps..index).step_by((index - stamps) / 10));
    positions.extend((index..sections).step_by((sections - index) / 30));
    positions.extend((sections..sound.len()).step_by((sound.len() - sections) / 60));
    // The very bytes that are asked for.
    let report: Value =
        serde_json::from_slice(&case.sandbox.run("ohfp-snapshot", &["inspect", "--json"]).stdout).unwrap();
    for section in report["sections"].as_array().unwrap() {
        let name = section["name"].as_str().unwrap();
        if ["templates", "config show yaml", "help --help  plain"].iter().any(|start| name.starts_with(start))
        {
            positions.push(usize::try_from(section["offset"].as_u64().unwrap()).unwrap());
        }
    }
    let flipped = positions.iter().enumerate().map(|(number, position)| {
        let mut content = sound.clone();
        content[*position] ^= 1 << (number % 8);
        (format!("byte {position} flipped"), content)
    });
    check(&mut case, flipped.collect::<Vec<_>>().into_iter());
}

#[test]
fn cut_and_grown_files() {
    let mut case = case();
    let sound = case.sound.clone();
    let len = sound.len();
    let mut lengths = vec![0, 1, 7, 8, 12, 255, 256, 257, 4095, 4096, 4097, len - 4096, len - 1];
    lengths.extend((0..len).step_by(len / 20));
    let cut = lengths.into_iter().map(|length| (format!("cut to {length}"), sound[..length].to_vec()));
    let grown =
        [1, 4096].map(|more| (format!("{more} bytes too long"), [&sound[..], &vec![0; more]].concat()));
    // A hole where a block never reached the disk.
    let holes = (0..len / 4096).step_by(7).map(|block| {
        let mut content = sound.clone();
        content[block * 4096..(block + 1) * 4096].fill(0);
        (format!("block {block} is empty"), content)
    });
    check(&mut case, cut.chain(grown).chain(holes).collect::<Vec<_>>().into_iter());
}

#[test]
fn other_files() {
    let mut case = case();
    let others = [
        ("text", b"{\"templates\": []}\n".repeat(1000)),
        ("zeros", vec![0; 1 << 20]),
        ("ones", vec![0xff; 1 << 20]),
        ("a program", fs::read(ohfp_tests::program("ohfp")).unwrap()),
        ("its own second half", case.sound[case.sound.len() / 2..].to_vec()),
        ("itself as text", String::from_utf8_lossy(&case.sound).into_owned().into_bytes()),
        ("itself with other line ends", case.sound.iter().copied().filter(|byte| *byte != b'\r').collect()),
    ];
    check(&mut case, others.into_iter().map(|(what, content)| (what.to_owned(), content)));
}

/// A length that no memory holds is not believed.
#[test]
fn sparse_giants() {
    let mut case = case();
    let path = case.sandbox.path.join("x.snapshot");
    for (io, size) in [("mmap", 3 << 30), ("mmap", 1 << 40), ("read", 1 << 40)] {
        case.sandbox.set("OHFP_SNAPSHOT_IO", io);
        fs::File::options().write(true).open(&path).unwrap().set_len(size).unwrap();
        for (line, expected) in LINES.iter().zip(&case.expected) {
            assert_eq!(case.sandbox.run("ohfp", line), *expected, "{io} {size} {line:?}");
        }
    }
}
