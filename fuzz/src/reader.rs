//! The reader: any bytes are refused, or every answer taken out of them is one that their own index
//! describes. Never a panic, never a byte from outside.

use std::ops::Range;

use ohfp_snapshot_format::header::{ALIGN, HEADER_LEN, MAGIC, RKYV_DESCRIPTOR};
use ohfp_snapshot_format::index::{ArchivedIndexV1, RECORD_ENTRY, Record};
use ohfp_snapshot_format::verify;
use ohfp_snapshot_format::{FORMAT_VERSION, Refusal, View};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Bytes that start at a multiple of [`ALIGN`], as those of a file do.
pub(crate) struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub(crate) fn new(content: &[u8]) -> Self {
        let align = usize::try_from(ALIGN).expect("a small number");
        let mut bytes = vec![0; content.len() + align];
        let start = bytes.as_ptr().align_offset(align);
        bytes[start..start + content.len()].copy_from_slice(content);
        Self { bytes, start, len: content.len() }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

/// The last byte says what is mended before the bytes are read: nothing, so that the checksums stand in
/// the way; or the checksums too, so that what lies behind them is reached.
pub fn check(bytes: &[u8]) {
    let Some((mode, content)) = bytes.split_last() else { return };
    let mut file = Aligned::new(content);
    if mode & 1 != 0 {
        mend_header(file.as_mut_slice());
        mend_extents(file.as_mut_slice());
    }
    if mode & 2 != 0 {
        mend_sections(file.as_mut_slice());
        mend_extents(file.as_mut_slice());
    }
    // Being refused is right.
    let _refused = read(file.as_slice()).err();
}

fn read(bytes: &[u8]) -> Result<(), Refusal> {
    let view = View::new(bytes)?;
    let sound = verify::every_byte(&view);
    if let Ok(stamps) = view.stamps() {
        let inside = |part: &[u8]| part.is_empty() || within(bytes, part);
        assert!(inside(stamps.root.as_slice()));
        for file in stamps.files.iter() {
            assert!(inside(file.path.as_slice()));
            let _ = file.present.as_ref().map(|present| present.mtime_ns.to_native());
        }
        for variable in stamps.variables.iter() {
            assert!(inside(variable.name.as_bytes()));
            let _ = variable.is(Some(b"x"));
        }
    }
    let contents = view.contents()?;
    let index = contents.index;
    for number in 0..u32::try_from(index.sections.len()).unwrap_or(u32::MAX) {
        let section = contents.section(number);
        assert!(sound.is_err() || section.is_ok(), "verified, but section {number} is refused");
        if let Ok(part) = section {
            assert!(part.is_empty() || within(bytes, part));
        }
    }
    let _ = contents.names().map(Iterator::count);
    let keys = index.answers.iter().map(|answer| index.text(&answer.key)).chain([&b"--help"[..], b""]);
    for key in keys {
        for styled in [false, true] {
            check_answer(bytes, sound, contents.answer(key, || styled));
        }
    }
    for list in index.lists.iter() {
        for (offset, limit) in
            [(0, None), (1, Some(1)), (0, Some(u64::MAX)), (u64::MAX, Some(1)), (u64::MAX - 1, None)]
        {
            let page = contents.page(index.text(&list.key), offset, limit, || true);
            check_answer(bytes, Err(Refusal::Index), page);
        }
    }
    for show in index.shows.iter() {
        for id in [&b"a"[..], b"b", b"", b"\xff"] {
            let mut buffer = [0; 64];
            let shown = contents.show(id, index.text(&show.format), || false, &mut buffer);
            if let Ok(Some([head, record, tail])) = shown {
                // It certifies itself: some directory entry of this id says so.
                let directory = contents.section(show.records.to_native()).unwrap_or_default();
                let known = (0..directory.len() / RECORD_ENTRY)
                    .filter_map(|number| Record::read(directory, number))
                    .any(|entry| entry.check == xxh3_64_with_seed(record, xxh3_64(id)));
                assert!(known || directory.is_empty(), "a record that no entry certifies");
                for part in [head, record, tail] {
                    assert!(part.is_empty() || within(bytes, part));
                }
            }
        }
    }
    Ok(())
}

fn check_answer(bytes: &[u8], sound: Result<(), Refusal>, answer: Result<Option<[&[u8]; 3]>, Refusal>) {
    match answer {
        Ok(Some(parts)) => assert!(parts.iter().all(|part| part.is_empty() || within(bytes, part))),
        Ok(None) => {}
        // A number that names no section is seen only when it is followed.
        Err(refusal) => assert!(sound.is_err() || refusal == Refusal::Index, "verified, but {refusal}"),
    }
}

fn within(bytes: &[u8], part: &[u8]) -> bool {
    let (all, part) = (bytes.as_ptr_range(), part.as_ptr_range());
    all.start <= part.start && part.end <= all.end
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at.saturating_add(value.len())) {
        place.copy_from_slice(value);
    }
}

/// Magic, version, lengths; the checksum comes with the extents.
fn mend_header(bytes: &mut [u8]) {
    let len = bytes.len() as u64;
    put(bytes, 0, &MAGIC);
    put(bytes, 8, &FORMAT_VERSION.to_le_bytes());
    put(bytes, 12, &256_u32.to_le_bytes());
    put(bytes, 16, &RKYV_DESCRIPTOR.to_le_bytes());
    put(bytes, 40, &len.to_le_bytes());
}

/// The checksums of stamps and index, and that of the header.
fn mend_extents(bytes: &mut [u8]) {
    for at in [48, 72] {
        if let Some(part) = extent(bytes, at) {
            let check = xxh3_64(&bytes[part]);
            put(bytes, at + 16, &check.to_le_bytes());
        }
    }
    if let Some(head) = bytes.get(..HEADER_LEN - 8) {
        let check = xxh3_64(head);
        put(bytes, HEADER_LEN - 8, &check.to_le_bytes());
    }
}

fn extent(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let number = |at: usize| {
        let field = bytes.get(at..at + 8)?;
        usize::try_from(u64::from_le_bytes(field.try_into().ok()?)).ok()
    };
    let start = number(at)?;
    let end = start.checked_add(number(at + 8)?)?;
    (end <= bytes.len()).then_some(start..end)
}

/// The checksum of every section, in the index.
fn mend_sections(bytes: &mut [u8]) {
    let mut mended: Vec<(usize, u64)> = Vec::new();
    if let Ok(view) = View::new(bytes)
        && let Ok(contents) = view.contents()
    {
        let index: &ArchivedIndexV1 = contents.index;
        let base = bytes.as_ptr().addr();
        let sections = usize::try_from(view.header.sections_offset()).unwrap_or(usize::MAX);
        for section in index.sections.iter() {
            let start =
                usize::try_from(section.offset.to_native()).ok().and_then(|at| at.checked_add(sections));
            let end = start
                .zip(usize::try_from(section.len.to_native()).ok())
                .and_then(|(at, len)| at.checked_add(len));
            if let Some(part) = start.zip(end).and_then(|(start, end)| bytes.get(start..end)) {
                mended.push((core::ptr::from_ref(&section.check).addr() - base, xxh3_64(part)));
            }
        }
    }
    for (at, check) in mended {
        put(bytes, at, &check.to_le_bytes());
    }
}
