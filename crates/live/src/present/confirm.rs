//! Confirmation prompts on the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use ohfp_broker::{Error, ErrorKind, Result};

/// Asks for confirmation unless `yes` is set. An error of kind `Refused` if the answer is not yes, or if
/// standard input or standard error is not a terminal.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("confirmation required, but standard input or error is not a terminal: {question}"),
        )
        .hint("pass --yes to confirm, or --dry-run to see what would be done"));
    }
    let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut line = String::new();
    let answered = asked.and_then(|()| stdin.lock().read_line(&mut line));
    match answered {
        Ok(_) if is_yes(&line) => Ok(()),
        Ok(_) => Err(Error::new(ErrorKind::Refused, "not confirmed; nothing was changed")),
        Err(error) => Err(Error::new(ErrorKind::System, "cannot prompt on the terminal").cause(error)),
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
