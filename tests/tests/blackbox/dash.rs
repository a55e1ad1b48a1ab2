//! `-` is standard input where a file is read, and standard output where one is written.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::io::Write;
use std::process::{Command, Stdio};

use ohfp_tests::grid::{Grid, TEMPLATE, document, text, wanted};
use ohfp_tests::{Ended, ended, program};
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
    // Commands that read no input of Host Factory's name the stream alike.
    for (words, input, says) in [
        (
            "templates update other -f -",
            "{\"templateId\": \"this\"}",
            "`standard input` is about template `this`",
        ),
        (
            "templates replace other -f -",
            "{\"templateId\": \"this\"}",
            "`standard input` is about template `this`",
        ),
        ("templates replace other -f -", "{\"templates\": []}", "`standard input` has 0 templates"),
    ] {
        let wrong = run(&grid, words, input);
        assert!(wrong.code == 1 && wrong.stderr.contains(says), "{words}: {wrong:?}");
    }
}

#[test]
fn a_named_file_is_regular_and_its_hint_fits() {
    let grid = Grid::new(&json!({}), &json!({}));
    let fifo = grid.sandbox.path.join("fifo");
    assert_eq!(ended(Command::new("mkfifo").arg(&fifo)).code, 0);
    for words in ["config validate --file fifo", "templates validate -f fifo"] {
        let refused = run(&grid, words, "");
        let said = format!("{}{}", refused.text(), refused.stderr);
        assert!(refused.code == 1 && said.contains("not a regular file"), "{words}: {refused:?}");
    }
    let missing = run(&grid, "templates validate -f missing", "");
    assert!(missing.text().contains("name a text file in UTF-8"), "{missing:?}");
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
