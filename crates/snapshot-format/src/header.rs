//! The fixed header: kind and version of the file, and the positions of its parts.

use xxhash_rust::xxh3::xxh3_64;

use crate::FORMAT_VERSION;
use crate::refusal::Refusal;

/// First bytes of every snapshot. The high bit and the line ends catch text-mode transfers.
pub const MAGIC: [u8; 8] = *b"\x89OHFP\r\n\x1a";
/// Size of the header in bytes.
pub const HEADER_LEN: usize = 256;
/// rkyv 0.8, little-endian, aligned, 32-bit relative pointers: the archives' own format.
pub const RKYV_DESCRIPTOR: u32 = 0x0008_1132;
/// Flag: sealed, so there are no stamps and no freshness checks.
pub const FLAG_SEALED: u32 = 1;
/// Flag: the configuration asks where the time goes, which only the full program can tell. So it answers.
pub const FLAG_TIMED: u32 = 2;
/// Flag: the runtime adds a record of each answer to the metrics of its host.
pub const FLAG_COUNTED: u32 = 4;
/// Alignment of stamps, index and sections.
pub const ALIGN: u64 = 64;

/// A run of bytes with its checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Offset from the start of the file, in bytes.
    pub offset: u64,
    /// Length in bytes.
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
    /// [`FLAG_SEALED`], [`FLAG_TIMED`] and [`FLAG_COUNTED`].
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

    /// Reads and checks the header from the front of a file of `len` bytes.
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

    /// Whether the full program answers what follows from the configuration.
    pub fn timed(&self) -> bool {
        self.flags & FLAG_TIMED != 0
    }

    /// Whether the runtime adds a record of each answer to the metrics.
    pub fn counted(&self) -> bool {
        self.flags & FLAG_COUNTED != 0
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

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::{Extent, HEADER_LEN, Header, align};
    use crate::refusal::Refusal;

    /// A header byte by byte, after the table of [`Header`]; each field of eight bytes says its own offset.
    fn bytes(change: impl FnOnce(&mut [u8; HEADER_LEN])) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        put(&mut bytes, 0, b"\x89OHFP\r\n\x1a\x01\0\0\0\0\x01\0\0\x32\x11\x08\0\x01\0\0\0");
        for at in [24, 32, 48, 56, 64, 72, 80, 88, 96, 104] {
            put(&mut bytes, usize::from(at), &[at, 0, 0, 0, 0, 0, 0, 0]);
        }
        put(&mut bytes, 40, &[0, 2]);
        put(&mut bytes, 112, b"12.34.56");
        change(&mut bytes);
        bytes
    }

    fn put(bytes: &mut [u8; HEADER_LEN], at: usize, value: &[u8]) {
        bytes.iter_mut().skip(at).zip(value).for_each(|(place, byte)| *place = *byte);
    }

    fn sealed_by_checksum(mut bytes: [u8; HEADER_LEN]) -> [u8; HEADER_LEN] {
        let check = xxh3_64(bytes.first_chunk::<248>().unwrap_or(&[0; 248]));
        put(&mut bytes, 248, &check.to_le_bytes());
        bytes
    }

    const HEADER: Header = Header {
        flags: 1,
        fingerprint: 0x18 | 0x20 << 64,
        file_len: 512,
        stamps: Extent { offset: 48, len: 56, check: 64 },
        index: Extent { offset: 72, len: 80, check: 88 },
        payload_digest: 0x60 | 0x68 << 64,
        product: *b"12.34.56\0\0\0\0\0\0\0\0",
    };

    #[test]
    fn each_field_stands_where_the_table_says() {
        let bytes = sealed_by_checksum(bytes(|_| ()));
        assert_eq!(Header::parse_front(&bytes, 512), Ok(HEADER));
        #[cfg(feature = "write")]
        assert_eq!(HEADER.to_bytes(), bytes);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let check = |change: fn(&mut [u8; HEADER_LEN]), expected| {
            assert_eq!(Header::parse_front(&sealed_by_checksum(bytes(change)), 512), Err(expected));
        };
        check(|bytes| put(bytes, 0, b"O"), Refusal::NotASnapshot);
        check(|bytes| put(bytes, 7, b"\n"), Refusal::NotASnapshot);
        check(|bytes| put(bytes, 8, &[2]), Refusal::FormatVersion(2));
        check(|bytes| put(bytes, 12, &[1]), Refusal::ArchiveFormat(0x0008_1132));
        check(|bytes| put(bytes, 16, &[0x31]), Refusal::ArchiveFormat(0x0008_1131));
        check(|bytes| put(bytes, 40, &[1]), Refusal::Length { said: 513, found: 512 });

        let front = |bytes: &[u8]| Header::parse_front(bytes, 512);
        assert_eq!(front(&bytes(|_| ())), Err(Refusal::HeaderChecksum));
        // A later version may check its header in another way, so its number is told first.
        assert_eq!(front(&bytes(|bytes| put(bytes, 8, &[3]))), Err(Refusal::FormatVersion(3)));
        assert_eq!(front(&[0x89; HEADER_LEN - 1]), Err(Refusal::Truncated));
        assert_eq!(
            Header::parse(&sealed_by_checksum(bytes(|_| ()))),
            Err(Refusal::Length { said: 512, found: 256 })
        );
    }

    #[test]
    fn the_lowest_flag_seals() {
        for (flags, sealed) in [(0, false), (1, true), (2, false), (3, true)] {
            assert_eq!(Header { flags, ..HEADER }.sealed(), sealed, "{flags}");
        }
    }

    #[test]
    fn the_version_ends_at_its_first_zero() {
        for (product, version) in [
            (*b"0.1.0\0\0\0\0\0\0\0\0\0\0x", "0.1.0"),
            (*b"1234567890123456", "1234567890123456"),
            ([0; 16], ""),
            ([0xff; 16], "?"),
        ] {
            assert_eq!(Header { product, ..HEADER }.product_version(), version);
        }
    }

    #[test]
    fn parts_begin_at_multiples_of_64() {
        for (offset, aligned) in [(0, 0), (1, 64), (63, 64), (64, 64), (65, 128), (u64::MAX, u64::MAX - 63)] {
            assert_eq!(align(offset), aligned, "{offset}");
        }
        for (offset, len, sections) in [(256, 64, 320), (256, 65, 384), (u64::MAX, 1, u64::MAX - 63)] {
            let index = Extent { offset, len, check: 0 };
            assert_eq!(Header { index, ..HEADER }.sections_offset(), sections);
        }
    }
}
