//! Asking before something is lost: on the terminal, or not at all.

use std::io::{self, BufRead, IsTerminal, Write};

use ohfp_broker::{Error, ErrorKind, Result};

/// Whether to go on. Without a terminal nobody can be asked, and `--yes` must say it.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        return Err(Error::new(ErrorKind::Refused, format!("nobody can be asked here: {question}"))
            .hint("give --yes if it is meant, or --dry-run to see what would be done"));
    }
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut line = String::new();
    let answered = asked.and_then(|()| stdin.lock().read_line(&mut line));
    match answered {
        Ok(_) if is_yes(&line) => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Refused, "it was not confirmed; nothing was changed")),
        Err(error) => Err(Error::new(ErrorKind::System, "cannot ask on the terminal").cause(error)),
    }
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (line, expected) in [
            ("y\n", true),
            ("YES\r\n", true),
            (" yes ", true),
            ("", false),
            ("\n", false),
            ("n\n", false),
            ("yep\n", false),
        ] {
            assert_eq!(is_yes(line), expected, "{line:?}");
        }
        assert_eq!(confirm("All?", true), Ok(()));
    }
}
