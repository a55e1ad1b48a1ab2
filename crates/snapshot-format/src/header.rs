//! The fixed header: what kind of file this is, whether this build can read it, where its parts lie.

use xxhash_rust::xxh3::xxh3_64;

use crate::FORMAT_VERSION;
use crate::refusal::Refusal;

/// First bytes of every snapshot. The high bit and the line ends catch text-mode transfers.
pub const MAGIC: [u8; 8] = *b"\x89OHFP\r\n\x1a";
/// Size of the header in bytes.
pub const HEADER_LEN: usize = 256;
/// rkyv 0.8, little-endian, aligned, 32-bit relative pointers: the archives' own format.
pub const RKYV_DESCRIPTOR: u32 = 0x0008_1132;
/// Flag: sealed into an image, so no stamps are checked.
pub const FLAG_SEALED: u32 = 1;
/// Alignment of stamps, index and sections.
pub const ALIGN: u64 = 64;

/// A run of bytes with its checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// From the start of the file.
    pub offset: u64,
    /// In bytes.
    pub len: u64,
    /// XXH3-64 of the bytes.
    pub check: u64,
}

/// The header's fields.
///
/// | offset | size | field |
/// |---:|---:|---|
/// | 0 | 8 | magic |
/// | 8 | 4 | format version |
/// | 12 | 4 | header length |
/// | 16 | 4 | rkyv format descriptor |
/// | 20 | 4 | flags |
/// | 24 | 16 | fingerprint of product and command tree |
/// | 40 | 8 | file length |
/// | 48 | 24 | stamps: offset, length, XXH3-64 |
/// | 72 | 24 | index: offset, length, XXH3-64 |
/// | 96 | 16 | payload digest, XXH3-128 from the index to the end of the file |
/// | 112 | 16 | product version, text, zero-padded |
/// | 128 | 120 | zero |
/// | 248 | 8 | XXH3-64 of bytes 0..248 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// See [`FLAG_SEALED`].
    pub flags: u32,
    /// Fingerprint of product and command tree.
    pub fingerprint: u128,
    /// Length of the whole file.
    pub file_len: u64,
    /// The stamps.
    pub stamps: Extent,
    /// The index.
    pub index: Extent,
    /// Digest of index and sections.
    pub payload_digest: u128,
    /// Product version, zero-padded.
    pub product: [u8; 16],
}

impl Header {
    /// Reads and checks the header of a whole file.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::parse_front(bytes, bytes.len() as u64)
    }

    /// The same with no more than the front of a file of `len` bytes.
    pub(crate) fn parse_front(bytes: &[u8], len: u64) -> Result<Self, Refusal> {
        let Some(head) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(Refusal::Truncated);
        };
        let field = Fields(head);
        if head.first_chunk::<8>() != Some(&MAGIC) {
            return Err(Refusal::NotASnapshot);
        }
        // The version comes before the checksum: a later version may check its header in another way.
        let version = field.u32(8);
        if version != FORMAT_VERSION {
            return Err(Refusal::FormatVersion(version));
        }
        let (body, _) = head.split_at(HEADER_LEN - 8);
        if xxh3_64(body) != field.u64(HEADER_LEN - 8) {
            return Err(Refusal::HeaderChecksum);
        }
        if field.u32(16) != RKYV_DESCRIPTOR || field.u32(12) as usize != HEADER_LEN {
            return Err(Refusal::ArchiveFormat(field.u32(16)));
        }
        let header = Self {
            flags: field.u32(20),
            fingerprint: field.u128(24),
            file_len: field.u64(40),
            stamps: field.extent(48),
            index: field.extent(72),
            payload_digest: field.u128(96),
            product: field.bytes16(112),
        };
        if header.file_len != len {
            return Err(Refusal::Length { said: header.file_len, found: len });
        }
        Ok(header)
    }

    /// The header's bytes.
    #[cfg(feature = "write")]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut out = Vec::with_capacity(HEADER_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&256_u32.to_le_bytes());
        out.extend_from_slice(&RKYV_DESCRIPTOR.to_le_bytes());
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(&self.fingerprint.to_le_bytes());
        out.extend_from_slice(&self.file_len.to_le_bytes());
        for extent in [self.stamps, self.index] {
            out.extend_from_slice(&extent.offset.to_le_bytes());
            out.extend_from_slice(&extent.len.to_le_bytes());
            out.extend_from_slice(&extent.check.to_le_bytes());
        }
        out.extend_from_slice(&self.payload_digest.to_le_bytes());
        out.extend_from_slice(&self.product);
        out.resize(HEADER_LEN - 8, 0);
        let check = xxh3_64(&out);
        out.extend_from_slice(&check.to_le_bytes());
        out.try_into().unwrap_or([0; HEADER_LEN])
    }

    /// Whether the snapshot is sealed into an image.
    pub fn sealed(&self) -> bool {
        self.flags & FLAG_SEALED != 0
    }

    /// The product version as text.
    pub fn product_version(&self) -> &str {
        let text = self.product.split(|&byte| byte == 0).next().unwrap_or_default();
        core::str::from_utf8(text).unwrap_or("?")
    }

    /// Where the sections begin.
    pub fn sections_offset(&self) -> u64 {
        align(self.index.offset.saturating_add(self.index.len))
    }
}

/// The next multiple of [`ALIGN`].
pub fn align(offset: u64) -> u64 {
    offset.saturating_add(ALIGN - 1) & !(ALIGN - 1)
}

/// Fixed-offset reads; an offset outside the header reads as zero and so never passes the checks.
struct Fields<'a>(&'a [u8; HEADER_LEN]);

impl Fields<'_> {
    fn at<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0.get(offset..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
    }

    fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.at(offset))
    }

    fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.at(offset))
    }

    fn u128(&self, offset: usize) -> u128 {
        u128::from_le_bytes(self.at(offset))
    }

    fn bytes16(&self, offset: usize) -> [u8; 16] {
        self.at(offset)
    }

    fn extent(&self, offset: usize) -> Extent {
        Extent { offset: self.u64(offset), len: self.u64(offset + 8), check: self.u64(offset + 16) }
    }
}
