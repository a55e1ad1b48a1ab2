//! `ohfp-snapshot`: makes and examines snapshots. A file per command.
//!
//! Exit codes: 0 done (fresh, sound, equal); 1 not (stale, damaged, different, or an error);
//! 2 wrong command line.

mod build;
mod check;
mod compare;
mod rollback;
mod show;
mod target;
mod verify;

use std::io::Write;

use clap::{Parser, Subcommand};
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_resolver::Environment;

use target::{Outcome, note};

/// Makes and examines the snapshots that ohfp answers from.
#[derive(Debug, Parser)]
#[command(name = "ohfp-snapshot", version, max_term_width = 100)]
pub struct Tool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read the configuration and publish a snapshot of it.
    ///
    /// The snapshot appears whole or not at all; the one before it is kept beside it with the
    /// suffix `.previous`. On any error nothing is changed.
    Build(build::Arguments),
    /// Is the snapshot fresh? Compares the content of every input; exit code 1 when it is not.
    Check(check::Arguments),
    /// Check every byte, then rebuild in memory from the sources and compare.
    Verify(verify::Arguments),
    /// Exchange the snapshot with the generation before it.
    Rollback(rollback::Arguments),
    /// List sections, sizes, inputs and where the snapshot comes from.
    Inspect(show::Arguments),
    /// Compare the catalogs of two snapshots; exit code 1 when they differ, 2 when that cannot be told.
    Diff(compare::Arguments),
}

/// Runs the tool and gives its exit code.
pub fn run(tool: &Tool, env: &Environment) -> u8 {
    let result = match &tool.command {
        Command::Build(arguments) => build::run(arguments, env),
        Command::Check(arguments) => check::run(arguments, env),
        Command::Verify(arguments) => verify::run(arguments, env),
        Command::Rollback(arguments) => rollback::run(arguments, env),
        Command::Inspect(arguments) => show::run(arguments, env),
        Command::Diff(arguments) => compare::run(arguments),
    };
    match result {
        Ok(Outcome { document, code }) => match print(&document) {
            Ok(()) => code,
            Err(error) => report(&[error]),
        },
        Err(errors) => {
            let code = report(&errors);
            // As diff has it: 1 says that they differ.
            if matches!(tool.command, Command::Diff(_)) { TROUBLE } else { code }
        }
    }
}

/// Exit code of a comparison that failed.
const TROUBLE: u8 = 2;

fn report(errors: &[Error]) -> u8 {
    let text: String = errors.iter().map(|error| format!("ohfp-snapshot: {error}\n")).collect();
    note(&text);
    errors.first().map_or(1, |error| error.kind().exit_code())
}

/// Writes the one document. A reader that has gone is success.
fn print(document: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(document.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::System, "cannot write to standard output").cause(error))
        }
        _ => Ok(()),
    }
}
