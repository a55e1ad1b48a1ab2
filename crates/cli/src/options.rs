//! The options that every command takes, and their values.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, ValueEnum};

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
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, global = true)]
    pub format: OutputFormat,

    /// Disable colors, even on a terminal
    #[arg(long, global = true)]
    pub no_color: bool,

    /// Write the answer to FILE instead of standard output; - is standard output
    #[arg(long, value_name = "FILE", global = true)]
    pub output: Option<PathBuf>,

    /// Field naming of the answer
    #[arg(long, value_enum, value_name = "TYPE", global = true)]
    pub scheduler: Option<SchedulerType>,

    /// Bypass the snapshot: answer from the configuration files
    #[arg(long, global = true)]
    pub no_snapshot: bool,

    /// Show the log of this command on standard error; -vv also values
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,

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

    /// Whether `format` is on the command line.
    #[arg(skip)]
    pub format_is_named: bool,
}

/// Whether the command line says which format is wanted.
pub(crate) fn format_is_named(matches: &ArgMatches) -> bool {
    matches.value_source("format") == Some(ValueSource::CommandLine)
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
    pub const ALL: [Self; 4] = [Self::Json, Self::Yaml, Self::Table, Self::List];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Table => "table",
            Self::List => "list",
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

/// Field naming of an answer; overrides `scheduler.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
#[value(rename_all = "lower")]
pub enum SchedulerType {
    /// Host Factory's names, as in templateId
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
