//! Verification of a whole snapshot, for those who have the time: readers check what they use, at each use.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed, xxh3_128};

use crate::index::{NONE, RECORD_ENTRY, Record};
use crate::open::{IoPolicy, Snapshot};
use crate::refusal::Refusal;
use crate::view::View;

/// Checks every byte: payload digest, stamps, index, sections, template records.
pub fn every_byte(snapshot: &View<'_>) -> Result<(), Refusal> {
    let start = usize::try_from(snapshot.header.index.offset).map_err(|_| Refusal::Index)?;
    let payload = snapshot.bytes().get(start..).ok_or(Refusal::Index)?;
    if xxh3_128(payload) != snapshot.header.payload_digest {
        return Err(Refusal::Section);
    }
    snapshot.stamps()?;
    let contents = snapshot.contents()?;
    let index = contents.index;
    for number in 0..u32::try_from(index.sections.len()).unwrap_or(NONE) {
        contents.section(number)?;
    }
    for show in index.shows.iter() {
        let directory = contents.section(show.records.to_native())?;
        let body = contents.section(show.body.to_native())?;
        for number in 0..directory.len() / RECORD_ENTRY {
            let record = Record::read(directory, number).ok_or(Refusal::Section)?;
            let bytes = record.bytes(body).ok_or(Refusal::Section)?;
            if xxh3_64_with_seed(bytes, record.hash) != record.check {
                return Err(Refusal::Section);
            }
        }
    }
    Ok(())
}

/// The digest of the payload in a file, which is read in pieces: a large snapshot is not in memory twice.
///
/// # Errors
/// What keeps the file from being read; a refused snapshot is [`io::ErrorKind::Other`] with its [`Refusal`].
pub fn digest_of_file(path: &Path) -> io::Result<u128> {
    let opened = Snapshot::open_path(path, IoPolicy::Auto);
    let snapshot = opened.map_err(|refusal| io::Error::other(refusal.to_string()))?;
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(snapshot.header.index.offset))?;
    let mut digest = Xxh3::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(digest.digest128()),
            len => digest.update(piece.get(..len).unwrap_or_default()),
        }
    }
}
