//! A table in other layouts: for a screen of some width, as comma-separated values, or its first column alone.
//!
//! For a screen, the last column is wrapped first, then columns between the first and the last are shortened, then they
//! are left out, from right to left. The first column has ids, which are to be copied, so it stays whole; where it and
//! the last one do not fit side by side, each row becomes a block of lines.

use std::iter;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::table::{GAP, Table};

/// A column that is shortened keeps so many columns of the screen.
const SHORTEST: usize = 12;
/// The last column is wrapped no narrower than this: the width of a date.
const LAST: usize = 20;

/// How a table is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns of the screen; `None` for a table that is as wide as it is.
    pub width: Option<usize>,
    /// Whether headings are bold and states colored.
    pub styled: bool,
    /// Whether there is a line of headings.
    pub headings: bool,
}

/// A table that is laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitted {
    /// The text.
    pub text: String,
    /// Headings of the columns for which there was no room.
    pub left_out: Vec<String>,
}

/// A column that is shown: its place in the table, and its width.
type Column = (usize, usize);

/// Lays a table out.
pub fn fitted(table: &Table, layout: Layout) -> Fitted {
    let rows = table.cells();
    let natural: Vec<usize> = table
        .headings()
        .iter()
        .enumerate()
        .map(|(place, heading)| {
            let cells = rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.width());
            cells.chain(iter::once(heading.width())).max().unwrap_or(0)
        })
        .collect();
    let Some(columns) = columns(&natural, layout.width) else {
        return Fitted { text: blocks(table, &rows, layout), left_out: Vec::new() };
    };
    let mut text = String::new();
    if layout.headings {
        let headings: Vec<&str> = table.headings().iter().map(String::as_str).collect();
        let line = laid_out(&columns, &headings, |_, _| None);
        if layout.styled {
            text.push_str(&crate::table::bold(line.trim_end_matches('\n')));
        } else {
            text.push_str(&line);
        }
    }
    let is_state: Vec<bool> = table.headings().iter().map(|heading| is_state(heading)).collect();
    for row in &rows {
        let color = |place: usize, cell: &str| {
            color(cell).filter(|_| layout.styled && is_state.get(place).is_some_and(|is_state| *is_state))
        };
        text.push_str(&laid_out(&columns, row, color));
    }
    let is_shown = |place: usize| columns.iter().any(|(shown, _)| *shown == place);
    let left_out = table.headings().iter().enumerate().filter(|(place, _)| !is_shown(*place));
    Fitted { text, left_out: left_out.map(|(_, heading)| heading.clone()).collect() }
}

/// The columns that fit; `None` if not even the first and the last do.
fn columns(natural: &[usize], width: Option<usize>) -> Option<Vec<Column>> {
    let all = || natural.iter().copied().enumerate().collect();
    let Some(width) = width else { return Some(all()) };
    let gaps = |columns: usize| GAP * columns.saturating_sub(1);
    if natural.iter().sum::<usize>() + gaps(natural.len()) <= width {
        return Some(all());
    }
    let (last, rest) = natural.split_last()?;
    let (first, between) = rest.split_first()?;
    (0..=between.len()).rev().find_map(|kept| {
        let mut between: Vec<usize> = between.get(..kept)?.to_vec();
        let room = width.checked_sub(gaps(kept + 2) + *last.min(&LAST))?;
        while first + between.iter().sum::<usize>() > room {
            let widest = between.iter_mut().max().filter(|widest| **widest > SHORTEST)?;
            *widest -= 1;
        }
        let used = first + between.iter().sum::<usize>() + gaps(kept + 2);
        let mut columns = vec![(0, *first)];
        columns.extend(between.into_iter().enumerate().map(|(place, width)| (place + 1, width)));
        columns.push((natural.len() - 1, (*last).min(width.saturating_sub(used))));
        Some(columns)
    })
}

/// One row, on as many lines as its last cell needs.
fn laid_out(columns: &[Column], row: &[&str], color: impl Fn(usize, &str) -> Option<&'static str>) -> String {
    let (mut out, mut at, mut owed) = (String::new(), 0, 0);
    let cell = |place: usize| row.get(place).copied().unwrap_or_default();
    for (number, (place, width)) in columns.iter().enumerate() {
        let is_last = number + 1 == columns.len();
        let lines =
            if is_last { wrapped(cell(*place), *width) } else { vec![shortened(cell(*place), *width)] };
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                out.push('\n');
                owed = at;
            }
            out.extend(iter::repeat_n(' ', owed));
            match color(*place, cell(*place)) {
                Some(color) => out.push_str(&format!("{color}{line}\x1b[0m")),
                None => out.push_str(line),
            }
            owed = (width + GAP).saturating_sub(line.width());
        }
        at += width + GAP;
    }
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
    out
}

/// A cell in so many columns of the screen.
fn shortened(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut out = start(cell, width.saturating_sub(1)).to_owned();
    out.push('…');
    out
}

/// The beginning of a text that fits; at least one character of a text that is not empty.
fn start(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(place, letter)| {
        used += letter.width().unwrap_or(0);
        used > width && *place > 0
    });
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A cell on as many lines as it needs, broken at spaces where it can be.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in cell.split(' ') {
        let mut rest = word;
        while let Some(line) = lines.last_mut() {
            let gap = usize::from(!line.is_empty());
            if line.width() + gap + rest.width() <= width {
                line.extend(iter::repeat_n(' ', gap));
                line.push_str(rest);
                break;
            }
            if line.is_empty() {
                let head = start(rest, width.max(1));
                line.push_str(head);
                rest = rest.get(head.len()..).unwrap_or_default();
                if rest.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines
}

fn blocks(table: &Table, rows: &[Vec<&str>], layout: Layout) -> String {
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        // The fields of one entry are one block.
        if number > 0 && !table.is_record() {
            out.push('\n');
        }
        let line = |out: &mut String, name: &str, cell: &str, is_state: bool| {
            let name = if layout.styled { format!("\x1b[1m{name}:\x1b[0m") } else { format!("{name}:") };
            match color(cell).filter(|_| is_state && layout.styled) {
                Some(color) => out.push_str(&format!("{name} {color}{cell}\x1b[0m\n")),
                None => out.push_str(&format!("{name} {cell}\n")),
            }
        };
        if let (true, [name, value]) = (table.is_record(), row.as_slice()) {
            line(&mut out, name, value, is_state(name));
            continue;
        }
        for (heading, cell) in table.headings().iter().zip(row) {
            line(&mut out, heading, cell, is_state(heading));
        }
    }
    out
}

/// Whether a column has states.
fn is_state(heading: &str) -> bool {
    ["STATUS", "STATE", "RESULT", "SEVERITY", "HEALTHY"].iter().any(|name| heading.eq_ignore_ascii_case(name))
}

/// The color of a state.
fn color(state: &str) -> Option<&'static str> {
    match state {
        "running" | "complete" | "succeed" | "ok" | "healthy" | "true" => Some("\x1b[32m"),
        "pending" | "recorded" | "started" | "executing" | "warning" | "partial" | "stopping"
        | "shutting-down" => Some("\x1b[33m"),
        "failed" | "fail" | "error" | "unhealthy" | "complete_with_error" | "false" => Some("\x1b[31m"),
        "terminated" | "stopped" | "cancelled" => Some("\x1b[2m"),
        _ => None,
    }
}

/// The table as comma-separated values (RFC 4180, with `\n` at the end of a line); what has no value is empty.
pub fn csv(table: &Table, headings: bool) -> String {
    let mut out = String::new();
    let names: Vec<&str> = table.headings().iter().map(String::as_str).collect();
    let rows = table.cells();
    for row in headings.then_some(&names).into_iter().chain(&rows) {
        for (number, cell) in row.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            match *cell {
                "-" => {}
                cell if cell.contains(['"', ',', '\n', '\r']) || cell.trim() != cell => {
                    out.push_str(&format!("\"{}\"", cell.replace('"', "\"\"")));
                }
                cell => out.push_str(cell),
            }
        }
        out.push('\n');
    }
    out
}

/// The first column alone; of the fields of one entry, the value of the first.
pub fn names(table: &Table) -> String {
    let rows = table.cells();
    let cells: Vec<&str> = if table.is_record() {
        rows.first().and_then(|row| row.get(1)).copied().into_iter().collect()
    } else {
        rows.iter().filter_map(|row| row.first()).copied().collect()
    };
    cells.iter().map(|cell| format!("{cell}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(headings: &[&str], cells: &[&str]) -> Table {
        let mut table = Table::new(headings.iter().map(|text| (*text).to_owned()).collect());
        for cell in cells {
            table.cell(cell);
        }
        table
    }

    fn machines() -> Table {
        table(
            &["MACHINE", "NAME", "STATUS", "TYPE", "MESSAGE"],
            &[
                "i-0123456789",
                "ip-10-0-0-1.sim.internal",
                "running",
                "m6i.large",
                "the provider has taken it back",
            ],
        )
    }

    /// What a table looks like on a screen of that width, and what was left out.
    fn check(table: &Table, width: usize, expected: &str, left_out: &[&str]) {
        let plain = Layout { width: Some(width), styled: false, headings: true };
        let found = fitted(table, plain);
        assert_eq!(
            (found.text.as_str(), found.left_out),
            (expected, left_out.iter().map(ToString::to_string).collect())
        );
        assert!(found.text.lines().all(|line| line.width() <= width.max(40)), "{}", found.text);
        let colored = fitted(table, Layout { styled: true, ..plain }).text;
        let mut stripped = String::new();
        for (number, piece) in colored.split("\x1b[").enumerate() {
            stripped.push_str(if number == 0 { piece } else { piece.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, expected);
    }

    #[test]
    fn a_table_fits_its_screen() {
        let table = machines();
        let wide = "\
MACHINE       NAME                      STATUS   TYPE       MESSAGE
i-0123456789  ip-10-0-0-1.sim.internal  running  m6i.large  the provider has taken it back
";
        check(&table, 200, wide, &[]);
        check(&table, 90, wide, &[]);
        let wrapped = "\
MACHINE       NAME                      STATUS   TYPE       MESSAGE
i-0123456789  ip-10-0-0-1.sim.internal  running  m6i.large  the provider has
                                                            taken it back
";
        check(&table, 80, wrapped, &[]);
        let short = "\
MACHINE       NAME          STATUS   TYPE       MESSAGE
i-0123456789  ip-10-0-0-1…  running  m6i.large  the provider has
                                                taken it back
";
        check(&table, 68, short, &[]);
        let fewer = "\
MACHINE       NAME          MESSAGE
i-0123456789  ip-10-0-0-1…  the provider has
                            taken it back
";
        check(&table, 48, fewer, &["STATUS", "TYPE"]);
        let blocks = "\
MACHINE: i-0123456789
NAME: ip-10-0-0-1.sim.internal
STATUS: running
TYPE: m6i.large
MESSAGE: the provider has taken it back
";
        check(&table, 30, blocks, &[]);
    }

    #[test]
    fn words_are_broken_where_they_must_be() {
        let check =
            |cell: &str, width: usize, lines: &[&str]| assert_eq!(wrapped(cell, width), lines, "{cell}");
        check("", 5, &[""]);
        check("a b c", 3, &["a b", "c"]);
        check("abcdefg", 3, &["abc", "def", "g"]);
        check("ab cdefg", 4, &["ab", "cdef", "g"]);
        check("漢字漢字", 5, &["漢字", "漢字"]);
        check("漢", 1, &["漢"]);
    }

    #[test]
    fn values_and_names() {
        let table = table(&["NAME", "TEXT"], &["a", "x, \"y\"", "b", "-"]);
        assert_eq!(csv(&table, true), "NAME,TEXT\na,\"x, \"\"y\"\"\"\nb,\n");
        assert_eq!(csv(&table, false), "a,\"x, \"\"y\"\"\"\nb,\n");
        assert_eq!(names(&table), "a\nb\n");
        let mut record = Table::record(vec!["FIELD".to_owned(), "VALUE".to_owned()]);
        for cell in ["machineId", "i-1", "name", "n"] {
            record.cell(cell);
        }
        assert_eq!(names(&record), "i-1\n");
    }

    #[test]
    fn states_are_colored() {
        let text = fitted(&machines(), Layout { width: None, styled: true, headings: false }).text;
        assert!(text.contains("\x1b[32mrunning\x1b[0m  m6i.large") && text.lines().count() == 1, "{text:?}");
    }
}
