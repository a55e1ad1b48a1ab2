//! The file that every process of a host appends its record to.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;
use std::path::Path;

use ohfp_platform::files::{self, Access, Refused};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::record::{MAGIC, ProcessRecord, SIZE};

/// Mode of the files: writable for their owner, readable for the group.
pub(crate) const MODE: u32 = 0o640;

/// Above this size in bytes nothing more is appended: records are folded long before, so something is in the way.
pub const LARGEST: u64 = 64 << 20;

/// Appends a record; gives the size of the file before that. The file stays open: the process ends next, and so it
/// costs a call less.
///
/// Three system calls where the file is there: open, status, write. Where it is not, it is created if `may_create` says so.
///
/// # Errors
/// [`Refused`] where the file is untrusted, cannot be written or may not be created; `FileTooLarge` above [`LARGEST`].
pub fn append(
    path: &Path,
    record: &ProcessRecord,
    may_create: impl FnOnce() -> bool,
) -> Result<u64, Refused> {
    let (file, size) = match files::append(path) {
        Err(refused) if refused.is_missing() && may_create() => {
            (files::open_or_create(path, Access::Append, MODE)?, 0)
        }
        opened => opened?,
    };
    if size > LARGEST {
        return Err(Refused::Io(io::ErrorKind::FileTooLarge.into()));
    }
    // One call, which the kernel does not interrupt: records of processes that end at once do not mix.
    (&*ManuallyDrop::new(file)).write_all(&record.to_bytes())?;
    Ok(size)
}

/// Whether an append was refused for the size of the file.
pub(crate) fn is_full(refused: &Refused) -> bool {
    matches!(refused, Refused::Io(error) if error.kind() == io::ErrorKind::FileTooLarge)
}

/// How far a file is folded into totals. A file is known by its first bytes, since inode numbers are used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Digest of the first record.
    pub first: u64,
    /// Bytes that are in the totals.
    pub offset: u64,
}

/// What a file holds behind its cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The records.
    pub records: Vec<ProcessRecord>,
    /// Bytes that are no record of this version, in units of records.
    pub skipped: u64,
    /// Where it ends; `None` for a file without a whole record.
    pub cursor: Option<Cursor>,
}

/// Reads what is behind the cursor of a file. A missing file is an empty one.
///
/// # Errors
/// [`Refused`] where the file is untrusted or cannot be read.
pub fn tail(path: &Path, cursors: &[Cursor]) -> Result<Tail, Refused> {
    let file = match files::open(path, Access::Read) {
        Err(refused) if refused.is_missing() => return Ok(Tail::default()),
        opened => opened?,
    };
    Ok(tail_of(file, cursors)?)
}

fn tail_of(mut file: File, cursors: &[Cursor]) -> io::Result<Tail> {
    let mut first = [0; SIZE];
    match file.read_exact(&mut first) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Tail::default()),
        read => read?,
    }
    let first = xxh3_64(&first);
    let known = cursors.iter().find(|cursor| cursor.first == first).map_or(0, |cursor| cursor.offset);
    // After a power failure a file may be shorter than it was.
    let size = file.metadata()?.len();
    let start = known.min(size);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LARGEST.saturating_add(SIZE as u64)).read_to_end(&mut bytes)?;
    let (records, skipped, used) = records(&bytes);
    Ok(Tail { records, skipped, cursor: Some(Cursor { first, offset: start + used as u64 }) })
}

/// The records in some bytes, how many others there are, and how many bytes that were: what may be the beginning of a
/// record is left for later.
fn records(bytes: &[u8]) -> (Vec<ProcessRecord>, u64, usize) {
    let (mut records, mut place, mut lost) = (Vec::with_capacity(bytes.len() / SIZE), 0, 0);
    while let Some(next) = bytes.get(place..place + SIZE) {
        let record = next.try_into().ok().and_then(ProcessRecord::from_bytes);
        let step = match record {
            Some(record) => {
                records.push(record);
                SIZE
            }
            // Torn or foreign: go on where the next record may begin.
            None => next
                .windows(MAGIC.len())
                .skip(1)
                .position(|four| four == MAGIC)
                .map_or_else(|| SIZE + 1 - MAGIC.len(), |found| found + 1),
        };
        if record.is_none() {
            lost += step;
        }
        place += step;
    }
    (records, lost.div_ceil(SIZE) as u64, place)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ohfp_broker::Timestamp;

    use super::*;

    fn record(number: i64) -> ProcessRecord {
        ProcessRecord { at: Timestamp::from_millis(number), ..ProcessRecord::default() }
    }

    fn bytes(numbers: &[i64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| record(*number).to_bytes()).collect()
    }

    fn numbers(records: &[ProcessRecord]) -> Vec<i64> {
        records.iter().map(|record| record.at.millis()).collect()
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        let torn = |number, length: usize| bytes(&[number])[..length].to_vec();
        for (parts, expected, skipped) in [
            (vec![], &[][..], 0),
            (vec![bytes(&[1, 2])], &[1, 2], 0),
            (vec![bytes(&[1]), torn(9, 50), bytes(&[2, 3])], &[1, 2, 3], 1),
            (vec![vec![0; 300], bytes(&[1])], &[1], 3),
            (vec![b"# a text that is no record at all".repeat(10), bytes(&[1, 2])], &[1, 2], 3),
            // The last one may be on its way.
            (vec![bytes(&[1]), torn(2, 127)], &[1], 0),
        ] {
            let (found, lost, _) = records(&parts.concat());
            assert_eq!((numbers(&found).as_slice(), lost), (expected, skipped), "{}", parts.len());
        }
    }

    #[test]
    fn a_cursor_says_what_is_known_already() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert_eq!(tail(&path, &[]).unwrap(), Tail::default());
        for number in [1, 2, 3] {
            append(&path, &record(number), || true).unwrap();
        }
        let all = tail(&path, &[]).unwrap();
        assert_eq!(numbers(&all.records), [1, 2, 3]);
        let cursor = all.cursor.unwrap();
        assert_eq!(append(&path, &record(4), || true).unwrap(), 3 * SIZE as u64);
        assert_eq!(numbers(&tail(&path, std::slice::from_ref(&cursor)).unwrap().records), [4]);
        // Another file in its place is read from its beginning.
        fs::write(&path, bytes(&[7, 8])).unwrap();
        assert_eq!(numbers(&tail(&path, &[cursor]).unwrap().records), [7, 8]);
    }

    #[test]
    fn nothing_is_appended_to_what_is_not_trusted_or_too_large() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), &path).unwrap();
        assert!(append(&path, &record(1), || true).is_err());
        assert!(!directory.path().join("elsewhere").exists());
        fs::remove_file(&path).unwrap();
        fs::File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(append(&path, &record(1), || true).is_err());
        assert!(append(&directory.path().join("no/log"), &record(1), || true).is_err());
        assert!(!directory.path().join("no").exists());
    }
}
