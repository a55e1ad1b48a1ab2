//! Commands that wait, and taking requests back: exit codes, what is on which stream, what is left.

use std::time::{Duration, Instant};

use ohfp_tests::Ended;
use ohfp_tests::grid::{Grid, TEMPLATE, document, hosts, text};
use serde_json::json;

fn run(grid: &Grid, words: &str) -> Ended {
    grid.sandbox.run("ohfp", &words.split(' ').collect::<Vec<_>>())
}

#[test]
fn waiting_ends_with_the_request() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 0.3 }, "capacity": { "total": 5 } }), &json!({}));
    let good = run(&grid, "machines request any 3 --wait --timeout 60");
    assert_eq!(good.code, 0, "{good:?}");
    let status = document(&good)["requests"][0].clone();
    assert_eq!((&status["status"], hosts(&status).len()), (&json!("complete"), 3));
    assert!(good.stderr.contains(" of 3 machines running"), "{good:?}");
    assert!(!good.stderr.contains('\u{1b}'), "no terminal is there: {good:?}");

    let partial = run(&grid, "machines request any 3 --wait");
    assert_eq!(partial.code, 1, "{partial:?}");
    let status = document(&partial)["requests"][0].clone();
    assert_eq!((&status["status"], hosts(&status).len()), (&json!("complete_with_error"), 2));
    assert!(partial.stderr.contains(" of 3 machines running"), "{partial:?}");

    // The same, looked at afterwards.
    let id = text(&status["requestId"]);
    for words in [format!("requests status {id} --wait"), format!("requests watch {id} --interval 1")] {
        let again = run(&grid, &words);
        assert_eq!((again.code, &document(&again)["requests"][0]), (1, &status), "{words}");
    }
    let gone = run(&grid, "machines return --all --yes --wait");
    assert_eq!((gone.code, &document(&gone)["requests"][0]["status"]), (0, &json!("complete")), "{gone:?}");
    assert!(gone.stderr.contains(" of 5 machines gone"), "{gone:?}");
}

/// A mistyped id is an error for a person, and an answer for a scheduler.
#[test]
fn requests_that_do_not_exist_are_errors() {
    let grid = Grid::new(&json!({}), &json!({}));
    let id = grid.request(TEMPLATE, 1);
    grid.settled(&id);
    for words in [
        "requests status nosuch",
        "requests status nosuch --wait",
        "requests watch nosuch",
        "requests show nosuch",
    ] {
        let unknown = run(&grid, words);
        assert_eq!(unknown.code, 1, "{words}: {unknown:?}");
        assert!(unknown.stdout.is_empty(), "{words} answers all the same: {unknown:?}");
        assert!(unknown.stderr.contains("there is no request `nosuch`"), "{words}: {unknown:?}");
    }
    for words in [format!("requests status {id} nosuch"), format!("requests status nosuch {id} --wait")] {
        let both = run(&grid, &words);
        let found = document(&both);
        assert_eq!((both.code, found["requests"].as_array().unwrap().len()), (1, 1), "{both:?}");
        assert_eq!(found["requests"][0]["requestId"], id);
        assert!(both.stderr.contains("`nosuch`"), "{both:?}");
    }
    let input = json!({ "requests": [{ "requestId": "nosuch" }] }).to_string();
    for operation in [&["requests", "status", "-d", &input] as &[&str], &["getRequestStatus", "-d", &input]] {
        let answer = grid.sandbox.run("ohfp", operation);
        assert_eq!(answer.code, 0, "{answer:?}");
        assert_eq!(document(&answer)["requests"][0]["status"], "complete_with_error");
    }
}

/// What the provider has refused already is no success for a person. Host Factory asks for the status.
#[test]
fn a_refused_launch_is_told_at_once() {
    for cloud in [json!({ "refused_probability": 1 }), json!({ "no_capacity_probability": 1 })] {
        let grid = Grid::new(&json!({ "launch": cloud }), &json!({}));
        let refused = run(&grid, "machines request any 2");
        let id = text(&document(&refused)["requestId"]);
        assert!(refused.code == 1 && refused.stderr.contains(&id), "{refused:?}");
        let id = grid.request(TEMPLATE, 2);
        assert_eq!(grid.status(&id)["status"], "complete_with_error");
    }
}

/// No request is a list too.
#[test]
fn nothing_open_has_the_columns_of_what_is_open() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &json!({}));
    let head = |ended: &Ended| text(&json!(String::from_utf8_lossy(&ended.stdout).lines().next().unwrap()));
    let words = "requests status --all --format table";
    let none = run(&grid, words);
    assert_eq!((none.code, String::from_utf8_lossy(&none.stdout).lines().count()), (0, 1), "{none:?}");
    grid.request(TEMPLATE, 1);
    let one = run(&grid, words);
    let columns = |line: String| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(columns(head(&none)), columns(head(&one)));
    assert_eq!(run(&grid, "requests list --status failed --format table").code, 0);
}

#[test]
fn waiting_has_an_end() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &json!({}));
    let asked = run(&grid, "machines request any 2 --wait --timeout 1");
    assert_eq!(asked.code, 1, "{asked:?}");
    assert!(asked.stderr.contains("timed out after 1 s"), "{asked:?}");
    let status = document(&asked)["requests"][0].clone();
    assert_eq!((&status["status"], hosts(&status).len()), (&json!("running"), 2));
    let id = text(&status["requestId"]);
    for words in [
        format!("requests watch {id} --interval 1 --timeout 1"),
        format!("requests status {id} --wait --timeout 1"),
        "requests status --all --wait --timeout 1".to_owned(),
    ] {
        let started = Instant::now();
        let watched = run(&grid, &words);
        assert!(started.elapsed() >= Duration::from_secs(1), "{words} does not wait");
        assert_eq!((watched.code, &document(&watched)["requests"][0]["status"]), (1, &json!("running")));
        assert!(
            watched.stderr.contains(&format!("timed out after 1 s; {id} is still running")),
            "{words}: {watched:?}"
        );
    }
    // What was begun goes on.
    assert_eq!(grid.live(), 2);
}

/// A cloud that says nothing now and then is no end of a long wait.
#[test]
fn waiting_outlives_an_outage() {
    let grid = Grid::new(&json!({ "describe": { "error_probability": 0.5 } }), &json!({}));
    let asked = run(&grid, "machines request any 3 --wait --timeout 60");
    assert_eq!(asked.code, 0, "{asked:?}");
    assert_eq!(hosts(&document(&asked)["requests"][0]).len(), 3);
}

#[test]
fn requests_are_taken_back() {
    let grid = Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &json!({}));
    let id = grid.request(TEMPLATE, 3);
    let unconfirmed = run(&grid, &format!("requests cancel {id}"));
    assert!(unconfirmed.code == 1 && unconfirmed.stderr.contains("--yes"), "{unconfirmed:?}");
    assert_eq!((grid.status(&id)["status"].clone(), grid.live()), (json!("running"), 3));
    let cancelled = grid.command(&["requests", "cancel", &id, "--yes"]);
    assert_eq!(cancelled["state"], "cancelled");
    let status = grid.status(&id);
    assert_eq!(status["status"], "complete_with_error");
    let machines = status["machines"].as_array().unwrap();
    assert!(machines.iter().all(|machine| machine["result"] == "fail"), "{status}");
    grid.until_live(0);
    let again = run(&grid, &format!("requests cancel {id} --yes"));
    assert!(again.code == 1 && again.stderr.contains("is cancelled"), "{again:?}");

    grid.change_cloud(&json!({}));
    let id = grid.request(TEMPLATE, 2);
    grid.settled(&id);
    let finished = run(&grid, &format!("requests cancel {id} --yes"));
    assert!(finished.code == 1 && finished.stderr.contains("machines return"), "{finished:?}");
    let back = grid.give_back(&hosts(&grid.status(&id))[..1]);
    let returned = run(&grid, &format!("requests cancel {back} --yes"));
    assert!(returned.code == 1 && returned.stderr.contains("cannot be cancelled"), "{returned:?}");
    grid.settled(&back);
    assert_eq!(grid.live(), 1);
}

/// A request with an unconfirmed launch is cancelled together with the machines that it launched.
#[test]
fn unconfirmed_requests_are_taken_back() {
    let grid = Grid::new(&json!({ "launch": { "unknown_probability": 1 } }), &json!({}));
    let id = grid.request(TEMPLATE, 2);
    assert_eq!(grid.live(), 2);
    grid.command(&["requests", "cancel", &id, "--yes"]);
    grid.until_live(0);
    assert_eq!(grid.status(&id)["status"], "complete_with_error");
    assert_eq!(grid.live(), 0);
}
