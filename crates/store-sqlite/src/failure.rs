//! Errors of SQLite and of the file system, in the broker's terms.

use std::path::Path;

use ohfp_broker::{Error, ErrorKind};
use ohfp_platform::files::Refused;
use rusqlite::ErrorCode;

/// A failed step on the state store. `doing` completes "cannot … the state store".
pub(crate) fn sqlite(path: &Path, doing: &str, error: &rusqlite::Error) -> Error {
    let shown = path.display();
    match error.sqlite_error_code() {
        Some(_) if is_busy(error) => busy(path),
        Some(_) if is_wrong_checksum(error) => {
            damaged(path).cause("a page is not what was written there: its checksum is wrong")
        }
        Some(ErrorCode::DatabaseCorrupt) => damaged(path).cause(error),
        Some(ErrorCode::NotADatabase) => foreign(path, "it is not an SQLite database"),
        code => {
            let failure = Error::new(ErrorKind::System, format!("cannot {doing} the state store `{shown}`"))
                .cause(error);
            match code {
                Some(ErrorCode::DiskFull) => failure.hint("free some space; nothing was changed"),
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                    failure.hint("check owner and mode of the file and of its directory")
                }
                _ => failure,
            }
        }
    }
}

/// A failed step on a file.
pub(crate) fn io(step: &str, path: &Path, error: &std::io::Error) -> Error {
    let failure = Error::new(ErrorKind::System, format!("cannot {step} `{}`", path.display())).cause(error);
    match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            failure.hint("check owner and mode of the file and of its directory")
        }
        std::io::ErrorKind::StorageFull => failure.hint("free some space; nothing was changed"),
        _ => failure,
    }
}

/// Whether `sqlite/page_checksums.c` has refused a page.
fn is_wrong_checksum(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|failure| failure.extended_code == rusqlite::ffi::SQLITE_IOERR_DATA)
}

/// Whether another process blocks the step temporarily.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
    )
}

/// The error for a store that other processes keep busy for too long.
pub(crate) fn busy(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the state store `{}` is busy", path.display()))
        .hint("other processes are using it; try again")
}

/// The error for a file that is not a state store.
pub(crate) fn foreign(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Input, format!("`{}` is not a state store: {why}", path.display()))
        .hint("name another file, or move this one away")
}

/// The error for a damaged state store.
pub(crate) fn damaged(path: &Path) -> Error {
    Error::new(ErrorKind::Damaged, format!("the state store `{}` is damaged", path.display())).hint(
        "`ohfp storage validate` says what is wrong; `ohfp storage restore FILE` puts a backup in its place",
    )
}

/// A file that is not to be used as it is, by name.
pub(crate) fn untrusted(path: &Path, refused: &Refused) -> Error {
    let named =
        |kind: ErrorKind| Error::new(kind, format!("`{}` is not used", path.display())).cause(refused);
    match refused {
        Refused::Io(error) => io("open", path, error),
        Refused::Link | Refused::Kind(_) | Refused::HardLinks(_) => {
            named(ErrorKind::Input).hint("move it away, and put the file itself there")
        }
        Refused::Owner(_) | Refused::NotOurs(_) => {
            named(ErrorKind::System).hint("give it to the owner of its directory with chown")
        }
        Refused::Writable(_) => named(ErrorKind::System)
            .hint(format!("see that it was not changed; then chmod go-w '{}'", path.display())),
    }
}

/// A database that is a link to nothing: an empty store must not be made in the place where it leads.
pub(crate) fn dangling(database: &Path) -> Error {
    let to = std::fs::read_link(database).unwrap_or_default();
    Error::new(
        ErrorKind::Damaged,
        format!(
            "the state store `{}` is a link to `{}`, and that is missing",
            database.display(),
            to.display()
        ),
    )
    .hint("put the database itself there, not a link; or mount the file system that it lies on")
}

/// The disk has no room for what SQLite needs.
pub(crate) fn full(path: &Path) -> Error {
    Error::new(
        ErrorKind::System,
        format!("the disk is full: the state store `{}` cannot be opened", path.display()),
    )
    .hint("free some space; nothing was changed")
}

/// A change that contradicts what is stored; the caller has a fault.
pub(crate) fn refused(message: String) -> Error {
    Error::new(ErrorKind::Refused, message)
}
