//! The two journals: a write-ahead log on local file systems, a rollback journal elsewhere.

use std::fs;
use std::time::Duration;

use ohfp_broker::ErrorKind;
use ohfp_broker::store::Store;
use ohfp_broker::template::MaxNumber;
use ohfp_store_sqlite::{Options, SqliteStore};
use rusqlite::{Connection, TransactionBehavior};

use crate::common::*;

const REMOTE: Options = Options { local_file_system: false, ..OPTIONS };

#[test]
fn elsewhere_there_is_never_a_log() {
    let site = Site::with(REMOTE);
    fulfil(&site.store, "req-1", &["i-1"], 100);
    return_machines(&site.store, "ret-1", &["/i-1"], 200);
    let other = SqliteStore::open(site.path(), REMOTE).unwrap();
    assert_eq!(view(&other, "ret-1").machines.len(), 1);
    assert_eq!(site.store.health().journal.as_deref(), Some("truncate"));
    for suffix in ["-wal", "-shm"] {
        assert!(!site.path().with_extension(format!("db{suffix}")).exists(), "{suffix}");
    }
    assert!(site.store.validate().unwrap().valid);
}

#[test]
fn a_store_that_moves_changes_its_journal_once_and_keeps_everything() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let path = site.path();
    let Site { directory: _directory, store } = site;
    drop(store);
    for (options, journal) in [(REMOTE, "truncate"), (OPTIONS, "wal"), (REMOTE, "truncate")] {
        let store = SqliteStore::open(&path, options).unwrap();
        assert_eq!(view(&store, "req-1").machines.len(), 1);
        assert_eq!(store.health().journal.as_deref(), Some(journal));
    }
}

#[test]
fn a_log_that_others_use_is_not_taken_from_them() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let impatient = Options { busy_timeout: Duration::from_millis(20), ..REMOTE };
    let error = SqliteStore::open(site.path(), impatient).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    // A read-only process may read it, since the log is complete.
    let reader = SqliteStore::open(site.path(), Options { read_only: true, ..impatient }).unwrap();
    assert_eq!(view(&reader, "req-1").machines.len(), 1);
    assert!(!reader.health().healthy);
}

#[test]
fn the_log_is_carried_over_before_it_is_long() {
    let site = Site::new();
    let log = site.path().with_extension("db-wal");
    let mut longest = 0;
    for number in 0..200 {
        site.store.admit(&acquire(&format!("req-{number}"), 1, number), MaxNumber::Unlimited).unwrap();
        longest = longest.max(fs::metadata(&log).unwrap().len());
    }
    assert!((64 * 1024..512 * 1024).contains(&longest), "{longest}");
    // A process that ends leaves the log alone.
    let Site { directory: _directory, store } = site;
    let path = store.path().to_owned();
    drop(store);
    let other = open(&path);
    other.admit(&acquire("req-last", 1, 1), MaxNumber::Unlimited).unwrap();
    drop(other);
    assert!(log.exists());
    assert_eq!(open(&path).demand("t").unwrap(), 201);
}

#[test]
fn readers_do_not_wait_for_a_writer() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let mut writer = Connection::open(site.path()).unwrap();
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    transaction.execute("UPDATE machine SET name = 'other'", []).unwrap();
    let impatient = Options { busy_timeout: Duration::ZERO, eager: false, ..OPTIONS };
    let reader = SqliteStore::open(site.path(), impatient).unwrap();
    assert_eq!(view(&reader, "req-1").machines[0].name.as_deref(), Some("host-i-1"));
    // A writer does, and says so in the end.
    let error = reader.admit(&acquire("req-2", 1, 1), MaxNumber::Unlimited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let message = error.to_string();
    assert!(message.contains("state.db") && message.contains("try again"), "{message}");
    assert!(!message.contains("locked"), "{message}");
    transaction.commit().unwrap();
    reader.admit(&acquire("req-2", 1, 1), MaxNumber::Unlimited).unwrap();
}
