//! Stamps: record the files and variables of a payload, and later find those that differ.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ohfp_snapshot_format::stamps::{
    ArchivedStampsV1, FileV1, PresentV1, StampsV1, VariableV1, digest, halves,
};
use xxhash_rust::xxh3::xxh3_64;

use ohfp_resolver::source::trail;
use ohfp_resolver::{FileState, Resolved, Trail};

/// A modification time that no file has, so that the stamp never matches by `stat` alone.
const UNTRUSTED: i64 = i64::MIN;

/// File systems keep time in ticks: a file written twice in one tick has one modification time for
/// two contents. A file this young when it was read may still change without a trace;
/// after this time its stamp can be trusted.
pub const TICK: Duration = Duration::from_millis(50);

/// Stamps of the loaded inputs, taken a tick later; `None` if a file has changed since.
pub fn confirm(resolved: &Resolved) -> Option<StampsV1> {
    let read_at = SystemTime::now();
    Some(of(&resolved.trail.confirmed()?, resolved, read_at))
}

/// Stamps of the loaded inputs. A file that was modified within one tick of being read gets a stamp that the
/// runtime does not trust, so the next invocation compares contents.
pub fn take(resolved: &Resolved, read_at: SystemTime) -> StampsV1 {
    of(&resolved.trail, resolved, read_at)
}

fn of(trail: &Trail, resolved: &Resolved, read_at: SystemTime) -> StampsV1 {
    let tick_start = read_at.checked_sub(TICK).unwrap_or(UNIX_EPOCH);
    let newest_trusted = tick_start
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
    let files = trail.files.iter().map(|file| {
        let mut path = file.path.as_os_str().as_bytes().to_vec();
        path.push(0);
        let present = match &file.state {
            FileState::Absent => None,
            FileState::Present { size, mtime_ns, ctime_ns, inode, digest } => {
                let nanoseconds = |time: i128| i64::try_from(time).unwrap_or(UNTRUSTED);
                let (mtime_ns, ctime_ns) = (nanoseconds(*mtime_ns), nanoseconds(*ctime_ns));
                let old = mtime_ns <= newest_trusted && ctime_ns <= newest_trusted;
                Some(PresentV1 {
                    size: *size,
                    mtime_ns: if old { mtime_ns } else { UNTRUSTED },
                    ctime_ns,
                    inode: *inode,
                    digest: halves(*digest),
                })
            }
        };
        FileV1 { path, present }
    });
    let variables = trail.variables.iter().map(|(name, value)| VariableV1 {
        name: name.clone(),
        value: value.as_ref().map(|value| xxh3_64(value.as_bytes())),
    });
    StampsV1 {
        root: ohfp_resolver::location::identity(&resolved.origin).to_vec(),
        files: files.collect(),
        variables: variables.collect(),
    }
}

/// Whether `stat` alone cannot confirm one of the stamps.
pub fn has_untrusted(stamps: &StampsV1) -> bool {
    stamps.files.iter().any(|file| file.present.as_ref().is_some_and(|present| present.mtime_ns == UNTRUSTED))
}

/// An input that differs from its stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the file or variable.
    pub input: String,
    /// How it differs.
    pub what: &'static str,
}

/// Compares stamps with files and variables, by content. `get` looks a variable up. Files on the trail `read`
/// were read a moment ago, and are not read again.
pub fn differences<'e>(
    stamps: &ArchivedStampsV1,
    root: Option<&[u8]>,
    get: &impl Fn(&str) -> Option<&'e [u8]>,
    read: Option<&Trail>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if root != Some(stamps.root.as_slice()) {
        found.push(Difference {
            input: text(stamps.root.as_slice()),
            what: "is not the configuration root of this environment",
        });
    }
    for variable in stamps.variables.iter() {
        let now = get(&variable.name);
        if variable.is(now) {
            continue;
        }
        let what = match (variable.value.as_ref(), now) {
            (None, _) => "was not set",
            (Some(_), None) => "is no longer set",
            (Some(_), Some(_)) => "has another value",
        };
        found.push(Difference { input: format!("${}", variable.name.as_str()), what });
    }
    for file in stamps.files.iter() {
        let Ok(path) = CString::from_vec_with_nul(file.path.as_slice().to_vec()) else { continue };
        let path = Path::new(OsStr::from_bytes(path.as_bytes()));
        let then = file.present.as_ref().map(|then| [then.digest[0].to_native(), then.digest[1].to_native()]);
        let what = match (content(path, read), then) {
            (Content::Of(now), Some(then)) if now == then => continue,
            (Content::Of(_), Some(_)) => "has changed",
            (Content::Of(_), None) => "is new",
            (Content::Absent, None) => continue,
            (Content::Absent, Some(_)) => "is gone",
            (Content::Unreadable, _) => "cannot be read",
        };
        found.push(Difference { input: path.display().to_string(), what });
    }
    found
}

/// What a file holds, as far as it is compared.
enum Content {
    /// The digest of its bytes.
    Of([u64; 2]),
    Absent,
    Unreadable,
}

fn content(path: &Path, read: Option<&Trail>) -> Content {
    match read.and_then(|read| read.files.iter().find(|file| file.path == path)).map(|file| &file.state) {
        Some(FileState::Present { digest, .. }) => return Content::Of(halves(*digest)),
        Some(FileState::Absent) => return Content::Absent,
        None => {}
    }
    match trail::content(path) {
        Ok(bytes) => Content::Of(digest(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::Absent,
        Err(_) => Content::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ohfp_resolver::InputFile;
    use rkyv::rancor::Error;

    use super::*;

    /// What differs from a stamp of one file, when that file was just read and its state is this. The file does not
    /// exist, so a second reading would say that it is gone.
    fn check(stamped: Option<u128>, read: Option<u128>, expected: &[&str]) {
        let path = PathBuf::from("/nonexistent/config.json");
        let present = stamped.map(|digest| PresentV1 {
            size: 1,
            mtime_ns: 1,
            ctime_ns: 1,
            inode: 1,
            digest: halves(digest),
        });
        let mut bytes = path.as_os_str().as_bytes().to_vec();
        bytes.push(0);
        let stamps = StampsV1 {
            root: b"/c".to_vec(),
            files: vec![FileV1 { path: bytes, present }],
            variables: vec![],
        };
        let archive = rkyv::to_bytes::<Error>(&stamps).unwrap();
        let stamps = rkyv::access::<ArchivedStampsV1, Error>(&archive).unwrap();
        let state = match read {
            Some(digest) => FileState::Present { size: 2, mtime_ns: 2, ctime_ns: 2, inode: 2, digest },
            None => FileState::Absent,
        };
        let trail = Trail { files: vec![InputFile { path, state }], variables: vec![] };
        let found = differences(stamps, Some(b"/c"), &|_| None, Some(&trail));
        let found: Vec<&str> = found.iter().map(|difference| difference.what).collect();
        assert_eq!(found, expected, "{stamped:?} {read:?}");
    }

    #[test]
    fn files_that_were_just_read_are_not_read_again() {
        check(Some(7), Some(7), &[]);
        check(Some(7), Some(8), &["has changed"]);
        check(None, Some(7), &["is new"]);
        check(Some(7), None, &["is gone"]);
        check(None, None, &[]);
    }
}
