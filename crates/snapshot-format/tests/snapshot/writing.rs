//! What the writer keeps once, counts and copies.

use ohfp_snapshot_format::open::IoPolicy;
use ohfp_snapshot_format::stamps::{StampsV1, halves};
use ohfp_snapshot_format::write::{Maker, PayloadWriter, restamp};
use ohfp_snapshot_format::{Snapshot, View};
use rkyv::util::AlignedVec;
use xxhash_rust::xxh3::xxh3_128;

use crate::{MAKER, c_path, directory, file, payload};

#[test]
fn equal_sections_share_their_place() {
    let mut writer = PayloadWriter::default();
    assert!(writer.is_empty());
    assert_eq!(writer.len(), 0);
    let first = writer.section("first", b"abc".to_vec());
    let second = writer.section("second", b"abcd".to_vec());
    assert_eq!(writer.section("again", b"abc".to_vec()), first);
    assert_ne!(first, second);
    assert_eq!([first.number(), second.number()], [0, 1]);
    assert_eq!(writer.len(), 7);
    assert!(!writer.is_empty());
}

/// The digest is that of the payload's bytes as they stand in the file; stamps and maker have no part in it.
#[test]
fn the_digest_is_of_the_payload_alone() {
    let payload = payload().finish().unwrap();
    let stamps = StampsV1 { root: b"/a/root/of/some/length".to_vec(), ..StampsV1::default() };
    let other = Maker { version: "a version longer than sixteen bytes", fingerprint: 1 };
    for (stamps, maker, sealed, version) in
        [(None, MAKER, true, "1.2.3"), (Some(&stamps), other, false, "a version longer")]
    {
        let mut out = Vec::new();
        assert_eq!(payload.write_to(&mut out, stamps, maker).unwrap(), out.len() as u64);
        let mut bytes = AlignedVec::<64>::new();
        bytes.extend_from_slice(&out);
        let view = View::new(&bytes).unwrap();
        assert_eq!(view.header.sealed(), sealed);
        assert_eq!(view.header.product_version(), version);
        assert_eq!(view.header.fingerprint, maker.fingerprint);
        assert_eq!(view.stamps().unwrap().root.as_slice(), stamps.map_or(&b""[..], |stamps| &stamps.root));
        let (_, behind) = out.split_at(usize::try_from(view.header.index.offset).unwrap());
        assert_eq!(xxh3_128(behind), payload.digest());
        assert_eq!(view.header.payload_digest, payload.digest());
    }
}

/// Other stamps, longer than those before, and nothing else is different.
#[test]
fn restamping_keeps_the_payload() {
    let directory = directory("restamp");
    let path = directory.join("snapshot");
    let before = StampsV1 { root: b"/etc".to_vec(), ..StampsV1::default() };
    let after = StampsV1 { root: [b'x'; 300].to_vec(), ..StampsV1::default() };
    std::fs::write(&path, file(Some(&before))).unwrap();
    let snapshot = Snapshot::open(&c_path(&path), IoPolicy::Read).unwrap();
    let mut out = Vec::new();
    assert_eq!(restamp(&mut out, &snapshot, &after).unwrap(), out.len() as u64);
    assert!(out == file(Some(&after)), "a restamped snapshot is one that was written with those stamps");
    std::fs::remove_dir_all(directory).unwrap();
}

/// What leaves the answers to the full program stays with the payload, whatever its stamps.
#[test]
fn a_timed_snapshot_stays_timed() {
    let directory = directory("timed");
    let path = directory.join("snapshot");
    let stamps = StampsV1 { root: b"/etc".to_vec(), ..StampsV1::default() };
    for timed in [false, true] {
        let mut writer = payload();
        writer.timed(timed);
        let payload = writer.finish().unwrap();
        for stamped in [None, Some(&stamps)] {
            let mut out = Vec::new();
            payload.write_to(&mut out, stamped, MAKER).unwrap();
            std::fs::write(&path, &out).unwrap();
            let snapshot = Snapshot::open(&c_path(&path), IoPolicy::Read).unwrap();
            assert_eq!((snapshot.header.timed(), snapshot.header.sealed()), (timed, stamped.is_none()));
            let mut again = Vec::new();
            restamp(&mut again, &snapshot, &stamps).unwrap();
            std::fs::write(&path, &again).unwrap();
            let snapshot = Snapshot::open(&c_path(&path), IoPolicy::Read).unwrap();
            assert_eq!((snapshot.header.timed(), snapshot.header.sealed()), (timed, false));
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn digests_are_kept_in_halves() {
    assert_eq!(
        halves(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
        [0x8899_aabb_ccdd_eeff, 0x0011_2233_4455_6677]
    );
}
