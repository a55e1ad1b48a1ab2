//! The documents: every command that they show runs and prints what they show, links lead somewhere, and each key,
//! page and development task that exists is in them.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ohfp_tests::{Sandbox, document, expect_none, repository};
use regex_lite::Regex;
use serde_json::Value;

fn page(name: &str) -> PathBuf {
    repository().join("docs/src").join(name)
}

/// A test for each page with commands, so that they run side by side.
macro_rules! pages {
    ($($test:ident: $name:literal,)+) => {
        $(#[test]
        fn $test() {
            assert!(document::check(&page($name)) > 0, "the page shows no command");
        })+

        const PAGES: &[&str] = &[$($name),+];
    };
}

pages! {
    commands: "commands.md",
    configuration: "configuration.md",
    install: "install.md",
    internals: "internals.md",
    migrating: "migrating.md",
    operating: "operating.md",
    simulator: "simulator.md",
    snapshot: "snapshot.md",
    templates: "templates.md",
}

#[test]
fn readme() {
    assert!(document::check(&repository().join("README.md")) > 0);
}

/// Every document of the repository for people.
fn documents() -> Vec<PathBuf> {
    let mut all = vec![repository().join("config/README.md")];
    for directory in [repository(), repository().join("docs/src")] {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        all.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    all.sort();
    all
}

#[test]
fn every_page_is_in_the_summary_and_runs_when_it_shows_commands() {
    let summary = fs::read_to_string(page("SUMMARY.md")).unwrap();
    for path in documents().iter().filter(|path| path.starts_with(repository().join("docs"))) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is not in the summary"
        );
        assert_eq!(
            text.contains("```console"),
            PAGES.contains(&name),
            "{name} and the list of pages that run"
        );
    }
}

/// The anchors of a page's headings, as GitHub and mdbook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let headings = text.lines().filter(move |line| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    });
    let anchor = |heading: &str| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let (mut faults, mut cases) = (Vec::new(), 0);
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            cases += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            if !file.exists() {
                faults.push(format!("{}: `{target}`: there is no such file", path.display()));
            } else if !anchor.is_empty() && !anchors(&fs::read_to_string(&file).unwrap()).contains(anchor) {
                faults.push(format!("{}: `{target}`: there is no such heading", path.display()));
            }
        }
    }
    expect_none(&faults, cases);
}

/// The dotted names of all values that are no objects with members.
fn leaves(value: &Value, name: String, into: &mut BTreeSet<String>) {
    match value.as_object().filter(|members| !members.is_empty()) {
        None => drop(into.insert(name)),
        Some(members) => {
            for (member, value) in members {
                let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                leaves(value, name, into);
            }
        }
    }
}

#[test]
fn every_key_is_documented() {
    let shown = Sandbox::with_fixture("empty").run("ohfp-live", &["config", "show"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let text = fs::read_to_string(page("configuration.md")).unwrap();
    let mut keys = BTreeSet::new();
    leaves(&shown, String::new(), &mut keys);
    let missing: Vec<String> = keys
        .iter()
        .filter(|key| {
            let short = key.strip_prefix("performance.").unwrap_or(key);
            // Members of a table are documented with it.
            let table = short.rsplit_once('.').map_or(short, |(table, _)| table);
            !text.contains(&format!("`{short}`")) && !text.contains(&format!("| `{table}` | `{{"))
        })
        .cloned()
        .collect();
    expect_none(&missing, keys.len());
}

#[test]
fn every_development_task_that_a_document_names_exists() {
    let source = fs::read_to_string(repository().join("xtask/src/main.rs")).unwrap();
    let task = Regex::new(r"cargo xtask ([a-z]+)").unwrap();
    let (mut faults, mut cases) = (Vec::new(), 0);
    for path in documents() {
        for found in task.captures_iter(&fs::read_to_string(&path).unwrap()) {
            cases += 1;
            if !source.contains(&format!("\n  {} ", &found[1])) {
                faults.push(format!("{}: {}", path.display(), &found[0]));
            }
        }
    }
    expect_none(&faults, cases);
}

/// A path that a document names in its text, of a file of this repository.
#[test]
fn source_files_that_documents_name_exist() {
    let named = Regex::new(
        r"`((?:crates|runtime|snapshot-builder|tests|xtask|docs|fuzz|config)/[A-Za-z0-9_./-]+\.[a-z]+)`",
    )
    .unwrap();
    let (mut faults, mut cases) = (Vec::new(), 0);
    for path in documents() {
        for found in named.captures_iter(&fs::read_to_string(&path).unwrap()) {
            cases += 1;
            if !Path::new(&repository().join(&found[1])).exists() {
                faults.push(format!("{}: `{}` does not exist", path.display(), &found[1]));
            }
        }
    }
    expect_none(&faults, cases);
}
