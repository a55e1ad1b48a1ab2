//! The cloud is well again: what there is, against what Host Factory was told.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use ohfp_tests::aws::AwsSite;
use ohfp_tests::grid::{Host, hosts, text};
use serde_json::{Value, json};

use super::{Known, Model, SHORT, Storm, UNTOLD, up};

/// Seconds between two looks at a request that no scheduler polls.
const SWEPT: u64 = 10;

/// How often each rule has struck.
pub(super) fn report(site: &AwsSite) -> Vec<u64> {
    let rules = site.cloud.control("faults", None);
    rules.as_array().unwrap().iter().map(|rule| rule["used"].as_u64().unwrap()).collect()
}

/// The cloud is well again: holds what is against what was told.
pub(super) fn reckon(storm: &Storm<'_>, foreign: &[String], rounds: u64) {
    let site = storm.site;
    let struck = report(site);
    site.cloud.faults(&json!([]));
    let model = storm.model.lock().unwrap();
    let begun = Instant::now();
    let requests = model.requests.len() as u64 + model.untold;
    // What Host Factory was not told of is released after this time, and what was looked at last while the cloud was
    // sick is looked at again.
    thread::sleep(Duration::from_secs(UNTOLD + SWEPT));
    for _ in 0..2 {
        poll(site, &model);
    }
    let stored = stored(site);
    for id in site.living() {
        assert!(stored.contains(&id), "no request knows {id}: {}", of(site, &id));
    }
    site.assert_untouched(foreign);

    let mut polls = 2;
    let expected = loop {
        let statuses = poll(site, &model);
        let expected = expected(site, &statuses, &model);
        let is_over = statuses.values().all(|status| status["status"] != "running");
        if is_over && site.living() == expected {
            let short = bodies(site, SHORT);
            for (id, known) in &model.requests {
                check_request(&short, id, known, &statuses[id], &model);
            }
            break expected;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(120 + requests),
            "{} machines exist: {:?}\n{expected:?} are known",
            site.living().len(),
            site.living()
                .iter()
                .filter(|id| !expected.contains(id))
                .map(|id| of(site, id))
                .collect::<Vec<_>>()
        );
        polls += 1;
        site.cloud.advance(61.0);
        thread::sleep(Duration::from_millis(250));
    };
    site.assert_untouched(foreign);
    check_launches(site, &model);
    for id in &model.returns {
        let status = site.grid.settled(id);
        assert_eq!(status["status"], "complete", "{status}");
    }
    // In the end all goes back, and nothing of ours is left.
    let ours = site.ours();
    let name_of =
        |id: &String| ours.iter().find(|machine| machine["id"] == **id).map(|machine| &machine["name"]);
    let rest: Vec<Value> =
        expected.iter().map(|id| json!({ "machineId": id, "name": name_of(id) })).collect();
    if !rest.is_empty() {
        let id = text(&site.grid.answer("requestReturnMachines", &json!({ "machines": rest }))["requestId"]);
        assert_eq!(site.grid.settled(&id)["status"], "complete");
    }
    assert_eq!(site.living(), Vec::<String>::new());
    site.until_tidy_within(Duration::from_mins(3));
    site.assert_untouched(foreign);
    println!(
        "{rounds} rounds, {} calls of which {struck:?} failed, {} processes killed: {} requests and {} returns told, {} \
         requests not; {} machines existed in the end, known after {polls} polls and {:.0} s",
        site.cloud.counts().as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>(),
        model.killed,
        model.requests.len(),
        model.returns.len(),
        model.untold,
        expected.len(),
        begun.elapsed().as_secs_f64(),
    );
}

/// One poll as Host Factory makes it: of all requests and returns, and of what is reclaimed. The statuses of requests.
fn poll(site: &AwsSite, model: &Model) -> BTreeMap<String, Value> {
    site.grid.answer("getReturnRequests", &json!({}));
    let asked: Vec<Value> =
        model.requests.keys().chain(&model.returns).map(|id| json!({ "requestId": id })).collect();
    if asked.is_empty() {
        return BTreeMap::new();
    }
    let answer = site.grid.answer("getRequestStatus", &json!({ "requests": asked }));
    let statuses = answer["requests"].as_array().unwrap().iter();
    let mut statuses: BTreeMap<String, Value> =
        statuses.map(|status| (text(&status["requestId"]), status.clone())).collect();
    statuses.retain(|id, _| model.requests.contains_key(id));
    statuses
}

/// Ids of machines that must exist: those that Host Factory was told of and has not returned. Of doubtful returns it
/// must believe what it is told.
fn expected(site: &AwsSite, statuses: &BTreeMap<String, Value>, model: &Model) -> Vec<String> {
    let living: BTreeSet<String> = site.living().into_iter().collect();
    let mut ids: Vec<String> = statuses.values().flat_map(up).map(|host| host.id).collect();
    ids.retain(|id| !model.gone.contains(id) && (living.contains(id) || !model.doubtful.contains(id)));
    ids.sort();
    ids
}

/// What was sent with the calls that were answered with this code.
fn bodies(site: &AwsSite, code: &str) -> Vec<String> {
    let calls = site.cloud.calls("*");
    calls.iter().filter(|call| call["code"] == code).map(|call| text(&call["body"])).collect()
}

/// A request is over with what it asked for, or for a reason that AWS has given it.
fn check_request(short: &[String], id: &str, known: &Known, status: &Value, model: &Model) {
    let machines = hosts(status);
    if status["status"] == "complete" {
        // What AWS has put in the place of a returned machine came after the request was over, and is told too.
        let is_exact = machines.len() as u64 == known.count;
        assert!(is_exact || known.way.replaces() && machines.len() as u64 > known.count, "{status}");
        return;
    }
    assert_eq!(status["status"], "complete_with_error", "{status}");
    let returned = |host: &Host| model.gone.contains(&host.id) || model.doubtful.contains(&host.id);
    if known.is_cut_short && machines.iter().any(returned) {
        return;
    }
    let message = text(&status["message"]);
    assert!(message.contains(SHORT), "not the true reason: {status}");
    assert!(short.iter().any(|body| body.contains(id)), "AWS has not said so: {status}");
}

/// No request was ever given more machines than it asked for, but where AWS itself replaces what ends.
fn check_launches(site: &AwsSite, model: &Model) {
    let mut made: BTreeMap<String, u64> = BTreeMap::new();
    for machine in site.cloud.truth()["machines"].as_array().unwrap() {
        if let Some(request) = machine["tags"]["ohfp:request"].as_str() {
            *made.entry(request.to_owned()).or_default() += 1;
        }
    }
    for (id, known) in &model.requests {
        let made = made.get(id).copied().unwrap_or_default();
        assert!(known.way.replaces() || made <= known.count, "{id} {known:?}: {made} machines were launched");
    }
}

/// Every machine that the store has, gone ones included.
fn stored(site: &AwsSite) -> BTreeSet<String> {
    let states = ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"];
    let mut arguments = vec!["machines", "list", "--limit", "100000"];
    for state in states {
        arguments.extend(["--status", state]);
    }
    let listed = site.grid.command(&arguments);
    listed["machines"].as_array().unwrap().iter().map(|machine| text(&machine["machineId"])).collect()
}

/// A machine of the cloud and what the store has of its request, for a message.
fn of(site: &AwsSite, id: &str) -> String {
    let truth = site.cloud.truth();
    let machine = truth["machines"].as_array().unwrap().iter().find(|machine| machine["id"] == id);
    let Some(machine) = machine else { return format!("{id}: gone") };
    let (tags, owner) = (&machine["tags"], &machine["owner"]);
    let request = tags["ohfp:request"].as_str().unwrap_or_default();
    let shown = site.grid.sandbox.run("ohfp", &["requests", "show", request]);
    let log = std::fs::read_to_string(site.grid.log()).unwrap_or_default();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains(request)).collect();
    let calls = site.cloud.calls("*");
    let about = |call: &&Value| {
        let body = text(&call["body"]);
        body.contains(request) || owner.as_str().is_some_and(|owner| body.contains(owner))
    };
    let calls: Vec<String> = calls
        .iter()
        .filter(about)
        .map(|call| format!("{} {} {} {}", call["at"], call["action"], call["code"], call["fault"]))
        .collect();
    format!("{tags} {owner}\n{}{}\n{}\n{}", shown.text(), shown.stderr, lines.join("\n"), calls.join("\n"))
}
