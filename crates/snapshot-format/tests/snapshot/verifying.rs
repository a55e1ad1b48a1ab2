//! Verification of whole snapshots: a change of any byte that counts is found.

use std::fs;

use ohfp_snapshot_format::index::Record;
use ohfp_snapshot_format::write::{PayloadWriter, SectionId};
use ohfp_snapshot_format::{Refusal, View, verify};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::contents::aligned;
use crate::{MAKER, directory, file, payload};

fn verified(bytes: &[u8]) -> Result<(), Refusal> {
    verify::every_byte(&View::new(&aligned(bytes)).unwrap())
}

/// Behind the header; gaps, and what no answer needs, count as well.
#[test]
fn every_byte_that_counts_is_checked() {
    let whole = file(None);
    assert_eq!(verified(&whole), Ok(()));
    let payload = View::new(&aligned(&whole)).unwrap().header.index.offset;
    for at in (usize::try_from(payload).unwrap()..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert_eq!(verified(&damaged), Err(Refusal::Section), "byte {at}");
    }
}

/// Checksums that were made to fit: the record says something else than its directory.
#[test]
fn a_record_that_is_not_what_its_directory_says_is_found() {
    for (check, offset, len) in
        [(0, 0, 2), (xxh3_64_with_seed(b"{}", 7), 1, 2), (xxh3_64_with_seed(b"{}", 8), 0, 2)]
    {
        let mut writer = PayloadWriter::default();
        let body = writer.section("body", b"{}".to_vec());
        let record = Record { hash: 7, offset, len, check };
        let records = writer.section("records", record.to_bytes().to_vec());
        writer.show("json", [body, SectionId::NONE, SectionId::NONE, SectionId::NONE, records]);
        let mut out = Vec::new();
        writer.finish().unwrap().write_to(&mut out, None, MAKER).unwrap();
        assert_eq!(verified(&out), Err(Refusal::Section), "{record:?}");
    }
}

#[test]
fn the_digest_of_a_file_is_that_of_its_payload() {
    let directory = directory("digest");
    let path = directory.join("a.snapshot");
    let payload = payload().finish().unwrap();
    let mut bytes = Vec::new();
    payload.write_to(&mut bytes, None, MAKER).unwrap();
    let digest = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        verify::digest_of_file(&path).map_err(|error| error.to_string())
    };
    assert_eq!(digest(&bytes), Ok(payload.digest()));
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    assert!(digest(&bytes).is_ok_and(|digest| digest != payload.digest()));
    assert_eq!(digest(b"{}"), Err(Refusal::Truncated.to_string()));
    fs::remove_dir_all(directory).unwrap();
}
