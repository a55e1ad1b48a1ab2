//! Lowering: renders every answer that follows from the configuration and files it under its key.
//!
//! Sections that are needed most come first. Mapping costs by the 64 KiB window, so the program's own help and
//! the catalog in the configured wire format lead: with a catalog of usual size they share the first window
//! with header, stamps and index.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::thread;

use ohfp_broker::template::Template;
use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::{CompletionShell, Page, completion};
use ohfp_snapshot_format::PRODUCT_VERSION;
use ohfp_snapshot_format::index::Record;
use ohfp_snapshot_format::key::LIST_NOTES;
use ohfp_snapshot_format::write::{Maker, Payload, PayloadWriter, SectionId};
use xxhash_rust::xxh3::xxh3_128;

use ohfp_broker::wire_format::SchedulerKind;
use ohfp_render::queries::{self, Query};
use ohfp_render::templates::{self, List, TemplateList};
use ohfp_render::{Format, Rendered};
use ohfp_resolver::{FileState, InputFile, Performance, Resolved, Secrets};

/// Fingerprint of this build's product version and command tree.
pub fn fingerprint() -> u128 {
    xxh3_128(format!("{PRODUCT_VERSION}\0{}", ohfp_cli::fingerprint_text()).as_bytes())
}

/// Version and fingerprint of this build.
pub fn maker() -> Maker<'static> {
    Maker { version: PRODUCT_VERSION, fingerprint: fingerprint() }
}

/// Renders all answers and closes the payload. `step` is called with the name of each step. `resolved` must be
/// free of errors: a snapshot must not contain a default in place of an invalid value.
///
/// # Errors
/// `Input` if `scheduler.type` is invalid; `System` if the index cannot be serialized.
pub fn lower(resolved: &Resolved, step: &mut dyn FnMut(&str)) -> Result<Payload> {
    let scheduler = resolved.settings.scheduler()?;
    let shown = Secrets::Hidden.of_templates(&resolved.templates);
    let catalog = TemplateList { templates: &shown, scheduler };
    // If output for people is redacted, the complete templates are filed as well.
    let whole =
        matches!(shown, Cow::Owned(_)).then_some(TemplateList { templates: &resolved.templates, scheduler });
    let limit = resolved.settings.render_limit();
    // Decided by the size of the inputs, before any rendering.
    let others = input_bytes(resolved).saturating_mul(ALL_FORMATS) <= limit;
    let mut writer = PayloadWriter::default();
    writer.timed(Performance::new(&resolved.settings).is_timed());
    writer.counted(resolved.settings.metrics_fast_path());
    thread::scope(|scope| {
        step(if others {
            "rendering all formats"
        } else {
            "rendering JSON; other formats are left to ohfp-live"
        });
        let second = others.then(|| scope.spawn(|| render(&catalog, &SECOND_HALF)));
        configured_format(&mut writer, &catalog, whole.as_ref(), resolved);
        if let Some(second) = second {
            let mut rendered = render(&catalog, &FIRST_HALF);
            rendered.extend(second.join().unwrap_or_default());
            step("filing all formats");
            other_formats(&mut writer, &catalog, limit, rendered);
        }
    });
    writer
        .finish()
        .map_err(|error| Error::new(ErrorKind::System, "cannot serialize the snapshot's index").cause(error))
}

/// All formats together take about this many times the bytes of the template files.
const ALL_FORMATS: u64 = 6;

fn input_bytes(resolved: &Resolved) -> u64 {
    let size = |file: &InputFile| match file.state {
        FileState::Present { size, .. } => size,
        FileState::Absent => 0,
    };
    resolved.trail.files.iter().map(size).sum()
}

/// The part that every snapshot contains: help, the catalog in the configured wire format, and the small
/// documents.
fn configured_format(
    writer: &mut PayloadWriter,
    catalog: &TemplateList<'_>,
    whole: Option<&TemplateList<'_>>,
    resolved: &Resolved,
) {
    let (program, commands) = ohfp_cli::pages().split_at(1);
    for page in program {
        help(writer, page);
    }
    let version = writer.section("version", ohfp_cli::version().into_bytes());
    writer.answer("--version", version);
    writer.templates(catalog.templates.len());
    let listed = file_list(writer, catalog, Format::Json, false, catalog.list(Format::Json, false));
    match whole {
        Some(whole) => file_whole(writer, whole),
        None => available_templates(writer, catalog, listed),
    }
    for page in commands {
        help(writer, page);
    }
    completions(writer);
    template_ids(writer, &resolved.templates);
    documents(writer, resolved);
    list_notes(writer, resolved);
}

/// Help of one command path, under its names and aliases, short and long, plain and styled.
fn help(writer: &mut PayloadWriter, page: &Page) {
    let words: Vec<&str> = page.path.iter().map(String::as_str).collect();
    for (option, text) in [("--help", &page.long), ("-h", &page.short)] {
        let name = |style: &str| format!("help {option} {} {style}", words.join(" "));
        let plain = writer.section(name("plain"), text.to_string().into_bytes());
        let styled = writer.section(name("styled"), text.ansi().to_string().into_bytes());
        for spelling in ohfp_cli::spelled_lines(&words) {
            let key = if spelling.is_empty() { option.to_owned() } else { format!("{option} {spelling}") };
            writer.styled_answer(key, (SectionId::NONE, plain), (SectionId::NONE, styled));
        }
    }
}

fn completions(writer: &mut PayloadWriter) {
    for shell in CompletionShell::ALL {
        let name = format!("completions {}", shell.name());
        let script = writer.section(&name, ohfp_cli::completions(shell));
        writer.answer(key(&name, Format::Json), script);
    }
}

/// What can be typed behind commands that take the id of a template: the ids, stored once, and the options of each.
fn template_ids(writer: &mut PayloadWriter, templates: &[Template]) {
    let ids: String = templates.iter().map(|template| format!("{}\n", template.id())).collect();
    let ids = writer.section("ids of templates", ids.into_bytes());
    for (words, options) in completion::behind_templates() {
        let options = writer.section(format!("options of {words}"), options.into_bytes());
        let key = key(&format!("{} {words}", completion::COMMAND), Format::Json);
        writer.styled_answer(key, (ids, options), (ids, options));
    }
}

/// Filed only where there is a note: its presence tells the runtime to leave lists at a terminal to the live
/// program.
fn list_notes(writer: &mut PayloadWriter, resolved: &Resolved) {
    let notes = queries::list_notes(resolved);
    if !notes.is_empty() {
        let section = writer.section("templates list notes", notes.join("\n").into_bytes());
        writer.answer(String::from_utf8_lossy(LIST_NOTES), section);
    }
}

fn key(command: &str, format: Format) -> String {
    format!("{command}\t{format}")
}

/// `config show`, `providers list` and their kind.
fn documents(writer: &mut PayloadWriter, resolved: &Resolved) {
    for (command, document) in Query::all(resolved) {
        let words: Vec<&str> = command.split(' ').collect();
        // A name with spaces is one argument, which a key cannot express.
        if words.len() > 3 || words.iter().any(|word| word.is_empty() || word.contains(char::is_control)) {
            continue;
        }
        for format in Format::ALL.iter().copied() {
            let Some(rendered) = document.render(resolved, format, Secrets::Hidden) else { continue };
            let (plain, styled) = file(writer, &format!("{command} {format}"), rendered);
            for spelling in ohfp_cli::spelled_lines(&words) {
                writer.styled_answer(key(&spelling, format), plain, styled);
            }
        }
    }
}

type Segments = (SectionId, SectionId);

/// Adds the sections of an answer; without styles, head and body are one section.
fn file(writer: &mut PayloadWriter, name: &str, rendered: Rendered) -> (Segments, Segments) {
    if rendered.head == rendered.head_styled {
        let whole = writer.section(name, rendered.bytes(false));
        return ((SectionId::NONE, whole), (SectionId::NONE, whole));
    }
    let head = writer.section(format!("{name} head"), rendered.head);
    let head_styled = writer.section(format!("{name} head styled"), rendered.head_styled);
    let body = writer.section(name, rendered.body);
    ((head, body), (head_styled, body))
}

/// An output to render ahead of time.
#[derive(Clone, Copy)]
enum Wanted {
    /// The list; long if the flag is set.
    List(Format, bool),
    /// Each template alone, in a format whose list does not hold them.
    Alone(Format),
}

/// The formats other than JSON, divided between two threads so that both take about as long.
const FIRST_HALF: [Wanted; 3] =
    [Wanted::List(Format::Yaml, false), Wanted::Alone(Format::Yaml), Wanted::List(Format::List, true)];
const SECOND_HALF: [Wanted; 4] = [
    Wanted::List(Format::Table, false),
    Wanted::List(Format::Table, true),
    Wanted::List(Format::List, false),
    Wanted::Alone(Format::Table),
];

fn render(catalog: &TemplateList<'_>, wanted: &[Wanted]) -> Vec<(Wanted, List)> {
    let one = |wanted| match wanted {
        Wanted::List(format, long) => catalog.list(format, long),
        Wanted::Alone(format) => catalog.all_alone(format),
    };
    wanted.iter().map(|wanted| (*wanted, one(*wanted))).collect()
}

/// Beyond the limit, all other formats are left to the live program, so that the content of a snapshot follows
/// from its size.
fn other_formats(
    writer: &mut PayloadWriter,
    catalog: &TemplateList<'_>,
    limit: u64,
    rendered: Vec<(Wanted, List)>,
) {
    let more: u64 = rendered.iter().map(|(_, list)| list.records.len() as u64).sum();
    if writer.len().saturating_add(more) > limit {
        return;
    }
    for (wanted, list) in rendered {
        match wanted {
            Wanted::List(format, long) => {
                file_list(writer, catalog, format, long, list);
            }
            Wanted::Alone(format) => {
                let records = records(catalog.templates, &list.records, &list.places, 0);
                let show = prepare_show(writer, catalog, (format, format.name()), &records);
                let body = writer.section(format!("templates show {format}"), list.records);
                if let Some(show) = show {
                    show.file(writer, body);
                }
            }
        }
    }
}

/// A directory of self-certifying records, sorted by hash.
fn records(templates: &[Template], bytes: &[u8], places: &[(usize, usize)], shift: usize) -> Vec<Record> {
    let mut records: Vec<Record> = templates
        .iter()
        .zip(places)
        .map(|(template, (start, len))| {
            let record = bytes.get(*start..start + len).unwrap_or_default();
            Record::of(template.id().as_bytes(), start + shift, record)
        })
        .collect();
    records.sort_unstable();
    records
}

/// Format name of unredacted records. No command line can name it; requests for machines are made from them.
pub const WHOLE: &str = "whole";

/// Files the unredacted records, if they differ from the redacted ones.
fn file_whole(writer: &mut PayloadWriter, catalog: &TemplateList<'_>) {
    if catalog.scheduler != SchedulerKind::HostFactory {
        return;
    }
    let list = catalog.list(Format::Json, false);
    let records = records(catalog.templates, &list.records, &list.places, list.head.len());
    let show = prepare_show(writer, catalog, (Format::Json, WHOLE), &records);
    let body = writer.section("getAvailableTemplates", [list.head, list.records, list.tail].concat());
    if let Some(show) = show {
        show.file(writer, body);
    }
    available_templates(writer, catalog, body);
}

/// Files `getAvailableTemplates`, unless the catalog is empty: Host Factory permanently drops a provider that
/// answers no templates.
fn available_templates(writer: &mut PayloadWriter, catalog: &TemplateList<'_>, list: SectionId) {
    if catalog.scheduler == SchedulerKind::HostFactory && !catalog.templates.is_empty() {
        writer.answer("getAvailableTemplates", list);
    }
}

/// Files a list under its keys, with the directory for its pages. Returns the list.
fn file_list(
    writer: &mut PayloadWriter,
    catalog: &TemplateList<'_>,
    format: Format,
    long: bool,
    list: List,
) -> SectionId {
    let name = format!("templates list {format}{}", if long { " long" } else { "" });
    // Without a styled head, the head is part of the section and moves the records.
    let shift = if list.head == list.head_styled { list.head.len() } else { 0 };
    let records = (format == Format::Json || (format == Format::List && long))
        .then(|| records(catalog.templates, &list.records, &list.places, shift));
    let mut order = Vec::with_capacity(list.places.len() * 16);
    for (start, len) in &list.places {
        order.extend_from_slice(&((start + shift) as u64).to_le_bytes());
        order.extend_from_slice(&(*len as u64).to_le_bytes());
    }
    // Small sections and directories first: the body would push them out of the first window.
    let head = writer.section(format!("{name} page head"), list.head.clone());
    let head_styled = writer.section(format!("{name} page head styled"), list.head_styled.clone());
    let tail = writer.section(format!("{name} page tail"), list.tail.clone());
    let show = records.and_then(|records| prepare_show(writer, catalog, (format, format.name()), &records));
    let order = writer.section(format!("{name} order"), order);
    let mut body = list.records;
    body.extend_from_slice(&list.tail);
    let rendered = Rendered { head: list.head, head_styled: list.head_styled, body, grid: None };
    let (plain, styled) = file(writer, &name, rendered);
    if let Some(show) = show {
        show.file(writer, plain.1);
    }

    let mut keys = Vec::new();
    for spelling in ["templates list", "template list"] {
        // JSON and YAML always hold every field, so `--long` changes nothing there.
        let always_long = matches!(format, Format::Json | Format::Yaml);
        if !long {
            keys.push(key(spelling, format));
        }
        if long || always_long {
            keys.push(format!("{}\tlong", key(spelling, format)));
        }
    }
    for key in keys {
        writer.list(&key, [plain.1, head, head_styled, tail, order]);
        writer.styled_answer(key, plain, styled);
    }
    plain.1
}

/// The parts of `templates show` in one format, except the records.
struct Show {
    format: &'static str,
    head: SectionId,
    head_styled: SectionId,
    tail: SectionId,
    directory: SectionId,
}

impl Show {
    fn file(self, writer: &mut PayloadWriter, body: SectionId) {
        writer.show(self.format, [body, self.head, self.head_styled, self.tail, self.directory]);
    }
}

/// Adds what `templates show` needs besides the records.
fn prepare_show(
    writer: &mut PayloadWriter,
    catalog: &TemplateList<'_>,
    (format, filed_as): (Format, &'static str),
    records: &[Record],
) -> Option<Show> {
    let unique: BTreeSet<u64> = records.iter().map(|record| record.hash).collect();
    // Two ids with the same hash are left to the live program.
    if unique.len() != catalog.templates.len() || records.is_empty() {
        return None;
    }
    let (head, head_styled) = templates::show_head(format);
    let head = writer.section(format!("templates show {filed_as} head"), head);
    let head_styled = writer.section(format!("templates show {filed_as} head styled"), head_styled);
    let tail =
        writer.section(format!("templates show {filed_as} tail"), templates::show_tail(format).to_vec());
    let directory = records.iter().flat_map(|record| record.to_bytes()).collect();
    let directory = writer.section(format!("templates show {filed_as} records"), directory);
    Some(Show { format: filed_as, head, head_styled, tail, directory })
}

#[cfg(test)]
mod tests {
    /// The runtime cannot compute the fingerprint, so it carries it as a constant.
    #[test]
    fn the_runtime_knows_this_command_tree() {
        let actual = super::fingerprint();
        assert_eq!(
            ohfp_snapshot_format::CLI_FINGERPRINT,
            actual,
            "put {actual:#034x} into CLI_FINGERPRINT in crates/snapshot-format/src/lib.rs"
        );
    }
}
