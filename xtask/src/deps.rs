//! `cargo xtask deps`: holds the direction of dependencies, which is what keeps the runtime small.
//!
//! The arrays here are the rules. A rule that fails names its array; changing the array is a
//! decision to be reviewed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xshell::cmd;

use crate::binaries;
use crate::project::{Project, Result, note, step};

/// Every crate that the runtime links, with why.
const RUNTIME_DEPENDENCIES: [&str; 13] = [
    "bytecheck",            // rkyv: validation of the archive
    "hashbrown",            // rkyv
    "libc",                 // system calls that std hides behind a heap
    "memmap2",              // private mapping of snapshots
    "munge",                // rkyv
    "ohfp-platform",        // system calls, locations, the rule for terminals
    "ohfp-snapshot-format", // the contract
    "ptr_meta",             // rkyv
    "rancor",               // rkyv
    "rend",                 // rkyv: little-endian numbers
    "rkyv",                 // the index
    "simdutf8",             // bytecheck
    "xxhash-rust",          // checksums of sections
];

/// Which of our packages each of our packages may depend on, in any way. What is not listed may not
/// be depended on by anybody: the programs, the tests and xtask are nobody's libraries.
const EDGES: [(&str, &[&str]); 11] = [
    ("ohfp-platform", &[]),
    ("ohfp-snapshot-format", &["ohfp-platform"]),
    ("ohfp", &["ohfp-platform", "ohfp-snapshot-format"]),
    ("ohfp-cli", &[]),
    ("ohfp-broker", &[]),
    ("ohfp-storage", &["ohfp-broker", "ohfp-platform"]),
    ("ohfp-provider-sim", &["ohfp-broker"]),
    ("ohfp-snapshot-builder", &["ohfp-broker", "ohfp-cli", "ohfp-platform", "ohfp-snapshot-format"]),
    (
        "ohfp-live",
        &[
            "ohfp-broker",
            "ohfp-cli",
            "ohfp-platform",
            "ohfp-provider-sim",
            "ohfp-snapshot-builder",
            "ohfp-snapshot-format",
            "ohfp-storage",
        ],
    ),
    ("ohfp-tests", &[]),
    ("xtask", &[]),
];

/// Versions that must not come back, by any way into Cargo.lock. deny.toml has the same with more
/// words; this is for machines without cargo-deny.
const REFUSED_VERSIONS: [(&str, Accepted, &str); 3] = [
    ("rkyv", Accepted::From((0, 8, 18)), "RUSTSEC-2026-0001, -0122, -0233, -0234, -0235: memory errors"),
    ("memmap2", Accepted::From((0, 9, 11)), "RUSTSEC-2026-0186: memory error"),
    ("bincode", Accepted::Only((2, 0, 1)), "RUSTSEC-2025-0141: unmaintained, and 3.0.0 is an empty package"),
];

type Version = (u64, u64, u64);

#[derive(Clone, Copy)]
enum Accepted {
    From(Version),
    Only(Version),
}

impl Accepted {
    fn contains(self, version: Version) -> bool {
        match self {
            Self::From(first) => version >= first,
            Self::Only(one) => version == one,
        }
    }
}

/// Checks all rules and reports every breach.
pub(crate) fn run(project: &Project) -> Result<()> {
    step("checking dependencies");
    let mut breaches = allowlist(&runtime_links(project)?);
    breaches.extend(edges(&project.metadata()?));
    breaches.extend(refused(&project.sh.read_file(project.root.join("Cargo.lock"))?));
    for breach in &breaches {
        note(format_args!("error: {breach}"));
    }
    if breaches.is_empty() {
        Ok(())
    } else {
        Err("the dependency rules are broken; they are in xtask/src/deps.rs".into())
    }
}

/// Names of the crates in the runtime, without itself. Procedural macros run in the compiler.
fn runtime_links(project: &Project) -> Result<BTreeSet<String>> {
    let cargo = Project::cargo();
    let mut command =
        cmd!(project.sh, "{cargo} tree --package ohfp --edges normal,no-proc-macro --prefix none");
    if let Some(target) = binaries::musl_target(project) {
        command = command.args(["--target", target]);
    }
    let tree = command.quiet().read()?;
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.filter(|name| *name != "ohfp").map(str::to_owned).collect())
}

fn allowlist(links: &BTreeSet<String>) -> Vec<String> {
    let allowed: BTreeSet<String> = RUNTIME_DEPENDENCIES.map(str::to_owned).into();
    let extra = links.difference(&allowed).map(|name| {
        format!("the runtime links `{name}`; drop it, or add it to RUNTIME_DEPENDENCIES with its reason")
    });
    // A list that allows more than is used would let things in unseen.
    let unused = allowed
        .difference(links)
        .map(|name| format!("the runtime no longer links `{name}`; remove it from RUNTIME_DEPENDENCIES"));
    extra.chain(unused).collect()
}

fn edges(metadata: &Value) -> Vec<String> {
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |value: &Value| value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let packages = list(metadata, "packages");
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into();

    let mut breaches = Vec::new();
    for package in &packages {
        let from = name(package);
        let Some(may) = allowed.get(from.as_str()) else {
            breaches.push(format!("the package `{from}` is not in EDGES; add it with what it may depend on"));
            continue;
        };
        let wanted = list(package, "dependencies");
        for to in wanted
            .iter()
            .map(name)
            .filter(|to| *to != from && ours.contains(to) && !may.contains(&to.as_str()))
        {
            breaches.push(format!("`{from}` depends on `{to}`, which EDGES does not allow"));
        }
    }
    breaches
}

/// Reads the lock file line by line: in each `[[package]]`, `name` comes right before `version`.
fn refused(lock: &str) -> Vec<String> {
    let value = |line: &str, key: &str| {
        line.strip_prefix(key)
            .and_then(|rest| rest.strip_prefix(" = \""))
            .and_then(|rest| rest.strip_suffix('"'))
            .map(str::to_owned)
    };
    let mut breaches = Vec::new();
    let mut name = None;
    for line in lock.lines() {
        if let Some(found) = value(line, "name") {
            name = Some(found);
        } else if let (Some(version), Some(name)) = (value(line, "version"), name.take()) {
            for (_, accepted, why) in REFUSED_VERSIONS.iter().filter(|(refused, ..)| *refused == name) {
                if !parse(&version).is_some_and(|version| accepted.contains(version)) {
                    breaches.push(format!(
                        "Cargo.lock has {name} {version}, which REFUSED_VERSIONS refuses ({why})"
                    ));
                }
            }
        }
    }
    breaches
}

/// A pre-release counts as what comes before it, so it is not a version here.
fn parse(version: &str) -> Option<Version> {
    let mut numbers = version.split('+').next()?.splitn(3, '.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_advisories_are_refused() {
        let check = |name: &str, version: &str, accepted: bool| {
            let lock = format!("version = 4\n\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
            assert_eq!(refused(&lock).is_empty(), accepted, "{name} {version}");
        };
        check("rkyv", "0.8.17", false);
        check("rkyv", "0.8.18", true);
        check("rkyv", "0.9.0", true);
        check("rkyv", "0.8.18-rc.1", false);
        check("rkyv", "0.7.46", false);
        check("memmap2", "0.9.10", false);
        check("memmap2", "0.9.12+build", true);
        check("bincode", "1.3.3", false);
        check("bincode", "2.0.1", true);
        check("bincode", "3.0.0", false);
        check("serde", "1.0.0", true);
    }

    #[test]
    fn forbidden_edges_are_named() {
        let check = |from: &str, to: &str, breaches: usize| {
            let metadata = serde_json::json!({ "packages": [
                { "name": from, "dependencies": [{ "name": to, "kind": "dev" }, { "name": "serde" }] },
                { "name": to, "dependencies": [] },
            ] });
            assert_eq!(edges(&metadata).len(), breaches, "{from} {to}");
        };
        check("ohfp", "ohfp-snapshot-format", 0);
        check("ohfp", "ohfp-broker", 1);
        check("ohfp-tests", "ohfp-live", 1);
        check("ohfp-cli", "ohfp-new", 2);
    }

    #[test]
    fn allowlist_is_exact() {
        let mut links: BTreeSet<String> = RUNTIME_DEPENDENCIES.map(str::to_owned).into();
        assert!(allowlist(&links).is_empty());
        links.remove("rkyv");
        links.insert("clap".to_owned());
        assert_eq!(allowlist(&links).len(), 2);
    }
}
