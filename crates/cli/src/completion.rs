//! What can be typed next: the words behind `ohfp` so far decide, and the shell keeps what begins with the word that is
//! being typed.
//!
//! `ohfp __complete WORD...` answers a line for each candidate, with its description behind a tab. Everything that does
//! not depend on a site follows from the tree; of ids it is told only which kind is wanted, and the caller looks them up.

use std::collections::BTreeSet;

use clap::{Arg, Command};

use crate::options::ELSEWHERE;

/// The command's name, which no help shows.
pub const COMMAND: &str = "__complete";

/// What a site has to say what can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// Ids of templates.
    Templates,
    /// Ids of machines.
    Machines,
    /// Ids of requests and returns.
    Requests,
    /// Keys of the configuration.
    Keys,
    /// Names of providers.
    Providers,
    /// Names of files.
    Files,
    /// Names of directories.
    Directories,
}

/// What can be typed next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextWords {
    /// Words with their descriptions.
    pub words: Vec<(String, String)>,
    /// What else can be typed, by the site.
    pub kind: Option<IdKind>,
}

/// The candidates behind these words, which are those of a command line without the program's name.
pub fn candidates(tree: &Command, words: &[String]) -> NextWords {
    let (mut at, mut group) = (tree, String::new());
    let mut given = BTreeSet::new();
    let mut positional = 0;
    let mut awaited: Option<&Arg> = None;
    for word in words {
        if awaited.take().is_some() {
            continue;
        }
        if let Some(option) = word.strip_prefix("--") {
            let name = option.split('=').next().unwrap_or_default();
            let argument = argument(tree, at, |argument| is_long(argument, name));
            given.extend(argument.map(Arg::get_id).map(ToString::to_string));
            awaited = argument.filter(|argument| takes_word(argument) && !option.contains('='));
        } else if let Some(short) = word.strip_prefix('-').and_then(|rest| rest.chars().next_back()) {
            let argument = argument(tree, at, |argument| argument.get_short() == Some(short));
            given.extend(argument.map(Arg::get_id).map(ToString::to_string));
            awaited = argument.filter(|argument| takes_word(argument));
        } else if let Some(below) = at.find_subcommand(word).filter(|_| positional == 0) {
            if group.is_empty() {
                below.get_name().clone_into(&mut group);
            }
            at = below;
        } else {
            positional += 1;
        }
    }
    if let Some(argument) = awaited {
        return values(argument, &group);
    }
    let mut found = NextWords::default();
    let positionals: Vec<&Arg> = at.get_positionals().collect();
    let last =
        positionals.last().filter(|last| last.get_num_args().is_some_and(|count| count.max_values() > 1));
    if let Some(argument) = positionals.get(positional).or(last) {
        found = values(argument, &group);
    }
    if positional == 0 {
        let shown = at.get_subcommands().filter(|below| !below.is_hide_set());
        found.words.extend(shown.map(|below| (below.get_name().to_owned(), told(below.get_about()))));
    }
    let globals = tree.get_arguments().filter(|argument| argument.is_global_set());
    let own = at.get_arguments().filter(|argument| !argument.is_positional());
    let mut names = BTreeSet::new();
    for argument in own.chain(globals) {
        let repeats = matches!(argument.get_action(), clap::ArgAction::Append | clap::ArgAction::Count);
        let is_given = given.contains(argument.get_id().as_str()) && !repeats;
        if let Some(long) = argument.get_long().filter(|_| !is_given)
            && is_offered(argument)
            && names.insert(long.to_owned())
        {
            found.words.push((format!("--{long}"), told(argument.get_help())));
        }
    }
    found
}

/// Options that only lines of other programs need are not offered.
fn is_offered(argument: &Arg) -> bool {
    !argument.is_hide_set() || argument.is_global_set() && !ELSEWHERE.contains(&argument.get_id().as_str())
}

fn is_long(argument: &Arg, name: &str) -> bool {
    argument.get_long() == Some(name) || argument.get_all_aliases().is_some_and(|all| all.contains(&name))
}

/// The option of the command, or of every command.
fn argument<'c>(tree: &'c Command, at: &'c Command, is: impl Fn(&Arg) -> bool) -> Option<&'c Arg> {
    let globals = tree.get_arguments().filter(|argument| argument.is_global_set());
    at.get_arguments()
        .filter(|argument| !argument.is_positional())
        .chain(globals)
        .find(|argument| is(argument))
}

/// Whether its value is a word of its own.
fn takes_word(argument: &Arg) -> bool {
    argument.get_action().takes_values() && !argument.is_require_equals_set()
}

/// What a value can be.
fn values(argument: &Arg, group: &str) -> NextWords {
    let possible = argument.get_possible_values();
    let shown = possible.iter().filter(|value| !value.is_hide_set());
    let words = shown.map(|value| (value.get_name().to_owned(), told(value.get_help()))).collect();
    let name = argument.get_value_names().and_then(|names| names.first()).map(clap::builder::Str::as_str);
    let kind = match (name.unwrap_or_default(), group, argument.get_id().as_str()) {
        ("TEMPLATE_ID", ..) => Some(IdKind::Templates),
        ("MACHINE", ..) => Some(IdKind::Machines),
        ("REQUEST_ID", ..) => Some(IdKind::Requests),
        ("KEY", ..) => Some(IdKind::Keys),
        ("NAME", "providers", "name" | "provider") | (_, _, "provider_name") => Some(IdKind::Providers),
        ("FILE" | "PATH", ..) => Some(IdKind::Files),
        ("DIR", ..) => Some(IdKind::Directories),
        _ => None,
    };
    NextWords { words, kind }
}

fn told(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// The candidates as the scripts read them. Of ids, `ids` are those of the kind; a file is the shell's to complete.
pub fn lines(candidates: &NextWords, ids: impl IntoIterator<Item = String>) -> String {
    let mut out = String::new();
    for id in ids {
        out.push_str(&id);
        out.push('\n');
    }
    for (word, description) in &candidates.words {
        out.push_str(word);
        if !description.is_empty() {
            out.push('\t');
            out.push_str(description);
        }
        out.push('\n');
    }
    match candidates.kind {
        Some(IdKind::Files) => out.push_str(":files\n"),
        Some(IdKind::Directories) => out.push_str(":directories\n"),
        _ => {}
    }
    out
}

/// The commands behind which ids of templates can be typed, in every spelling, each with what else can be typed there:
/// what [`lines`] gives without ids.
pub fn behind_templates() -> Vec<(String, String)> {
    let mut tree = crate::command();
    tree.build();
    let mut found = Vec::new();
    for path in crate::paths() {
        let candidates = candidates(&tree, &path);
        if candidates.kind == Some(IdKind::Templates) {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let options = lines(&candidates, []);
            found.extend(crate::spelled_lines(&words).into_iter().map(|line| (line, options.clone())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command;

    #[test]
    fn what_comes_next() {
        let mut tree = command();
        tree.build();
        let check = |line: &str, words: &[&str], kind: Option<IdKind>, never: &[&str]| {
            let typed: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let found = candidates(&tree, &typed);
            assert_eq!(found.kind, kind, "{line}");
            let has = |word: &str| found.words.iter().any(|(known, _)| known == word);
            for word in words {
                assert!(has(word), "{line}: no {word} in {:?}", found.words);
            }
            for word in never {
                assert!(!has(word), "{line}: {word}");
            }
        };
        check("", &["templates", "doctor", "--format", "--config"], None, &["--limit", "__complete"]);
        check("templates", &["list", "show", "--json"], None, &["templates", "doctor"]);
        check("templates show", &["--format", "--template-id"], Some(IdKind::Templates), &["list"]);
        check("template show", &["--format"], Some(IdKind::Templates), &["--limit"]);
        check("templates show x", &["--format"], None, &[]);
        check("templates list", &["--filter", "--limit"], None, &["--dry-run"]);
        check("machines request", &["--count"], Some(IdKind::Templates), &[]);
        check("machines request -t", &[], Some(IdKind::Templates), &["--count"]);
        check("machines return", &["--all"], Some(IdKind::Machines), &[]);
        check("machines return m", &["--all"], Some(IdKind::Machines), &[]);
        check("machines list --status", &["running", "shutting-down"], None, &["failed", "--all"]);
        check("requests show", &[], Some(IdKind::Requests), &[]);
        check("requests status r", &["--wait"], Some(IdKind::Requests), &[]);
        check("requests status --wait r", &["--timeout"], Some(IdKind::Requests), &["--wait"]);
        check("config get", &[], Some(IdKind::Keys), &[]);
        check("providers show", &[], Some(IdKind::Providers), &[]);
        check("providers list --instance", &[], None, &[]);
        check("providers health --provider", &[], Some(IdKind::Providers), &[]);
        check("templates list --provider-name", &[], Some(IdKind::Providers), &[]);
        check("providers remove", &["--force"], Some(IdKind::Providers), &[]);
        check("providers set-default", &["--dry-run"], Some(IdKind::Providers), &["--force"]);
        check("providers update x", &["--region"], None, &["--default"]);
        check("--format", &["json", "table", "csv"], None, &["nagios", "templates"]);
        check("--format yaml templates", &["list"], None, &["--format"]);
        check("--format=yaml templates show", &[], Some(IdKind::Templates), &["--format"]);
        check("--config", &[], Some(IdKind::Files), &["templates"]);
        check("--state-dir", &[], Some(IdKind::Directories), &[]);
        check("completions", &["bash", "powershell"], None, &[]);
        check("getRequestStatus -f", &[], Some(IdKind::Files), &[]);
    }

    #[test]
    fn lines_have_descriptions() {
        let found = NextWords {
            words: vec![("list".to_owned(), "List them".to_owned()), ("x".to_owned(), String::new())],
            kind: Some(IdKind::Files),
        };
        assert_eq!(lines(&found, ["id".to_owned()]), "id\nlist\tList them\nx\n:files\n");
    }

    #[test]
    fn templates_are_asked_for_behind_their_commands() {
        let paths: Vec<String> = behind_templates().into_iter().map(|(path, _)| path).collect();
        for path in ["templates show", "template show", "machines request"] {
            assert!(paths.iter().any(|known| known == path), "{path}: {paths:?}");
        }
    }
}
