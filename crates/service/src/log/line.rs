//! A line of the log as people read it: time, level, message, then the fields.

use std::fmt::Write;

use ohfp_render::text;
use serde_json::{Map, Value};
use tracing::Level;

const TIME: &str = "timestamp";
const LEVEL: &str = "level";
const MESSAGE: &str = "message";

/// Letters of the longest level.
const LEVEL_WIDTH: usize = 5;
/// Digits behind the second that are shown, with the point.
const FRACTION: usize = 4;

const DIM: &str = "\x1b[2m";
const OFF: &str = "\x1b[0m";

/// A line that ohfp has logged.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine(Map<String, Value>);

impl LogLine {
    /// The record on this line; `None` for a line that is damaged, or that another program has written.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let record = Self(fields);
        [TIME, LEVEL, MESSAGE].iter().all(|name| record.text(name).is_some()).then_some(record)
    }

    /// All fields, as they are logged.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// When it was logged, as it is written.
    pub fn time(&self) -> &str {
        self.text(TIME).unwrap_or_default()
    }

    /// What it says.
    pub fn message(&self) -> &str {
        self.text(MESSAGE).unwrap_or_default()
    }

    /// How severe it is; `None` for a word that is no level.
    pub fn level(&self) -> Option<Level> {
        self.text(LEVEL)?.parse().ok()
    }

    /// Whether one of its fields has this text in it.
    pub fn mentions(&self, text: &str) -> bool {
        fn has(value: &Value, text: &str) -> bool {
            match value {
                Value::String(value) => value.contains(text),
                Value::Array(values) => values.iter().any(|value| has(value, text)),
                Value::Object(values) => values.values().any(|value| has(value, text)),
                _ => false,
            }
        }
        self.0.values().any(|value| has(value, text))
    }

    /// The line for people, without its end.
    pub fn laid_out(&self, styled: bool) -> String {
        let (dim, off) = if styled { (DIM, OFF) } else { ("", "") };
        let level = self.text(LEVEL).unwrap_or_default();
        let color = match self.level() {
            Some(Level::ERROR) if styled => "\x1b[1;31m",
            Some(Level::WARN) if styled => "\x1b[33m",
            Some(Level::INFO) if styled => "\x1b[32m",
            _ => dim,
        };
        let (time, message) = (shortened(self.time()), self.message());
        let (time, level) = (visible(&time), visible(level));
        let mut line = format!("{dim}{time}{off} {color}{level:<LEVEL_WIDTH$}{off} {}", visible(message));
        for (name, value) in &self.0 {
            if [TIME, LEVEL, MESSAGE].contains(&name.as_str()) {
                continue;
            }
            let _ = write!(line, " {dim}{}={off}{}", visible(name), shown(value));
        }
        line
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }
}

/// A line that is no record, with all that would drive a terminal escaped.
pub fn foreign(line: &[u8]) -> String {
    visible(&String::from_utf8_lossy(line))
}

/// Text with all that would drive a terminal escaped.
fn visible(text: &str) -> String {
    let mut out = String::new();
    text::visible(&mut out, text);
    out
}

/// A time to the millisecond; what is no time stays as it is.
fn shortened(time: &str) -> String {
    let cut = time.split_once('.').and_then(|(seconds, fraction)| {
        let digits = fraction.strip_suffix('Z')?;
        Some(format!("{seconds}.{}Z", digits.get(..FRACTION - 1)?))
    });
    cut.unwrap_or_else(|| time.to_owned())
}

/// A value: text in quotes only where it would run into what follows.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => visible(&Value::String(text.clone()).to_string()),
        other => visible(&other.to_string()),
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:+@%,~#*".contains(letter);
    !text.is_empty() && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"timestamp":"2026-11-27T20:15:26.123456Z","level":"INFO","message":"machines requested","request":"req-1","count":2,"why":"two words","nothing":""}"#;

    #[test]
    fn people_read_time_level_message_and_fields() {
        let check = |line: &str, expected: &str| {
            let shown = LogLine::parse(line.as_bytes())
                .map_or_else(|| foreign(line.as_bytes()), |record| record.laid_out(false));
            assert_eq!(shown, expected, "{line}");
        };
        check(
            LINE,
            r#"2026-11-27T20:15:26.123Z INFO  machines requested request=req-1 count=2 why="two words" nothing="""#,
        );
        check(
            r#"{"timestamp":"t","level":"ERROR","message":"m","list":[1,"a"]}"#,
            r#"t ERROR m list=[1,"a"]"#,
        );
        for foreign in ["{", "", "not JSON", r#"{"timestamp":"t","level":"INFO"}"#, r#"{"message":1}"#, "[]"]
        {
            check(foreign, foreign);
        }
    }

    #[test]
    fn nothing_drives_a_terminal() {
        let line = r#"{"timestamp":"\u001b[2J","level":"IN\u0007FO","message":"\u001b]0;x\u0007","a\u001bb":"\u009b1m","c":["\u001b"]}"#;
        for text in [LogLine::parse(line.as_bytes()).unwrap().laid_out(false), foreign(b"\x1b[31mred\xff")] {
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }

    #[test]
    fn levels_are_colored_where_that_is_wanted() {
        let record = LogLine::parse(LINE.as_bytes()).unwrap();
        assert!(record.laid_out(true).contains("\x1b[32mINFO "), "{}", record.laid_out(true));
        assert_eq!(record.laid_out(true).matches(OFF).count(), 6);
    }

    #[test]
    fn records_are_found_by_what_they_mention() {
        let record = LogLine::parse(LINE.as_bytes()).unwrap();
        assert_eq!(record.level(), Some(Level::INFO));
        assert!(record.mentions("req-1") && record.mentions("two") && !record.mentions("req-2"));
        let nested = r#"{"timestamp":"t","level":"loud","message":"m","all":[{"id":"req-9"}]}"#;
        let nested = LogLine::parse(nested.as_bytes()).unwrap();
        assert!(nested.mentions("req-9") && nested.level().is_none());
    }
}
