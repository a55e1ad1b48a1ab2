//! What the end of the log says.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use ohfp_broker::Timestamp;
use ohfp_platform::files::{self, Access};
use serde_json::Value;
use tracing::Level;

use super::slowness::SlownessCheck;
use crate::log::LogLine;

/// How much of the log is read, in bytes, from its end.
const TAIL: u64 = 256 * 1024;
/// How far back lines count, in milliseconds: a day.
const WINDOW: i64 = 86_400_000;

/// Errors and warnings of the last day.
pub(super) fn errors(path: Option<&Path>, now: Timestamp) -> SlownessCheck {
    let what = "error-log";
    let Some(path) = path else { return SlownessCheck::ok(what, "nothing is logged") };
    let Ok(file) = files::open(path, Access::Read) else {
        return SlownessCheck::ok(what, "there is no log yet");
    };
    let (text, whole) = tail(&file);
    let since = now.plus_millis(-WINDOW).to_string();
    let (errors, warnings, last) = count(&text, since.trim_end_matches('Z'));
    let part = if whole { "" } else { " at least, in the last 256 KiB of the log" };
    let told = format!("{errors} errors and {warnings} warnings in the last day{part}");
    match last {
        Some(last) => SlownessCheck::slow(
            what,
            format!("{told}; the last error: {last}"),
            format!("read them in {}: retries and timeouts are what makes operations slow", path.display()),
        ),
        None => SlownessCheck::ok(what, told),
    }
}

/// The end of a file, and whether that is all of it.
fn tail(file: &File) -> (String, bool) {
    let length = file.metadata().map(|found| found.len()).unwrap_or_default();
    let from = length.saturating_sub(TAIL);
    let mut bytes = vec![0; usize::try_from(length - from).unwrap_or_default()];
    let read = file.read_at(&mut bytes, from).unwrap_or_default();
    bytes.truncate(read);
    (String::from_utf8_lossy(&bytes).into_owned(), from == 0)
}

/// Errors and warnings since then, and what the last error says. Dates of the log are compared as they are written.
fn count(text: &str, since: &str) -> (usize, usize, Option<String>) {
    let (mut errors, mut warnings, mut last) = (0, 0, None);
    for line in text.lines() {
        let Some(line) = LogLine::parse(line.as_bytes()).filter(|line| line.time() >= since) else {
            continue;
        };
        match line.level() {
            Some(Level::ERROR) => {
                errors += 1;
                let error = line.fields().get("error").and_then(Value::as_str);
                last = Some(error.unwrap_or(line.message()).to_owned());
            }
            Some(Level::WARN) => warnings += 1,
            _ => {}
        }
    }
    (errors, warnings, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_last_day_count() {
        let line = |at: &str, level: &str, error: &str| {
            format!(
                "{{\"timestamp\": \"{at}\", \"level\": \"{level}\", \"message\": \"m\", \"error\": \"{error}\"}}\n"
            )
        };
        let text = [
            "a line that was cut\n".to_owned(),
            line("2026-11-26T09:59:59.9Z", "ERROR", "old"),
            line("2026-11-26T10:00:00.1Z", "ERROR", "first"),
            line("2026-11-27T09:00:00.1Z", "WARN", "x"),
            line("2026-11-27T09:30:00.1Z", "ERROR", "second"),
            line("2026-11-27T09:40:00.1Z", "INFO", "x"),
        ];
        let found = count(&text.concat(), "2026-11-26T10:00:00");
        assert_eq!(found, (2, 1, Some("second".to_owned())));
        assert_eq!(count("", "x"), (0, 0, None));
    }
}
