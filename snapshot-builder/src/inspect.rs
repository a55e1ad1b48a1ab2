//! Reading snapshots as a tool does: everything verified, sections listed, catalogs compared.

use std::collections::BTreeMap;

use ohfp_broker::json;
use ohfp_snapshot_format::index::{NONE, RECORD_ENTRY, Record};
use ohfp_snapshot_format::{Refusal, Snapshot, View};
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

/// Checks every byte that counts: payload digest, stamps, index, sections, template records.
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

/// A *records* directory and the body its records lie in.
pub type Records<'a> = (&'a [u8], &'a [u8]);

/// Those of `templates show` in JSON, checked; nothing in a snapshot without templates.
pub fn json_records(snapshot: &Snapshot) -> Result<Option<Records<'_>>, Refusal> {
    let contents = snapshot.contents()?;
    let index = contents.index;
    let Some(show) = index.shows.iter().find(|show| index.text(&show.format) == b"json") else {
        return Ok(None);
    };
    Ok(Some((contents.section(show.records.to_native())?, contents.section(show.body.to_native())?)))
}

/// The catalog of a snapshot, as its directory has it: hash of an id to the record.
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
    /// Id, old and new `maxNumber`, where it became less.
    pub lowered: Vec<(String, i64, i64)>,
    /// Whether templates in both stand in another order, which is the order Host Factory prefers them in.
    pub reordered: bool,
}

impl Changes {
    /// Compares. Only records that differ are taken apart.
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

    /// Nothing changed?
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && !self.reordered
    }
}

/// Whether `now` is less than `before`; −1 is unlimited.
pub fn is_lower(before: i64, now: i64) -> bool {
    let amount = |number: i64| if number < 0 { i64::MAX } else { number };
    amount(now) < amount(before)
}
