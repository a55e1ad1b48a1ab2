//! Pages that are not what was written: each is refused by its checksum, whatever else is damaged or not.

use std::fs;
use std::path::Path;

use ohfp_broker::store::{MachineFilter, RequestFilter, Store};
use ohfp_broker::{ErrorKind, RequestId, Result};
use ohfp_store_sqlite::SqliteStore;
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

/// Makes a store one that was made before there were checksums.
fn without_checksums(path: &Path) {
    let plain = path.with_extension("plain");
    let other = other_program(&plain);
    other.execute("ATTACH ?1 AS sound", [path.to_str().unwrap()]).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = other.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.map(|text| text.unwrap()).collect()
    };
    for statement in texts("SELECT sql FROM sound.sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC") {
        other.execute_batch(&statement).unwrap();
    }
    other.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for table in
        texts("SELECT name FROM sound.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    {
        // Without the generated ones.
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')")).join(", ");
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM sound.{table}");
        other.execute_batch(&copy).unwrap();
    }
    for mark in ["application_id", "user_version"] {
        let value: i64 = other.pragma_query_value(Some("sound"), mark, |row| row.get(0)).unwrap();
        other.pragma_update(Some("main"), mark, value).unwrap();
    }
    drop(other);
    fs::rename(&plain, path).unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(path.with_extension(format!("db{suffix}")));
    }
    assert!(!has_checksums(path));
}

/// It goes on without; its backups have them.
#[test]
fn a_store_without_checksums() {
    let directory = filled();
    let path = directory.path().join("state.db");
    assert!(has_checksums(&path));
    without_checksums(&path);
    let store = open(&path);
    assert_eq!(everything(&store).unwrap(), (40, 40));
    fulfil(&store, "req-new", &["i-new"], 500);
    let backup = directory.path().join("backup.db");
    store.backup(&backup).unwrap();
    assert!(has_checksums(&backup));
}

/// Where no checksum tells, an id that the index lacks is found without it.
#[test]
fn an_id_that_the_index_lacks_is_not_unknown() {
    let Site { directory, store } = Site::new();
    let id = "req-01a21b2b-95aa-7d1e-9e86-66657b016c6a";
    for number in 0..9 {
        fulfil(&store, &format!("req-01a21b2b-95aa-7d1e-9e86-00000000000{number}"), &[], 100 + number);
    }
    fulfil(&store, id, &["i-1"], 100);
    drop(store);
    let path = directory.path().join("state.db");
    checkpoint(&Connection::open(&path).unwrap());
    without_checksums(&path);
    let mut content = fs::read(&path).unwrap();
    let places: Vec<usize> =
        (0..content.len() - id.len()).filter(|at| content[*at..].starts_with(id.as_bytes())).collect();
    let mut hidden = 0;
    for place in places {
        // In an index, the greatest of its kind stays the greatest.
        let last = place + id.len() - 1;
        content[last] = b'z';
        fs::write(&path, &content).unwrap();
        let read = SqliteStore::open(&path, crate::common::OPTIONS)
            .and_then(|store| store.views(&[RequestId::from_text(id)]));
        match read {
            Ok(views) => assert!(views[0].is_some(), "forgotten by byte {place}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
                hidden += 1;
            }
        }
        content[last] = b'a';
    }
    assert!(hidden > 0);
}

#[test]
fn a_machine_that_was_lost_is_missed() {
    let directory = filled();
    let path = directory.path().join("state.db");
    let tampered = Connection::open(&path).unwrap();
    tampered.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM machine WHERE id = 'i-7'").unwrap();
    checkpoint(&tampered);
    drop(tampered);
    let store = open(&path);
    let views = |id: &str| store.views(&[RequestId::from_text(id)]);
    assert_eq!(views("req-7").unwrap_err().kind(), ErrorKind::Damaged);
    assert_eq!(views("req-8").unwrap()[0].as_ref().unwrap().machines.len(), 1);
}

#[test]
fn backups_have_checksums() {
    let directory = filled();
    let backup = directory.path().join("backup.db");
    open(&directory.path().join("state.db")).backup(&backup).unwrap();
    assert!(has_checksums(&backup));
}
