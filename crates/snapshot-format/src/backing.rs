//! The open file behind a snapshot's bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;

use ohfp_platform::sys::Bytes;

use crate::refusal::Refusal;

/// An open file and its bytes.
#[derive(Debug)]
pub(crate) struct Backing {
    bytes: Bytes,
    file: File,
}

impl Backing {
    pub(crate) fn new(bytes: Bytes, file: File) -> Self {
        Self { bytes, file }
    }

    /// All bytes of the file.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Maps the pages of a large part with one call.
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
        part.as_ptr().addr().wrapping_sub(self.as_slice().as_ptr().addr())
    }
}
