//! The content of a snapshot's bytes: stamps, index, answers. All of it is checked before it is returned.
//!
//! No code here opens a file, so it can be tested on bytes alone.

use rkyv::rancor::Failure;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::backing::Backing;
use crate::header::{Extent, Header};
use crate::index::{ArchivedIndexV1, ArchivedListV1, ArchivedSectionV1, NONE, ORDER_ENTRY, Record};
use crate::refusal::Refusal;
use crate::stamps::ArchivedStampsV1;

/// Size in bytes above which a section is mapped with one call before it is read.
const POPULATE_ABOVE: usize = 128 * 1024;

/// The bytes of a snapshot with a valid header.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    bytes: &'a [u8],
    /// The header.
    pub header: Header,
    /// The file behind the bytes, if any.
    backing: Option<&'a Backing>,
}

impl<'a> View<'a> {
    /// Creates a view of bytes. They must start at a multiple of [`crate::header::ALIGN`], as those of a file
    /// do; otherwise the archives in them are refused as damaged.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Refusal> {
        Ok(Self { bytes, header: Header::parse(bytes)?, backing: None })
    }

    pub(crate) fn of_file(bytes: &'a [u8], header: Header, backing: &'a Backing) -> Self {
        Self { bytes, header, backing: Some(backing) }
    }

    /// All bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The stamps, validated.
    pub fn stamps(&self) -> Result<&'a ArchivedStampsV1, Refusal> {
        let bytes = self.checked(self.header.stamps, Refusal::Stamps)?;
        rkyv::api::low::access::<ArchivedStampsV1, Failure>(bytes).map_err(|_| Refusal::Stamps)
    }

    /// The validated index, with the sections.
    pub fn contents(&self) -> Result<Contents<'a>, Refusal> {
        let bytes = self.checked(self.header.index, Refusal::Index)?;
        let index = rkyv::api::low::access::<ArchivedIndexV1, Failure>(bytes).map_err(|_| Refusal::Index)?;
        let sections = usize::try_from(self.header.sections_offset()).map_err(|_| Refusal::Index)?;
        Ok(Contents { bytes: self.bytes, backing: self.backing, index, sections })
    }

    fn checked(&self, extent: Extent, refusal: Refusal) -> Result<&'a [u8], Refusal> {
        let bytes = slice(self.bytes, extent.offset, extent.len).ok_or(refusal)?;
        if xxh3_64(bytes) == extent.check { Ok(bytes) } else { Err(refusal) }
    }
}

fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    bytes.get(start..end)
}

/// The parts of an answer, in the order in which they are written.
pub type Segments<'a> = [&'a [u8]; 3];

/// Index and sections of an open snapshot.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    bytes: &'a [u8],
    backing: Option<&'a Backing>,
    /// The validated index.
    pub index: &'a ArchivedIndexV1,
    sections: usize,
}

impl<'a> Contents<'a> {
    /// The answer filed under `key`, with its bytes checked; `None` if there is none. `styled` is called only
    /// if it makes a difference.
    pub fn answer(&self, key: &[u8], styled: impl FnOnce() -> bool) -> Result<Option<Segments<'a>>, Refusal> {
        let Some(answer) = self.index.answer(key) else { return Ok(None) };
        let (plain, color) = (&answer.plain, &answer.styled);
        let differs = plain.head != color.head || plain.body != color.body;
        let parts = if differs && styled() { color } else { plain };
        Ok(Some([self.section(parts.head.to_native())?, self.section(parts.body.to_native())?, &[]]))
    }

    /// `templates show ID` in one format; `None` if this catalog does not contain it. A record that fits into
    /// `buffer` is read into it.
    pub fn show(
        &self,
        id: &[u8],
        format: &[u8],
        styled: impl FnOnce() -> bool,
        buffer: &'a mut [u8],
    ) -> Result<Option<Segments<'a>>, Refusal> {
        let Some(show) = self.index.shows.iter().find(|show| self.index.text(&show.format) == format) else {
            return Ok(None);
        };
        // Neither the directory nor the body is checked as a whole: a record certifies itself.
        let directory = self.unchecked(show.records.to_native())?;
        let hash = xxh3_64(id);
        let Some(record) = Record::find(directory, hash) else { return Ok(None) };
        let body = self.unchecked(show.body.to_native())?;
        let bytes = self.record(record.bytes(body).ok_or(Refusal::Section)?, buffer)?;
        if xxh3_64_with_seed(bytes, hash) != record.check {
            return Err(Refusal::Section);
        }
        let (plain, color) = (show.head.to_native(), show.head_styled.to_native());
        let head = if plain != color && styled() { color } else { plain };
        Ok(Some([self.section(head)?, bytes, self.section(show.tail.to_native())?]))
    }

    /// The bytes of a small record far into a mapped file: reading them costs a twentieth of the page
    /// fault that touching them would, since that maps sixteen pages around.
    fn record(&self, mapped: &'a [u8], buffer: &'a mut [u8]) -> Result<&'a [u8], Refusal> {
        match self.backing.and_then(|backing| backing.copy(mapped, buffer)) {
            Some(copy) => copy,
            None => Ok(mapped),
        }
    }

    /// Templates `offset..offset + limit` of the list filed under `key`; `None` when there is no
    /// such list or the page is empty.
    pub fn page(
        &self,
        key: &[u8],
        offset: u64,
        limit: Option<u64>,
        styled: impl FnOnce() -> bool,
    ) -> Result<Option<Segments<'a>>, Refusal> {
        let Some(list) = self.index.list(key) else { return Ok(None) };
        let templates = self.index.templates.to_native();
        let end = limit.map_or(templates, |limit| offset.saturating_add(limit).min(templates));
        if offset >= end {
            return Ok(None);
        }
        let records = self.page_of(list, offset, end)?;
        let (plain, color) = (list.head.to_native(), list.head_styled.to_native());
        let head = if plain != color && styled() { color } else { plain };
        Ok(Some([self.section(head)?, records, self.section(list.tail.to_native())?]))
    }

    fn page_of(&self, list: &ArchivedListV1, start: u64, end: u64) -> Result<&'a [u8], Refusal> {
        let order = self.section(list.order.to_native())?;
        let entry = |number: u64| -> Option<(u64, u64)> {
            let start = usize::try_from(number).ok()?.checked_mul(ORDER_ENTRY)?;
            let fields = order.get(start..)?.first_chunk::<ORDER_ENTRY>()?.as_chunks::<8>().0;
            let mut fields = fields.iter().map(|bytes| u64::from_le_bytes(*bytes));
            Some((fields.next()?, fields.next()?))
        };
        let (first, _) = entry(start).ok_or(Refusal::Section)?;
        let (final_start, final_len) = entry(end - 1).ok_or(Refusal::Section)?;
        let body = self.section(list.body.to_native())?;
        let len = final_start
            .checked_add(final_len)
            .and_then(|end| end.checked_sub(first))
            .ok_or(Refusal::Section)?;
        slice(body, first, len).ok_or(Refusal::Section)
    }

    /// The checked bytes of a section; empty for [`NONE`].
    pub fn section(&self, number: u32) -> Result<&'a [u8], Refusal> {
        if number == NONE {
            return Ok(&[]);
        }
        let section = self.entry(number)?;
        let bytes = self.bytes_of(section)?;
        if let Some(backing) = self.backing.filter(|_| bytes.len() > POPULATE_ABOVE) {
            backing.populate(bytes);
        }
        if xxh3_64(bytes) == section.check.to_native() { Ok(bytes) } else { Err(Refusal::Section) }
    }

    /// The names of all sections, in order.
    pub fn names(&self) -> Result<impl Iterator<Item = &'a [u8]>, Refusal> {
        Ok(self.section(self.index.names.to_native())?.split(|byte| *byte == b'\n'))
    }

    fn unchecked(&self, number: u32) -> Result<&'a [u8], Refusal> {
        self.bytes_of(self.entry(number)?)
    }

    fn entry(&self, number: u32) -> Result<&'a ArchivedSectionV1, Refusal> {
        usize::try_from(number).ok().and_then(|number| self.index.sections.get(number)).ok_or(Refusal::Index)
    }

    fn bytes_of(&self, section: &ArchivedSectionV1) -> Result<&'a [u8], Refusal> {
        let sections = self.bytes.get(self.sections..).ok_or(Refusal::Index)?;
        slice(sections, section.offset.to_native(), section.len.to_native()).ok_or(Refusal::Section)
    }
}
