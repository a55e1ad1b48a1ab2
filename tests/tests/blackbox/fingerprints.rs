//! What a snapshot of the shipped examples holds, a line per section: a change of the product's texts
//! is reviewed as a change of `snapshots/fingerprints.csv`.

use std::fs;

use ohfp_tests::{Sandbox, repository};
use serde_json::Value;

#[test]
fn sections_of_the_examples_are_as_reviewed() {
    let sandbox = Sandbox::with_examples();
    let snapshot = sandbox.path.join("examples.snapshot");
    let path = snapshot.to_str().unwrap();
    let built = sandbox.run("ohfp-snapshot", &["build", "--sealed", "--output", path]);
    assert_eq!(built.code, 0, "{built:?}");
    let report = sandbox.run("ohfp-snapshot", &["inspect", "--json", "--snapshot", path]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    let mut lines = String::from("section,bytes,xxh3\n");
    for section in report["sections"].as_array().unwrap() {
        let text = |name: &str| section[name].as_str().unwrap_or_default().to_owned();
        lines.push_str(&format!("{},{},{}\n", text("name").trim(), section["bytes"], text("xxh3")));
    }
    let reviewed = repository().join("snapshots/fingerprints.csv");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&reviewed, &lines).unwrap();
    }
    let expected = fs::read_to_string(&reviewed).unwrap_or_default();
    let differing: Vec<_> =
        lines.lines().filter(|line| !expected.lines().any(|known| known == *line)).collect();
    assert!(
        expected == lines,
        "snapshots/fingerprints.csv differs in {differing:?}; after review: UPDATE_GOLDEN=1 cargo xtask test"
    );
}
