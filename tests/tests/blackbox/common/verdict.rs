//! What the programs say about one configuration: all of them the same, each problem once.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use ohfp_tests::{Ended, Sandbox, ended, program};
use serde_json::Value;

/// How a configuration is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is built, nothing is answered.
    Refused,
    /// Nothing is built and `validate` fails, but Host Factory gets its templates, which do not depend on it.
    Unneeded,
    /// Answered, with warnings for those who build or ask.
    Warned,
}

/// A sandbox whose snapshot has a directory of its own, with one published from `files`.
pub(crate) fn published(files: &[(&str, &str)]) -> Sandbox {
    let mut sandbox = Sandbox::with_files(files);
    sandbox.set("OHFP_SNAPSHOT", sandbox.path.join("snapshots/x.snapshot"));
    sandbox.input("in.json", "{}");
    sandbox.build();
    sandbox
}

/// What is wrong with how the configuration in `sandbox` is taken. Of each problem in `problems`, in
/// order, every program must say one thing that holds all the parts, which `|` separates.
pub(crate) fn fault(sandbox: &Sandbox, verdict: Verdict, problems: &[String]) -> Option<String> {
    let before = snapshots(sandbox);
    let built = bounded(sandbox, "ohfp-snapshot", &["build"]);
    let list = bounded(sandbox, "ohfp-live", &["templates", "list"]);
    let checked = bounded(sandbox, "ohfp-live", &["templates", "validate", "--lenient"]);
    let input = sandbox.path.join("in.json");
    let asked = bounded(
        sandbox,
        "ohfp-live",
        &[OsStr::new("getAvailableTemplates"), OsStr::new("-f"), input.as_os_str()],
    );
    let through = bounded(sandbox, "ohfp", &["templates", "list"]);
    judge(verdict, problems, [&built, &list, &checked, &asked])
        .or_else(|| (through != list).then(|| format!("ohfp {through:?}, but ohfp-live {list:?}")))
        .or_else(|| {
            let untouched = snapshots(sandbox) == before;
            (verdict != Verdict::Warned && !untouched)
                .then(|| "the snapshot's directory has changed".to_owned())
        })
}

fn judge(verdict: Verdict, problems: &[String], answers: [&Ended; 4]) -> Option<String> {
    let [built, list, checked, asked] = answers;
    let refused = verdict != Verdict::Warned;
    let messages = match messages(refused, &built.stderr) {
        Ok(messages) => messages,
        Err(line) => return Some(format!("build says {line:?} between its messages: {built:?}")),
    };
    let fits = |(message, problem): (&String, &String)| problem.split('|').all(|part| message.contains(part));
    if messages.len() != problems.len() || !messages.iter().zip(problems).all(fits) {
        return Some(format!("build says\n  {messages:?}, not\n  {problems:?}"));
    }
    let answered = verdict == Verdict::Unneeded && asked.code == 0;
    let agree: &[&Ended] = if answered { &[built, checked] } else { &[built, list, checked] };
    if agree.iter().any(|ended| ended.code != i32::from(refused)) {
        return Some(format!("exit codes differ from {refused}: {built:?}, {list:?}, {checked:?}"));
    }
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap_or_default();
    let severity = if refused { "error" } else { "warning" };
    let reported = report.get("findings").and_then(Value::as_array).into_iter().flatten().map(|finding| {
        let is = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
        if is("severity") == severity { is("message").to_owned() } else { String::new() }
    });
    let same = reported.eq(messages.iter().cloned());
    if !same || !checked.stderr.is_empty() || report.get("valid") != Some(&Value::Bool(!refused)) {
        return Some(format!("build says {messages:?}, validate {report}, stderr {:?}", checked.stderr));
    }
    if !refused {
        // Warnings would only fill a scheduler's log.
        return (!list.stderr.is_empty()).then(|| format!("templates list: {list:?}"));
    }
    if answered {
        // Lists for people may need more than Host Factory does.
        let said = self::messages(true, &list.stderr);
        return (list.code != 0 && said.as_ref() != Ok(&messages))
            .then(|| format!("templates list {list:?}"));
    }
    let said = self::messages(true, &list.stderr);
    if !built.stdout.is_empty() || !list.stdout.is_empty() || said.as_ref() != Ok(&messages) {
        return Some(format!("build {built:?}, templates list {list:?}"));
    }
    let answer: Value = serde_json::from_slice(&asked.stdout).unwrap_or_default();
    let told = answer.get("message").and_then(Value::as_str) == Some(&messages.join("; "));
    (asked.code != 1 || !told || answer.get("templates").is_some())
        .then(|| format!("Host Factory is told {asked:?}"))
}

/// The messages in what a program said, causes joined to them; the line that belongs to none.
fn messages(errors: bool, stderr: &str) -> Result<Vec<String>, String> {
    let heading = if errors { "error: " } else { "warning: " };
    let mut messages: Vec<String> = Vec::new();
    for line in stderr.lines() {
        let message = line.strip_prefix(heading);
        match (message, line.strip_prefix("  caused by: "), messages.last_mut()) {
            (Some(message), _, _) => messages.push(message.to_owned()),
            (None, Some(cause), Some(message)) => *message = format!("{message}: {cause}"),
            (None, None, Some(_)) if line.starts_with("  hint: ") => (),
            _ => return Err(line.to_owned()),
        }
    }
    Ok(messages)
}

/// Runs a program that could wait for ever if it is wrong.
fn bounded<A: AsRef<OsStr>>(sandbox: &Sandbox, name: &str, arguments: &[A]) -> Ended {
    ended(sandbox.command("timeout").args(["-k", "1", "60"]).arg(program(name)).args(arguments))
}

/// Everything in the snapshot's directory.
fn snapshots(sandbox: &Sandbox) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(sandbox.path.join("snapshots")).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| (entry.path(), fs::read(entry.path()).unwrap_or_default())).collect();
    files.sort();
    files
}
