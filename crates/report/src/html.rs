//! Markup that is written as it stands, and text that is escaped. Nothing else puts foreign text into the page.

use std::fmt::Write as _;

/// A page, or a part of it.
#[derive(Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Markup of this program's own.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, in an element or in an attribute with quotes.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        escape(text, &mut self.0);
        self
    }

    /// Text whose parts between backticks are code.
    pub(crate) fn prose(&mut self, text: &str) -> &mut Self {
        let parts: Vec<&str> = text.split('`').collect();
        // A backtick without its other half is itself.
        let whole = if parts.len().is_multiple_of(2) { parts.len() - 1 } else { parts.len() };
        for (place, part) in parts.iter().enumerate() {
            if place >= whole {
                self.raw("`").text(part);
            } else if place.is_multiple_of(2) {
                self.text(part);
            } else {
                self.element("<code>", part, "</code>");
            }
        }
        self
    }

    /// A number of a picture, to a tenth.
    pub(crate) fn place(&mut self, value: f64) -> &mut Self {
        let value = (value * 10.0).round() / 10.0;
        // Neither a picture nor JSON knows others, and minus zero is one more byte.
        let value = if value.is_finite() { value + 0.0 } else { 0.0 };
        let _ = write!(self.0, "{value}");
        self
    }

    /// An element with text alone.
    pub(crate) fn element(&mut self, open: &'static str, text: &str, close: &'static str) -> &mut Self {
        self.raw(open).text(text).raw(close)
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// Characters that mark up are written as entities. Those that cannot be seen, and those that turn the direction of what
/// follows, could make a page look like another one, so a replacement stands for each.
fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push(char::REPLACEMENT_CHARACTER),
            letter if letter.is_control() => out.push(char::REPLACEMENT_CHARACTER),
            letter => out.push(letter),
        }
    }
}

/// At most so many characters; the last one tells that there are more.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_in_text_is_none() {
        let mut html = Html::default();
        html.raw("<p title=\"")
            .text("a\"b'c")
            .raw("\">")
            .text("<script>&\u{202e}\u{7}\n</script>")
            .raw("</p>");
        assert_eq!(
            html.finish(),
            "<p title=\"a&quot;b&#39;c\">&lt;script&gt;&amp;\u{fffd}\u{fffd} &lt;/script&gt;</p>"
        );
    }

    #[test]
    fn code_is_between_backticks() {
        for (text, shown) in [
            ("", ""),
            ("a", "a"),
            ("run `a <b>` now", "run <code>a &lt;b&gt;</code> now"),
            ("`a``b`", "<code>a</code><code>b</code>"),
            ("one ` alone", "one ` alone"),
            ("`a` and `", "<code>a</code> and `"),
        ] {
            let mut html = Html::default();
            html.prose(text);
            assert_eq!(html.finish(), shown);
        }
    }

    #[test]
    fn places_are_short() {
        for (value, shown) in [(1.0, "1"), (1.25, "1.3"), (-0.01, "0"), (f64::NAN, "0"), (f64::INFINITY, "0")]
        {
            let mut html = Html::default();
            html.place(value);
            assert_eq!(html.finish(), shown);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(
            (cut("abc", 3).as_str(), cut("abcd", 3).as_str(), cut("äöüß", 3).as_str()),
            ("abc", "ab…", "äö…")
        );
    }

    proptest! {
        /// What a browser reads back is the text, and none of it is markup.
        #[test]
        fn escaped_text_is_text(text in any::<String>()) {
            let mut html = Html::default();
            html.text(&text);
            let escaped = html.finish();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let read = escaped
                .replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'")
                .replace("&amp;", "&");
            let visible = |letter: char| match letter {
                '\n' | '\t' => ' ',
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
                letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
                letter => letter,
            };
            prop_assert_eq!(read, text.chars().map(visible).collect::<String>());
        }
    }
}
