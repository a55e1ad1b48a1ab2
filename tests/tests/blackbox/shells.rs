//! Completion in real shells, each on a terminal of its own. A shell that is not installed is left out.
#![expect(clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use ohfp_tests::terminal::{Step, on_terminal};
use ohfp_tests::{Ended, Sandbox, tree};

fn prepared() -> Sandbox {
    let mut sandbox = Sandbox::with_fixture("golden");
    let path = std::env::var("PATH").unwrap_or_default();
    sandbox.set("PATH", format!("{}:{path}", tree().join("bin").display()));
    sandbox.build();
    sandbox
}

/// Starts a shell with the script of the installed tree, types a line with Tab in it, and waits for what the shell makes of
/// it.
fn check(shell: &[&str], begin: &str, lines: &[(&str, &str)]) {
    if !std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|path| path.join(shell[0]).exists())
    {
        return;
    }
    let sandbox = prepared();
    for (typed, completed) in lines {
        let begin = format!("{begin}\n");
        let steps =
            [Step::Type(&begin), Step::Wait("READY"), Step::Type(typed), Step::Wait(completed), Step::End];
        let ended: Ended = on_terminal(&sandbox, 200, &steps, shell);
        assert_ne!(ended.code, 99, "{shell:?}: {typed:?} does not become {completed:?}: {}", ended.text());
    }
}

/// What is typed, and what appears then.
const LINES: [(&str, &str); 5] = [
    ("ohfp templates show secon\t", "ohfp templates show second-derived"),
    ("ohfp templ\t", "ohfp templates"),
    ("ohfp machines request secon\t", "ohfp machines request second-derived"),
    ("ohfp templates list --form\t", "ohfp templates list --format"),
    ("ohfp providers show aws-p\t", "ohfp providers show aws-prod"),
];

#[test]
fn bash() {
    let script = tree().join("share/bash-completion/completions/ohfp");
    let begin = format!("PS1='> '; source {}; echo REA''DY", script.display());
    check(&["bash", "--norc", "-i"], &begin, &LINES);
}

#[test]
fn zsh() {
    let functions = tree().join("share/zsh/site-functions");
    let begin = format!(
        "PS1='> '; fpath=({} $fpath); autoload -U compinit; compinit -u -D; echo REA''DY",
        functions.display()
    );
    check(&["zsh", "-f", "-i"], &begin, &LINES);
}

#[test]
fn fish() {
    let script = tree().join("share/fish/vendor_completions.d/ohfp.fish");
    let begin = format!("source {}; echo REA''DY", script.display());
    check(&["fish", "--no-config", "-i"], &begin, &LINES);
}

/// Elvish draws what has changed only, so the completed line is run, and its answer waited for.
#[test]
fn elvish() {
    let script = tree().join("share/elvish/lib/ohfp.elv");
    let begin =
        format!("set edit:prompt = {{ put '> ' }}; eval (slurp < {}); print REA; echo DY", script.display());
    check(
        &["elvish", "-norc"],
        &begin,
        &[
            ("ohfp templates show secon\t -o json\r", "\"templateId\": \"second-derived\""),
            ("ohfp templ\t show secon\t -o json\r", "\"templateId\": \"second-derived\""),
            ("ohfp providers show aws-p\t -o json\r", "\"name\": \"aws-prod\""),
        ],
    );
}

/// `PowerShell` is asked without a terminal; where it is not installed, the unit tests of the scripts must do.
#[test]
fn powershell() {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|path| path.join("pwsh").exists()) {
        return;
    }
    let sandbox = prepared();
    let script = tree().join("share/powershell/ohfp.ps1");
    for (typed, completed) in [("ohfp templates show secon", "second-derived"), ("ohfp templ", "templates")] {
        let asked = format!(
            ". {}; (TabExpansion2 '{typed}' {}).CompletionMatches.CompletionText",
            script.display(),
            typed.len()
        );
        let ended =
            sandbox.run("/usr/bin/env", &["pwsh", "-NoProfile", "-NonInteractive", "-Command", &asked]);
        assert!(ended.text().contains(completed), "{typed}: {ended:?}");
    }
}

#[test]
fn manual_pages_and_scripts_are_installed() {
    let share = tree().join("share");
    for file in [
        "man/man1/ohfp.1",
        "man/man1/ohfp-machines-return.1",
        "bash-completion/completions/ohfp",
        "zsh/site-functions/_ohfp",
        "fish/vendor_completions.d/ohfp.fish",
        "elvish/lib/ohfp.elv",
        "powershell/ohfp.ps1",
    ] {
        let text = std::fs::read_to_string(share.join(file)).unwrap_or_default();
        assert!(text.contains("ohfp"), "{file}");
    }
}

/// Ids come from the site that the line names, and a broken one has none.
#[test]
fn candidates_are_those_of_the_site() {
    let sandbox = prepared();
    let run = |words: &[&str]| {
        let words: Vec<&str> = std::iter::once("__complete").chain(words.iter().copied()).collect();
        let [runtime, live] = ["ohfp", "ohfp-live"].map(|program| sandbox.run(program, &words));
        assert_eq!(runtime, live, "{words:?}");
        assert!(live.code == 0 && live.stderr.is_empty(), "{live:?}");
        live.text()
    };
    assert!(run(&["templates", "show"]).starts_with("first-Typed\nsecond-derived\n"));
    assert!(run(&["config", "get"]).contains("scheduler.type\n"));
    assert!(run(&["providers", "show"]).starts_with("aws-prod\n"));
    assert!(run(&["machines", "show"]).starts_with("--"));
    assert!(run(&["--config", "/nonexistent", "templates", "show"]).starts_with("--"));
    assert!(run(&["templates", "list", "--output"]).ends_with(":files\n"));
    assert!(sandbox.runtime_alone(&["__complete", "templates", "show"]).code == 0);
}
