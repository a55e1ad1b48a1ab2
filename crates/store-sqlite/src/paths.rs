//! The files of a state store: the database, its lock, what lies beside it.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

use ohfp_broker::Result;
use ohfp_platform::files::{self, Access};

use crate::failure;

/// For the owner to write and the group to read, so that operators in the group can look.
pub(crate) const FILE_MODE: u32 = 0o640;
/// For the owner alone: a reader of the group that locks the file would stop every writer.
pub(crate) const LOCK_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o750;

/// The write lock, and the watermark in it.
pub(crate) const LOCK_SUFFIX: &str = ".lock";
/// Committed transactions that are not in the database file yet.
pub(crate) const WAL_SUFFIX: &str = "-wal";
/// The index of that log, shared by all processes.
pub(crate) const SHM_SUFFIX: &str = "-shm";
/// A transaction that was cut short in a rollback journal.
pub(crate) const JOURNAL_SUFFIX: &str = "-journal";
/// What was put aside before a migration; anything that begins like this counts as a backup.
pub(crate) const BACKUP_SUFFIX: &str = ".backup";
/// What `restore` or `init` put aside; a time follows.
pub(crate) const REPLACED_SUFFIX: &str = ".replaced-";
/// Room on the disk that is kept for returns.
pub(crate) const RESERVE_SUFFIX: &str = ".reserve";

/// A path with something appended to its last part.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The status of the database file, before SQLite opens it; `None` when there is no file. A link, a file that
/// is no regular one, and one that accounts of no business here may write are errors: SQLite would use them.
///
/// It must not be opened here, nor anywhere but in SQLite: closing it would take away the locks that
/// connections of this process hold.
pub(crate) fn inspect(database: &Path) -> Result<Option<Metadata>> {
    let Some(metadata) = status(database)? else { return Ok(None) };
    if metadata.is_symlink() && !database.exists() {
        return Err(failure::dangling(database));
    }
    files::trust(&metadata, database).map_err(|refused| failure::untrusted(database, &refused))?;
    if metadata.len() == 0 {
        return Err(failure::damaged(database).cause("the file is empty"));
    }
    Ok(Some(metadata))
}

/// The size in bytes of the write-ahead log, checked as the database is; `None` when there is none. The index of
/// the log and a rollback journal are checked too: SQLite opens whatever lies there.
pub(crate) fn inspect_log(database: &Path) -> Result<Option<u64>> {
    let mut log = None;
    for suffix in [WAL_SUFFIX, SHM_SUFFIX, JOURNAL_SUFFIX] {
        let path = beside(database, suffix);
        let Some(metadata) = status(&path)? else { continue };
        files::trust(&metadata, &path).map_err(|refused| failure::untrusted(&path, &refused))?;
        if suffix == WAL_SUFFIX {
            log = Some(metadata.len());
        }
    }
    Ok(log)
}

/// The status of a name, without following a link.
fn status(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        looked => looked.map(Some).map_err(|error| failure::io("open", path, &error)),
    }
}

/// Size of a file in bytes; 0 where there is none.
pub(crate) fn size(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |file| file.len())
}

/// The write-ahead log, to wait until it is on the disk. Unlike the database it may be opened anywhere: SQLite
/// holds no locks on it.
pub(crate) fn open_log(database: &Path) -> Result<File> {
    let log = beside(database, WAL_SUFFIX);
    files::open(&log, Access::Read).map_err(|refused| failure::untrusted(&log, &refused))
}

/// Makes the directory of the database.
pub(crate) fn make_directory(database: &Path) -> Result<()> {
    let directory = files::directory(database);
    files::create_directories(directory, DIRECTORY_MODE)
        .map_err(|error| failure::io("create the directory", directory, &error))
}
