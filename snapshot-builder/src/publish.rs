//! Publishing: a snapshot is replaced atomically, and the previous one is kept.
//!
//! Temporary file in the same directory, fsync, read back and verify, rename, fsync of the directory. Builders
//! queue on a lock file beside the snapshot. A killed builder does not hold it, and an account that may only
//! read cannot take it.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::audience::Audience;
use ohfp_platform::files::{self, Refused, Replacement};
use ohfp_platform::lock_file::LockFile;
pub use ohfp_platform::lock_file::Turn;
use ohfp_platform::sys;
use ohfp_platform::windows::Windows;
use ohfp_snapshot_format::stamps::StampsV1;
use ohfp_snapshot_format::write::{Maker, Payload};
use ohfp_snapshot_format::{Refusal, Snapshot, verify};

/// Suffix of the previous generation.
pub const PREVIOUS_SUFFIX: &str = ".previous";
/// Suffix of unfinished files; the next build removes those of a killed one.
const TEMPORARY_SUFFIX: &str = ".tmp";
/// Suffix of the lock file of builders.
const LOCK_SUFFIX: &str = ".lock";
/// Accessible for its owner alone: an account that could open it could block all others.
const LOCK_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o755;
/// Mode of a snapshot until its audience is known.
const NEW_MODE: u32 = 0o600;

/// The lock for publishing into a directory; released when dropped.
#[derive(Debug)]
pub struct Lock {
    directory: PathBuf,
    file_name: Vec<u8>,
    /// Without it on network file systems, readers are safe because of the renames, and two builders merely do the same
    /// work twice.
    held: LockFile,
}

impl Lock {
    /// Takes the lock for publishing to `path`, creating its directory; `None` if another process has it and
    /// `turn` is not to wait. Removes leftovers of a killed builder.
    pub fn take(path: &Path, turn: Turn) -> Result<Option<Self>> {
        let directory =
            path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file_name = path.file_name().unwrap_or(OsStr::new("ohfp.snapshot")).as_bytes().to_vec();
        if fs::metadata(path).is_ok_and(|status| !status.is_file()) {
            return Err(Error::new(ErrorKind::Refused, format!("cannot replace `{}`", path.display()))
                .cause("it is not a regular file")
                .hint("a snapshot replaces what has its name: name a file in OHFP_SNAPSHOT"));
        }
        files::create_directories(directory, DIRECTORY_MODE)
            .map_err(|error| failed("create the directory", directory, &error))?;
        let path = hidden(directory, &file_name, LOCK_SUFFIX);
        let taken = LockFile::take(&path, LOCK_MODE, turn).map_err(|refused| {
            Error::new(ErrorKind::Refused, format!("cannot use the lock `{}`", path.display()))
                .cause(refused)
                .hint("remove it: it holds no data and is recreated")
        })?;
        let Some(held) = taken else { return Ok(None) };
        let lock = Self { directory: directory.to_owned(), file_name, held };
        if lock.held.is_held() {
            lock.remove_leftovers();
        }
        Ok(Some(lock))
    }

    /// Only the holder of the lock writes temporary files, so existing ones are leftovers.
    fn remove_leftovers(&self) {
        let mut prefix = b".".to_vec();
        prefix.extend_from_slice(&self.file_name);
        prefix.push(b'.');
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.as_bytes().starts_with(&prefix) && name.as_bytes().ends_with(TEMPORARY_SUFFIX.as_bytes())
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// A hidden name beside the snapshot.
fn hidden(directory: &Path, file_name: &[u8], suffix: &str) -> PathBuf {
    let name = [b".".as_slice(), file_name, suffix.as_bytes()].concat();
    directory.join(OsStr::from_bytes(&name))
}

/// Replaces the snapshot at `path`. Without stamps it is sealed. Gives its size in bytes.
pub fn publish(
    lock: &Lock,
    path: &Path,
    payload: &Payload,
    stamps: Option<&StampsV1>,
    maker: Maker<'_>,
    audience: Audience,
) -> Result<u64> {
    let content = |out: &mut Windows<'_>| payload.write_to(out, stamps, maker);
    replace(path, payload.digest(), audience, || keep_previous(path, &lock.temporary_previous()), content)
}

/// Replaces the stamps of the snapshot at `path`. That is no new generation, so the previous one is kept.
pub fn restamp(
    _lock: &Lock,
    path: &Path,
    snapshot: &Snapshot,
    stamps: &StampsV1,
    audience: Audience,
) -> Result<u64> {
    let content = |out: &mut Windows<'_>| ohfp_snapshot_format::write::restamp(out, snapshot, stamps);
    replace(path, snapshot.header.payload_digest, audience, || (), content)
}

fn replace(
    path: &Path,
    digest: u128,
    audience: Audience,
    before: impl FnOnce(),
    content: impl FnOnce(&mut Windows<'_>) -> std::io::Result<u64>,
) -> Result<u64> {
    sys::survive_file_size_limit();
    let mut new = Replacement::begin(path, NEW_MODE).map_err(|refused| match refused {
        Refused::Io(error) => failed("write", path, &error),
        refused => failed("write", path, &std::io::Error::other(refused)),
    })?;
    let bytes = write(new.file(), audience, content).map_err(|error| failed("write", path, &error))?;
    read_back(new.temporary(), digest)?;
    before();
    new.commit().map_err(|error| failed("replace", path, &error))?;
    Ok(bytes)
}

/// Exchanges the snapshot with its previous generation: a second rollback undoes the first.
pub fn rollback(lock: &Lock, path: &Path) -> Result<()> {
    let (previous, aside) = (previous(path), lock.temporary_previous());
    if !previous.exists() {
        let shown = previous.display();
        return Err(Error::new(ErrorKind::NotFound, format!("there is no previous generation at `{shown}`"))
            .hint("the first build has no previous generation"));
    }
    let _ = fs::remove_file(&aside);
    // The current file keeps a second name while the previous one takes its place, so that readers find a
    // complete snapshot at every moment.
    fs::hard_link(path, &aside)
        .or_else(|_| files::copy_new(path, &aside))
        .and_then(|()| fs::rename(&previous, path))
        .and_then(|()| fs::rename(&aside, &previous))
        .map_err(|error| failed("roll back", path, &error))?;
    lock.sync();
    Ok(())
}

impl Lock {
    /// Syncs the directory. Errors are ignored, since some network file systems cannot do it and the rename is
    /// done already.
    fn sync(&self) {
        let _ = File::open(&self.directory).and_then(|directory| directory.sync_all());
    }

    fn temporary_previous(&self) -> PathBuf {
        hidden(
            &self.directory,
            &self.file_name,
            &format!(".{}.previous{TEMPORARY_SUFFIX}", std::process::id()),
        )
    }
}

fn write(
    file: &mut File,
    audience: Audience,
    content: impl FnOnce(&mut Windows<'_>) -> std::io::Result<u64>,
) -> std::io::Result<u64> {
    let group = file.metadata()?.gid();
    file.set_permissions(Permissions::from_mode(audience.mode(group)))?;
    let mut out = Windows::of(file);
    let bytes = content(&mut out)?;
    out.flush()?;
    file.sync_all()?;
    Ok(bytes)
}

/// Verifies that the disk has the bytes that were written: a checksum taken later would only prove that a
/// damaged file stayed damaged. Reads in pieces, so that a large snapshot is not in memory twice.
fn read_back(temporary: &Path, expected: u128) -> Result<()> {
    let wrong = |why: &dyn std::fmt::Display| {
        let path = temporary.display();
        Error::new(ErrorKind::System, format!("the snapshot just written to `{path}` reads back wrong"))
            .cause(why)
            .hint("the disk or file system may be failing; the previous snapshot is untouched")
    };
    match verify::digest_of_file(temporary) {
        Ok(digest) if digest == expected => Ok(()),
        Ok(_) => Err(wrong(&Refusal::Section)),
        Err(error) => Err(wrong(&error)),
    }
}

/// Path of the previous generation.
pub fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PREVIOUS_SUFFIX);
    PathBuf::from(name)
}

/// Links the current file to a second name, then renames that over the older generation: at every moment both
/// names refer to complete snapshots.
fn keep_previous(path: &Path, temporary: &Path) {
    let _ = fs::remove_file(temporary);
    let linked = fs::hard_link(path, temporary).is_ok() || files::copy_new(path, temporary).is_ok();
    if linked && fs::rename(temporary, previous(path)).is_err() {
        let _ = fs::remove_file(temporary);
    }
}

/// The error of a failed step on a path.
pub(crate) fn failed(step: &str, path: &Path, error: &std::io::Error) -> Error {
    let failure = Error::new(ErrorKind::System, format!("cannot {step} `{}`", path.display())).cause(error);
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            failure.hint("check owner and mode, or name another file in OHFP_SNAPSHOT")
        }
        std::io::ErrorKind::StorageFull => {
            failure.hint("free some space; what was published before is untouched")
        }
        std::io::ErrorKind::FileTooLarge => {
            failure.hint("`ulimit -f` limits the size of files; what was published before is untouched")
        }
        _ => failure,
    }
}
