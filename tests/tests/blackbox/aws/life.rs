//! Every way to launch, for one machine, a few and many: requested, returned in part, returned whole. What exists is
//! exact after each step.

use ohfp_tests::aws::{AwsSite, WAYS, ids, templates};
use ohfp_tests::grid::hosts;
use serde_json::{Value, json};

/// What each machine is tagged with, beside what a template's user wants.
const TAGS: [&str; 6] =
    ["ohfp:request", "ohfp:token", "ohfp:template", "ohfp:provider", "ohfp:store", "Name"];

/// All ways of an API, with fleets of one type.
fn whole_life(api: &str, fleet: Option<&str>) {
    let ways: Vec<_> = WAYS.into_iter().filter(|way| way.api == api && way.fleet == fleet).collect();
    assert!(ways.len() >= 2, "{api} {fleet:?}");
    let Some(site) = AwsSite::new(&templates(&ways), &json!({})) else { return };
    let names: Vec<&str> = ways.iter().map(|way| way.name).collect();
    let foreign = site.foreign(&names);
    for way in ways {
        for count in [1, 10, 500] {
            life(&site, way.name, count, way.on_demand(count));
            site.assert_untouched(&foreign);
        }
    }
}

fn life(site: &AwsSite, name: &str, count: u64, on_demand: u64) {
    let status = site.grid.settled(&site.grid.request(name, count));
    assert_eq!(status["status"], "complete", "{name}: {status}");
    let all = hosts(&status);
    assert_eq!((all.len() as u64, site.living()), (count, ids(&all)), "{name}");
    check_machines(&site.ours(), name, &status["requestId"], on_demand);

    let (part, rest) = all.split_at(all.len() / 2);
    if !part.is_empty() {
        let status = site.grid.settled(&site.grid.give_back(part));
        assert_eq!(status["status"], "complete", "{name}: {status}");
        // Nothing is replaced: the request is over.
        site.cloud.advance(60.0);
        assert_eq!(site.living(), ids(rest), "{name}");
    }
    let status = site.grid.settled(&site.grid.give_back(rest));
    assert_eq!(status["status"], "complete", "{name}: {status}");
    site.cloud.advance(60.0);
    assert_eq!(site.living(), Vec::<String>::new(), "{name}");
    // No fleet, group or template is left, in as many polls as that takes.
    site.until_tidy();
    assert_eq!(site.living(), Vec::<String>::new(), "{name}");
}

/// The tags of machines of a request, and how many are no spot machines.
fn check_machines(machines: &[Value], template: &str, request: &Value, on_demand: u64) {
    for machine in machines {
        let tags = &machine["tags"];
        assert!(TAGS.iter().all(|tag| tags[*tag].is_string()), "{template}: {tags}");
        assert_eq!((&tags["ohfp:template"], &tags["ohfp:request"]), (&json!(template), request));
        assert!(!machine["volumes"].as_array().unwrap().is_empty(), "{machine}");
        for volume in machine["volumes"].as_array().unwrap() {
            assert_eq!(volume["tags"]["ohfp:request"], *request, "{template}: {volume}");
        }
    }
    let of_no_spot = machines.iter().filter(|machine| machine["option"] == "on-demand").count();
    assert_eq!(of_no_spot as u64, on_demand, "{template}: on-demand machines");
}

#[test]
fn run_instances() {
    whole_life("RunInstances", None);
}

#[test]
fn instant_fleets() {
    whole_life("EC2Fleet", Some("instant"));
}

#[test]
fn request_fleets() {
    whole_life("EC2Fleet", Some("request"));
}

#[test]
fn maintain_fleets() {
    whole_life("EC2Fleet", Some("maintain"));
}

#[test]
fn request_spot_fleets() {
    whole_life("SpotFleet", Some("request"));
}

#[test]
fn maintain_spot_fleets() {
    whole_life("SpotFleet", Some("maintain"));
}

#[test]
fn groups() {
    whole_life("ASG", None);
}
