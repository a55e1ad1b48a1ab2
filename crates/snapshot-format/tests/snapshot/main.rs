//! What the writer writes, as the reader hands it out: from bytes, from files, beside their inputs.
#![cfg(feature = "write")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must say so")]

mod contents;
mod freshness;
mod opening;
mod verifying;
mod writing;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ohfp_snapshot_format::index::Record;
use ohfp_snapshot_format::stamps::StampsV1;
use ohfp_snapshot_format::write::{Maker, PayloadWriter, SectionId};

const MAKER: Maker<'static> = Maker { version: "1.2.3", fingerprint: 77 };
/// Four records, with what stands between them in a list.
const BODY: &[u8] = b"one,two,three,four";
const PLACES: [(&[u8], u64, u64); 4] = [(b"1", 0, 3), (b"2", 4, 3), (b"3", 8, 5), (b"4", 14, 4)];

/// A payload with an answer of each kind: whose parts differ on a color terminal, and whose do not.
fn payload() -> PayloadWriter {
    let mut writer = PayloadWriter::default();
    let [plain, color] = ["plain", "color"].map(|text| writer.section(text, text.into()));
    let [head, color_head] = ["head ", "color head "].map(|text| writer.section(text, text.into()));
    let [tail, body] = [writer.section("tail", b" tail".to_vec()), writer.section("body", BODY.to_vec())];
    writer.answer("same", plain);
    writer.styled_answer("body", (head, plain), (head, color));
    writer.styled_answer("head", (head, plain), (color_head, plain));
    let order = PLACES.iter().flat_map(|(_, start, len)| [start.to_le_bytes(), len.to_le_bytes()].concat());
    let order = writer.section("order", order.collect());
    writer.list("list", [body, head, color_head, tail, order]);
    writer.list("list of one look", [body, SectionId::NONE, SectionId::NONE, tail, order]);
    let mut records = PLACES.map(|(id, offset, len)| {
        let (start, end) = (usize::try_from(offset).unwrap(), usize::try_from(offset + len).unwrap());
        Record::of(id, start, BODY.get(start..end).unwrap())
    });
    records.sort_unstable();
    let records = writer.section("records", records.iter().flat_map(|record| record.to_bytes()).collect());
    writer.show("yaml", [body, head, color_head, tail, records]);
    writer.show("json", [body, tail, tail, SectionId::NONE, records]);
    writer.templates(PLACES.len());
    writer
}

fn file(stamps: Option<&StampsV1>) -> Vec<u8> {
    let mut out = Vec::new();
    payload().finish().unwrap().write_to(&mut out, stamps, MAKER).unwrap();
    out
}

/// An empty directory for one test.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}
