//! The index: which key is answered by which bytes. Sorted vectors and binary search only.

use rkyv::Archive;
#[cfg(feature = "write")]
use rkyv::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Stands for "no section".
pub const NONE: u32 = u32::MAX;

/// A run of finished bytes.
#[derive(Archive, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct SectionV1 {
    /// From the first section.
    pub offset: u64,
    /// In bytes.
    pub len: u64,
    /// XXH3-64 of the bytes.
    pub check: u64,
}

/// A text inside [`IndexV1::texts`].
#[derive(Archive, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct SpanV1 {
    /// First byte.
    pub start: u32,
    /// In bytes.
    pub len: u32,
}

/// The bytes of one answer: a head (may be [`NONE`]) and a body, written in one call.
#[derive(Archive, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct PartsV1 {
    /// Section of the head.
    pub head: u32,
    /// Section of the body.
    pub body: u32,
}

/// A query and its answer.
#[derive(Archive, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct AnswerV1 {
    /// The key of the query, see [`crate::key`].
    pub key: SpanV1,
    /// The answer for files, pipes and plain terminals.
    pub plain: PartsV1,
    /// The answer for color terminals; equal to `plain` if it has no style.
    pub styled: PartsV1,
}

/// A list of all templates that can be cut into pages.
#[derive(Archive, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct ListV1 {
    /// Key of the whole list.
    pub key: SpanV1,
    /// Section that holds the records.
    pub body: u32,
    /// Section before a page; plain.
    pub head: u32,
    /// Section before a page; styled.
    pub head_styled: u32,
    /// Section after a page.
    pub tail: u32,
    /// The *order* directory.
    pub order: u32,
}

/// `templates show` in one format.
#[derive(Archive, Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct ShowV1 {
    /// Name of the format.
    pub format: SpanV1,
    /// Section that holds the records.
    pub body: u32,
    /// Section before a record; plain.
    pub head: u32,
    /// Section before a record; styled.
    pub head_styled: u32,
    /// Section after a record.
    pub tail: u32,
    /// The *records* directory.
    pub records: u32,
}

/// The whole index: vectors of plain integers, so that validating them costs next to nothing.
#[derive(Archive, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct IndexV1 {
    /// All sections in file order.
    pub sections: Vec<SectionV1>,
    /// Sorted by key.
    pub answers: Vec<AnswerV1>,
    /// Lists that can be cut into pages.
    pub lists: Vec<ListV1>,
    /// `templates show`, an entry per format.
    pub shows: Vec<ShowV1>,
    /// Keys and names of formats, concatenated.
    pub texts: Vec<u8>,
    /// Section with the names of all sections, a line each: for tools, so it is not read on the way
    /// to an answer.
    pub names: u32,
    /// Number of templates in the catalog.
    pub templates: u64,
}

impl ArchivedIndexV1 {
    /// The text of a span; empty if the span lies outside.
    pub fn text(&self, span: &ArchivedSpanV1) -> &[u8] {
        let start = span.start.to_native() as usize;
        let end = start.saturating_add(span.len.to_native() as usize);
        self.texts.as_slice().get(start..end).unwrap_or_default()
    }

    /// The answer filed under `key`.
    pub fn answer(&self, key: &[u8]) -> Option<&ArchivedAnswerV1> {
        let position = self.answers.binary_search_by(|answer| self.text(&answer.key).cmp(key)).ok()?;
        self.answers.get(position)
    }

    /// The pageable list filed under `key`.
    pub fn list(&self, key: &[u8]) -> Option<&ArchivedListV1> {
        self.lists.iter().find(|list| self.text(&list.key) == key)
    }
}

/// Size of an entry of an *order* directory.
pub const ORDER_ENTRY: usize = 16;
/// Size of an entry of a *records* directory.
pub const RECORD_ENTRY: usize = 32;

/// One entry of a *records* directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// XXH3-64 of the template id.
    pub hash: u64,
    /// Offset in the body section, in bytes.
    pub offset: u64,
    /// In bytes.
    pub len: u64,
    /// XXH3-64 of the record, seeded with `hash`.
    pub check: u64,
}

impl Record {
    /// The entry of a record that stands at `offset` of its body.
    pub fn of(id: &[u8], offset: usize, record: &[u8]) -> Self {
        let hash = xxh3_64(id);
        let check = xxh3_64_with_seed(record, hash);
        Self { hash, offset: offset as u64, len: record.len() as u64, check }
    }

    /// Reads entry `number` of a directory.
    pub fn read(directory: &[u8], number: usize) -> Option<Self> {
        let start = number.checked_mul(RECORD_ENTRY)?;
        let mut fields = directory.get(start..)?.first_chunk::<RECORD_ENTRY>()?.as_chunks::<8>().0.iter();
        let mut next = || fields.next().map(|bytes| u64::from_le_bytes(*bytes));
        Some(Self { hash: next()?, offset: next()?, len: next()?, check: next()? })
    }

    /// Finds the entry of `hash`: first near its expected position, since hashes are evenly distributed, then
    /// by binary search. A directory of a million then costs as many page faults as one of a thousand: one.
    pub fn find(directory: &[u8], hash: u64) -> Option<Self> {
        const REACH: u64 = 256;
        let count = (directory.len() / RECORD_ENTRY) as u64;
        let guess = u64::try_from((u128::from(hash) * u128::from(count)) >> 64).ok()?;
        let (low, high) = (guess.saturating_sub(REACH), guess.saturating_add(REACH).min(count));
        Self::search(directory, hash, low, high).or_else(|| Self::search(directory, hash, 0, count))
    }

    fn search(directory: &[u8], hash: u64, mut low: u64, mut high: u64) -> Option<Self> {
        while low < high {
            let middle = low.midpoint(high);
            let record = Self::read(directory, usize::try_from(middle).ok()?)?;
            match record.hash.cmp(&hash) {
                core::cmp::Ordering::Equal => return Some(record),
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The record inside its body section.
    pub fn bytes<'a>(&self, body: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.offset).ok()?;
        let end = start.checked_add(usize::try_from(self.len).ok()?)?;
        body.get(start..end)
    }

    /// The entry's bytes.
    #[cfg(feature = "write")]
    pub fn to_bytes(self) -> [u8; RECORD_ENTRY] {
        let mut out = [0; RECORD_ENTRY];
        for (chunk, value) in out.chunks_exact_mut(8).zip([self.hash, self.offset, self.len, self.check]) {
            chunk.copy_from_slice(&value.to_le_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{RECORD_ENTRY, Record};

    /// A directory of records with these hashes, each one's place told by its number.
    fn directory(hashes: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let entry = |(number, hash): (u64, u64)| [hash, number, 1, 2].map(u64::to_le_bytes).concat();
        (0..).zip(hashes).flat_map(entry).collect()
    }

    fn place(directory: &[u8], hash: u64) -> Option<u64> {
        Record::find(directory, hash).map(|record| record.offset)
    }

    #[test]
    fn an_entry_is_four_numbers() {
        let bytes: Vec<u8> = (0..64).collect();
        let second = Record {
            hash: 0x2726_2524_2322_2120,
            offset: 0x2f2e_2d2c_2b2a_2928,
            len: 0x3736_3534_3332_3130,
            check: 0x3f3e_3d3c_3b3a_3938,
        };
        assert_eq!(Record::read(&bytes, 1), Some(second));
        assert_eq!(Record::read(&bytes, 2), None);
        assert_eq!(Record::read(bytes.split_at(63).0, 1), None);
        assert_eq!(Record::read(&bytes, usize::MAX), None);
        #[cfg(feature = "write")]
        assert_eq!(second.to_bytes(), bytes.split_at(RECORD_ENTRY).1);
    }

    #[test]
    fn every_hash_is_found_where_it_stands() {
        let even = |number: u64| number * (u64::MAX / 1_000);
        // As hashes of ids spread, then as no hash function spreads them.
        for hashes in
            [(0..1_000).map(even).collect::<Vec<_>>(), (1..=1_000).collect(), vec![7], vec![0, u64::MAX]]
        {
            let directory = directory(hashes.iter().copied());
            for (number, hash) in (0..).zip(&hashes) {
                assert_eq!(place(&directory, *hash), Some(number), "{hash} of {}", hashes.len());
            }
            for missing in [u64::MAX - 1, even(3) + 1, 1_001] {
                assert_eq!(place(&directory, missing), None, "{missing} of {}", hashes.len());
            }
        }
        assert_eq!(place(&[], 0), None);
        // What is left of an entry that was cut off is none.
        assert_eq!(place(directory([1, 2]).split_at(RECORD_ENTRY + 31).0, 2), None);
    }

    #[test]
    fn a_record_lies_inside_its_body() {
        for (offset, len, expected) in [
            (0, 3, Some(&b"abc"[..])),
            (1, 2, Some(b"bc")),
            (3, 0, Some(b"")),
            (1, 3, None),
            (4, 0, None),
            (u64::MAX, 1, None),
            (1, u64::MAX, None),
        ] {
            let record = Record { hash: 0, offset, len, check: 0 };
            assert_eq!(record.bytes(b"abc"), expected, "{len} bytes from {offset} on");
        }
    }
}
