//! The command `logs`: the log as a person reads it.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use std::str::FromStr;

use clap::{Args, ValueEnum};

/// `logs`
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// Number of records to show, or all
    #[arg(short = 'n', long, value_name = "N", default_value = "100")]
    pub lines: Lines,

    /// Keep showing records as they come, until interrupted
    #[arg(short, long)]
    pub follow: bool,

    /// Only records that mention this request or return
    #[arg(long, value_name = "REQUEST_ID")]
    pub request: Option<String>,

    /// Least severe level
    #[arg(long, value_enum, value_name = "LEVEL", ignore_case = true)]
    pub level: Option<Severity>,
}

/// How many records are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Every one there is.
    All,
    /// The last ones.
    Last(usize),
}

impl FromStr for Lines {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            number => number.parse().map(Self::Last).map_err(|_| "a number or `all` is allowed"),
        }
    }
}

/// How severe a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Severity {
    /// Failed operations
    #[value(alias = "critical")]
    Error,
    /// What needs attention
    #[value(alias = "warning")]
    Warn,
    /// What was done
    Info,
    /// What was decided
    Debug,
    /// With which values
    Trace,
}
