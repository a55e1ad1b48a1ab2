//! The chart of the README: what it takes to answer, from spawn to end, on a logarithmic axis. Drawn from a run that
//! is kept, so that the picture and the figures cannot differ.

use std::fmt::Write;

use crate::project::{Project, Result, step};

/// Where the chart is.
const CHART: &str = "docs/src/start-up.svg";

/// What is shown: section of the run, program there, label.
const BARS: [(&str, &str, &str); 8] = [
    ("Starting", "floor", "a program that only exits (the floor)"),
    ("Starting", "ohfp --help", "ohfp --help"),
    ("Starting", "ohfp templates show ID", "ohfp templates show, of 1,000"),
    ("Listing 1000 templates", "ohfp templates list", "ohfp templates list, of 1,000"),
    ("Starting", "/bin/true", "/bin/true"),
    ("Listing 1000 templates", "/bin/cat of the bytes", "/bin/cat of that list"),
    ("The peer", "orb --help", "orb --help (Python)"),
    ("The peer", "orb templates list", "orb templates list, of 1,000 (Python)"),
];

/// Draws the chart from the text of a run, which must have measured the peer too.
pub(crate) fn draw(project: &Project, run: &str) -> Result<()> {
    let mut bars = Vec::new();
    for (section, program, label) in BARS {
        match median(run, section, program) {
            Some(median) => bars.push((label, median)),
            None => {
                return Err(format!(
                    "the run has no median of `{program}` in `{section}` (bench --peer has all)"
                )
                .into());
            }
        }
    }
    project.sh.write_file(project.root.join(CHART), svg(&bars))?;
    step(format_args!("drawn as {CHART}"));
    Ok(())
}

/// The median of a program in a section of a run, in microseconds.
fn median(run: &str, section: &str, program: &str) -> Option<f64> {
    let rows = run.lines().skip_while(|line| *line != format!("## {section}")).skip(1);
    let mut rows = rows.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with('|'));
    let cells = |row: &str| -> Vec<String> { row.split('|').map(|cell| cell.trim().to_owned()).collect() };
    let at = cells(rows.next()?).iter().position(|cell| cell == "median")?;
    let row = rows.map(cells).find(|row| row.get(1).is_some_and(|name| name.starts_with(program)))?;
    row.get(at)?.parse().ok()
}

/// Where bars begin, how long the axis is, height of a row, and where the first row is; in pixels.
const LEFT: f64 = 300.0;
const WIDTH: f64 = 480.0;
const ROW: f64 = 28.0;
const TOP: f64 = 34.0;

/// Bars on a logarithmic axis from 10 µs to 10 s. Colors that read on light and dark pages alike.
fn svg(bars: &[(&str, f64)]) -> String {
    let x = |microseconds: f64| LEFT + WIDTH * (microseconds.log10() - 1.0) / 6.0;
    let mut rows = 0.0;
    let mut body = String::new();
    for (label, median) in bars {
        let y = TOP + rows * ROW;
        rows += 1.0;
        let color = if label.starts_with("ohfp") { "#2f7d4f" } else { "#8a94a0" };
        let _ = writeln!(
            body,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{label}</text>\
             <rect x=\"{LEFT:.0}\" y=\"{:.0}\" width=\"{:.1}\" height=\"16\" rx=\"2\" fill=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            LEFT - 10.0,
            y + 13.0,
            y,
            x(*median) - LEFT,
            x(*median) + 6.0,
            y + 13.0,
            duration(*median)
        );
    }
    let height = TOP + rows * ROW;
    let mut axis = String::new();
    for (at, label) in
        [(10.0, "10 µs"), (100.0, "100 µs"), (1e3, "1 ms"), (1e4, "10 ms"), (1e5, "100 ms"), (1e6, "1 s")]
    {
        let _ = writeln!(
            axis,
            "<line x1=\"{0:.1}\" y1=\"{1:.0}\" x2=\"{0:.1}\" y2=\"{2:.0}\" stroke=\"#8a94a0\" stroke-opacity=\"0.3\"/>\
             <text x=\"{0:.1}\" y=\"20\" text-anchor=\"middle\" fill-opacity=\"0.7\">{label}</text>",
            x(at),
            TOP - 6.0,
            height
        );
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {:.0}\" font-family=\"sans-serif\" font-size=\"13\" \
         fill=\"#6b7580\" role=\"img\" aria-label=\"Time from spawn to end, logarithmic\">\n{axis}{body}</svg>\n",
        height + 10.0
    )
}

fn duration(microseconds: f64) -> String {
    match microseconds {
        micro if micro < 1e3 => format!("{micro:.0} µs"),
        micro if micro < 1e6 => format!("{:.1} ms", micro / 1e3),
        micro => format!("{:.2} s", micro / 1e6),
    }
}
