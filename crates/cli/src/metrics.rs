//! The command `metrics`.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::style::examples;

use crate::since::Since;

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
#[command(args_conflicts_with_subcommands = true)]
pub struct MetricsOptions {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "its commands are documented")]
    pub command: Option<MetricsCommand>,

    /// Window until now, as in 90s, 1h or 7d
    #[arg(long, value_name = "WINDOW", default_value_t = Since::hours(1), allow_hyphen_values = true)]
    pub since: Since,

    /// Replace this file by text for node_exporter's collector
    #[arg(long, value_name = "PATH")]
    pub textfile: Option<PathBuf>,
}

/// `metrics …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum MetricsCommand {
    /// Send spans to an OpenTelemetry collector
    ///
    /// With metrics.otlp.endpoint in config.json each command leaves its spans in a spool; this command
    /// sends them, by OTLP over HTTP, to that address. To be run by cron or a timer. What the collector
    /// does not take is kept for the next time, and the exit code is 1.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Send what there is", "ohfp metrics push"),
    ]))]
    Push,
}
