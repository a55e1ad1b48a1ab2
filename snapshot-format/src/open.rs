//! Opening a snapshot and taking answers out of it. Nothing is handed out unchecked.

use core::fmt;
use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt;

use rkyv::rancor::Failure;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::header::{Extent, Header};
use crate::index::{ArchivedIndexV1, ArchivedListV1, ArchivedSectionV1, NONE, ORDER_ENTRY, Record};
use crate::stamps::ArchivedStampsV1;
use crate::sys::{self, Bytes};

/// Sections above this size are mapped with one call before they are read.
const POPULATE_ABOVE: usize = 128 * 1024;

/// How the file's bytes are brought in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Mapped on file systems known to be local, read elsewhere.
    #[default]
    Auto,
    /// Always mapped.
    Map,
    /// Always read.
    Read,
}

impl Access {
    /// The policy that `OHFP_SNAPSHOT_IO` names.
    pub fn from_variable(value: Option<&[u8]>) -> Self {
        match value {
            Some(b"mmap") => Self::Map,
            Some(b"read") => Self::Read,
            _ => Self::Auto,
        }
    }
}

/// Why a snapshot is not used. Never an outage: the live program answers instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// No file.
    Missing,
    /// The operating system's error number.
    Unreadable(i32),
    /// A directory, device or pipe.
    NotAFile,
    /// Owned by neither this user nor root.
    Owner(u32),
    /// Others may write to it.
    WritableByOthers,
    /// Does not start with the magic.
    NotASnapshot,
    /// Shorter than its header.
    Truncated,
    /// Another version of the format.
    FormatVersion(u32),
    /// The header is damaged.
    HeaderChecksum,
    /// Archives written with other rkyv settings.
    ArchiveFormat(u32),
    /// Not as long as it says.
    Length {
        /// By the header.
        said: u64,
        /// By the file system.
        found: u64,
    },
    /// Made for another version or command tree.
    Fingerprint,
    /// The index is damaged.
    Index,
    /// The stamps are damaged.
    Stamps,
    /// A section is damaged.
    Section,
    /// Made from another configuration root.
    Root,
    /// This input differs from its stamp.
    StaleFile(usize),
    /// This variable differs from its stamp.
    StaleVariable(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no snapshot"),
            Self::Unreadable(code) => write!(f, "cannot be read (os error {code})"),
            Self::NotAFile => f.write_str("is not a regular file"),
            Self::Owner(user) => write!(f, "belongs to user {user}, who is neither you nor root"),
            Self::WritableByOthers => f.write_str("is writable by others"),
            Self::NotASnapshot => f.write_str("is not an ohfp snapshot"),
            Self::Truncated => f.write_str("is shorter than a header"),
            Self::FormatVersion(version) => write!(
                f,
                "has format version {version}; this build reads version {}",
                crate::header::FORMAT_VERSION
            ),
            Self::HeaderChecksum => f.write_str("has a damaged header"),
            Self::ArchiveFormat(found) => {
                write!(f, "has archive format {found:#010x}, which this build does not read")
            }
            Self::Length { said, found } => write!(f, "should have {said} bytes and has {found}"),
            Self::Fingerprint => f.write_str("was made by another version of ohfp"),
            Self::Index => f.write_str("has a damaged index"),
            Self::Stamps => f.write_str("has damaged stamps"),
            Self::Section => f.write_str("has a damaged section"),
            Self::Root => f.write_str("was made from another configuration root"),
            Self::StaleFile(_) => f.write_str("is older than one of its input files"),
            Self::StaleVariable(_) => f.write_str("was made with another environment"),
        }
    }
}

/// An open snapshot whose header is sound.
#[derive(Debug)]
pub struct Snapshot {
    bytes: Bytes,
    file: File,
    /// The header.
    pub header: Header,
}

impl Snapshot {
    /// Opens a file and checks owner, mode, header and lengths.
    pub fn open(path: &CStr, access: Access) -> Result<Self, Refusal> {
        let unreadable = |error: std::io::Error| match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => Refusal::Missing,
            code => Refusal::Unreadable(code.unwrap_or_default()),
        };
        let file = sys::open(path).map_err(unreadable)?;
        let status = sys::fstat(&file).map_err(unreadable)?;
        if !status.is_file() {
            return Err(Refusal::NotAFile);
        }
        if status.owner != 0 && status.owner != sys::effective_user() {
            return Err(Refusal::Owner(status.owner));
        }
        if status.mode & 0o002 != 0 {
            return Err(Refusal::WritableByOthers);
        }
        let len = usize::try_from(status.size).map_err(|_| Refusal::Truncated)?;
        if len < crate::header::HEADER_LEN {
            return Err(Refusal::Truncated);
        }
        let mapped = match access {
            Access::Auto => sys::is_local(&file),
            Access::Map => true,
            Access::Read => false,
        };
        let bytes = if mapped { sys::map(&file, len) } else { sys::read(&file, len) }.map_err(unreadable)?;
        let header = Header::parse(bytes.as_slice())?;
        Ok(Self { bytes, file, header })
    }

    /// Whether the bytes are mapped from the file, and so may become unreadable.
    pub fn is_mapped(&self) -> bool {
        matches!(self.bytes, Bytes::Mapped(_))
    }

    /// Refuses a snapshot made for another command tree.
    pub fn expect_fingerprint(&self, fingerprint: u128) -> Result<(), Refusal> {
        if self.header.fingerprint == fingerprint { Ok(()) } else { Err(Refusal::Fingerprint) }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The stamps, validated.
    pub fn stamps(&self) -> Result<&ArchivedStampsV1, Refusal> {
        let bytes = self.checked(self.header.stamps, Refusal::Stamps)?;
        rkyv::api::low::access::<ArchivedStampsV1, Failure>(bytes).map_err(|_| Refusal::Stamps)
    }

    /// The index, validated, with the sections behind it.
    pub fn contents(&self) -> Result<Contents<'_>, Refusal> {
        let bytes = self.checked(self.header.index, Refusal::Index)?;
        let index = rkyv::api::low::access::<ArchivedIndexV1, Failure>(bytes).map_err(|_| Refusal::Index)?;
        let sections = usize::try_from(self.header.sections_offset()).map_err(|_| Refusal::Index)?;
        Ok(Contents { snapshot: self, bytes: &self.bytes, index, sections })
    }

    fn checked(&self, extent: Extent, refusal: Refusal) -> Result<&[u8], Refusal> {
        let bytes = slice(self.bytes.as_slice(), extent.offset, extent.len).ok_or(refusal)?;
        if xxh3_64(bytes) == extent.check { Ok(bytes) } else { Err(refusal) }
    }
}

fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    bytes.get(start..end)
}

/// The parts of an answer, in the order in which they are written.
pub type Parts<'a> = [&'a [u8]; 3];

/// Index and sections of an open snapshot.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "archived types print nothing useful")]
pub struct Contents<'a> {
    snapshot: &'a Snapshot,
    bytes: &'a Bytes,
    /// The validated index.
    pub index: &'a ArchivedIndexV1,
    sections: usize,
}

impl<'a> Contents<'a> {
    /// The answer filed under `key`, its bytes checked; `None` when there is none. `styled` is asked
    /// only if it makes a difference.
    pub fn answer(&self, key: &[u8], styled: impl FnOnce() -> bool) -> Result<Option<Parts<'a>>, Refusal> {
        let Some(answer) = self.index.answer(key) else { return Ok(None) };
        let (plain, colour) = (&answer.plain, &answer.styled);
        let differs = plain.head != colour.head || plain.body != colour.body;
        let parts = if differs && styled() { colour } else { plain };
        Ok(Some([self.section(parts.head.to_native())?, self.section(parts.body.to_native())?, &[]]))
    }

    /// `templates show ID` in one format; `None` when the catalogue here does not have it. A record
    /// that fits into `buffer` is read into it.
    pub fn show(
        &self,
        id: &[u8],
        format: &[u8],
        styled: impl FnOnce() -> bool,
        buffer: &'a mut [u8],
    ) -> Result<Option<Parts<'a>>, Refusal> {
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
        let (plain, colour) = (show.head.to_native(), show.head_styled.to_native());
        let head = if plain != colour && styled() { colour } else { plain };
        Ok(Some([self.section(head)?, bytes, self.section(show.tail.to_native())?]))
    }

    /// The bytes of a small record far into a mapped file: reading them costs a twentieth of the page
    /// fault that touching them would, since that maps sixteen pages around.
    fn record(&self, mapped: &'a [u8], buffer: &'a mut [u8]) -> Result<&'a [u8], Refusal> {
        match buffer.get_mut(..mapped.len()) {
            Some(place) if self.snapshot.is_mapped() => {
                let offset = mapped.as_ptr().addr() - self.bytes.as_slice().as_ptr().addr();
                self.snapshot.file.read_exact_at(place, offset as u64).map_err(|_| Refusal::Section)?;
                Ok(place)
            }
            _ => Ok(mapped),
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
    ) -> Result<Option<Parts<'a>>, Refusal> {
        let Some(list) = self.index.list(key) else { return Ok(None) };
        let templates = self.index.templates.to_native();
        let end = limit.map_or(templates, |limit| offset.saturating_add(limit).min(templates));
        if offset >= end {
            return Ok(None);
        }
        let records = self.page_of(list, offset, end)?;
        let (plain, colour) = (list.head.to_native(), list.head_styled.to_native());
        let head = if plain != colour && styled() { colour } else { plain };
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

    /// A section's bytes, checked. [`NONE`] is empty.
    pub fn section(&self, number: u32) -> Result<&'a [u8], Refusal> {
        if number == NONE {
            return Ok(&[]);
        }
        let section = self.entry(number)?;
        let bytes = self.bytes_of(section)?;
        if bytes.len() > POPULATE_ABOVE {
            let start = bytes.as_ptr().addr() - self.bytes.as_slice().as_ptr().addr();
            self.bytes.populate(start, bytes.len());
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
        let sections = self.bytes.as_slice().get(self.sections..).ok_or(Refusal::Index)?;
        slice(sections, section.offset.to_native(), section.len.to_native()).ok_or(Refusal::Section)
    }
}
