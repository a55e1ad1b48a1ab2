//! How many machines there were, by state and by template.

use ohfp_broker::activity::{Activity, Series, Step};

use crate::html::{Html, cut};
use crate::number::count;
use crate::parts::{self, COLORS, Entry, numbers, text};
use crate::plot::{self, Form, Layer, OverTime};
use crate::scale;

/// Most templates that have a color of their own; the others are one.
const MOST: usize = 7;
/// Most rows of the table of templates.
const MOST_ROWS: usize = 60;
/// Longest name in a legend, in characters.
const LONGEST: usize = 48;

pub(super) fn section(html: &mut Html, activity: &Activity) {
    parts::section(html, "machines", "Machines", |html| {
        let by_state = states(activity);
        if by_state.iter().all(|layer| layer.values.iter().all(|value| *value == 0)) {
            parts::empty(html, "No machine existed in this window.");
            return;
        }
        over_time(
            html,
            activity,
            "Machines by state",
            "How many machines there were at the end of each step of time.",
            &by_state,
        );
        over_time(
            html,
            activity,
            "Machines by template",
            "The same machines, by the template that they were requested with.",
            &templates(activity),
        );
    });
}

fn over_time(html: &mut Html, activity: &Activity, title: &str, note: &str, layers: &[Layer]) {
    let legend: Vec<Entry<'_>> = layers
        .iter()
        .map(|layer| {
            let last = layer.values.last().copied().unwrap_or(0);
            let most = layer.values.iter().max().copied().unwrap_or(0);
            let value = format!("{} (most {})", count(last), count(most));
            Entry { color: layer.color, name: &layer.name, value }
        })
        .collect();
    let described: Vec<String> =
        legend.iter().map(|entry| format!("{}: {}", entry.name, entry.value)).collect();
    let description = format!("{note} At the end: {}.", described.join(", "));
    let (since, until) = (activity.window.since(), activity.window.until());
    let form = Form::Area;
    let plot = OverTime { title, description: &description, form, since, until, layers };
    parts::figure(
        html,
        title,
        note,
        &legend,
        |html| plot::over_time(html, &plot),
        |html| data(html, activity, layers),
    );
}

/// A row for each step, a column for each layer. The names of layers are foreign, so they are a row of their own.
pub(super) fn data(html: &mut Html, activity: &Activity, layers: &[Layer]) {
    let window = &activity.window;
    let step = window.begins(1).millis_since(window.since());
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Data\"><table><thead><tr>");
    html.raw("<th scope=\"col\">from</th>");
    for layer in layers {
        html.element("<th scope=\"col\" class=\"n\">", &layer.name, "</th>");
    }
    html.raw("</tr></thead><tbody>");
    for place in 0..window.steps() {
        html.element("<tr><th scope=\"row\">", &scale::step_name(window.begins(place), step), "</th>");
        for layer in layers {
            let value = layer.values.get(place).copied().unwrap_or(0);
            html.element("<td class=\"n\">", &count(value), "</td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
}

fn states(activity: &Activity) -> Vec<Layer> {
    let total = activity.total();
    vec![
        Layer::of(&total, "running", "c2", |step| step.present.running),
        Layer::of(&total, "starting", "c0", |step| step.present.starting),
        Layer::of(&total, "ending", "c7", |step| step.present.ending),
    ]
}

fn templates(activity: &Activity) -> Vec<Layer> {
    let values = |series: &Series| -> Vec<u64> {
        let all = |step: &Step| step.present.starting + step.present.running + step.present.ending;
        series.steps.iter().map(all).collect()
    };
    // A template at several providers is one here.
    let mut named: Vec<(String, Vec<u64>)> = Vec::new();
    for series in &activity.series {
        match named.last_mut().filter(|(name, _)| *name == series.template) {
            Some((_, sums)) => add(sums, &values(series)),
            None => named.push((series.template.clone(), values(series))),
        }
    }
    let weight = |values: &[u64]| values.iter().fold(0_u64, |sum, value| sum.saturating_add(*value));
    named.retain(|(_, values)| weight(values) > 0);
    named.sort_by_key(|(_, values)| std::cmp::Reverse(weight(values)));
    let others = if named.len() > MOST + 1 { named.split_off(MOST) } else { Vec::new() };
    let mut layers: Vec<Layer> = named
        .into_iter()
        .zip(COLORS)
        .map(|((name, values), color)| Layer { name: cut(&name, LONGEST), color, values })
        .collect();
    if !others.is_empty() {
        let mut sums = vec![0; activity.window.steps()];
        for (_, values) in &others {
            add(&mut sums, values);
        }
        layers.push(Layer { name: format!("{} others", others.len()), color: "c7", values: sums });
    }
    layers
}

fn add(sums: &mut [u64], values: &[u64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = sum.saturating_add(*value);
    }
}

/// A row for each template and provider.
pub(super) fn table(html: &mut Html, activity: &Activity, quantile: impl Fn(&Step, f64) -> String) {
    let mut rows: Vec<(u64, Vec<String>)> = activity
        .series
        .iter()
        .map(|series| {
            let all = series.total();
            let row = vec![
                series.template.clone(),
                series.provider.clone(),
                count(all.requests),
                count(all.requested),
                count(all.delivered),
                count(super::summary::missing(&all)),
                quantile(&all, 0.5),
                quantile(&all, 0.9),
                quantile(&all, 0.99),
                count(all.reclaimed),
            ];
            (all.requested.saturating_add(all.delivered), row)
        })
        .filter(|(weight, _)| *weight > 0)
        .collect();
    rows.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let caption = match rows.len().saturating_sub(MOST_ROWS) {
        0 => "Each template".to_owned(),
        more => format!("The templates that were requested most; {more} more are left out"),
    };
    let rows: Vec<Vec<String>> = rows.into_iter().take(MOST_ROWS).map(|(_, row)| row).collect();
    let headings = [
        text("template"),
        text("provider"),
        numbers("requests"),
        numbers("requested"),
        numbers("delivered"),
        numbers("missing"),
        numbers("50 % in"),
        numbers("90 % in"),
        numbers("99 % in"),
        numbers("reclaimed"),
    ];
    parts::table(html, &caption, &headings, &rows);
}
