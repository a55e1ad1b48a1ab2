//! `ohfp-snapshot`: makes and examines snapshots. A file per command.
//!
//! Exit codes: 0 done (fresh, sound, equal); 1 not (stale, damaged, different, or an error);
//! 2 wrong command line.

mod build;
mod check;
mod compare;
mod rollback;
mod show;
mod verify;

use std::ffi::{CString, OsStr};
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::locate;
use ohfp_snapshot_format::Snapshot;
use ohfp_snapshot_format::open::IoPolicy;

use ohfp_resolver::{Environment, location};

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

/// Which snapshot a command is about.
#[derive(Args, Clone, Debug)]
#[allow(clippy::doc_markdown, reason = "help texts, printed as they stand")]
struct Target {
    /// Configuration: a folder, or a config.json
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Snapshot file; by default OHFP_SNAPSHOT, else in HF_PROVIDER_WORKDIR, else in the cache directory
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
}

impl Target {
    /// The snapshot's path. Needs no configuration when the file is named.
    fn path(&self, env: &Environment) -> Result<PathBuf> {
        match &self.snapshot {
            Some(path) => Ok(path.clone()),
            // OHFP_SNAPSHOT is enough; only the other rules need to know the configuration.
            None => {
                match locate::snapshot_path(&location::lookup(env), None).filter(|_| self.config.is_none()) {
                    Some(path) => Ok(PathBuf::from(OsStr::from_bytes(path.as_bytes()))),
                    None => located(&location::find(self.config.as_deref(), None, env)?),
                }
            }
        }
    }
}

/// The snapshot's path of a place, or what to do when no rule gives one.
fn located(place: &location::ConfigLocation) -> Result<PathBuf> {
    place.snapshot.clone().ok_or_else(|| {
        Error::new(ErrorKind::Input, "no place for the snapshot")
            .cause("none of OHFP_SNAPSHOT, HF_PROVIDER_WORKDIR, HF_WORKDIR, XDG_CACHE_HOME and HOME is set")
            .hint("name a file in OHFP_SNAPSHOT")
    })
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

/// What a command says and how it ends.
struct Outcome {
    document: String,
    code: u8,
}

/// All that is wrong, not only the first of it.
type Outcomes = std::result::Result<Outcome, Vec<Error>>;

fn report(errors: &[Error]) -> u8 {
    let text: String = errors.iter().map(|error| format!("ohfp-snapshot: {error}\n")).collect();
    note(&text);
    errors.first().map_or(1, |error| error.kind().exit_code())
}

/// Writes to standard error; nobody is left to tell when that fails.
fn note(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
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

/// Opens a snapshot for examination.
fn open(path: &Path) -> Result<Snapshot> {
    let refused = |why: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Input, format!("snapshot `{}` {why}", path.display()))
            .hint("`ohfp-snapshot build` makes a new one")
    };
    let c_path = CString::new(path.as_os_str().as_bytes()).map_err(|error| refused(&error))?;
    // Read, not mapped: whoever cuts a mapped file short takes its reader down.
    Snapshot::open(&c_path, IoPolicy::Read).map_err(|refusal| match refusal {
        ohfp_snapshot_format::Refusal::Missing => {
            Error::new(ErrorKind::NotFound, format!("there is no snapshot at `{}`", path.display()))
                .hint("`ohfp-snapshot build` makes one")
        }
        refusal => refused(&refusal),
    })
}

/// Steps of a long build, on one line of a terminal that each step overwrites.
struct Progress {
    shown: bool,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        Self { shown: !quiet && std::io::stderr().is_terminal() }
    }

    fn step(&self, step: &str) {
        if self.shown {
            note(&format!("\r\x1b[K{step} …"));
        }
    }

    fn done(&self) {
        if self.shown {
            note("\r\x1b[K");
        }
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}
