//! Each file of a store lost, replaced, given away or made something else, and everything asked then: each
//! answer is the one of before, or a failure that says why. Files of others are not touched.
//!
//! `cargo xtask torture files` runs this at full size: each question is the first one that meets the harm.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ohfp_tests::grid::size;
use ohfp_tests::inquiry::{Answer, Inquiry, copy};
use ohfp_tests::{ended, expect_none};
use serde_json::json;

/// What belongs to a store, in its directory.
const FILES: [&str; 6] =
    ["ohfp.db", "ohfp.db-wal", "ohfp.db-shm", "ohfp.db.lock", "results.cache", "ohfp.snapshot"];

/// Without these every answer must still be given: they are made anew.
const DISPENSABLE: [&str; 3] = ["ohfp.db-shm", "results.cache", "ohfp.snapshot"];

/// Ids that no account of the machine has.
const STRANGER: u32 = 54_321;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    Removed,
    /// All others of the store are removed.
    Alone,
    /// It is as it was some requests ago, and the others are not.
    Older,
    Foreign,
    /// It lies elsewhere, and a link leads there.
    Link,
    /// A link leads to a file of another.
    LinkToOther,
    /// It is another name of another's file.
    HardLink,
    DeadLink,
    Pipe,
    Directory,
    /// Everybody may write.
    Open,
    /// No account may read.
    Closed,
    Truncated,
    Empty,
}

const HARMS: [Harm; 14] = [
    Harm::Removed,
    Harm::Alone,
    Harm::Older,
    Harm::Foreign,
    Harm::Link,
    Harm::LinkToOther,
    Harm::HardLink,
    Harm::DeadLink,
    Harm::Pipe,
    Harm::Directory,
    Harm::Open,
    Harm::Closed,
    Harm::Truncated,
    Harm::Empty,
];

/// Files of another user, beside the store.
struct Bystander {
    directory: PathBuf,
    before: Vec<(String, Vec<u8>, u32, u32, i64)>,
}

impl Bystander {
    fn new(directory: PathBuf) -> Self {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("file"), "another's\n").unwrap();
        fs::set_permissions(directory.join("file"), Permissions::from_mode(0o640)).unwrap();
        for path in [directory.join("file"), directory.clone()] {
            if let Err(error) = chown(&path, Some(STRANGER), Some(STRANGER)) {
                assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            }
        }
        let mut bystander = Self { directory, before: Vec::new() };
        bystander.before = bystander.now();
        bystander
    }

    fn file(&self) -> PathBuf {
        self.directory.join("file")
    }

    /// Name, content, mode, owner and time of change of everything there.
    fn now(&self) -> Vec<(String, Vec<u8>, u32, u32, i64)> {
        let mut found: Vec<_> = fs::read_dir(&self.directory)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let metadata = fs::metadata(&path).unwrap();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read(&path).unwrap(), metadata.mode(), metadata.uid(), metadata.mtime())
            })
            .collect();
        found.sort();
        found
    }
}

/// Does it; `None` where it cannot be done here.
fn harm(inquiry: &Inquiry, older: &Path, bystander: &Bystander, name: &str, harm: Harm) -> Option<()> {
    let work = inquiry.grid.work();
    let file = work.join(name);
    let there = file.exists();
    let elsewhere = inquiry.grid.sandbox.path.join("elsewhere");
    let remove = || {
        if there {
            fs::remove_file(&file).unwrap();
        }
    };
    let set_mode = |mode| fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    match harm {
        Harm::LinkToOther | Harm::HardLink | Harm::DeadLink | Harm::Pipe | Harm::Directory => {}
        _ if !there => return None,
        _ => {}
    }
    match harm {
        Harm::Removed => remove(),
        Harm::Alone => {
            for other in FILES.iter().filter(|other| **other != name && **other != "ohfp.snapshot") {
                let _ = fs::remove_file(work.join(other));
            }
        }
        Harm::Older => {
            let old = fs::read(older.join(name)).ok()?;
            if fs::read(&file).unwrap() == old {
                return None;
            }
            fs::write(&file, old).unwrap();
        }
        Harm::Foreign => chown(&file, Some(STRANGER), Some(STRANGER)).ok()?,
        Harm::Link => {
            let _ = fs::remove_dir_all(&elsewhere);
            fs::create_dir(&elsewhere).unwrap();
            fs::rename(&file, elsewhere.join(name)).unwrap();
            symlink(elsewhere.join(name), &file).unwrap();
        }
        Harm::LinkToOther => {
            remove();
            symlink(bystander.file(), &file).unwrap();
        }
        Harm::HardLink => {
            remove();
            fs::hard_link(bystander.file(), &file).unwrap();
        }
        Harm::DeadLink => {
            remove();
            symlink("/nonexistent/file", &file).unwrap();
        }
        Harm::Pipe => {
            remove();
            assert_eq!(ended(Command::new("mkfifo").arg(&file)).code, 0);
        }
        Harm::Directory => {
            remove();
            fs::create_dir(&file).unwrap();
        }
        Harm::Open => set_mode(0o666),
        Harm::Closed => set_mode(0o000),
        Harm::Truncated => {
            let length = fs::metadata(&file).unwrap().len();
            OpenOptions::new().write(true).open(&file).unwrap().set_len(length / 2).unwrap();
        }
        Harm::Empty => {
            OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
        }
    }
    Some(())
}

/// Whether the answer of before must come whatever happened to this file: a cache is no state.
fn must_answer(name: &str, harm: Harm) -> bool {
    DISPENSABLE.contains(&name) && harm != Harm::Alone && !(name == "ohfp.db-shm" && harm != Harm::Removed)
}

#[test]
fn harmed_files_never_answer_wrong() {
    let every = size("OHFP_FILES", 7);
    let mut inquiry = Inquiry::new(8, &json!({}));
    // What is final is kept in the result cache, and an older state of everything beside.
    let older = inquiry.grid.sandbox.path.join("older");
    copy(&inquiry.grid.work(), &older);
    inquiry.fill_log();
    let mut bystander = Bystander::new(inquiry.grid.sandbox.path.join("another"));
    let (mut faults, mut cases, mut counts) = (Vec::new(), 0, BTreeMap::<&str, u64>::new());
    let mut turn = 0;
    for name in FILES {
        for kind in HARMS {
            for question in &inquiry.questions {
                turn += 1;
                if turn % every != 0 {
                    continue;
                }
                inquiry.restore();
                if harm(&inquiry, &older, &bystander, name, kind).is_none() {
                    break;
                }
                cases += 1;
                let fault = match inquiry.ask(question) {
                    Answer::Same => {
                        *counts.entry("the same").or_default() += 1;
                        None
                    }
                    Answer::Failure(why) if must_answer(name, kind) => Some(format!("an outage: {why:.200}")),
                    Answer::Failure(_) => {
                        *counts.entry("a failure").or_default() += 1;
                        None
                    }
                    Answer::Wrong(what) => Some(what),
                };
                let now = bystander.now();
                let touched = (now != bystander.before).then(|| "another's file was changed".to_owned());
                for fault in fault.into_iter().chain(touched) {
                    faults.push(format!("{name} {kind:?}: {}: {fault}", question.name()));
                }
                if now != bystander.before {
                    bystander = Bystander::new(inquiry.grid.sandbox.path.join("another"));
                }
            }
        }
    }
    println!("{cases} cases: {counts:?}");
    if let Some(report) = std::env::var_os("OHFP_REPORT") {
        fs::write(report, faults.join("\n")).unwrap();
    }
    expect_none(&faults, cases);
}
