//! Files of a store that were removed, copied alone, swapped, put aside or brought back.

use std::fs;
use std::path::Path;

use ohfp_broker::documents::{Document, DocumentStore, DocumentTx};
use ohfp_broker::store::{Admission, Store};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{ErrorKind, RequestKind, Timestamp};
use ohfp_store_sqlite::{Options, SqliteStore, Traces};

use crate::common::*;

/// Every way of asking fails as damaged, and a write too; twice, since the first may have left something behind.
#[track_caller]
fn refuses(what: &str, path: &Path, words: &str) {
    for _ in 0..2 {
        for read_only in [false, true] {
            let store = SqliteStore::open(path, Options { read_only, ..LAZY }).unwrap();
            let error = store.views(&[id("late")]).expect_err(what);
            assert_eq!(error.kind(), ErrorKind::Damaged, "{what}: {error}");
            assert!(error.to_string().contains(words), "{what}: {error}");
            assert!(error.to_string().contains("storage restore"), "{what}: {error}");
        }
        let store = SqliteStore::open(path, LAZY).unwrap();
        let admitted = store.admit(&acquire("new", 1, 1), MaxNumber::Unlimited);
        assert_eq!(admitted.map_err(|error| error.kind()), Err(ErrorKind::Damaged), "{what}");
    }
}

#[test]
fn what_was_told_is_never_lost_in_silence() {
    let check = |what: &str, words: &str, harm: &dyn Fn(&Path)| {
        let directory = closed();
        let path = directory.path().join("state.db");
        harm(&path);
        refuses(what, &path, words);
    };
    let remove = |path: &Path, suffix: &str| fs::remove_file(beside(path, suffix)).unwrap();
    check("the log removed", "its last", &|path| remove(path, "-wal"));
    check("the log emptied", "its last", &|path| fs::write(beside(path, "-wal"), "").unwrap());
    check("the log cut", "its last", &|path| {
        let log = fs::OpenOptions::new().write(true).open(beside(path, "-wal")).unwrap();
        log.set_len(log.metadata().unwrap().len() / 2).unwrap();
    });
    check("log and lock removed", "without its write-ahead log", &|path| {
        remove(path, "-wal");
        remove(path, ".lock");
    });
    check("the lock of another store", "of another store", &|path| {
        let other = Site::new();
        fulfil(&other.store, "x", &["i-9"], 1);
        fs::copy(beside(&other.path(), ".lock"), beside(path, ".lock")).unwrap();
    });
    check("the log of another store", "", &|path| {
        let other = Site::new();
        fulfil(&other.store, "x", &["i-9"], 1);
        fs::copy(beside(&other.path(), "-wal"), beside(path, "-wal")).unwrap();
    });
    check("another store's database", "", &|path| {
        let other = Site::new();
        fulfil(&other.store, "x", &["i-9"], 1);
        checkpoint(&other.path());
        fs::copy(other.path(), path).unwrap();
    });
    check("a backup under the log", "of another database", &|path| {
        let backup = path.with_extension("backup");
        open(path).backup(&backup).unwrap();
        fs::copy(backup, path).unwrap();
    });
    check("an older backup without the log", "its last", &|path| {
        let (store, backup) = (open(path), path.with_extension("backup"));
        store.backup(&backup).unwrap();
        fulfil(&store, "later", &["i-3"], 300);
        drop(store);
        fs::copy(backup, path).unwrap();
        remove(path, "-wal");
    });
}

/// What is written through is as durable as what a scheduler was told: a log that lacks it is noticed.
#[test]
fn what_is_written_through_is_counted_and_other_documents_are_not() {
    for is_through in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let store = create(&path, OPTIONS);
        fulfil(&store, "late", &["i-1"], 100);
        checkpoint(&path);
        let document = Document { id: "a".into(), group: "g".into(), live_until: None, body: "{}".into() };
        let mut put = |tx: &mut dyn DocumentTx| tx.put(&document);
        if is_through {
            store.write_through("sim", &mut put).unwrap();
        } else {
            DocumentStore::write(&store, "sim", &mut put).unwrap();
        }
        drop(store);
        fs::remove_file(beside(&path, "-wal")).unwrap();
        if is_through {
            refuses("a document that was written through", &path, "its last 1 transaction is missing");
        } else {
            assert_eq!(view(&open(&path), "late").machines.len(), 1);
        }
    }
}

/// A process dies, or the power fails, in the middle of a checkpoint: the first pages are in the database file, the header
/// among them, and those by which it grows are not. The log has all of them.
#[test]
fn a_checkpoint_that_was_cut_short_is_none() {
    const PAGE: usize = 4_096;
    let Site { directory, store } = Site::new();
    fulfil(&store, "early", &["i-1"], 100);
    let path = directory.path().join("state.db");
    checkpoint(&path);
    let mut late = acquire("late", 1, 200);
    late.launch_fields = Some("x".repeat(50 * PAGE));
    store.admit(&late, MaxNumber::Unlimited).unwrap();
    drop(store);
    let copy = directory.path().join("copy.db");
    for suffix in ["", "-wal"] {
        fs::copy(beside(&path, suffix), beside(&copy, suffix)).unwrap();
    }
    checkpoint(&copy);
    let (before, after) = (fs::read(&path).unwrap(), fs::read(&copy).unwrap());
    assert!(after.len() > before.len() + 40 * PAGE, "{} {}", before.len(), after.len());

    let known = |what: &str| {
        for read_only in [true, false] {
            let store = SqliteStore::open(&path, Options { read_only, ..LAZY }).unwrap();
            let seen = store.views(&["early", "late"].map(id)).expect(what);
            assert!(seen.iter().all(Option::is_some), "{what}");
        }
    };
    for pages in 1..=before.len() / PAGE {
        let content = [&after[..pages * PAGE], &before[pages * PAGE..]].concat();
        fs::write(&path, content).unwrap();
        known(&format!("{pages} pages"));
    }
    // Another file in that state is not the store's.
    let content = [&after[..PAGE], &before[PAGE..]].concat();
    // It has another number than the file in its place, since both are there at once.
    let other = directory.path().join("other");
    fs::write(&other, content).unwrap();
    fs::rename(&other, &path).unwrap();
    let store = SqliteStore::open(&path, LAZY).unwrap();
    let error = store.views(&[id("late")]).unwrap_err();
    assert!(error.to_string().contains("of another database"), "{error}");
}

#[test]
fn an_older_copy_under_a_newer_log_is_never_replayed() {
    let Site { directory, store } = Site::new();
    let path = directory.path().join("state.db");
    fulfil(&store, "first", &["i-1"], 100);
    drop(store);
    checkpoint(&path);
    let older = path.with_extension("older");
    fs::copy(&path, &older).unwrap();
    let store = open(&path);
    for number in 0..300 {
        // Long enough to be carried over by itself at least once.
        store.admit(&acquire(&format!("req-{number}"), 1, number), MaxNumber::Unlimited).unwrap();
    }
    drop(store);
    fs::copy(&older, &path).unwrap();
    refuses("an older copy", &path, "of an older copy");
}

#[test]
fn a_copy_without_its_log_is_no_store() {
    let directory = closed();
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("state.db");
    fs::copy(directory.path().join("state.db"), &copy).unwrap();
    refuses("a copy alone", &copy, "without its write-ahead log");
    // With its log it is one.
    let whole = tempfile::tempdir().unwrap();
    let copy = whole.path().join("state.db");
    for suffix in ["", "-wal"] {
        fs::copy(beside(&directory.path().join("state.db"), suffix), beside(&copy, suffix)).unwrap();
    }
    let store = open(&copy);
    assert_eq!(view(&store, "late").machines.len(), 1);
    assert!(store.health().only_in_log.unwrap() > 0);
    fulfil(&store, "more", &["i-4"], 400);
    assert!(open(&copy).validate().unwrap().valid);
}

#[test]
fn what_takes_nothing_away_is_no_damage() {
    let check = |what: &str, change: &dyn Fn(&Path)| {
        let directory = closed();
        let path = directory.path().join("state.db");
        change(&path);
        for _ in 0..2 {
            let store = open(&path);
            assert_eq!(view(&store, "late").machines.len(), 1, "{what}");
            assert_eq!(
                store.admit(&acquire("new", 1, 1), MaxNumber::Unlimited).ok(),
                Some(Admission::Admitted),
                "{what}"
            );
            change_number(&store);
        }
    };
    check("nothing", &|_| {});
    check("the lock file removed", &|path| fs::remove_file(beside(path, ".lock")).unwrap());
    check("the lock file emptied", &|path| fs::write(beside(path, ".lock"), "").unwrap());
    check("nonsense in the lock file", &|path| fs::write(beside(path, ".lock"), "x".repeat(200)).unwrap());
    check("the index of the log removed", &|path| fs::remove_file(beside(path, "-shm")).unwrap());
    check("carried over by another program", &checkpoint);
    check("carried over, then the log removed", &|path| {
        checkpoint(path);
        let _ = fs::remove_file(beside(path, "-wal"));
    });
    // Of the two files that are left, an empty log beside the file that the store was created with says enough.
    check("carried over, then the lock file removed", &|path| {
        checkpoint(path);
        fs::write(beside(path, "-wal"), "").unwrap();
        fs::remove_file(beside(path, ".lock")).unwrap();
    });
    check("moved", &|path| {
        let other = path.with_extension("other");
        fs::copy(path, &other).unwrap();
        fs::rename(other, path).unwrap();
    });
}

/// The request of the round before, so that the next round can make it again.
fn change_number(store: &SqliteStore) {
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    connection.execute("DELETE FROM request WHERE id = 'new'", []).unwrap();
}

#[test]
fn a_store_that_should_be_there_is_missing() {
    let ours = ohfp_broker::RequestId::new(RequestKind::Acquire, Timestamp::from_millis(5), [3; 10]);
    let check = |what: &str, words: &str, make: &dyn Fn(&Path, &mut Traces)| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("work/state.db");
        fs::create_dir(directory.path().join("work")).unwrap();
        let mut traces = Traces::default();
        make(&path, &mut traces);
        let before = fs::read_dir(directory.path().join("work")).unwrap().count();
        let store = SqliteStore::open_with(&path, LAZY, traces.clone()).unwrap();
        let speaks = !words.is_empty();
        let checks = [
            store.views(std::slice::from_ref(&ours)).map(drop),
            store.find_machines(&[reference("a")]).map(drop),
            store.admit_return(&return_request("ret-1", 1), &[reference("a")]).map(drop),
        ];
        for error in checks.map(Result::unwrap_err) {
            assert!(error.summary().contains("the state store is missing"), "{what}: {error}");
            assert!(
                error.summary().contains("state.db") && error.summary().contains(words),
                "{what}: {error}"
            );
        }
        assert_eq!(store.watched_machines().is_err(), speaks, "{what}");
        assert_eq!(fs::read_dir(directory.path().join("work")).unwrap().count(), before, "{what}");
        let admitted = store.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited);
        assert_eq!(admitted.is_err(), speaks, "{what}");
        assert_eq!(path.exists(), !speaks, "{what}");
        if speaks {
            let created = store.init().unwrap();
            assert!(created.traces.iter().any(|trace| trace.contains(words)), "{what}: {created:?}");
            let again = SqliteStore::open_with(&path, LAZY, traces).unwrap();
            again.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited).unwrap();
            assert_eq!(again.init().unwrap_err().kind(), ErrorKind::Refused, "{what}");
        }
    };
    check("a new one", "", &|_, _| {});
    check("a lock of a request that failed", "", &|path, _| fs::write(beside(path, ".lock"), "").unwrap());
    check("a log without requests", "", &|path, traces| {
        let log = path.with_extension("log");
        fs::write(&log, "{\"level\":\"INFO\",\"message\":\"built\"}\n").unwrap();
        traces.log = Some(log);
    });
    check("a lock", "state.db.lock", &|path, _| {
        create(path, OPTIONS);
        for suffix in ["", "-wal", "-shm", ".reserve"] {
            let _ = fs::remove_file(beside(path, suffix));
        }
    });
    check("nonsense", "state.db.lock", &|path, _| fs::write(beside(path, ".lock"), "x".repeat(200)).unwrap());
    check("a marker", "says that there was one", &|path, traces| {
        let marker = path.parent().unwrap().parent().unwrap().join("cache/x.store");
        traces.marker = Some(marker.clone());
        let store = SqliteStore::open_with(path, LAZY, traces.clone()).unwrap();
        store.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited).unwrap();
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
        fs::create_dir(path.parent().unwrap()).unwrap();
        assert!(marker.exists());
    });
    check("a log", "names requests", &|path, traces| {
        let log = path.with_extension("log");
        fs::write(&log, "{\"level\":\"INFO\",\"message\":\"machines requested\",\"request\":\"req-0\"}\n")
            .unwrap();
        traces.log = Some(log);
    });
    check("cached answers", "results.cache", &|path, traces| {
        let cache = path.with_file_name("results.cache");
        fs::write(&cache, "x").unwrap();
        traces.companions = vec![cache];
    });
}

/// Cleaning the cache directory takes the marker away; a store that is there puts it back.
#[test]
fn a_marker_that_was_removed_is_planted_again() {
    let directory = tempfile::tempdir().unwrap();
    let (path, marker) = (directory.path().join("state.db"), directory.path().join("cache/x.store"));
    let traces = Traces { marker: Some(marker.clone()), ..Traces::default() };
    let store = SqliteStore::open_with(&path, LAZY, traces).unwrap();
    store.init().unwrap();
    let text = fs::read_to_string(&marker).unwrap();
    assert!(text.contains("state.db exists"), "{text}");
    fs::remove_file(&marker).unwrap();
    store.keep_marker();
    assert_eq!(fs::read_to_string(&marker).unwrap(), text);
}

#[test]
fn a_backup_is_restored_as_a_whole_and_the_old_files_are_kept() {
    let Site { directory, store } = Site::new();
    let (path, backup) = (directory.path().join("state.db"), directory.path().join("copy.db"));
    fulfil(&store, "early", &["i-1"], 100);
    let bytes = store.backup(&backup).unwrap().bytes;
    fulfil(&store, "late", &["i-2"], 200);

    // What is not what was written is refused, and nothing has changed.
    let refused = |harm: &dyn Fn(&Path), words: &str| {
        let bad = directory.path().join("bad.db");
        fs::copy(&backup, &bad).unwrap();
        harm(&bad);
        let error = store.restore(&bad, false).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(view(&open(&path), "late").machines.len(), 1);
        fs::remove_file(&bad).unwrap();
    };
    refused(&|bad| fs::write(bad, "no database ".repeat(500)).unwrap(), "not an SQLite database");
    refused(
        &|bad| {
            let connection = rusqlite::Connection::open(bad).unwrap();
            connection.execute("UPDATE machine SET name = 'other'", []).unwrap();
        },
        "not what was written",
    );
    refused(
        &|bad| {
            fs::copy(&path, bad).unwrap();
        },
        "no backup",
    );
    refused(&|bad| fs::File::options().write(true).open(bad).unwrap().set_len(bytes / 2).unwrap(), "");

    // A process that has the store open does not go on writing to the old files.
    let other = open(&path);
    assert_eq!(view(&other, "late").machines.len(), 1);
    let restored = store.restore(&backup, false).unwrap();
    assert!(restored.verified && restored.requests == 1 && restored.kept.len() == 2, "{restored:?}");
    assert!(restored.note.contains(&restored.unknown_since), "{restored:?}");
    other.admit(&acquire("new", 1, 1), MaxNumber::Unlimited).unwrap();
    let now = open(&path);
    assert_eq!(now.views(&[id("late")]).unwrap(), [None]);
    assert_eq!(view(&now, "early").machines.len(), 1);
    assert_eq!(view(&now, "new").request.requested, 1);
    assert!(now.validate().unwrap().valid);
    // Both files of before, which are a store together.
    let kept = Path::new(&restored.kept[0]);
    let log = fs::metadata(format!("{}-wal", kept.display())).unwrap();
    assert!(log.len() > 0);
    drop((store, other, now));

    // The old log under the new database.
    fs::copy(format!("{}-wal", kept.display()), beside(&path, "-wal")).unwrap();
    let _ = fs::remove_file(beside(&path, "-shm"));
    refuses("the old log", &path, "");
    // What is left without a log is better than nothing, and says so.
    let left = directory.path().join("left.db");
    fs::copy(kept, &left).unwrap();
    let lazy = SqliteStore::open(&path, LAZY).unwrap();
    assert_eq!(lazy.restore(&left, false).unwrap_err().kind(), ErrorKind::Damaged);
    assert!(!lazy.restore(&left, true).unwrap().verified);
    open(&path).admit(&acquire("again", 1, 1), MaxNumber::Unlimited).unwrap();
}

#[test]
fn a_restored_store_replaces_one_that_is_missing() {
    let site = Site::new();
    fulfil(&site.store, "early", &["i-1"], 100);
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = elsewhere.path().join("copy.db");
    site.store.backup(&backup).unwrap();
    let path = elsewhere.path().join("work/state.db");
    SqliteStore::open(&path, LAZY).unwrap().restore(&backup, false).unwrap();
    assert_eq!(view(&open(&path), "early").machines.len(), 1);
}
