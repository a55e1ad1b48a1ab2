//! The command group `storage`: the store of requests and machines.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::style::examples;

/// `storage …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum StorageCommand {
    /// List the known stores
    ///
    /// The configured one is marked.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("As a table", "ohfp storage list --format table")]))]
    List,

    /// Show one store and where it is
    ///
    /// Shows the file of this instance's store, and which variable names it. Does not open it.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The configured one", "ohfp storage show"),
        ("One by its name", "ohfp storage show sqlite --format yaml"),
    ]))]
    Show {
        /// Name of the store [default: the configured one]
        name: Option<String>,
    },

    /// Check whether the store can be read and written
    ///
    /// Shows its path, version, size, journal and free space. Exits with 1 when it cannot be used.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("At a glance", "ohfp storage health --format list")]))]
    Health,

    /// Check everything that the store holds
    ///
    /// Reads the whole store: its pages, its indices, and whether requests and machines are
    /// consistent.
    /// Changes nothing. Exits with 1 when something is wrong.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("All findings", "ohfp storage validate --format list")]))]
    Validate,

    /// Write, read and remove a record
    ///
    /// Does what a request does, with a record that it removes again, and shows how long each step took.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("The steps and their times", "ohfp storage test --format table")]))]
    Test,

    /// Count what the store holds
    ///
    /// Requests and machines by their state, the size of the files, and the oldest record.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("The counts", "ohfp storage metrics --format list")]))]
    Metrics,

    /// Create an empty store
    ///
    /// The first request for machines does so by itself. Where something speaks of an older store, ohfp
    /// takes the store for missing: then mount its file system or restore a backup. Only when
    /// the old one is lost for good, create a new one with this; it keeps what is left under other names.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("A new beginning", "ohfp storage init")]))]
    Init,

    /// Copy the store into a file while it is in use
    ///
    /// The copy is one state of the store, whatever other processes write meanwhile, and carries the sum
    /// of its content. Never copy ohfp.db by other means: what was written last is in its log. A file
    /// that exists is not replaced.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("A copy with today's date", "ohfp storage backup ohfp-$(date +%F).db")]))]
    Backup {
        /// File to write
        file: PathBuf,
    },

    /// Put a backup in the place of the store
    ///
    /// Checks the backup first, and keeps the files of the store under other names. Shows since when
    /// machines may exist that the restored store does not know.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("What storage backup wrote", "ohfp storage restore ohfp-2026-11-27.db"),
        ("What is left of a store without its log", "ohfp storage restore ohfp.db --unverified"),
    ]))]
    Restore {
        /// File to read
        file: PathBuf,

        /// Take a file without a digest, such as a plain copy of ohfp.db
        #[arg(long)]
        unverified: bool,
    },

    /// Migrate the store to the schema of this version
    ///
    /// Every command does so by itself; this one does it ahead of time. With --dry-run, shows what
    /// would be changed.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("What would be changed?", "ohfp storage migrate --dry-run")]))]
    Migrate {
        /// Show what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
    },

    /// Write everything that the store holds into a file, as JSON
    ///
    /// Any version of ohfp reads it with storage import, whatever its store. A file that exists is not
    /// replaced, unless --force is given.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("Everything", "ohfp storage export state.json")]))]
    Export {
        /// File to write; - is standard output
        file: PathBuf,

        /// Replace a file that exists
        #[arg(long)]
        force: bool,
    },

    /// Read requests and machines from a file into the store
    ///
    /// All of them or none. Records that the store has already are left as they are, so doing it twice
    /// changes nothing. Of Open Resource Broker, formerly Open Host Factory Plugin, the file is
    /// request_database.json in its work directory.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("What storage export wrote", "ohfp storage import state.json"),
        ("The requests of Open Resource Broker", "ohfp storage import data/request_database.json --from orb"),
    ]))]
    Import {
        /// File to read; - is standard input
        file: PathBuf,

        /// Which program wrote it
        #[arg(long, value_enum, value_name = "PROGRAM", default_value_t)]
        from: ImportSource,
    },
}

/// A program whose records can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum ImportSource {
    /// ohfp, with storage export
    #[default]
    Ohfp,
    /// Open Resource Broker or Open Host Factory Plugin
    Orb,
}
