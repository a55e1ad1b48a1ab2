//! New content for a file, which appears whole or not at all.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use crate::disk;
use crate::files::{self, Refused};

/// New content for a file: a temporary file in the same directory, which takes the file's place as a whole, or is
/// removed when dropped before that.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    temporary: PathBuf,
    /// Whether the temporary file has that name yet. Without one, it is gone when the process ends, however it does.
    named: bool,
    target: PathBuf,
    placed: bool,
}

impl Replacement {
    /// Begins; `target` stays as it is until [`Self::commit`]. The temporary file has a name, for code that opens it
    /// by that.
    ///
    /// # Errors
    ///
    /// As [`files::create`].
    pub fn begin(target: &Path, mode: u32) -> Result<Self, Refused> {
        Self::under_a_name(target, |temporary| files::create(temporary, mode))
    }

    /// The same with a file that has no name where the file system can do that, so that a killed process leaves
    /// nothing behind.
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

    /// The same with owner and mode of the file that is replaced. Where there is none, the file creation mask says
    /// the mode, as for any file that a person makes.
    ///
    /// # Errors
    ///
    /// [`Refused`] where the target is no regular file, or where only root can keep its owner.
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
            // A process of the same number in another container, or a planted file: then the next name.
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

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Where it is until then; of no use for a file without a name.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Syncs it, puts it in the place of the target, and makes that durable.
    ///
    /// # Errors
    ///
    /// What the system calls say; the target is as it was.
    pub fn commit(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.place()?;
        files::sync_directory(&self.target);
        Ok(())
    }

    /// The same without waiting for the disk: for what may be lost with a crash of the machine.
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

    /// As [`Self::commit`] where the target must not exist.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where it does; else as [`Self::commit`].
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

/// How many names for a temporary file are tried.
const ATTEMPTS: u32 = 100;

/// Hidden, so that a pattern for files like the target does not find it.
fn name(target: &Path, attempt: u32) -> PathBuf {
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    files::directory(target).join(format!(".{name}.{}.{attempt}.tmp", std::process::id()))
}

/// `None` where the file system has no files without a name, or none that could get one later.
fn nameless(target: &Path, mode: u32) -> Option<File> {
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(mode).custom_flags(libc::O_TMPFILE);
    options.open(files::directory(target)).ok()
}

/// Gives a file owner and mode of another.
fn keep(file: &File, old: &Metadata) -> Result<(), Refused> {
    let new = file.metadata()?;
    let mut mode = old.mode() & 0o777;
    if new.uid() != old.uid() {
        fchown(file, Some(old.uid()), None).map_err(|_| Refused::NotOurs(old.uid()))?;
    }
    // Of a group that the caller is not in, only the rights can be left out.
    if new.gid() != old.gid() && fchown(file, None, Some(old.gid())).is_err() {
        mode &= 0o707;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(())
}
