//! Errors of the command line: clap's, in the words and the form that all errors of ohfp have.

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// Words that people try, and the command that does it. A group of `""` is the program itself.
const VERBS: &[(&str, &[&str], &str)] = &[
    ("", &["create", "launch", "run", "provision", "start"], "machines request"),
    ("", &["return", "terminate", "delete", "destroy", "kill", "release", "rm"], "machines return"),
    ("", &["list", "ls", "ps"], "machines list"),
    ("", &["cancel", "abort"], "requests cancel"),
    ("", &["watch", "wait", "follow"], "requests watch"),
    ("", &["validate", "check", "verify", "test"], "doctor"),
    ("", &["health", "ping"], "system health"),
    ("", &["build", "publish", "refresh"], "snapshot build"),
    ("", &["get", "set", "settings", "configure"], "config show"),
    ("", &["log", "tail"], "logs"),
    ("machines", &["create", "launch", "run", "provision", "add", "new", "start"], "machines request"),
    ("machines", &["delete", "destroy", "kill", "stop", "remove", "release"], "machines return"),
    ("machines", &["watch", "wait", "refresh"], "machines status"),
    ("requests", &["create", "new", "add", "submit"], "machines request"),
    ("requests", &["delete", "remove", "stop", "abort", "kill"], "requests cancel"),
    ("requests", &["wait", "follow", "tail"], "requests watch"),
    ("requests", &["returns", "reclaimed"], "requests list-returns"),
    ("templates", &["check", "verify", "lint", "test"], "templates validate"),
    ("config", &["check", "verify", "lint", "test"], "config validate"),
    ("config", &["list", "ls", "dump", "view", "cat"], "config show"),
    ("providers", &["check", "ping", "test", "status"], "providers health"),
    ("storage", &["check", "verify"], "storage validate"),
    ("storage", &["status", "info"], "storage health"),
    ("storage", &["dump", "save"], "storage export"),
    ("storage", &["load"], "storage import"),
];

/// The text of an error of clap's: its hints are called as ours are, and a word that people usually try leads to the
/// command that does it.
pub fn usage_error(error: &Error, styled: bool) -> String {
    let rendered = error.render();
    let text = if styled { rendered.ansi().to_string() } else { rendered.to_string() };
    let text = text.replace("  tip: ", "  hint: ").replace("tip:\x1b[0m ", "hint:\x1b[0m ");
    match verb(error) {
        Some(command) => {
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            format!("{first}\n\n  hint: `ohfp {command}` does this\n{rest}")
        }
        None => text,
    }
}

/// The command that does what an unknown one was to do.
fn verb(error: &Error) -> Option<&'static str> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let Some(ContextValue::String(wanted)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    // The usage line names the command that the word stands behind.
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let mut words = usage.split_whitespace().skip_while(|word| *word != crate::PROGRAM).skip(1);
    let group = words.next().filter(|word| word.starts_with(char::is_alphabetic)).unwrap_or_default();
    let row = VERBS.iter().find(|(own, verbs, _)| *own == group && verbs.contains(&wanted.as_str()));
    row.map(|(_, _, command)| *command)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn told(words: &str) -> String {
        let error = crate::parse(words.split(' ').map(OsString::from)).unwrap_err();
        let plain = usage_error(&error, false);
        let mut stripped = String::new();
        for (number, piece) in usage_error(&error, true).split("\x1b[").enumerate() {
            stripped.push_str(if number == 0 { piece } else { piece.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, plain, "{words}");
        plain
    }

    #[test]
    fn usual_verbs_lead_to_their_commands() {
        let check = |words: &str, hint: &str| {
            let text = told(words);
            assert!(text.starts_with("error: ") && text.contains(hint), "{words}: {text}");
            assert!(!text.contains("tip:"), "{text}");
        };
        check("ohfp machines create", "hint: `ohfp machines request` does this");
        check("ohfp machine destroy x", "hint: `ohfp machines return` does this");
        check("ohfp launch", "hint: `ohfp machines request` does this");
        check("ohfp requests wait r", "hint: `ohfp requests watch` does this");
        check("ohfp config dump", "hint: `ohfp config show` does this");
        check("ohfp templates lst", "hint: some similar subcommand");
        check("ohfp templates list --fromat json", "hint: a similar argument exists: '--format'");
        check("ohfp templates list --limit 0", "must be a whole number, at least 1");
    }

    #[test]
    fn verbs_lead_to_commands_that_exist() {
        let paths: Vec<String> = crate::paths().iter().map(|path| path.join(" ")).collect();
        for (group, verbs, command) in VERBS {
            // What follows `snapshot` is another program's.
            let own = command.split(" build").next().unwrap();
            assert!(paths.iter().any(|path| path == own), "{command}");
            for verb in *verbs {
                let line = [crate::PROGRAM, group, verb].map(OsString::from);
                let words: Vec<OsString> = line.into_iter().filter(|word| !word.is_empty()).collect();
                assert_eq!(
                    crate::parse(words).unwrap_err().kind(),
                    ErrorKind::InvalidSubcommand,
                    "{group} {verb}"
                );
            }
        }
    }
}
