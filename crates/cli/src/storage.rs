//! The command group `storage`: the store of requests and machines.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::arguments::at_least_one;
use crate::style::examples;

/// `storage …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum StorageCommand {
    /// List the known stores
    ///
    /// The configured one is marked.
    #[command(alias = "ls", verbatim_doc_comment, after_long_help = examples(&[("As a table", "ohfp storage list --format table")]))]
    List,

    /// Show one store and where it is
    ///
    /// Shows the file of this instance's store, and which variable names it. Does not open it.
    #[command(aliases = ["get", "describe"], verbatim_doc_comment, after_long_help = examples(&[
        ("The configured one", "ohfp storage show"),
        ("One by its name", "ohfp storage show sqlite --format yaml"),
    ]))]
    Show {
        /// Name of the store [default: the configured one]
        #[arg(conflicts_with = "strategy")]
        name: Option<String>,

        #[command(flatten)]
        #[expect(missing_docs, reason = "its option is documented")]
        choice: StoreChoice,
    },

    /// Check whether the store can be read and written
    ///
    /// Shows its path, version, size, journal and free space. Exits with 1 if it is unusable.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("At a glance", "ohfp storage health --format list")]))]
    Health,

    /// Check the content of the store
    ///
    /// Reads the whole store: its pages, its indexes, and whether requests and machines are consistent.
    /// It is read-only. Exits with 1 if there are findings.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("All findings", "ohfp storage validate --format list")]))]
    Validate(StoreChoice),

    /// Write, read and remove a record
    ///
    /// Takes the steps of a request, with a record that it removes again, and shows the time of each.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("The steps and their times", "ohfp storage test --format table")]))]
    Test {
        #[command(flatten)]
        #[expect(missing_docs, reason = "its option is documented")]
        choice: StoreChoice,

        /// Fail if it takes longer, in seconds
        #[arg(long, value_name = "SECONDS", value_parser = at_least_one)]
        timeout: Option<u64>,
    },

    /// Count requests and machines
    ///
    /// Shows requests and machines by state, the size of the files, and the oldest record.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("The counts", "ohfp storage metrics --format list")]))]
    Metrics(StoreChoice),

    /// Create an empty store
    ///
    /// The first request for machines creates the store automatically. If there are traces of an older
    /// store, ohfp reports it as missing instead: mount its file system or restore a backup. Only if
    /// the old store is lost, create a new one with this command; leftover files are renamed.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("A new beginning", "ohfp storage init")]))]
    Init,

    /// Copy the store into a file while it is in use
    ///
    /// The copy is consistent even if other processes write meanwhile, and contains a digest of itself.
    /// Never copy ohfp.db with other tools: the last changes are in its log. An existing file is not
    /// replaced.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("A copy with today's date", "ohfp storage backup ohfp-$(date +%F).db")]))]
    Backup {
        /// File to write
        file: PathBuf,
    },

    /// Replace the store by a backup
    ///
    /// Verifies the backup first, and renames the files of the old store. Shows since when machines may
    /// have been launched that the restored store does not know.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("A file of storage backup", "ohfp storage restore ohfp-2026-11-27.db"),
        ("A store that has lost its log", "ohfp storage restore ohfp.db --unverified"),
    ]))]
    Restore {
        /// File to read
        file: PathBuf,

        /// Accept a file without a digest, such as a plain copy of ohfp.db
        #[arg(long)]
        unverified: bool,
    },

    /// Migrate the store to the schema of this version
    ///
    /// Every command migrates automatically; this one does it ahead of time. With --dry-run, shows what
    /// would be changed.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("What would be changed?", "ohfp storage migrate --dry-run")]))]
    Migrate {
        /// What to do: up migrates, current shows what would be changed
        #[arg(value_enum, value_name = "STEP", default_value_t, hide = true)]
        step: MigrationStep,

        /// Show what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
    },

    /// Export the store to a file, as JSON
    ///
    /// Any version of ohfp and any kind of store can read it with storage import. An existing file is
    /// not replaced, unless --force is given.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("Everything", "ohfp storage export state.json")]))]
    Export {
        /// File to write; - is standard output
        file: PathBuf,

        /// Replace an existing file
        #[arg(long)]
        force: bool,
    },

    /// Import requests and machines from a file
    ///
    /// Imports all of them or none. Records that exist already are kept, so a second import changes
    /// nothing. The file of Open Resource Broker, formerly Open Host Factory Plugin, is
    /// request_database.json in its work directory.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("A file of storage export", "ohfp storage import state.json"),
        ("The requests of Open Resource Broker", "ohfp storage import data/request_database.json --from orb"),
    ]))]
    Import {
        /// File to read; - is standard input
        file: PathBuf,

        /// Program that wrote the file
        #[arg(long, value_enum, value_name = "PROGRAM", default_value_t)]
        from: ImportSource,
    },
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct StoreChoice {
    /// Name of the store, which must be the configured one
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
}

/// A step of a migration, as Open Resource Broker's command names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum MigrationStep {
    /// Migrates
    #[default]
    Up,
    /// Shows what would be changed
    Current,
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
