//! The commands of the groups that only read configuration, and of the program itself.
//!
//! As in `tree`, a command needs three texts: what it does (one line), what one should know before
//! using it, and examples to copy.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::arguments::ListOptions;
use crate::since::Since;
use crate::style::examples;

/// `templates …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum TemplatesCommand {
    /// List templates
    ///
    /// In the order of the template file. Lists all of them unless --filter or --limit is given. The
    /// formats table and list show only the most important fields; --long shows all.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("All templates as a table", "ohfp templates list --format table"),
        ("The second hundred", "ohfp templates list --limit 100 --offset 100"),
        ("Templates with two processors", "ohfp templates list --filter attributes.ncpus=2"),
        ("With plain field names", "ohfp templates list --scheduler default"),
    ]))]
    List(ListOptions),

    /// Show one template with all its fields
    ///
    /// Fails when there is no such template, and suggests the nearest id.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("One template", "ohfp templates show OnDemand-M6i-Large"),
        ("The same, easier to read", "ohfp templates show OnDemand-M6i-Large --format yaml"),
    ]))]
    Show {
        /// Id of the template, in exactly its spelling
        template_id: String,
    },

    /// Check the template and configuration files and report every finding
    ///
    /// Reads all files before it answers, so one run shows all errors: invalid JSON, fields that are
    /// missing or out of range, duplicate ids. If there is no error it shows all warnings: misspelled
    /// names, unknown machine types, templates that are left out, a maxNumber that differs from the
    /// published one. Exits with 1 if there is an error or a template is left out; other warnings are
    /// no failure.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Check the effective configuration", "ohfp templates validate --format list"),
        ("Check a directory before it is deployed", "ohfp --config ./new templates validate"),
        ("Accept templates that are left out", "ohfp templates validate --lenient"),
    ]))]
    Validate {
        /// Exit with 0 although templates are left out
        #[arg(long)]
        lenient: bool,
    },
}

/// `providers …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum ProvidersCommand {
    /// List the configured providers
    ///
    /// The default for new requests is marked.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("As a table", "ohfp providers list --format table")]))]
    List,

    /// Show one provider and its settings
    ///
    /// Settings come from config.json and from awsprov_config.json. Secrets are redacted.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The one of new requests", "ohfp providers show"),
        ("One by its name", "ohfp providers show aws --format yaml"),
    ]))]
    Show {
        /// Name of the provider [default: the one of new requests]
        name: Option<String>,
    },

    /// Check whether the providers are reachable
    ///
    /// Calls each of them and shows the reason if one fails. Exits with 1 then.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("All of them", "ohfp providers health --format table"),
        ("One of them", "ohfp providers health aws"),
    ]))]
    Health {
        /// Name of the provider [default: all]
        name: Option<String>,
    },
}

/// `scheduler …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum SchedulerCommand {
    /// List the known schedulers
    ///
    /// The configured one is marked.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("As a table", "ohfp scheduler list --format table")]))]
    List,

    /// Show one scheduler and its settings
    ///
    /// Shows how the scheduler names the fields of a template, and its settings.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The configured one", "ohfp scheduler show"),
        ("One by its name", "ohfp scheduler show hostfactory --format yaml"),
    ]))]
    Show {
        /// Name of the scheduler [default: the configured one]
        name: Option<String>,
    },
}

#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct Completions {
    /// The shell to complete in
    #[arg(value_enum)]
    pub shell: CompletionShell,
}

/// A shell that has a completion script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum CompletionShell {
    /// GNU Bash 4.4 or later
    Bash,
    /// Z shell
    Zsh,
    /// Fish
    Fish,
}

#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct DoctorOptions {
    /// Go through what makes ohfp slow instead, with what was measured
    #[arg(long)]
    pub performance: bool,
}

#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct ReportOptions {
    /// How far the report reaches back: a number and s, m, h, d or w
    #[arg(long, value_name = "WINDOW", default_value_t = Since::days(30))]
    pub since: Since,
}

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(group = clap::ArgGroup::new("targets").args(["scripts_dir", "config_dir"]).required(true).multiple(true))]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct Init {
    /// Write the five Host Factory scripts into DIR
    #[arg(long, value_name = "DIR")]
    pub scripts_dir: Option<PathBuf>,

    /// Make the scripts links to this program instead of shell scripts
    ///
    /// Saves starting a shell on every call. The name of the link selects the operation.
    #[arg(long, requires = "scripts_dir", verbatim_doc_comment)]
    pub direct: bool,

    /// Write a configuration to start from into DIR
    #[arg(long, value_name = "DIR")]
    pub config_dir: Option<PathBuf>,

    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}
