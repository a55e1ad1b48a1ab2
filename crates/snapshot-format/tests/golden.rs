//! The golden archive of format version 1: written again bit for bit, and readable for ever.
//!
//! It is not made from the product's own texts, so it changes with the format alone. A difference here
//! means a new format version with a golden archive of its own, never a new version 1.
#![cfg(feature = "write")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must say so")]

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

use ohfp_snapshot_format::index::Record;
use ohfp_snapshot_format::open::IoPolicy;
use ohfp_snapshot_format::stamps::{FileV1, PresentV1, StampsV1, VariableV1, digest};
use ohfp_snapshot_format::write::{Maker, PayloadWriter, SectionId};
use ohfp_snapshot_format::{Refusal, Snapshot, fresh};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const FINGERPRINT: u128 = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
const LIST: &[u8] = b"[\n{\"templateId\": \"a\"},\n{\"templateId\": \"b\"}\n]\n";

fn golden_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../snapshots/golden/v1.snapshot")
}

fn stamps() -> StampsV1 {
    StampsV1 {
        root: b"/etc/ohfp".to_vec(),
        files: vec![
            FileV1 { path: b"/etc/ohfp/config.json\0".to_vec(), present: None },
            FileV1 {
                path: b"/etc/ohfp/awsprov_templates.json\0".to_vec(),
                present: Some(PresentV1 {
                    size: 45,
                    mtime_ns: 1_700_000_000_123_456_789,
                    ctime_ns: 1_700_000_001_000_000_000,
                    inode: 42,
                    digest: digest(LIST),
                }),
            },
        ],
        variables: vec![
            VariableV1 { name: "HF_PROVIDER_NAME".to_owned(), value: Some(xxh3_64(b"aws")) },
            VariableV1 { name: "PROVIDER_NAME".to_owned(), value: None },
        ],
    }
}

fn written() -> Vec<u8> {
    let mut writer = PayloadWriter::default();
    let help = writer.section("help", b"help\n".to_vec());
    let styled = writer.section("help styled", b"\x1b[1mhelp\x1b[0m\n".to_vec());
    writer.styled_answer("--help", (SectionId::NONE, help), (SectionId::NONE, styled));
    let list = writer.section("list", LIST.to_vec());
    writer.answer("templates list\tjson", list);
    let (head, tail) = (writer.section("head", b"[\n".to_vec()), writer.section("tail", b"\n]\n".to_vec()));
    let places = [(2_u64, 19_u64), (23, 19)];
    let order =
        places.iter().flat_map(|(start, len)| [start.to_le_bytes(), len.to_le_bytes()].concat()).collect();
    let order = writer.section("order", order);
    writer.list("templates list\tjson", [list, head, head, tail, order]);
    let mut records: Vec<Record> = places
        .iter()
        .zip([b"a", b"b"])
        .map(|((offset, len), id)| {
            let hash = xxh3_64(id);
            let mut record = Record { hash, offset: *offset, len: *len, check: 0 };
            record.check = xxh3_64_with_seed(record.bytes(LIST).unwrap(), hash);
            record
        })
        .collect();
    records.sort_unstable();
    let records = writer.section("records", records.iter().flat_map(|record| record.to_bytes()).collect());
    let line_end = writer.section("line end", b"\n".to_vec());
    writer.show("json", [list, SectionId::NONE, SectionId::NONE, line_end, records]);
    writer.templates(2);
    let mut out = Vec::new();
    let maker = Maker { version: "0.1.0", fingerprint: FINGERPRINT };
    writer.finish().unwrap().write_to(&mut out, Some(&stamps()), maker).unwrap();
    out
}

fn open(path: &Path, access: IoPolicy) -> Result<Snapshot, Refusal> {
    Snapshot::open(&CString::new(path.to_str().unwrap()).unwrap(), access)
}

#[test]
fn the_golden_archive_is_reproduced_bit_for_bit() {
    let written = written();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden_path().parent().unwrap()).unwrap();
        fs::write(golden_path(), &written).unwrap();
    }
    assert!(fs::read(golden_path()).unwrap() == written, "the format has changed: that is a new version");
}

#[test]
fn the_golden_archive_is_read() {
    for access in [IoPolicy::Auto, IoPolicy::Map, IoPolicy::Read] {
        let snapshot = open(&golden_path(), access).unwrap();
        snapshot.expect_fingerprint(FINGERPRINT).unwrap();
        assert_eq!(snapshot.expect_fingerprint(1), Err(Refusal::Fingerprint));
        assert_eq!(snapshot.header.product_version(), "0.1.0");
        assert!(!snapshot.header.sealed());
        let contents = snapshot.contents().unwrap();
        let answer =
            |key: &[u8], styled| contents.answer(key, || styled).unwrap().map(|parts| parts.concat());
        assert_eq!(answer(b"--help", false).as_deref(), Some(b"help\n".as_slice()));
        assert_eq!(answer(b"--help", true).as_deref(), Some(b"\x1b[1mhelp\x1b[0m\n".as_slice()));
        assert_eq!(answer(b"templates list\tjson", true).as_deref(), Some(LIST));
        assert_eq!(answer(b"templates list", false), None);
        let show = |id: &[u8], format: &[u8]| {
            contents.show(id, format, || false, &mut [0; 64]).unwrap().map(|parts| parts.concat())
        };
        assert_eq!(show(b"b", b"json").as_deref(), Some(b"{\"templateId\": \"b\"}\n".as_slice()));
        assert_eq!(show(b"c", b"json"), None);
        assert_eq!(show(b"a", b"yaml"), None);
        let page = |offset, limit| {
            contents
                .page(b"templates list\tjson", offset, limit, || false)
                .unwrap()
                .map(|parts| parts.concat())
        };
        assert_eq!(page(1, None).as_deref(), Some(b"[\n{\"templateId\": \"b\"}\n]\n".as_slice()));
        assert_eq!(page(0, Some(9)).as_deref(), Some(LIST));
        assert_eq!(page(2, Some(1)), None);
    }
}

#[test]
fn stamps_compare_root_and_variables_before_files() {
    let snapshot = open(&golden_path(), IoPolicy::Auto).unwrap();
    let stamps = snapshot.stamps().unwrap();
    let check = |root: &[u8], name: Option<&'static [u8]>| {
        let get = |variable: &str| if variable == "HF_PROVIDER_NAME" { name } else { None };
        fresh::check(stamps, Some(root), &get)
    };
    assert_eq!(check(b"/etc/other", Some(b"aws")), Err(Refusal::Root));
    assert_eq!(check(b"/etc/ohfp", Some(b"other")), Err(Refusal::StaleVariable(0)));
    assert_eq!(check(b"/etc/ohfp", None), Err(Refusal::StaleVariable(0)));
    // The golden file's inputs do not exist on this machine as they were.
    assert_eq!(check(b"/etc/ohfp", Some(b"aws")), Err(Refusal::StaleFile(1)));
}

/// A change of each byte and every length: refused, or an answer that is right. `bytes.rs` tries more changes;
/// here each of them goes through a file.
#[test]
fn no_damage_changes_an_answer() {
    let whole = fs::read(golden_path()).unwrap();
    let directory = std::env::temp_dir().join(format!("ohfp-format-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("damaged.snapshot");
    let check = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let outcome = open(&path, IoPolicy::Read).and_then(|snapshot| {
            snapshot.expect_fingerprint(FINGERPRINT)?;
            snapshot.stamps()?;
            let contents = snapshot.contents()?;
            let mut buffer = [0; 64];
            let answers = [
                (contents.answer(b"--help", || false)?, b"help\n".as_slice()),
                (contents.answer(b"templates list\tjson", || false)?, LIST),
                (contents.show(b"a", b"json", || false, &mut buffer)?, b"{\"templateId\": \"a\"}\n"),
                (
                    contents.page(b"templates list\tjson", 1, None, || false)?,
                    b"[\n{\"templateId\": \"b\"}\n]\n",
                ),
            ];
            for (parts, expected) in answers {
                // No answer is right too: the live program has it.
                assert!(parts.is_none_or(|parts| parts.concat() == expected), "{what}");
            }
            Ok(())
        });
        // A refusal is right too.
        let _refused = outcome.err();
    };
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x80;
        check(&damaged, &format!("byte {at}"));
        check(&whole[..at], &format!("length {at}"));
    }
    fs::remove_dir_all(directory).unwrap();
}
