//! Traces of an older store without a database: the store counts as missing, and no new one is created.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_platform::files::{self, Access, Refused, Replacement};

use crate::paths::{self, BACKUP_SUFFIX, JOURNAL_SUFFIX, LOCK_SUFFIX, REPLACED_SUFFIX, WAL_SUFFIX};
use crate::watermark::Watermark;

/// Traces of a store outside its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// A file outside the directory of the database, written when the store is created. It is there when the
    /// file system of the database is not.
    pub marker: Option<PathBuf>,
    /// Other files of this instance, which exist only once there was a store.
    pub companions: Vec<PathBuf>,
    /// The log, which names requests once there were some.
    pub log: Option<PathBuf>,
}

/// How a line of the log names a request that was taken.
const NAMED: &[u8] = br#""request":"re"#;

/// How much of the log is looked through, in bytes.
const LOG_LIMIT: u64 = 64 << 20;

impl Traces {
    /// What speaks of an older store than the one that is about to be created, in the words of a message.
    pub(crate) fn found(&self, database: &Path) -> Vec<String> {
        let beside = leftovers(database).into_iter().map(|path| format!("`{}` is there", path.display()));
        let mut found: Vec<String> = beside.collect();
        let companions = self.companions.iter().filter(|path| exists(path));
        found.extend(companions.map(|path| format!("`{}` is there", path.display())));
        if let Some(marker) = self.marker.as_ref().filter(|path| exists(path)) {
            found.push(format!("`{}` says that there was one", marker.display()));
        }
        if let Some(log) = self.log.as_ref().filter(|path| names_requests(path).unwrap_or(false)) {
            found.push(format!("the log `{}` names requests", log.display()));
        }
        found
    }

    /// The error where something speaks of an older store: starting anew would forget machines that cost money.
    pub(crate) fn must_be_new(&self, database: &Path) -> Result<()> {
        match self.found(database).into_iter().next() {
            None => Ok(()),
            Some(trace) => Err(missing(database).cause(trace)),
        }
    }

    /// Leaves the marker. That it cannot be written is no reason to do without a store.
    pub(crate) fn plant(&self, database: &Path) {
        let Some(marker) = &self.marker else { return };
        let text = format!(
            "The state store {} exists.\nIf it is missing, ohfp creates no new one in its place while this file is here; \
             `ohfp storage init` does.\n",
            database.display()
        );
        let planted = files::create_directories(files::directory(marker), 0o700)
            .map_err(Refused::from)
            .and_then(|()| Replacement::begin(marker, 0o600))
            .and_then(|mut new| {
                new.file().write_all(text.as_bytes())?;
                Ok(new.commit()?)
            });
        if let Err(error) = planted {
            tracing::debug!(path = %marker.display(), %error, "cannot note that the state store exists");
        }
    }

    /// Leaves the marker where it is not there any more.
    pub(crate) fn keep(&self, database: &Path) {
        if self.marker.as_ref().is_some_and(|marker| !exists(marker)) {
            self.plant(database);
        }
    }
}

/// The error for a missing store.
pub(crate) fn missing(database: &Path) -> Error {
    Error::new(
        ErrorKind::Damaged,
        format!("the state store is missing: there is no `{}`", database.display()),
    )
    .hint(
        "mount the file system that it lies on, or `ohfp storage restore` a backup; only if there never was one, \
         or it is lost for good, `ohfp storage init` creates an empty one, and `ohfp reconcile` finds its machines",
    )
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Files beside the database that only a store leaves behind.
pub(crate) fn leftovers(database: &Path) -> Vec<PathBuf> {
    // A journal of no length is what a transaction that is over leaves behind.
    let journals = [WAL_SUFFIX, JOURNAL_SUFFIX].map(|suffix| paths::beside(database, suffix));
    let mut found: Vec<PathBuf> = journals.into_iter().filter(|path| paths::size(path) > 0).collect();
    let lock = paths::beside(database, LOCK_SUFFIX);
    if speaks(&lock) {
        found.push(lock);
    }
    let Some(name) = database.file_name() else { return found };
    let prefixes = [BACKUP_SUFFIX, REPLACED_SUFFIX].map(|suffix| paths::beside(Path::new(name), suffix));
    let is_copy = |name: &OsStr| {
        let begins =
            |prefix: &PathBuf| name.as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes());
        prefixes.iter().any(begins)
    };
    let entries = fs::read_dir(files::directory(database)).into_iter().flatten().flatten();
    let copies = entries.filter(|entry| is_copy(&entry.file_name())).map(|entry| entry.path());
    let mut copies: Vec<PathBuf> = copies.collect();
    copies.sort();
    found.extend(copies.pop());
    found
}

/// Whether a lock file is of a store that was there as a whole. An empty one is what the first request makes.
fn speaks(lock: &Path) -> bool {
    let Ok(metadata) = fs::symlink_metadata(lock) else { return false };
    let Ok(file) = files::open(lock, Access::Read) else { return metadata.len() > 0 || !metadata.is_file() };
    match Watermark::read(&file) {
        Ok(Some(mark)) => !mark.creating,
        _ => metadata.len() > 0,
    }
}

fn names_requests(log: &Path) -> io::Result<bool> {
    let Ok(file) = files::open(log, Access::Read) else { return Ok(false) };
    let mut lines = BufReader::with_capacity(64 << 10, file.take(LOG_LIMIT));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if line.windows(NAMED.len()).any(|part| part == NAMED) {
            return Ok(true);
        }
        line.clear();
    }
    Ok(false)
}

/// The error for a request or a machine that only a store can know, where there is none.
pub(crate) fn unknown(database: &Path, what: &str) -> Error {
    missing(database).cause(format!("{what} was made with one"))
}
