//! Scripts as Open Resource Broker installs them, with `ORB_COMMAND=ohfp`: each passes Host Factory's input to a command for
//! people, and puts both of its streams into one.
#![expect(clippy::unwrap_used, reason = "a test that cannot run must say so")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use ohfp_tests::grid::{Grid, TEMPLATE, hosts, text, wanted};
use ohfp_tests::{contract, ended, program};
use serde_json::{Value, json};

/// Scripts, and the commands that they run.
const SCRIPTS: [(&str, &str); 5] = [
    ("getAvailableTemplates", "templates list"),
    ("requestMachines", "machines request"),
    ("requestReturnMachines", "machines return"),
    ("getRequestStatus", "requests status"),
    ("getReturnRequests", "requests list-returns"),
];

struct Site {
    grid: Grid,
}

impl Site {
    fn new() -> Self {
        let mut grid = Grid::new(&json!({}), &json!({}));
        for (name, command) in SCRIPTS {
            let script = format!(
                "#!/bin/sh\n\"$ORB_COMMAND\" {command} \"$@\" 2>&1 | tee -a \"$HF_LOGDIR/scripts.log\"\n"
            );
            let path = grid.sandbox.input(&format!("{name}.sh"), script);
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        grid.sandbox.set("ORB_COMMAND", program("ohfp"));
        let logs = grid.sandbox.path.join("log");
        grid.sandbox.set("HF_LOGDIR", logs);
        // As a session leaves it to what it starts.
        grid.sandbox.set("TERM", "xterm");
        Self { grid }
    }

    /// What Host Factory reads.
    fn ask(&self, operation: &str, input: &Value) -> Value {
        let file = self.grid.sandbox.input("in.json", input.to_string());
        let script = self.grid.sandbox.path.join(format!("{operation}.sh"));
        let ended = ended(self.grid.sandbox.command(script).arg("-f").arg(file));
        let answer: Value = serde_json::from_slice(&ended.stdout).unwrap_or_default();
        assert!(ended.code == 0 && answer.is_object(), "{operation}: {ended:?}");
        answer
    }
}

#[test]
fn all_five_are_answered() {
    let site = Site::new();
    let templates = site.ask("getAvailableTemplates", &json!({}));
    contract::check("getAvailableTemplates", &templates);
    let accepted = site.ask("requestMachines", &wanted(TEMPLATE, 2));
    contract::check("requestMachines", &accepted);
    let id = text(&accepted["requestId"]);
    site.grid.settled(&id);
    let asked = json!({ "requests": [{ "requestId": id }] });
    let status = site.ask("getRequestStatus", &asked);
    contract::check("getRequestStatus", &status);
    let machines: Vec<Value> =
        hosts(&status["requests"][0]).iter().map(|host| json!({ "name": host.name })).collect();
    assert_eq!(machines.len(), 2);
    let returned = site.ask("requestReturnMachines", &json!({ "machines": machines }));
    contract::check("requestReturnMachines", &returned);
    contract::check("getReturnRequests", &site.ask("getReturnRequests", &json!({})));
    site.grid.until_live(0);
}

/// Of a request that came to nothing Host Factory is to get the id, by which it learns why: an error would make it ask again.
#[test]
fn a_refused_launch_is_an_answer() {
    let site = Site::new();
    site.grid.change_cloud(&json!({ "launch": { "refused_probability": 1 } }));
    let file = site.grid.sandbox.input("in.json", wanted(TEMPLATE, 1).to_string());
    let ended = site.grid.sandbox.run("ohfp", &["machines", "request", "-f", &file.display().to_string()]);
    assert!(ended.code == 0 && ended.stderr.is_empty(), "{ended:?}");
    let id = text(&ohfp_tests::grid::document(&ended)["requestId"]);
    assert_eq!(site.grid.status(&id)["status"], "complete_with_error");
}

/// Under plain names a script gets plain words.
#[test]
fn plain_names_have_plain_words() {
    let grid =
        Grid::new(&json!({ "boot": { "seconds": 3_600 } }), &json!({ "scheduler": { "type": "default" } }));
    let accepted = grid.command(&["machines", "request", TEMPLATE, "1"]);
    let id = text(&accepted["request_id"]);
    assert!(accepted["message"].is_string(), "{accepted}");
    let status = grid.command(&["requests", "status", &id]);
    let request = &status["requests"][0];
    assert_eq!((&request["status"], &request["state"]), (&json!("in_progress"), &json!("started")));
    assert!(request["message"].is_string(), "{status}");
    let listed = grid.command(&["requests", "list"]);
    assert_eq!(listed["requests"][0]["status"], "in_progress");
    let templates = grid.command(&["templates", "list"])["templates"].clone();
    let of = |id: &str| {
        templates.as_array().unwrap().iter().find(|template| template["template_id"] == id).cloned().unwrap()
    };
    assert_eq!((&of("five")["max_capacity"], &of("five")["instance_type"]), (&json!(5), &json!("m6i.large")));
    assert_eq!(of("spot")["instance_type"], "m6i.large");
}
