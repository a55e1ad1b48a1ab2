//! Freshness stamps: the files and variables that a snapshot was built from.

use rkyv::Archive;
#[cfg(feature = "write")]
use rkyv::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// State of an existing file.
#[derive(Archive, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct PresentV1 {
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Change time, nanoseconds since 1970.
    pub ctime_ns: i64,
    /// Inode number.
    pub inode: u64,
    /// XXH3-128 of the content, low and high half.
    pub digest: [u64; 2],
}

/// One input file; its absence counts as much as its content.
#[derive(Archive, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct FileV1 {
    /// Absolute path with a final zero byte, ready for a system call.
    pub path: Vec<u8>,
    /// `None`: the file did not exist.
    pub present: Option<PresentV1>,
}

/// One environment variable the resolver consulted. Its value may be a secret, so only a digest is
/// kept.
#[derive(Archive, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct VariableV1 {
    /// Name of the variable.
    pub name: String,
    /// XXH3-64 of its value; `None` if it was not set.
    pub value: Option<u64>,
}

/// The digest of a file's content, in halves.
#[cfg(feature = "write")]
pub fn digest(content: &[u8]) -> [u64; 2] {
    halves(xxhash_rust::xxh3::xxh3_128(content))
}

/// Splits a digest into its low and high half.
#[cfg(feature = "write")]
#[expect(clippy::cast_possible_truncation, reason = "splits a 128-bit digest into its halves")]
pub fn halves(digest: u128) -> [u64; 2] {
    [digest as u64, (digest >> 64) as u64]
}

impl ArchivedVariableV1 {
    /// Whether the variable still has the recorded value.
    pub fn is(&self, now: Option<&[u8]>) -> bool {
        now.map(xxh3_64) == self.value.as_ref().map(|then| then.to_native())
    }
}

/// Every input that a snapshot's freshness depends on.
#[derive(Archive, Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct StampsV1 {
    /// Absolute path of the configuration root.
    pub root: Vec<u8>,
    /// Sorted by path.
    pub files: Vec<FileV1>,
    /// Sorted by name.
    pub variables: Vec<VariableV1>,
}
