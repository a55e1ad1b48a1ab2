//! `ohfp reconcile` without a cloud: what it says and refuses. What it finds in one is tested in `aws/orphans.rs`.

use ohfp_tests::grid::{Grid, SPOT, TEMPLATE, document};
use serde_json::json;

/// Machines of requests in every state fit: nothing is found, and nothing is to be confirmed.
#[test]
fn a_site_that_is_well_has_no_findings() {
    let grid = Grid::new(&json!({}), &json!({}));
    let nothing = json!({ "findings": [], "otherStores": [], "unlisted": [] });
    assert_eq!(grid.command(&["reconcile"]), nothing, "there is no store yet");
    let machines = grid.machines(TEMPLATE, 3);
    grid.machines(SPOT, 2);
    grid.request(TEMPLATE, 2);
    grid.give_back(&machines[..1]);
    for line in
        [&["reconcile"][..], &["reconcile", "--fix"], &["reconcile", "--fix", "--release", "--dry-run"]]
    {
        assert_eq!(grid.command(line), nothing, "{line:?}");
    }
    grid.until_live(6);
}

/// A provider that cannot be asked is an error, and not a site without findings.
#[test]
fn a_provider_that_is_silent_is_said() {
    let grid = Grid::new(&json!({}), &json!({}));
    grid.machines(TEMPLATE, 1);
    grid.change_cloud(&json!({ "describe": { "error_probability": 1.0 } }));
    let silent = grid.sandbox.run("ohfp", &["reconcile", "--fix", "--release", "--yes"]);
    assert_eq!(silent.code, 1, "{silent:?}");
    let answer = document(&silent);
    assert_eq!((&answer["findings"], &answer["unlisted"][0]["kind"]), (&json!([]), &json!("all")));
    assert!(silent.stderr.contains("`sim`"), "{silent:?}");
    assert_eq!(grid.live(), 1);
}

#[test]
fn lines_that_cannot_be_meant_are_refused() {
    let grid = Grid::new(&json!({}), &json!({}));
    for (line, says) in [
        (&["reconcile", "--adopt"][..], "--fix"),
        (&["reconcile", "--release"], "--fix"),
        (&["reconcile", "--fix", "--adopt", "--release"], "--release"),
        (&["reconcile", "--store", "no/id"], "`no/id`"),
        (&["reconcile", "--store", ""], "no id of a store"),
    ] {
        let refused = grid.sandbox.run("ohfp", line);
        assert_eq!(refused.code, 2, "{line:?}: {refused:?}");
        assert!(refused.stderr.contains(says), "{line:?}: {refused:?}");
    }
    assert!(!grid.work().join("ohfp.db").exists());
}
