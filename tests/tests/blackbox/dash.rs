//! `-` is standard input where a file is read, and standard output where one is written.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::io::Write;
use std::process::Stdio;

use ohfp_tests::grid::{Grid, TEMPLATE, document, text, wanted};
use ohfp_tests::{Ended, program};
use serde_json::json;

/// Runs `ohfp` with something on its standard input.
fn run(grid: &Grid, words: &str, input: &str) -> Ended {
    let mut command = grid.sandbox.command(program("ohfp"));
    command.args(words.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.current_dir(&grid.sandbox.path).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: output.stdout, stderr }
}

#[test]
fn questions_come_from_standard_input() {
    let grid = Grid::new(&json!({}), &json!({}));
    let offered = document(&run(&grid, "getAvailableTemplates -f -", "{}"));
    assert!(offered["templates"].as_array().unwrap().len() > 3);
    let asked = document(&run(&grid, "requestMachines -f -", &wanted(TEMPLATE, 1).to_string()));
    let id = text(&asked["requestId"]);
    let asked = json!({ "requests": { "requestId": id } }).to_string();
    for words in ["getRequestStatus --file -", "requests status -f -"] {
        assert_eq!(document(&run(&grid, words, &asked))["requests"][0]["requestId"], id, "{words}");
    }
    for (input, says) in
        [("", "standard input is not JSON"), ("[]", "standard input does not hold a JSON object")]
    {
        let wrong = run(&grid, "getReturnRequests -f -", input);
        assert_eq!(wrong.code, 1, "{wrong:?}");
        assert!(text(&document(&wrong)["message"]).contains(says), "{wrong:?}");
    }
}

#[test]
fn answers_go_to_standard_output() {
    let grid = Grid::new(&json!({}), &json!({}));
    grid.machines(TEMPLATE, 1);
    let list = run(&grid, "machines list --output -", "");
    assert_eq!(document(&list)["machines"].as_array().unwrap().len(), 1);
    assert_eq!(run(&grid, "machines list", "").stdout, list.stdout);
    let templates = run(&grid, "templates list --output -", "");
    assert_eq!(run(&grid, "templates list", "").stdout, templates.stdout);

    let export = run(&grid, "storage export -", "");
    assert_eq!(document(&export)["machines"].as_array().unwrap().len(), 1);
    let import = run(&grid, "storage import -", &String::from_utf8(export.stdout).unwrap());
    assert_eq!(document(&import)["present"]["machines"], 1, "{import:?}");
    let backup = run(&grid, "storage backup -", "");
    assert!(backup.code == 2 && backup.stdout.is_empty(), "{backup:?}");
    assert!(!grid.sandbox.path.join("-").exists());
}
