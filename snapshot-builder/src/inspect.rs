//! Reading snapshots as a tool does: everything verified, sections listed, catalogues compared.

use std::collections::BTreeMap;

use ohfp_snapshot_format::index::{NONE, ORDER_ENTRY, RECORD_ENTRY, Record};
use ohfp_snapshot_format::{Refusal, Snapshot};
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

/// Checks every byte that counts: payload digest, stamps, index, sections, template records.
pub fn verify_bytes(snapshot: &Snapshot) -> Result<(), Refusal> {
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
            let place = |value: u64| usize::try_from(value).map_err(|_| Refusal::Section);
            let (offset, len) = (place(record.offset)?, place(record.len)?);
            let bytes = body.get(offset..).and_then(|rest| rest.get(..len)).ok_or(Refusal::Section)?;
            if xxh3_64_with_seed(bytes, record.hash) != record.check {
                return Err(Refusal::Section);
            }
        }
    }
    Ok(())
}

/// What a comparison needs of one template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// XXH3-64 of its record.
    pub check: u64,
    /// Its `maxNumber`.
    pub max_number: i64,
}

/// The catalogue of a snapshot: id to entry.
pub fn catalogue(snapshot: &Snapshot) -> Result<BTreeMap<String, Entry>, Refusal> {
    let contents = snapshot.contents()?;
    let Some(list) = contents.index.list(b"templates list\tjson") else {
        return Ok(BTreeMap::new());
    };
    let order = contents.section(list.order.to_native())?;
    let body = contents.section(list.body.to_native())?;
    let mut entries = BTreeMap::new();
    for entry in order.chunks_exact(ORDER_ENTRY) {
        let mut fields = entry.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || fields.next().and_then(|value| usize::try_from(value).ok()).ok_or(Refusal::Section);
        let (offset, len) = (next()?, next()?);
        let bytes = body.get(offset..).and_then(|rest| rest.get(..len)).ok_or(Refusal::Section)?;
        let record: Value = serde_json::from_slice(bytes).map_err(|_| Refusal::Section)?;
        let field = |names: [&str; 2]| names.into_iter().find_map(|name| record.get(name));
        let id = field(["templateId", "template_id"]).and_then(Value::as_str).ok_or(Refusal::Section)?;
        let max_number = field(["maxNumber", "max_instances"]).and_then(Value::as_i64).unwrap_or_default();
        entries.insert(id.to_owned(), Entry { check: xxh3_64_with_seed(bytes, 0), max_number });
    }
    Ok(entries)
}

/// What changed between two catalogues.
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
}

impl Changes {
    /// Compares.
    pub fn between(old: &BTreeMap<String, Entry>, new: &BTreeMap<String, Entry>) -> Self {
        let mut changes = Self::default();
        for (id, before) in old {
            match new.get(id) {
                None => changes.removed.push(id.clone()),
                Some(now) if now.check != before.check => {
                    changes.changed.push(id.clone());
                    if is_lower(before.max_number, now.max_number) {
                        changes.lowered.push((id.clone(), before.max_number, now.max_number));
                    }
                }
                Some(_) => {}
            }
        }
        changes.added = new.keys().filter(|id| !old.contains_key(*id)).cloned().collect();
        changes
    }

    /// Nothing changed?
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Whether `now` is less than `before`; −1 is unlimited.
pub fn is_lower(before: i64, now: i64) -> bool {
    let amount = |number: i64| if number < 0 { i64::MAX } else { number };
    amount(now) < amount(before)
}
