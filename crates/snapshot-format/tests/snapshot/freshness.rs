//! A stamp is kept or not: each thing that it remembers of a file, and each state of a variable.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ohfp_snapshot_format::stamps::{FileV1, PresentV1, StampsV1, VariableV1, digest};
use ohfp_snapshot_format::{Refusal, View, fresh};
use rkyv::util::AlignedVec;
use xxhash_rust::xxh3::xxh3_64;

use crate::{c_path, directory, file};

const ROOT: &[u8] = b"/etc/ohfp";

fn check(stamps: &StampsV1, root: Option<&[u8]>, variable: Option<&[u8]>) -> Result<(), Refusal> {
    let mut bytes = AlignedVec::<64>::new();
    bytes.extend_from_slice(&file(Some(stamps)));
    let view = View::new(&bytes).unwrap();
    fresh::check(view.stamps().unwrap(), root, &|name| if name == "SEEN" { variable } else { None })
}

fn stamp(path: &Path, present: Option<PresentV1>) -> StampsV1 {
    let path = c_path(path).into_bytes_with_nul();
    StampsV1 { root: ROOT.to_vec(), files: vec![FileV1 { path, present }], variables: Vec::new() }
}

#[test]
fn a_file_is_as_it_was_when_nothing_that_stat_tells_has_changed() {
    let directory = directory("freshness");
    let path = directory.join("input.json");
    fs::write(&path, "{}").unwrap();
    let found = fs::metadata(&path).unwrap();
    let ns = |seconds: i64, rest: i64| seconds * 1_000_000_000 + rest;
    let same = || PresentV1 {
        size: 2,
        mtime_ns: ns(found.mtime(), found.mtime_nsec()),
        ctime_ns: ns(found.ctime(), found.ctime_nsec()),
        inode: found.ino(),
        digest: digest(b"{}"),
    };
    let stale = Err(Refusal::StaleFile(0));
    for (present, expected, what) in [
        (same(), Ok(()), "nothing"),
        (PresentV1 { size: 3, ..same() }, stale, "size"),
        (PresentV1 { mtime_ns: same().mtime_ns + 1, ..same() }, stale, "mtime"),
        (PresentV1 { ctime_ns: same().ctime_ns + 1, ..same() }, stale, "ctime"),
        (PresentV1 { inode: same().inode + 1, ..same() }, stale, "inode"),
        // Only the live program reads contents.
        (PresentV1 { digest: [0, 0], ..same() }, Ok(()), "digest"),
    ] {
        assert_eq!(check(&stamp(&path, Some(present)), Some(ROOT), None), expected, "{what} differs");
    }
    assert_eq!(check(&stamp(&path, None), Some(ROOT), None), stale, "the file has appeared");
    let missing = directory.join("missing.json");
    assert_eq!(check(&stamp(&missing, Some(same())), Some(ROOT), None), stale, "the file has gone");
    assert_eq!(check(&stamp(&missing, None), Some(ROOT), None), Ok(()), "there still is no file");

    // A directory is an input as well, while its numbers are the same.
    let found = fs::metadata(&directory).unwrap();
    let in_place = PresentV1 {
        size: found.size(),
        mtime_ns: ns(found.mtime(), found.mtime_nsec()),
        ctime_ns: ns(found.ctime(), found.ctime_nsec()),
        inode: found.ino(),
        digest: [0, 0],
    };
    assert_eq!(check(&stamp(&directory, Some(in_place)), Some(ROOT), None), Ok(()), "a directory");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_path_that_no_system_call_takes_is_damage() {
    let mut stamps = stamp(Path::new("/"), None);
    for path in [b"/etc/x".to_vec(), b"/etc\0/x\0".to_vec(), Vec::new()] {
        stamps.files = vec![FileV1 { path, present: None }];
        assert_eq!(check(&stamps, Some(ROOT), None), Err(Refusal::Stamps));
    }
}

#[test]
fn variables_and_the_root() {
    let with = |value: Option<&[u8]>| StampsV1 {
        root: ROOT.to_vec(),
        files: Vec::new(),
        variables: vec![
            VariableV1 { name: "UNSEEN".to_owned(), value: None },
            VariableV1 { name: "SEEN".to_owned(), value: value.map(xxh3_64) },
        ],
    };
    let stale = Err(Refusal::StaleVariable(1));
    for (then, now, expected) in [
        (None, None, Ok(())),
        (Some(b"aws".as_slice()), Some(b"aws".as_slice()), Ok(())),
        (Some(b""), Some(b""), Ok(())),
        (Some(b"aws"), Some(b"sim"), stale),
        (Some(b"aws"), None, stale),
        (None, Some(b""), stale),
    ] {
        assert_eq!(check(&with(then), Some(ROOT), now), expected, "{then:?} then, {now:?} now");
    }
    assert_eq!(check(&with(None), None, None), Err(Refusal::Root));
    assert_eq!(check(&with(None), Some(b"/etc/ohfp/"), None), Err(Refusal::Root));
}
