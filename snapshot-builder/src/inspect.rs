//! Inspection of snapshots: reads and compares catalogs.

use std::collections::BTreeMap;

use ohfp_broker::json;
use ohfp_resolver::LimitDecrease;
use ohfp_snapshot_format::index::{RECORD_ENTRY, Record};
use ohfp_snapshot_format::{Refusal, View};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

/// Name of the format that every snapshot with templates has.
pub const JSON: &str = "json";

/// A *records* directory and the section that contains its records.
pub type Records<'a> = (&'a [u8], &'a [u8]);

/// The checked records of `templates show` in the first of these formats that there is; `None` in a snapshot without
/// templates.
pub fn records<'a>(snapshot: &View<'a>, formats: &[&str]) -> Result<Option<Records<'a>>, Refusal> {
    let contents = snapshot.contents()?;
    let index = contents.index;
    let named = |format: &&str| index.shows.iter().find(|show| index.text(&show.format) == format.as_bytes());
    let Some(show) = formats.iter().find_map(named) else { return Ok(None) };
    Ok(Some((contents.section(show.records.to_native())?, contents.section(show.body.to_native())?)))
}

/// The record of a template.
pub fn record<'a>((directory, body): Records<'a>, id: &str) -> Option<&'a [u8]> {
    Record::find(directory, xxh3_64(id.as_bytes()))?.bytes(body)
}

/// The catalog of a snapshot: from the hash of an id to its record.
#[derive(Clone, Debug, Default)]
pub struct PublishedTemplates<'a> {
    records: BTreeMap<u64, (u64, &'a [u8])>,
    /// Hashes in file order.
    order: Vec<u64>,
}

impl<'a> PublishedTemplates<'a> {
    /// Reads the directory of `templates show` in JSON, which every snapshot with templates has.
    pub fn of(snapshot: &View<'a>) -> Result<Self, Refusal> {
        let Some((directory, body)) = records(snapshot, &[JSON])? else { return Ok(Self::default()) };
        let mut records = BTreeMap::new();
        let mut order = Vec::new();
        for number in 0..directory.len() / RECORD_ENTRY {
            let record = Record::read(directory, number).ok_or(Refusal::Section)?;
            let bytes = record.bytes(body).ok_or(Refusal::Section)?;
            records.insert(record.hash, (record.check, bytes));
            order.push((record.offset, record.hash));
        }
        order.sort_unstable();
        Ok(Self { records, order: order.into_iter().map(|(_, hash)| hash).collect() })
    }

    /// Id and `maxNumber` of a record.
    fn parse(bytes: &[u8]) -> (String, i64) {
        let record: Value = json::from_slice(bytes).unwrap_or_default();
        let field = |names: [&str; 2]| names.into_iter().find_map(|name| record.get(name));
        let id = field(["templateId", "template_id"]).and_then(Value::as_str).unwrap_or_default();
        let max_number = field(["maxNumber", "max_instances"]).and_then(Value::as_i64).unwrap_or_default();
        (id.to_owned(), max_number)
    }
}

/// What changed between two catalogs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ids only in the newer one.
    pub added: Vec<String>,
    /// Ids only in the older one.
    pub removed: Vec<String>,
    /// Ids whose record differs.
    pub changed: Vec<String>,
    /// Templates whose `maxNumber` was lowered.
    pub lowered: Vec<LimitDecrease>,
    /// Whether the order of common templates differs, which is the order in which Host Factory prefers them.
    pub reordered: bool,
}

impl Changes {
    /// Compares two catalogs. Only records that differ are parsed.
    pub fn between(old: &PublishedTemplates<'_>, new: &PublishedTemplates<'_>) -> Self {
        let mut changes = Self::default();
        for (hash, (check, bytes)) in &old.records {
            match new.records.get(hash) {
                None => changes.removed.push(PublishedTemplates::parse(bytes).0),
                Some((now, _)) if now == check => {}
                Some((_, now)) => {
                    let ((id, before), (_, now)) =
                        (PublishedTemplates::parse(bytes), PublishedTemplates::parse(now));
                    changes.lowered.extend(LimitDecrease::between(&id, before, now));
                    changes.changed.push(id);
                }
            }
        }
        let added = new.records.iter().filter(|(hash, _)| !old.records.contains_key(hash));
        changes.added = added.map(|(_, (_, bytes))| PublishedTemplates::parse(bytes).0).collect();
        for ids in [&mut changes.added, &mut changes.removed, &mut changes.changed] {
            ids.sort_unstable();
        }
        changes.lowered.sort_unstable();
        let common = |one: &PublishedTemplates<'_>, other: &PublishedTemplates<'_>| -> Vec<u64> {
            one.order.iter().copied().filter(|hash| other.records.contains_key(hash)).collect()
        };
        changes.reordered = common(old, new) != common(new, old);
        changes
    }

    /// Whether the catalogs are equal.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && !self.reordered
    }
}

#[cfg(test)]
mod tests {
    use ohfp_snapshot_format::write::{Maker, PayloadWriter, SectionId};
    use rkyv::util::AlignedVec;

    use super::*;

    /// A snapshot of templates `ID MAXNUMBER [TYPE]`, in this order.
    fn snapshot(templates: &[&str]) -> AlignedVec<64> {
        let (mut body, mut records) = (Vec::new(), Vec::new());
        for text in templates {
            let words: Vec<&str> = text.split(' ').collect();
            let kind = words.get(2).unwrap_or(&"m5.large");
            let record =
                format!(r#"{{"templateId": "{}", "maxNumber": {}, "vmType": "{kind}"}}"#, words[0], words[1]);
            records.push(Record::of(words[0].as_bytes(), body.len(), record.as_bytes()));
            body.extend_from_slice(record.as_bytes());
            body.extend_from_slice(b",\n");
        }
        records.sort_unstable();
        let mut writer = PayloadWriter::default();
        let body = writer.section("body", body);
        let records =
            writer.section("records", records.iter().flat_map(|record| record.to_bytes()).collect());
        writer.show("yaml", [body, SectionId::NONE, SectionId::NONE, SectionId::NONE, records]);
        writer.show("json", [body, SectionId::NONE, SectionId::NONE, SectionId::NONE, records]);
        finished(writer)
    }

    fn finished(writer: PayloadWriter) -> AlignedVec<64> {
        let (mut out, mut aligned) = (Vec::new(), AlignedVec::new());
        writer.finish().unwrap().write_to(&mut out, None, Maker { version: "1", fingerprint: 1 }).unwrap();
        aligned.extend_from_slice(&out);
        aligned
    }

    fn check(old: &[&str], new: &[&str], expected: &Changes) {
        let (old, new) = (snapshot(old), snapshot(new));
        let published = |bytes| PublishedTemplates::of(&View::new(bytes).unwrap()).unwrap();
        let (before, after) = (published(&old), published(&new));
        let found = Changes::between(&before, &after);
        assert_eq!(found, *expected);
        assert_eq!(found.is_empty(), *expected == Changes::default());
    }

    #[test]
    fn changes_between_catalogs() {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<String>>();
        let none = Changes::default;
        check(&[], &[], &none());
        check(&["a 1", "b 2"], &["a 1", "b 2"], &none());
        check(&["b 1"], &["b 1", "c 1", "a 1"], &Changes { added: owned(&["a", "c"]), ..none() });
        check(&["c 1", "a 1", "b 1"], &["b 1"], &Changes { removed: owned(&["a", "c"]), ..none() });
        check(&["a 1", "b 1"], &["b 1", "a 1"], &Changes { reordered: true, ..none() });
        // What is new or gone does not count for the order of the others.
        check(
            &["a 1", "x 1", "b 1"],
            &["y 1", "a 1", "b 1"],
            &Changes { added: owned(&["y"]), removed: owned(&["x"]), ..none() },
        );
        check(&["a 1 m5.large"], &["a 1 m5.xlarge"], &Changes { changed: owned(&["a"]), ..none() });
        check(
            &["a 5", "b 5", "c 5", "d -1"],
            &["a 4", "b 6", "c -1", "d 9"],
            &Changes {
                changed: owned(&["a", "b", "c", "d"]),
                lowered: [("a", 5, 4), ("d", -1, 9)]
                    .map(|(id, then, now)| LimitDecrease::between(id, then, now).unwrap())
                    .into(),
                ..none()
            },
        );
    }

    #[test]
    fn ids_and_numbers_in_either_spelling() {
        for (record, id, max_number) in [
            (r#"{"templateId": "a", "maxNumber": 3}"#, "a", 3),
            (r#"{"template_id": "a", "max_instances": -1}"#, "a", -1),
            (r#"{"templateId": 1}"#, "", 0),
            ("{", "", 0),
        ] {
            assert_eq!(PublishedTemplates::parse(record.as_bytes()), (id.to_owned(), max_number));
        }
    }

    #[test]
    fn a_snapshot_without_templates_has_no_records() {
        let mut writer = PayloadWriter::default();
        writer.section("help", b"x".to_vec());
        let empty = finished(writer);
        let empty = View::new(&empty).unwrap();
        assert_eq!(records(&empty, &[JSON]), Ok(None));
        assert!(PublishedTemplates::of(&empty).unwrap().order.is_empty());
        let two = snapshot(&["a 1", "b 2"]);
        let (directory, body) = records(&View::new(&two).unwrap(), &[JSON]).unwrap().unwrap();
        assert_eq!((directory.len(), body.split(|byte| *byte == b'\n').count()), (2 * RECORD_ENTRY, 3));
    }
}
