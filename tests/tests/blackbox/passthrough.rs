//! Passthrough equality: what the runtime answers itself, it answers byte for byte as `ohfp-live` does.
//!
//! Every invocation that a snapshot can answer, in every format, plain and styled, for
//! configurations of different shape. The runtime has no live program to fall back on here, so an
//! answer that it leaves to live fails the test too.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;

use ohfp_tests::{Ended, Sandbox, catalog, command_paths, ended, expect_none, program};
use serde_json::Value;

type Line = Vec<String>;

/// The environments that decide about style. Terminals are the subject of another file.
const STYLES: [&[(&str, &str)]; 3] = [&[], &[("CLICOLOR_FORCE", "1")], &[("NO_COLOR", "1")]];
const FORMATS: [&str; 4] = ["json", "yaml", "table", "list"];

fn line(text: &str) -> Line {
    text.split(' ').map(str::to_owned).collect()
}

/// Builds the snapshot and compares all that it should answer.
fn check(sandbox: &mut Sandbox) {
    sandbox.build();
    let ids = template_ids(sandbox);
    let mut lines = list_lines(ids.len());
    lines.extend(show_lines(&ids));
    lines.extend(document_lines(sandbox));
    // What a shell completes with ids of templates.
    lines.extend(
        ["__complete templates show", "__complete template show", "__complete machines request"].map(line),
    );
    // An empty list is an error to Host Factory, and under other names than its own there is nothing
    // ready-made for it.
    let scheduler = document(sandbox, "scheduler show");
    if !ids.is_empty() && scheduler["name"] == "hostfactory" {
        lines.extend(host_factory_lines(sandbox));
    }
    compare(sandbox, &lines);
}

/// Compares both programs on each of these lines, in each style.
fn compare(sandbox: &mut Sandbox, lines: &[Line]) {
    let (mut faults, mut compared) = (Vec::new(), 0);
    for (number, style) in STYLES.into_iter().enumerate() {
        for (name, value) in style {
            sandbox.set(name, *value);
        }
        // Plain, every line; in the other styles the lines take turns, since spelling and style do not meet.
        let step = if number == 0 { 1 } else { STYLES.len() };
        for line in lines.iter().skip(number).step_by(step) {
            compared += 1;
            let (alone, live) = (sandbox.runtime_alone(line), sandbox.run("ohfp-live", line));
            faults.extend(fault(&format!("{style:?} {line:?}"), &alone, &live));
        }
        for (name, _) in style {
            sandbox.unset(name);
        }
    }
    expect_none(&faults, compared);
}

/// A difference, on a few lines.
fn fault(what: &str, alone: &Ended, live: &Ended) -> Option<String> {
    if alone == live && live.code == 0 {
        return None;
    }
    let at = alone.stdout.iter().zip(&live.stdout).position(|(left, right)| left != right);
    Some(format!("{what} (first difference at {at:?})\n  runtime {alone:?}\n  live    {live:?}"))
}

/// What live answers, parsed.
fn document(sandbox: &Sandbox, words: &str) -> Value {
    serde_json::from_slice(&sandbox.run("ohfp-live", &line(words)).stdout).unwrap()
}

fn template_ids(sandbox: &Sandbox) -> Vec<String> {
    let list = document(sandbox, "templates list");
    let templates = list["templates"].as_array().unwrap();
    let id = |template: &Value| {
        template.get("templateId").or(template.get("template_id")).unwrap().as_str().map(str::to_owned)
    };
    templates.iter().map(|template| id(template).unwrap()).collect()
}

fn help_lines(sandbox: &Sandbox) -> Vec<Line> {
    let paths = command_paths(sandbox);
    // Any fewer, and the help texts were not understood.
    assert!(paths.len() > 30, "{paths:?}");
    let mut lines = vec![line("--version"), line("-V")];
    for path in paths {
        let words = |before: &[&str], after: &[&str]| -> Line {
            let (before, after) = (before.iter().copied(), after.iter().copied());
            before.chain(path.iter().map(String::as_str)).chain(after).map(str::to_owned).collect()
        };
        lines.extend([words(&[], &["--help"]), words(&[], &["-h"]), words(&["help"], &[])]);
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        lines.extend([
            line(&format!("completions {shell}")),
            line(&format!("completions {shell} --no-color")),
        ]);
    }
    lines
}

/// Where `--format` and `--no-color` may stand.
fn spelled(words: &str, format: &str, rest: &str) -> Vec<Line> {
    let (group, action) = words.split_once(' ').unwrap();
    let all = [
        format!("{words} --format {format}{rest}"),
        format!("{words} --format={format}{rest}"),
        format!("--format {format} {words}{rest}"),
        format!("--format={format} {words}{rest}"),
        format!("{group} --format {format} {action}{rest}"),
        format!("--no-color {words}{rest} --format {format}"),
        format!("{group} --no-color {action}{rest} --format={format}"),
    ];
    all.iter().map(|text| line(text)).collect()
}

fn list_lines(count: usize) -> Vec<Line> {
    let mut lines =
        vec![line("templates list"), line("template list --no-color"), line("templates list --offset 0")];
    let mut pages: Vec<(Option<usize>, usize)> = Vec::new();
    if count > 0 {
        let last = count - 1;
        pages = vec![(Some(1), 0), (Some(count), 0), (Some(1), last), (Some(999_999_999), 0), (None, last)];
        pages.extend([(Some(2), count / 2), (Some(count + 1), count / 2), (None, count / 2)]);
    }
    for format in FORMATS {
        lines.extend(spelled("templates list", format, ""));
        lines.extend(spelled("template list", format, " --long"));
        for (limit, offset) in &pages {
            let limit = limit.map_or_else(String::new, |limit| format!(" --limit {limit}"));
            lines.push(line(&format!("templates list --format {format}{limit} --offset {offset}")));
            lines.push(line(&format!("--format {format} template list --offset 00{offset} --long{limit}")));
            lines.push(line(&format!(
                "templates list --no-color --long{limit} --offset {offset} --format={format}"
            )));
        }
    }
    lines
}

fn show_lines(ids: &[String]) -> Vec<Line> {
    let mut lines = Vec::new();
    // An id that looks like an option is not for the runtime.
    for (number, id) in ids.iter().filter(|id| !id.starts_with('-')).enumerate() {
        for format in FORMATS {
            if number < 3 {
                lines.extend(spelled("templates show", format, &format!(" {id}")));
            }
            lines.push(line(&format!("template show --format {format} {id}")));
        }
        lines.push(line(&format!("templates show {id}")));
    }
    lines
}

/// `config show` and the groups whose entries are found by listing them.
fn document_lines(sandbox: &Sandbox) -> Vec<Line> {
    // Where the store is depends on variables, so `storage show` is in no snapshot.
    let mut commands = vec!["config show".to_owned(), "storage list".to_owned()];
    for group in ["providers", "provider", "scheduler"] {
        let listed = document(sandbox, &format!("{group} list"));
        commands.extend([format!("{group} list"), format!("{group} show")]);
        let entries = listed.as_object().unwrap().values().next().unwrap().as_array().unwrap();
        assert!(!entries.is_empty(), "{group}");
        commands
            .extend(entries.iter().map(|entry| format!("{group} show {}", entry["name"].as_str().unwrap())));
    }
    let mut lines: Vec<Line> = commands.iter().map(|command| line(command)).collect();
    // The spellings take turns; all of each would take minutes.
    let all = commands.iter().flat_map(|command| FORMATS.map(|format| spelled(command, format, "")));
    lines.extend(all.enumerate().map(|(number, mut spellings)| spellings.remove(number % spellings.len())));
    lines
}

/// Contents of an input file that ask nothing special.
const INPUTS: [&str; 6] =
    ["{}", "{}\n", " { } ", "{\r\n}\r\n", "\n\t{\n\t}\n\n", "{                                    }"];

fn host_factory_lines(sandbox: &Sandbox) -> Vec<Line> {
    let input = |(number, content): (usize, &&str)| {
        let path = sandbox.input(&format!("in {number}.json"), content);
        vec!["getAvailableTemplates".to_owned(), "-f".to_owned(), path.to_str().unwrap().to_owned()]
    };
    let relative = vec!["getAvailableTemplates".to_owned(), "-f".to_owned(), "in 0.json".to_owned()];
    INPUTS.iter().enumerate().map(input).chain([relative]).collect()
}

/// Help and completions depend on no configuration, so that one is enough.
#[test]
fn help_and_completions() {
    let mut sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let lines = help_lines(&sandbox);
    compare(&mut sandbox, &lines);
}

#[test]
fn shipped_examples() {
    check(&mut Sandbox::with_examples());
}

/// As Host Factory calls: its own variables, its own file names, the snapshot in its work directory.
#[test]
fn under_host_factory() {
    let mut sandbox = Sandbox::with_fixture("small");
    sandbox.unset("OHFP_CONFIG_DIR");
    for (name, value) in
        [("HF_PROVIDER_CONFDIR", sandbox.root()), ("HF_PROVIDER_WORKDIR", sandbox.path.clone())]
    {
        sandbox.set(name, value);
    }
    sandbox.set("HF_PROVIDER_NAME", "awsinst");
    check(&mut sandbox);
}

#[test]
fn default_names() {
    let mut sandbox = Sandbox::with_fixture("default-names");
    sandbox.set("OHFP_TEST_ZONE", "zone of the test");
    check(&mut sandbox);
}

#[test]
fn golden_fixture() {
    check(&mut Sandbox::with_fixture("golden"));
}

#[test]
fn no_templates() {
    check(&mut Sandbox::with_fixture("empty"));
}

#[test]
fn one_template() {
    check(&mut Sandbox::with_fixture("one"));
}

/// Text that terminals, YAML and tables could stumble over.
#[test]
fn odd_texts() {
    check(&mut Sandbox::with_fixture("odd"));
}

/// Sections beyond the size from which they are brought in by another way; both ways to read a file.
#[test]
fn large_catalog() {
    let mut sandbox = Sandbox::with_files(&[("awsprov_templates.json", &catalog(3000))]);
    sandbox.build();
    for access in ["auto", "mmap", "read"] {
        sandbox.set("OHFP_SNAPSHOT_IO", access);
        let mut lines = show_lines(&["t-002999".to_owned()]);
        for format in FORMATS {
            for rest in ["", " --long", " --limit 2500 --offset 3", " --limit 2 --offset 2998 --long"] {
                lines.push(line(&format!("templates list --format {format}{rest}")));
            }
        }
        lines.extend(host_factory_lines(&sandbox));
        let faults: Vec<String> = lines
            .iter()
            .filter_map(|line| {
                fault(&format!("{line:?}"), &sandbox.runtime_alone(line), &sandbox.run("ohfp-live", line))
            })
            .collect();
        expect_none(&faults, lines.len());
    }
}

/// By a link's name the program is the script, wherever the link lies.
#[test]
fn by_script_name() {
    let sandbox = Sandbox::with_examples();
    sandbox.build();
    let directory = sandbox.path.join("the scripts");
    std::fs::create_dir(&directory).unwrap();
    sandbox.input("in.json", "{}");
    let check = |name: &str| {
        let link = directory.join(name);
        symlink(program("ohfp"), &link).unwrap();
        for argv0 in [link.as_os_str(), link.file_name().unwrap()] {
            let alone = ended(
                sandbox.command(&link).arg0(argv0).args(["-f", "in.json"]).env("OHFP_LIVE", "/nonexistent"),
            );
            let live = ended(sandbox.command(program("ohfp-live")).arg0(argv0).args(["-f", "in.json"]));
            assert_eq!(fault(name, &alone, &live), None);
            assert_eq!(live, sandbox.run("ohfp-live", &["getAvailableTemplates", "-f", "in.json"]), "{name}");
        }
    };
    check("getAvailableTemplates.sh");
    check("getAvailableTemplates");
}
