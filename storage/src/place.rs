//! The files of a state store: the database, its lock, and what lies beside it.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};

use crate::failure;

/// For the owner to write and the group to read, so that operators in the group can look; what the file
/// creation mask takes away is taken away.
pub(crate) const FILE_MODE: u32 = 0o640;
const DIRECTORY_MODE: u32 = 0o750;

/// Whose turn it is to write.
pub(crate) const LOCK_SUFFIX: &str = ".lock";
/// A database that is being made.
pub(crate) const NEW_SUFFIX: &str = ".new";
/// Committed transactions that are not in the database file yet.
pub(crate) const WAL_SUFFIX: &str = "-wal";
/// A transaction that was cut short in a rollback journal.
pub(crate) const JOURNAL_SUFFIX: &str = "-journal";
/// What was put aside before a migration; anything that begins like this counts as a backup.
pub(crate) const BACKUP_SUFFIX: &str = ".backup";

/// A path with something appended to its last part.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The directory of a file.
pub(crate) fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Looks at the file before SQLite does, which takes an empty file for an empty database. Nothing when there
/// is no file.
///
/// It must not be opened here, nor anywhere but in SQLite: closing it would take away the locks that
/// connections of this process hold.
pub(crate) fn inspect(database: &Path) -> Result<Option<Metadata>> {
    let metadata = match fs::metadata(database) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        looked => looked.map_err(|error| failure::io("open", database, &error))?,
    };
    if metadata.is_dir() {
        return Err(failure::foreign(database, "it is a directory"));
    }
    if !metadata.is_file() {
        return Err(failure::foreign(database, "it is not a regular file"));
    }
    if metadata.len() == 0 {
        return Err(failure::damaged(database).cause("the file is empty"));
    }
    Ok(Some(metadata))
}

/// A database that is missing although its other files are there was lost: starting anew would forget
/// machines that cost money.
pub(crate) fn must_be_new(database: &Path) -> Result<()> {
    if fs::symlink_metadata(database).is_ok() {
        let to = fs::read_link(database).unwrap_or_default();
        return Err(Error::new(
            ErrorKind::Damaged,
            format!(
                "the state store `{}` is a link to `{}`, and that is missing",
                database.display(),
                to.display()
            ),
        )
        .hint("put the database back, or mount the file system that it lies on"));
    }
    let Some(leftover) = leftover(database) else { return Ok(()) };
    Err(Error::new(
        ErrorKind::Damaged,
        format!("the state store `{}` is missing, but `{}` is there", database.display(), leftover.display()),
    )
    .hint("put the database or a backup back; or, to start with an empty store, move that file away"))
}

fn leftover(database: &Path) -> Option<PathBuf> {
    let known = [WAL_SUFFIX, JOURNAL_SUFFIX].map(|suffix| beside(database, suffix));
    // A journal of no length is what a transaction that is over leaves behind.
    let holds_something = |path: &PathBuf| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
    if let Some(found) = known.into_iter().find(holds_something) {
        return Some(found);
    }
    let prefix = beside(Path::new(database.file_name()?), BACKUP_SUFFIX);
    let is_backup = |name: &OsStr| {
        name.as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes())
            && !name.as_encoded_bytes().ends_with(NEW_SUFFIX.as_bytes())
    };
    let entries = fs::read_dir(directory(database)).ok()?;
    let mut backups: Vec<PathBuf> =
        entries.flatten().filter(|entry| is_backup(&entry.file_name())).map(|entry| entry.path()).collect();
    backups.sort();
    backups.pop()
}

/// The write-ahead log, to wait until it is on the disk. Unlike the database it may be opened anywhere: SQLite
/// holds no locks on it.
pub(crate) fn open_log(database: &Path) -> Result<File> {
    let log = beside(database, WAL_SUFFIX);
    File::open(&log).map_err(|error| failure::io("open", &log, &error))
}

/// Makes the directory of the database.
pub(crate) fn make_directory(database: &Path) -> Result<()> {
    let directory = directory(database);
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .map_err(|error| failure::io("create the directory", directory, &error))?;
    give_to_owner_of_directory(directory);
    Ok(())
}

/// What root makes by looking around must stay usable for the user that Host Factory runs as. SQLite does
/// the same for its own files.
pub(crate) fn give_to_owner_of_directory(path: &Path) {
    let (Ok(file), Ok(parent)) = (fs::metadata(path), fs::metadata(directory(path))) else { return };
    if file.uid() == 0 && parent.uid() != 0 {
        let _ = chown(path, Some(parent.uid()), Some(parent.gid()));
    }
}

/// Makes a rename or a removal last.
pub(crate) fn sync_directory(file: &Path) {
    // Some network file systems refuse to sync a directory; the rename is done all the same.
    let _ = File::open(directory(file)).and_then(|directory| directory.sync_all());
}
