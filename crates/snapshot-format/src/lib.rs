//! The ohfp snapshot: every answer that is known before the question is asked, in one file.
//!
//! This page is the format's specification. The reader is always here; the writer sits behind the
//! feature `write`. The crate knows nothing of configuration, templates or command lines: it maps
//! keys to finished bytes and says whether they may still be used.
//!
//! # Layout, format version 1
//!
//! All integers are little-endian. Four parts follow each other:
//!
//! | part | where | what |
//! |---|---|---|
//! | header | 0..256 | fixed fields, see [`header::Header`] |
//! | stamps | `stamps_offset`, 64-byte aligned | rkyv archive of [`stamps::StampsV1`] |
//! | index | `index_offset`, 64-byte aligned | rkyv archive of [`index::IndexV1`] |
//! | sections | right behind the index, 64-byte aligned | finished bytes and directories |
//!
//! Index and sections together are the **payload**. Its bytes depend on the inputs alone: no clock,
//! host name, path of the machine or hash-map order. The stamps tie one payload to the files and
//! variables of one machine and are outside the payload's digest.
//!
//! Alignment gaps are zero. Section offsets count from the first byte behind the index's gap.
//!
//! # Checks
//!
//! | bytes | check | when |
//! |---|---|---|
//! | header | XXH3-64 in its last eight bytes | every open |
//! | stamps | XXH3-64 in the header, then bytecheck | every answer that depends on inputs |
//! | index | XXH3-64 in the header, then bytecheck | every open |
//! | section | XXH3-64 in the index | before its first byte is written |
//! | template record | XXH3-64, seeded with the hash of its id, in the directory | before its first byte is written |
//! | payload | XXH3-128 in the header | `ohfp-snapshot verify` and every publish |
//!
//! # Directories
//!
//! Two kinds of section are tables of little-endian integers instead of text:
//!
//! * *order* (one per list format): for each template in file order `offset u64, len u64` of its
//!   record inside the list's section. It makes a page of the list a slice of the list.
//! * *records* (one per `templates show` format): sorted by hash, `hash u64, offset u64, len u64,
//!   check u64`; `hash` is XXH3-64 of the id, `check` XXH3-64 of the record seeded with `hash`. A
//!   record certifies itself, so looking one up in a catalog of a million touches a few pages.
//!
//! # Versions
//!
//! A change of any archived type, of the header, or of rkyv's format features is a new format
//! version with new types (`…V2`); published types never change. A reader refuses what it does not
//! know by name, see [`Refusal`].
//!
//! # Example
//!
//! ```
//! use ohfp_snapshot_format::Snapshot;
//! use ohfp_snapshot_format::open::IoPolicy;
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../snapshots/golden/v1.snapshot");
//! let snapshot = Snapshot::open(&std::ffi::CString::new(path).unwrap(), IoPolicy::Read)?;
//! let contents = snapshot.contents()?;
//! let plain_output = || false;
//! let answer = contents.answer(b"--help", plain_output)?.unwrap_or_default();
//! assert_eq!(answer.concat(), b"help\n");
//! # Ok::<(), ohfp_snapshot_format::Refusal>(())
//! ```

mod backing;
pub mod fresh;
pub mod header;
pub mod index;
pub mod key;
pub mod open;
mod refusal;
pub mod stamps;
#[cfg(feature = "write")]
pub mod verify;
pub mod view;
#[cfg(feature = "write")]
pub mod write;

pub use open::Snapshot;
pub use refusal::Refusal;
pub use view::View;

/// XXH3-64, the checksum of the header, the index, each section and each record.
pub fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// The one format version this build reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// Version of the product; part of the fingerprint.
pub const PRODUCT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Fingerprint of the command tree this build of the reader was made for.
///
/// The builder computes the fingerprint from the command tree itself, so a constant left behind
/// costs speed (the reader refuses the snapshot), never correctness. A test of the builder prints
/// the value to put here.
pub const CLI_FINGERPRINT: u128 = 0xd70b_2849_34f6_d732_0bac_fb63_19fd_a997;
