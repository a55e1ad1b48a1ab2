//! Freshness stamps: the files and variables a snapshot was made from.

use rkyv::Archive;
#[cfg(feature = "write")]
use rkyv::{Deserialize, Serialize};

/// What was found at a path.
#[derive(Archive, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct PresentV1 {
    /// In bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
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
    /// Nothing: the file did not exist.
    pub present: Option<PresentV1>,
}

/// One environment variable the resolver consulted.
#[derive(Archive, Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "write", derive(Serialize, Deserialize))]
pub struct VariableV1 {
    /// Its name.
    pub name: String,
    /// Its value, or nothing where it was not set.
    pub value: Option<Vec<u8>>,
}

/// Everything a snapshot's freshness depends on.
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
