//! The plots, as SVG. Each is drawn twice: wide for a desk and for paper, narrow for a phone, where the wide one would
//! shrink until its labels cannot be read. The page shows one of them.

use ohfp_broker::Timestamp;
use ohfp_broker::activity::Step;

use crate::html::Html;
use crate::number;
use crate::scale::{self, TimeMark};

/// Room around the plot, in pixels.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// Width of a label of a column, in pixels.
const LABEL: f64 = 46.0;

/// The two sizes: class, width, height, and how many marks of time fit.
const SIZES: [(Size, f64, f64, i64); 2] = [(Size::Wide, 960.0, 260.0, 9), (Size::Narrow, 400.0, 230.0, 4)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Wide,
    Narrow,
}

/// A color of the style sheet, by the place of a series.
pub(crate) type Color = &'static str;

/// One of several series that are stacked.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) color: Color,
    /// A value for each step.
    pub(crate) values: Vec<u64>,
}

impl Layer {
    /// One with a value of each of these steps.
    pub(crate) fn of(steps: &[Step], name: &str, color: Color, value: fn(&Step) -> u64) -> Self {
        Self { name: name.to_owned(), color, values: steps.iter().map(value).collect() }
    }
}

/// How stacked series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// What there is, step by step, without gaps.
    Area,
    /// What happened in each step.
    Columns,
}

/// A plot over time.
pub(crate) struct OverTime<'a> {
    pub(crate) title: &'a str,
    /// What a reader hears in place of the picture.
    pub(crate) description: &'a str,
    pub(crate) form: Form,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) layers: &'a [Layer],
}

/// Where values go in a picture.
struct Frame {
    width: f64,
    height: f64,
    most: f64,
}

impl Frame {
    fn y(&self, value: f64) -> f64 {
        let inner = self.height - TOP - BOTTOM;
        TOP + inner * (1.0 - value / self.most.max(1.0))
    }

    /// A share of the width, from 0 to 1.
    fn x(&self, share: f64) -> f64 {
        LEFT + (self.width - LEFT - RIGHT) * share
    }
}

#[expect(clippy::cast_precision_loss, reason = "places of a picture")]
fn float(number: u64) -> f64 {
    number as f64
}

fn index(place: usize) -> f64 {
    u32::try_from(place).map_or(0.0, f64::from)
}

/// Draws stacked series over time, in both sizes.
pub(crate) fn over_time(html: &mut Html, plot: &OverTime<'_>) {
    let steps = plot.layers.iter().map(|layer| layer.values.len()).max().unwrap_or(0);
    // The upper edge of each layer, from the lowest one up.
    let mut edges: Vec<Vec<u64>> = vec![vec![0; steps]];
    for layer in plot.layers {
        let below = edges.last().cloned().unwrap_or_default();
        let value = |step: usize| layer.values.get(step).copied().unwrap_or(0);
        edges.push(below.iter().enumerate().map(|(step, sum)| sum.saturating_add(value(step))).collect());
    }
    let most = edges.last().and_then(|top| top.iter().max().copied()).unwrap_or(0);
    let marks = scale::counts(most);
    let top = float(marks.last().copied().unwrap_or(1));
    for (size, width, height, ticks) in SIZES {
        let frame = Frame { width, height, most: top };
        begin(html, size, &frame, plot.title, plot.description);
        grid(html, &frame, &marks);
        time_axis(html, &frame, &scale::times(plot.since, plot.until, ticks), (plot.since, plot.until));
        for (layer, edge) in plot.layers.iter().zip(edges.windows(2)) {
            let [below, above] = edge else { continue };
            if below == above {
                continue;
            }
            html.raw("<path class=\"").raw(layer.color).raw("\" d=\"");
            match plot.form {
                Form::Area => area(html, &frame, below, above),
                Form::Columns => columns(html, &frame, below, above),
            }
            html.raw("\"/>");
        }
        base_line(html, &frame);
        html.raw("</svg>");
    }
}

/// One outline: along the upper edge, and back along the lower one.
fn area(html: &mut Html, frame: &Frame, below: &[u64], above: &[u64]) {
    let x = |step: usize| frame.x(index(step) / index(above.len()).max(1.0));
    html.raw("M").place(frame.x(0.0)).raw(" ").place(frame.y(float(below.first().copied().unwrap_or(0))));
    let mut last = None;
    for (step, value) in above.iter().enumerate() {
        if last != Some(value) {
            html.raw("H").place(x(step)).raw("V").place(frame.y(float(*value)));
            last = Some(value);
        }
    }
    html.raw("H").place(frame.x(1.0));
    let mut last = None;
    for (step, value) in below.iter().enumerate().rev() {
        if last != Some(value) {
            html.raw("H").place(x(step + 1)).raw("V").place(frame.y(float(*value)));
            last = Some(value);
        }
    }
    html.raw("H").place(frame.x(0.0)).raw("Z");
}

fn columns(html: &mut Html, frame: &Frame, below: &[u64], above: &[u64]) {
    let width = (frame.x(1.0) - frame.x(0.0)) / index(above.len()).max(1.0);
    // Wide ones with a gap between them, thin ones without.
    let gap = if width > 4.0 { width * 0.18 } else { 0.0 };
    for (step, (low, high)) in below.iter().zip(above).enumerate() {
        if low < high {
            let (bottom, top) = (frame.y(float(*low)), frame.y(float(*high)));
            let left = frame.x(0.0) + width * index(step) + gap / 2.0;
            html.raw("M").place(left).raw(" ").place(bottom).raw("V").place(top);
            html.raw("h").place(width - gap).raw("V").place(bottom).raw("Z");
        }
    }
}

/// A column of a histogram.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// The upper end of what it counts.
    pub(crate) label: String,
    pub(crate) value: u64,
}

/// A line across a histogram, at a place between columns.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) label: String,
    /// In columns from the left.
    pub(crate) at: f64,
}

/// Draws a histogram, in both sizes.
pub(crate) fn histogram(html: &mut Html, title: &str, description: &str, columns: &[Column], marks: &[Mark]) {
    let most = columns.iter().map(|column| column.value).max().unwrap_or(0);
    let counts = scale::counts(most);
    let top = float(counts.last().copied().unwrap_or(1));
    let number = index(columns.len()).max(1.0);
    for (size, width, height, _) in SIZES {
        let frame = Frame { width, height, most: top };
        begin(html, size, &frame, title, description);
        grid(html, &frame, &counts);
        let one = (frame.x(1.0) - frame.x(0.0)) / number;
        // Labels that would touch are left out.
        let every = (1..=columns.len()).find(|every| one * index(*every) >= LABEL).unwrap_or(1);
        html.raw("<path class=\"c0\" d=\"");
        for (place, column) in columns.iter().enumerate().filter(|(_, column)| column.value > 0) {
            let left = frame.x(0.0) + one * index(place) + one * 0.06;
            html.raw("M")
                .place(left)
                .raw(" ")
                .place(frame.y(0.0))
                .raw("V")
                .place(frame.y(float(column.value)));
            html.raw("h").place(one * 0.88).raw("V").place(frame.y(0.0)).raw("Z");
        }
        html.raw("\"/>");
        for (place, column) in columns.iter().enumerate().filter(|(place, _)| (place + 1) % every == 0) {
            let at = frame.x(0.0) + one * (index(place) + 1.0);
            let last = place + 1 == columns.len();
            html.raw("<text class=\"axis\" text-anchor=\"")
                .raw(if last { "end" } else { "middle" })
                .raw("\" x=\"");
            html.place(if last { frame.width - 2.0 } else { at }).raw("\" y=\"").place(frame.height - 8.0);
            html.raw("\">").text(&column.label).raw("</text>");
        }
        for (row, mark) in marks.iter().enumerate() {
            let at = frame.x((mark.at / number).clamp(0.0, 1.0));
            let y = TOP + 12.0 + 14.0 * index(row);
            let left = at > frame.x(0.75);
            html.raw("<path class=\"mark\" d=\"M")
                .place(at)
                .raw(" ")
                .place(y - 10.0)
                .raw("V")
                .place(frame.y(0.0));
            html.raw("\"/><text class=\"mark-label\" text-anchor=\"").raw(if left { "end" } else { "start" });
            html.raw("\" x=\"").place(if left { at - 5.0 } else { at + 5.0 }).raw("\" y=\"").place(y);
            html.raw("\">").text(&mark.label).raw("</text>");
        }
        base_line(html, &frame);
        html.raw("</svg>");
    }
}

fn begin(html: &mut Html, size: Size, frame: &Frame, title: &str, description: &str) {
    let class = match size {
        Size::Wide => "<svg class=\"wide\"",
        Size::Narrow => "<svg class=\"narrow\"",
    };
    html.raw(class).raw(" viewBox=\"0 0 ").place(frame.width).raw(" ").place(frame.height);
    html.raw("\" role=\"img\" aria-label=\"").text(title).raw(". ").text(description).raw("\">");
    html.element("<title>", title, "</title>").element("<desc>", description, "</desc>");
}

fn grid(html: &mut Html, frame: &Frame, marks: &[u64]) {
    for mark in marks {
        let y = frame.y(float(*mark));
        if *mark > 0 {
            html.raw("<path class=\"grid\" d=\"M").place(frame.x(0.0)).raw(" ").place(y);
            html.raw("H").place(frame.x(1.0)).raw("\"/>");
        }
        html.raw("<text class=\"axis\" text-anchor=\"end\" x=\"")
            .place(LEFT - 8.0)
            .raw("\" y=\"")
            .place(y + 4.0);
        html.raw("\">").text(&number::short(*mark)).raw("</text>");
    }
}

fn time_axis(html: &mut Html, frame: &Frame, marks: &[TimeMark], (since, until): (Timestamp, Timestamp)) {
    let length = until.millis_since(since).max(1);
    #[expect(clippy::cast_precision_loss, reason = "places of a picture")]
    let share = |at: Timestamp| at.millis_since(since) as f64 / length as f64;
    for mark in marks {
        let at = frame.x(share(mark.at));
        html.raw("<path class=\"tick\" d=\"M").place(at).raw(" ").place(frame.y(0.0)).raw("v5\"/>");
        let label = at.clamp(LEFT + 12.0, frame.width - 24.0);
        html.raw("<text class=\"axis\" text-anchor=\"middle\" x=\"").place(label).raw("\" y=\"");
        html.place(frame.height - 8.0).raw("\">").text(&mark.label).raw("</text>");
    }
}

fn base_line(html: &mut Html, frame: &Frame) {
    html.raw("<path class=\"base\" d=\"M").place(frame.x(0.0)).raw(" ").place(frame.y(0.0));
    html.raw("H").place(frame.x(1.0)).raw("\"/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, color: Color, values: &[u64]) -> Layer {
        Layer { name: name.to_owned(), color, values: values.to_vec() }
    }

    fn drawn(form: Form, layers: &[Layer]) -> String {
        let (since, until) = (Timestamp::from_seconds(0), Timestamp::from_seconds(7_200));
        let mut html = Html::default();
        over_time(&mut html, &OverTime { title: "a <b>", description: "c", form, since, until, layers });
        html.finish()
    }

    #[test]
    fn layers_are_stacked() {
        let text = drawn(Form::Area, &[layer("low", "c0", &[1, 2]), layer("high", "c1", &[1, 0])]);
        assert_eq!(text.matches("<svg").count(), 2);
        assert_eq!(text.matches("<path class=\"c0\"").count(), 2);
        // From 0 to 2 in 224 pixels: the lower one has its edges at 1 and 2, the upper one begins at the top.
        let wide = text.split("</svg>").next().unwrap();
        assert!(wide.contains("<path class=\"c0\" d=\"M52 234H52V122H498V10H944H944V234H52Z\"/>"), "{wide}");
        assert!(wide.contains("<path class=\"c1\" d=\"M52 122H52V10H944H944V10H498V122H52Z\"/>"), "{wide}");
        assert!(wide.contains("<title>a &lt;b&gt;</title>") && wide.contains("role=\"img\""), "{wide}");
    }

    #[test]
    fn columns_stand_on_what_is_below() {
        let text = drawn(Form::Columns, &[layer("low", "c0", &[2, 0]), layer("high", "c1", &[2, 4])]);
        let wide = text.split("</svg>").next().unwrap();
        let path = |class: &str| {
            let (_, rest) = wide.split_once(&format!("<path class=\"{class}\" d=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        assert_eq!(path("c0").matches('M').count(), 1);
        assert_eq!(path("c1").matches('M').count(), 2);
        // What is nothing in every step is not drawn.
        assert!(!drawn(Form::Columns, &[layer("none", "c3", &[0, 0])]).contains("class=\"c3\""));
    }

    #[test]
    fn a_histogram_has_columns_and_marks() {
        let columns: Vec<Column> =
            (0..20).map(|place| Column { label: format!("{place} s"), value: place % 3 }).collect();
        let mut html = Html::default();
        histogram(&mut html, "t", "d", &columns, &[Mark { label: "half".to_owned(), at: 4.5 }]);
        let text = html.finish();
        let (wide, narrow) = text.split_once("</svg>").unwrap();
        let labels = |text: &str| text.matches(" s</text>").count();
        assert!(labels(wide) > labels(narrow) && labels(narrow) >= 3, "{} {}", labels(wide), labels(narrow));
        assert_eq!(text.matches("class=\"mark\"").count(), 2);
    }
}
