//! Pages that are not what was written: each is refused by its checksum, whatever else is damaged or not.

use std::fs;
use std::path::Path;

use ohfp_broker::store::{MachineFilter, RequestFilter, Store};
use ohfp_broker::{ErrorKind, Result};
use ohfp_storage::SqliteStore;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::common::{Site, fulfil, open};

const PAGE: usize = 4_096;

/// SQLite as it is: what another program uses.
fn other_program(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    Connection::open_with_flags_and_vfs(path, flags, "unix").unwrap()
}

fn checkpoint(connection: &Connection) {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

fn has_checksums(path: &Path) -> bool {
    let connection = Connection::open(path).unwrap();
    connection.pragma_query_value(None, "page_checksums", |row| row.get::<_, String>(0)).unwrap() == "1"
}

/// A closed store whose pages are all in the database.
fn filled() -> TempDir {
    let Site { directory, store } = Site::new();
    for number in 0..40 {
        fulfil(&store, &format!("req-{number}"), &[&format!("i-{number}")], 100 + number);
    }
    drop(store);
    checkpoint(&Connection::open(directory.path().join("state.db")).unwrap());
    directory
}

fn everything(store: &SqliteStore) -> Result<(usize, usize)> {
    let requests = store.requests(&RequestFilter::default())?;
    let machines = store.machines(&MachineFilter::default())?;
    Ok((requests.len(), machines.len()))
}

/// Every page in turn, changed in one byte: what is read of it is an error, and nothing else is answered.
#[test]
fn one_byte_of_any_page() {
    let directory = filled();
    let path = directory.path().join("state.db");
    let sound = fs::read(&path).unwrap();
    let mut refused = 0;
    for page in 0..sound.len() / PAGE {
        for byte in [7, 20, 60, 68, 100, 2_000, PAGE - 9, PAGE - 1] {
            let mut content = sound.clone();
            content[page * PAGE + byte] ^= 4;
            fs::write(&path, content).unwrap();
            let read = SqliteStore::open(&path, crate::common::OPTIONS).and_then(|store| everything(&store));
            match read {
                Ok(found) => assert_eq!(found, (40, 40), "page {page}, byte {byte}"),
                Err(error) => {
                    let kinds = [ErrorKind::Damaged, ErrorKind::Input];
                    assert!(kinds.contains(&error.kind()), "page {page}, byte {byte}: {error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused >= 40 && refused % 8 == 0, "{refused} changes were seen");
}

#[test]
fn pages_that_lie_in_each_others_place() {
    let directory = filled();
    let path = directory.path().join("state.db");
    let sound = fs::read(&path).unwrap();
    for one in 1..sound.len() / PAGE {
        for other in 1..one {
            let mut content = sound.clone();
            let (front, back) = content.split_at_mut(one * PAGE);
            front[other * PAGE..(other + 1) * PAGE].swap_with_slice(&mut back[..PAGE]);
            fs::write(&path, content).unwrap();
            let read = SqliteStore::open(&path, crate::common::OPTIONS).and_then(|store| everything(&store));
            assert!(read.is_err() || read == Ok((40, 40)), "{other} and {one}: {read:?}");
        }
    }
}

/// Looking at a store with SQLite's own command line carries the log over, and harms nothing.
#[test]
fn another_program_may_read() {
    let Site { directory, store } = Site::new();
    for number in 0..20 {
        fulfil(&store, &format!("req-{number}"), &[&format!("i-{number}")], 100 + number);
    }
    drop(store);
    let path = directory.path().join("state.db");
    let other = other_program(&path);
    let count: i64 = other.query_row("SELECT count(*) FROM request", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 20);
    checkpoint(&other);
    drop(other);
    let store = open(&path);
    assert_eq!(everything(&store).unwrap(), (20, 20));
    fulfil(&store, "req-new", &["i-new"], 500);
    assert!(store.validate().unwrap().valid);
}

/// What another program changed is not what ohfp wrote.
#[test]
fn another_program_must_not_write() {
    let directory = filled();
    let path = directory.path().join("state.db");
    let other = other_program(&path);
    other.execute_batch("UPDATE machine SET state = 'terminated'").unwrap();
    checkpoint(&other);
    drop(other);
    let read = SqliteStore::open(&path, crate::common::OPTIONS).and_then(|store| everything(&store));
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Damaged);
}

/// A store that was made before there were checksums goes on without, and so do its backups.
#[test]
fn a_store_without_checksums() {
    let directory = filled();
    let path = directory.path().join("state.db");
    assert!(has_checksums(&path));
    let plain = directory.path().join("plain.db");
    let other = other_program(&plain);
    other.execute("ATTACH ?1 AS sound", [path.to_str().unwrap()]).unwrap();
    let schema: Vec<String> = other
        .prepare("SELECT sql FROM sound.sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(|sql| sql.unwrap())
        .collect();
    for statement in schema.iter().filter(|statement| !statement.contains("sqlite_sequence")) {
        other.execute_batch(statement).unwrap();
    }
    let tables: Vec<String> = other
        .prepare("SELECT name FROM sound.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(|name| name.unwrap())
        .collect();
    other.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for table in tables {
        other.execute_batch(&format!("INSERT INTO main.{table} SELECT * FROM sound.{table}")).unwrap();
    }
    for mark in ["application_id", "user_version"] {
        let value: i64 = other.pragma_query_value(Some("sound"), mark, |row| row.get(0)).unwrap();
        other.pragma_update(Some("main"), mark, value).unwrap();
    }
    drop(other);
    assert!(!has_checksums(&plain));
    fs::rename(&plain, &path).unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(directory.path().join(format!("state.db{suffix}")));
    }
    let store = open(&path);
    assert_eq!(everything(&store).unwrap(), (40, 40));
    fulfil(&store, "req-new", &["i-new"], 500);
    let backup = directory.path().join("backup.db");
    store.backup(&backup).unwrap();
    assert!(!has_checksums(&backup));
    assert_eq!(everything(&open(&backup)).unwrap(), (41, 41));
}

#[test]
fn backups_have_checksums() {
    let directory = filled();
    let backup = directory.path().join("backup.db");
    open(&directory.path().join("state.db")).backup(&backup).unwrap();
    assert!(has_checksums(&backup));
}
