//! Opening a snapshot file. What is in the bytes is read by [`crate::view`], wherever they are.

use core::fmt;
use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::header::{HEADER_LEN, Header};
use crate::stamps::ArchivedStampsV1;
use crate::view::{Contents, View};
use ohfp_platform::locate::Path;
use ohfp_platform::sys::{self, Bytes, Status};

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
    /// Owned by neither this user, root, nor the owner of its directory.
    Owner(u32),
    /// More accounts may write to it than its directory means.
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
            Self::Owner(user) => {
                write!(f, "belongs to user {user}, who is neither you, root, nor the owner of its directory")
            }
            Self::WritableByOthers => f.write_str("may be written by others than its owner"),
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
    backing: Backing,
    /// The header.
    pub header: Header,
}

/// An open file and its bytes.
#[derive(Debug)]
pub(crate) struct Backing {
    bytes: Bytes,
    file: File,
}

impl Backing {
    /// Asks for the pages of a large part at once.
    pub(crate) fn populate(&self, part: &[u8]) {
        self.bytes.populate(self.offset(part), part.len());
    }

    /// Reads a small part of a mapped file into `buffer` instead of touching its page; `None` when it
    /// is not mapped, or does not fit.
    pub(crate) fn copy<'b>(&self, part: &[u8], buffer: &'b mut [u8]) -> Option<Result<&'b [u8], Refusal>> {
        let place = buffer.get_mut(..part.len()).filter(|_| matches!(self.bytes, Bytes::Mapped(_)))?;
        let done = self.file.read_exact_at(place, self.offset(part) as u64);
        Some(done.map(|()| &*place).map_err(|_| Refusal::Section))
    }

    fn offset(&self, part: &[u8]) -> usize {
        part.as_ptr().addr().wrapping_sub(self.bytes.as_slice().as_ptr().addr())
    }
}

impl Snapshot {
    /// Opens a file and checks owner, mode, header and lengths.
    pub fn open(path: &CStr, access: Access) -> Result<Self, Refusal> {
        let file = sys::open(path).map_err(|error| unreadable(&error))?;
        let status = sys::fstat(&file).map_err(|error| unreadable(&error))?;
        if !status.is_file() {
            return Err(Refusal::NotAFile);
        }
        let own = status.owner == 0 || status.owner == sys::effective_user();
        if !own || status.mode & 0o022 != 0 {
            trust(path, &status, own)?;
        }
        let len = usize::try_from(status.size).map_err(|_| Refusal::Truncated)?;
        if len < HEADER_LEN {
            return Err(Refusal::Truncated);
        }
        let mapped = match access {
            Access::Auto => sys::is_local(&file),
            Access::Map => true,
            Access::Read => false,
        };
        let bytes =
            if mapped { sys::map(&file, len).map_err(|error| unreadable(&error)) } else { read(&file, len) }?;
        let header = Header::parse(bytes.as_slice())?;
        Ok(Self { backing: Backing { bytes, file }, header })
    }

    /// Whether the bytes are mapped from the file, and so may become unreadable.
    pub fn is_mapped(&self) -> bool {
        matches!(self.backing.bytes, Bytes::Mapped(_))
    }

    /// Refuses a snapshot made for another command tree.
    pub fn expect_fingerprint(&self, fingerprint: u128) -> Result<(), Refusal> {
        if self.header.fingerprint == fingerprint { Ok(()) } else { Err(Refusal::Fingerprint) }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.backing.bytes.as_slice()
    }

    /// The same as bytes with a header.
    pub fn view(&self) -> View<'_> {
        View::of_file(self.bytes(), self.header, &self.backing)
    }

    /// The stamps, validated.
    pub fn stamps(&self) -> Result<&ArchivedStampsV1, Refusal> {
        self.view().stamps()
    }

    /// The index, validated, with the sections behind it.
    pub fn contents(&self) -> Result<Contents<'_>, Refusal> {
        self.view().contents()
    }
}

fn unreadable(error: &std::io::Error) -> Refusal {
    if sys::is_missing(error) {
        Refusal::Missing
    } else {
        Refusal::Unreadable(error.raw_os_error().unwrap_or_default())
    }
}

/// Whether a file of another owner, or that more accounts than its owner may write, is what the owner of its
/// directory means to be there. Apart from `open`, since nearly no snapshot needs it.
#[cold]
#[inline(never)]
fn trust(path: &CStr, file: &Status, own: bool) -> Result<(), Refusal> {
    let directory = Path::absolute(path.to_bytes()).and_then(|path| path.parent());
    let directory = directory.and_then(|directory| sys::stat(directory.as_c_str()).ok());
    if !own && directory.is_none_or(|directory| directory.owner != file.owner) {
        return Err(Refusal::Owner(file.owner));
    }
    // A directory that its group may write means that group to write its files.
    let shared =
        directory.is_some_and(|directory| directory.mode & 0o020 != 0 && directory.group == file.group);
    if file.mode & 0o002 != 0 || file.mode & 0o020 != 0 && !shared {
        return Err(Refusal::WritableByOthers);
    }
    Ok(())
}

/// Reads the file into memory once its header says that it is worth it: a file of another kind may be
/// of any size. Apart from `open`, since its buffer would cost the fast path a page of stack.
#[inline(never)]
fn read(file: &File, len: usize) -> Result<Bytes, Refusal> {
    let mut head = [0; HEADER_LEN];
    file.read_exact_at(&mut head, 0).map_err(|error| unreadable(&error))?;
    Header::parse_front(&head, len as u64)?;
    sys::read(file, len).map_err(|error| unreadable(&error))
}
