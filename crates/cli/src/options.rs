//! The options that every command takes, and their values.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, ValueEnum};

use crate::arguments::at_least_one;
use crate::logs::Severity;

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Global options")]
#[expect(missing_docs, reason = "a doc comment here would become the program's description")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct GlobalOptions {
    /// Configuration directory, or a file in it
    #[arg(long, value_name = "PATH", global = true)]
    pub config: Option<PathBuf>,

    /// Query this instance of $HF_CONFDIR/hostProviders.json
    #[arg(long, value_name = "NAME", global = true)]
    pub instance: Option<String>,

    /// Directory of the state store; overrides the environment variables
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,

    /// Output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t, global = true)]
    pub format: OutputFormat,

    /// The same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    pub json: bool,

    /// Sort a list by this field; -FIELD is descending
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true, global = true)]
    pub sort_by: Option<String>,

    /// Columns of tables and CSV, by heading or field name
    #[arg(long, value_name = "NAMES", value_delimiter = ',', global = true)]
    pub columns: Vec<String>,

    /// Leave out the headings of tables and CSV
    #[arg(long, global = true)]
    pub no_headers: bool,

    /// Disable colors, even on a terminal
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Write the answer to FILE; - is standard output
    #[arg(long, value_name = "FILE", global = true)]
    pub output: Option<PathBuf>,

    /// Field naming of the answer
    #[arg(long, value_enum, value_name = "TYPE", global = true)]
    pub scheduler: Option<SchedulerType>,

    /// Only what belongs to this provider; a new request goes to it
    #[arg(long, value_name = "NAME", global = true)]
    pub provider_name: Option<String>,

    /// The same for all providers of a type, as in aws
    #[arg(long, value_name = "TYPE", global = true)]
    pub provider_type: Option<String>,

    /// Form of times: auto is seconds for programs, dates for people
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        default_value_t,
        hide_possible_values = true,
        global = true
    )]
    pub timestamp_format: TimestampFormat,

    /// Bypass the snapshot: answer from the configuration files
    #[arg(long, global = true)]
    pub no_snapshot: bool,

    /// Show the log of this command on standard error; -vv also values
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,

    /// Least severe level that is written to the log
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        ignore_case = true,
        hide_possible_values = true,
        global = true
    )]
    pub log_level: Option<Severity>,

    /// Leave out notes and progress; errors stay
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Report where the time goes
    #[arg(
        long, value_enum, value_name = "FORM", num_args = 0..=1, require_equals = true,
        default_missing_value = "text", global = true
    )]
    pub timings: Option<TimingsFormat>,

    /// Show passwords, tokens and user data in plain text
    #[arg(long, global = true)]
    pub show_secrets: bool,

    // Commands that list or change something have these as options of their own. Open Resource Broker's commands take
    // them everywhere, so that lines of its scripts are understood.
    /// Filter by FIELD=VALUE, FIELD~TEXT or FIELD=~REGEX
    #[arg(long, value_name = "FILTER", hide = true, global = true)]
    pub filter: Vec<String>,

    /// List at most N of them
    #[arg(long, value_name = "N", hide = true, global = true, value_parser = at_least_one)]
    pub limit: Option<u64>,

    /// Skip the first N of them
    #[arg(long, value_name = "N", default_value_t = 0, hide = true, global = true)]
    pub offset: u64,

    /// Show all fields in the formats table and list
    #[arg(long, alias = "detailed", hide = true, global = true)]
    pub long: bool,

    /// Show what would be done, and change nothing
    #[arg(long, hide = true, global = true)]
    pub dry_run: bool,

    /// Whether `format` is on the command line.
    #[arg(skip)]
    pub format_is_named: bool,
}

/// Global options that only lines of other programs need where a command has them not as its own: help, completion and
/// manual do not name them.
pub(crate) const ELSEWHERE: [&str; 5] = ["filter", "limit", "offset", "long", "dry_run"];

/// Whether the command line names a format.
pub(crate) fn format_is_named(matches: &ArgMatches) -> bool {
    matches.value_source("format") == Some(ValueSource::CommandLine)
}

impl GlobalOptions {
    /// Fills in what clap does not: whether the command line says which format is wanted.
    pub(crate) fn completed(mut self, format_is_named: bool) -> Self {
        self.format_is_named = format_is_named || self.json;
        if self.json {
            self.format = OutputFormat::Json;
        }
        self
    }
}

/// The names of the command that was found below the one of that name.
pub(crate) fn path_of(name: &str, matches: &ArgMatches) -> String {
    let (mut path, mut at) = (name.to_owned(), matches);
    while let Some((name, below)) = at.subcommand() {
        path = if path.is_empty() { name.to_owned() } else { format!("{path} {name}") };
        at = below;
    }
    path
}

/// Output format of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum OutputFormat {
    /// One JSON document
    #[default]
    Json,
    /// One YAML document
    Yaml,
    /// Rows and columns
    Table,
    /// One block of lines for each entry
    List,
    /// The table as comma-separated values
    Csv,
    /// The first column of the table alone, usually ids
    Name,
    /// A plug-in of Nagios: one line and its performance data, and exit codes 0 to 3
    #[value(hide = true)]
    Nagios,
    /// The text format of Prometheus
    #[value(hide = true)]
    Prometheus,
    /// OpenMetrics 1.0
    #[value(hide = true, name = "openmetrics")]
    OpenMetrics,
}

impl OutputFormat {
    /// The formats that every command has, in the order of the help text. `formats` tells which commands have others.
    pub const ALL: [Self; 6] = [Self::Json, Self::Yaml, Self::Table, Self::List, Self::Csv, Self::Name];

    /// The format of that name, if every command has it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Table => "table",
            Self::List => "list",
            Self::Csv => "csv",
            Self::Name => "name",
            Self::Nagios => "nagios",
            Self::Prometheus => "prometheus",
            Self::OpenMetrics => "openmetrics",
        }
    }
}

/// Form of the report that `--timings` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum TimingsFormat {
    /// A table on standard error
    Text,
    /// One JSON document, on one line of standard error
    Json,
    /// The file ohfp-trace-PID.json in the current directory, for Perfetto and Chrome
    Trace,
}

/// Form of times in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, ValueEnum)]
pub enum TimestampFormat {
    /// Seconds since 1970 in JSON and YAML, dates elsewhere
    #[default]
    Auto,
    /// Seconds since 1970
    Unix,
    /// Dates in UTC, as in 2026-11-24T13:37:57Z
    Iso,
}

/// Field naming of an answer; overrides `scheduler.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
#[value(rename_all = "lower")]
pub enum SchedulerType {
    /// Host Factory's names, as in templateId
    #[value(alias = "hf")]
    HostFactory,
    /// Plain names, as in template_id
    Default,
}

impl SchedulerType {
    /// Every type, in the order of the help text.
    pub const ALL: [Self; 2] = [Self::HostFactory, Self::Default];

    /// The word on the command line and in scheduler.type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HostFactory => "hostfactory",
            Self::Default => "default",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names above are hand-written constants; they must equal clap's.
    #[test]
    fn names_are_claps() {
        for format in OutputFormat::value_variants() {
            let format = *format;
            assert_eq!(OutputFormat::from_str(format.name(), false), Ok(format));
        }
        for scheduler in SchedulerType::ALL {
            assert_eq!(SchedulerType::from_str(scheduler.name(), false), Ok(scheduler));
        }
        let shown =
            |format: &&OutputFormat| format.to_possible_value().is_some_and(|word| !word.is_hide_set());
        let shown: Vec<OutputFormat> = OutputFormat::value_variants().iter().filter(shown).copied().collect();
        assert_eq!(OutputFormat::ALL, shown.as_slice());
        assert_eq!(SchedulerType::ALL, SchedulerType::value_variants());
    }
}
