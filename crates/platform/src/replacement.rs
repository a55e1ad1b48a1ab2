//! Atomic replacement of a file's content.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::disk;
use crate::files::{self, Refused};

/// New content for a file: a temporary file in the same directory, which replaces the file atomically, or is
/// removed if it is dropped before that.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    temporary: PathBuf,
    /// Whether the temporary file has that name yet. Without a name it disappears when the process ends, even
    /// if it is killed.
    named: bool,
    target: PathBuf,
    placed: bool,
}

impl Replacement {
    /// Begins a replacement; `target` stays unchanged until [`Self::commit`]. The temporary file has a name,
    /// for code that opens it by name.
    ///
    /// # Errors
    ///
    /// As [`files::create`].
    pub fn begin(target: &Path, mode: u32) -> Result<Self, Refused> {
        Self::under_a_name(target, |temporary| files::create(temporary, mode))
    }

    /// As [`Self::begin`], with a temporary file without a name if the file system supports that, so that a
    /// killed process leaves no file behind.
    ///
    /// # Errors
    ///
    /// As [`files::create`].
    pub fn unnamed(target: &Path, mode: u32) -> Result<Self, Refused> {
        let Some(file) = nameless(target, mode & 0o600) else { return Self::begin(target, mode) };
        files::hand_over(&file, target)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        Ok(Self::of(file, name(target, 0), false, target))
    }

    /// As [`Self::begin`], keeping owner and mode of the replaced file. A new file gets its mode from the
    /// umask.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the target is no regular file, or if only root could keep its owner.
    pub fn keeping(target: &Path) -> Result<Self, Refused> {
        match fs::symlink_metadata(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
            Ok(old) => {
                files::regular(&old)?;
                let new = Self::unnamed(target, 0o600)?;
                keep(&new.file, &old)?;
                return Ok(new);
            }
        }
        if let Some(file) = nameless(target, 0o666) {
            files::hand_over(&file, target)?;
            return Ok(Self::of(file, name(target, 0), false, target));
        }
        Self::under_a_name(target, |temporary| {
            let options =
                OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(temporary);
            let file = options?;
            files::hand_over(&file, temporary)?;
            Ok(file)
        })
    }

    fn under_a_name(target: &Path, create: impl Fn(&Path) -> Result<File, Refused>) -> Result<Self, Refused> {
        for attempt in 0..ATTEMPTS {
            // The name is taken by a process with the same number in another container, or by a planted file:
            // try the next one.
            let temporary = name(target, attempt);
            match create(&temporary) {
                Err(Refused::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return Ok(Self::of(created?, temporary, true, target)),
            }
        }
        Err(Refused::Io(io::ErrorKind::AlreadyExists.into()))
    }

    fn of(file: File, temporary: PathBuf, named: bool, target: &Path) -> Self {
        Self { file, temporary, named, target: target.to_owned(), placed: false }
    }

    /// The temporary file.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Path of the temporary file; meaningless for a file without a name.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs the content, replaces the target, and syncs the directory.
    ///
    /// # Errors
    ///
    /// Errors of the system calls; the target is unchanged then.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.place()?;
        files::sync_directory(&self.target);
        Ok(())
    }

    /// As [`Self::commit`] without syncing, for content that may be lost in a crash of the machine.
    ///
    /// # Errors
    ///
    /// As [`Self::commit`].
    pub fn commit_unsynced(mut self) -> io::Result<()> {
        self.place()
    }

    fn place(&mut self) -> io::Result<()> {
        let mut attempt = 0;
        while !self.named {
            match disk::link_open(&self.file, &self.temporary) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {
                    attempt += 1;
                    self.temporary = name(&self.target, attempt);
                }
                linked => {
                    linked?;
                    self.named = true;
                }
            }
        }
        fs::rename(&self.temporary, &self.target)?;
        self.placed = true;
        Ok(())
    }

    /// As [`Self::commit`], but the target must not exist.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if it does; otherwise as [`Self::commit`].
    pub fn commit_new(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if self.named {
            disk::rename_new(&self.temporary, &self.target)?;
        } else {
            disk::link_open(&self.file, &self.target)?;
        }
        self.placed = true;
        files::sync_directory(&self.target);
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if self.named && !self.placed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Number of names that are tried for a temporary file.
const ATTEMPTS: u32 = 100;

/// A hidden name, so that a pattern for files like the target does not match it.
fn name(target: &Path, attempt: u32) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    files::directory(target).join(format!(".{name}.{}.{attempt}.tmp", std::process::id()))
}

/// Opens a file without a name; `None` if the file system cannot create one or link it later.
fn nameless(target: &Path, mode: u32) -> Option<File> {
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(mode).custom_flags(libc::O_TMPFILE);
    options.open(files::directory(target)).ok()
}

/// Copies owner and mode of another file.
fn keep(file: &File, old: &Metadata) -> Result<(), Refused> {
    let new = file.metadata()?;
    let mut mode = old.mode() & 0o777;
    if new.uid() != old.uid() {
        fchown(file, Some(old.uid()), None).map_err(|_| Refused::NotOurs(old.uid()))?;
    }
    // The caller is not a member of the group, so the group's permissions are dropped.
    if new.gid() != old.gid() && fchown(file, None, Some(old.gid())).is_err() {
        mode &= 0o707;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(())
}
