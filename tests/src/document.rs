//! Markdown documents whose commands run: sessions of a shell with the output that each command prints.
//!
//! A fenced block of the language `console` is a part of its page's session: a line that begins with `$ ` is a
//! command (a trailing `\` continues it), the lines up to the next one are what it prints. All blocks of a page run in
//! one shell, in order. A line of `…` alone stands for any lines. What differs from run to run is masked on both
//! sides: ids, times, durations, sizes, addresses, paths of the sandbox, widths of columns.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use regex_lite::{Captures, Regex};

use crate::{Sandbox, ended, tree};

/// Any lines.
const ANY: &str = "…";
/// Set to rewrite the outputs that documents show instead of comparing them.
const UPDATE: &str = "UPDATE_DOCS";
/// Separates the outputs of commands; no command prints it.
const RECORD: char = '\u{1e}';

/// A command and the output that its page shows.
struct Shown<'t> {
    command: Vec<&'t str>,
    output: Vec<&'t str>,
    /// Number of the line behind the command, from 0.
    line: usize,
}

/// Runs every command of a page and compares what it prints; gives how many there are.
pub fn check(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let shown = sessions(&lines);
    let outputs = run(&shown);
    assert_eq!(outputs.len(), shown.len(), "{}: the shell ended early: {outputs:?}", path.display());
    let differing: Vec<(usize, Vec<String>)> = shown
        .iter()
        .zip(outputs)
        .enumerate()
        .filter(|(_, (shown, output))| !agree(&shown.output, output))
        .map(|(number, (_, output))| (number, output))
        .collect();
    if std::env::var_os(UPDATE).is_some() {
        rewrite(path, &lines, &shown, &differing);
    } else if let Some((number, output)) = differing.first() {
        let Shown { command, output: expected, line } = &shown[*number];
        panic!(
            "{}:{line}: {} commands print something else than shown ({UPDATE}=1 rewrites the page), the first of them:\n$ {}\n--- shown\n{}\n--- printed\n{}",
            path.display(),
            differing.len(),
            command.join("\n"),
            expected.join("\n"),
            output.join("\n")
        );
    }
    shown.len()
}

/// The commands of all `console` blocks.
fn sessions<'t>(lines: &[&'t str]) -> Vec<Shown<'t>> {
    let mut shown: Vec<Shown<'t>> = Vec::new();
    let (mut inside, mut continued) = (false, false);
    for (number, &line) in lines.iter().enumerate() {
        if line.starts_with("```") {
            inside = !inside && line == "```console";
            continued = false;
            continue;
        }
        if !inside {
            continue;
        }
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (None, Some(last)) if continued => {
                last.command.push(line);
                last.line = number + 1;
                continued = line.ends_with('\\');
            }
            (None, Some(last)) => last.output.push(line),
            (None, None) => panic!("line {}: output without a command", number + 1),
            (Some(command), _) => {
                shown.push(Shown { command: vec![command], output: Vec::new(), line: number + 1 });
                continued = command.ends_with('\\');
            }
        }
    }
    shown
}

/// Runs the commands in one shell; gives the lines that each printed on either stream.
fn run(shown: &[Shown<'_>]) -> Vec<Vec<String>> {
    let mut sandbox = Sandbox::empty();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", tree().join("bin").display());
    sandbox.set("PATH", path);
    let mut script = "exec 2>&1\n".to_owned();
    for shown in shown {
        script += &format!("printf '\\036'\n{}\n", shown.command.join("\n"));
    }
    let file = sandbox.input(".session", script);
    let directory = sandbox.path.join("work");
    fs::create_dir_all(&directory).unwrap();
    let mut shell: Command = sandbox.command("bash");
    let printed = ended(shell.arg(file).current_dir(&directory).stdin(Stdio::null()));
    let text = printed.text().replace(&directory.display().to_string(), "/srv");
    let text = text.replace(&sandbox.path.join("home").display().to_string(), "/home/grid");
    let text = text.replace(&tree().display().to_string(), "/opt/ohfp");
    text.split(RECORD).skip(1).map(|output| output.lines().map(str::to_owned).collect()).collect()
}

/// Whether output is as shown, but for what is masked.
fn agree(shown: &[&str], printed: &[String]) -> bool {
    let shown: Vec<String> = shown.iter().map(|line| mask(line)).filter(|line| !is_progress(line)).collect();
    let printed: Vec<String> =
        printed.iter().map(|line| mask(line)).filter(|line| !is_progress(line)).collect();
    matches(&shown, &printed)
}

fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == ANY => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((first, rest)) => {
            printed.split_first().is_some_and(|(line, left)| first == line && matches(rest, left))
        }
    }
}

/// How many lines of progress there are depends on the machine.
fn is_progress(line: &str) -> bool {
    line.starts_with("ohfp: ") && line.contains(" machines ") && line.ends_with(" N s")
}

/// The line with placeholders for what differs from run to run.
fn mask(line: &str) -> String {
    const MASKS: [(&str, &str); 19] = [
        (r"\b(req|ret)-[0-9a-f]{8}-[0-9a-f-]{27}\b", "$1-ID"),
        (r"\bi-[0-9a-f]{17}\b", "i-ID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"\d{8}T\d{9}Z", "TIME"),
        (r"\b[0-9a-f]{16}\b", "HASH"),
        (r"--store [0-9a-f]{32}\b", "--store ID"),
        (r"\b10-0-\d+-\d+\b", "ADDRESS"),
        (r"\b10\.0\.\d+\.\d+\b", "ADDRESS"),
        (r"\b\d+(\.\d+)? (s|ms|µs|bytes|KiB|MiB|GiB|TiB)\b", "N $2"),
        (r"^(bytes|log_bytes|only_in_log|free\w*|\w*_ms|\w*_bytes): .*", "$1: N"),
        (r#""(bytes|\w*_bytes|\w*_ms)": \d+"#, "\"$1\": N"),
        (r"file_system: \w+", "file_system: KIND"),
        // Whether there still is a log depends on how long the commands before took.
        (r#""kept": \[.*\]"#, "\"kept\": FILES"),
        (r"\b\d+\.\d+\b", "N"),
        (r"  +", " "),
        // Performance data of a plug-in of Nagios, and whether a busy host is within the limits.
        (r"=\d+(\.\d+)?(ms|s|MB|);", "=N;"),
        (r"^OHFP (OK|WARNING) - .* \|", "OHFP STATUS |"),
        // The last column of the table of components: growth of memory.
        (r"\bN N \d+$", "N N N"),
        // Those of the table of phases: page faults, allocations, growth of memory.
        (r"\bN N \d+ (\d+|-) -?\d+$", "N N N N N"),
    ];
    MASKS.iter().fold(line.trim_end().to_owned(), |line, (pattern, by)| {
        let pattern = Regex::new(pattern).unwrap();
        pattern.replace_all(&line, |found: &Captures<'_>| expand(found, by)).into_owned()
    })
}

fn expand(found: &Captures<'_>, by: &str) -> String {
    let mut text = String::new();
    found.expand(by, &mut text);
    text
}

/// Writes the page anew with what the commands printed.
fn rewrite(path: &Path, lines: &[&str], shown: &[Shown<'_>], differing: &[(usize, Vec<String>)]) {
    let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    for (number, output) in differing.iter().rev() {
        let Shown { line, output: before, .. } = &shown[*number];
        let quiet = output.iter().filter(|line| !is_progress(&mask(line))).cloned();
        lines.splice(*line..*line + before.len(), quiet);
    }
    fs::write(path, lines.join("\n") + "\n").unwrap();
}
