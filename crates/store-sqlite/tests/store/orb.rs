//! Import of the database of Open Resource Broker.

use ohfp_broker::administration::{Counts, Import, ImportFormat};
use ohfp_broker::machine::Ending;
use ohfp_broker::store::{RequestFilter, Store};
use ohfp_broker::{ErrorKind, Machine, MachineState, RequestKind, RequestState};

use crate::common::*;

const SECTIONS: &str = include_str!("fixtures/orb-sections.json");
const FLAT: &str = include_str!("fixtures/orb-flat.json");

fn import(site: &Site, text: &str) -> Import {
    let import = site.store.import(&mut text.as_bytes(), None).unwrap();
    assert_eq!(import.source, ImportFormat::OpenResourceBroker);
    let validation = site.store.validate().unwrap();
    assert!(validation.valid, "{validation:?}");
    import
}

fn machine_of(site: &Site, name: &str) -> Machine {
    site.store.find_machines(&[reference(&format!("/{name}"))]).unwrap().remove(0).known().unwrap()
}

#[test]
fn requests_keep_what_they_are() {
    use RequestState::{Complete, Failed, Recorded, Started};
    let site = Site::new();
    import(&site, SECTIONS);
    for (name, state, requested, machines) in [
        ("req-0a", Complete, 2, &["i-02", "i-01"] as &[&str]),
        // Its machines were lost, so it is not complete.
        ("req-0b", Failed, 3, &[]),
        ("req-0c", Started, 2, &["i-03"]),
        ("req-0d", Failed, 1, &[]),
        ("req-lost", Complete, 1, &["i-04"]),
        ("req-of-i-05", Complete, 1, &["i-05"]),
        ("ret-0a", Complete, 1, &["i-02"]),
        // Its machine is still there.
        ("ret-0b", Recorded, 2, &["i-03"]),
        ("ret-lost", Recorded, 1, &["i-05"]),
    ] {
        let view = view(&site.store, name);
        assert_eq!((view.request.state, view.request.requested), (state, requested), "{name}");
        assert_eq!(ids(&view.machines), machines, "{name}");
        // The scheduler was told of these long ago.
        assert!(view.request.acknowledged, "{name}");
    }
    let request = view(&site.store, "req-0a").request;
    assert_eq!((request.created, request.deadline), (at(1_772_359_200_250), at(1_772_359_500_000)));
    assert_eq!(request.provider_api.as_deref(), Some("EC2Fleet"));
    assert_eq!(request.resource_ids, ["fleet-0a", "fleet-0b"]);
    assert_eq!(view(&site.store, "req-0b").request.created, at(1_772_359_200_000));
    assert_eq!(view(&site.store, "req-0d").request.reason.as_deref(), Some("no capacity"));
}

#[test]
fn machines_keep_what_they_are() {
    use MachineState::{Pending, Running, Stopped, Terminated};
    let site = Site::new();
    import(&site, SECTIONS);
    for (name, state, ending, returned_by, host) in [
        ("i-01", Running, None, None, Some("ip-10-0-0-1.ec2.internal")),
        ("i-02", Terminated, Some(Ending::Released), Some("ret-0a"), Some("ip-10-0-0-2.ec2.internal")),
        ("i-03", Stopped, Some(Ending::Released), Some("ret-0b"), Some("10.0.0.3")),
        ("i-04", Pending, None, None, None),
        ("i-05", Pending, Some(Ending::Released), Some("ret-lost"), None),
    ] {
        let machine = machine_of(&site, name);
        assert_eq!((machine.state, machine.ending, machine.name.as_deref()), (state, ending, host), "{name}");
        assert_eq!(machine.returned_by, returned_by.map(id), "{name}");
    }
    let first = machine_of(&site, "i-01");
    assert_eq!(first.tags.as_deref(), Some("Name=a;Team=x"));
    assert_eq!((first.instance_type.as_deref(), first.provider.as_str()), (Some("m6i.large"), "aws-prod"));
    assert_eq!(first.launched, at(1_772_359_210_000));
    assert_eq!((first.resource_id.as_deref(), first.came_up), (Some("fleet-0a"), Some(first.launched)));
}

#[test]
fn the_report_says_what_was_not_taken_and_what_was_changed() {
    let site = Site::new();
    let report = import(&site, SECTIONS);
    assert_eq!(report.taken, Counts { requests: 9, machines: 5, members: 3, documents: 0 });
    let skipped: Vec<&str> = report.skipped.iter().map(|skipped| skipped.what.as_str()).collect();
    let fields = ["provider_data` of 1 machines", "metadata` of 1 requests"];
    let fields = fields.map(|field| format!("field `{field}"));
    let skips = ["templates.`Template-A`", "`metadata`", "machine `i-06`"].into_iter();
    let skips: Vec<&str> = skips.chain(fields.iter().map(String::as_str)).collect();
    assert_eq!(skipped, skips);
    let noted = |words: &[&str]| {
        let fits = |note: &&String| words.iter().all(|word| note.contains(word));
        assert_eq!(report.notes.iter().filter(fits).count(), 1, "{words:?}: {:?}", report.notes);
    };
    noted(&["`req-lost`", "lost"]);
    noted(&["`req-of-i-05`", "lost"]);
    noted(&["`ret-lost` was lost"]);
    noted(&["`ret-0b`", "failed", "`i-03`"]);
    noted(&["`req-0b`", "complete", "0 of 3"]);
    // Once more: all is there, and nothing is new.
    let again = import(&site, SECTIONS);
    assert_eq!((again.taken, again.present), (Counts::default(), report.taken));
    // What has moved on since stays as it is.
    change(&site.store, &["i-01"], |machine| machine.lost(at(1)));
    let later = import(&site, SECTIONS);
    assert_eq!(later.present.machines, 4);
    assert!(later.skipped.iter().any(|skipped| skipped.what.contains("`i-01`")), "{later:?}");
    assert_eq!(machine_of(&site, "i-01").state, MachineState::Terminated);
}

#[test]
fn the_flat_layout_of_older_versions() {
    let site = Site::new();
    let report = import(&site, FLAT);
    assert_eq!(report.taken, Counts { requests: 2, machines: 1, members: 1, documents: 0 });
    let back = view(&site.store, "ret-1a");
    // Told again, it harms nothing; forgotten, it costs money.
    assert_eq!(back.request.state, RequestState::Recorded);
    let machine = &back.machines[0];
    assert_eq!((machine.state, machine.ending), (MachineState::ShuttingDown, Some(Ending::Released)));
    assert_eq!((machine.provider.as_str(), machine.name.as_deref()), ("aws", Some("10.0.0.11")));
    assert_eq!(view(&site.store, "req-1a").request.provider.as_deref(), Some("aws"));
}

#[test]
fn words_of_both_versions() {
    let check = |of: &str, template: &str, words: &[(&str, &str)]| {
        for (word, ours) in words {
            let site = Site::new();
            site.store.import(&mut template.replace("WORD", word).as_bytes(), None).unwrap();
            let metrics = site.store.metrics().unwrap();
            let counts = match of {
                "acquire" => metrics.requests,
                "return" => metrics.returns,
                _ => metrics.machines,
            };
            assert_eq!(counts.get(*ours), Some(&1), "{of} {word}: {counts:?}");
        }
    };
    let request = |kind: &str| {
        format!(
            r#"{{"r": {{"request_id": "r", "request_type": "{kind}", "template_id": "t", "requested_count": 0,
                "status": "WORD", "created_at": "2026-01-01T00:00:00"}}}}"#
        )
    };
    let ends = [
        ("complete", "complete"),
        ("completed", "complete"),
        ("partial", "partial"),
        ("failed", "failed"),
        ("timeout", "failed"),
    ];
    let unfinished = ["pending", "in_progress", "acquiring", "partial_pending"];
    check("acquire", &request("acquire"), &ends);
    check("acquire", &request("acquire"), &unfinished.map(|word| (word, "started")));
    check("acquire", &request("acquire"), &[("cancelled", "cancelled")]);
    check("return", &request("return"), &ends);
    check("return", &request("return"), &unfinished.map(|word| (word, "recorded")));
    check("return", &request("return"), &[("cancelled", "failed")]);
    let machine = r#"{"requests": {"r": {"request_id": "r", "request_type": "acquire", "template_id": "t",
          "status": "partial", "created_at": "2026-01-01T00:00:00"}},
        "machines": {"i-1": {"machine_id": "i-1", "request_id": "r", "status": "WORD"}}}"#;
    let words = [
        ("pending", "pending"),
        ("launching", "pending"),
        ("unknown", "pending"),
        ("failed", "pending"),
        ("running", "running"),
        ("stopping", "stopping"),
        ("stopped", "stopped"),
        ("shutting-down", "shutting-down"),
        ("shutting_down", "shutting-down"),
        ("terminated", "terminated"),
        ("returned", "terminated"),
    ];
    check("machine", machine, &words);
}

/// An empty text, list or object says nothing: another field is asked, and nothing is reported as left out.
#[test]
fn empty_values_are_no_values() {
    let site = Site::new();
    let report = import(
        &site,
        r#"{"requests": {"r": {"request_id": "r", "request_type": "acquire", "template_id": "t", "machine_count": 1,
              "status": "failed", "status_message": "", "error_message": "", "message": "no capacity",
              "created_at": "2026-01-01T00:00:00", "launch_template": "", "metadata": {}, "errors": [], "extra": null,
              "history": ["launched"], "attempts": 3}},
            "machines": {"i-1": {"machine_id": "i-1", "request_id": "r", "status": "failed", "name": "i-1",
              "private_dns_name": "", "public_dns_name": "host-1", "private_ip": "10.0.0.1",
              "launch_time": "2026-01-01T00:00:01"},
             "i-2": {"machine_id": "i-2", "request_id": "r", "status": "pending", "name": "",
              "launch_time": "2026-01-01T00:00:02"},
             "i-3": {"machine_id": "i-3", "request_id": "r", "status": "running", "private_ip": "10.0.0.3",
              "launch_time": "2026-01-01T00:00:03"}}}"#,
    );
    let fields: Vec<&str> = report.skipped.iter().map(|skipped| skipped.what.as_str()).collect();
    assert_eq!(fields, ["field `attempts` of 1 requests", "field `history` of 1 requests"]);
    assert_eq!(view(&site.store, "r").request.reason.as_deref(), Some("no capacity"));
    let machine = |id: &str| site.store.machines_by_id(&[ohfp_broker::MachineId::new(id)]).unwrap().remove(0);
    let names = ["i-1", "i-2", "i-3"].map(|id| machine(id).name);
    assert_eq!(names, [Some("host-1".to_owned()), None, Some("10.0.0.3".to_owned())]);
    // What is starting or has failed was never up.
    let came_up = ["i-1", "i-2", "i-3"].map(|id| machine(id).came_up.is_some());
    assert_eq!(came_up, [false, false, true]);
}

#[test]
fn what_cannot_be_understood_is_named_and_changes_nothing() {
    let site = Site::new();
    let check = |from: &str, to: &str, words: &[&str]| {
        assert!(SECTIONS.contains(from), "{from}");
        let text = SECTIONS.replacen(from, to, 1);
        let error = site.store.import(&mut text.as_bytes(), None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input, "{error}");
        assert!(words.iter().all(|word| error.summary().contains(word)), "{error}");
        assert!(site.store.requests(&RequestFilter::default()).unwrap().is_empty());
    };
    check("\"status\": \"timeout\"", "\"status\": \"exploded\"", &["requests.`req-0d`.status", "`exploded`"]);
    check("\"status\": \"stopped\"", "\"status\": \"exploded\"", &["machines.`i-03`.status", "`exploded`"]);
    check("\"status\": \"timeout\"", "\"status\": null", &["requests.`req-0d`.status", "missing"]);
    check("2026-03-01T13:00:00Z", "yesterday", &["requests.`req-0d`.created_at", "`yesterday`"]);
    check("\"requested_count\": 3", "\"requested_count\": -1", &["`req-0b`.requested_count"]);
    let borrowed = "\"request_type\": \"borrow\", \"template_id\": \"\"";
    check(
        "\"request_type\": \"return\", \"template_id\": \"\"",
        borrowed,
        &["`ret-0b`.request_type", "`borrow`"],
    );
    check("[\"i-03\", \"i-gone\"]", "\"i-03\"", &["`ret-0b`.machine_ids", "list"]);
    check("[\"i-03\", \"i-gone\"]", "[3]", &["`ret-0b`.machine_ids", "number"]);
    check("{\"value\": \"i-01\"}", "{\"other\": 1}", &["machines.`i-01`.machine_id", "object"]);
    for (text, words) in [
        ("[]", "must be an object, not a list"),
        ("{\"requests\": []}", "`requests` must be an object, not a list"),
        ("{\"requests\": {\"req-1\": 7}}", "requests.`req-1` must be an object, not a number"),
        ("{\"req-1\": {}}", "`req-1`.request_id is missing"),
    ] {
        let error = site.store.import(&mut text.as_bytes(), None).unwrap_err();
        assert!(error.summary().contains(words), "{error}");
    }
    // Nothing in it is nothing to take.
    assert_eq!(site.store.import(&mut "{}".as_bytes(), None).unwrap().taken, Counts::default());
}

/// Records of a version that writes no `request_type`: the id tells.
#[test]
fn requests_without_a_type() {
    for (name, kind) in [("req-1", RequestKind::Acquire), ("ret-1", RequestKind::Return)] {
        let site = Site::new();
        let record = format!(
            r#"{{"{name}": {{"request_id": "{name}", "template_id": "t", "status": "failed",
                "created_at": "2026-03-01T10:00:00Z"}}}}"#
        );
        import(&site, &record);
        assert_eq!(view(&site.store, name).request.kind, kind, "{name}");
    }
}
