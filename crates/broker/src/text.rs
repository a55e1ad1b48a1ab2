//! Foreign text in messages: ids, names and values from a caller, a file or a provider.
//!
//! It may be of any length, drive a terminal, or be a command that a reader pastes into a shell with the message.

use std::borrow::Cow;

/// Longest name or value in a message, in characters.
pub const LONGEST: usize = 200;

/// Cuts a text to at most `longest` characters, with a mark.
pub fn shortened(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Quotes a foreign name or value for a message: cut, and in backticks only if a shell would read it as a
/// single word.
///
/// ```
/// use ohfp_broker::text::quoted;
/// assert_eq!(quoted("c7g-spot"), "`c7g-spot`");
/// assert_eq!(quoted("`reboot`"), "'’reboot’'");
/// assert_eq!(quoted("$(reboot)"), "'$(reboot)'");
/// ```
pub fn quoted(text: &str) -> String {
    let text = shortened(text, LONGEST);
    if text.contains(['`', '"', '\'']) || is_run(&text) {
        format!("'{}'", text.replace(['`', '\''], "’").replace('"', "”"))
    } else {
        format!("`{text}`")
    }
}

/// A whole message: nothing in it breaks a line or drives a terminal, and what stands in quotes, which is where text
/// from outside stands, is cut and is no command for a shell.
pub fn printable(text: String) -> String {
    if text.len() <= LONGEST
        && !text.contains(|letter: char| is_strange(letter) || matches!(letter, '`' | '"'))
    {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(['`', '"']) {
        let (before, opened) = rest.split_at(start);
        let quote = if opened.starts_with('`') { '`' } else { '"' };
        let inside = opened.get(1..).unwrap_or_default();
        let Some((inside, after)) = inside.split_once(quote) else { break };
        escape(&mut out, before);
        let inside_shown = shortened(inside, LONGEST);
        let runs = if quote == '`' { is_run(inside) } else { inside.contains(['$', '`']) };
        if runs {
            // Within these a shell runs nothing.
            out.push('\'');
            escape(&mut out, &inside_shown.replace(['`', '\''], "’"));
            out.push('\'');
        } else {
            out.push(quote);
            escape(&mut out, &inside_shown);
            out.push(quote);
        }
        rest = after;
    }
    escape(&mut out, &shortened(rest, LONGEST_PLAIN));
    out
}

/// Longest text after the last quote of a message, in characters: ohfp's own words, unless a quote is missing.
const LONGEST_PLAIN: usize = 1_000;

/// Whether a shell would interpret the character.
fn is_run(text: &str) -> bool {
    text.contains(['$', '(', ')', ';', '|', '&', '<', '>'])
}

/// Control characters, and those that show text in another order or not at all.
fn is_strange(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn escape(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            letter if is_strange(letter) => out.extend(letter.escape_default()),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(printable(text.to_owned()), expected);
    }

    #[test]
    fn messages_are_harmless() {
        check("there is no template `a`", "there is no template `a`");
        check("a\tb\u{1b}[31m", "a\\tb\\u{1b}[31m");
        check("`a\u{202e}b` \u{200b}", "`a\\u{202e}b` \\u{200b}");
        check("no `$(reboot)`, no `a;b`, but `a b`", "no '$(reboot)', no 'a;b', but `a b`");
        check("not \"`reboot`\" and not \"$x's\"", "not '’reboot’' and not '$x’s'");
        check("an `unclosed quote", "an `unclosed quote");
        check("line 1: `x`\nline 2: \"y\"", "line 1: `x`\\nline 2: \"y\"");
    }

    #[test]
    fn what_is_quoted_is_cut() {
        let long = "ä".repeat(100_000);
        for quote in ['`', '"'] {
            let cut = printable(format!("no {quote}{long}{quote} and {quote}{long}{quote} here"));
            assert!(cut.chars().count() < 2 * LONGEST + 30, "{cut}");
            assert!(
                cut.starts_with(&format!("no {quote}ää")) && cut.ends_with(&format!("ä…{quote} here")),
                "{cut}"
            );
        }
        assert!(printable(long.clone()).chars().count() <= LONGEST_PLAIN + 1);
        assert!(quoted(&long).chars().count() <= LONGEST + 3);
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("abcd", 3), "abc…");
    }

    #[test]
    fn names_are_quoted_so_that_no_shell_runs_them() {
        for (text, expected) in [
            ("c7g-spot", "`c7g-spot`"),
            ("", "``"),
            ("`reboot`", "'’reboot’'"),
            ("a'b\"c", "'a’b”c'"),
            ("$(reboot)", "'$(reboot)'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
        for run in ["$x", "(", ")", ";", "|", "&", "<", ">"] {
            assert_eq!(quoted(run), format!("'{run}'"));
        }
    }
}
