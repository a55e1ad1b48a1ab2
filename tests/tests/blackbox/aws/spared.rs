//! Batches of machines of which AWS refuses some: these keep no other from what was asked.

use ohfp_tests::aws::{AwsSite, ids};
use ohfp_tests::grid::{Host, hosts, text};
use serde_json::{Value, json};

/// As a policy says that is scoped by the tags of machines, of a machine whose tags are not known any more.
const DENIED: &str = "You are not authorized to perform this operation.";

/// A site with six machines, four in one zone and two in another; they come in this order.
fn site(settings: &Value) -> Option<(AwsSite, Vec<Host>)> {
    let site = AwsSite::with_settings(&[("run", json!({}))], &json!({}), settings)?;
    // What is younger than a minute may be invisible, and counts as there.
    site.cloud.advance(-120.0);
    let subnets = site.cloud.subnets();
    site.cloud.capacity(&json!({ format!("m5.large@{}", subnets[0]): 4 }));
    let status = site.grid.settled(&site.grid.request("run", 6));
    assert_eq!(status["status"], "complete", "{status}");
    let zone = |host: &Host| {
        let machines = site.cloud.living();
        text(&machines.iter().find(|machine| machine["id"] == host.id.as_str()).unwrap()["zone"])
    };
    let mut all = hosts(&status);
    all.sort_by_key(zone);
    assert!(zone(&all[3]) != zone(&all[4]), "{all:?}");
    Some((site, all))
}

/// Termination protection ends no machine of its zone. Those that are not protected are ended nevertheless, and the
/// return goes on until the last one can be.
#[test]
fn protected_machines_keep_no_other_from_its_end() {
    for places in [&[1][..], &[1, 5], &[0, 1, 2, 3, 4, 5]] {
        let Some((site, all)) = site(&json!({})) else { return };
        let protected: Vec<Host> = places.iter().map(|place| all[*place].clone()).collect();
        site.cloud.control("change", Some(&json!({ "ids": ids(&protected), "protected": true })));
        let back = site.grid.give_back(&all);
        assert_eq!(site.living(), ids(&protected));

        let status = site.grid.status(&back);
        assert_eq!(status["status"], "running", "{status}");
        let message = text(&status["message"]);
        let says = ["OperationNotPermitted", "disableApiTermination", &protected[0].id];
        assert!(says.iter().all(|word| message.contains(word)), "{message}");
        assert_eq!(site.living(), ids(&protected));

        site.cloud.control("change", Some(&json!({ "ids": ids(&protected), "protected": false })));
        let status = site.grid.settled(&back);
        assert_eq!(status["status"], "complete", "{status}");
        assert_eq!(site.living(), Vec::<String>::new());
    }
}

/// A machine that stays protected does not keep a return open for ever: it fails with the reason.
#[test]
fn a_return_of_a_protected_machine_ends_with_the_reason() {
    let Some((site, all)) = site(&json!({ "request": { "return_timeout_seconds": 1 } })) else { return };
    site.cloud.control("change", Some(&json!({ "ids": [all[0].id], "protected": true })));
    let status = site.grid.settled(&site.grid.give_back(&all));
    assert_eq!(status["status"], "complete_with_error", "{status}");
    let message = text(&status["message"]);
    assert!(message.contains("1 of 6 machines") && message.contains("OperationNotPermitted"), "{message}");
    assert_eq!(site.living(), [all[0].id.clone()]);
}

/// Under a policy that is scoped by tags EC2 denies a whole batch for one machine that it has forgotten.
#[test]
fn a_machine_that_aws_has_forgotten_keeps_no_other_from_its_end() {
    let Some((site, all)) = site(&json!({})) else { return };
    let foreign = site.foreign(&["run"]);
    let forgotten = [all[2].id.clone(), all[4].id.clone()];
    site.cloud.control("end", Some(&json!({ "ids": forgotten })));
    site.cloud.advance(3_601.0);
    site.cloud.settings(&json!({ "unknown_denied": true }));
    site.cloud.clear_calls();

    let back = site.grid.give_back(&all);
    assert_eq!(site.living(), Vec::<String>::new());
    let denied = site.cloud.calls("TerminateInstances");
    assert!(denied.iter().any(|call| call["code"] == "UnauthorizedOperation"), "{denied:?}");
    // A look does not show the others, so that the return is over.
    let status = site.grid.settled(&back);
    assert_eq!(status["status"], "complete", "{status}");
    site.assert_untouched(&foreign);
}

/// The same at a look: what is known of the others is told, and of the one nothing new is.
#[test]
fn a_machine_that_may_not_be_looked_at_keeps_no_other_from_it() {
    let Some(site) = AwsSite::new(&[("run", json!({}))], &json!({})) else { return };
    site.cloud.settings(&json!({ "boot": 30 }));
    let id = site.grid.request("run", 5);
    let results = |status: &Value| -> Vec<(String, String)> {
        let machines = status["machines"].as_array().unwrap().iter();
        let mut all: Vec<_> =
            machines.map(|machine| (text(&machine["machineId"]), text(&machine["result"]))).collect();
        all.sort();
        all
    };
    let launched = results(&site.grid.status(&id));
    assert!(launched.len() == 5 && launched.iter().all(|(_, result)| result == "executing"), "{launched:?}");
    let hidden = launched[3].0.clone();
    site.cloud.faults(&json!([{
        "action": "DescribeInstances", "text": hidden, "kind": "error", "status": 403,
        "code": "UnauthorizedOperation", "message": DENIED
    }]));
    site.cloud.advance(31.0);

    let status = site.grid.status(&id);
    assert_eq!(status["status"], "running", "{status}");
    for (id, result) in results(&status) {
        assert_eq!(result, if id == hidden { "executing" } else { "succeed" }, "{id}");
    }
    let log = std::fs::read_to_string(site.grid.log()).unwrap();
    assert!(log.contains("UnauthorizedOperation") && log.contains(&hidden), "{log}");
    assert_eq!(site.living().len(), 5);

    site.cloud.faults(&json!([]));
    assert_eq!(site.grid.settled(&id)["status"], "complete");
}
