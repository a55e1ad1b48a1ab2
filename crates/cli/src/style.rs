//! Style of help: colors, width, and the form of an examples section.

use std::fmt::Write as _;

use clap::builder::StyledStr;
use clap::builder::styling::{AnsiColor, Style, Styles};

/// Help fits this width wherever it is printed. A snapshot is written before anyone knows the
/// terminal, and a text that is the same everywhere can be compared. clap lays out by it; the
/// texts keep to it by hand, since clap without `wrap_help` breaks no line.
pub(crate) const WIDTH: usize = 100;

const HEADING: Style = Style::new().bold();
const LITERAL: Style = AnsiColor::Cyan.on_default().bold();

/// Styles of clap's own parts of a help text or an error.
pub(crate) const STYLES: Styles = Styles::plain()
    .header(HEADING)
    .usage(HEADING)
    .literal(LITERAL)
    .placeholder(AnsiColor::Cyan.on_default())
    .valid(AnsiColor::Green.on_default())
    .invalid(AnsiColor::Yellow.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .context(Style::new().dimmed());

/// An "Examples" section: a description and a command line for each.
pub(crate) fn examples(all: &[(&str, &str)]) -> StyledStr {
    let (literal, plain) = (LITERAL.to_string(), format!("{LITERAL:#}"));
    let mut text = StyledStr::new();
    heading(&mut text, "Examples");
    for (index, (purpose, line)) in all.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let colon = if purpose.ends_with('?') { "" } else { ":" };
        for part in [gap, "\n  ", purpose, colon, "\n    ", &literal, line, &plain] {
            text.push_str(part);
        }
    }
    text
}

/// A further section: a name and an explanation in each row, the explanations aligned.
pub(crate) fn table(text: &mut StyledStr, title: &str, rows: &[(&str, &str)]) {
    text.push_str("\n\n");
    heading(text, title);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, explanation) in rows {
        // Writing to a StyledStr cannot fail; it is a string inside.
        let _ = write!(text, "\n  {LITERAL}{name}{LITERAL:#}");
        if !explanation.is_empty() {
            let _ = write!(text, "{:pad$}  {explanation}", "", pad = width - name.len());
        }
    }
}

/// A section of one line.
pub(crate) fn line(title: &str, content: &str) -> StyledStr {
    let mut text = StyledStr::new();
    heading(&mut text, title);
    text.push_str(" ");
    text.push_str(content);
    text
}

fn heading(text: &mut StyledStr, title: &str) {
    let _ = write!(text, "{HEADING}{title}:{HEADING:#}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned() {
        let mut text = StyledStr::new();
        table(&mut text, "Exit codes", &[("0", "good"), ("10", "bad"), ("x", "")]);
        assert_eq!(text.to_string(), "\n\nExit codes:\n  0   good\n  10  bad\n  x");
    }

    #[test]
    fn examples_are_separated_by_a_blank_line() {
        let text = examples(&[("One", "ohfp a"), ("Two?", "ohfp b")]).to_string();
        assert_eq!(text, "Examples:\n  One:\n    ohfp a\n\n  Two?\n    ohfp b");
    }
}
