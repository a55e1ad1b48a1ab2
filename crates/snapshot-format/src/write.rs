//! The writer: collects sections and answers, lays them out, streams the file.

use std::collections::BTreeMap;
use std::io::{self, Write};

use rkyv::rancor;
use rkyv::util::AlignedVec;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::header::{Extent, FLAG_COUNTED, FLAG_SEALED, FLAG_TIMED, HEADER_LEN, Header, align};
use crate::index::{AnswerV1, IndexV1, ListV1, NONE, PartsV1, SectionV1, ShowV1, SpanV1};
use crate::open::Snapshot;
use crate::stamps::StampsV1;

/// A section's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionId(u32);

impl SectionId {
    /// No section: nothing is written.
    pub const NONE: Self = Self(NONE);

    /// The number that goes into the index.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// Collects a payload. Sections keep the order in which they were added.
#[derive(Debug, Default)]
pub struct PayloadWriter {
    sections: Vec<SectionV1>,
    names: Vec<u8>,
    bytes: Vec<Vec<u8>>,
    known: BTreeMap<(u64, u64), u32>,
    end: u64,
    answers: BTreeMap<String, (PartsV1, PartsV1)>,
    texts: Vec<u8>,
    lists: Vec<ListV1>,
    shows: Vec<ShowV1>,
    templates: u64,
    flags: u32,
}

impl PayloadWriter {
    /// Adds a section. One with the same bytes as an earlier one shares its place.
    pub fn section(&mut self, name: impl AsRef<str>, bytes: Vec<u8>) -> SectionId {
        let check = xxh3_64(&bytes);
        let len = bytes.len() as u64;
        if let Some(&number) = self.known.get(&(check, len))
            && usize::try_from(number).ok().and_then(|number| self.bytes.get(number)) == Some(&bytes)
        {
            return SectionId(number);
        }
        let number = u32::try_from(self.sections.len()).unwrap_or(NONE);
        self.sections.push(SectionV1 { offset: self.end, len, check });
        self.names.extend_from_slice(name.as_ref().as_bytes());
        self.names.push(b'\n');
        self.known.insert((check, len), number);
        self.end += len;
        self.bytes.push(bytes);
        SectionId(number)
    }

    /// Files an answer; the same bytes for every terminal.
    pub fn answer(&mut self, key: impl Into<String>, body: SectionId) {
        self.styled_answer(key, (SectionId::NONE, body), (SectionId::NONE, body));
    }

    /// Files an answer with (head, body) for plain output and for color terminals.
    pub fn styled_answer(
        &mut self,
        key: impl Into<String>,
        plain: (SectionId, SectionId),
        styled: (SectionId, SectionId),
    ) {
        let parts = |(head, body): (SectionId, SectionId)| PartsV1 { head: head.0, body: body.0 };
        self.answers.insert(key.into(), (parts(plain), parts(styled)));
    }

    /// Adds a list that can be cut into pages: body, head, styled head, tail, order.
    pub fn list(&mut self, key: &str, sections: [SectionId; 5]) {
        let [body, head, head_styled, tail, order] = sections.map(SectionId::number);
        let key = self.text(key);
        self.lists.push(ListV1 { key, body, head, head_styled, tail, order });
    }

    /// Adds a format of `templates show`: body, head, styled head, tail, records.
    pub fn show(&mut self, format: &str, sections: [SectionId; 5]) {
        let [body, head, head_styled, tail, records] = sections.map(SectionId::number);
        let format = self.text(format);
        self.shows.push(ShowV1 { format, body, head, head_styled, tail, records });
    }

    fn text(&mut self, text: &str) -> SpanV1 {
        let span = |start: usize| SpanV1 {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            len: u32::try_from(text.len()).unwrap_or(u32::MAX),
        };
        let start = self.texts.len();
        self.texts.extend_from_slice(text.as_bytes());
        span(start)
    }

    /// Sets the number of templates.
    pub fn templates(&mut self, count: usize) {
        self.templates = count as u64;
    }

    /// Leaves the answers to the full program, see [`FLAG_TIMED`].
    pub fn timed(&mut self, timed: bool) {
        self.set(FLAG_TIMED, timed);
    }

    /// Has the runtime record its answers, see [`FLAG_COUNTED`].
    pub fn counted(&mut self, counted: bool) {
        self.set(FLAG_COUNTED, counted);
    }

    fn set(&mut self, flag: u32, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    /// Bytes in sections so far.
    pub fn len(&self) -> u64 {
        self.end
    }

    /// Whether no section was added yet.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Closes the payload: serializes the index and computes the digest.
    pub fn finish(mut self) -> Result<Payload, rancor::Error> {
        let mut names = std::mem::take(&mut self.names);
        names.extend_from_slice(b"names");
        let names = self.section("", names).number();
        let answers = std::mem::take(&mut self.answers);
        let answers = answers
            .into_iter()
            .map(|(key, (plain, styled))| AnswerV1 { key: self.text(&key), plain, styled })
            .collect();
        let index = IndexV1 {
            sections: self.sections,
            answers,
            lists: self.lists,
            shows: self.shows,
            texts: self.texts,
            names,
            templates: self.templates,
        };
        let archive = rkyv::to_bytes::<rancor::Error>(&index)?;
        let mut digest = Xxh3::new();
        let gap = vec![0; usize::try_from(align(archive.len() as u64)).unwrap_or_default() - archive.len()];
        digest.update(&archive);
        digest.update(&gap);
        for bytes in &self.bytes {
            digest.update(bytes);
        }
        Ok(Payload {
            index,
            archive,
            gap,
            sections: self.bytes,
            len: self.end,
            digest: digest.digest128(),
            flags: self.flags,
        })
    }
}

/// The build that makes a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Maker<'a> {
    /// Version of the product; its first sixteen bytes are stored.
    pub version: &'a str,
    /// Fingerprint of product and command tree.
    pub fingerprint: u128,
}

/// A closed payload, ready to be written with stamps.
#[derive(Debug)]
pub struct Payload {
    /// The index.
    pub index: IndexV1,
    archive: AlignedVec,
    gap: Vec<u8>,
    sections: Vec<Vec<u8>>,
    len: u64,
    digest: u128,
    flags: u32,
}

impl Payload {
    /// XXH3-128 of index and sections: equal for equal inputs on any machine.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// Streams the whole file. `None` for the stamps seals the snapshot.
    pub fn write_to(
        &self,
        out: &mut impl Write,
        stamps: Option<&StampsV1>,
        maker: Maker<'_>,
    ) -> io::Result<u64> {
        let index = self.archive.len() as u64;
        let payload_len = index + self.gap.len() as u64 + self.len;
        let front = (index, xxh3_64(&self.archive));
        let len = write_front(out, self.flags, stamps, maker, front, (payload_len, self.digest))?;
        out.write_all(&self.archive)?;
        out.write_all(&self.gap)?;
        for bytes in &self.sections {
            out.write_all(bytes)?;
        }
        Ok(len)
    }
}

/// Streams a snapshot with the payload of an existing one and other stamps.
pub fn restamp(out: &mut impl Write, snapshot: &Snapshot, stamps: &StampsV1) -> io::Result<u64> {
    let header = &snapshot.header;
    let start = usize::try_from(header.index.offset).map_err(io::Error::other)?;
    let payload = snapshot.bytes().get(start..).unwrap_or_default();
    let maker = Maker { version: header.product_version(), fingerprint: header.fingerprint };
    let index = (header.index.len, header.index.check);
    let told = (payload.len() as u64, header.payload_digest);
    let len = write_front(out, header.flags, Some(stamps), maker, index, told)?;
    out.write_all(payload)?;
    Ok(len)
}

/// Writes header, stamps and the gap after them, and returns the length of the whole file. `index` is length
/// and checksum, `payload` length and digest.
fn write_front(
    out: &mut impl Write,
    flags: u32,
    stamps: Option<&StampsV1>,
    maker: Maker<'_>,
    index: (u64, u64),
    payload: (u64, u128),
) -> io::Result<u64> {
    let archive =
        rkyv::to_bytes::<rancor::Error>(stamps.unwrap_or(&StampsV1::default())).map_err(io::Error::other)?;
    let stamps_at = HEADER_LEN as u64;
    let stamps_len = archive.len() as u64;
    let index_at = align(stamps_at + stamps_len);
    let mut product = [0; 16];
    for (place, byte) in product.iter_mut().zip(maker.version.bytes()) {
        *place = byte;
    }
    let header = Header {
        flags: flags & !FLAG_SEALED | if stamps.is_none() { FLAG_SEALED } else { 0 },
        fingerprint: maker.fingerprint,
        file_len: index_at + payload.0,
        stamps: Extent { offset: stamps_at, len: stamps_len, check: xxh3_64(&archive) },
        index: Extent { offset: index_at, len: index.0, check: index.1 },
        payload_digest: payload.1,
        product,
    };
    out.write_all(&header.to_bytes())?;
    out.write_all(&archive)?;
    let gap = index_at - stamps_at - stamps_len;
    out.write_all(&vec![0; usize::try_from(gap).unwrap_or_default()])?;
    Ok(header.file_len)
}
