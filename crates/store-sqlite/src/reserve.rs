//! Disk space reserved for returns: a machine that cannot be returned keeps costing money.
//!
//! It is a file beside the database with nothing in it. A return that finds the disk full gives its blocks up,
//! and maintenance takes them again when there is room.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ohfp_platform::disk;
use ohfp_platform::files::{self, Access};

use crate::paths::{self, LOCK_MODE, RESERVE_SUFFIX};

/// In bytes. A return of 300 machines and what follows from it writes about half of this.
pub(crate) const SIZE: u64 = 4 << 20;

/// Room that is left to others when the reserve is filled, in bytes.
const SPARED: u64 = 4 * SIZE;

/// The reserved space at present, in bytes.
pub(crate) fn held(database: &Path) -> u64 {
    let status = std::fs::symlink_metadata(paths::beside(database, RESERVE_SUFFIX));
    status.map_or(0, |file| file.blocks().saturating_mul(512).min(SIZE))
}

/// Takes the room. Where there is little left, or the file system cannot promise any, there is no reserve.
pub(crate) fn fill(database: &Path) {
    if held(database) >= SIZE {
        return;
    }
    let free = disk::space(files::directory(database)).map_or(0, |space| space.free_bytes);
    if free < SIZE + SPARED {
        return;
    }
    let path = paths::beside(database, RESERVE_SUFFIX);
    let filled = files::open_or_create(&path, Access::ReadWrite, LOCK_MODE).and_then(|file| {
        disk::allocate(&file, SIZE).inspect_err(|_| {
            let _ = file.set_len(0);
        })?;
        Ok(())
    });
    if let Err(error) = filled {
        tracing::debug!(path = %path.display(), %error, "no room can be kept for returns");
    }
}

/// Releases the reserve; returns whether there was any.
pub(crate) fn release(database: &Path) -> bool {
    let path = paths::beside(database, RESERVE_SUFFIX);
    held(database) > 0 && files::open(&path, Access::ReadWrite).is_ok_and(|file| file.set_len(0).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A return tries again only where room was given up.
    #[test]
    fn it_is_given_up_once() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("state.db");
        assert!(!release(&database), "there is no file");
        fill(&database);
        assert_eq!((held(&database), release(&database)), (SIZE, true));
        assert_eq!((held(&database), release(&database)), (0, false));
    }
}
