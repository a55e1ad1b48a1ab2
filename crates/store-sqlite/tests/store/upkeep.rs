//! What operators ask for.

use std::fs;

use ohfp_broker::administration::{Administration, Pruned};
use ohfp_broker::documents::{Document, DocumentStore};
use ohfp_broker::store::{RequestFilter, Store};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{ErrorKind, MachineState, RequestState};
use ohfp_store_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

use crate::common::*;

#[test]
fn health_of_a_store_that_is_well() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let health = site.store.health();
    assert!(health.healthy && health.exists, "{health:?}");
    assert_eq!((health.journal.as_deref(), health.writable), (Some("wal"), Some(true)));
    assert_eq!(health.schema_version, Some(i64::from(health.current_schema_version)));
    assert!(health.bytes > 0 && health.file_system.is_some());
    // The question changes nothing.
    assert_eq!(site.store.health(), health);
}

/// Operators reach every store by one trait; the store itself has methods of the same names.
#[test]
fn a_store_is_administered_by_the_trait() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state.db");
    let store = SqliteStore::open(&path, Options { eager: false, ..OPTIONS }).unwrap();
    let store: &dyn Administration = &store;
    assert_eq!((store.file(), store.exists()), (Some(path.as_path()), false));
    store.init().unwrap();
    assert!(store.exists() && store.health().healthy && store.validate().unwrap().valid);
    assert!(store.test().unwrap().read_micros > 0);
    assert_eq!(store.metrics().unwrap().documents, 0);
    let mut document = Vec::new();
    assert_eq!(store.export(&mut document).unwrap().requests, 0);
    assert_eq!(store.import(&mut document.as_slice(), None).unwrap().taken.requests, 0);
    assert!(store.migrate(true).is_ok());
    let copy = directory.path().join("copy.db");
    store.backup(&copy).unwrap();
    assert!(copy.exists());
    assert!(store.restore(&copy, false).is_ok());
}

#[test]
fn a_round_trip_leaves_nothing_behind() {
    let site = Site::new();
    let before = site.store.metrics().unwrap();
    for _ in 0..2 {
        let trip = site.store.test().unwrap();
        // Each is a time of its own: to get the turn, to write with a sync, to read that back, to take it back.
        let times = [trip.turn_micros, trip.write_micros, trip.read_micros, trip.rollback_micros];
        assert!(
            times.iter().any(|time| *time > 1) && times.iter().all(|time| *time < 60_000_000),
            "{trip:?}"
        );
    }
    assert_eq!(site.store.metrics().unwrap(), before);
    assert!(site.store.requests(&RequestFilter::default()).unwrap().is_empty());
}

#[test]
fn metrics_count_by_state_and_name_every_state() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1", "i-2"], 100);
    site.store.admit(&acquire("req-2", 1, 50), MaxNumber::Unlimited).unwrap();
    return_machines(&site.store, "ret-1", &["/i-1"], 200);
    change(&site.store, &["i-2"], |machine| machine.lost(at(300)));
    let document =
        |id: &str, live_until| Document { id: id.into(), group: "g".into(), live_until, body: "{}".into() };
    DocumentStore::write(&site.store, "sim", &mut |tx| {
        tx.put(&document("a", Some(at(50))))?;
        tx.put(&document("b", None))
    })
    .unwrap();
    let metrics = site.store.metrics().unwrap();
    let mut sorted: Vec<&str> = RequestState::NAMES.to_vec();
    sorted.sort_unstable();
    assert_eq!(metrics.requests.keys().collect::<Vec<_>>(), sorted);
    assert_eq!((metrics.requests["complete"], metrics.requests["recorded"]), (1, 1));
    assert_eq!((metrics.returns["recorded"], metrics.returns.len()), (1, 5));
    assert_eq!((metrics.machines["running"], metrics.machines["terminated"]), (1, 1));
    assert_eq!(metrics.machines.len(), MachineState::NAMES.len());
    assert_eq!((metrics.live_documents, metrics.documents, metrics.oldest_request), (1, 2, Some(50)));
    assert_eq!(metrics.log_bytes, 32 + metrics.log_pages * (metrics.page_bytes + 24));
}

#[test]
fn what_does_not_fit_together_is_found() {
    // Manipulations of the tables, and the table of the finding.
    let check = |sql: &str, table: &str, words: &str| {
        let site = Site::new();
        fulfil(&site.store, "req-1", &["i-1", "i-2"], 100);
        return_machines(&site.store, "ret-1", &["/i-1"], 200);
        assert!(site.store.validate().unwrap().valid);
        let tampered = Connection::open(site.path()).unwrap();
        tampered.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        let validation = site.again().validate().unwrap();
        assert!(!validation.valid, "{sql}");
        let fits = |finding: &ohfp_broker::administration::Inconsistency| {
            finding.table == table && finding.message.contains(words)
        };
        assert!(validation.findings.iter().any(fits), "{sql}: {:?}", validation.findings);
    };
    check("DELETE FROM request WHERE id = 'req-1'", "machine", "`request` that is not there");
    check("DELETE FROM machine WHERE id = 'i-1'", "return_member", "`machine` that is not there");
    check("UPDATE request SET machines_left = 5 WHERE id = 'req-1'", "request", "count its machines");
    check("UPDATE request SET requested = 3 WHERE id = 'req-1'", "request", "fewer machines");
    check("UPDATE request SET requested = 0 WHERE id = 'ret-1'", "request", "more machines than it says");
    check("UPDATE request SET state = 'complete' WHERE id = 'ret-1'", "request", "still there");
    check("UPDATE machine SET request = 'ret-1' WHERE id = 'i-1'", "machine", "no request of machines");
    check(
        "UPDATE machine SET state = 'shutting-down' WHERE id = 'i-2'",
        "machine",
        "nothing says who ended it",
    );
    check("UPDATE machine SET ending = NULL WHERE id = 'i-1'", "machine", "is returned, and nothing says");
    check("UPDATE machine SET returned_by = 'req-1' WHERE id = 'i-1'", "machine", "no return");
    check("DELETE FROM return_member", "machine", "not among the machines");
    check("UPDATE machine SET returned_by = NULL WHERE id = 'i-1'", "machine", "does not say");
    check("UPDATE return_member SET return_id = 'req-1'", "return_member", "no return");
}

#[test]
fn a_backup_is_a_whole_store_in_one_file_and_replaces_nothing() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let to = site.directory.path().join("copy.db");
    let backup = site.store.backup(&to).unwrap();
    assert_eq!(backup.bytes, fs::metadata(&to).unwrap().len());
    fulfil(&site.store, "req-2", &["i-2"], 100);
    let error = site.store.backup(&to).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    for entry in fs::read_dir(site.directory.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with("copy.db.") && !name.starts_with("copy.db-"), "{name}");
    }

    // Put in the place of a store, it is one.
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("state.db");
    fs::copy(&to, &path).unwrap();
    let restored = open(&path);
    assert_eq!(view(&restored, "req-1").machines.len(), 1);
    assert_eq!(restored.views(&[id("req-2")]).unwrap(), [None]);
    assert!(restored.validate().unwrap().valid);
    assert_eq!(restored.health().journal.as_deref(), Some("wal"));

    let empty = SqliteStore::open(other.path().join("none.db"), Options { eager: false, ..OPTIONS }).unwrap();
    assert_eq!(empty.backup(other.path().join("b")).unwrap_err().kind(), ErrorKind::NotFound);
    let nowhere = site.store.backup(other.path().join("no/such/place")).unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::System);
}

#[test]
fn a_store_that_is_up_to_date_needs_no_migration() {
    let site = Site::new();
    for dry_run in [true, false] {
        let migration = site.store.migrate(dry_run).unwrap();
        assert_eq!((migration.from, migration.changed, migration.backup), (Some(migration.to), false, None));
    }
    // Another journal is said before it is done.
    let path = site.path();
    let Site { directory, store } = site;
    drop(store);
    let remote = Options { local_file_system: false, eager: false, ..OPTIONS };
    let store = SqliteStore::open(&path, remote).unwrap();
    let plan = store.migrate(true).unwrap();
    assert_eq!((plan.journal_to.as_deref(), plan.changed), (Some("truncate"), false));
    assert_eq!(store.migrate(true).unwrap(), plan);
    assert!(store.migrate(false).unwrap().changed);
    assert!(!store.migrate(false).unwrap().changed);
    let none = SqliteStore::open(directory.path().join("none.db"), remote).unwrap();
    assert_eq!(none.migrate(true).unwrap().from, None);
}

#[test]
fn what_is_over_and_gone_is_cleared_away_and_nothing_else() {
    let site = Site::new();
    let finish = |name: &str, state: RequestState, now: i64| {
        let mut request = view(&site.store, name).request;
        request.transition_to(state, None, at(now)).unwrap();
        stored(&site.store, Some(request), Vec::new());
    };
    let gone = |names: &[&str]| change(&site.store, names, |machine| machine.lost(at(150)));
    fulfil(&site.store, "over", &["i-1", "i-2"], 100);
    fulfil(&site.store, "half over", &["i-3", "i-4"], 100);
    fulfil(&site.store, "young", &["i-5"], 5_000);
    fulfil(&site.store, "going back", &["i-6"], 100);
    fulfil(&site.store, "back lately", &["i-7"], 100);
    site.store.admit(&acquire("unfinished", 1, 100), MaxNumber::Unlimited).unwrap();
    site.store.admit(&acquire("failed", 1, 100), MaxNumber::Unlimited).unwrap();
    finish("failed", RequestState::Failed, 100);
    return_machines(&site.store, "ret over", &["/i-1"], 120);
    return_machines(&site.store, "ret half", &["/i-2", "/i-3"], 120);
    return_machines(&site.store, "ret unfinished", &["/i-6"], 120);
    return_machines(&site.store, "ret lately", &["/i-7"], 120);
    gone(&["i-1", "i-2", "i-3", "i-5", "i-6", "i-7"]);
    finish("ret over", RequestState::Complete, 200);
    finish("ret half", RequestState::Complete, 200);
    finish("ret lately", RequestState::Complete, 5_000);
    let tokens = [("over", None), ("over", Some(at(5_000))), ("over", Some(at(250))), ("half over", None)];
    for (number, (request, live_until)) in tokens.into_iter().enumerate() {
        let group = view(&site.store, request).request.token();
        let record = Document { id: number.to_string(), group, live_until, body: String::new() };
        DocumentStore::write(&site.store, "sim", &mut |tx| tx.put(&record)).unwrap();
    }

    let left = || {
        let views = site.store.requests(&RequestFilter::default()).unwrap();
        let mut names: Vec<String> = views.iter().map(|view| view.request.id.to_string()).collect();
        names.sort();
        names
    };
    let before = left();
    assert_eq!(site.store.prune(at(100)).unwrap(), Pruned::default());
    assert_eq!(left(), before);
    assert_eq!(site.store.prune(at(1_000)).unwrap(), Pruned { requests: 3, machines: 2, documents: 2 });
    assert_eq!(
        left(),
        [
            "back lately",
            "going back",
            "half over",
            "ret half",
            "ret lately",
            "ret unfinished",
            "unfinished",
            "young"
        ]
    );
    assert!(site.store.validate().unwrap().valid, "{:?}", site.store.validate());
    assert_eq!(ids(&view(&site.store, "ret half").machines), ["i-3"]);
    finish("ret unfinished", RequestState::Complete, 300);
    gone(&["i-4"]);
    let all = Pruned { requests: 7, machines: 5, documents: 1 };
    assert_eq!(site.store.prune(at(10_000)).unwrap(), all);
    assert_eq!(left(), ["unfinished"]);
    assert!(site.store.validate().unwrap().valid);
}

#[test]
fn clearing_away_goes_through_many_batches() {
    let site = Site::new();
    let connection = Connection::open(site.path()).unwrap();
    connection.execute_batch(&history(1_000)).unwrap();
    assert_eq!(site.store.prune(at(500)).unwrap(), Pruned { requests: 500, machines: 500, documents: 0 });
    assert_eq!(site.store.prune(at(2_000)).unwrap(), Pruned { requests: 500, machines: 500, documents: 0 });
    assert!(site.store.validate().unwrap().valid);
}

/// The oldest of those that are over: not one that still has machines or goes on.
#[test]
fn the_oldest_request_that_is_over() {
    let site = Site::new();
    let oldest = |site: &Site| site.store.oldest_finished().unwrap();
    assert_eq!(oldest(&site), None);
    fulfil(&site.store, "req-1", &["i-1"], 100);
    site.store.admit(&acquire("req-2", 1, 50), MaxNumber::Unlimited).unwrap();
    assert_eq!(oldest(&site), None);
    change(&site.store, &["i-1"], |machine| machine.lost(at(300)));
    assert_eq!(oldest(&site), Some(at(100)));
    fulfil(&site.store, "req-0", &["i-0"], 70);
    change(&site.store, &["i-0"], |machine| machine.lost(at(400)));
    assert_eq!(oldest(&site), Some(at(70)));
}

/// A backup in the place of a store goes its own way, under an id of its own.
#[test]
fn a_backup_in_the_place_of_a_store_becomes_one() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("state.db");
    site.store.backup(&path).unwrap();
    let says = |path: &std::path::Path| -> (String, Vec<u8>) {
        let connection = Connection::open(path).unwrap();
        connection.query_row("SELECT kind, id FROM store", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    let (_, original) = says(&site.path());
    assert_eq!(says(&path), ("backup".to_owned(), original.clone()));
    let store = open(&path);
    fulfil(&store, "req-2", &["i-2"], 200);
    assert_eq!(view(&store, "req-1").machines.len(), 1);
    let (kind, id) = says(&path);
    assert_eq!(kind, "live");
    assert_ne!(id, original);
}
