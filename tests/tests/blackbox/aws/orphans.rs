//! `ohfp reconcile` on AWS: what a store has lost is found as it is, adopted or released, and nothing else is touched.

use std::collections::BTreeSet;

use ohfp_tests::Ended;
use ohfp_tests::aws::{AwsSite, WAYS, Way, ids, templates};
use ohfp_tests::grid::{Host, document, hosts, text};
use serde_json::{Value, json};

/// One way of each kind of thing that a launch can leave behind.
fn ways() -> Vec<Way> {
    ["run", "instant", "request", "maintain", "spot-fleet-maintain", "group"]
        .iter()
        .map(|name| *WAYS.iter().find(|way| way.name == *name).unwrap())
        .collect()
}

fn run(site: &AwsSite, options: &[&str]) -> Ended {
    site.grid.sandbox.run("ohfp", &[&["reconcile", "--format", "json"], options].concat())
}

/// The answer, which must have this exit code.
fn reconciled(site: &AwsSite, options: &[&str], code: i32) -> Value {
    let ended = run(site, options);
    assert_eq!(ended.code, code, "{options:?}: {ended:?}");
    document(&ended)
}

/// Ids of findings of a kind, in order.
fn found(answer: &Value, kind: &str) -> Vec<String> {
    let findings = answer["findings"].as_array().unwrap().iter();
    let mut ids: Vec<String> =
        findings.filter(|one| one["kind"] == kind).map(|one| text(&one["id"])).collect();
    ids.sort();
    ids
}

/// The only other store that is told of.
fn other_store(answer: &Value) -> Value {
    let others = answer["otherStores"].as_array().unwrap();
    let ours = others.iter().filter(|one| one["store"] != "another");
    let ours: Vec<&Value> = ours.collect();
    assert_eq!(ours.len(), 1, "{answer}");
    ours[0].clone()
}

/// The resources of a kind that exist in truth.
fn there(site: &AwsSite, kind: &str) -> Vec<String> {
    let truth = site.cloud.truth();
    let listed = truth[kind].as_array().unwrap().iter().filter(|one| {
        let state = one["state"].as_str().unwrap_or("active");
        !state.starts_with("deleted") && !state.starts_with("cancelled")
    });
    let mut ids: Vec<String> = listed.map(|one| text(&one["id"])).collect();
    ids.sort();
    ids
}

fn union(lists: &[Vec<Host>]) -> Vec<String> {
    let all: BTreeSet<String> = lists.iter().flat_map(|hosts| ids(hosts)).collect();
    all.into_iter().collect()
}

/// A backup is restored: what was made since is found exactly, and polled and returned by the ids of before.
#[test]
fn a_restored_backup() {
    let ways = ways();
    let Some(site) = AwsSite::new(&templates(&ways), &json!({})) else { return };
    let foreign = site.foreign(&["run"]);
    let kept = site.grid.machines("run", 2);
    let backup = site.grid.sandbox.path.join("backup.db");
    site.grid.command(&["storage", "backup", backup.to_str().unwrap()]);
    let requests: Vec<String> = ways.iter().map(|way| site.grid.request(way.name, 2)).collect();
    let since: Vec<Vec<Host>> = requests.iter().map(|id| hosts(&site.grid.settled(id))).collect();
    assert_eq!(reconciled(&site, &[], 0)["findings"], json!([]), "nothing is lost yet");
    let restored = site.grid.command(&["storage", "restore", backup.to_str().unwrap()]);

    // Nothing is this store's, and the one before is named.
    let before = reconciled(&site, &[], 0);
    let other = other_store(&before);
    let store = text(&other["store"]);
    assert!(text(&restored["note"]).contains(&format!("--store {store}")), "{restored}");
    assert_eq!(other["machines"], 2 + 2 * ways.len(), "{before}");
    assert_eq!(other["knownMachines"], 2, "{before}");

    site.cloud.clear_calls();
    let answer = reconciled(&site, &["--store", &store], 1);
    let calls: u64 = site.cloud.counts().as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert!(calls <= 10, "{}", site.cloud.counts());
    assert_eq!(found(&answer, "machine"), union(&since));
    for (kind, truth) in [
        ("fleet", "fleets"),
        ("spot-fleet", "spot_fleets"),
        ("group", "groups"),
        ("launch-template", "templates"),
    ] {
        assert_eq!(found(&answer, kind), there(&site, truth), "{kind}: {}", site.cloud.truth());
    }

    // Not without a confirmation; and a dry run changes nothing.
    let refused = run(&site, &["--store", &store, "--fix"]);
    assert!(refused.code != 0 && refused.stderr.contains("confirmation required"), "{refused:?}");
    assert!(refused.stderr.contains("Adopt 12 machines"), "{refused:?}");
    let dry = reconciled(&site, &["--store", &store, "--fix", "--dry-run"], 1);
    assert_eq!(found(&dry, "machine"), union(&since));

    let done = reconciled(&site, &["--store", &store, "--fix", "--yes"], 0);
    assert_eq!(done["done"]["adopted"].as_array().unwrap().len(), ways.len(), "{done}");
    assert_eq!(reconciled(&site, &["--store", &store], 0)["findings"], json!([]));
    assert_eq!(reconciled(&site, &[], 0)["findings"], json!([]));
    for (id, machines) in requests.iter().zip(&since) {
        let status = site.grid.status(id);
        assert_eq!(
            (status["status"].as_str(), ids(&hosts(&status))),
            (Some("complete"), ids(machines)),
            "{status}"
        );
    }
    assert_eq!(
        site.living(),
        union(&[&since[..], std::slice::from_ref(&kept)].concat()),
        "none was ended or replaced"
    );

    for machines in since.iter().chain([&kept]) {
        site.grid.settled(&site.grid.give_back(machines));
    }
    assert_eq!(site.living(), Vec::<String>::new());
    site.until_tidy();
    site.assert_untouched(&foreign);
}

/// The store is lost: a new one takes over by the id of the old one, and releases all of it.
#[test]
fn a_lost_store() {
    let ways = ways();
    let Some(site) = AwsSite::new(&templates(&ways), &json!({})) else { return };
    let foreign = site.foreign(&["run", "group"]);
    let lost: Vec<Vec<Host>> = ways.iter().map(|way| site.grid.machines(way.name, 2)).collect();
    for entry in std::fs::read_dir(site.grid.work()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
    let created = site.grid.sandbox.run("ohfp", &["storage", "init"]);
    assert!(created.code == 0 && document(&created)["note"].to_string().contains("reconcile"), "{created:?}");
    let store = text(&other_store(&reconciled(&site, &[], 0))["store"]);
    let release = ["--store", &store, "--fix", "--release", "--yes"];
    let done = reconciled(&site, &release, 0);
    let released: BTreeSet<String> = done["done"]["released"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(released.into_iter().collect::<Vec<_>>(), union(&lost));
    assert_eq!(site.living(), Vec::<String>::new());
    site.until_tidy();
    site.assert_untouched(&foreign);
    assert_eq!(reconciled(&site, &["--store", &store], 0)["findings"], json!([]));
}

/// A list that fails is said by its kind, and nothing of that kind is found or ended; the others are.
#[test]
fn a_list_that_fails_ends_nothing() {
    let ways = ways();
    let Some(site) = AwsSite::new(&templates(&ways), &json!({ "AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS": 0 }))
    else {
        return;
    };
    let backup = site.grid.sandbox.path.join("backup.db");
    site.grid.machines("run", 1);
    site.grid.command(&["storage", "backup", backup.to_str().unwrap()]);
    for way in &ways {
        site.grid.machines(way.name, 1);
    }
    site.grid.command(&["storage", "restore", backup.to_str().unwrap()]);
    let store = text(&other_store(&reconciled(&site, &[], 0))["store"]);
    let living = site.living();
    for (action, kind) in [
        ("DescribeInstances", "machine"),
        ("DescribeFleets", "fleet"),
        ("DescribeSpotFleetRequests", "spot-fleet"),
        ("DescribeAutoScalingGroups", "group"),
        ("DescribeLaunchTemplates", "launch-template"),
    ] {
        site.cloud.faults(&json!([{
            "action": action, "when": "before", "kind": "error", "status": 403,
            "code": "UnauthorizedOperation", "message": "You are not authorized"
        }]));
        let answer = reconciled(&site, &["--store", &store], 1);
        assert_eq!(found(&answer, kind), Vec::<String>::new(), "{answer}");
        assert!(!answer["findings"].as_array().unwrap().is_empty(), "{action}: {answer}");
        let unlisted: Vec<String> =
            answer["unlisted"].as_array().unwrap().iter().map(|one| text(&one["kind"])).collect();
        assert_eq!(unlisted, [kind], "{answer}");
        let ended = run(&site, &["--store", &store]);
        assert!(ended.stderr.contains(kind) && ended.stderr.contains("listed"), "{ended:?}");
        if kind == "machine" {
            let mended = run(&site, &["--store", &store, "--fix", "--release", "--yes"]);
            assert_eq!(mended.code, 1, "{mended:?}");
            assert_eq!(site.living(), living, "machines were ended by a list that failed");
        }
    }
}

/// Machines that only the store has are noted as gone once AWS does not know them by their ids either.
#[test]
fn machines_that_only_the_store_has() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    // A new machine may be invisible.
    site.cloud.advance(-3_600.0);
    let known = site.grid.machines("run", 2);
    site.cloud.control("change", Some(&json!({ "ids": [known[1].id], "tags": { "ohfp:store": null } })));
    site.cloud.control("end", Some(&json!({ "ids": [known[0].id] })));
    let answer = reconciled(&site, &[], 1);
    assert_eq!(found(&answer, "machine"), [known[0].id.clone()]);
    assert_eq!(answer["findings"][0]["remedy"], "refresh");
    let done = reconciled(&site, &["--fix", "--yes"], 0);
    assert_eq!(done["done"]["gone"], json!([known[0].id]));
    assert_eq!(site.living(), [known[1].id.clone()], "one that has lost its tag is left alone");
}

/// One process looks per interval; what it finds is told by `doctor` and the log until it is mended, and nothing is ended.
#[test]
fn polls_look_once_per_interval() {
    let settings = json!({ "reconcile": { "interval_seconds": 3_600 } });
    let Some(site) = AwsSite::with_settings(&[("run", json!({}))], &json!({}), &settings) else { return };
    let lists = || site.cloud.counts()["DescribeLaunchTemplates"].as_u64().unwrap_or(0);
    let id = site.grid.request("run", 1);
    let known = hosts(&site.grid.settled(&id));
    assert_eq!(lists(), 1, "the first poll looks, and no other");
    let store = site.ours()[0]["tags"]["ohfp:store"].clone();
    let tags = json!({ "ohfp:store": store, "ohfp:request": "req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11" });
    site.cloud.control("foreign", Some(&json!({ "count": 2, "tags": tags })));
    site.grid.status(&id);
    assert_eq!(lists(), 1);
    let doctor = || {
        let ended = site.grid.sandbox.run("ohfp", &["doctor", "--format", "json"]);
        String::from_utf8(ended.stdout).unwrap()
    };
    assert!(!doctor().contains("no request has"), "{}", doctor());
    // Another interval, by a configuration of one second.
    let config = site.grid.sandbox.path.join("conf/config.json");
    let text = std::fs::read_to_string(&config).unwrap().replace("3600", "1");
    std::fs::write(&config, text).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    site.grid.answer("getReturnRequests", &json!({}));
    assert!(lists() >= 2);
    assert!(doctor().contains("2 machines that no request has"), "{}", doctor());
    let log = std::fs::read_to_string(site.grid.log()).unwrap();
    assert!(log.contains("2 machines that no request has; `ohfp reconcile`"), "{log}");
    assert_eq!(site.living().len(), 2 + known.len(), "a look ends nothing");
    reconciled(&site, &["--fix", "--release", "--yes"], 0);
    assert!(!doctor().contains("no request has"), "{}", doctor());
    assert_eq!(site.living(), ids(&known));
}

/// A hundred machines of the Python broker, by its tags: polled by its ids, returned, none lost and none twice.
#[test]
fn machines_of_the_python_broker_are_taken_over() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    let foreign = site.foreign(&["run"]);
    let own = site.grid.machines("run", 1);
    let ours = site.living();
    let requests: Vec<String> =
        (0..10).map(|number| format!("req-0190c7a2-7c3e-4f10-8a51-0f6b5f3c2d{number:02}")).collect();
    for id in &requests {
        let tags = json!({
            "Name": id, "orb:managed-by": "open-resource-broker", "orb:request-id": id, "orb:template-id": "run",
            "orb:provider-api": "RunInstances", "orb:created-at": "2026-01-31T12:00:00Z",
        });
        site.cloud.control("foreign", Some(&json!({ "count": 10, "tags": tags })));
    }
    let theirs: Vec<String> = site.living().into_iter().filter(|id| !ours.contains(id)).collect();
    assert_eq!(theirs.len(), 100);
    assert_eq!(reconciled(&site, &[], 0)["findings"], json!([]), "ohfp has not made them");
    let from = ["--adopt-from", "orb"];
    assert_eq!(found(&reconciled(&site, &from, 1), "machine"), theirs);
    site.cloud.clear_calls();
    let done = reconciled(&site, &[&from[..], &["--fix", "--yes"]].concat(), 0);
    let calls: u64 = site.cloud.counts().as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert!(calls <= 10, "{}", site.cloud.counts());
    assert_eq!(done["done"]["adopted"].as_array().unwrap().len(), 10, "{done}");
    for again in [&from[..], &[]] {
        assert_eq!(reconciled(&site, again, 0)["findings"], json!([]), "{again:?}");
    }
    let mut polled = Vec::new();
    for id in &requests {
        let status = site.grid.status(id);
        assert_eq!(status["status"], "complete", "{status}");
        polled.extend(hosts(&status));
    }
    assert_eq!(ids(&polled), theirs);
    site.grid.settled(&site.grid.give_back(&polled));
    assert_eq!(site.living(), ids(&own));
    site.assert_untouched(&foreign);
}
