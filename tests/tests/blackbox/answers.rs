//! Answers in JSON: each command has a schema, which its answers fit, and which notices what is missing or new.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::collections::BTreeSet;

use ohfp_tests::answers::{commands, fault};
use ohfp_tests::grid::{Grid, TEMPLATE};
use ohfp_tests::{Sandbox, command_paths, expect_none};
use serde_json::{Value, json};

/// Commands that answer with something else than one JSON document.
const OTHERS: &[&str] = &["completions", "logs", "report", "snapshot"];

/// Other names of groups, and of a command.
const ALIASES: &[&str] = &["machine", "provider", "request", "template"];
const ALIAS: &str = "rm";

/// Command lines, one of each command, in an order in which they can be run. `$M`, `$N` and `$O` are machines, `$R` is a
/// request, `$OPEN` one that is open.
const LINES: &str = "
    templates list | templates show any | templates validate | templates render any | templates generate
    templates refresh | templates create -f new.json --dry-run | templates create -f new.json
    templates update new -f more.json | templates replace new -f new.json --allow-lower-max | templates diff new.json
    templates validate -f new.json | templates delete new --yes
    machines list | machines show $M | machines status $M | machines request any 1 --dry-run
    machines return $M --dry-run | machines return $M | machines list --status terminated
    requests list | requests show $R | requests show --all | requests status $R | requests watch $R
    requests cancel $OPEN --dry-run | requests cancel $OPEN --yes
    sim live | sim list | sim reclaim $N --grace 120 | requests list-returns | sim fail $O
    machines request any 1 --wait | machines return --all --yes
    getAvailableTemplates -d {} | getRequestStatus -d {\"requests\":[{\"requestId\":\"$R\"}]} | getReturnRequests -d {}
    requestMachines -d {\"template\":{\"templateId\":\"any\",\"machineCount\":1}}
    requestReturnMachines -d {\"machines\":[{\"machineId\":\"$N\"}]}
    status | version | reconcile | doctor | doctor --performance | metrics | system health | system status | system metrics
    storage list | storage show | storage health | storage validate | storage test | storage metrics
    storage backup backup.db | storage migrate current | storage export - | storage export all.json
    storage import all.json | storage restore backup.db
    scheduler list | scheduler show | scheduler validate | providers list | providers show | providers health
    providers get-default | providers add spare --type sim --dry-run | providers add spare --type sim
    providers update spare enabled=false | providers set-default sim | providers remove spare --yes | config show | config show --origin | config show --changed | config get logging
    config get logging.level | config explain logging.level | config set logging.level debug
    config unset logging.level | config path | config validate | config reload | config schema | config edit
    config import --from orb other --dry-run | init --config-dir new --non-interactive
    --state-dir fresh storage init
";

fn site() -> (Grid, Vec<(&'static str, String)>) {
    let mut grid = Grid::new(&json!({}), &json!({}));
    let template = json!({
        "templateId": "new", "maxNumber": 5, "imageId": "ami-0123456789abcdef0", "subnetId": "subnet-1",
        "vmType": "m6i.large",
    });
    grid.sandbox.input("new.json", template.to_string());
    grid.sandbox.input("more.json", json!({ "maxNumber": 6 }).to_string());
    for directory in ["other", "fresh"] {
        std::fs::create_dir(grid.sandbox.path.join(directory)).unwrap();
    }
    grid.sandbox.input("other/config.json", json!({ "provider": { "type": "aws" } }).to_string());
    grid.sandbox.input("other/templates.json", json!([template]).to_string());
    grid.sandbox.set("EDITOR", "true");
    let machines = grid.machines(TEMPLATE, 3);
    let done = text(&grid.command(&["requests", "list"])["requests"][0]["requestId"]);
    grid.change_cloud(&json!({ "boot": { "seconds": 3_600 } }));
    let open = grid.request(TEMPLATE, 1);
    grid.change_cloud(&json!({}));
    let [m, n, o] = [0, 1, 2].map(|index: usize| machines[index].id.clone());
    (grid, vec![("$OPEN", open), ("$M", m), ("$N", n), ("$O", o), ("$R", done)])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What a schema does not notice: a member that is missing, and one that it does not name. Members that may be missing, and
/// documents that are open, are those of other tests.
fn unnoticed(command: &str, answer: &Value) -> Vec<String> {
    let members = answer.as_object().unwrap();
    let without = |name: &String| {
        let mut fewer = members.clone();
        fewer.shift_remove(name);
        fault(command, &Value::Object(fewer)).is_none().then(|| format!("{command}: nothing misses `{name}`"))
    };
    let mut more = members.clone();
    more.insert("unknown field".to_owned(), Value::Null);
    let more =
        fault(command, &Value::Object(more)).is_none().then(|| format!("{command}: any field is taken"));
    let is_open =
        ["templates show", "storage show", "config show", "config get", "config schema"].contains(&command);
    if is_open { Vec::new() } else { members.keys().filter_map(without).chain(more).collect() }
}

/// Members that an answer need not have, and `status` of an empty list of reclaimed machines, which plain names lack.
const OPTIONAL: &[&str] = &[
    "added",
    "allowed",
    "changed",
    "default",
    "detected",
    "dryRun",
    "imported",
    "kept",
    "next",
    "operations",
    "pools",
    "removed",
    "reordered",
    "returns",
    "shortfalls",
    "snapshot",
    "status",
    "templateId",
    "templates",
    "unchanged",
];

/// In both dialects: every command is run, its answer fits its schema ([`ohfp_tests::ended`] checks it), and would not
/// with a member less or more.
#[test]
fn each_command_answers_by_its_schema() {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    let mut count = 0;
    for dialect in ["hostfactory", "default"] {
        let (grid, names) = site();
        for line in LINES.split(['|', '\n']).map(str::trim).filter(|line| !line.is_empty()) {
            let filled = names.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value));
            let mut words: Vec<&str> = filled.split(' ').collect();
            words.extend(["--scheduler", dialect]);
            let ended = grid.sandbox.run("ohfp", &words);
            count += 1;
            let Ok(answer) = serde_json::from_slice::<Value>(&ended.stdout) else {
                faults.push(format!("{line}: no JSON: {ended:?}"));
                continue;
            };
            let command = commands()
                .filter(|command| line.contains(*command))
                .max_by_key(|command| command.len())
                .unwrap_or_else(|| panic!("{line}"));
            seen.insert(command);
            faults.extend(fault(command, &answer));
            faults.extend(
                unnoticed(command, &answer)
                    .into_iter()
                    .filter(|fault| !OPTIONAL.iter().any(|name| fault.ends_with(&format!("`{name}`")))),
            );
        }
    }
    faults.extend(
        // What `metrics push` needs is in tests of its own.
        commands()
            .filter(|command| !seen.contains(command) && *command != "metrics push")
            .map(|name| format!("{name} is not run")),
    );
    expect_none(&faults, count);
}

#[test]
fn every_command_has_a_schema() {
    let all = command_paths(&Sandbox::empty());
    let is_group =
        |path: &Vec<String>| all.iter().any(|other| other.len() > path.len() && other.starts_with(path));
    let leaves: BTreeSet<String> = all
        .iter()
        .filter(|path| !is_group(path) && path.last().is_some_and(|word| word != ALIAS))
        .filter(|path| path.first().is_some_and(|word| !ALIASES.contains(&word.as_str())))
        .map(|path| path.join(" "))
        .collect();
    // `metrics` is a command and a group.
    let with_schema: BTreeSet<String> = commands()
        .filter(|command| *command != "metrics")
        .chain(OTHERS.iter().copied())
        .map(str::to_owned)
        .collect();
    assert_eq!(leaves, with_schema);
}
