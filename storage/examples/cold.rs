//! What a cold start costs: processes that open a store, do one thing and end.
//!
//!     cold DIRECTORY fill N       a store with N finished requests of two machines each
//!     cold DIRECTORY bench RUNS   wall time and memory of each operation below, in a process of its own
//!     cold DIRECTORY OPERATION    nothing | open | status | miss | demand | watched | due | admit | acknowledge
//!
//! Build it for musl and for release, like the product.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring tool: it stops where it cannot go on"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ohfp_broker::provider::Instance;
use ohfp_broker::store::{Change, Store};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{
    Machine, MachineId, MachineState, Request, RequestId, RequestKind, RequestState, Timestamp,
};
use ohfp_storage::{Options, SqliteStore};

const OPERATIONS: [&str; 9] =
    ["nothing", "open", "status", "miss", "demand", "watched", "due", "admit", "acknowledge"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [directory, "fill", number] => fill(Path::new(directory), number.parse().unwrap()),
        [directory, "bench", runs] => bench(directory, runs.parse().unwrap()),
        [directory, operation] => run(Path::new(directory), operation),
        _ => println!("see the head of this file"),
    }
}

fn open(directory: &Path) -> SqliteStore {
    let options = Options {
        local_file_system: true,
        block_size: 4_096,
        busy_timeout: Duration::from_secs(5),
        eager: false,
        read_only: false,
    };
    SqliteStore::open(directory.join("state.db"), options).unwrap()
}

fn request(name: &str, now: i64) -> Request {
    let at = Timestamp::from_millis(now);
    let mut request =
        Request::new(RequestId::from_text(name), RequestKind::Acquire, 2, at, at.plus_seconds(300));
    request.template_id = Some("Template-VM-1".to_owned());
    request.provider = Some("sim-default".to_owned());
    request.order = Some(format!("{{\"templateId\":\"Template-VM-1\",\"x\":\"{}\"}}", "y".repeat(900)));
    request
}

fn machine(name: &str, request: &Request, state: MachineState, now: i64) -> Machine {
    let instance = Instance {
        name: Some(format!("ip-10-0-0-{name}.eu-west-1.compute.internal")),
        state,
        private_ip: Some("10.0.0.1".to_owned()),
        launched: Timestamp::from_millis(now),
        ..Instance::new(MachineId::new(name))
    };
    Machine::from_instance(&instance, request, None, instance.launched)
}

fn fill(directory: &Path, number: i64) {
    let store = open(directory);
    store.init().unwrap();
    for index in 0..number {
        add(&store, &format!("req-{index:032}"), index, true);
    }
    add(&store, "req-live", number, false);
}

fn add(store: &SqliteStore, name: &str, now: i64, over: bool) {
    let mut request = request(name, now);
    store.admit(&request, MaxNumber::Unlimited).unwrap();
    request.version = 1;
    request.acknowledged = true;
    request.order = None;
    request.become_state(RequestState::Complete, None, request.created).unwrap();
    let state = if over { MachineState::Terminated } else { MachineState::Running };
    let machines = (0..2).map(|part| machine(&format!("i-{name}-{part}"), &request, state, now)).collect();
    store.apply(&Change { request: Some(request), machines }).unwrap();
}

fn run(directory: &Path, operation: &str) {
    let store = open(directory);
    let live = RequestId::from_text("req-live");
    let now = Timestamp::from_millis(1_000_000_000);
    match operation {
        "nothing" => {}
        "open" => assert!(store.views(&[]).unwrap().is_empty()),
        "status" => assert_eq!(store.views(&[live]).unwrap().remove(0).unwrap().machines.len(), 2),
        "miss" => assert_eq!(store.views(&[RequestId::from_text("req-none")]).unwrap(), [None]),
        "demand" => assert!(store.demand("Template-VM-1").unwrap() >= 2),
        "watched" => assert_eq!(store.watched_machines().unwrap().len(), 2),
        "due" => drop(store.due(now, now, now, 0).unwrap()),
        "admit" => {
            let name = format!("req-{}", std::process::id());
            let mut request = request(&name, i64::from(std::process::id()));
            request.acknowledged = true;
            let again = store.admit(&request, MaxNumber::Unlimited);
            assert!(again.is_ok() || again.unwrap_err().summary().contains("already"));
        }
        "acknowledge" => {
            store.acknowledge(&[RequestId::from_text(format!("req-{:032}", std::process::id()))]).unwrap();
        }
        _ => println!("no such operation"),
    }
    if std::env::var_os("COLD_MEMORY").is_some() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        println!("{}", status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim());
    }
}

fn bench(directory: &str, runs: usize) {
    let me = std::env::current_exe().unwrap();
    let spawn = |operation: &str| Command::new(&me).args([directory, operation]).status().unwrap();
    let mut times = vec![Vec::with_capacity(runs); OPERATIONS.len()];
    for _ in 0..runs {
        for (operation, times) in OPERATIONS.iter().zip(&mut times) {
            let start = Instant::now();
            assert!(spawn(operation).success());
            times.push(start.elapsed().as_micros());
        }
    }
    println!("{:12} {:>8} {:>8} {:>8} µs", "", "min", "median", "p99");
    for (operation, times) in OPERATIONS.iter().zip(&mut times) {
        times.sort_unstable();
        let place = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(0);
        let output = Command::new(&me).args([directory, operation]).env("COLD_MEMORY", "1").output().unwrap();
        let memory = String::from_utf8(output.stdout).unwrap();
        println!("{operation:12} {:>8} {:>8} {:>8}    {}", place(0), place(50), place(99), memory.trim());
    }
}
