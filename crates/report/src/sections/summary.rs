//! The figures that are read first.

use ohfp_broker::activity::{Activity, Series, Step};
use ohfp_broker::{MachineState, ShortfallKind};

use crate::data::ReportData;
use crate::html::Html;
use crate::number::{count, duration, percent};

/// A tile: class, label, value, and what is said below it.
struct Tile {
    class: &'static str,
    label: &'static str,
    value: String,
    more: String,
}

pub(super) fn tiles(html: &mut Html, data: &ReportData) {
    let all = whole(&data.activity);
    let tiles =
        [now(&data.activity), requested(&all), delivered(&all), speed(&all), ends(&all), attention(data)];
    html.raw("<ul class=\"tiles\">");
    for tile in tiles {
        html.raw("<li class=\"").raw(tile.class).raw("\"><span class=\"label\">").raw(tile.label);
        html.raw("</span><span class=\"value\">").text(&tile.value).raw("</span><span class=\"more\">");
        html.text(&tile.more).raw("</span></li>");
    }
    html.raw("</ul>\n");
}

/// Everything that happened in the window.
pub(super) fn whole(activity: &Activity) -> Step {
    let mut all = Step::default();
    for series in &activity.series {
        all.merge(&series.total());
    }
    all
}

/// What requests that are over lacked.
pub(super) fn missing(step: &Step) -> u64 {
    ShortfallKind::ALL.iter().map(|kind| step.missing_for(*kind)).fold(0, u64::saturating_add)
}

fn in_state(activity: &Activity, states: &[MachineState]) -> u64 {
    let of = |series: &Series| -> u64 {
        states
            .iter()
            .filter_map(|state| series.machines.get(state.name()))
            .fold(0, |sum, count| sum.saturating_add(*count))
    };
    activity.series.iter().map(of).fold(0, u64::saturating_add)
}

fn now(activity: &Activity) -> Tile {
    let running = in_state(activity, &[MachineState::Running]);
    let pending = in_state(activity, &[MachineState::Pending]);
    let ending =
        in_state(activity, &[MachineState::Stopping, MachineState::Stopped, MachineState::ShuttingDown]);
    Tile {
        class: "",
        label: "Running now",
        value: count(running),
        more: format!("{} starting, {} ending", count(pending), count(ending)),
    }
}

fn requested(all: &Step) -> Tile {
    let noun = if all.requests == 1 { "request" } else { "requests" };
    Tile {
        class: "",
        label: "Requested",
        value: count(all.requested),
        more: format!("machines in {} {noun}", count(all.requests)),
    }
}

fn delivered(all: &Step) -> Tile {
    let lacking = missing(all);
    let class = match lacking {
        0 => "",
        // One of fifty that does not come is worth a look.
        lacking if lacking.saturating_mul(50) > all.delivered => "warn",
        _ => "",
    };
    Tile {
        class,
        label: "Delivered",
        value: percent(all.delivered, all.delivered.saturating_add(lacking)),
        more: format!("{} came, {} did not", count(all.delivered), count(lacking)),
    }
}

fn speed(all: &Step) -> Tile {
    let quantile = |share| all.to_running.quantile(share).map_or_else(|| "–".to_owned(), duration);
    Tile {
        class: "",
        label: "Time to running",
        value: quantile(0.5),
        more: format!("90 % in {}, 99 % in {}", quantile(0.9), quantile(0.99)),
    }
}

fn ends(all: &Step) -> Tile {
    Tile {
        class: if all.orphaned > 0 { "warn" } else { "" },
        label: "Reclaimed",
        value: count(all.reclaimed),
        more: format!("{} returned, {} orphaned", count(all.returned), count(all.orphaned)),
    }
}

fn attention(data: &ReportData) -> Tile {
    let severe = data.problems.iter().filter(|problem| problem.is_severe).count();
    let more = match (data.problems.len(), severe) {
        (0, _) => "all checks are healthy".to_owned(),
        (_, 0) => "warnings only".to_owned(),
        (_, severe) => format!("{severe} keep operations from working"),
    };
    Tile {
        class: if severe > 0 {
            "bad"
        } else if data.problems.is_empty() {
            "good"
        } else {
            "warn"
        },
        label: "Open problems",
        value: data.problems.len().to_string(),
        more,
    }
}
