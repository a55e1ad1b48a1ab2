//! Spans for an OpenTelemetry collector: kept by each command, sent by `ohfp metrics push`, and never in the way.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot run must say so"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use ohfp_tests::Ended;
use ohfp_tests::grid::{Grid, TEMPLATE, answered, document, wanted};
use serde_json::{Value, json};

/// A request that a collector has got.
struct Received {
    head: String,
    body: Vec<u8>,
}

impl Received {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or_else(|| panic!("no length: {head}"))];
        reader.read_exact(&mut body).unwrap();
        Self { head, body }
    }

    /// All texts in the message: protobuf has them as they are.
    fn has(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|part| part == text.as_bytes())
    }
}

/// A span, as far as it is looked at.
#[derive(Debug, PartialEq)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    times: (u64, u64),
}

/// A field of a protobuf message: its number, and its bytes or its number.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>, u64)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            value |= u64::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                return value;
            }
        }
    }
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                all.push((key >> 3, Vec::new(), varint(&mut bytes)));
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (field, rest) = bytes.split_at(length);
        let number = if length == 8 { u64::from_le_bytes(field.try_into().unwrap()) } else { 0 };
        all.push((key >> 3, field.to_vec(), number));
        bytes = rest;
    }
    all
}

/// The fields of that number.
fn inner(bytes: &[u8], number: u64) -> Vec<Vec<u8>> {
    fields(bytes).into_iter().filter(|(found, ..)| *found == number).map(|(_, bytes, _)| bytes).collect()
}

/// The spans of an `ExportTraceServiceRequest`: `resource_spans` is 1, `scope_spans` 2, `spans` 2.
fn spans(received: &Received) -> Vec<Span> {
    let mut all = Vec::new();
    for resource in inner(&received.body, 1) {
        for scope in inner(&resource, 2) {
            for span in inner(&scope, 2) {
                let field = |number: u64| inner(&span, number).into_iter().next().unwrap_or_default();
                let time = |number: u64| u64::from_le_bytes(field(number).try_into().unwrap());
                all.push(Span {
                    trace: field(1),
                    id: field(2),
                    parent: field(4),
                    name: String::from_utf8(field(5)).unwrap(),
                    times: (time(7), time(8)),
                });
            }
        }
    }
    all
}

/// A collector that answers each call with the next of these.
struct Collector {
    endpoint: String,
    calls: thread::JoinHandle<Vec<Received>>,
}

impl Collector {
    fn answering(answers: Vec<(&'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let calls = thread::spawn(move || {
            let answered = answers.into_iter().map(|(status, body)| {
                let (mut stream, _) = listener.accept().unwrap();
                let received = Received::read(&stream);
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\nconnection: close\r\n\
                     content-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
                received
            });
            answered.collect()
        });
        Self { endpoint, calls }
    }

    fn received(self) -> Vec<Received> {
        self.calls.join().unwrap()
    }
}

fn grid(endpoint: &str) -> Grid {
    Grid::new(&json!({}), &json!({ "metrics": { "otlp": { "endpoint": endpoint, "timeout_seconds": 1 } } }))
}

/// The files of the spool.
fn spool(grid: &Grid) -> Vec<PathBuf> {
    let entries = fs::read_dir(grid.work()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains(".spool")).collect()
}

fn push(grid: &Grid) -> Ended {
    grid.sandbox.run("ohfp", &["metrics", "push"])
}

#[test]
fn a_collector_gets_the_spans_of_each_command() {
    let collector = Collector::answering(vec![("200 OK", Vec::new())]);
    let grid = grid(&collector.endpoint);
    let id = grid.request(TEMPLATE, 1);
    let ended = grid.sandbox.run("ohfp", &["machines", "show", "nosuch"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let lines = fs::read_to_string(&spool(&grid)[0]).unwrap();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let told = document(&push(&grid));
    let received = collector.received().remove(0);
    assert!(received.head.starts_with("POST /v1/traces HTTP/1.1"), "{}", received.head);
    assert!(
        received.head.to_lowercase().contains("content-type: application/x-protobuf"),
        "{}",
        received.head
    );
    let spans = spans(&received);
    assert_eq!((told["commands"].as_u64(), told["spans"].as_u64()), (Some(2), Some(spans.len() as u64)));
    let find = |name: &str| {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
    };
    // Command, request, launch: each a part of the one before, in one trace.
    let (command, request) = (find("ohfp requestMachines"), find("request"));
    let launch = find("provider sim: launch");
    assert!(command.parent.is_empty() && request.parent == command.id, "{spans:?}");
    assert_eq!((&launch.parent, &launch.trace), (&request.id, &command.trace), "{spans:?}");
    assert_ne!(command.trace, find("ohfp machines show").trace);
    for span in &spans {
        assert!(span.times.0 <= span.times.1 && span.trace.len() == 16 && span.id.len() == 8, "{span:?}");
        let whole = spans.iter().find(|whole| whole.id == span.parent);
        assert!(whole.is_none_or(|whole| whole.times.0 <= span.times.0), "{span:?} {whole:?}");
    }
    for text in [
        "https://opentelemetry.io/schemas/",
        "service.name",
        "service.version",
        "process.pid",
        "process.exit.code",
        "process.executable.name",
        id.as_str(),
    ] {
        assert!(received.has(text), "{text}");
    }
    assert!(spool(&grid).is_empty(), "{:?}", spool(&grid));
    // Nothing is left: no call.
    assert_eq!(document(&push(&grid))["spans"], 0);
}

/// What a collector does not take is kept; the command says so on one line, and ends in time.
#[test]
fn what_is_not_taken_is_kept() {
    let refusing = Collector::answering(vec![("503 Service Unavailable", b"too busy".to_vec())]);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (endpoint, says) in [
        (refusing.endpoint.clone(), "503 Service Unavailable: too busy"),
        (format!("http://{}", silent.local_addr().unwrap()), "timeout"),
        (format!("http://{closed}"), "refused"),
    ] {
        let grid = grid(&endpoint);
        // The answer does not wait for a collector.
        grid.request(TEMPLATE, 1);
        let kept = fs::read_to_string(&spool(&grid)[0]).unwrap();
        let ended = push(&grid);
        assert!(ended.code == 1 && ended.stdout.is_empty(), "{endpoint}: {ended:?}");
        assert!(ended.stderr.lines().count() == 1 && ended.stderr.contains(says), "{endpoint}: {ended:?}");
        let files = spool(&grid);
        let now: Vec<String> = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        assert!(now.concat().contains(&kept), "{endpoint}: {now:?}");
    }
    refusing.received();
}

#[test]
fn what_is_rejected_for_good_is_said_and_not_sent_again() {
    // partial_success { rejected_spans: 2, error_message: "old" }
    let partial = vec![10, 7, 8, 2, 18, 3, b'o', b'l', b'd'];
    let collector = Collector::answering(vec![("200 OK", partial)]);
    let grid = grid(&collector.endpoint);
    grid.request(TEMPLATE, 1);
    let ended = push(&grid);
    assert_eq!(document(&ended)["rejected"], 2);
    assert!(
        ended.code == 0 && ended.stderr.contains("rejected 2 of") && ended.stderr.contains("old"),
        "{ended:?}"
    );
    assert!(spool(&grid).is_empty(), "{:?}", spool(&grid));
    collector.received();
}

/// A spool that is damaged, full or no file: said, and in the way of no answer.
#[test]
fn a_bad_spool_is_in_the_way_of_nothing() {
    let collector = Collector::answering(vec![("200 OK", Vec::new())]);
    let grid = grid(&collector.endpoint);
    grid.request(TEMPLATE, 1);
    let path = spool(&grid).remove(0);
    let mut lines = fs::read(&path).unwrap();
    lines.splice(0..0, b"foreign\n{\"version\":9}\n\xff\xfe\n".iter().copied());
    fs::write(&path, &lines).unwrap();
    let ended = push(&grid);
    assert_eq!((document(&ended)["damaged"].as_u64(), ended.code), (Some(3), 0));
    assert!(ended.stderr.lines().count() == 1 && ended.stderr.contains("3 lines"), "{ended:?}");
    collector.received();
    // Full.
    fs::write(&path, vec![b'\n'; 17 << 20]).unwrap();
    let ask = || answered("requestMachines", &grid.ask("requestMachines", &wanted(TEMPLATE, 1)));
    ask();
    assert_eq!(fs::metadata(&path).unwrap().len(), 17 << 20);
    let log = fs::read_to_string(grid.log()).unwrap();
    assert_eq!(log.matches("the spans of this command are not kept").count(), 1, "{log}");
    // No file.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    ask();
    let ended = push(&grid);
    assert!(
        ended.code == 1 && ended.stderr.contains(path.file_name().unwrap().to_str().unwrap()),
        "{ended:?}"
    );
}

#[test]
fn without_a_collector_nothing_is_kept() {
    let grid = Grid::new(&json!({}), &json!({}));
    grid.request(TEMPLATE, 1);
    assert!(spool(&grid).is_empty(), "{:?}", spool(&grid));
    let ended = push(&grid);
    assert!(ended.code == 1 && ended.stderr.contains("metrics.otlp.endpoint"), "{ended:?}");
    for (endpoint, says) in [("https://localhost:4318", "http://"), ("localhost", "http://")] {
        let grid = self::grid(endpoint);
        let ended = push(&grid);
        assert!(ended.code == 1 && ended.stderr.contains(says), "{endpoint}: {ended:?}");
    }
}

/// Many processes at once, while others send: each line arrives once.
#[test]
fn no_line_is_lost_or_sent_twice() {
    const ROUNDS: usize = 4;
    let collector = Collector::answering((0..ROUNDS).map(|_| ("200 OK", Vec::new())).collect());
    let grid = grid(&collector.endpoint);
    let run = |_| grid.sandbox.run("ohfp", &["machines", "list"]).code;
    for _ in 0..ROUNDS {
        let codes: Vec<i32> = thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|number| scope.spawn(move || run(number))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(codes, [0; 8]);
        let ended = push(&grid);
        assert_eq!(document(&ended)["commands"], 8, "{ended:?}");
    }
    let all: Vec<Span> = collector.received().iter().flat_map(spans).collect();
    let commands = all.iter().filter(|span| span.parent.is_empty());
    let mut traces: Vec<&[u8]> = commands.map(|span| span.trace.as_slice()).collect();
    assert_eq!(traces.len(), 8 * ROUNDS);
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), 8 * ROUNDS);
}

/// The configuration names its keys, and refuses wrong values.
#[test]
fn keys_are_checked() {
    let settings = json!({ "metrics": { "otlp": { "timeout_seconds": 0, "spool_limit": "much" } } });
    let grid = Grid::new(&json!({}), &json!({}));
    let mut config: Value =
        serde_json::from_slice(&fs::read(grid.sandbox.root().join("config.json")).unwrap()).unwrap();
    config["metrics"] = settings["metrics"].clone();
    grid.sandbox.write("config.json", config.to_string());
    let ended = grid.sandbox.run("ohfp", &["config", "validate", "--format", "list"]);
    let said = ended.text() + &ended.stderr;
    for part in ["metrics.otlp.timeout_seconds", "from 1 to 600", "metrics.otlp.spool_limit"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
