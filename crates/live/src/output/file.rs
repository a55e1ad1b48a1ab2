//! Answers and exports in files that a person names. A file appears complete or not at all, and links that
//! another account may have planted are not followed.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::files::{self, Destination, Replacement};

/// Mode of a file that holds state: for its owner, and for the group to read.
const STATE_MODE: u32 = 0o640;

/// Writes a file, or replaces one, which keeps its owner and mode. A pipe or device is written to as it is.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: &dyn Display| cannot_write(path, error);
    match files::destination(path).map_err(|refused| failed(&refused))? {
        Destination::Stream(mut out) => out.write_all(bytes).map_err(|error| failed(&error)),
        Destination::File(target) => {
            let mut new = Replacement::keeping(&target).map_err(|refused| failed(&refused))?;
            new.file().write_all(bytes).and_then(|()| new.commit()).map_err(|error| failed(&error))
        }
    }
}

/// Lets `write` write state into a new file, or into one that `force` allows to be replaced. When it fails, nothing
/// has changed.
pub(crate) fn state<T>(path: &Path, force: bool, write: impl FnOnce(&mut File) -> Result<T>) -> Result<T> {
    let failed = |error: &dyn Display| cannot_write(path, error);
    let target = match files::destination(path).map_err(|refused| failed(&refused))? {
        Destination::Stream(mut out) => return write(&mut out),
        Destination::File(target) => target,
    };
    if !force && fs::symlink_metadata(&target).is_ok() {
        return Err(exists(path));
    }
    let mut new = Replacement::unnamed(&target, STATE_MODE).map_err(|refused| failed(&refused))?;
    let written = write(new.file())?;
    let placed = if force { new.commit() } else { new.commit_new() };
    match placed {
        Ok(()) => Ok(written),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(failed(&error)),
    }
}

fn exists(path: &Path) -> Error {
    Error::new(ErrorKind::Refused, format!("`{}` exists already", path.display()))
        .hint("choose another name, or replace the file with --force")
}

fn cannot_write(path: &Path, why: &dyn Display) -> Error {
    Error::new(ErrorKind::System, format!("cannot write `{}`", path.display())).cause(why)
}
