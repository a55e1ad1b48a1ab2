//! One group of the command tree, for lines that name it first.
//!
//! Building the whole tree takes longer than most answers, and a line that begins with a group needs nothing of the
//! others. What such a line means is decided by the same declarations; a line that they refuse, and every question for
//! help, is left to the whole tree, whose messages know all commands.

use std::ffi::{OsStr, OsString};
use std::mem::ManuallyDrop;

use clap::{Args as _, FromArgMatches as _, Subcommand};

use crate::PROGRAM;
use crate::argv::Found;
use crate::options::GlobalOptions;
use crate::tree::{Cli, Command};

type Parse = fn(&str, &[OsString]) -> Option<Cli>;

/// The groups by their names, the first of each being the one in the help.
const GROUPS: [(&[&str], Parse); 9] = [
    (&["templates", "template"], |name, words| parsed(name, words, Command::Templates)),
    (&["machines", "machine"], |name, words| parsed(name, words, Command::Machines)),
    (&["requests", "request"], |name, words| parsed(name, words, Command::Requests)),
    (&["config"], |name, words| parsed(name, words, Command::Config)),
    (&["providers", "provider"], |name, words| parsed(name, words, Command::Providers)),
    (&["scheduler"], |name, words| parsed(name, words, Command::Scheduler)),
    (&["storage"], |name, words| parsed(name, words, Command::Storage)),
    (&["system"], |name, words| parsed(name, words, Command::System)),
    (&["sim"], |name, words| parsed(name, words, Command::Sim)),
];

/// Parses a line whose first word is a group. Gives the result of [`parse`](crate::parse); `None` for any other line,
/// and for one that is wrong or asks for help.
///
/// `words` are normalized.
pub fn parse_branch(words: &[OsString]) -> Option<Cli> {
    let group = words.get(1)?;
    let is_group = |(names, _): &&(&[&str], Parse)| names.iter().any(|name| OsStr::new(name) == group);
    let (names, parse) = GROUPS.iter().find(is_group)?;
    parse(names.first()?, words)
}

fn parsed<Group: Subcommand>(name: &str, words: &[OsString], command: fn(Group) -> Command) -> Option<Cli> {
    // Nothing stands before the group's name, so its options and commands can be those of the program itself.
    let (program, rest) = (words.first()?, words.get(2..)?);
    let tree = GlobalOptions::augment_args(clap::Command::new(PROGRAM));
    // Leaked: dropping it costs system calls, which a process that parses one line can save.
    let mut tree = ManuallyDrop::new(Group::augment_subcommands(tree).subcommand_required(true));
    let mut matches = tree.try_get_matches_from_mut(std::iter::once(program).chain(rest)).ok()?;
    let found = Found::of(name, &tree, &matches);
    let global = GlobalOptions::from_arg_matches_mut(&mut matches).ok()?;
    let group = Group::from_arg_matches_mut(&mut matches).ok()?;
    found.checked(global, command(group)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{command, parse, paths};

    /// What may follow a command, right or wrong.
    const TAILS: [&str; 27] = [
        "",
        "x",
        "x y",
        "x 5",
        "-- x",
        "--all",
        "--all --yes",
        "x --wait --timeout 9",
        "--limit 3 --offset 4 --long",
        "--filter a=b --filter c~d",
        "--status running",
        "--type acquire",
        "-f in.json",
        "-d {}",
        "x --from orb",
        "x --dry-run",
        "--format yaml",
        "x --format=table --scheduler default",
        "--config c --state-dir d",
        "--timings=json x",
        "--nosuch",
        "--format xml",
        "--format nagios",
        "--help",
        "-h",
        "help",
        "--version",
    ];

    fn line(text: &str) -> Vec<OsString> {
        std::iter::once(PROGRAM).chain(text.split_whitespace()).map(OsString::from).collect()
    }

    #[test]
    fn a_branch_decides_as_the_tree_does() {
        let mut answered = 0;
        // What is a command by itself too is left to the whole tree.
        let is_group = |name: &String| GROUPS.iter().any(|(names, _)| names.contains(&name.as_str()));
        for path in paths().iter().filter(|path| path.len() > 1 && is_group(&path[0])) {
            let (group, below) = (&path[0], path[1..].join(" "));
            for tail in TAILS {
                for text in [
                    format!("{group} {below} {tail}"),
                    format!("{group} --format list {below} {tail}"),
                    format!("--format list {group} {tail}"),
                ] {
                    let words = line(&text);
                    let expected = parse(words.clone()).ok().filter(|_| !text.starts_with("--"));
                    answered += usize::from(expected.is_some());
                    assert_eq!(parse_branch(&words), expected, "{text}");
                }
            }
        }
        assert!(answered > 300, "{answered}");
    }

    #[test]
    fn every_group_has_its_branch_by_all_its_names() {
        let mut expected: Vec<Vec<String>> = Vec::new();
        for group in command().get_subcommands().filter(|group| group.is_subcommand_required_set()) {
            let names = std::iter::once(group.get_name()).chain(group.get_visible_aliases());
            expected.push(names.map(str::to_owned).collect());
        }
        let found: Vec<Vec<String>> =
            GROUPS.iter().map(|(names, _)| names.iter().copied().map(str::to_owned).collect()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn other_lines_are_the_whole_trees() {
        for text in
            ["", "doctor", "getRequestStatus -f x", "help machines", "machines", "--help", "nosuch list"]
        {
            assert_eq!(parse_branch(&line(text)), None, "{text}");
        }
        assert_eq!(parse_branch(&[]), None);
    }
}
