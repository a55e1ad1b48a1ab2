//! Where the time of this invocation goes, told to those who ask for it.
//!
//! The record begins before the command line is parsed, since that takes time too. So the option is looked for among the
//! words; whether they are right is found out by clap, as for any other option.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum as _;
use ohfp_cli::TimingsFormat;
use ohfp_service::invocation::Environment;
use ohfp_service::notice::{note, stderr};
use ohfp_service::timings;
use ohfp_timings::Report;

use crate::output::{self, file};

const OPTION: &str = "--timings";

/// What the command line and the environment ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timings {
    format: Option<TimingsFormat>,
    debug: bool,
}

impl Timings {
    /// Looks whether the record is asked for, and begins it then.
    pub(crate) fn begin(words: &[OsString], env: &Environment) -> Self {
        let words = words.iter().skip(1).take_while(|word| *word != "--");
        let format = words.filter_map(|word| word.to_str()?.strip_prefix(OPTION)).filter_map(named).last();
        let debug = timings::asked_by(env);
        if format.is_some() || debug {
            ohfp_timings::start("runtime", "exec");
        }
        Self { format, debug }
    }

    /// Tells what was recorded.
    pub(crate) fn tell(self) {
        let settings = timings::asked();
        let Some(report) = ohfp_timings::report() else { return };
        if settings.log {
            tracing::info!(target: "performance", timings = report.json().to_string(), "timings");
        }
        match self.format {
            Some(TimingsFormat::Text) => stderr(&report.text()),
            Some(TimingsFormat::Json) => stderr(&format!("{}\n", report.json())),
            Some(TimingsFormat::Trace) => write_trace(&report),
            None if self.debug || settings.table => stderr(&report.text()),
            None => {}
        }
    }
}

/// The format that follows `--timings`.
fn named(rest: &str) -> Option<TimingsFormat> {
    match rest.strip_prefix('=') {
        Some(word) => TimingsFormat::from_str(word, false).ok(),
        None if rest.is_empty() => Some(TimingsFormat::Text),
        None => None,
    }
}

/// A trace that cannot be written changes nothing about the answer.
fn write_trace(report: &Report) {
    let process = std::process::id();
    let path = PathBuf::from(format!("ohfp-trace-{process}.json"));
    match file::replace(&path, report.trace(process).to_string().as_bytes()) {
        Ok(()) => note(&format!(
            "the trace is in {}; ui.perfetto.dev and Chrome's chrome://tracing open it",
            path.display()
        )),
        Err(error) => stderr(&output::told(&error, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_found_among_the_words() {
        let check = |words: &str, expected: Option<TimingsFormat>| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let found = Timings::begin(&words, &Environment::from_iter([("HOME", "/")]));
            assert_eq!(found, Timings { format: expected, debug: false }, "{words:?}");
        };
        check("ohfp templates list", None);
        check("--timings", None);
        check("ohfp templates list --timings", Some(TimingsFormat::Text));
        check("ohfp --timings=json templates list", Some(TimingsFormat::Json));
        check("ohfp --timings=trace --timings=text", Some(TimingsFormat::Text));
        check("ohfp --timings=xml", None);
        check("ohfp --timings-of", None);
        check("ohfp x -- --timings", None);
    }

    #[test]
    fn the_variable_asks_for_the_table() {
        for (value, expected) in [("1", true), ("True", true), ("0", false), ("", false), ("yes", false)] {
            let env = Environment::from_iter([("PERFORMANCE_DEBUG", value)]);
            assert_eq!(Timings::begin(&[], &env).debug, expected, "{value}");
        }
    }
}
