//! What is read from bytes alone: no file, no mapping, so that Miri can watch every access.
//! `cargo xtask miri` runs this; the other tests here open files, which Miri does not map.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

use ohfp_snapshot_format::{Refusal, View};
use rkyv::util::AlignedVec;
use xxhash_rust::xxh3::xxh3_64;

const GOLDEN: &[u8] = include_bytes!("../../../snapshots/golden/v1.snapshot");
const LIST: &[u8] = b"[\n{\"templateId\": \"a\"},\n{\"templateId\": \"b\"}\n]\n";
/// Miri takes a thousand times as long, so it sees every so many-th byte.
const STRIDE: usize = if cfg!(miri) { 61 } else { 1 };

/// Bytes as a file has them: from a multiple of 64 on.
fn aligned(bytes: &[u8]) -> AlignedVec<64> {
    let mut aligned = AlignedVec::new();
    aligned.extend_from_slice(bytes);
    aligned
}

/// Asks everything the golden archive knows. Each answer must be right, or refused, or not there.
fn ask(bytes: &[u8]) -> Result<usize, Refusal> {
    let view = View::new(bytes)?;
    let stamps = view.stamps()?;
    let _ = stamps.files.iter().map(|file| file.path.len()).sum::<usize>();
    let contents = view.contents()?;
    let mut buffer = [0; 64];
    let answers = [
        (contents.answer(b"--help", || false), b"help\n".as_slice()),
        (contents.answer(b"--help", || true), b"\x1b[1mhelp\x1b[0m\n"),
        (contents.answer(b"templates list\tjson", || false), LIST),
        (contents.page(b"templates list\tjson", 1, None, || false), b"[\n{\"templateId\": \"b\"}\n]\n"),
        (contents.show(b"a", b"json", || false, &mut buffer), b"{\"templateId\": \"a\"}\n"),
    ];
    let mut found = 0;
    for (parts, right) in answers {
        if let Ok(Some(parts)) = parts {
            assert_eq!(parts.concat(), right);
            found += 1;
        }
    }
    let names = contents.names()?.count();
    assert!(names > 0);
    Ok(found)
}

#[test]
fn the_golden_archive_is_read_from_bytes() {
    assert_eq!(ask(&aligned(GOLDEN)), Ok(5));
    assert_eq!(View::new(GOLDEN).unwrap().bytes(), GOLDEN);
}

#[test]
fn no_damage_changes_an_answer() {
    for at in (0..GOLDEN.len()).step_by(STRIDE) {
        for change in [0x01, 0x80, 0xff] {
            let mut damaged = aligned(GOLDEN);
            damaged[at] ^= change;
            // Being refused is right.
            let _refused = ask(&damaged).err();
        }
        assert!(ask(&aligned(&GOLDEN[..at])).is_err(), "{at} bytes are taken for a snapshot");
    }
}

/// Unaligned bytes are refused, not read.
#[test]
fn unaligned_bytes_are_refused() {
    for shift in 1..8 {
        let moved = aligned(&[&vec![0; shift][..], GOLDEN].concat());
        assert!(matches!(ask(&moved[shift..]), Err(Refusal::Stamps | Refusal::Index)), "{shift}");
    }
}

/// With forged checksums, spans that lead outside the file are still refused.
#[test]
fn archives_that_lie_lead_nowhere() {
    // Offset, length and checksum of stamps and index are at 48 and 72.
    let number = |bytes: &[u8], at: usize| {
        usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())).unwrap()
    };
    for extent in [48, 72] {
        let (start, len) = (number(GOLDEN, extent), number(GOLDEN, extent + 8));
        for at in (start..start + len).step_by(STRIDE) {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut lying = aligned(GOLDEN);
                lying[at] = value;
                let check = xxh3_64(&lying[start..start + len]);
                lying[extent + 16..extent + 24].copy_from_slice(&check.to_le_bytes());
                let check = xxh3_64(&lying[..248]);
                lying[248..256].copy_from_slice(&check.to_le_bytes());
                walk(&lying);
            }
        }
    }
}

/// Takes out whatever there is. Answers may be wrong by now, but not from elsewhere.
fn walk(bytes: &[u8]) {
    let inside = |part: &[u8]| {
        let (all, part) = (bytes.as_ptr_range(), part.as_ptr_range());
        assert!(part.is_empty() || all.start <= part.start && part.end <= all.end);
    };
    let Ok(view) = View::new(bytes) else { return };
    if let Ok(stamps) = view.stamps() {
        for file in stamps.files.iter() {
            inside(file.path.as_slice());
        }
        for variable in stamps.variables.iter() {
            inside(variable.name.as_bytes());
            let _same = variable.is(Some(b"aws"));
        }
    }
    let Ok(contents) = view.contents() else { return };
    for number in 0..u32::try_from(contents.index.sections.len()).unwrap() {
        inside(contents.section(number).unwrap_or_default());
    }
    let mut buffer = [0; 64];
    for parts in [
        contents.answer(b"--help", || true),
        contents.answer(b"templates list\tjson", || false),
        contents.page(b"templates list\tjson", 0, Some(1), || false),
        contents.show(b"b", b"json", || false, &mut buffer),
    ] {
        parts.ok().flatten().unwrap_or_default().into_iter().for_each(inside);
    }
}
