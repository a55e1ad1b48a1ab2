//! Lists of machines and requests: every form says the same, filters and pages leave what they should, and
//! names are those of the scheduler asked for.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use ohfp_tests::grid::{Grid, SPOT, TEMPLATE};
use ohfp_tests::{Ended, expect_none};
use serde_json::{Value, json};

/// Five machines of two templates that run, and a request whose machine is gone.
fn grid() -> Grid {
    let grid = Grid::new(&json!({}), &json!({}));
    let gone = grid.machines(TEMPLATE, 1);
    grid.settled(&grid.give_back(&gone));
    grid.machines(TEMPLATE, 3);
    grid.machines(SPOT, 2);
    grid
}

fn run(grid: &Grid, line: &str) -> Ended {
    grid.sandbox.run("ohfp", &line.split(' ').collect::<Vec<_>>())
}

fn rows(grid: &Grid, line: &str) -> Vec<Value> {
    let document = grid.command(&line.split(' ').collect::<Vec<_>>());
    document.as_object().unwrap().values().next().unwrap().as_array().unwrap().clone()
}

/// The cells of a table: columns are two blanks or more apart.
fn table(ended: &Ended) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    ended.text().lines().map(cells).collect()
}

/// Command lines, and how many entries they list.
#[test]
fn filters_keep_what_fits() {
    let grid = grid();
    let one = rows(&grid, "machines list --limit 1").remove(0);
    let text = |name: &str| one[name].as_str().unwrap().to_owned();
    let (id, name, request) = (text("machineId"), text("name"), text("requestId"));
    let fixed = [
        ("machines list", 5),
        ("machine list --status running", 5),
        ("machines list --status terminated", 1),
        ("machines list --status running --status terminated", 6),
        ("machines list --status stopped", 0),
        ("machines list --template-id spot", 2),
        ("machines list --template-id nosuch", 0),
        ("machines list --filter templateId=spot", 2),
        ("machines list --filter template_id=spot", 2),
        ("machines list --filter templateId=Spot", 0),
        ("machines list --filter templateId~po", 2),
        ("machines list --filter templateId=~^(any|spot)$", 5),
        ("machines list --filter templateId=~^an --filter status=running", 3),
        ("machines list --filter priceType=spot", 2),
        ("machines list --filter instanceTags~team", 3),
        ("machines list --filter returnRequestId=", 5),
        ("machines list --filter ending=released --status terminated", 1),
        ("machines list --filter launchtime=~^[0-9]{10}$", 5),
        ("machines list --limit 2", 2),
        ("machines list --limit 9 --offset 4", 1),
        ("machines list --offset 5", 0),
        ("machines list --filter templateId=any --limit 2 --offset 2", 1),
        ("requests list", 4),
        ("requests list --type return", 1),
        ("requests list --type acquire --status complete", 3),
        ("requests list --status running", 0),
        ("requests list --status complete --status failed", 4),
        ("requests list --template-id any", 2),
        ("requests list --filter machineCount=3", 1),
        ("requests list --filter machine_count=3.0", 1),
        ("requests list --filter state=complete --limit 1", 1),
        ("sim list --filter status=running", 5),
        ("sim list --filter status=running --limit 2", 2),
        ("templates list --filter maxNumber=20", 1),
        ("templates list --filter max_instances=-1 --limit 1", 1),
        ("templates list --filter attributes.ncpus=2", 4),
        ("templates list --filter vmTypes.m6i.2xlarge=8", 1),
        ("templates list --filter vmTypes~m5", 1),
        ("templates list --filter priceType=nosuch", 0),
    ];
    let asked = [
        (format!("machines list --request-id {request}"), 2),
        (format!("machines list --filter machineId={id}"), 1),
        (format!("machines list --filter name={name}"), 1),
        (format!("machines list --filter machine_id={id} --filter name=nosuch"), 0),
        (format!("requests list --filter machineIds={id}"), 1),
        (format!("requests list --filter requestId={request}"), 1),
    ];
    let mut cases: Vec<(String, usize)> =
        fixed.iter().map(|(line, count)| ((*line).to_owned(), *count)).collect();
    cases.extend(asked);
    let mut faults = Vec::new();
    for (line, expected) in &cases {
        let found = rows(&grid, line).len();
        if found != *expected {
            faults.push(format!("{line}: {found} instead of {expected}"));
        }
    }
    expect_none(&faults, cases.len());
}

#[test]
fn pages_are_the_list_cut_up() {
    let grid = grid();
    for command in ["machines list", "requests list", "machines list --filter status=running"] {
        let all = rows(&grid, command);
        let pages: Vec<Value> = (0..=all.len())
            .flat_map(|offset| rows(&grid, &format!("{command} --limit 1 --offset {offset}")))
            .collect();
        assert_eq!(pages, all, "{command}");
        let time = |row: &Value| row.get("launchtime").or(row.get("createTime")).unwrap().as_i64().unwrap();
        let times: Vec<i64> = all.iter().map(time).collect();
        assert!(times.is_sorted_by(|one, next| one >= next), "{command} is not newest first: {times:?}");
    }
}

#[test]
fn every_form_says_the_same() {
    let grid = grid();
    // Columns of the table, under Host Factory's name and the plain one.
    let machine: &[(&str, &str)] = &[
        ("machineId", "machine_id"),
        ("name", "name"),
        ("status", "status"),
        ("templateId", "template_id"),
        ("instanceType", "instance_type"),
        ("privateIpAddress", "private_ip_address"),
    ];
    let request: &[(&str, &str)] = &[("requestId", "request_id"), ("type", "type"), ("state", "state")];
    for (command, columns) in [("machines list", machine), ("requests list", request)] {
        let all = rows(&grid, command);
        let plain = rows(&grid, &format!("{command} --scheduler default"));
        let shown = table(&run(&grid, &format!("{command} --format table")));
        let long = table(&run(&grid, &format!("{command} --format table --long")));
        assert!(long[0].len() > shown[0].len(), "{command}");
        assert_eq!(shown.len(), all.len() + 1, "{command}");
        let blocks = run(&grid, &format!("{command} --format list --long")).text();
        let blocks: Vec<&str> = blocks.split("\n\n").collect();
        assert_eq!(blocks.len(), all.len(), "{command}");
        let yaml = run(&grid, &format!("{command} --format yaml")).text();
        for (number, row) in all.iter().enumerate() {
            assert_eq!(row.as_object().unwrap().len(), plain[number].as_object().unwrap().len());
            for (place, (name, plain_name)) in columns.iter().enumerate() {
                let value = row[name].as_str().unwrap();
                assert_eq!(shown[number + 1][place], value, "{command} {name}");
                assert!(blocks[number].contains(&format!("{name}: {value}\n")), "{command} {name}");
                assert!(yaml.contains(value), "{command} {name}");
                assert_eq!(plain[number][plain_name], *value, "{command} {name}");
            }
        }
    }
}

#[test]
fn one_alone_is_the_one_of_the_list() {
    let grid = grid();
    for row in rows(&grid, "machines list") {
        for name in ["machineId", "name"] {
            assert_eq!(grid.command(&["machines", "show", row[name].as_str().unwrap()]), row);
        }
    }
    for row in rows(&grid, "requests list") {
        let mut shown = grid.command(&["requests", "show", row["requestId"].as_str().unwrap()]);
        let machines = shown.as_object_mut().unwrap().remove("machines").unwrap();
        assert_eq!(shown, row);
        let ids: Vec<&Value> =
            machines.as_array().unwrap().iter().map(|machine| &machine["machineId"]).collect();
        assert_eq!(json!(ids), row["machineIds"]);
    }
}

/// Exit code, and parts of the message on standard error; nothing on standard output, nothing changed.
#[test]
fn mistakes_are_explained() {
    let grid = grid();
    let mut faults = Vec::new();
    let cases = [
        ("machines list --filter sattus=running", 2, "did you mean `status`?"),
        ("machines list --filter nosuch=1", 2, "there are ending, instanceTags, instanceType"),
        ("requests list --filter machines=1", 2, "did you mean `machineIds`?"),
        ("machines list --filter running", 2, "FIELD=VALUE, FIELD~TEXT or FIELD=~REGEX"),
        ("machines list --filter =running", 2, "does not name a field"),
        ("machines list --filter name=~[", 2, "has no regular expression"),
        ("requests list --filter sattus=x --limit 1", 2, "no field `sattus`"),
        ("templates list --filter bogus=2", 2, "no field `bogus`"),
        ("templates list --filter attributes.ncpu=4", 2, "no field `ncpu` in `attributes`"),
        ("machines show nosuch", 1, "there is no machine `nosuch`"),
        ("machines return nosuch", 1, "there is no machine `nosuch`"),
        ("machines return --all", 1, "--yes"),
        ("requests show nosuch", 1, "there is no request `nosuch`"),
        ("machines request nosuch", 1, "there is no template `nosuch`"),
        ("machines request five 6", 1, "5"),
    ];
    for (line, code, said) in cases {
        let ended = run(&grid, line);
        if ended.code != code || !ended.stdout.is_empty() || !ended.stderr.contains(said) {
            faults.push(format!("{line} without {said:?}: {ended:?}"));
        }
    }
    expect_none(&faults, cases.len());
    assert_eq!(rows(&grid, "machines list").len(), 5, "nothing was to change");
}
