//! Style on and off terminals: the runtime decides as live does, and both as the rule says.
//!
//! `NO_COLOR`, then `CLICOLOR_FORCE`, then `CLICOLOR=0` or a dumb or unknown terminal, then whether
//! standard output is a terminal at all.

use std::path::{Path, PathBuf};

use ohfp_tests::{Ended, Sandbox, c_program, ended, expect_none, program};

type Variables = &'static [(&'static str, &'static str)];

/// Variables, whether output is a terminal, and whether it is to be styled.
const CASES: &[(Variables, bool, bool)] = &[
    (&[], false, false),
    (&[("TERM", "xterm-256color")], false, false),
    (&[("TERM", "xterm-256color")], true, true),
    (&[("TERM", "")], true, false),
    (&[], true, false),
    (&[("TERM", "dumb")], true, false),
    (&[("TERM", "xterm"), ("NO_COLOR", "1")], true, false),
    (&[("TERM", "xterm"), ("NO_COLOR", "0")], true, false),
    (&[("TERM", "xterm"), ("NO_COLOR", "")], true, true),
    (&[("TERM", "xterm"), ("CLICOLOR", "0")], true, false),
    (&[("TERM", "xterm"), ("CLICOLOR", "1")], true, true),
    (&[("CLICOLOR", "1")], false, false),
    (&[("CLICOLOR_FORCE", "1")], false, true),
    (&[("CLICOLOR_FORCE", "yes"), ("TERM", "dumb")], false, true),
    (&[("CLICOLOR_FORCE", "0")], false, false),
    (&[("CLICOLOR_FORCE", "0"), ("TERM", "xterm")], true, true),
    (&[("CLICOLOR_FORCE", ""), ("TERM", "xterm")], false, false),
    (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false, true),
    (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false),
];

/// Answers that have a styled form.
const STYLED: &[&str] = &[
    "--help",
    "-h",
    "help templates list",
    "templates list -h",
    "templates list --format table",
    "templates list --format table --long --limit 2 --offset 1",
    "templates show third_spot --format table",
    "config show --format table",
    "providers list --format table",
];

/// Answers that have none.
const PLAIN: &[&str] = &[
    "--version",
    "templates list --format json",
    "templates list --format yaml --long",
    "templates list --format list",
    "templates list --format table --no-color",
    "templates show third_spot --format json",
    "config show --format json",
    "completions bash",
];

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// Runs a program with its standard output on a terminal, or on a pipe.
fn run(
    sandbox: &Sandbox,
    tool: &Path,
    terminal: bool,
    name: &str,
    line: &str,
    variables: Variables,
) -> Ended {
    let path = program(name);
    let mut command = if terminal { sandbox.command(tool) } else { sandbox.command(&path) };
    if terminal {
        command.arg("1").arg(&path);
    }
    // A table on a screen is fitted to it, which is live's to do.
    let is_help = line.contains('h') && line.starts_with(['-', 'h'])
        || line.starts_with("completions")
        || line.ends_with("-h");
    if name == "ohfp" && (!terminal || is_help) {
        command.env("OHFP_LIVE", "/nonexistent");
    }
    ended(command.args(words(line)).envs(variables.iter().copied()))
}

fn prepared() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::with_fixture("golden");
    sandbox.build();
    let tool = c_program("terminal", &sandbox.path);
    (sandbox, tool)
}

#[test]
fn style_follows_the_rule() {
    let (sandbox, tool) = prepared();
    let mut faults = Vec::new();
    for (variables, terminal, expected) in CASES {
        for (lines, can_be) in [(STYLED, true), (PLAIN, false)] {
            for line in lines {
                let [alone, live] =
                    ["ohfp", "ohfp-live"].map(|name| run(&sandbox, &tool, *terminal, name, line, variables));
                let styled = live.stdout.contains(&0x1b);
                if alone != live || live.code != 0 || styled != (*expected && can_be) {
                    faults.push(format!(
                        "{variables:?}, terminal {terminal}: {line}\n  runtime {alone:?}\n  live    {live:?}"
                    ));
                }
            }
        }
    }
    expect_none(&faults, CASES.len() * (STYLED.len() + PLAIN.len()));
}

/// Escape sequences are all that styling adds.
#[test]
fn styled_text_is_the_plain_text() {
    let (sandbox, _) = prepared();
    for line in STYLED {
        let run = |value| {
            ended(sandbox.command(program("ohfp")).args(words(line)).env("CLICOLOR_FORCE", value)).text()
        };
        let (plain, styled) = (run("0"), run("1"));
        let mut stripped = String::new();
        for (number, piece) in styled.split("\x1b[").enumerate() {
            stripped.push_str(if number == 0 { piece } else { piece.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, plain, "{line}");
    }
}

/// A person at a terminal sees the warnings of the configuration, whichever program answers.
#[test]
fn warnings_are_seen_on_a_terminal() {
    let (sandbox, tool) = prepared();
    sandbox.write("config.json", r#"{"shceduler": {"type": "hostfactory"}}"#);
    sandbox.build();
    for line in ["scheduler show", "--help", "getAvailableTemplates -f in.json"] {
        sandbox.input("in.json", "{}");
        let run = |name: &str| ended(sandbox.command(&tool).args(["2"]).arg(program(name)).args(words(line)));
        assert_eq!(run("ohfp"), run("ohfp-live"), "{line}");
    }
}
