//! Creation of a store.
//!
//! Before it has its name, the lock file says that it is being created, and after, that it was. So a process may
//! be killed anywhere, and a power failure may come: what is there then is a store, or nothing was.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ohfp_broker::Result;
use ohfp_platform::files;
use rusqlite::Connection;

use crate::connection::{self, Setup};
use crate::draft::Draft;
use crate::paths::{self, JOURNAL_SUFFIX, REPLACED_SUFFIX, SHM_SUFFIX, WAL_SUFFIX};
use crate::traces::Traces;
use crate::watermark::{FileMark, StoreId, Watermark};
use crate::{failure, identity, reserve, schema};

/// Makes an empty database in a draft and gives it its name, so that no process ever sees half of one. The
/// caller has the write lock; where there are no locks, the first of several processes wins.
pub(crate) fn create(path: &Path, setup: Setup, lock: &File, traces: &Traces) -> Result<()> {
    let draft = Draft::begin(path)?;
    let now = jiff::Timestamp::now().as_millisecond();
    let id = fill(&draft, setup, |connection, inode| identity::create(connection, inode, now))?;
    publish(
        draft,
        path,
        lock,
        Watermark { id, creating: true, number: 0, base: 0, file: FileMark::default() },
    )?;
    traces.plant(path);
    reserve::fill(path);
    Ok(())
}

/// Makes the schema and the row that says which store it is, then the journal.
fn fill(
    draft: &Draft,
    setup: Setup,
    identify: impl FnOnce(&Connection, u64) -> rusqlite::Result<StoreId>,
) -> Result<StoreId> {
    let path = draft.path();
    let connection = connection::open(path, Setup { read_only: false, ..setup })?;
    let failed = |error: rusqlite::Error| failure::sqlite(path, "create", &error);
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(failed)?;
    schema::migrate(&connection, 0).map_err(failed)?;
    let id = identify(&connection, draft.inode()?).map_err(failed)?;
    connection::close_whole(connection, setup.wal).map_err(failed)?;
    Ok(id)
}

/// Gives a whole database its name, and has the lock file speak of it before and after. `mark` says how far it
/// reaches.
pub(crate) fn publish(draft: Draft, path: &Path, lock: &File, mark: Watermark) -> Result<()> {
    let failed = |error: &io::Error| failure::io("create", path, error);
    draft.sync()?;
    let written =
        |mark: Watermark| mark.write(lock).and_then(|()| lock.sync_data()).map_err(|error| failed(&error));
    written(Watermark { creating: true, ..mark })?;
    match draft.place_new(path) {
        // Without locks, another process may have been faster. It writes what its database needs.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        placed => placed.map_err(|error| failed(&error))?,
    }
    let file = fs::symlink_metadata(path).map_err(|error| failed(&error))?;
    written(Watermark { creating: false, file: FileMark::of(&file), ..mark })
}

/// Writes the watermark of a database that has just been brought up to date, all of it in its file. The caller
/// has the write lock.
pub(crate) fn seal(path: &Path, connection: &Connection, lock: &File) -> Result<()> {
    let known = identity::known(path, connection)?;
    let file = fs::symlink_metadata(path).map(|file| FileMark::of(&file)).unwrap_or_default();
    let mark = Watermark { id: known.id, creating: false, number: known.number, base: 0, file };
    mark.write(lock).map_err(|error| failure::io("write the lock file of", path, &error))
}

/// Gives the files of a store other names, which begin alike, and with a time; the index of its log is removed.
/// Gives the new names. The caller has the write lock, and no connection.
pub(crate) fn set_aside(path: &Path) -> Result<Vec<String>> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    let kept = paths::beside(path, &format!("{REPLACED_SUFFIX}{time}"));
    let mut names = Vec::new();
    // The database first: without it the others are not used.
    for suffix in ["", WAL_SUFFIX, JOURNAL_SUFFIX] {
        let (from, to) = (paths::beside(path, suffix), paths::beside(&kept, suffix));
        if is_missing_or_empty(&from) && !suffix.is_empty() {
            remove(&from)?;
            continue;
        }
        match ohfp_platform::disk::rename_new(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            moved => {
                moved.map_err(|error| failure::io("rename", &from, &error))?;
                names.push(to.display().to_string());
            }
        }
    }
    remove(&paths::beside(path, SHM_SUFFIX))?;
    files::sync_directory(path);
    Ok(names)
}

fn is_missing_or_empty(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or(true, |file| file.is_file() && file.len() == 0)
}

fn remove(path: &PathBuf) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failure::io("remove", path, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without locks, another process may have given its database the name in between. That one stays, and it is no
    /// error to come second; anything else that keeps a draft from its name is one.
    #[test]
    fn a_name_that_is_taken_is_left_to_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let lock = File::create(directory.path().join("lock")).unwrap();
        let mark = Watermark {
            id: StoreId::default(),
            creating: true,
            number: 0,
            base: 0,
            file: FileMark::default(),
        };
        let draft = Draft::begin(&path).unwrap();
        fs::write(&path, "the first").unwrap();
        publish(draft, &path, &lock, mark).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the first");

        let elsewhere = directory.path().join("missing/state.db");
        let error = publish(Draft::begin(&path).unwrap(), &elsewhere, &lock, mark).unwrap_err();
        assert!(error.summary().contains("cannot create"), "{error}");
    }
}
