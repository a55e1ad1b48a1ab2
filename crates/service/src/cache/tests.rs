//! The cache as processes use it, and properties of its file.

use std::collections::VecDeque;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { ttl: Duration::from_mins(5), entries: 100, bytes: 1 << 20 };
const TTL: i64 = 300_000;

/// A directory that goes with its owner.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("ohfp-cache-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("results.cache")
    }

    fn open(&self) -> ResultCache {
        ResultCache::open(self.file(), LIMITS)
    }

    /// What is in the directory.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// Writes a cache that holds `a`.
fn written(directory: &Directory) {
    let cache = directory.open();
    cache.put("a", b"1".to_vec(), at(0));
    cache.flush(at(0)).unwrap();
}

/// Whether the next process finds `a`.
fn is_found(directory: &Directory) -> bool {
    directory.open().get("a", at(1)) == Some(b"1".to_vec())
}

#[test]
fn the_next_process_finds_what_this_one_kept() {
    let directory = Directory::new();
    written(&directory);
    assert!(is_found(&directory));
    assert_eq!(directory.open().get("b", at(1)), None);
    let mode = fs::metadata(directory.file()).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, directory.names()), (0o600, vec!["results.cache".to_owned()]));
}

#[test]
fn nothing_is_opened_before_it_is_used_nor_written_without_need() {
    let directory = Directory::new();
    let cache = directory.open();
    assert_eq!(cache.get("a", at(0)), None);
    cache.flush(at(0)).unwrap();
    assert_eq!(directory.names(), Vec::<String>::new());
    // Opened before the other wrote, read after.
    let early = directory.open();
    written(&directory);
    assert!(early.get("a", at(1)).is_some());
}

#[test]
fn answers_age() {
    let check = |stored: i64, now: i64, good: bool| {
        let directory = Directory::new();
        let cache = directory.open();
        cache.put("a", b"1".to_vec(), at(stored));
        cache.flush(at(stored)).unwrap();
        assert_eq!(cache.get("a", at(now)).is_some(), good, "{stored} {now}");
        assert_eq!(directory.open().get("a", at(now)).is_some(), good, "{stored} {now}");
    };
    check(0, 0, true);
    check(0, TTL - 1, true);
    check(0, TTL, false);
    check(0, i64::MAX, false);
    check(i64::MIN, i64::MAX, false);
    // The clock went back: the age is unknown.
    check(1, 0, false);
    check(i64::MAX, 0, false);
    check(-5, -5, true);
}

#[test]
fn what_a_wrong_clock_stored_does_not_come_back_when_its_time_comes() {
    let directory = Directory::new();
    let cache = directory.open();
    cache.put("a", b"1".to_vec(), at(10 * TTL));
    assert_eq!(cache.get("a", at(0)), None);
    assert_eq!(cache.get("a", at(10 * TTL)), None);
    let cache = directory.open();
    cache.put("a", b"1".to_vec(), at(10 * TTL));
    cache.flush(at(10 * TTL)).unwrap();
    let next = directory.open();
    next.put("b", b"2".to_vec(), at(0));
    next.flush(at(0)).unwrap();
    assert_eq!(directory.open().get("a", at(10 * TTL)), None);
}

#[test]
fn zero_switches_it_off() {
    for limits in [Limits { ttl: Duration::ZERO, ..LIMITS }, Limits { entries: 0, ..LIMITS }] {
        let directory = Directory::new();
        written(&directory);
        let cache = ResultCache::open(directory.file(), limits);
        cache.put("b", b"2".to_vec(), at(0));
        cache.invalidate("");
        cache.flush(at(0)).unwrap();
        assert_eq!((cache.get("a", at(1)), cache.get("b", at(1))), (None, None));
        assert!(is_found(&directory));
    }
}

#[test]
fn processes_side_by_side() {
    let directory = Directory::new();
    let (one, two) = (directory.open(), directory.open());
    one.put("request/1", b"old".to_vec(), at(0));
    one.flush(at(0)).unwrap();
    // Both have read it; two takes it out, one stores something else, later.
    assert!(one.get("request/1", at(1)).is_some() && two.get("request/1", at(1)).is_some());
    two.invalidate("request/");
    two.put("request/2", b"new".to_vec(), at(2));
    two.flush(at(2)).unwrap();
    one.put("template/1", b"t".to_vec(), at(3));
    one.flush(at(3)).unwrap();
    let next = directory.open();
    let found = ["request/1", "request/2", "template/1"].map(|key| next.get(key, at(4)).is_some());
    assert_eq!(found, [false, true, true]);
    // One knows now, too.
    assert_eq!(one.get("request/1", at(4)), None);
    // The younger of two answers is kept, regardless of the order of writes.
    one.put("x", b"young".to_vec(), at(9));
    two.put("x", b"old".to_vec(), at(8));
    one.flush(at(9)).unwrap();
    two.flush(at(9)).unwrap();
    assert_eq!(directory.open().get("x", at(9)), Some(b"young".to_vec()));
}

#[test]
fn what_was_taken_out_unread_is_gone() {
    let directory = Directory::new();
    written(&directory);
    let cache = directory.open();
    cache.invalidate("a");
    assert_eq!(cache.get("a", at(1)), None);
    cache.flush(at(1)).unwrap();
    assert!(!is_found(&directory));
}

#[test]
fn files_that_are_not_ours_alone_are_empty() {
    let check = |what: &str, change: &dyn Fn(&Path)| {
        let directory = Directory::new();
        written(&directory);
        change(&directory.file());
        assert!(!is_found(&directory), "{what}");
    };
    let mode =
        |mode: u32| move |path: &Path| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    check("writable by the group", &mode(0o620));
    check("writable by all", &mode(0o602));
    check("a link", &|path| {
        fs::rename(path, path.with_extension("other")).unwrap();
        std::os::unix::fs::symlink(path.with_extension("other"), path).unwrap();
    });
    check("a directory", &|path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    });
    // Only root can give files away.
    if ohfp_platform::sys::effective_user() == 0 {
        check("another's", &|path| std::os::unix::fs::chown(path, Some(1), None).unwrap());
    }
    let directory = Directory::new();
    written(&directory);
    fs::set_permissions(directory.file(), Permissions::from_mode(0o644)).unwrap();
    assert!(is_found(&directory));
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    let directory = Directory::new();
    let cache = ResultCache::open(directory.0.join("missing/results.cache"), LIMITS);
    cache.put("a", b"1".to_vec(), at(0));
    let error = cache.flush(at(0)).unwrap_err();
    assert!(error.summary().contains("missing/results.cache`: "), "{error}");
    assert_eq!(cache.get("a", at(1)), Some(b"1".to_vec()));
}

#[test]
fn what_killed_processes_left_is_removed() {
    let directory = Directory::new();
    let old = std::time::SystemTime::UNIX_EPOCH;
    for (name, is_old) in
        [(".results.cache.4.tmp", true), (".results.cache.5.tmp", false), (".results.cache.x.tmp", true)]
    {
        let file = fs::File::create(directory.0.join(name)).unwrap();
        if is_old {
            file.set_modified(old).unwrap();
        }
    }
    written(&directory);
    let mut names = directory.names();
    names.sort();
    assert_eq!(names, [".results.cache.5.tmp", ".results.cache.x.tmp", "results.cache"]);
}

#[test]
fn every_changed_byte_and_every_length_is_an_empty_cache() {
    let directory = Directory::new();
    let cache = directory.open();
    for key in ["a", "b", "c"] {
        cache.put(key, key.repeat(20).into_bytes(), at(0));
    }
    cache.flush(at(0)).unwrap();
    let good = fs::read(directory.file()).unwrap();
    assert_eq!(file::parse(&good).unwrap().len(), 3);
    for place in 0..good.len() {
        assert!(file::parse(&good[..place]).is_none(), "cut at {place}");
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[place] ^= 1 << bit;
            assert!(file::parse(&bad).is_none(), "bit {bit} of {place}");
        }
    }
    assert!(file::parse(&[good, vec![0]].concat()).is_none());
}

/// One step of a random life.
#[derive(Clone, Debug)]
enum Act {
    Put(String, Vec<u8>),
    Get(String),
    Invalidate(String),
    /// The process ends and the next one begins.
    Restart,
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let key = || "[ab]{1,2}";
    prop_oneof![
        4 => (key(), vec(any::<u8>(), 0..20)).prop_map(|(key, value)| Act::Put(key, value)),
        4 => key().prop_map(Act::Get),
        1 => "[ab]{0,2}".prop_map(Act::Invalidate),
        1 => Just(Act::Restart),
        1 => (-10_i64..TTL).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Against a model that keeps everything in a list, oldest use first.
    #[test]
    fn as_the_model_has_it(acts in vec(act(), 0..60)) {
        let directory = Directory::new();
        let limits = Limits { entries: 3, ..LIMITS };
        let open = || ResultCache::open(directory.file(), limits);
        let (mut cache, mut model, mut now) = (open(), VecDeque::<(String, i64, Vec<u8>)>::new(), 0);
        for act in acts {
            match act {
                Act::Put(key, value) => {
                    cache.put(&key, value.clone(), at(now));
                    model.retain(|(known, ..)| *known != key);
                    model.push_back((key, now, value));
                    if model.len() > 3 {
                        model.pop_front();
                    }
                }
                Act::Get(key) => {
                    let known = model.iter().position(|(known, ..)| *known == key);
                    let entry = known.and_then(|place| model.remove(place));
                    let entry = entry.filter(|(_, stored, _)| (0..TTL).contains(&(now - stored)));
                    prop_assert_eq!(cache.get(&key, at(now)), entry.as_ref().map(|(.., value)| value.clone()));
                    model.extend(entry);
                }
                Act::Invalidate(prefix) => {
                    cache.invalidate(&prefix);
                    model.retain(|(key, ..)| !key.starts_with(&prefix));
                }
                Act::Restart => {
                    // A use alone is not worth writing, so something is stored that makes room for itself.
                    cache.put("marker", Vec::new(), at(now));
                    cache.invalidate("marker");
                    if model.len() == 3 {
                        model.pop_front();
                    }
                    cache.flush(at(now)).unwrap();
                    model.retain(|(_, stored, _)| (0..TTL).contains(&(now - stored)));
                    cache = open();
                }
                Act::Wait(millis) => now += millis,
            }
        }
    }

    #[test]
    fn any_bytes_as_the_file(bytes in vec(any::<u8>(), 0..300), honest: bool) {
        let content = if honest {
            // As if we had written it: only the records are nonsense.
            [&file::MAGIC[..], &file::checksum(&bytes), &bytes].concat()
        } else {
            bytes
        };
        let directory = Directory::new();
        fs::write(directory.file(), &content).unwrap();
        let cache = directory.open();
        let _ = cache.get("a", at(0));
        cache.put("a", b"1".to_vec(), at(0));
        cache.flush(at(0)).unwrap();
        prop_assert!(is_found(&directory));
    }

    #[test]
    fn round_trip(entries in vec((any::<String>(), any::<i64>(), vec(any::<u8>(), 0..50)), 0..20)) {
        let mut all = Entries::default();
        for (key, stored, value) in entries {
            all.insert(key, Entry { stored: at(stored), value });
        }
        let parsed = file::parse(&file::compose(&all).unwrap()).unwrap();
        let wanted: Vec<_> = all.iter().map(|(key, entry)| (key.to_owned(), entry.clone())).collect();
        prop_assert_eq!(parsed, wanted);
    }

    #[test]
    fn no_limit_is_exceeded(values in vec((0..20_u8, 0..200_usize), 1..60), bytes in 0..1000_u64) {
        let directory = Directory::new();
        let limits = Limits { entries: 5, bytes, ..LIMITS };
        let cache = ResultCache::open(directory.file(), limits);
        for (key, length) in values {
            cache.put(&key.to_string(), vec![key; length], at(0));
            let state = cache.lock();
            prop_assert!(state.entries.bytes() <= bytes && state.entries.iter().count() <= 5);
        }
        cache.flush(at(0)).unwrap();
        let length = fs::metadata(directory.file()).map_or(0, |status| status.len());
        prop_assert!(length <= bytes + 16);
        let kept: Vec<String> = cache.lock().entries.iter().map(|(key, _)| key.to_owned()).collect();
        let next = ResultCache::open(directory.file(), limits);
        for key in kept {
            prop_assert!(next.get(&key, at(1)).is_some());
        }
    }
}
