//! The commands of the group `config`.
//!
//! As in `tree`, a command needs three texts: what it does (one line), what one should know before
//! using it, and examples to copy.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::import::ConfigImport;
use crate::style::examples;

/// `config …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum ConfigCommand {
    /// Show the effective configuration
    ///
    /// Includes defaults and overrides. Secrets are redacted. --origin adds where each value comes from,
    /// --changed leaves out what has its default.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("As YAML", "ohfp config show --format yaml"),
        ("What this site has changed, and where", "ohfp config show --changed --origin --format table"),
    ]))]
    Show {
        /// Add the layer and the position of each value
        #[arg(long)]
        origin: bool,
        /// Leave out keys that have their default
        #[arg(long)]
        changed: bool,
    },

    /// Show the value of one key
    ///
    /// Into a list, by the name of an element or its index. Fails when there is no such key, and suggests
    /// the nearest one.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("One value", "ohfp config get request.max_machines_per_request"),
        ("A section", "ohfp config get snapshot"),
        ("An option of a provider", "ohfp config get provider.providers.aws-east.config.region"),
    ]))]
    Get {
        /// The key, its parts joined by dots
        key: String,
    },

    /// Explain one key: what it does, its values in all layers, and the one that counts
    ///
    /// Shows each layer that sets it, with file, line and column, the allowed values and the default.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Why is this value in force?", "ohfp config explain logging.level --format list"),
    ]))]
    Explain {
        /// The key, its parts joined by dots
        key: String,
    },

    /// Set one key in the configuration file
    ///
    /// Changes the file that decides: the one that sets the key now, else that of the configuration
    /// directory. The result is checked first; all else in the file stays as it is, comments included.
    /// A value is JSON, or text without quotes.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("A number", "ohfp config set request.max_machines_per_request 500"),
        ("An option of a provider", "ohfp config set provider.providers.aws.config.region eu-west-1"),
    ]))]
    Set {
        /// The key, its parts joined by dots
        key: String,
        /// The value: JSON, or text
        #[arg(allow_hyphen_values = true)]
        value: String,
    },

    /// Remove one key from the configuration file
    ///
    /// From the file that decides. What counts then is the next lower layer, or the default.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Back to the default", "ohfp config unset request.max_machines_per_request"),
    ]))]
    Unset {
        /// The key, its parts joined by dots
        key: String,
    },

    /// Edit the configuration file in $VISUAL or $EDITOR
    ///
    /// You edit a copy; it replaces the file only if it has no error that the file did not have.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("With your editor", "EDITOR=nano ohfp config edit")]))]
    Edit,

    /// Show where the configuration is read from
    ///
    /// The directory, the rule that chose it and those before it, and every file that was looked at.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("As a list", "ohfp config path --format list")]))]
    Path,

    /// Check the configuration files and report every finding
    ///
    /// Unknown keys are findings, too, since most of them are misspelled. Exits with 1 if there is an
    /// error; warnings alone are no failure.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Check the effective configuration", "ohfp config validate --format list"),
        ("Check a file before it is deployed", "ohfp config validate --file new.yaml"),
    ]))]
    Validate {
        /// Check this file alone, without templates; - is standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },

    /// Print the JSON Schema of configuration or template files
    ///
    /// For editors: they complete keys and show what is wrong while you write.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("For config.json", "ohfp config schema > ohfp-config.schema.json"),
        ("For template files", "ohfp config schema templates"),
    ]))]
    Schema {
        /// The kind of file
        #[arg(value_enum, default_value_t)]
        kind: SchemaKind,
    },

    /// Rebuild the snapshot from the configuration files
    ///
    /// No program of ohfp stays in memory, so there is none to tell: the next command reads the files in
    /// any case. This makes the next answer a fast one.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("After a change of the files", "ohfp config reload")]))]
    Reload,

    /// Make a configuration from that of another broker
    ///
    /// Reads the configuration and the templates that the other broker reads, in JSON, YAML or TOML, and
    /// writes config.json and templates.json into a new directory: all files, or none. Shows what became
    /// of every key and field: mapped to which name, dropped for which reason, or guessed. Templates that
    /// cannot be offered are kept in left-out.json, each with the reason.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("What would become of each key?", "ohfp config import --from orb ~/.orb --dry-run --format table"),
        ("Open Resource Broker, with its requests and machines",
         "ohfp config import --from orb ~/.orb --state ~/.orb/work/data/request_database.json --to conf"),
        ("IBM's plug-in", "ohfp config import --from ibm $HF_CONFDIR/providers/awsinst --to conf"),
    ]))]
    Import(ConfigImport),
}

/// A kind of file that has a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum SchemaKind {
    /// The configuration: config.json, config.yaml, config.toml
    #[default]
    Configuration,
    /// Template files
    Templates,
}
