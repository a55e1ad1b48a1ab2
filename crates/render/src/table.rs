//! Aligned columns with a header line.

use std::cmp::Ordering;

use ohfp_broker::text::quoted;
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_resolver::nearest::nearest;

/// A table: collects rows, measures them, then writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    is_record: bool,
    is_ordered: bool,
    /// Other names of the columns, for those who choose them.
    names: Vec<[&'static str; 2]>,
    header: Vec<String>,
    widths: Vec<usize>,
    cells: String,
    ends: Vec<usize>,
}

/// Spaces between two columns.
pub(crate) const GAP: usize = 2;

impl Table {
    /// Creates a table with these headings.
    pub fn new(header: Vec<String>) -> Self {
        let widths = header.iter().map(|heading| heading.chars().count()).collect();
        Self { header, widths, ..Self::default() }
    }

    /// Creates a table whose rows are the fields of one entry.
    pub fn record(header: Vec<String>) -> Self {
        Self { is_record: true, ..Self::new(header) }
    }

    /// Whether its rows are the fields of one entry.
    pub fn is_record(&self) -> bool {
        self.is_record
    }

    /// Gives each column two other names by which it can be chosen.
    #[must_use]
    pub fn named(self, names: Vec<[&'static str; 2]>) -> Self {
        Self { names, ..self }
    }

    /// The same table without its rows.
    #[must_use]
    pub fn emptied(self) -> Self {
        let widths = self.header.iter().map(|heading| heading.chars().count()).collect();
        Self { widths, cells: String::new(), ends: Vec::new(), ..self }
    }

    /// Says that the rows are in the order that was asked for.
    #[must_use]
    pub fn ordered(self) -> Self {
        Self { is_ordered: true, ..self }
    }

    /// The column of that name: its heading or another name, whatever the capitals and separators.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`], naming the columns there are.
    fn place(&self, wanted: &str) -> Result<usize> {
        let same = |name: &str| same_name(name, wanted);
        let by_heading = self.header.iter().position(|heading| same(heading));
        let by_name = || self.names.iter().position(|names| names.iter().any(|name| same(name)));
        by_heading.or_else(by_name).ok_or_else(|| {
            let known: Vec<String> = self.header.iter().map(|heading| heading.to_lowercase()).collect();
            let near = nearest(&wanted.to_lowercase(), known.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            Error::new(ErrorKind::Usage, format!("there is no column {}", quoted(wanted)))
                .hint(format!("{near}the columns are {}", known.join(", ")))
        })
    }

    /// These columns alone, in this order. Without any, all.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a column that does not exist.
    pub fn chosen(self, columns: &[String]) -> Result<Self> {
        if columns.is_empty() || self.is_record {
            return Ok(self);
        }
        let places = columns.iter().map(|name| self.place(name)).collect::<Result<Vec<usize>>>()?;
        let rows = self.cells();
        Ok(self.like(&places, rows.iter()))
    }

    /// The rows by the values of a column; a name that begins with `-` is descending. Numbers are compared as such.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a column that does not exist.
    pub fn sorted(self, by: Option<&str>) -> Result<Self> {
        let Some(by) = by.filter(|_| !self.is_ordered && !self.is_record) else { return Ok(self) };
        let place = self.place(sort_field(by))?;
        let rows = sort(self.cells(), by, |row| row.get(place).copied().unwrap_or_default().to_owned());
        let all: Vec<usize> = (0..self.header.len()).collect();
        Ok(self.like(&all, rows.iter()))
    }

    /// A table with these columns of these rows.
    fn like<'a>(&self, places: &[usize], rows: impl Iterator<Item = &'a Vec<&'a str>>) -> Self {
        let pick = |place: &usize| self.header.get(*place).cloned().unwrap_or_default();
        let mut table = Self::new(places.iter().map(pick).collect());
        table.names = places.iter().filter_map(|place| self.names.get(*place)).copied().collect();
        table.is_ordered = self.is_ordered;
        for row in rows {
            for place in places {
                table.cell(row.get(*place).copied().unwrap_or_default());
            }
        }
        table
    }

    /// The headings.
    pub fn headings(&self) -> &[String] {
        &self.header
    }

    /// The cells, row by row.
    pub fn cells(&self) -> Vec<Vec<&str>> {
        let mut start = 0;
        let row = |ends: &[usize]| {
            let mut cell = |end: &usize| {
                let cell = self.cells.get(start..*end).unwrap_or_default();
                start = *end;
                cell
            };
            ends.iter().map(&mut cell).collect()
        };
        self.ends.chunks(self.header.len().max(1)).map(row).collect()
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
        for row in self.cells() {
            let begin = out.len();
            self.line(&mut out, row.into_iter());
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

/// Whether two names of a field or a column differ in capitals and separators at most: `templateId`, `template_id`,
/// `TEMPLATE ID`. A dot is no separator, since it leads inside a field.
pub fn same_name(left: &str, right: &str) -> bool {
    let letters = |name: &str| -> String {
        let letters = name.chars().filter(|letter| letter.is_alphanumeric() || *letter == '.');
        letters.flat_map(char::to_lowercase).collect()
    };
    left == right || letters(left) == letters(right)
}

/// The field that `--sort-by` names, without its direction.
pub fn sort_field(by: &str) -> &str {
    by.trim_start_matches('-')
}

/// The error for a field that `--sort-by` names and no entry has.
pub fn no_sort_field(by: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("there is no field {} to sort by", quoted(sort_field(by))))
}

/// Sorts entries by a value of theirs, which `text` gives and is called for once each. Where `by` begins with `-`, the
/// order is descending.
pub fn sort<T>(entries: Vec<T>, by: &str, text: impl Fn(&T) -> String) -> Vec<T> {
    let mut keyed: Vec<(SortKey, T)> =
        entries.into_iter().map(|entry| (sort_key(text(&entry)), entry)).collect();
    keyed.sort_by(|(left, _), (right, _)| compared(left, right));
    if by.starts_with('-') {
        keyed.reverse();
    }
    keyed.into_iter().map(|(_, entry)| entry).collect()
}

/// A value with the number that it is, if it is one.
type SortKey = (Option<f64>, String);

fn sort_key(text: String) -> SortKey {
    (text.parse().ok(), text)
}

/// The order of two values: numbers by value and before any text, anything else by text. It is a total order, which
/// sorting requires.
fn compared((left, left_text): &SortKey, (right, right_text): &SortKey) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.total_cmp(right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left_text.cmp(right_text),
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
    use super::{Table, compared, sort_key, spaces};

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
    fn columns_are_chosen_and_rows_sorted() {
        let table = || {
            let mut table = Table::new(["MACHINE", "PRIVATE IP", "UNITS"].map(str::to_owned).to_vec());
            table =
                table.named(vec![["machineId", "machine_id"], ["privateIpAddress", "private_ip_address"]]);
            for cell in ["b", "10.0.0.1", "10", "a", "10.0.0.2", "9"] {
                table.cell(cell);
            }
            table
        };
        let check = |columns: &str, by: Option<&str>, expected: Result<&[&str], &str>| {
            let columns: Vec<String> = columns.split_whitespace().map(str::to_owned).collect();
            let made = table().sorted(by).and_then(|table| table.chosen(&columns));
            match (made, expected) {
                (Ok(table), Ok(cells)) => assert_eq!(table.cells().concat(), cells),
                (Err(error), Err(part)) => assert!(error.hint_text().unwrap().contains(part), "{error}"),
                (made, _) => panic!("{made:?}"),
            }
        };
        check("", Some("units"), Ok(&["a", "10.0.0.2", "9", "b", "10.0.0.1", "10"]));
        check("machine_id", Some("-machine"), Ok(&["b", "a"]));
        check("addresses machineid", None, Err("the columns are machine, private ip, units"));
        check("private-ip machineId", None, Ok(&["10.0.0.1", "b", "10.0.0.2", "a"]));
        check("", Some("machin"), Err("did you mean `machine`?"));
    }

    #[test]
    fn the_order_of_values_is_total() {
        let values = [
            "-inf", "-1e3", "-2", "-0", "0", "2", "2.5", "10", "1e3", "inf", "nan", "", "-", "10.0.0.1",
            "1a", "a", "b",
        ];
        for (place, left) in values.iter().enumerate() {
            for (other, right) in values.iter().enumerate() {
                let key = |value: &str| sort_key(value.to_owned());
                assert_eq!(compared(&key(left), &key(right)), place.cmp(&other), "{left} {right}");
            }
        }
        let mut table = Table::new(vec!["A".to_owned()]);
        for number in 0..200_u32 {
            table.cell(values[usize::try_from(number * 7 % 17).unwrap()]);
        }
        let sorted = table.sorted(Some("a")).unwrap();
        let place = |cell: &str| values.iter().position(|value| *value == cell);
        assert!(sorted.cells().concat().into_iter().is_sorted_by_key(place));
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
