//! Which commands take `--dry-run`: those that declare it, and those that change nothing anyway. Any other refuses it,
//! since it would do what it was told not to do.

use clap::ArgMatches;
use clap::error::{Error, ErrorKind};

use crate::tree::{Cli, Command};

/// Last words of the commands that change nothing.
const READS: [&str; 21] = [
    "completions",
    "diff",
    "doctor",
    "explain",
    "generate",
    "get",
    "get-default",
    "getAvailableTemplates",
    "health",
    "list",
    "live",
    "logs",
    "path",
    "render",
    "schema",
    "show",
    "status",
    "metrics",
    "report",
    "validate",
    "version",
];

/// Whether the command that was found declares the option itself.
pub(crate) fn is_declared(tree: &clap::Command, matches: &ArgMatches) -> bool {
    let (mut command, mut at) = (tree, matches);
    while let Some((name, below)) = at.subcommand() {
        let Some(found) = command.find_subcommand(name) else { return false };
        (command, at) = (found, below);
    }
    command.get_arguments().any(|argument| argument.get_id() == "dry_run" && !argument.is_global_set())
}

/// Refuses a dry run of a command that has none.
pub(crate) fn check(cli: &Cli, is_declared: bool) -> Result<(), Error> {
    let last = cli.path.rsplit(' ').next().unwrap_or_default();
    let writes = matches!(&cli.command, Command::Metrics(metrics) if metrics.textfile.is_some());
    if !cli.global.dry_run || is_declared || READS.contains(&last) && !writes {
        return Ok(());
    }
    let option = if writes { " --textfile" } else { "" };
    let message = format!("'{}{option}' has no dry run, so '--dry-run' cannot be used with it\n", cli.path);
    Err(Error::raw(ErrorKind::ArgumentConflict, message))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    #[test]
    fn a_dry_run_changes_nothing_or_is_refused() {
        let check = |words: &str, allowed: bool| {
            let parsed = crate::parse(words.split(' ').map(OsString::from));
            assert_eq!(parsed.is_ok(), allowed, "{words}: {parsed:?}");
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let branch = crate::parse_branch(&words);
            assert!(branch.is_none() || branch == parsed.ok(), "{words:?}");
        };
        check("ohfp machines request T 2 --dry-run", true);
        check("ohfp storage migrate --dry-run", true);
        check("ohfp templates list --dry-run", true);
        check("ohfp --dry-run getAvailableTemplates -d {}", true);
        check("ohfp machines status --all --dry-run", true);
        check("ohfp storage init --dry-run", false);
        check("ohfp storage restore x --dry-run", false);
        check("ohfp sim fail m --dry-run", false);
        check("ohfp requestMachines -d {} --dry-run", false);
        check("ohfp requestReturnMachines --dry-run -d {}", false);
        check("ohfp getRequestStatus --dry-run -d {}", false);
        check("ohfp requests watch r --dry-run", false);
        check("ohfp templates generate --dry-run", true);
        check("ohfp metrics --dry-run", true);
        check("ohfp metrics --textfile f --dry-run", false);
        check("ohfp --dry-run metrics --textfile=f", false);
    }
}
