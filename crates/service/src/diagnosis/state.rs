//! Checks whether requests can be stored: files, permissions, free space and file system of the state store. No
//! file is opened for writing, so other processes can use the store meanwhile.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ohfp_platform::disk::{self, Kind};
use ohfp_platform::{files, sys};

use super::check::{Check, FAILED, OK, WARNING};

/// Free space, in bytes, below which SQLite cannot even write its journal.
const FULL: u64 = 256 * 1024;
/// Free space, in bytes, below which no reserve can be kept for returns.
const SCARCE: u64 = 20 << 20;
/// Free inodes below which a warning is given.
const FEW_INODES: u64 = 100;

/// Suffixes of the files beside the database.
const BESIDE: [&str; 5] = ["-wal", "-shm", "-journal", ".lock", ".reserve"];

/// Findings about the files and the directory of this database; `failed` where they prevent requests from being
/// stored.
pub(super) fn checks(database: &Path) -> Vec<Check> {
    let directory = files::directory(database);
    let (mut found, status) = rights(directory);
    if let Some(status) = &status {
        if is_complete(database) {
            // All files exist, so requests can be stored; creating further files is impossible.
            for check in &mut found {
                check.status = WARNING;
            }
        }
        let beside = BESIDE.map(|suffix| beside(database, suffix));
        found
            .extend([database.to_owned()].iter().chain(&beside).filter_map(|file| file_rights(file, status)));
    }
    let existing = directory.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    found.extend(room(existing));
    found.extend(file_system(existing));
    found
}

/// Whether all files exist that a request needs.
fn is_complete(database: &Path) -> bool {
    let exists = |suffixes: &[&str]| suffixes.iter().all(|suffix| beside(database, suffix).exists());
    exists(&["", ".lock"]) && (exists(&["-wal", "-shm"]) || exists(&["-journal"]))
}

/// Messages for what prevents requests from being stored.
pub(super) fn problems(database: &Path) -> Vec<String> {
    let failed = checks(database).into_iter().filter(|check| check.status == FAILED);
    failed.map(|check| check.detail).collect()
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn failed(detail: String, fix: String) -> Check {
    Check { what: "store", status: FAILED, detail, fix: Some(fix) }
}

/// Name or number of the account that this process runs under.
fn me() -> String {
    match sys::effective_user() {
        0 => "root".to_owned(),
        user => format!("user {user}"),
    }
}

/// Checks whether files, or the directory itself, can be created; also gives the status of the directory.
fn rights(directory: &Path) -> (Vec<Check>, Option<Metadata>) {
    let shown = directory.display();
    let refused = |what: String, at: &Path, error: &io::Error| {
        let fix = match fs::metadata(at) {
            Ok(above)
                if error.kind() == io::ErrorKind::PermissionDenied
                    && above.uid() != sys::effective_user() =>
            {
                format!(
                    "run as user {}, who owns `{}`, or name another directory in OHFP_STATE_DIR",
                    above.uid(),
                    at.display()
                )
            }
            _ => format!(
                "make `{}` writable for {}, or name another directory in OHFP_STATE_DIR",
                at.display(),
                me()
            ),
        };
        vec![failed(format!("{what}: {error}"), fix)]
    };
    match fs::metadata(directory) {
        Ok(status) if !status.is_dir() => {
            let fix = "name a directory in OHFP_STATE_DIR".to_owned();
            (vec![failed(format!("`{shown}` is no directory"), fix)], None)
        }
        Ok(status) => match disk::may_create_in(directory) {
            Ok(()) => (Vec::new(), Some(status)),
            Err(error) => {
                (refused(format!("{} cannot write to `{shown}`", me()), directory, &error), Some(status))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = directory.ancestors().skip(1).find(|path| path.exists()).unwrap_or(Path::new("/"));
            let created = if above.is_dir() {
                disk::may_create_in(above)
            } else {
                Err(io::ErrorKind::NotADirectory.into())
            };
            let found =
                created.err().map(|error| refused(format!("`{shown}` cannot be created"), above, &error));
            (found.unwrap_or_default(), None)
        }
        Err(error) => {
            let above = directory.ancestors().skip(1).find(|path| path.exists()).unwrap_or(Path::new("/"));
            (refused(format!("`{shown}` cannot be looked at"), above, &error), None)
        }
    }
}

/// What prevents this process, or the owner of the directory, from writing a file of the store; `None` if they can.
fn file_rights(file: &Path, directory: &Metadata) -> Option<Check> {
    let status = fs::symlink_metadata(file).ok()?;
    let shown = file.display();
    let chown = format!("chown {}:{} '{shown}'", directory.uid(), directory.gid());
    if let Err(refused) = files::trust(&status, file) {
        let fix = match refused {
            files::Refused::Owner(_) => chown,
            files::Refused::Writable(_) => format!("chmod go-w '{shown}'"),
            files::Refused::HardLinks(_) => format!("remove the other names of `{shown}`"),
            _ => format!("move `{shown}` away, and put the file itself in its place"),
        };
        return Some(failed(format!("`{shown}` is not used: {refused}"), fix));
    }
    if let Err(error) = disk::may_write(file) {
        let fix = match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem => "mount the file system for writing".to_owned(),
            _ if status.uid() == directory.uid() && status.uid() != sys::effective_user() => {
                format!("run as user {}, who owns the store", status.uid())
            }
            _ if status.uid() == directory.uid() => format!("chmod u+rw '{shown}'"),
            _ => chown,
        };
        return Some(failed(format!("{} cannot write `{shown}`: {error}", me()), fix));
    }
    // Root can write anything, but the account of Host Factory cannot.
    let owner = directory.uid();
    let is_for_owner = status.uid() == owner || status.mode() & 0o020 != 0 && status.gid() == directory.gid();
    (owner != 0 && !is_for_owner).then(|| {
        failed(
            format!(
                "`{shown}` belongs to user {}, so user {owner}, who owns the directory, cannot write it",
                status.uid()
            ),
            chown,
        )
    })
}

fn room(directory: &Path) -> Option<Check> {
    let space = disk::space(directory).ok()?;
    let shown = directory.display();
    let (status, what) = match space.free_inodes {
        Some(0) => (FAILED, "no file can be created".to_owned()),
        Some(inodes) if inodes < FEW_INODES => (WARNING, format!("only {inodes} more files can be created")),
        _ if space.free_bytes < FULL => (FAILED, format!("{} KiB are free", space.free_bytes / 1024)),
        _ if space.free_bytes < SCARCE => {
            (WARNING, format!("{} MiB are free, too few to keep room for returns", space.free_bytes >> 20))
        }
        _ => {
            let detail = format!("{} MiB are free", space.free_bytes >> 20);
            return Some(Check { what: "disk", status: OK, detail, fix: None });
        }
    };
    let fix = Some(format!("free some space on the file system of `{shown}`"));
    Some(Check { what: "disk", status, detail: format!("{what} on the file system of `{shown}`"), fix })
}

/// Warns about a temporary file system: state on it is lost with the container or at the next boot.
fn file_system(directory: &Path) -> Option<Check> {
    let gone = match disk::kind(directory).ok()? {
        Kind::Memory => "is in memory (tmpfs): requests and machines are lost at the next boot",
        Kind::Overlay => {
            "is a container's own layer (overlayfs): requests and machines are lost with the container"
        }
        Kind::Local | Kind::Other => return None,
    };
    Some(Check {
        what: "file system",
        status: WARNING,
        detail: format!("`{}` {gone}", directory.display()),
        fix: Some("mount a volume there, or name a directory on one in OHFP_STATE_DIR".to_owned()),
    })
}
