//! The watermark in the lock file: the id of the store, and the last transaction that an answer may contain. A
//! database below it has lost transactions.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | `OHFPLCK1`, or `OHFPNEW1` while the store is being created |
//! | 8 | id of the store, 16 bytes |
//! | 24 | number of the last durable transaction |
//! | 32 | checksum of id and number |
//! | 40 | number of the last transaction that is in the database file for certain |
//! | 48 | the database file after the last checkpoint: inode number, time of its last change, size |
//! | 72 | checksum of id and the four before |
//!
//! Numbers have 64 bits, little endian. Nothing here is synced but at creation: after a power failure the number
//! may be older than the database, never newer, since it is written after the sync that made the transaction
//! durable. The rest is a shortcut; where it does not match, [`coherence`](crate::coherence) looks closer.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use xxhash_rust::xxh3::xxh3_64;

const MAGIC: [u8; 8] = *b"OHFPLCK1";
const CREATING: [u8; 8] = *b"OHFPNEW1";
const LENGTH: usize = 80;
const NUMBER_AT: u64 = 24;
const FILE_AT: u64 = 40;

/// Random bytes that tell one store from another.
pub(crate) type StoreId = [u8; 16];

/// What tells whether the database file is the one of the last checkpoint, untouched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileMark {
    inode: u64,
    /// Nanoseconds since 1970. It is the time of the last change of the inode, which no program can set.
    changed: u64,
    bytes: u64,
}

impl FileMark {
    pub(crate) fn of(file: &Metadata) -> Self {
        let nanos = file.ctime().wrapping_mul(1_000_000_000).wrapping_add(file.ctime_nsec());
        Self { inode: file.ino(), changed: nanos.cast_unsigned(), bytes: file.len() }
    }

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }
}

/// Content of the lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watermark {
    pub(crate) id: StoreId,
    /// The store is being created, or its creation was cut short: no request was stored yet.
    pub(crate) creating: bool,
    /// Number of the last durable transaction.
    pub(crate) number: u64,
    /// Number of the last transaction that is in the database file for certain.
    pub(crate) base: u64,
    /// The database file then.
    pub(crate) file: FileMark,
}

impl Watermark {
    /// Reads it; `None` where the file holds none that is whole.
    pub(crate) fn read(lock: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; LENGTH];
        // A number may be written this moment.
        for _ in 0..4 {
            let length = lock.read_at(&mut bytes, 0)?;
            if length < LENGTH {
                return Ok(None);
            }
            if let Some(mark) = Self::decode(&bytes) {
                return Ok(Some(mark));
            }
        }
        Ok(None)
    }

    fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let mut words = rest.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let mut word = || words.next();
        let (number, number_check) = (word()?, word()?);
        let (base, inode, changed, size, file_check) = (word()?, word()?, word()?, word()?, word()?);
        let creating = *magic == CREATING;
        let whole = (creating || *magic == MAGIC)
            && number_check == check(id, &[number])
            && file_check == check(id, &[base, inode, changed, size]);
        let file = FileMark { inode, changed, bytes: size };
        whole.then_some(Self { id: *id, creating, number, base, file })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = if self.creating { CREATING } else { MAGIC }.to_vec();
        bytes.extend(self.id);
        bytes.extend(number_cell(&self.id, self.number));
        bytes.extend(self.file_cell());
        bytes
    }

    fn file_cell(&self) -> Vec<u8> {
        let words = [self.base, self.file.inode, self.file.changed, self.file.bytes];
        let sum = check(&self.id, &words);
        words.iter().chain([&sum]).flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Writes all of it. The caller has the write lock.
    pub(crate) fn write(&self, lock: &File) -> io::Result<()> {
        lock.write_all_at(&self.encode(), 0)
    }

    /// Writes what is known of the database file. The caller has the write lock, and the file holds a watermark
    /// of this store.
    pub(crate) fn write_file(&self, lock: &File) -> io::Result<()> {
        lock.write_all_at(&self.file_cell(), FILE_AT)
    }
}

/// Raises the number of the last durable transaction, without the write lock: of two processes that write at the
/// same moment the lower number may stay, which only makes the next check milder.
pub(crate) fn raise(lock: &File, id: &StoreId, number: u64) -> io::Result<()> {
    lock.write_all_at(&number_cell(id, number), NUMBER_AT)
}

fn number_cell(id: &StoreId, number: u64) -> Vec<u8> {
    [number.to_le_bytes(), check(id, &[number]).to_le_bytes()].concat()
}

fn check(id: &StoreId, words: &[u64]) -> u64 {
    let bytes: Vec<u8> = id.iter().copied().chain(words.iter().flat_map(|word| word.to_le_bytes())).collect();
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_anything_else_is_none() {
        let lock = tempfile::tempfile().unwrap();
        assert_eq!(Watermark::read(&lock).unwrap(), None);
        let file = FileMark { inode: 3, changed: 4, bytes: 5 };
        let mut mark = Watermark { id: [7; 16], creating: true, number: 0, base: 0, file };
        mark.write(&lock).unwrap();
        assert_eq!(Watermark::read(&lock).unwrap(), Some(mark));
        mark = Watermark { creating: false, number: 9, base: 8, ..mark };
        mark.write(&lock).unwrap();
        raise(&lock, &mark.id, 12).unwrap();
        (mark.number, mark.base, mark.file.inode) = (12, 11, 77);
        mark.write_file(&lock).unwrap();
        assert_eq!(Watermark::read(&lock).unwrap(), Some(mark));
        for at in 0..LENGTH as u64 {
            let mut byte = [0];
            lock.read_at(&mut byte, at).unwrap();
            lock.write_all_at(&[byte[0] ^ 0x20], at).unwrap();
            assert_eq!(Watermark::read(&lock).unwrap(), None, "byte {at}");
            lock.write_all_at(&byte, at).unwrap();
        }
        lock.set_len(LENGTH as u64 - 1).unwrap();
        assert_eq!(Watermark::read(&lock).unwrap(), None);
    }
}
