//! What is at the path, and what becomes of it.

use std::fs;
use std::path::Path;

use ohfp_broker::documents::DocumentStore;
use ohfp_broker::store::{AttentionQuery, MachineFilter, RequestFilter, Store};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{ErrorKind, Timestamp};
use ohfp_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::common::*;

const LAZY: Options = Options { eager: false, ..OPTIONS };
const READ_ONLY: Options = Options { read_only: true, ..OPTIONS };

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn reading_creates_nothing_and_the_first_write_everything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/state.db");
    for options in [LAZY, READ_ONLY] {
        let store = SqliteStore::open(&path, options).unwrap();
        assert_eq!(store.views(&[id("req-1")]).unwrap(), [None]);
        assert!(store.find_machines(&[]).unwrap().is_empty());
        assert!(store.machines_by_id(&[]).unwrap().is_empty());
        assert!(store.requests(&RequestFilter::default()).unwrap().is_empty());
        assert!(store.machines(&MachineFilter::default()).unwrap().is_empty());
        assert!(store.watched_machines().unwrap().is_empty());
        assert!(
            store
                .needing_attention(&AttentionQuery {
                    now: at(9),
                    unacknowledged_before: at(9),
                    untouched_since: at(9),
                    limit: 9,
                    watched_limit: 9
                })
                .unwrap()
                .is_empty()
        );
        assert_eq!(store.demand("t").unwrap(), 0);
        store.acknowledge(&[id("req-1")]).unwrap();
        let mut asked = 0;
        DocumentStore::read(&store, "sim", &mut |tx| {
            asked += 1;
            assert_eq!((tx.get("a")?, tx.count_live(at(0))?), (None, 0));
            assert!(tx.live(at(0))?.is_empty() && tx.expired(at(0))?.is_empty() && tx.group("g")?.is_empty());
            Ok(())
        })
        .unwrap();
        assert_eq!(asked, 1);
        assert!(store.health().healthy && store.validate().unwrap().valid);
        assert_eq!(
            store.prune(Timestamp::from_millis(i64::MAX)).unwrap(),
            ohfp_broker::administration::Pruned::default()
        );
    }
    assert!(files(directory.path()).is_empty());

    let store = SqliteStore::open(&path, LAZY).unwrap();
    store.admit(&acquire("req-1", 1, 100), MaxNumber::Unlimited).unwrap();
    assert_eq!(view(&SqliteStore::open(&path, READ_ONLY).unwrap(), "req-1").request.requested, 1);
    let eager = directory.path().join("c/state.db");
    SqliteStore::open(&eager, OPTIONS).unwrap();
    assert!(!eager.exists());
}

#[test]
fn what_is_no_state_store_is_refused_and_left_alone() {
    let check = |what: &str, kind: ErrorKind, words: &str, make: &dyn Fn(&Path)| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        make(&path);
        let mut before = (files(directory.path()), fs::read(&path).ok());
        before.0.retain(|name| name != "state.db.lock");
        for options in [OPTIONS, READ_ONLY] {
            let error = SqliteStore::open(&path, options).err().unwrap_or_else(|| panic!("{what}: no error"));
            assert_eq!(error.kind(), kind, "{what}: {error}");
            assert!(error.summary().contains(words), "{what}: {error}");
            assert!(error.summary().contains("state.db"), "{what}: {error}");
        }
        let lazy = SqliteStore::open(&path, LAZY).unwrap();
        assert_eq!(lazy.views(&[id("a")]).map_err(|error| error.kind()), Err(kind), "{what}");
        let admitted = lazy.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited);
        assert_eq!(admitted.map_err(|error| error.kind()), Err(kind), "{what}");
        assert!(!lazy.health().healthy, "{what}");
        let mut after = files(directory.path());
        // A writer queues first, and a reader of the log shares its index.
        after.retain(|name| !["state.db.lock", "state.db-shm"].contains(&name.as_str()));
        after.retain(|name| name != "state.db-wal" || before.0.contains(name));
        assert_eq!((after, fs::read(&path).ok()), before, "{what}");
    };
    let sqlite = |path: &Path, sql: &str| Connection::open(path).unwrap().execute_batch(sql).unwrap();
    let ours = |path: &Path, sql: &str| {
        drop(create(path, OPTIONS));
        sqlite(path, sql);
    };
    check("directory", ErrorKind::Input, "directory", &|path| fs::create_dir(path).unwrap());
    check("empty", ErrorKind::Damaged, "empty", &|path| fs::write(path, "").unwrap());
    check("text", ErrorKind::Input, "not an SQLite database", &|path| {
        fs::write(path, "{\"requests\": {}}".repeat(100)).unwrap();
    });
    check("short text", ErrorKind::Input, "not an SQLite database", &|path| fs::write(path, "{}").unwrap());
    check("another program's", ErrorKind::Input, "another program", &|path| {
        sqlite(path, "CREATE TABLE request (id)");
    });
    check("newer", ErrorKind::Input, "schema version 99", &|path| ours(path, "PRAGMA user_version = 99"));
    check("negative", ErrorKind::Input, "schema version -3", &|path| ours(path, "PRAGMA user_version = -3"));
    check("no version", ErrorKind::Damaged, "no schema version", &|path| {
        ours(path, "PRAGMA user_version = 0");
    });
    check("log without database", ErrorKind::Damaged, "is missing", &|path| {
        fs::write(path.with_extension("db-wal"), "x").unwrap();
    });
    check("journal without database", ErrorKind::Damaged, "is missing", &|path| {
        fs::write(path.with_extension("db-journal"), "x").unwrap();
    });
    check("backup without database", ErrorKind::Damaged, "is missing", &|path| {
        fs::write(path.with_extension("db.backup-v1-2026"), "x").unwrap();
    });
    // An unwritable file is no trace of a lost database.
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("state.db-wal"), "").unwrap();
    let store = SqliteStore::open(directory.path().join("state.db"), OPTIONS).unwrap();
    store.admit(&acquire("req-1", 1, 100), MaxNumber::Unlimited).unwrap();
}

#[test]
fn a_place_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "x").unwrap();
    let path = directory.path().join("file/state.db");
    let error = SqliteStore::open(path, OPTIONS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::System);
    assert!(error.summary().contains("file/state.db"), "{error}");
}

#[test]
fn a_store_that_is_open_for_reading_refuses_to_write() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let store = SqliteStore::open(site.path(), READ_ONLY).unwrap();
    let kinds = [
        store.admit(&acquire("req-2", 1, 1), MaxNumber::Unlimited).map(drop),
        store.admit_return(&return_request("ret-1", 1), &[]).map(drop),
        store.acknowledge(&[id("req-1")]),
        DocumentStore::write(&store, "sim", &mut |_| Ok(())),
        store.test().map(drop),
        store.migrate(false).map(drop),
        store.import(&mut "{}".as_bytes(), None).map(drop),
    ]
    .map(|outcome| outcome.unwrap_err().kind());
    assert_eq!(kinds, [ErrorKind::Refused; 7]);
    assert_eq!(view(&store, "req-1").machines.len(), 1);
    assert_eq!((store.health().healthy, store.health().writable), (true, None));
}

/// A store with a page of history for each table, closed.
fn filled() -> TempDir {
    let site = Site::new();
    for number in 0..60 {
        let name = format!("req-{number}");
        fulfil(&site.store, &name, &[&format!("i-{number}")], 100 + number);
    }
    let Site { directory, store } = site;
    drop(store);
    let connection = Connection::open(directory.path().join("state.db")).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    directory
}

#[test]
fn a_file_that_is_cut_off_is_never_an_empty_store() {
    let directory = filled();
    let path = directory.path().join("state.db");
    let whole = fs::read(&path).unwrap();
    for length in [1, 50, 99, 100, 512, 4_095, 4_096, 8_192, whole.len() / 2, whole.len() - 4_096] {
        fs::write(&path, &whole[..length]).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(path.with_extension(format!("db{suffix}")));
        }
        let store = SqliteStore::open(&path, LAZY).unwrap();
        let error = store.requests(&RequestFilter::default()).expect_err(&format!("{length} bytes"));
        let expected = [ErrorKind::Damaged, ErrorKind::Input];
        assert!(expected.contains(&error.kind()), "{length} bytes: {error}");
    }
}

#[test]
fn damaged_pages_are_errors_or_findings_and_never_a_panic() {
    let directory = filled();
    let path = directory.path().join("state.db");
    let whole = fs::read(&path).unwrap();
    let mut found = 0;
    for page in 1..whole.len() / 4_096 {
        let mut damaged = whole.clone();
        damaged[page * 4_096..page * 4_096 + 64].fill(0xa5);
        fs::write(&path, &damaged).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(path.with_extension(format!("db{suffix}")));
        }
        let store = SqliteStore::open(&path, LAZY).unwrap();
        let _ = store.requests(&RequestFilter::default());
        let _ = store.machines(&MachineFilter::default());
        let _ = store.watched_machines();
        let _ = store.needing_attention(&AttentionQuery {
            now: at(0),
            unacknowledged_before: at(i64::MAX),
            untouched_since: at(i64::MAX),
            limit: 9,
            watched_limit: 9,
        });
        let _ = store.admit(&acquire("req-x", 1, 1), MaxNumber::AtMost(5));
        let _ = store.export(&mut std::io::sink());
        found += usize::from(store.validate().map_or(true, |validation| !validation.valid));
    }
    assert_eq!(found, whole.len() / 4_096 - 1, "a damaged page went unnoticed");
}

#[test]
fn nonsense_in_a_row_is_an_error_that_names_it() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let tampered = Connection::open(site.path()).unwrap();
    // The database itself checks types and words, unless it was tampered with.
    tampered
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON;
             UPDATE machine SET state = 'exploded' WHERE id = 'i-1';
             UPDATE request SET requested = -4 WHERE id = 'req-1';",
        )
        .unwrap();
    let store = site.again();
    let check = |error: ohfp_broker::Error, words: &[&str]| {
        assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        assert!(words.iter().all(|word| error.summary().contains(word)), "{error}");
    };
    check(store.watched_machines().unwrap_err(), &["table machine", "row 1", "`state`", "`exploded`"]);
    check(store.views(&[id("req-1")]).unwrap_err(), &["table request", "row 1", "`requested`", "-4"]);
    let validation = store.validate().unwrap();
    let tables: Vec<&str> = validation.findings.iter().map(|finding| finding.table.as_str()).collect();
    assert!(tables.contains(&"request") && tables.contains(&"machine"), "{validation:?}");
}

/// What leads back from each version to the one before; the columns are of no meaning to that.
const BACK_TO: [&str; 2] = [
    "DROP INDEX machine_resource;
    ALTER TABLE machine DROP COLUMN account; ALTER TABLE machine DROP COLUMN region;
    ALTER TABLE request DROP COLUMN open; PRAGMA user_version = 1;",
    "DROP INDEX request_finished; DROP INDEX machine_gone; DROP INDEX request_unfinished;
    CREATE INDEX request_unfinished ON request(updated) WHERE state IN ('recorded','started');
    ALTER TABLE request DROP COLUMN finished; ALTER TABLE request DROP COLUMN delivered;
    ALTER TABLE request DROP COLUMN shortfall; ALTER TABLE machine DROP COLUMN asked;
    ALTER TABLE machine DROP COLUMN ended; ALTER TABLE machine DROP COLUMN gone; PRAGMA user_version = 2;",
];

fn check_migrated_from(version: usize) {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1", "i-2"], 100);
    return_machines(&site.store, "ret-1", &["/i-1"], 200);
    let before = [view(&site.store, "req-1"), view(&site.store, "ret-1")];
    for back in BACK_TO.iter().skip(version - 1).rev() {
        Connection::open(site.path()).unwrap().execute_batch(back).unwrap();
    }

    let refused = SqliteStore::open(site.path(), READ_ONLY).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let versions = format!("schema version {version}; this program reads version 3");
    assert!(refused.summary().contains(&versions), "{refused}");
    let store = site.again();
    assert_eq!([view(&store, "req-1"), view(&store, "ret-1")], before);
    assert!(store.validate().unwrap().valid);
    let backup: Vec<String> = files(site.directory.path())
        .into_iter()
        .filter(|name| name.contains(&format!(".backup-v{version}-")))
        .collect();
    assert_eq!(backup.len(), 1, "{backup:?}");
    // What is new can be stored.
    let mut request = before[0].request.clone();
    (request.open, request.watch_until) = (true, Some(at(900)));
    stored(&store, Some(request), Vec::new());
    assert!(view(&site.again(), "req-1").request.open);
    assert!(!store.migrate(true).unwrap().changed);
}

#[test]
fn a_store_of_any_version_is_migrated_with_all_that_it_has() {
    for version in 1..=BACK_TO.len() {
        check_migrated_from(version);
    }
}

#[test]
fn what_others_do_to_the_schema_while_it_is_open_is_noticed() {
    let site = Site::new();
    site.store.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited).unwrap();
    Connection::open(site.path()).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let read = site.store.views(&[id("req-1")]).map(drop);
    let written = site.store.admit(&acquire("req-2", 1, 1), MaxNumber::Unlimited).map(drop);
    assert_eq!([read, written].map(|outcome| outcome.unwrap_err().kind()), [ErrorKind::Input; 2]);
}
