//! The cache file: magic, checksum, then the answers in the order of their last use.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `OHFPRES3`, the last one being the version of this format |
//! | 8 | XXH3-64 of the rest, seeded by the product version; little endian |
//! | – | for each answer: key, milliseconds since 1970, value, as bincode writes a tuple |
//!
//! A file of any other form, or one that another account can write, reads as empty.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bincode::config;
use ohfp_broker::{Error, ErrorKind, Result, Timestamp};
use ohfp_platform::files::{self, Access, Refused, Replacement};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::entries::{Entries, Entry};

pub(super) const MAGIC: [u8; 8] = *b"OHFPRES3";
/// Mode of the file: accessible for its owner alone.
const MODE: u32 = 0o600;
const HEADER: usize = MAGIC.len() + 8;

/// Temporary files older than this were left behind by killed processes.
const ABANDONED: Duration = Duration::from_mins(1);

/// Reads the answers; none if the file is missing, damaged, untrusted, or larger than `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> Vec<(String, Entry)> {
    content(path, limit).and_then(|bytes| parse(&bytes)).unwrap_or_default()
}

fn content(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let file = match files::open(path, Access::Read) {
        Ok(file) => file,
        Err(Refused::Io(_)) => return None,
        Err(refused) => {
            tracing::warn!(path = %path.display(), reason = %refused, "the result cache is not used");
            return None;
        }
    };
    let len = file.metadata().ok()?.len();
    let most = limit.saturating_add(HEADER as u64);
    if len > most {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).ok()?);
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Parses the bytes of a file; `None` if they are damaged.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<(String, Entry)>> {
    let (header, mut rest) = bytes.split_at_checked(HEADER)?;
    let (magic, sum) = header.split_at_checked(MAGIC.len())?;
    if magic != MAGIC || sum != checksum(rest) {
        return None;
    }
    let mut entries = Vec::new();
    while !rest.is_empty() {
        // Borrowed, so that a length from the file never becomes an allocation.
        let ((key, stored, value), used): ((&str, i64, &[u8]), usize) =
            bincode::borrow_decode_from_slice(rest, config::standard()).ok()?;
        let entry = Entry { stored: Timestamp::from_millis(stored), value: value.to_vec() };
        entries.push((key.to_owned(), entry));
        rest = rest.get(used..)?;
    }
    Some(entries)
}

/// Encodes the answers as the bytes of a file.
pub(super) fn compose(entries: &Entries) -> Result<Vec<u8>> {
    let mut bytes = [MAGIC, [0; 8]].concat();
    for (key, entry) in entries.iter() {
        let record = (key, entry.stored.millis(), entry.value.as_slice());
        bincode::encode_into_std_write(record, &mut bytes, config::standard())
            .map_err(|error| Error::new(ErrorKind::System, "cannot encode a cached answer").cause(error))?;
    }
    let sum = checksum(bytes.get(HEADER..).unwrap_or_default());
    if let Some(place) = bytes.get_mut(MAGIC.len()..HEADER) {
        place.copy_from_slice(&sum);
    }
    Ok(bytes)
}

/// Seeded with the product version, so that answers of another version count as damaged.
pub(super) fn checksum(payload: &[u8]) -> [u8; 8] {
    xxh3_64_with_seed(payload, xxh3_64(env!("CARGO_PKG_VERSION").as_bytes())).to_le_bytes()
}

/// Writes the file: temporary file in the same directory, then rename. No fsync: it would cost more than the
/// cache saves, and half a file after a crash of the machine is an empty cache. An untrusted file in its place
/// is left alone.
pub(super) fn write(path: &Path, entries: &Entries) -> Result<()> {
    let bytes = compose(entries)?;
    let written = || -> std::result::Result<(), Refused> {
        match fs::symlink_metadata(path) {
            Ok(there) => files::trust(&there, path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        let (directory, stem) = place(path)?;
        remove_abandoned(&directory, &stem);
        let mut new = Replacement::unnamed(path, MODE)?;
        new.file().write_all(&bytes)?;
        Ok(new.commit_unsynced()?)
    };
    written().map_err(|refused| {
        Error::new(ErrorKind::System, format!("cannot write the cache `{}`", path.display())).cause(refused)
    })
}

/// The directory of the file, and the prefix of its temporary files.
fn place(path: &Path) -> io::Result<(PathBuf, OsString)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut stem = OsString::from(".");
    stem.push(name);
    stem.push(".");
    Ok((directory.unwrap_or(Path::new(".")).to_owned(), stem))
}

/// Removes temporary files that killed processes left behind.
fn remove_abandoned(directory: &Path, stem: &OsString) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let middle = name
            .as_encoded_bytes()
            .strip_prefix(stem.as_encoded_bytes())
            .and_then(|rest| rest.strip_suffix(b".tmp"));
        let is_temporary = middle.is_some_and(|middle| {
            !middle.is_empty() && middle.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        });
        let is_old = || {
            let age = entry.metadata().and_then(|status| status.modified());
            age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= ABANDONED))
        };
        if is_temporary && is_old() {
            let _ = fs::remove_file(entry.path());
        }
    }
}
