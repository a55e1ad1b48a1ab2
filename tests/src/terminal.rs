//! A terminal of some width, and a person at it.

use serde_json::{Value, json};

use crate::{Ended, Sandbox, ended, program, repository};

/// What is done at the terminal.
#[derive(Clone, Debug)]
pub enum Step<'t> {
    /// Waits until this appears.
    Wait(&'t str),
    /// Types this.
    Type(&'t str),
    /// Ends the command.
    End,
}

/// Runs a command on a terminal of so many columns, with its standard streams on it. Standard output of the result is what
/// appeared there.
pub fn on_terminal(sandbox: &Sandbox, columns: u16, steps: &[Step<'_>], command: &[&str]) -> Ended {
    let steps: Vec<Value> = steps
        .iter()
        .map(|step| match step {
            Step::Wait(text) => json!({ "wait": text }),
            Step::Type(text) => json!({ "type": text }),
            Step::End => json!({ "end": true }),
        })
        .collect();
    let mut python = sandbox.command("python3");
    python.arg(repository().join("tests/tools/typing.py")).arg(columns.to_string());
    python.arg(Value::from(steps).to_string()).args(command).env("TERM", "xterm-256color");
    ended(&mut python)
}

/// What `ohfp` shows on a terminal of so many columns, without colors.
pub fn screen(sandbox: &Sandbox, columns: u16, line: &str) -> Ended {
    let path = program("ohfp");
    let mut command = vec!["env", "NO_COLOR=1", path.to_str().unwrap()];
    command.extend(line.split(' '));
    on_terminal(sandbox, columns, &[], &command)
}
