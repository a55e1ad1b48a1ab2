//! Files of a site that are replaced: whole, or not at all.
//!
//! It must not know what the files mean.

use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::files::{self, Destination, Replacement};

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
