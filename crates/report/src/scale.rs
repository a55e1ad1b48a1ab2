//! Where the marks of an axis are.

use ohfp_broker::Timestamp;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Distances between marks in time, such that marks are at midnight or at full hours.
const STEPS: [i64; 19] = [
    MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    180 * DAY,
    365 * DAY,
];

/// Most steps that a plot of time is divided into.
const MOST_STEPS: i64 = 120;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The width of the steps of a window of so many milliseconds: round, and not more than a plot can show.
pub(crate) fn step(length: i64) -> i64 {
    let enough = |step: &&i64| length.div_euclid(**step) <= MOST_STEPS;
    STEPS.iter().find(enough).copied().unwrap_or_else(|| (length / MOST_STEPS).max(1))
}

/// A window that reaches back so far from `until` at least, with both its ends at full steps; and the width of a step.
pub(crate) fn round_window(until: Timestamp, length: i64) -> (Timestamp, Timestamp, i64) {
    let step = step(length);
    let end = until.millis().div_euclid(step).saturating_add(1).saturating_mul(step);
    let begin = until.millis().saturating_sub(length).div_euclid(step).saturating_mul(step);
    (Timestamp::from_millis(begin), Timestamp::from_millis(end), step)
}

/// Marks of an axis of counts, from 0 to at least `most`: round numbers, and whole ones.
pub(crate) fn counts(most: u64) -> Vec<u64> {
    const WANTED: u64 = 4;
    let rough = most.div_ceil(WANTED).max(1);
    let mut unit = 1_u64;
    let step = loop {
        let found =
            [1, 2, 5].into_iter().map(|factor| unit.saturating_mul(factor)).find(|step| *step >= rough);
        match (found, unit.checked_mul(10)) {
            (Some(step), _) => break step,
            (None, Some(larger)) => unit = larger,
            (None, None) => break rough,
        }
    };
    let last = most.div_ceil(step).max(1);
    (0..=last).map(|mark| mark.saturating_mul(step)).collect()
}

/// A mark in time with its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimeMark {
    pub(crate) at: Timestamp,
    pub(crate) label: String,
}

/// At most so many marks in a window, at full hours or days.
pub(crate) fn times(since: Timestamp, until: Timestamp, most: i64) -> Vec<TimeMark> {
    let length = until.millis_since(since);
    let enough = |step: &&i64| length.div_euclid(**step) <= most;
    let step = STEPS.iter().find(enough).copied().unwrap_or_else(|| (length / most.max(1)).max(1));
    let first = since.millis().div_euclid(step).saturating_add(1).saturating_mul(step);
    let mut marks = Vec::new();
    let mut at = first;
    while at < until.millis() {
        let mark = Timestamp::from_millis(at);
        marks.push(TimeMark { at: mark, label: label(mark, step, length) });
        at = at.saturating_add(step);
    }
    marks
}

/// The time of a step for a table: the day, and the hour where steps are shorter.
pub(crate) fn step_name(at: Timestamp, step: i64) -> String {
    let text = at.to_string();
    let (day, hour) = text.split_once('T').unwrap_or((&text, ""));
    if step >= DAY { day.to_owned() } else { format!("{day} {}", hour.get(..5).unwrap_or_default()) }
}

/// A point in time for people, which is not broken into lines.
pub(crate) fn moment(at: Timestamp) -> String {
    format!("{} UTC", step_name(at, MINUTE)).replace(' ', "\u{a0}")
}

fn label(at: Timestamp, step: i64, length: i64) -> String {
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let month = month
        .and_then(|month| month.parse::<usize>().ok())
        .and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return date.to_owned() };
    let is_midnight = time.starts_with("00:00");
    if length > 300 * DAY {
        format!("{month} {year}")
    } else if step >= DAY || is_midnight {
        format!("{month} {}", day.trim_start_matches('0'))
    } else {
        time.get(..5).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_marked_at_round_numbers() {
        for (most, marks) in [
            (0, &[0, 1][..]),
            (1, &[0, 1]),
            (3, &[0, 1, 2, 3]),
            (7, &[0, 2, 4, 6, 8]),
            (10, &[0, 5, 10]),
            (100, &[0, 50, 100]),
            (1_234, &[0, 500, 1_000, 1_500]),
        ] {
            assert_eq!(counts(most), marks, "{most}");
        }
        assert!(counts(u64::MAX).len() < 8);
    }

    #[test]
    fn windows_end_at_full_steps() {
        let now = Timestamp::from_seconds(1_795_527_477); // 2026-11-24T13:37:57Z
        let check = |length: i64, step: i64, since: &str, until: &str| {
            let (begin, end, found) = round_window(now, length);
            assert_eq!((found, begin.to_string().as_str(), end.to_string().as_str()), (step, since, until));
            assert!(end.millis_since(begin) / found <= MOST_STEPS + 1);
            assert!(end > now && begin <= now.plus_millis(-length));
        };
        check(HOUR, MINUTE, "2026-11-24T12:37:00Z", "2026-11-24T13:38:00Z");
        check(DAY, 15 * MINUTE, "2026-11-23T13:30:00Z", "2026-11-24T13:45:00Z");
        check(7 * DAY, 2 * HOUR, "2026-11-17T12:00:00Z", "2026-11-24T14:00:00Z");
        check(30 * DAY, 6 * HOUR, "2026-10-25T12:00:00Z", "2026-11-24T18:00:00Z");
        check(1_000, MINUTE, "2026-11-24T13:37:00Z", "2026-11-24T13:38:00Z");
        check(365 * DAY, 5 * DAY, "2025-11-23T00:00:00Z", "2026-11-28T00:00:00Z");
    }

    #[test]
    fn times_are_marked_at_full_hours_and_days() {
        let check = |since: i64, length: i64, most: i64, labels: &[&str]| {
            let since = Timestamp::from_seconds(since);
            let marks = times(since, since.plus_millis(length), most);
            assert_eq!(marks.iter().map(|mark| mark.label.as_str()).collect::<Vec<_>>(), labels);
        };
        let noon = 1_795_521_600; // 2026-11-24T12:00:00Z
        check(noon, 30 * DAY, 7, &["Nov 28", "Dec 3", "Dec 8", "Dec 13", "Dec 18", "Dec 23"]);
        check(noon, DAY, 8, &["15:00", "18:00", "21:00", "Nov 25", "03:00", "06:00", "09:00"]);
        check(noon, HOUR, 4, &["12:15", "12:30", "12:45"]);
        check(noon, 900 * DAY, 8, &["Mar 2027", "Aug 2027", "Feb 2028", "Aug 2028", "Feb 2029"]);
        check(noon, 1, 4, &[]);
        assert_eq!(moment(Timestamp::from_seconds(noon)), "2026-11-24\u{a0}12:00\u{a0}UTC");
    }
}
