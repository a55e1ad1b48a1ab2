//! Aligned columns with a header line.

/// A table: collects rows, measures them, then writes them.
#[derive(Debug)]
pub struct Table {
    header: Vec<String>,
    widths: Vec<usize>,
    cells: String,
    ends: Vec<usize>,
}

/// Spaces between two columns.
const GAP: usize = 2;

impl Table {
    /// Creates a table with these headings.
    pub fn new(header: Vec<String>) -> Self {
        let widths = header.iter().map(|heading| heading.chars().count()).collect();
        Self { header, widths, cells: String::new(), ends: Vec::new() }
    }

    /// Appends a cell; rows fill from left to right. Control characters are made visible.
    pub fn cell(&mut self, text: &str) {
        let start = self.cells.len();
        super::text::visible(&mut self.cells, text);
        let width = self.cells.get(start..).map_or(0, width);
        let columns = self.header.len();
        if let Some(column) =
            self.ends.len().checked_rem(columns).and_then(|column| self.widths.get_mut(column))
        {
            *column = width.max(*column);
        }
        self.ends.push(self.cells.len());
    }

    /// The header line, plain and styled.
    pub fn header(&self) -> (Vec<u8>, Vec<u8>) {
        let mut line = String::new();
        self.line(&mut line, self.header.iter().map(String::as_str));
        let text = line.trim_end_matches('\n');
        (line.clone().into_bytes(), bold(text).into_bytes())
    }

    /// All rows, and offset and length of each, in bytes.
    pub fn rows(&self) -> (Vec<u8>, Vec<(usize, usize)>) {
        let mut out = String::with_capacity(self.cells.len() * 2);
        let mut places = Vec::new();
        let mut start = 0;
        for row in self.ends.chunks(self.header.len().max(1)) {
            let begin = out.len();
            let cells = row.iter().map(|&end| {
                let cell = self.cells.get(start..end).unwrap_or_default();
                start = end;
                cell
            });
            self.line(&mut out, cells);
            places.push((begin, out.len() - begin));
        }
        (out.into_bytes(), places)
    }

    fn line<'a>(&self, out: &mut String, cells: impl Iterator<Item = &'a str>) {
        let mut owed = 0;
        for (cell, column) in cells.zip(&self.widths) {
            spaces(out, owed);
            out.push_str(cell);
            // Spaces are written only when another cell follows: no line ends in blanks.
            owed = column.saturating_sub(width(cell)) + GAP;
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
}

/// Width of a text, in terminal columns.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// Appends `count` spaces.
pub(super) fn spaces(out: &mut String, count: usize) {
    const BLANKS: &str = "                                ";
    let mut left = count;
    while left > 0 {
        let run = left.min(BLANKS.len());
        out.push_str(BLANKS.get(..run).unwrap_or(BLANKS));
        left -= run;
    }
}

/// A heading line for color terminals.
pub fn bold(text: &str) -> String {
    format!("\x1b[1m{text}\x1b[0m\n")
}

#[cfg(test)]
mod tests {
    use super::{Table, spaces};

    fn table(heading: &[&str], cells: &[&str]) -> (String, Vec<(usize, usize)>) {
        let mut table = Table::new(heading.iter().map(|text| (*text).to_owned()).collect());
        for text in cells {
            table.cell(text);
        }
        let (rows, places) = table.rows();
        let (head, styled) = table.header();
        let head = String::from_utf8(head).unwrap();
        assert_eq!(String::from_utf8(styled).unwrap(), format!("\x1b[1m{}\x1b[0m\n", head.trim_end()));
        (head + &String::from_utf8(rows).unwrap(), places)
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        for (heading, cells, expected, places) in [
            (
                &["A", "LONG", "C"][..],
                &["wide cell", "x", "1", "y", "longer", ""][..],
                "A          LONG    C\nwide cell  x       1\ny          longer\n",
                vec![(0, 21), (21, 18)],
            ),
            // Counted in characters, and in what is shown of a character that moves the cursor.
            (
                &["A", "B"],
                &["ä漢", "1", "\x1b", "2"],
                "A     B\nä漢    1\n\\x1b  2\n",
                vec![(0, 11), (11, 8)],
            ),
            (&["A"], &[], "A\n", vec![]),
            (&["A", "B"], &["1", "2", "3"], "A  B\n1  2\n3\n", vec![(0, 5), (5, 2)]),
            (&["ÄÖ", "B"], &["1", "2"], "ÄÖ  B\n1   2\n", vec![(0, 6)]),
        ] {
            assert_eq!(table(heading, cells), (expected.to_owned(), places));
        }
    }

    #[test]
    fn blanks_of_any_number() {
        for count in [0, 1, 31, 32, 33, 100] {
            let mut out = "x".to_owned();
            spaces(&mut out, count);
            assert_eq!(out, format!("x{}", " ".repeat(count)));
        }
    }
}
