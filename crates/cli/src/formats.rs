//! Which commands answer in which formats. `--format` is an option of every command, so clap knows one list for all.

use clap::error::{Error, ErrorKind};

use crate::options::OutputFormat;
use crate::system::SystemCommand;
use crate::tree::{Cli, Command};

/// Refuses a format that the command does not have, and names those that it has.
pub(crate) fn check(cli: &Cli) -> Result<(), Error> {
    let format = cli.global.format;
    let own = own(&cli.command);
    if OutputFormat::ALL.contains(&format) || own.contains(&format) {
        return Ok(());
    }
    let words: Vec<&str> = OutputFormat::ALL.iter().chain(own).map(|format| format.name()).collect();
    let message = format!(
        "invalid value '{}' for '--format <FORMAT>'\n  [possible values: {}]\n",
        format.name(),
        words.join(", ")
    );
    Err(Error::raw(ErrorKind::InvalidValue, message))
}

/// The formats that a command has beside the general ones.
fn own(command: &Command) -> &'static [OutputFormat] {
    match command {
        Command::System(SystemCommand::Health | SystemCommand::Status) => &[OutputFormat::Nagios],
        _ => &[],
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
        check("ohfp system metrics --format nagios", Some("[possible values: json, yaml, table, list]"));
        check("ohfp getRequestStatus -d {} --format nagios", Some("json, yaml"));
    }
}
