//! What requests got, how long it took, and why it was less.

use ohfp_broker::ShortfallKind;
use ohfp_broker::activity::{Activity, Step};
use ohfp_broker::histogram::Histogram;

use super::{machines, summary};
use crate::html::{Html, cut};
use crate::number::{count, duration, percent};
use crate::parts::{self, Entry, numbers, text};
use crate::plot::{self, Column, Form, Layer, Mark, OverTime};
use crate::scale;

/// Longest message of a failure, in characters.
const LONGEST: usize = 400;

/// Quantiles that are shown, with their labels.
const QUANTILES: [(f64, &str); 3] = [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %")];

pub(super) fn section(html: &mut Html, activity: &Activity) {
    parts::section(html, "delivery", "Delivery", |html| {
        let all = summary::whole(activity);
        if all.requests == 0 && all.delivered == 0 && summary::missing(&all) == 0 {
            parts::empty(html, "No machine was requested in this window.");
            return;
        }
        outcome(html, activity);
        to_running(html, &all.to_running);
        machines::table(html, activity, |step, share| {
            step.to_running.quantile(share).map_or_else(|| "–".to_owned(), duration)
        });
    });
}

fn outcome(html: &mut Html, activity: &Activity) {
    let total = activity.total();
    let layers = [
        Layer::of(&total, "delivered", "c2", |step| step.delivered),
        Layer::of(&total, "missing", "c3", summary::missing),
    ];
    let sum = |layer: &Layer| layer.values.iter().fold(0_u64, |sum, value| sum.saturating_add(*value));
    let legend = layers.each_ref().map(|layer| Entry {
        color: layer.color,
        name: &layer.name,
        value: count(sum(layer)),
    });
    let title = "What requests got";
    let note = "Machines that came up, and machines that requests lacked when they ended.";
    let told: Vec<String> = legend.iter().map(|entry| format!("{} {}", entry.value, entry.name)).collect();
    let description = format!("{note} In all {}.", told.join(", "));
    let (since, until) = (activity.window.since(), activity.window.until());
    let form = Form::Columns;
    let plot = OverTime { title, description: &description, form, since, until, layers: &layers };
    let data = |html: &mut Html| machines::data(html, activity, &layers);
    parts::figure(html, title, note, &legend, |html| plot::over_time(html, &plot), data);
}

fn to_running(html: &mut Html, times: &Histogram) {
    let title = "Time to running";
    let note = "From the request until a machine is up with its host name; the number below a column is the longest time \
                that it counts.";
    if times.count() == 0 {
        html.raw("<figure><figcaption>").element("<h3>", title, "</h3></figcaption>");
        parts::empty(html, "No machine came up in this window.");
        html.raw("</figure>\n");
        return;
    }
    let bounds: Vec<u64> = times.cumulative().map(|(bound, _)| bound).collect();
    let label = |place: usize| match bounds.get(place) {
        Some(bound) => duration(*bound),
        None => "more".to_owned(),
    };
    let columns: Vec<Column> = times
        .counts()
        .iter()
        .enumerate()
        .map(|(place, value)| Column { label: label(place), value: *value })
        .collect();
    // Columns at both ends that count nothing are left out, but for one.
    let used = |column: &Column| column.value > 0;
    let first = columns.iter().position(used).unwrap_or(0).saturating_sub(1);
    let last = columns.iter().rposition(used).map_or(columns.len(), |last| (last + 2).min(columns.len()));
    let shown = columns.get(first..last).unwrap_or_default();
    let marks: Vec<Mark> = QUANTILES
        .iter()
        .filter_map(|(share, name)| {
            let value = times.quantile(*share)?;
            let label = format!("{name} in {}", duration(value));
            Some(Mark { label, at: place(value, &bounds) - index(first) })
        })
        .collect();
    let told: Vec<&str> = marks.iter().map(|mark| mark.label.as_str()).collect();
    let description = format!("{} machines; {}.", count(times.count()), told.join(", "));
    parts::figure(
        html,
        title,
        note,
        &[],
        |html| plot::histogram(html, title, &description, shown, &marks),
        |html| {
            let rows: Vec<Vec<String>> =
                columns.iter().map(|column| vec![column.label.clone(), count(column.value)]).collect();
            parts::table(html, "", &[text("up to"), numbers("machines")], &rows);
        },
    );
}

/// Where a value is among columns, counted from the first one.
fn place(value: u64, bounds: &[u64]) -> f64 {
    let column = bounds.partition_point(|bound| *bound < value);
    let lower = column.checked_sub(1).and_then(|below| bounds.get(below)).copied().unwrap_or(0);
    let Some(upper) = bounds.get(column).filter(|upper| **upper > lower) else { return index(column) };
    #[expect(clippy::cast_precision_loss, reason = "a place of a picture")]
    let part = (value - lower) as f64 / (upper - lower) as f64;
    index(column) + part
}

fn index(place: usize) -> f64 {
    u32::try_from(place).map_or(0.0, f64::from)
}

/// Why requests fell short, and how machines ended.
pub(super) fn failures(html: &mut Html, activity: &Activity) {
    parts::section(html, "failures", "Failures", |html| {
        reasons(html, activity);
        endings(html, &summary::whole(activity));
    });
}

fn reasons(html: &mut Html, activity: &Activity) {
    html.raw("<figure><figcaption><h3>Why requests fell short</h3><p class=\"note\">Machines that were missing when a ");
    html.raw("request ended, by the main reason of each request.</p></figcaption>");
    let mut reasons: Vec<_> = activity.reasons.iter().collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.missing));
    if reasons.is_empty() {
        parts::empty(html, "Every request that ended in this window got all of its machines.");
        html.raw("</figure>\n");
        return;
    }
    let most = reasons.iter().map(|reason| reason.missing).max().unwrap_or(0);
    let all = reasons.iter().map(|reason| reason.missing).fold(0, u64::saturating_add);
    html.raw("<ul class=\"bars\">");
    for reason in &reasons {
        let shown = format!("{} ({})", count(reason.missing), percent(reason.missing, all));
        parts::bar(html, words(reason.kind), "c3", reason.missing, most, &shown);
    }
    html.raw("</ul>");
    let rows: Vec<Vec<String>> = reasons
        .iter()
        .map(|reason| {
            vec![
                words(reason.kind).to_owned(),
                count(reason.requests),
                count(reason.missing),
                scale::moment(reason.latest_at),
                cut(reason.latest.as_deref().unwrap_or("–"), LONGEST),
            ]
        })
        .collect();
    let headings =
        [text("reason"), numbers("requests"), numbers("machines"), text("last"), text("what was said then")];
    parts::table(html, "Each reason", &headings, &rows);
    html.raw("</figure>\n");
}

/// A kind of shortfall in words.
fn words(kind: &'static str) -> &'static str {
    match ShortfallKind::parse(kind) {
        Some(ShortfallKind::Capacity) => "no capacity",
        Some(ShortfallKind::Refused) => "refused by the provider",
        Some(ShortfallKind::Unreachable) => "provider not reached",
        Some(ShortfallKind::Unconfirmed) => "outcome not known in time",
        Some(ShortfallKind::FailedToStart) => "failed to start",
        Some(ShortfallKind::Reclaimed) => "reclaimed before the end",
        Some(ShortfallKind::Deadline) => "not up before the deadline",
        Some(ShortfallKind::Returned) => "returned before they were up",
        Some(ShortfallKind::Cancelled) => "cancelled",
        Some(ShortfallKind::Unacknowledged) => "id not received",
        Some(ShortfallKind::Unknown) | None => "not recorded",
    }
}

fn endings(html: &mut Html, all: &Step) {
    let endings = [
        ("returned", "c2", all.returned),
        ("reclaimed by the cloud", "c1", all.reclaimed),
        ("failed to start", "c3", all.failed_to_start),
        ("released by ohfp", "c7", all.released),
        ("orphaned, released", "c4", all.orphaned),
    ];
    html.raw("<figure><figcaption><h3>How machines ended</h3></figcaption>");
    let sum = endings.iter().map(|(_, _, value)| *value).fold(0, u64::saturating_add);
    if sum == 0 {
        parts::empty(html, "No machine ended in this window.");
    } else {
        let most = endings.iter().map(|(_, _, value)| *value).max().unwrap_or(0);
        html.raw("<ul class=\"bars\">");
        for (name, color, value) in endings {
            let shown = format!("{} ({})", count(value), percent(value, sum));
            parts::bar(html, name, color, value, most, &shown);
        }
        html.raw("</ul>");
    }
    html.raw("</figure>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words() {
        let mut known: Vec<&str> = ShortfallKind::NAMES.iter().map(|kind| words(kind)).collect();
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), ShortfallKind::ALL.len());
    }

    #[test]
    fn values_lie_in_their_columns() {
        let bounds = [10, 20, 40];
        for (value, at) in [(0, 0.0), (5, 0.5), (10, 1.0), (15, 1.5), (40, 3.0), (41, 3.0), (u64::MAX, 3.0)] {
            assert!((place(value, &bounds) - at).abs() < 1e-9, "{value}: {}", place(value, &bounds));
        }
    }
}
