//! The parts of a snapshot and, for each, the command lines whose answers are made of its bytes.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::project::Result;

/// A command line; styled or not is a variable's choice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    pub(super) words: Vec<String>,
    pub(super) styled: bool,
}

/// A run of bytes and what is asked when one of them is damaged. Parts may overlap.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) range: Range<usize>,
    pub(super) questions: Vec<Question>,
    /// Some answer must be made of these bytes. The names of sections and what stands between records are
    /// read by no answer.
    pub(super) read: bool,
}

/// Between them these use every kind of section.
const CORE: [&str; 6] = [
    "templates list",
    "--help",
    "templates show ID --format table",
    "templates list --format yaml --limit 3 --offset 2",
    "providers list --format yaml",
    "getAvailableTemplates -f INPUT",
];
/// For the index, which is checked as a whole whatever is asked.
const CORE_OF_INDEX: usize = 3;

/// Size of an entry of a directory of records, and where offset and length stand in it.
const ENTRY: usize = 32;
const ENTRY_OFFSET: usize = 8;
const ENTRY_LEN: usize = 16;

/// The questions that are asked of every part now and then.
pub(super) fn core(ids: &[String], input: &str) -> Vec<Question> {
    let id = ids.first().map_or("", String::as_str);
    let words = |line: &str| -> Vec<String> {
        line.split(' ').map(|word| word.replace("ID", id).replace("INPUT", input)).collect()
    };
    CORE.iter().map(|line| Question { words: words(line), styled: false }).collect()
}

/// All parts of a snapshot. `report` is what `ohfp-snapshot inspect --json` says, `ids` are the templates
/// in file order.
pub(super) fn all(bytes: &[u8], report: &Value, ids: &[String], core: &[Question]) -> Result<Vec<Part>> {
    let sections = sections(report)?;
    let first = sections.values().map(|range| range.start).min().ok_or("a snapshot without sections")?;
    // As the header says, at 48 and 72.
    let stamps = number(bytes, 48).ok_or("a snapshot without a header")?;
    let index = number(bytes, 72).ok_or("a snapshot without a header")?;
    let of_index = core.get(..CORE_OF_INDEX).unwrap_or(core);
    let front = |name: &str, range: Range<usize>, questions: &[Question]| Part {
        name: name.to_owned(),
        range,
        questions: questions.to_vec(),
        read: true,
    };
    let mut parts = vec![
        front("header", 0..stamps, core),
        front("stamps", stamps..index, core),
        front("index", index..first, of_index),
    ];
    for (name, range) in &sections {
        let questions = questions(name, ids);
        let read = !questions.is_empty() && !range.is_empty();
        let questions = if read { questions } else { of_index.get(..1).unwrap_or_default().to_vec() };
        parts.push(Part { name: name.clone(), range: range.clone(), questions, read });
        let directory = name.strip_prefix("templates show ").and_then(|name| name.strip_suffix(" records"));
        if let Some(format) = directory {
            parts.extend(records(bytes, range, format, &sections, ids)?);
        }
    }
    Ok(parts)
}

fn sections(report: &Value) -> Result<BTreeMap<String, Range<usize>>> {
    let list = report.get("sections").and_then(Value::as_array).ok_or("inspect lists no sections")?;
    let one = |section: &Value| -> Option<(String, Range<usize>)> {
        let field = |name: &str| usize::try_from(section.get(name)?.as_u64()?).ok();
        let (start, len) = (field("offset")?, field("bytes")?);
        Some((section.get("name")?.as_str()?.to_owned(), start..start.checked_add(len)?))
    };
    list.iter()
        .map(|section| one(section).ok_or_else(|| format!("not understood: {section}").into()))
        .collect()
}

/// The command lines that use a section, by its name. None where it is read by no answer as a whole.
fn questions(name: &str, ids: &[String]) -> Vec<Question> {
    let styled = name.ends_with(" styled");
    let base = name.strip_suffix(" styled").or_else(|| name.strip_suffix(" plain")).unwrap_or(name);
    let ask = |words: Vec<&str>| Question { words: words.into_iter().map(str::to_owned).collect(), styled };
    let words: Vec<&str> = base.split_whitespace().collect();
    match words.as_slice() {
        [] | ["names"] => Vec::new(),
        ["help", option, path @ ..] => vec![ask([path, &[*option]].concat())],
        ["version"] => vec![ask(vec!["--version"])],
        ["completions", shell] => vec![ask(vec!["completions", shell])],
        ["templates", "show", format, rest @ ..] => {
            let shows = |ids: &[String]| -> Vec<Question> {
                ids.iter().map(|id| ask(vec!["templates", "show", id, "--format", format])).collect()
            };
            match rest {
                // Any entry may turn into any other's.
                ["records"] => shows(ids),
                [] => Vec::new(),
                _ => shows(ids.get(..1).unwrap_or_default()),
            }
        }
        [command @ .., format, "long", "page", _] | [command @ .., format, "long", "order"] => {
            vec![ask([command, &["--format", format, "--long", "--limit", "2", "--offset", "1"]].concat())]
        }
        [command @ .., format, "page", _] | [command @ .., format, "order"] => {
            vec![ask([command, &["--format", format, "--limit", "2", "--offset", "1"]].concat())]
        }
        [command @ .., format, "long"] | [command @ .., format, "long", "head"] => {
            vec![ask([command, &["--format", format, "--long"]].concat())]
        }
        [command @ .., format, "head"] | [command @ .., format] => {
            vec![ask([command, &["--format", format]].concat())]
        }
    }
}

/// A part for each template's record, asked for by its id.
fn records(
    bytes: &[u8],
    directory: &Range<usize>,
    format: &str,
    sections: &BTreeMap<String, Range<usize>>,
    ids: &[String],
) -> Result<Vec<Part>> {
    // JSON and long lists hold whole records; the others are stored apart.
    let body = match format {
        "json" => "templates list json".to_owned(),
        "list" => "templates list list long".to_owned(),
        other => format!("templates show {other}"),
    };
    let body = sections.get(&body).ok_or_else(|| format!("no section `{body}`"))?;
    let mut places: Vec<(usize, usize)> = directory
        .clone()
        .step_by(ENTRY)
        .filter_map(|at| Some((number(bytes, at + ENTRY_OFFSET)?, number(bytes, at + ENTRY_LEN)?)))
        .collect();
    places.sort_unstable();
    if places.len() != ids.len() {
        return Err(format!("{} records for {} templates", places.len(), ids.len()).into());
    }
    let part = |((offset, len), id): (&(usize, usize), &String)| Part {
        name: format!("record of {id} in {format}"),
        range: body.start + offset..body.start + offset + len,
        questions: vec![Question {
            words: ["templates", "show", id, "--format", format].map(str::to_owned).to_vec(),
            styled: false,
        }],
        read: true,
    };
    Ok(places.iter().zip(ids).map(part).collect())
}

/// A little-endian number of eight bytes.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..)?.first_chunk::<8>()?;
    usize::try_from(u64::from_le_bytes(*field)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_asked_for() {
        let ids = ["a".to_owned(), "b".to_owned()];
        let check = |name: &str, lines: &[&str]| {
            let found = questions(name, &ids);
            let found: Vec<String> = found
                .iter()
                .map(|one| format!("{}{}", one.words.join(" "), if one.styled { " styled" } else { "" }))
                .collect();
            assert_eq!(found, lines, "{name}");
        };
        check("help --help  plain", &["--help"]);
        check("help -h templates list styled", &["templates list -h styled"]);
        check("version", &["--version"]);
        check("names", &[]);
        check("templates list json", &["templates list --format json"]);
        check("templates list list long", &["templates list --format list --long"]);
        check(
            "templates list table long page head styled",
            &["templates list --format table --long --limit 2 --offset 1 styled"],
        );
        check("templates list json order", &["templates list --format json --limit 2 --offset 1"]);
        check("templates show yaml", &[]);
        check("templates show table head styled", &["templates show a --format table styled"]);
        check(
            "templates show json records",
            &["templates show a --format json", "templates show b --format json"],
        );
        check("scheduler show default table", &["scheduler show default --format table"]);
        check("config show table head", &["config show --format table"]);
        check("completions fish", &["completions fish"]);
    }
}
