//! Which commands answer in which formats. `--format` is an option of every command, so clap knows one list for all.

use clap::error::{Error, ErrorKind};

use crate::options::OutputFormat;
use crate::system::SystemCommand;
use crate::tree::{Cli, Command};

/// Refuses a format that the command does not have, and names those that it has.
pub(crate) fn check(cli: &Cli) -> Result<(), Error> {
    let format = cli.global.format;
    let own = own(&cli.command);
    let is_general = OutputFormat::ALL.contains(&format);
    let refused = match own {
        Own::Page(_) => cli.global.format_is_named,
        Own::Formats(formats) => !is_general && !formats.contains(&format),
    };
    if !refused {
        return Ok(());
    }
    let allowed = match own {
        Own::Page(page) => format!("this command writes {page}, so it takes no --format"),
        Own::Formats(formats) => {
            let words: Vec<&str> =
                OutputFormat::ALL.iter().chain(formats).map(|format| format.name()).collect();
            format!("[possible values: {}]", words.join(", "))
        }
    };
    let message = format!("invalid value '{}' for '--format <FORMAT>'\n  {allowed}\n", format.name());
    Err(Error::raw(ErrorKind::InvalidValue, message))
}

/// What a command answers in.
enum Own {
    /// The general formats, and these.
    Formats(&'static [OutputFormat]),
    /// One kind of document only.
    Page(&'static str),
}

fn own(command: &Command) -> Own {
    match command {
        Command::System(SystemCommand::Health | SystemCommand::Status) => {
            Own::Formats(&[OutputFormat::Nagios])
        }
        Command::Metrics(_) => Own::Formats(&[OutputFormat::Prometheus, OutputFormat::OpenMetrics]),
        Command::Report(_) => Own::Page("a page of HTML"),
        _ => Own::Formats(&[]),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn a_format_is_refused_where_it_means_nothing() {
        let check = |words: &str, refusal: Option<&str>| {
            let parsed = crate::parse(words.split(' ').map(OsString::from));
            let told = parsed.err().map(|error| (error.kind(), error.to_string()));
            match (&told, refusal) {
                (None, None) => {}
                (Some((ErrorKind::InvalidValue, told)), Some(part)) if told.contains(part) => {}
                _ => panic!("{words}: {told:?}"),
            }
        };
        check("ohfp system health --format nagios", None);
        check("ohfp --format nagios system status", None);
        check("ohfp system health --format yaml", None);
        check("ohfp metrics --format prometheus", None);
        check("ohfp --format openmetrics metrics --since 2h", None);
        check(
            "ohfp metrics --format nagios",
            Some("json, yaml, table, list, csv, name, prometheus, openmetrics]"),
        );
        check(
            "ohfp system metrics --format prometheus",
            Some("[possible values: json, yaml, table, list, csv, name]"),
        );
        check(
            "ohfp system metrics --format nagios",
            Some("[possible values: json, yaml, table, list, csv, name]"),
        );
        check("ohfp getRequestStatus -d {} --format nagios", Some("json, yaml"));
        check("ohfp report --format table", Some("a page of HTML"));
        check("ohfp report --format json", Some("a page of HTML"));
        check("ohfp report", None);
    }
}
