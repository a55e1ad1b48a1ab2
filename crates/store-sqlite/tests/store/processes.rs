//! Many processes at once, processes that die, and processes that may not write.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use ohfp_broker::store::{Admission, Applied, Change, Store};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{ErrorKind, RequestState};
use ohfp_store_sqlite::{Options, SqliteStore};

use crate::common::*;

/// Runs one of the roles below in a process of its own.
fn spawn(role: &str, directory: &Path, number: u32) -> Child {
    command(&std::env::current_exe().unwrap(), role, directory, number).spawn().unwrap()
}

fn command(program: &Path, role: &str, directory: &Path, number: u32) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--exact", "processes::child", "--ignored", "--quiet"])
        .env("STORE_ROLE", role)
        .env("STORE_DIRECTORY", directory)
        .env("STORE_NUMBER", number.to_string())
        .stdout(std::process::Stdio::null());
    command
}

#[test]
#[ignore = "the other tests run it as a process of its own"]
fn child() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let directory = variable("STORE_DIRECTORY");
    let (directory, number) = (Path::new(&directory), variable("STORE_NUMBER").parse().unwrap());
    match variable("STORE_ROLE").as_str() {
        "admit" => admit_until_full(directory, number),
        "work" => work_for_ever(directory, number),
        "hold" => hold_the_lock(directory),
        "stranger" => stranger(directory),
        role => panic!("no role {role}"),
    }
}

/// What this process was told is stored; it outlives the process, as what a scheduler was told does.
struct Told(File);

impl Told {
    fn new(directory: &Path, number: u32) -> Self {
        let path = directory.join(format!("told-{number}"));
        Self(OpenOptions::new().append(true).create(true).open(path).unwrap())
    }

    fn that(&mut self, fact: &str) {
        self.0.write_all(format!("{fact}\n").as_bytes()).unwrap();
    }
}

fn admit_until_full(directory: &Path, number: u32) {
    let store = SqliteStore::open(directory.join("state.db"), Options { eager: false, ..OPTIONS }).unwrap();
    let mut told = Told::new(directory, number);
    for round in 0.. {
        let name = format!("req-{number}-{round}");
        match store.admit(&acquire(&name, 3, 1), MaxNumber::AtMost(100)).unwrap() {
            Admission::Admitted => told.that(&name),
            Admission::Full { existing } => {
                assert!((98..=100).contains(&existing));
                break;
            }
        }
    }
}

fn told(directory: &Path) -> Vec<String> {
    let mut facts = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("told-") {
            let text = fs::read_to_string(entry.path()).unwrap();
            // What was being written when the process died was not told.
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            facts.extend(whole.lines().map(str::to_owned));
        }
    }
    facts
}

#[test]
fn a_limit_holds_for_many_processes_at_once() {
    // The database does not exist yet: they also create it together.
    let directory = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (0..16).map(|number| spawn("admit", directory.path(), number)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = open(&directory.path().join("state.db"));
    let told = told(directory.path());
    // 33 times 3 of 100.
    assert_eq!((told.len(), store.demand("t").unwrap()), (33, 99));
    assert!(told.iter().all(|name| view(&store, name).request.requested == 3));
    assert!(store.validate().unwrap().valid);
}

#[test]
fn a_limit_holds_for_many_threads_at_once() {
    let site = Site::new();
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (shared, own) = (&site.store, (number % 2 == 0).then(|| site.again()));
                scope.spawn(move || {
                    let store = own.as_ref().unwrap_or(shared);
                    let admit = |round: u32| {
                        let request = acquire(&format!("req-{number}-{round}"), 1, 1);
                        store.admit(&request, MaxNumber::AtMost(50)).unwrap() == Admission::Admitted
                    };
                    (0..20).filter(|round| admit(*round)).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((admitted, site.store.demand("t").unwrap()), (50, 50));
}

#[test]
fn the_first_query_opens_a_lazy_store_once_for_all_threads() {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1"], 100);
    let lazy = SqliteStore::open(site.path(), Options { eager: false, ..OPTIONS }).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(view(&lazy, "req-1").machines.len(), 1));
        }
    });
}

/// Requests, launches, returns, looks; tells of each only after it is stored.
fn work_for_ever(directory: &Path, number: u32) {
    let store = open(&directory.join("state.db"));
    let mut told = Told::new(directory, number);
    for round in 0.. {
        let name = format!("req-{number}-{round}-{}", std::process::id());
        store.admit(&acquire(&name, 2, round), MaxNumber::Unlimited).unwrap();
        told.that(&format!("request {name} 0"));
        let machines = [format!("i-{name}-a"), format!("i-{name}-b")];
        let mut request = view(&store, &name).request;
        request.transition_to(RequestState::Started, None, at(round)).unwrap();
        let launched = machines.iter().map(|machine_name| machine(machine_name, &name)).collect();
        stored(&store, Some(request), launched);
        told.that(&format!("request {name} 2"));
        let reference = format!("/{}", machines[0]);
        return_machines(&store, &format!("ret-{name}"), &[&reference], round);
        told.that(&format!("return ret-{name} {}", machines[0]));
        // Everybody changes this one.
        for _ in 0..100 {
            let mut shared = view(&store, "req-shared").request;
            shared.attempt += 1;
            let change = Change { request: Some(shared), machines: Vec::new() };
            if store.apply(&change).unwrap() == Applied::Stored {
                told.that("attempt");
                break;
            }
        }
        store.acknowledge(&[id(&name)]).unwrap();
        told.that(&format!("heard {name}"));
    }
}

#[test]
fn what_was_told_to_be_stored_survives_any_death() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory.path().join("state.db"), OPTIONS);
    store.admit(&acquire("req-shared", 1, 0), MaxNumber::Unlimited).unwrap();
    let mut pause = 17;
    let mut children: Vec<Child> = (0..4).map(|number| spawn("work", directory.path(), number)).collect();
    for number in 4..60 {
        pause = pause * 37 % 101;
        std::thread::sleep(Duration::from_millis(5 + pause));
        let mut victim = children.remove(usize::try_from(pause).unwrap() % children.len());
        victim.kill().unwrap();
        victim.wait().unwrap();
        children.push(spawn("work", directory.path(), number));
    }
    for mut child in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let validation = store.validate().unwrap();
    assert!(validation.valid, "{validation:?}");
    let facts = told(directory.path());
    assert!(facts.len() > 100, "only {} facts: nothing was tested", facts.len());
    let mut attempts = 1;
    for fact in &facts {
        match fact.split(' ').collect::<Vec<_>>().as_slice() {
            ["request", name, machines] => {
                assert!(view(&store, name).machines.len() >= machines.parse().unwrap(), "{fact}");
            }
            ["return", name, machine] => assert_eq!(ids(&view(&store, name).machines), [*machine], "{fact}"),
            ["heard", name] => assert!(view(&store, name).request.acknowledged, "{fact}"),
            ["attempt"] => attempts += 1,
            other => panic!("{other:?}"),
        }
    }
    // Each process may have died between storing and telling.
    let stored = view(&store, "req-shared").request.attempt;
    assert!((attempts..=attempts + 60).contains(&stored), "{stored} stored, {attempts} told");
}

/// Takes the turn and keeps it until it is killed.
fn hold_the_lock(directory: &Path) {
    let lock = OpenOptions::new().write(true).open(directory.join("state.db.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(directory.join("held"), "").unwrap();
    std::thread::sleep(Duration::from_mins(10));
}

#[test]
fn waiting_for_the_turn_ends_and_a_death_gives_it_up() {
    let site = Site::new();
    let mut holder = spawn("hold", site.directory.path(), 0);
    while !site.directory.path().join("held").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let impatient = Options { busy_timeout: Duration::from_millis(50), ..OPTIONS };
    let impatient = SqliteStore::open(site.path(), impatient).unwrap();
    let error = impatient.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("state.db") && error.to_string().contains("try again"), "{error}");
    assert_eq!(impatient.health().writable, Some(false));
    // Reading needs no turn.
    assert_eq!(impatient.views(&[id("req-1")]).unwrap(), [None]);

    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| site.store.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited));
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), Admission::Admitted);
    });
    // The one that gave up does not get the turn later and keep it.
    impatient.admit(&acquire("req-2", 1, 1), MaxNumber::Unlimited).unwrap();
}

/// An account without write permission.
fn stranger(directory: &Path) {
    let kind = |outcome: ohfp_broker::Result<()>| outcome.unwrap_err().kind();
    let store = SqliteStore::open(directory.join("empty/state.db"), OPTIONS).unwrap();
    let error = store.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::System, "{error}");
    assert!(error.summary().contains("empty"), "{error}");
    // What is there can be read, also without the right to make files beside it, and not be written.
    let store = SqliteStore::open(directory.join("full/state.db"), OPTIONS).unwrap();
    assert_eq!(view(&store, "req-1").machines.len(), 1);
    assert_eq!(kind(store.admit(&acquire("req-2", 1, 1), MaxNumber::Unlimited).map(drop)), ErrorKind::System);
    assert_eq!(store.health().writable, Some(false));
    let secret = SqliteStore::open(directory.join("secret/state.db"), OPTIONS).map(drop);
    assert_eq!(kind(secret), ErrorKind::System);
}

#[test]
fn who_may_not_write_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["empty", "full", "secret"] {
        fs::create_dir(path.join(name)).unwrap();
    }
    for name in ["full", "secret"] {
        fulfil(&create(&path.join(name).join("state.db"), OPTIONS), "req-1", &["i-1"], 100);
    }
    for file in fs::read_dir(path.join("full")).unwrap() {
        fs::set_permissions(file.unwrap().path(), fs::Permissions::from_mode(0o444)).unwrap();
    }
    mode("empty", 0o555);
    mode("full", 0o555);
    mode("secret", 0o000);
    // Root may do everything, so another account is needed, which must be able to read the program.
    let program = path.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode("program", 0o755);
    let mut stranger = command(&program, "stranger", path, 0);
    if fs::metadata(path).unwrap().uid() == 0 {
        stranger.uid(65_534).gid(65_534);
    }
    let outcome = stranger.output().unwrap();
    mode("empty", 0o755);
    mode("full", 0o755);
    mode("secret", 0o755);
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    if fs::metadata(directory.path()).unwrap().uid() != 0 {
        return;
    }
    let path = directory.path().join("a");
    fs::create_dir(&path).unwrap();
    std::os::unix::fs::chown(&path, Some(65_534), Some(65_534)).unwrap();
    let store = create(&path.join("b/state.db"), OPTIONS);
    store.admit(&acquire("req-1", 1, 1), MaxNumber::Unlimited).unwrap();
    store.backup(path.join("b/copy.db")).unwrap();
    for name in ["", "state.db", "state.db.lock", "state.db-wal", "state.db-shm", "copy.db"] {
        assert_eq!(fs::metadata(path.join("b").join(name)).unwrap().uid(), 65_534, "{name}");
    }
}
