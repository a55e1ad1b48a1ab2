//! Inspection of snapshots: verifies all bytes, lists sections, compares catalogs.

use std::collections::BTreeMap;

use ohfp_broker::json;
use ohfp_snapshot_format::index::{NONE, RECORD_ENTRY, Record};
use ohfp_snapshot_format::{Refusal, Snapshot, View};
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

/// Checks every byte: payload digest, stamps, index, sections, template records.
pub fn verify_bytes(snapshot: &View<'_>) -> Result<(), Refusal> {
    let start = usize::try_from(snapshot.header.index.offset).map_err(|_| Refusal::Index)?;
    let payload = snapshot.bytes().get(start..).ok_or(Refusal::Index)?;
    if xxh3_128(payload) != snapshot.header.payload_digest {
        return Err(Refusal::Section);
    }
    snapshot.stamps()?;
    let contents = snapshot.contents()?;
    let index = contents.index;
    for number in 0..u32::try_from(index.sections.len()).unwrap_or(NONE) {
        contents.section(number)?;
    }
    for show in index.shows.iter() {
        let directory = contents.section(show.records.to_native())?;
        let body = contents.section(show.body.to_native())?;
        for number in 0..directory.len() / RECORD_ENTRY {
            let record = Record::read(directory, number).ok_or(Refusal::Section)?;
            let bytes = record.bytes(body).ok_or(Refusal::Section)?;
            if xxh3_64_with_seed(bytes, record.hash) != record.check {
                return Err(Refusal::Section);
            }
        }
    }
    Ok(())
}

/// A *records* directory and the section that contains its records.
pub type Records<'a> = (&'a [u8], &'a [u8]);

/// The checked records of `templates show` in JSON; `None` in a snapshot without templates.
pub fn json_records(snapshot: &Snapshot) -> Result<Option<Records<'_>>, Refusal> {
    let contents = snapshot.contents()?;
    let index = contents.index;
    let Some(show) = index.shows.iter().find(|show| index.text(&show.format) == b"json") else {
        return Ok(None);
    };
    Ok(Some((contents.section(show.records.to_native())?, contents.section(show.body.to_native())?)))
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
    pub fn of(snapshot: &'a Snapshot) -> Result<Self, Refusal> {
        let Some((directory, body)) = json_records(snapshot)? else { return Ok(Self::default()) };
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
    /// Id, old and new `maxNumber`, if it was lowered.
    pub lowered: Vec<(String, i64, i64)>,
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
                    if is_lower(before, now) {
                        changes.lowered.push((id.clone(), before, now));
                    }
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

/// Whether `now` is less than `before`; −1 is unlimited.
pub fn is_lower(before: i64, now: i64) -> bool {
    let amount = |number: i64| if number < 0 { i64::MAX } else { number };
    amount(now) < amount(before)
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use ohfp_snapshot_format::open::IoPolicy;
    use ohfp_snapshot_format::write::{Maker, PayloadWriter, SectionId};
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    /// A snapshot of templates `ID MAXNUMBER [TYPE]`, in this order.
    fn snapshot(templates: &[&str]) -> Snapshot {
        let (mut body, mut records) = (Vec::new(), Vec::new());
        for text in templates {
            let words: Vec<&str> = text.split(' ').collect();
            let kind = words.get(2).unwrap_or(&"m5.large");
            let record =
                format!(r#"{{"templateId": "{}", "maxNumber": {}, "vmType": "{kind}"}}"#, words[0], words[1]);
            let hash = xxh3_64(words[0].as_bytes());
            let check = xxh3_64_with_seed(record.as_bytes(), hash);
            records.push(Record { hash, offset: body.len() as u64, len: record.len() as u64, check });
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
        let mut out = Vec::new();
        writer.finish().unwrap().write_to(&mut out, None, Maker { version: "1", fingerprint: 1 }).unwrap();
        open(&out).unwrap()
    }

    /// Bytes as a file; the mapping outlives its name.
    fn open(bytes: &[u8]) -> Result<Snapshot, Refusal> {
        let name = format!("ohfp-inspect-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name.replace(['(', ')'], ""));
        std::fs::write(&path, bytes).unwrap();
        let opened = Snapshot::open(&CString::new(path.to_str().unwrap()).unwrap(), IoPolicy::Read);
        std::fs::remove_file(&path).unwrap();
        opened
    }

    fn check(old: &[&str], new: &[&str], expected: &Changes) {
        let (old, new) = (snapshot(old), snapshot(new));
        let (before, after) = (PublishedTemplates::of(&old).unwrap(), PublishedTemplates::of(&new).unwrap());
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
                lowered: vec![("a".to_owned(), 5, 4), ("d".to_owned(), -1, 9)],
                ..none()
            },
        );
    }

    #[test]
    fn less_than_before() {
        for (before, now, lower) in [
            (5, 4, true),
            (5, 5, false),
            (5, 6, false),
            (1, 0, true),
            (5, -1, false),
            (-1, 5, true),
            (-1, -1, false),
            (0, 0, false),
        ] {
            assert_eq!(is_lower(before, now), lower, "{before} {now}");
        }
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

    /// A change of any byte behind the header is found; of gaps and of what no answer needs as well.
    #[test]
    fn every_byte_that_counts_is_checked() {
        let whole = snapshot(&["a 1", "b 2"]);
        assert_eq!(verify_bytes(&whole.view()), Ok(()));
        let bytes = whole.bytes().to_vec();
        let payload = usize::try_from(whole.header.index.offset).unwrap();
        for at in (payload..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let damaged = open(&damaged).unwrap();
            assert_eq!(verify_bytes(&damaged.view()), Err(Refusal::Section), "byte {at}");
        }
    }

    /// Checksums that were made to fit: the record says something else than its directory.
    #[test]
    fn a_record_that_is_not_what_its_directory_says_is_found() {
        for (check, offset, len) in
            [(0, 0, 2), (xxh3_64_with_seed(b"{}", 7), 1, 2), (xxh3_64_with_seed(b"{}", 8), 0, 2)]
        {
            let mut writer = PayloadWriter::default();
            let body = writer.section("body", b"{}".to_vec());
            let record = Record { hash: 7, offset, len, check };
            let records = writer.section("records", record.to_bytes().to_vec());
            writer.show("json", [body, SectionId::NONE, SectionId::NONE, SectionId::NONE, records]);
            let mut out = Vec::new();
            writer
                .finish()
                .unwrap()
                .write_to(&mut out, None, Maker { version: "1", fingerprint: 1 })
                .unwrap();
            assert_eq!(verify_bytes(&open(&out).unwrap().view()), Err(Refusal::Section), "{record:?}");
        }
    }

    #[test]
    fn a_snapshot_without_templates_has_no_records() {
        let mut writer = PayloadWriter::default();
        writer.section("help", b"x".to_vec());
        let mut out = Vec::new();
        writer.finish().unwrap().write_to(&mut out, None, Maker { version: "1", fingerprint: 1 }).unwrap();
        let empty = open(&out).unwrap();
        assert_eq!(json_records(&empty), Ok(None));
        assert!(PublishedTemplates::of(&empty).unwrap().order.is_empty());
        let two = snapshot(&["a 1", "b 2"]);
        let (directory, body) = json_records(&two).unwrap().unwrap();
        assert_eq!((directory.len(), body.split(|byte| *byte == b'\n').count()), (2 * RECORD_ENTRY, 3));
    }
}
