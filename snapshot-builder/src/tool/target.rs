//! What the commands share: which snapshot is meant, what a command says, and its progress.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_platform::locate;
use ohfp_resolver::{Environment, location};
use ohfp_snapshot_format::Snapshot;
use ohfp_snapshot_format::open::IoPolicy;

/// The form of an answer, in the options of `ohfp`.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Form {
    /// Print JSON
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    format: AnswerFormat,
}

/// A form that answers of this tool have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum AnswerFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON document
    Json,
}

impl Form {
    pub(super) fn is_json(self) -> bool {
        self.json || self.format == AnswerFormat::Json
    }
}

/// Options that select the snapshot.
#[derive(Args, Clone, Debug)]
#[expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]
pub(super) struct Target {
    /// Configuration directory, or a config.json
    #[arg(long, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,
    /// Snapshot file; by default OHFP_SNAPSHOT, else in HF_PROVIDER_WORKDIR, else in the cache directory
    #[arg(long, value_name = "FILE")]
    pub(super) snapshot: Option<PathBuf>,
}

impl Target {
    /// The snapshot's path. Needs no configuration when the file is named.
    pub(super) fn path(&self, env: &Environment) -> Result<PathBuf> {
        match &self.snapshot {
            Some(path) => Ok(path.clone()),
            // OHFP_SNAPSHOT suffices; only the other rules need the configuration.
            None => {
                match locate::snapshot_path(&location::lookup(env), None).filter(|_| self.config.is_none()) {
                    Some(path) => Ok(PathBuf::from(OsStr::from_bytes(path.as_bytes()))),
                    None => located(&location::find(self.config.as_deref(), None, env)?),
                }
            }
        }
    }
}

/// The path of the snapshot of a configuration; an error with a hint if no rule applies.
pub(super) fn located(place: &location::ConfigLocation) -> Result<PathBuf> {
    place.snapshot.clone().ok_or_else(|| {
        Error::new(ErrorKind::Input, "no path for the snapshot")
            .cause("none of OHFP_SNAPSHOT, HF_PROVIDER_WORKDIR, HF_WORKDIR, XDG_CACHE_HOME and HOME is set")
            .hint("name a file in OHFP_SNAPSHOT")
    })
}

/// Output and exit code of a command.
pub(super) struct Outcome {
    pub(super) document: String,
    pub(super) code: u8,
}

/// The result of a command, with all errors.
pub(super) type Outcomes = std::result::Result<Outcome, Errors>;

/// Writes a line to standard error and ignores errors: there is no other stream to report them to.
pub(super) fn note(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Opens a snapshot for examination.
pub(super) fn open(path: &Path) -> Result<Snapshot> {
    // Read, not mapped: truncating a mapped file kills its reader with SIGBUS.
    Snapshot::open_path(path, IoPolicy::Read).map_err(|refusal| match refusal {
        ohfp_snapshot_format::Refusal::Missing => {
            Error::new(ErrorKind::NotFound, format!("there is no snapshot at `{}`", path.display()))
                .hint("`ohfp-snapshot build` creates it")
        }
        refusal => Error::new(ErrorKind::Input, format!("snapshot `{}` {refusal}", path.display()))
            .hint("`ohfp-snapshot build` rebuilds it"),
    })
}

/// Steps of a long build, on one line of a terminal that each step overwrites.
pub(super) struct Progress {
    shown: bool,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { shown: !quiet && std::io::stderr().is_terminal() }
    }

    pub(super) fn step(&self, step: &str) {
        if self.shown {
            note(&format!("\r\x1b[K{step} …"));
        }
    }

    pub(super) fn done(&self) {
        if self.shown {
            note("\r\x1b[K");
        }
    }
}

/// Formats a size for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}
