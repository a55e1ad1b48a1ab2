//! Export and import of our own document.

use ohfp_broker::administration::{Counts, ImportFormat};
use ohfp_broker::documents::{Document, DocumentStore};
use ohfp_broker::machine::Ending;
use ohfp_broker::store::{AttentionQuery, Change, RequestFilter, Store};
use ohfp_broker::template::MaxNumber;
use ohfp_broker::{ErrorKind, MachineState, RequestState, Timestamp};
use ohfp_store_sqlite::{Options, SqliteStore};
use proptest::prelude::*;

use crate::common::*;

fn export(store: &SqliteStore) -> String {
    let mut text = Vec::new();
    store.export(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// A store with something in every table.
fn some() -> Site {
    let site = Site::new();
    fulfil(&site.store, "req-1", &["i-1", "i-2"], 100);
    site.store.admit(&acquire("req-2", 1, 50), MaxNumber::Unlimited).unwrap();
    return_machines(&site.store, "ret-1", &["/i-2"], 200);
    let record = Document {
        id: "a".into(),
        group: "g".into(),
        live_until: Some(Timestamp::MAX),
        body: "{\"x\":1}".into(),
    };
    DocumentStore::write(&site.store, "sim", &mut |tx| tx.put(&record)).unwrap();
    site
}

#[test]
fn the_document_is_this() {
    assert_eq!(export(&some().store), include_str!("fixtures/export.json"));
    let empty = r#"{"format":"ohfp-state","version":1,
"requests":[],
"machines":[],
"members":[],
"documents":[]}
"#;
    assert_eq!(export(&Site::new().store), empty);
    let lazy = Options { eager: false, ..OPTIONS };
    let nowhere = tempfile::tempdir().unwrap();
    assert_eq!(export(&SqliteStore::open(nowhere.path().join("state.db"), lazy).unwrap()), empty);
}

#[test]
fn an_import_takes_what_is_new_and_knows_what_is_the_same() {
    let text = export(&some().store);
    let target = Site::new();
    let all = Counts { requests: 3, machines: 2, members: 1, documents: 1 };
    let first = target.store.import(&mut text.as_bytes(), None).unwrap();
    assert_eq!((first.taken, first.present), (all, Counts::default()));
    assert_eq!(export(&target.store), text);
    assert_eq!(target.store.demand("t").unwrap(), 3);
    assert!(target.store.validate().unwrap().valid);
    let second = target.store.import(&mut text.as_bytes(), None).unwrap();
    assert_eq!((second.taken, second.present), (Counts::default(), all));
    // One that was written before there were open requests.
    let older = text.replace("\"open\":false,", "").replace("\"account\":null,\"region\":null,", "");
    assert_ne!(older, text);
    assert_eq!(target.store.import(&mut older.as_bytes(), None).unwrap().present, all);
    // Beside something else.
    let other = Site::new();
    fulfil(&other.store, "req-9", &["i-9"], 900);
    assert_eq!(other.store.import(&mut text.as_bytes(), None).unwrap().taken, all);
    assert_eq!(other.store.metrics().unwrap().machines["running"], 3);
    assert!(other.store.validate().unwrap().valid);
}

#[test]
fn a_document_that_is_wrong_changes_nothing_and_says_where() {
    let good = export(&some().store);
    let target = Site::new();
    target.store.admit(&acquire("req-9", 1, 1), MaxNumber::Unlimited).unwrap();
    let before = export(&target.store);
    let check = |what: &str, text: String, words: &[&str]| {
        let error = target.store.import(&mut text.as_bytes(), Some(ImportFormat::Ohfp)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{what}: {error}");
        assert!(words.iter().all(|word| error.summary().contains(word)), "{what}: {error}");
        assert_eq!(export(&target.store), before, "{what}");
    };
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    check("no JSON", "x".to_owned(), &["line 1 column 1"]);
    check("nothing", String::new(), &["line 1 column 0"]);
    check("cut off", good[..good.len() - 3].to_owned(), &["line"]);
    check("more", format!("{good}{good}"), &["trailing"]);
    check("another format", with("ohfp-state", "other"), &["no export of ohfp"]);
    check("a list", "[]".to_owned(), &["no export of ohfp"]);
    check("newer", with("\"version\":1", "\"version\":2,\"new\":[]"), &["version 2"]);
    check("no version", with("\"version\":1,", ""), &["`version`"]);
    check("a part missing", with(",\n\"members\":[", ",\n\"others\":["), &["`others`", "line"]);
    check("unknown state", with("\"state\":\"complete\"", "\"state\":\"done\""), &["`done`", "line 3"]);
    check("wrong type", with("\"requested\":2", "\"requested\":-2"), &["-2", "line 3"]);
    check("no version of a row", with("\"version\":2}", "\"version\":0}"), &["`req-1`", "version 0"]);
    check("no template", with("\"template_id\":\"t\"", "\"template_id\":null"), &["`req-1`", "template"]);
    check("a request twice", with("\"id\":\"req-2\"", "\"id\":\"req-1\""), &["`req-1`", "twice"]);
    check("a machine twice", with("{\"id\":\"i-2\"", "{\"id\":\"i-1\""), &["`i-1`", "twice"]);
    check(
        "machine without a request",
        with("\"request\":\"req-1\"", "\"request\":\"req-8\""),
        &["`i-1`", "`req-8`"],
    );
    check("no such return", with("\"returned_by\":\"ret-1\"", "\"returned_by\":\"ret-8\""), &["machine"]);
    check("no such member", with("\"machine\":\"i-2\"", "\"machine\":\"i-8\""), &["`i-8`", "neither"]);
    check("member of nothing", with("{\"return\":\"ret-1\"", "{\"return\":\"ret-8\""), &["not there"]);
    check(
        "not returned",
        with("\"returned_by\":\"ret-1\"", "\"returned_by\":null"),
        &["`i-2`", "does not say"],
    );
    check("fewer than complete", with("\"requested\":2", "\"requested\":5"), &["`req-1`", "fewer"]);
    let cancelled = with(
        "\"launch_fields\":null,\"user_data\":null,\"rc_account\":null,\"provider_api\":null,\"resource_ids\":[],\"open\":false,\"state\":\"recorded\"",
        "\"launch_fields\":null,\"state\":\"cancelled\"",
    );
    check("cancelled return", cancelled, &["`ret-1`", "cancelled"]);
}

#[test]
fn what_the_store_has_otherwise_is_a_conflict() {
    let text = export(&some().store);
    let target = Site::new();
    target.store.import(&mut text.as_bytes(), None).unwrap();
    change(&target.store, &["i-1"], |machine| machine.message = Some("changed".to_owned()));
    let before = export(&target.store);
    let new = "\"documents\":[\n{\"provider\":\"sim\",\"id\":\"b\",\"group\":\"g\",\"live_until\":1,\"body\":\"\"},\n";
    let more = text.replace("\"documents\":[\n", new);
    let error = target.store.import(&mut more.as_bytes(), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(error.summary().contains("`i-1`") && error.summary().contains("differs"), "{error}");
    assert_eq!(export(&target.store), before);
}

/// What is done to a store, as numbers that mean whatever is possible.
#[derive(Clone, Debug)]
enum Step {
    Request { count: u8, text: String, time: i64 },
    Launch { request: usize, machines: u8, name: Option<String> },
    Return { machines: Vec<usize> },
    End { machine: usize },
    Keep { id: u8, live_until: Option<i64>, body: String },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<u8>(), ".{0,12}", any::<i64>()).prop_map(|(count, text, time)| Step::Request {
            count,
            text,
            time
        }),
        (any::<usize>(), 0..4_u8, proptest::option::of(".{0,6}"))
            .prop_map(|(request, machines, name)| Step::Launch { request, machines, name }),
        proptest::collection::vec(any::<usize>(), 0..5).prop_map(|machines| Step::Return { machines }),
        any::<usize>().prop_map(|machine| Step::End { machine }),
        (any::<u8>(), any::<Option<i64>>(), ".{0,12}").prop_map(|(id, live_until, body)| Step::Keep {
            id,
            live_until,
            body
        }),
    ]
}

/// Names of what a store has got by these steps.
#[derive(Default)]
struct Made {
    requests: Vec<String>,
    machines: Vec<String>,
}

fn pick(names: &[String], number: usize) -> Option<String> {
    names.get(number.checked_rem(names.len())?).cloned()
}

fn perform(store: &SqliteStore, number: usize, step: Step, made: &mut Made) {
    match step {
        Step::Request { count, text, time } => {
            let name = format!("req-{number}-{text}");
            let mut request = acquire(&name, u32::from(count), time.clamp(-1_000_000, 1_000_000));
            (request.reason, request.watch_until) = (Some(text), (count % 2 == 0).then(|| at(time)));
            store.admit(&request, MaxNumber::Unlimited).unwrap();
            made.requests.push(name);
        }
        Step::Launch { request, machines, name: host } => {
            let Some(name) = pick(&made.requests, request) else { return };
            let mut request = view(store, &name).request;
            let state = if machines == 0 { RequestState::Failed } else { RequestState::Started };
            if request.transition_to(state, host.clone(), at(5)).is_err() {
                return;
            }
            let names: Vec<String> = (0..machines).map(|part| format!("i-{number}-{part}")).collect();
            let machines = names.iter().map(|machine_name| {
                let mut machine = machine(machine_name, &name);
                machine.name.clone_from(&host);
                machine
            });
            stored(store, Some(request), machines.collect());
            made.machines.extend(names);
        }
        Step::Return { machines } => {
            let found = machines.into_iter().filter_map(|number| pick(&made.machines, number));
            let wanted: Vec<String> = found.map(|id| format!("/{id}")).collect();
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            return_machines(store, &format!("ret-{number}"), &wanted, 9);
        }
        Step::End { machine } => {
            let Some(name) = pick(&made.machines, machine) else { return };
            change(store, &[&name], |machine| {
                if machine.state.can_transition_to(MachineState::Terminated) {
                    machine.end(Ending::FailedToStart, at(9));
                    machine.lost(at(9));
                }
            });
        }
        Step::Keep { id, live_until, body } => {
            let live_until = live_until.map(at);
            let record = Document { id: id.to_string(), group: (id % 3).to_string(), live_until, body };
            DocumentStore::write(store, "sim", &mut |tx| tx.put(&record)).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_store_holds_comes_back_from_its_export(steps in proptest::collection::vec(step(), 0..25)) {
        let site = Site::new();
        let mut made = Made::default();
        for (number, step) in steps.into_iter().enumerate() {
            perform(&site.store, number, step, &mut made);
        }
        prop_assert!(site.store.validate().unwrap().valid);
        let text = export(&site.store);
        let target = Site::new();
        let import = target.store.import(&mut text.as_bytes(), None).unwrap();
        prop_assert_eq!(import.present, Counts::default());
        prop_assert_eq!(export(&target.store), text);
        prop_assert!(target.store.validate().unwrap().valid);
        // The copy goes on like the original.
        prop_assert_eq!(target.store.demand("t").unwrap(), site.store.demand("t").unwrap());
        prop_assert_eq!(target.store.watched_machines().unwrap(), site.store.watched_machines().unwrap());
        let due = |store: &SqliteStore| store.needing_attention(&AttentionQuery { now: at(i64::MAX), unacknowledged_before: at(i64::MAX), untouched_since: at(i64::MAX), limit: 99, watched_limit: 99 }).unwrap();
        prop_assert_eq!(due(&target.store), due(&site.store));
        let change = |store: &SqliteStore| {
            let views = store.requests(&RequestFilter::default()).unwrap();
            let request = views.into_iter().next().map(|view| view.request);
            store.apply(&Change { request, machines: Vec::new() }).unwrap()
        };
        prop_assert_eq!(change(&target.store), change(&site.store));
    }

    #[test]
    fn no_document_makes_it_panic(text in "\\PC{0,60}", cut in any::<prop::sample::Index>()) {
        let site = Site::new();
        let _ = site.store.import(&mut text.as_bytes(), None);
        let good = include_bytes!("fixtures/orb-flat.json");
        let (head, tail) = good.split_at(cut.index(good.len()));
        let bytes = [head, text.as_bytes(), tail].concat();
        let _ = site.store.import(&mut bytes.as_slice(), None);
        prop_assert!(site.store.validate().unwrap().valid);
    }
}
