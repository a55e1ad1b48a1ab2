//! The command `metrics`.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![expect(clippy::doc_markdown, reason = "help texts, printed as they stand")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::style::examples;

/// Milliseconds of each unit of time that `--since` takes.
const UNITS: [(&str, u64); 5] =
    [("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
#[command(args_conflicts_with_subcommands = true)]
pub struct MetricsOptions {
    #[command(subcommand)]
    #[expect(missing_docs, reason = "its commands are documented")]
    pub command: Option<MetricsCommand>,

    /// Window until now, as in 90s, 1h or 7d
    #[arg(
        long, value_name = "TIME", default_value = "1h", value_parser = window, allow_hyphen_values = true
    )]
    pub since: u64,

    /// Write text for scrapers: prometheus or openmetrics
    #[arg(long, value_enum, value_name = "TEXT", hide_possible_values = true, conflicts_with = "textfile")]
    pub exposition: Option<Exposition>,

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

/// A text format for scrapers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Exposition {
    /// The text format of Prometheus
    Prometheus,
    /// OpenMetrics 1.0
    OpenMetrics,
}

/// Reads a length of time, such as `90s` or `7d`; gives milliseconds.
///
/// ```
/// assert_eq!(ohfp_cli::window("90s"), Ok(90_000));
/// assert!(ohfp_cli::window("90").is_err());
/// ```
///
/// # Errors
/// What is allowed.
pub fn window(text: &str) -> Result<u64, String> {
    let read = || {
        let unit = text.trim_start_matches(|character: char| character.is_ascii_digit());
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        number.checked_mul(*millis).filter(|millis| (1..=LONGEST).contains(millis))
    };
    read().ok_or_else(|| {
        "must be a whole number with a unit: s, m, h, d or w, as in 90s, 1h or 7d; at most 36500d".to_owned()
    })
}

/// A hundred years.
const LONGEST: u64 = 36_500 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_a_unit() {
        for (text, expected) in [
            ("1s", Some(1_000)),
            ("15m", Some(900_000)),
            ("1h", Some(3_600_000)),
            ("30d", Some(2_592_000_000)),
            ("2w", Some(1_209_600_000)),
            ("36500d", Some(LONGEST)),
            ("36501d", None),
            ("0s", None),
            ("", None),
            ("h", None),
            ("60", None),
            ("1.5h", None),
            ("-1h", None),
            ("1 h", None),
            ("1hour", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(window(text).ok(), expected, "{text}");
        }
    }
}
