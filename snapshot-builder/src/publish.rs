//! Publishing: a snapshot is replaced atomically, and the previous one is kept.
//!
//! Temporary file in the same directory, fsync, read back and verify, rename, fsync of the directory. Builders
//! queue on a lock file beside the snapshot. A killed builder does not hold it, and an account that may only
//! read cannot take it.

use std::ffi::{CString, OsStr};
use std::fs::{self, File, Metadata, Permissions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::files::{self, Refused, Replacement};
use ohfp_platform::sys;
use ohfp_snapshot_format::open::IoPolicy;
use ohfp_snapshot_format::stamps::StampsV1;
use ohfp_snapshot_format::write::{Maker, Payload};
use ohfp_snapshot_format::{Refusal, Snapshot};
use xxhash_rust::xxh3::Xxh3;

use crate::audience::Audience;

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

/// Whether to wait for another builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Wait: a person or a pipeline requested the build.
    Wait,
    /// Do not wait: another builder is refreshing it already.
    GiveUp,
}

/// The lock for publishing into a directory; released when dropped.
#[derive(Debug)]
pub struct Lock {
    directory: PathBuf,
    file_name: Vec<u8>,
    /// Holds the lock while it is open. `None` on network file systems without locks: readers are safe because
    /// of the renames, and two builders merely do the same work twice.
    held: Option<File>,
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
        let mut lock = Self { directory: directory.to_owned(), file_name, held: None };
        if !lock.hold(turn)? {
            return Ok(None);
        }
        if lock.held.is_some() {
            lock.remove_leftovers();
        }
        Ok(Some(lock))
    }

    /// Takes the lock; `false` if another process has it.
    fn hold(&mut self, turn: Turn) -> Result<bool> {
        let path = self.hidden(LOCK_SUFFIX);
        loop {
            let handle = match files::open_or_create(&path, files::Access::ReadWrite, LOCK_MODE) {
                Ok(handle) => handle,
                // It belongs to another account, in a directory that a group shares. Other problems surface
                // when writing.
                Err(Refused::Io(_)) => return Ok(true),
                Err(refused) => {
                    let message = format!("cannot use the lock `{}`", path.display());
                    return Err(Error::new(ErrorKind::Refused, message)
                        .cause(refused)
                        .hint("remove it: it holds no data and is recreated"));
                }
            };
            match turn {
                Turn::Wait => {
                    if handle.lock().is_err() {
                        return Ok(true);
                    }
                }
                Turn::GiveUp => match handle.try_lock() {
                    Ok(()) => {}
                    Err(TryLockError::WouldBlock) => return Ok(false),
                    Err(TryLockError::Error(_)) => return Ok(true),
                },
            }
            // The previous holder has removed the file while this process waited; other processes wait for a new one.
            let identity = |status: &Metadata| (status.dev(), status.ino());
            let opened = handle.metadata().ok().as_ref().map(identity);
            if fs::symlink_metadata(&path).ok().as_ref().map(identity) == opened {
                self.held = Some(handle);
                return Ok(true);
            }
        }
    }

    /// A hidden name beside the snapshot.
    fn hidden(&self, suffix: &str) -> PathBuf {
        let name = [b".".as_slice(), &self.file_name, suffix.as_bytes()].concat();
        self.directory.join(OsStr::from_bytes(&name))
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

impl Drop for Lock {
    /// The file is removed before the lock is released: a waiting process notices that and creates a new file.
    fn drop(&mut self) {
        if self.held.is_some() {
            let _ = fs::remove_file(self.hidden(LOCK_SUFFIX));
        }
    }
}

/// A published snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Size of the snapshot.
    pub bytes: u64,
}

/// Replaces the snapshot at `path`. Without stamps it is sealed.
pub fn publish(
    lock: &Lock,
    path: &Path,
    payload: &Payload,
    stamps: Option<&StampsV1>,
    maker: Maker<'_>,
    audience: Audience,
) -> Result<Published> {
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
) -> Result<Published> {
    let content = |out: &mut Windows<'_>| ohfp_snapshot_format::write::restamp(out, snapshot, stamps);
    replace(path, snapshot.header.payload_digest, audience, || (), content)
}

fn replace(
    path: &Path,
    digest: u128,
    audience: Audience,
    before: impl FnOnce(),
    content: impl FnOnce(&mut Windows<'_>) -> std::io::Result<u64>,
) -> Result<Published> {
    sys::survive_file_size_limit();
    let mut new = Replacement::begin(path, NEW_MODE).map_err(|refused| match refused {
        Refused::Io(error) => failed("write", path, &error),
        refused => failed("write", path, &std::io::Error::other(refused)),
    })?;
    let bytes = write(new.file(), audience, content).map_err(|error| failed("write", path, &error))?;
    read_back(new.temporary(), digest)?;
    before();
    new.commit().map_err(|error| failed("replace", path, &error))?;
    Ok(Published { bytes })
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
        .or_else(|_| copy(path, &aside))
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
        self.hidden(&format!(".{}.previous{TEMPORARY_SUFFIX}", std::process::id()))
    }
}

fn write(
    file: &mut File,
    audience: Audience,
    content: impl FnOnce(&mut Windows<'_>) -> std::io::Result<u64>,
) -> std::io::Result<u64> {
    let group = file.metadata()?.gid();
    file.set_permissions(Permissions::from_mode(audience.mode(group)))?;
    let mut out = Windows { file, pending: Vec::with_capacity(WINDOW) };
    let bytes = content(&mut out)?;
    out.flush()?;
    out.file.sync_all()?;
    Ok(bytes)
}

/// Bytes that the kernel maps at one page fault.
const WINDOW: usize = 64 * 1024;

/// Writes whole windows. The page cache then keeps each as one folio, which is mapped in one piece: which saves
/// 3 µs per answer compared with the many small folios of uneven writes.
struct Windows<'f> {
    file: &'f mut File,
    pending: Vec<u8>,
}

impl Write for Windows<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (taken, _) = bytes.split_at(bytes.len().min(WINDOW - self.pending.len()));
        self.pending.extend_from_slice(taken);
        if self.pending.len() == WINDOW {
            self.flush()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
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
    let c_path = CString::new(temporary.as_os_str().as_bytes()).map_err(|error| wrong(&error))?;
    let snapshot = Snapshot::open(&c_path, IoPolicy::Auto).map_err(|refusal| wrong(&refusal))?;
    let digest = digest_from(temporary, snapshot.header.index.offset).map_err(|error| wrong(&error))?;
    if digest == expected { Ok(()) } else { Err(wrong(&Refusal::Section)) }
}

/// XXH3-128 of a file from `offset` to its end.
fn digest_from(path: &Path, offset: u64) -> std::io::Result<u128> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut digest = Xxh3::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(digest.digest128()),
            len => digest.update(piece.get(..len).unwrap_or_default()),
        }
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
    let linked = fs::hard_link(path, temporary).is_ok() || copy(path, temporary).is_ok();
    if linked && fs::rename(temporary, previous(path)).is_err() {
        let _ = fs::remove_file(temporary);
    }
}

/// Copies a file that cannot be linked, to a file that must not exist.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut source = files::open(from, files::Access::Read).map_err(std::io::Error::other)?;
    let mode = source.metadata()?.mode() & 0o777;
    let mut target = files::create(to, mode).map_err(std::io::Error::other)?;
    std::io::copy(&mut source, &mut target).map(|_| ())
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
