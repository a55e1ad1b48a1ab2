//! Texts rendered from the tree: help, version, manual pages, and the text of the fingerprint.

use std::fmt::Write as _;
use std::sync::OnceLock;

use clap::builder::StyledStr;
use clap::{Arg, CommandFactory as _};

use crate::actions::CompletionShell;
use crate::completion_scripts;
use crate::options::ELSEWHERE;
use crate::style;
use crate::tree::Cli;

/// The tree as a clap command. Each command's help shows its own options; those that every command takes are described
/// by the program's help, and named by the others.
pub fn command() -> clap::Command {
    let root = Cli::command();
    let described = global_options(&root);
    let sections = root.get_after_long_help().cloned().unwrap_or_default();
    let root = root.mut_args(|argument| {
        let is_global = argument.is_global_set();
        if is_global { argument.hide(true) } else { argument }
    });
    let mut long = described.clone();
    long.push_str("\n\n");
    long.push_str(&sections.ansi().to_string());
    let root = root.after_help(described).after_long_help(long).override_usage("ohfp [OPTIONS] <COMMAND>");
    root.mut_subcommands(naming_globals)
}

/// A command whose help names the options that every command takes, and the same for those below it.
fn naming_globals(command: clap::Command) -> clap::Command {
    let line = style::line("Global options", NAMED_GLOBALS);
    let mut long = line.clone();
    if let Some(more) = command.get_after_long_help() {
        long.push_str("\n\n");
        long.push_str(&more.ansi().to_string());
    }
    command.after_help(line).after_long_help(long).mut_subcommands(naming_globals)
}

/// The options that a person looks for in the help of a command.
const NAMED_GLOBALS: &str =
    "-o --json --columns --sort-by --config --instance -q -v and others, see ohfp --help";

/// The options that every command takes, a line each.
fn global_options(root: &clap::Command) -> StyledStr {
    let shown = |argument: &&Arg| argument.is_global_set() && !argument.is_hide_set();
    let rows: Vec<(String, String)> = root.get_arguments().filter(shown).map(described).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(name, help)| (name.as_str(), help.as_str())).collect();
    let mut text = StyledStr::new();
    style::table(&mut text, "Global options", &rows);
    // The section is the first.
    StyledStr::from(text.ansi().to_string().trim_start_matches('\n').to_owned())
}

/// An option as it is typed, and what it does.
fn described(argument: &Arg) -> (String, String) {
    let mut name = argument.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let _ = write!(name, "--{}", argument.get_long().unwrap_or_default());
    let takes_values = argument.get_action().takes_values();
    if takes_values {
        let value = argument.get_value_names().and_then(|names| names.first());
        let value = value.map(clap::builder::Str::as_str).unwrap_or_default();
        let _ = if argument.is_require_equals_set() {
            write!(name, "[=<{value}>]")
        } else {
            write!(name, " <{value}>")
        };
    }
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && takes_values && !argument.is_hide_possible_values_set())
        .map(|value| value.get_name().to_owned())
        .collect();
    if !values.is_empty() {
        let _ = write!(help, ": {}", values.join(", "));
    }
    (name, help)
}

/// The manual page of each command, with the name of its file: `ohfp.1` and `ohfp-GROUP-COMMAND.1`.
///
/// # Errors
/// Those of writing into memory, which has none.
pub fn manual_pages() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut root = command();
    root.build();
    let mut pages = Vec::new();
    add_pages(&root, crate::PROGRAM, &mut pages)?;
    Ok(pages)
}

fn add_pages(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let mut page = Vec::new();
    // Each page describes all options that its command takes.
    let described = command.clone().mut_args(|argument| {
        let is_described = argument.is_global_set() && !ELSEWHERE.contains(&argument.get_id().as_str());
        if is_described { argument.hide(false) } else { argument }
    });
    clap_mangen::Man::new(described).render(&mut page)?;
    pages.push((format!("{name}.1"), page));
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        add_pages(below, &format!("{name}-{}", below.get_name()), pages)?;
    }
    Ok(())
}

/// The help of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The command's path; empty for the program itself.
    pub path: Vec<String>,
    /// Whether it has subcommands.
    pub is_group: bool,
    /// `--help`
    pub long: StyledStr,
    /// `-h`
    pub short: StyledStr,
}

/// The help of every command, in help order, groups and the program itself included. Rendered once
/// in a process: building the tree for each of them would take longer than all the rest.
pub fn pages() -> &'static [Page] {
    static PAGES: OnceLock<Vec<Page>> = OnceLock::new();
    PAGES.get_or_init(|| {
        let mut root = command();
        // Gives every command its full name for the usage line, and propagates the global options.
        root.build();
        let mut pages = Vec::new();
        collect(&mut root, &mut Vec::new(), &mut pages);
        pages
    })
}

fn collect(at: &mut clap::Command, path: &mut Vec<String>, pages: &mut Vec<Page>) {
    let is_group = at.get_subcommands().any(|below| below.get_name() != "help");
    pages.push(Page { path: path.clone(), is_group, long: at.render_long_help(), short: at.render_help() });
    for below in at.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        path.push(below.get_name().to_owned());
        collect(below, path, pages);
        path.pop();
    }
}

/// The paths of all commands, in help order: groups and the program itself (the empty path)
/// included; aliases and clap's own `help` not.
pub fn paths() -> Vec<Vec<String>> {
    pages().iter().map(|page| page.path.clone()).collect()
}

/// Every way to write `path` with the commands' visible aliases, `path` itself first. Empty for a path that
/// does not exist.
pub fn spellings(path: &[&str]) -> Vec<Vec<String>> {
    static ROOT: OnceLock<clap::Command> = OnceLock::new();
    let root = ROOT.get_or_init(command);
    let mut at = root;
    let mut all = vec![Vec::new()];
    for word in path {
        let Some(next) = at.get_subcommands().find(|command| command.get_name() == *word) else {
            return Vec::new();
        };
        let names: Vec<&str> = std::iter::once(next.get_name()).chain(next.get_visible_aliases()).collect();
        all =
            names.iter().flat_map(|name| all.iter().map(|head: &Vec<String>| extended(head, name))).collect();
        at = next;
    }
    all
}

/// The same for a command of at most two words with its arguments, each as one text.
pub fn spelled_lines(words: &[&str]) -> Vec<String> {
    let (path, arguments) = words.split_at(words.len().min(2));
    let line = |path: Vec<String>| {
        path.iter().map(String::as_str).chain(arguments.iter().copied()).collect::<Vec<_>>().join(" ")
    };
    spellings(path).into_iter().map(line).collect()
}

/// What `ohfp --version` prints.
pub fn version() -> String {
    command().render_version()
}

/// The completion script of a shell.
pub fn completions(shell: CompletionShell) -> Vec<u8> {
    completion_scripts::script(shell).as_bytes().to_vec()
}

/// The whole tree as one text. Two builds with the same text accept the same command lines and print the same
/// help; its hash identifies snapshots of the same build.
pub fn fingerprint_text() -> String {
    let mut text = version();
    for page in pages() {
        text.push_str(&page.short.ansi().to_string());
        text.push_str(&page.long.ansi().to_string());
    }
    for shell in CompletionShell::ALL {
        text.push_str(&String::from_utf8_lossy(&completions(shell)));
    }
    text
}

fn extended(head: &[String], word: &str) -> Vec<String> {
    head.iter().cloned().chain(std::iter::once(word.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PROGRAM;

    /// The paths of the commands without subcommands.
    fn leaf_paths() -> Vec<Vec<String>> {
        pages().iter().filter(|page| !page.is_group).map(|page| page.path.clone()).collect()
    }

    /// The output of `ohfp PATH --help` (`long`) or `ohfp PATH -h`, with escape sequences if `styled`. A path
    /// may use aliases. `None` if there is no such command.
    fn help(path: &[&str], long: bool, styled: bool) -> Option<String> {
        let page = pages().iter().find(|page| {
            let words: Vec<&str> = page.path.iter().map(String::as_str).collect();
            words.len() == path.len() && spellings(&words).iter().any(|spelling| spelling == path)
        })?;
        let text = if long { &page.long } else { &page.short };
        Some(if styled { text.ansi().to_string() } else { text.to_string() })
    }

    /// The output of clap for an argument vector, plain and styled.
    fn printed<'a>(words: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let argv = std::iter::once(PROGRAM).chain(words);
        let text = command().try_get_matches_from(argv).unwrap_err().render();
        (text.to_string(), text.ansi().to_string())
    }

    fn borrowed(path: &[String]) -> Vec<&str> {
        path.iter().map(String::as_str).collect()
    }

    fn both(path: &[&str], long: bool) -> (String, String) {
        (help(path, long, false).unwrap(), help(path, long, true).unwrap())
    }

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn help_is_what_clap_prints() {
        for path in paths() {
            for spelling in spellings(&borrowed(&path)) {
                let words = borrowed(&spelling);
                let with = |flag| words.iter().copied().chain([flag]);
                assert_eq!(both(&words, true), printed(with("--help")), "{words:?} --help");
                assert_eq!(both(&words, false), printed(with("-h")), "{words:?} -h");
                let asked = std::iter::once("help").chain(words.iter().copied());
                assert_eq!(both(&words, true), printed(asked), "help {words:?}");
            }
        }
    }

    #[test]
    fn a_missing_command_shows_short_help() {
        assert_eq!(both(&[], false), printed([]));
        assert_eq!(both(&["templates"], false), printed(["templates"]));
    }

    #[test]
    fn version_is_what_clap_prints() {
        assert_eq!(version(), format!("ohfp {}\n", env!("CARGO_PKG_VERSION")));
        assert_eq!(version(), printed(["--version"]).0);
        assert_eq!(version(), printed(["-V"]).0);
    }

    #[test]
    fn every_command_teaches() {
        for path in paths() {
            let long = help(&borrowed(&path), true, false).unwrap();
            assert!(long.contains("Examples:\n"), "{path:?} has no examples");
            assert!(long.contains("\n\nUsage: ohfp"), "{path:?}");
            assert_ne!(Some(long), help(&borrowed(&path), false, false), "{path:?} has no long description");
        }
    }

    /// Without its feature `wrap_help` clap does not wrap, so the texts must fit the width.
    #[test]
    fn help_fits_its_width() {
        for path in paths() {
            for long in [true, false] {
                for line in help(&borrowed(&path), long, false).unwrap().lines() {
                    assert!(line.chars().count() <= crate::style::WIDTH, "{path:?}: {line}");
                }
            }
        }
    }

    #[test]
    fn paths_have_groups_and_leaves() {
        let written = |all: Vec<Vec<String>>| all.iter().map(|path| path.join(" ")).collect::<Vec<_>>();
        let (all, leaves) = (written(paths()), written(leaf_paths()));
        assert_eq!(all.first().map(String::as_str), Some(""));
        assert!(all.contains(&"templates".to_owned()) && !leaves.contains(&"templates".to_owned()));
        assert!(leaves.contains(&"getReturnRequests".to_owned()));
        assert_eq!(leaves.len(), 78);
        assert!(!all.iter().any(|path| path.ends_with("help")));
    }

    #[test]
    fn unknown_paths_have_no_help() {
        for path in [&["nosuch"][..], &["help"], &["templates", "help"], &["templates", "list", "x"]] {
            assert_eq!(help(path, true, false), None);
        }
        assert!(spellings(&["nosuch"]).is_empty());
    }

    #[test]
    fn spellings_hold_the_aliases() {
        assert_eq!(spellings(&["templates", "list"]), [["templates", "list"], ["template", "list"]]);
        assert_eq!(spellings(&[]), [Vec::<String>::new()]);
        assert_eq!(spelled_lines(&["providers", "show", "a"]), ["providers show a", "provider show a"]);
        assert_eq!(spelled_lines(&[]), [""]);
    }

    #[test]
    fn manual_pages_are_complete() {
        let pages = manual_pages().unwrap();
        let names: Vec<String> = pages.iter().map(|(name, _)| name.clone()).collect();
        let expected = paths().into_iter().map(|path| {
            let words: Vec<&str> = std::iter::once(PROGRAM).chain(path.iter().map(String::as_str)).collect();
            format!("{}.1", words.join("-"))
        });
        assert_eq!(names, expected.collect::<Vec<_>>());
        for (name, page) in pages {
            let text = String::from_utf8(page).unwrap();
            assert!(text.contains(".TH") && text.contains("format"), "{name}");
        }
    }

    #[test]
    fn help_of_a_command_shows_its_own_options_and_names_the_others() {
        for long in [true, false] {
            let list = help(&["templates", "list"], long, false).unwrap();
            assert!(list.contains("--filter") && !list.contains("--state-dir"), "{list}");
            assert_eq!(list.matches("\nGlobal options: -o --json").count(), 1, "{list}");
            let root = help(&[], long, false).unwrap();
            assert!(root.contains("\nGlobal options:\n") && root.contains("--state-dir <DIR>"), "{root}");
            assert!(!root.contains("--limit"), "{root}");
        }
    }

    #[test]
    fn the_fingerprint_is_stable() {
        assert_eq!(fingerprint_text(), fingerprint_text());
    }
}
