//! `report`: the page of a site, opened in a browser.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs;
use std::path::{Path, PathBuf};

use ohfp_tests::browser::Browser;
use ohfp_tests::grid::{Grid, LIMITED, TEMPLATE};
use ohfp_tests::{Ended, target};
use serde_json::{Value, json};

/// A site that was used: machines that run, machines that were returned and reclaimed, and requests that fell short.
fn used() -> Grid {
    let grid = Grid::new(&json!({ "capacity": { "total": 12 } }), &json!({ "logging": { "level": "INFO" } }));
    let machines = grid.machines(TEMPLATE, 6);
    grid.machines(LIMITED, 3);
    let back = grid.give_back(machines.get(..2).unwrap());
    grid.settled(&back);
    grid.command(&["sim", "reclaim", &machines.get(3).unwrap().id, "--grace", "0"]);
    grid.reclaims(&json!({}));
    let short = grid.request(TEMPLATE, 9);
    grid.settled(&short);
    grid
}

fn report(grid: &Grid, words: &[&str]) -> Ended {
    let words: Vec<&str> = ["report"].iter().chain(words).copied().collect();
    grid.sandbox.run("ohfp", &words)
}

/// The text of a page without its markup and style.
fn read(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    let parts = body.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
    parts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_page_tells_what_happened() {
    let grid = used();
    let page = report(&grid, &[]);
    assert_eq!(page.code, 0, "{page:?}");
    let text = read(&page.text());
    for expected in [
        "grid Host Factory machines from",
        "Requested 18 machines in 3 requests",
        "Reclaimed 1 2 returned",
        "Machines by template",
        "Why requests fell short",
        "no capacity",
        "m6i.large",
        "startup time",
        "Each operation, in the window",
        "requestMachines 3 0",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // In a file it is the same page, but for what changes with time; `-` is standard output.
    let file = grid.sandbox.path.join("report.html");
    let written = report(&grid, &["--since", "24h", "--output", file.to_str().unwrap()]);
    assert!(written.code == 0 && written.stdout.is_empty(), "{written:?}");
    assert!(read(&fs::read_to_string(&file).unwrap()).contains("Requested 18 machines"));
    assert!(report(&grid, &["--output", "-"]).text().starts_with("<!DOCTYPE html>"));
}

/// A page that cannot be written leaves the one before as it was.
#[test]
fn a_page_is_replaced_as_a_whole() {
    let grid = used();
    let directory = grid.sandbox.path.join("pages");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("report.html");
    fs::write(&file, "before").unwrap();
    fs::write(grid.work().join("ohfp.db"), "no database ".repeat(400)).unwrap();
    for name in ["ohfp.db-wal", "ohfp.db-shm"] {
        let _ = fs::remove_file(grid.work().join(name));
    }
    let failed = report(&grid, &["--output", file.to_str().unwrap()]);
    assert!(failed.code == 1 && failed.stderr.contains("is not a state store"), "{failed:?}");
    let names: Vec<PathBuf> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names), ("before", vec![file.clone()]));
}

#[test]
fn an_empty_history_says_so() {
    let grid = Grid::new(&json!({}), &json!({}));
    let page = report(&grid, &[]);
    assert_eq!(page.code, 0, "{page:?}");
    let text = read(&page.text());
    assert!(text.contains("No machine existed in this window."), "{text}");
    assert!(!grid.work().join("ohfp.db").exists(), "a look creates nothing");
    // What is not recorded is not shown as nothing.
    let grid = Grid::new(&json!({}), &json!({ "metrics": { "enabled": false } }));
    let text = read(&report(&grid, &[]).text());
    assert!(text.contains("The cost of each operation is not recorded at this site."), "{text}");
}

#[test]
fn unknown_windows_and_formats_are_named() {
    let grid = Grid::new(&json!({}), &json!({}));
    for (words, says) in [
        (&["--since", "yesterday"][..], "for example 90m, 36h or 30d"),
        (&["--since", "30"], "for example 90m, 36h or 30d"),
        (&["--since", "0h"], "from 1s to 36500d"),
        (&["--since", "99999d"], "from 1s to 36500d"),
        (&["--format", "yaml"], "a page of HTML"),
        (&["--format", "nagios"], "a page of HTML"),
    ] {
        let refused = report(&grid, words);
        assert!(refused.code == 2 && refused.stdout.is_empty(), "{words:?}: {refused:?}");
        assert!(refused.stderr.contains(says), "{words:?}: {refused:?}");
    }
}

/// Foreign text is text, and secrets of the configuration are not on the page.
#[test]
fn neither_markup_nor_secrets_get_in() {
    let template = "small";
    let templates =
        json!({ "templates": [{ "templateId": template, "maxNumber": 2, "vmType": "m6i.large" }] });
    let sim = |options: Value| json!({ "provider": { "providers": [{ "name": "s", "type": "sim", "config": options }] } });
    let mut grid = Grid::with_files(&[
        ("awsprov_templates.json", &templates.to_string()),
        ("config.json", &sim(json!({})).to_string()),
    ]);
    grid.sandbox.set("HF_PROVIDER_NAME", "a<b>\"c");
    assert_eq!(grid.sandbox.run("ohfp", &["machines", "request", template, "2"]).code, 0);
    // What is wrong with the configuration is an open problem.
    grid.sandbox.write("config.json", sim(json!({ "password": "hunter2" })).to_string());
    let page = report(&grid, &[]);
    assert_eq!(page.code, 0, "{page:?}");
    let text = page.text();
    assert!(!text.contains("<script") && !text.contains("a<b>"), "{text}");
    assert!(text.contains("<title>ohfp: a&lt;b&gt;&quot;c</title>"), "{text}");
    assert!(text.contains("is not a known key") && !text.contains("hunter2"), "{text}");
}

/// Pictures stay below the target directory, to be looked at.
fn artifacts() -> PathBuf {
    let named = std::env::var_os("OHFP_TEST_ARTIFACTS").map(PathBuf::from);
    let path = named.unwrap_or_else(|| target().join("report"));
    fs::create_dir_all(&path).unwrap();
    path
}

/// Width and height of a picture in PNG.
fn size(picture: &Path) -> (u32, u32) {
    let bytes = fs::read(picture).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes.get(at..at + 4).unwrap().try_into().unwrap());
    (number(16), number(20))
}

/// A browser has no complaint, and asks for nothing but the page.
#[test]
fn a_browser_opens_it() {
    let Some(browser) = Browser::find() else { return };
    let grid = used();
    let profile = grid.sandbox.path.join("browser");
    let empty = Grid::new(&json!({}), &json!({}));
    let pages: [(&str, String); 2] =
        [("report", report(&grid, &[]).text()), ("empty", report(&empty, &[]).text())];
    for (name, page) in &pages {
        for (kind, window, dark) in
            [("desktop", (1280, 3000), false), ("phone", (400, 5600), false), ("dark", (1280, 3000), true)]
        {
            let picture = artifacts().join(format!("{name}-{kind}.png"));
            let _ = fs::remove_file(&picture);
            let opened = browser.open(page, window, dark, &picture, &profile);
            assert_eq!(opened.console, Vec::<String>::new(), "{name} {kind}");
            assert_eq!(opened.requests, ["/page"], "{name} {kind}");
            assert_eq!(size(&picture), window, "{name} {kind}");
        }
    }
    // The same eyes see what is wrong with another page: a script that fails, and pictures from elsewhere.
    let picture = grid.sandbox.path.join("control.png");
    let control = r#"<!DOCTYPE html><img src="/own.png"><img src="http://elsewhere.test/x.png"><script>nosuch()</script>"#;
    let opened = browser.open(control, (400, 400), false, &picture, &profile);
    assert!(opened.requests.contains(&"/own.png".to_owned()), "{opened:?}");
    assert!(opened.console.iter().any(|line| line.contains("nosuch")), "{opened:?}");
}

/// What is recorded of a request that was refused stays text: the page shows what the store has.
#[test]
fn what_is_shown_is_what_the_store_has() {
    let grid = used();
    let metrics: Value = grid.command(&["storage", "metrics"]);
    let running = metrics.pointer("/machines/running").and_then(Value::as_u64).unwrap();
    let text = read(&report(&grid, &[]).text());
    assert!(text.contains(&format!("Running now {running} ")), "{running}: {text}");
}
