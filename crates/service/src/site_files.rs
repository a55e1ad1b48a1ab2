//! Files of a site that are replaced: whole, or not at all.
//!
//! It must not know what the files mean.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::files::{self, Destination, Replacement};
use ohfp_platform::lock_file::{LockFile, Turn};
use ohfp_resolver::source::trail::SIZE_LIMIT;

/// Name of the file by which processes that change a configuration file take turns.
const LOCK: &str = ".ohfp-config.lock";
const LOCK_MODE: u32 = 0o600;
/// The byte order mark, which texts are read without.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Takes the turn of this process to change files of `directory`: the lock is the file `name` in it.
///
/// # Errors
/// [`ErrorKind::Refused`] if that file is not trusted.
pub(crate) fn lock(directory: &Path, name: &str) -> Result<Option<LockFile>> {
    let path = directory.join(name);
    LockFile::take(&path, LOCK_MODE, Turn::Wait).map_err(|refused| {
        Error::new(ErrorKind::Refused, format!("cannot use the lock `{}`", path.display()))
            .cause(refused)
            .hint("remove it: it holds no data and is recreated")
    })
}

/// As [`replace_regular`], of a configuration file that was read as `before`; empty stands for none. Its byte order mark
/// stays.
///
/// # Errors
/// [`ErrorKind::Refused`] if the file has another content now; then it is left as it is.
pub(crate) fn replace_unchanged(path: &Path, before: &str, after: &str) -> Result<()> {
    let _lock = path.parent().map(|directory| lock(directory, LOCK)).transpose()?;
    let now = match files::read_regular(path, SIZE_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|error| {
            Error::new(ErrorKind::System, format!("cannot read `{}`", path.display())).cause(error)
        })?,
    };
    let (mark, now) = now.split_at(if now.starts_with(MARK) { MARK.len() } else { 0 });
    if now != before.as_bytes() {
        let message = format!("`{}` has changed meanwhile; it is left as it is now", path.display());
        return Err(Error::new(ErrorKind::Refused, message).hint("look at it, and make the change again"));
    }
    replace_regular(path, &[mark, after.as_bytes()].concat())
}

/// Replaces a file, which keeps its owner and mode; a link stays one.
///
/// # Errors
/// [`ErrorKind::System`] if it cannot be written, or is no regular file.
pub(crate) fn replace_regular(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |cause: &dyn Display| {
        Error::new(ErrorKind::System, format!("cannot write `{}`", path.display())).cause(cause)
    };
    match files::destination(path).map_err(|refused| failed(&refused))? {
        Destination::Stream(_) => Err(failed(&"it is no regular file")),
        Destination::File(target) => {
            let mut new = Replacement::keeping(&target).map_err(|refused| failed(&refused))?;
            new.file().write_all(bytes).and_then(|()| new.commit()).map_err(|error| failed(&error))
        }
    }
}
