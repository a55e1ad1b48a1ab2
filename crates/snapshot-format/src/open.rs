//! Opening a snapshot file. [`crate::view`] reads its bytes.

use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt;

use ohfp_platform::locate::Path;
use ohfp_platform::sys::{self, Bytes, Status};

use crate::backing::Backing;
use crate::header::{HEADER_LEN, Header};
use crate::refusal::Refusal;
use crate::stamps::ArchivedStampsV1;
use crate::view::{Contents, View};

/// How the bytes of the file are loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoPolicy {
    /// Mapped on file systems known to be local, read elsewhere.
    #[default]
    Auto,
    /// Always mapped.
    Map,
    /// Always read.
    Read,
}

impl IoPolicy {
    /// The policy that `OHFP_SNAPSHOT_IO` names.
    pub fn from_variable(value: Option<&[u8]>) -> Self {
        match value {
            Some(b"mmap") => Self::Map,
            Some(b"read") => Self::Read,
            _ => Self::Auto,
        }
    }
}

/// An open snapshot with a valid header.
#[derive(Debug)]
pub struct Snapshot {
    backing: Backing,
    /// The header.
    pub header: Header,
}

impl Snapshot {
    /// As [`Self::open`]. A path that C cannot have names no file.
    #[cfg(feature = "write")]
    pub fn open_path(path: &std::path::Path, access: IoPolicy) -> Result<Self, Refusal> {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(|_| Refusal::Missing)?;
        Self::open(&path, access)
    }

    /// Opens a file and checks owner, mode, header and lengths.
    pub fn open(path: &CStr, access: IoPolicy) -> Result<Self, Refusal> {
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
            IoPolicy::Auto => sys::is_local(&file),
            IoPolicy::Map => true,
            IoPolicy::Read => false,
        };
        let bytes =
            if mapped { sys::map(&file, len).map_err(|error| unreadable(&error)) } else { read(&file, len) }?;
        let header = Header::parse(bytes.as_slice())?;
        Ok(Self { backing: Backing::new(bytes, file), header })
    }

    /// Refuses a snapshot made for another command tree.
    pub fn expect_fingerprint(&self, fingerprint: u128) -> Result<(), Refusal> {
        if self.header.fingerprint == fingerprint { Ok(()) } else { Err(Refusal::Fingerprint) }
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.backing.as_slice()
    }

    /// A view of the bytes.
    pub fn view(&self) -> View<'_> {
        View::of_file(self.bytes(), self.header, &self.backing)
    }

    /// The stamps, validated.
    pub fn stamps(&self) -> Result<&ArchivedStampsV1, Refusal> {
        self.view().stamps()
    }

    /// The validated index, with the sections.
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

/// Whether to trust a file of another owner, or one that accounts other than its owner may write: the owner of
/// its directory must have intended it. Kept out of `open`, since hardly any snapshot needs it.
#[cold]
#[inline(never)]
fn trust(path: &CStr, file: &Status, own: bool) -> Result<(), Refusal> {
    let directory = Path::absolute(path.to_bytes()).and_then(|path| path.parent());
    let directory = directory.and_then(|directory| sys::stat(directory.as_c_str()).ok());
    if !own && directory.is_none_or(|directory| directory.owner != file.owner) {
        return Err(Refusal::Owner(file.owner));
    }
    // A directory that its group may write implies that the group may write its files.
    let shared =
        directory.is_some_and(|directory| directory.mode & 0o020 != 0 && directory.group == file.group);
    if file.mode & 0o002 != 0 || file.mode & 0o020 != 0 && !shared {
        return Err(Refusal::WritableByOthers);
    }
    Ok(())
}

/// Reads the file into memory if its header is valid: a file of another kind may have any size. Kept out of
/// `open`, since its buffer would cost the fast path a page of stack.
#[inline(never)]
fn read(file: &File, len: usize) -> Result<Bytes, Refusal> {
    let mut head = [0; HEADER_LEN];
    file.read_exact_at(&mut head, 0).map_err(|error| unreadable(&error))?;
    Header::parse_front(&head, len as u64)?;
    sys::read(file, len).map_err(|error| unreadable(&error))
}
