//! `ohfp-snapshot`: builds and examines snapshots. A file for each command.
//!
//! Exit codes: 0 on success (fresh, valid, equal); 1 if stale, damaged, different, or on an error; 2 for a
//! usage error.

mod build;
mod check;
mod compare;
mod rollback;
mod show;
mod target;
mod verify;

use std::io::{IsTerminal, Write};

use clap::{Parser, Subcommand};
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::terminal;
use ohfp_resolver::Environment;

use target::{Outcome, note};

/// Builds and examines the snapshots that ohfp answers from.
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
    /// The snapshot is replaced atomically; the previous one is kept beside it with the suffix
    /// `.previous`. On an error, the published snapshot stays unchanged.
    Build(build::Arguments),
    /// Check whether the snapshot is fresh: compare the content of every input; exit code 1 if it is
    /// stale.
    Check(check::Arguments),
    /// Check every byte, then rebuild in memory from the sources and compare.
    Verify(verify::Arguments),
    /// Restore the previous snapshot; a second rollback undoes the first.
    Rollback(rollback::Arguments),
    /// List the sections, sizes and inputs of the snapshot.
    Inspect(show::Arguments),
    /// Compare the catalogs of two snapshots; exit code 1 if they differ, 2 on an error.
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
            // As in `diff`: 1 means that the snapshots differ.
            if matches!(tool.command, Command::Diff(_)) { TROUBLE } else { code }
        }
    }
}

/// Prints help or version, or reports an error of the command line as `ohfp` does, and gives the exit code.
pub fn misunderstood(error: &clap::Error, env: &Environment) -> u8 {
    if !error.use_stderr() {
        return u8::from(error.print().is_err());
    }
    let styled = terminal::styled(|name| env.bytes(name), || std::io::stderr().is_terminal());
    note(&ohfp_cli::usage_error(error, styled));
    ErrorKind::Usage.exit_code()
}

/// Exit code of a comparison that failed.
const TROUBLE: u8 = 2;

fn report(errors: &[Error]) -> u8 {
    let text: String = errors.iter().map(|error| format!("error: {}\n", error.lines())).collect();
    note(&text);
    errors.first().map_or(1, |error| error.kind().exit_code())
}

/// Writes the document. A closed pipe counts as success.
fn print(document: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(document.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::System, "cannot write to standard output").cause(error))
        }
        _ => Ok(()),
    }
}
