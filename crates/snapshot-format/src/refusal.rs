//! Why a snapshot is not used.

use core::fmt;

use crate::FORMAT_VERSION;

/// Why a snapshot is not used. Never an outage: the live program answers instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The file does not exist.
    Missing,
    /// It cannot be read; the operating system's error number.
    Unreadable(i32),
    /// It is a directory, device or pipe.
    NotAFile,
    /// Owned by neither this user, root, nor the owner of its directory.
    Owner(u32),
    /// More accounts may write to it than its directory means.
    WritableByOthers,
    /// It does not start with the magic.
    NotASnapshot,
    /// It is shorter than its header.
    Truncated,
    /// It has another format version.
    FormatVersion(u32),
    /// The header is damaged.
    HeaderChecksum,
    /// Its archives were written with other rkyv settings.
    ArchiveFormat(u32),
    /// Its length differs from the one in the header.
    Length {
        /// Length in the header, in bytes.
        said: u64,
        /// Length of the file, in bytes.
        found: u64,
    },
    /// It was built for another version or command tree.
    Fingerprint,
    /// The index is damaged.
    Index,
    /// The stamps are damaged.
    Stamps,
    /// A section is damaged.
    Section,
    /// It was built from another configuration root.
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
            Self::Owner(user) => {
                write!(f, "belongs to user {user}, who is neither you, root, nor the owner of its directory")
            }
            Self::WritableByOthers => f.write_str("may be written by others than its owner"),
            Self::NotASnapshot => f.write_str("is not an ohfp snapshot"),
            Self::Truncated => f.write_str("is shorter than a header"),
            Self::FormatVersion(version) => {
                write!(f, "has format version {version}; this build reads version {FORMAT_VERSION}")
            }
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

#[cfg(test)]
mod tests {
    use super::Refusal;

    /// The words that `doctor`, the log and `ohfp-snapshot` put behind a file's name.
    #[test]
    fn reasons() {
        for (refusal, text) in [
            (Refusal::Missing, "there is no snapshot"),
            (Refusal::Unreadable(13), "cannot be read (os error 13)"),
            (Refusal::NotAFile, "is not a regular file"),
            (
                Refusal::Owner(1000),
                "belongs to user 1000, who is neither you, root, nor the owner of its directory",
            ),
            (Refusal::WritableByOthers, "may be written by others than its owner"),
            (Refusal::NotASnapshot, "is not an ohfp snapshot"),
            (Refusal::Truncated, "is shorter than a header"),
            (Refusal::FormatVersion(2), "has format version 2; this build reads version 1"),
            (Refusal::HeaderChecksum, "has a damaged header"),
            (
                Refusal::ArchiveFormat(0x8_1131),
                "has archive format 0x00081131, which this build does not read",
            ),
            (Refusal::Length { said: 9, found: 8 }, "should have 9 bytes and has 8"),
            (Refusal::Fingerprint, "was made by another version of ohfp"),
            (Refusal::Index, "has a damaged index"),
            (Refusal::Stamps, "has damaged stamps"),
            (Refusal::Section, "has a damaged section"),
            (Refusal::Root, "was made from another configuration root"),
            (Refusal::StaleFile(3), "is older than one of its input files"),
            (Refusal::StaleVariable(3), "was made with another environment"),
        ] {
            assert_eq!(refusal.to_string(), text);
        }
    }
}
