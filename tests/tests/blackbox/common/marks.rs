//! Wrong texts with their faults marked, one after the other in place of one file.

use ohfp_tests::{Sandbox, expect_none};

use crate::common::verdict::{Verdict, fault};

/// Puts each content in place of `file`. `▲` marks where a problem is. What must be said stands beside
/// it: a line for each problem, parts of a line separated by `|`.
pub(crate) fn check<T: AsRef<str>, W: AsRef<str>>(
    sandbox: &Sandbox,
    verdict: Verdict,
    file: &str,
    cases: &[(T, W)],
) {
    let faults = cases.iter().filter_map(|(content, words)| {
        let (content, places) = unmarked(content.as_ref());
        let words: Vec<&str> = words.as_ref().lines().collect();
        assert_eq!(places.len(), words.len(), "{content}");
        sandbox.write(file, &content);
        let problem = |(place, words): (&String, &&str)| format!("/{file}{place}|{words}");
        let problems: Vec<String> = places.iter().zip(&words).map(problem).collect();
        fault(sandbox, verdict, &problems).map(|fault| format!("{content:.200}\n  {fault}"))
    });
    expect_none(&faults.collect::<Vec<_>>(), cases.len());
}

/// Takes the marks `▲` out of a text and gives the places they stood at, as messages have them.
fn unmarked(text: &str) -> (String, Vec<String>) {
    let mut pieces = text.split('▲');
    let mut content = pieces.next().unwrap_or_default().to_owned();
    let mut places = Vec::new();
    for piece in pieces {
        let before = content.trim_start_matches('\u{feff}');
        let (lines, last) =
            before.rsplit_once('\n').map_or((0, before), |(lines, last)| (lines.split('\n').count(), last));
        places.push(format!(":{}:{}: ", lines + 1, last.chars().count() + 1));
        content.push_str(piece);
    }
    (content, places)
}
