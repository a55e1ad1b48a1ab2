//! Templates: the list in every format, with the position of each record in it, and single templates.

use std::borrow::Cow;

use ohfp_broker::template::Template;
use ohfp_broker::wire_format::SchedulerKind;
use ohfp_resolver::default_name;
use serde_json::Value;

use super::table::{self, Table};
use super::{Format, Rendered, json, text, yaml};

/// The catalog and the wire format it is rendered for.
#[derive(Clone, Copy, Debug)]
pub struct TemplateList<'a> {
    /// In file order.
    pub templates: &'a [Template],
    /// Field names and frame of the output.
    pub scheduler: SchedulerKind,
}

/// A list: head, records, tail. A page is the head, a run of records, the tail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Bytes before the records.
    pub head: Vec<u8>,
    /// The head for color terminals.
    pub head_styled: Vec<u8>,
    /// All records with their separators.
    pub records: Vec<u8>,
    /// Offset and length of each record in bytes, in file order.
    pub places: Vec<(usize, usize)>,
    /// Bytes after the records.
    pub tail: Vec<u8>,
}

const YAML_HEAD: &[u8] = b"templates:\n";
const YAML_EMPTY: &[u8] = b"templates: []\n";

impl List {
    /// Head, and templates `offset..offset + limit` with the tail as body.
    pub fn page(self, offset: usize, limit: Option<usize>) -> Rendered {
        let end =
            limit.map_or(self.places.len(), |limit| offset.saturating_add(limit).min(self.places.len()));
        let page = self.places.get(offset..end).unwrap_or_default();
        let records = match (page.first(), page.last()) {
            (Some((start, _)), Some((last, len))) => self.records.get(*start..last + len).unwrap_or_default(),
            _ => &[],
        };
        let body = [records, &self.tail].concat();
        // Without an item, YAML reads the name alone as null.
        if page.is_empty() && self.head == YAML_HEAD {
            let head = YAML_EMPTY.to_vec();
            return Rendered { head_styled: head.clone(), head, body, grid: None };
        }
        Rendered { head: self.head, head_styled: self.head_styled, body, grid: None }
    }
}

impl TemplateList<'_> {
    /// The whole list in one format.
    pub fn list(&self, format: Format, long: bool) -> List {
        match format {
            Format::Json => self.json(),
            Format::Yaml => self.yaml(),
            Format::Table => {
                self.table(if long { COLUMNS } else { COLUMNS.get(..SHORT_COLUMNS).unwrap_or(COLUMNS) })
            }
            Format::List => self.blocks(long),
        }
    }

    fn records(
        &self,
        head: &[u8],
        between: &[u8],
        tail: &[u8],
        record: impl Fn(&mut Vec<u8>, &Template),
    ) -> List {
        let mut list =
            List { head: head.to_vec(), head_styled: head.to_vec(), tail: tail.to_vec(), ..List::default() };
        list.places.reserve_exact(self.templates.len());
        for (number, template) in self.templates.iter().enumerate() {
            if number > 0 {
                list.records.extend_from_slice(between);
            }
            let start = list.records.len();
            record(&mut list.records, template);
            list.places.push((start, list.records.len() - start));
        }
        list
    }

    fn json(&self) -> List {
        let mut tail = self.json_tail();
        if self.templates.is_empty() {
            tail.insert(0, b']');
            return self.records(b"{\"templates\": [", b"", &tail, |_, _| ());
        }
        tail.splice(0..0, *b"\n]");
        self.records(b"{\"templates\": [\n", b",\n", &tail, |out, template| self.json_record(out, template))
    }

    fn json_tail(&self) -> Vec<u8> {
        match self.scheduler {
            SchedulerKind::HostFactory => b", \"message\": \"Get available templates success.\"}\n".to_vec(),
            SchedulerKind::Default => format!(
                ", \"message\": \"Templates retrieved successfully\", \"success\": true, \"total_count\": {}}}\n",
                self.templates.len()
            )
            .into_bytes(),
        }
    }

    fn json_record(&self, out: &mut Vec<u8>, template: &Template) {
        match self.scheduler {
            SchedulerKind::HostFactory => json::object(out, named(template), 0, 1),
            SchedulerKind::Default => {
                let names = default_names(template);
                json::object(out, names.iter().map(|(name, value)| (name.as_ref(), value.as_ref())), 0, 1);
            }
        }
    }

    fn yaml(&self) -> List {
        if self.templates.is_empty() {
            return self.records(YAML_EMPTY, b"", b"", |_, _| ());
        }
        self.records(YAML_HEAD, b"", b"", |out, template| {
            out.extend_from_slice(b"- ");
            self.yaml_record(out, template, 2);
        })
    }

    fn yaml_record(&self, out: &mut Vec<u8>, template: &Template, indent: usize) {
        match self.scheduler {
            SchedulerKind::HostFactory => yaml::mapping(out, named(template), indent),
            SchedulerKind::Default => {
                let names = default_names(template);
                yaml::mapping(out, names.iter().map(|(name, value)| (name.as_ref(), value.as_ref())), indent);
            }
        }
    }

    fn table(&self, columns: &[Column]) -> List {
        let table = self.grid(columns);
        let (head, head_styled) = table.header();
        let (records, places) = table.rows();
        List { head, head_styled, records, places, tail: Vec::new() }
    }

    /// The table of these templates, as a table that can be laid out.
    pub fn laid_out(&self, long: bool) -> Table {
        self.grid(if long { COLUMNS } else { COLUMNS.get(..SHORT_COLUMNS).unwrap_or(COLUMNS) })
    }

    fn grid(&self, columns: &[Column]) -> Table {
        let mut table = Table::new(columns.iter().map(|column| column.heading.to_owned()).collect());
        let mut cell = String::new();
        for template in self.templates {
            for column in columns {
                cell.clear();
                column.write(&mut cell, template);
                table.cell(if cell.is_empty() { "-" } else { &cell });
            }
        }
        table.named(columns.iter().map(|column| column.names).collect())
    }

    fn blocks(&self, long: bool) -> List {
        self.records(b"", b"\n", b"", |out, template| as_text(out, |text| block(text, template, long)))
    }

    /// Every template as `templates show` writes it, concatenated.
    pub fn all_alone(&self, format: Format) -> List {
        self.records(b"", b"", b"", |out, template| self.show(template, format, out))
    }

    /// Writes one template, without head and tail.
    pub fn show(&self, template: &Template, format: Format, out: &mut Vec<u8>) {
        match format {
            Format::Json => self.json_record(out, template),
            Format::Yaml => self.yaml_record(out, template, 0),
            Format::Table => as_text(out, |text| fields_table(text, template)),
            Format::List => as_text(out, |text| block(text, template, true)),
        }
    }
}

/// The fields of one template, as a table that can be laid out.
pub fn record(template: &Template) -> Table {
    let mut table = Table::record(vec!["FIELD".to_owned(), "VALUE".to_owned()]);
    let mut cell = String::new();
    for (name, field) in named(template) {
        cell.clear();
        text::value(&mut cell, field);
        table.cell(name);
        table.cell(if cell.is_empty() { "-" } else { &cell });
    }
    table
}

/// Bytes before a single template: plain and styled.
pub fn show_head(format: Format) -> (Vec<u8>, Vec<u8>) {
    if format != Format::Table {
        return (Vec::new(), Vec::new());
    }
    let line = format!("{:FIELD_WIDTH$}VALUE", "FIELD");
    (format!("{line}\n").into_bytes(), table::bold(&line).into_bytes())
}

/// Bytes after a single template.
pub fn show_tail(format: Format) -> &'static [u8] {
    if format == Format::Json { b"\n" } else { b"" }
}

/// Width of the first column of a template shown as a table; longer names push their value right.
/// Fixed, so that the heading is the same for every template.
const FIELD_WIDTH: usize = 28;

fn fields_table(out: &mut String, template: &Template) {
    for (name, field) in named(template) {
        let start = out.len();
        text::visible(out, name);
        let width = out.get(start..).map_or(0, |name| name.chars().count());
        table::spaces(out, FIELD_WIDTH.saturating_sub(width).max(2));
        text::value(out, field);
        end_line(out);
    }
}

fn block(out: &mut String, template: &Template, long: bool) {
    out.push_str("Template: ");
    out.push_str(template.id());
    out.push('\n');
    for (name, field) in named(template) {
        if name == "templateId" || (!long && !SHORT_FIELDS.contains(&name)) {
            continue;
        }
        out.push_str("  ");
        text::visible(out, name);
        out.push_str(": ");
        text::value(out, field);
        end_line(out);
    }
}

/// Appends text to bytes.
fn as_text(out: &mut Vec<u8>, write: impl FnOnce(&mut String)) {
    let mut text = String::new();
    write(&mut text);
    out.extend_from_slice(text.as_bytes());
}

/// No line ends in blanks.
fn end_line(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// Fields of the short list.
const SHORT_FIELDS: [&str; 6] =
    ["maxNumber", "attributes", "vmType", "vmTypes", "priceType", "launchTemplateId"];

struct Column {
    heading: &'static str,
    /// Names of the field, by which the column can be chosen too.
    names: [&'static str; 2],
    cell: Cell,
}

/// What a column shows of a template.
enum Cell {
    /// The field that its first name is.
    Field,
    /// The attribute that its first name is.
    Attribute,
    Other(fn(&mut String, &Template)),
}

impl Column {
    const fn field(heading: &'static str, names: [&'static str; 2]) -> Self {
        Self { heading, names, cell: Cell::Field }
    }

    const fn attribute(heading: &'static str, name: &'static str) -> Self {
        Self { heading, names: [name, name], cell: Cell::Attribute }
    }

    const fn other(
        heading: &'static str,
        names: [&'static str; 2],
        write: fn(&mut String, &Template),
    ) -> Self {
        Self { heading, names, cell: Cell::Other(write) }
    }

    fn write(&self, out: &mut String, template: &Template) {
        let ([name, _], fields) = (self.names, template.fields());
        match self.cell {
            Cell::Field => value(out, fields.get(name)),
            Cell::Attribute => {
                value(out, fields.get("attributes").and_then(|attributes| attributes.get(name)));
            }
            Cell::Other(write) => write(out, template),
        }
    }
}

/// Columns of the short table; the long one has all.
const SHORT_COLUMNS: usize = 8;

const COLUMNS: &[Column] = &[
    Column::other("TEMPLATE", ["templateId", "template_id"], |out, template| out.push_str(template.id())),
    Column::attribute("TYPE", "type"),
    Column::attribute("NCPUS", "ncpus"),
    Column::attribute("NCORES", "ncores"),
    Column::attribute("NRAM", "nram"),
    Column::other("MAX", ["maxNumber", "max_instances"], |out, template| match template.max_number() {
        -1 => out.push_str("unlimited"),
        number => out.push_str(&number.to_string()),
    }),
    Column::field("PRICE", ["priceType", "price_type"]),
    Column::other("MACHINE TYPES", ["vmType", "vmTypes"], machine_types),
    Column::field("IMAGE", ["imageId", "image_id"]),
    Column::field("LAUNCH TEMPLATE", ["launchTemplateId", "launch_template_id"]),
    Column::field("SUBNETS", ["subnetId", "subnet_ids"]),
    Column::attribute("RANK", "rank"),
    Column::field("TAGS", ["instanceTags", "tags"]),
];

/// Appends a value, if there is one.
fn value(out: &mut String, value: Option<&Value>) {
    if let Some(value) = value {
        text::value(out, value);
    }
}

fn machine_types(out: &mut String, template: &Template) {
    match template.fields().get("vmTypes") {
        Some(Value::Object(types)) => {
            for (number, name) in types.keys().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                text::visible(out, name);
            }
        }
        _ => value(out, template.fields().get("vmType")),
    }
}

fn named(template: &Template) -> impl Iterator<Item = (&str, &Value)> {
    template.fields().iter().map(|(name, value)| (name.as_str(), value))
}

/// The fields under plain names, and two that programs written for Open Resource Broker look for: one machine type,
/// and the largest number of machines.
fn default_names(template: &Template) -> Vec<(Cow<'_, str>, Cow<'_, Value>)> {
    let mut all: Vec<_> =
        named(template).map(|(name, value)| (default_name(name), Cow::Borrowed(value))).collect();
    let fields = template.fields();
    let has = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    if !has("vmType")
        && let Some(first) =
            fields.get("vmTypes").and_then(Value::as_object).and_then(|types| types.keys().next())
    {
        all.retain(|(name, _)| name != "instance_type");
        all.push((Cow::Borrowed("instance_type"), Cow::Owned(Value::String(first.clone()))));
    }
    if !has("max_capacity")
        && let Some(number) = fields.get("maxNumber")
    {
        all.push((Cow::Borrowed("max_capacity"), Cow::Borrowed(number)));
    }
    all
}
