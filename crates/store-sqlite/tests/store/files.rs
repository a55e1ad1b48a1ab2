//! The files that a store keeps: their modes, what is in them, and which are removed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use ohfp_broker::store::Store;
use ohfp_broker::template::MaxNumber;
use ohfp_store_sqlite::SqliteStore;

use crate::common::*;

#[test]
fn what_was_deleted_is_in_no_file() {
    const SECRET: &str = "AKIA-not-to-be-found-again";
    let site = Site::new();
    let mut request = acquire("req-1", 1, 100);
    request.launch_fields = Some(format!("{{\"userData\":\"{}\"}}", SECRET.repeat(400)));
    site.store.admit(&request, MaxNumber::Unlimited).unwrap();
    checkpoint(&site.path());
    let holds =
        |path: &Path| fs::read(path).unwrap().windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
    assert!(holds(&site.path()));
    let mut request = view(&site.store, "req-1").request;
    request.launch_fields = None;
    stored(&site.store, Some(request), Vec::new());
    let backup = site.directory.path().join("copy.db");
    site.store.backup(&backup).unwrap();
    checkpoint(&site.path());
    assert!(!holds(&site.path()) && !holds(&backup));
}

#[test]
fn modes_do_not_follow_the_mask_and_links_are_not_followed() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let backup = site.directory.path().join("copy.db");
    site.store.backup(&backup).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(&beside(&site.path(), suffix)), 0o640, "{suffix}");
    }
    assert_eq!((mode(&beside(&site.path(), ".lock")), mode(&backup)), (0o600, 0o640));

    let check = |what: &str, suffix: &str, words: &str, plant: &dyn Fn(&Path, &Path)| {
        let directory = closed();
        let path = directory.path().join("state.db");
        let bystander = directory.path().join("bystander");
        fs::write(&bystander, "x").unwrap();
        let victim = beside(&path, suffix);
        let _ = fs::remove_file(&victim);
        plant(&bystander, &victim);
        let store = || SqliteStore::open(&path, LAZY).unwrap();
        let read = store().views(&[id("late")]).map(drop);
        let written = store().admit(&acquire("new", 1, 1), MaxNumber::Unlimited).map(drop);
        for error in [read, written].map(|done| done.expect_err(what)) {
            assert!(error.summary().contains("state.db"), "{what}: {error}");
            assert!(error.summary().contains(words), "{what}: {error}");
        }
        assert_eq!((fs::read(&bystander).unwrap(), mode(&bystander)), (b"x".to_vec(), 0o644), "{what}");
    };
    for suffix in ["", "-wal", "-shm", ".lock"] {
        check("a link", suffix, "symbolic link", &|to, at| symlink(to, at).unwrap());
        check("another name", suffix, "hard links", &|to, at| fs::hard_link(to, at).unwrap());
        check("a directory", suffix, "directory", &|_, at| fs::create_dir(at).unwrap());
        check("for all to write", suffix, "may write it", &|_, at| {
            fs::write(at, "x").unwrap();
            fs::set_permissions(at, fs::Permissions::from_mode(0o666)).unwrap();
        });
    }
    // Directories above may be links: that is the administrator's choice.
    let link = site.directory.path().join("link");
    symlink(site.directory.path(), &link).unwrap();
    assert_eq!(view(&open(&link.join("state.db")), "req-1").machines.len(), 1);
}

#[test]
fn drafts_of_dead_processes_are_removed() {
    let site = Site::new();
    let dead = site.directory.path().join(".ohfp-1-0.draft");
    fs::write(&dead, "half").unwrap();
    fs::write(site.directory.path().join(".ohfp-1-0.draft-journal"), "half").unwrap();
    let live = site.directory.path().join(".ohfp-2-0.draft");
    let held = fs::File::create(&live).unwrap();
    held.lock().unwrap();
    site.store.backup(site.directory.path().join("copy.db")).unwrap();
    assert!(!dead.exists() && live.exists());
    assert!(!site.directory.path().join(".ohfp-1-0.draft-journal").exists());
}

#[test]
fn a_quiet_log_is_carried_over_and_room_is_kept() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let log = beside(&site.path(), "-wal");
    let length = || fs::metadata(&log).unwrap().len();
    // It was written to just now.
    site.store.maintain().unwrap();
    assert!(length() > 0);
    let quiet = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
    let age = || fs::File::options().write(true).open(&log).unwrap().set_modified(quiet).unwrap();
    age();
    // Another process writes.
    let lock = fs::File::options().write(true).open(beside(&site.path(), ".lock")).unwrap();
    lock.lock().unwrap();
    site.store.maintain().unwrap();
    assert!(length() > 0);
    drop(lock);
    let _ = fs::remove_file(beside(&site.path(), ".reserve"));
    assert!(site.store.health().only_in_log.unwrap() > 0);
    age();
    site.again().maintain().unwrap();
    assert_eq!((length(), site.store.health().only_in_log), (0, Some(0)));
    assert_eq!(site.store.health().reserve_bytes, 4 << 20);
    assert_eq!(view(&site.again(), "req-1").machines.len(), 1);
}
