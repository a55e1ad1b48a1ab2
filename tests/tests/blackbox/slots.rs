//! LSF's EC2 Fleet templates count slots: `maxNumber` × `ncpus` of them may exist.

use ohfp_tests::grid::Grid;
use serde_json::{Value, json};

const TEMPLATES: &str = r#"[
  {"templateId": "fleet", "maxNumber": "16", "ec2FleetConfig": "fleet.json", "fleetType": "instant",
   "attributes": {"type": ["String", "LINUX64"], "ncpus": ["Numeric", "4"], "mem": ["Numeric", "8192"]}},
  {"templateId": "machines", "maxNumber": 16, "vmType": "m5.xlarge"}
]"#;

fn request(template: &str, count: u64) -> Value {
    json!({ "template": { "templateId": template, "machineCount": count } })
}

/// Every way to ask compares with the same limit.
#[test]
fn the_limit_is_in_slots() {
    let grid = Grid::new(&json!({}), &json!({}));
    grid.sandbox.write("awsprov_templates.json", TEMPLATES);
    grid.sandbox.build();
    let rehearse = |template: &str, count: u64| {
        let count = count.to_string();
        grid.sandbox.run("ohfp", &["machines", "request", template, &count, "--dry-run"])
    };
    for template in ["fleet", "machines"] {
        let (unit, most) = if template == "fleet" { ("slots", 64) } else { ("machines", 16) };
        let allows = format!("`{template}` allows {most} {unit}");
        assert_eq!(rehearse(template, most).code, 0, "{template}");
        let rehearsed = rehearse(template, most + 1);
        assert!(rehearsed.code == 1 && rehearsed.stderr.contains(&allows), "{rehearsed:?}");
        let refused = grid.refusal("requestMachines", &request(template, most + 1));
        assert!(refused.contains(&allows), "{refused}");

        let accepted = grid.answer("requestMachines", &request(template, most));
        let status = grid.settled(accepted["requestId"].as_str().unwrap());
        assert_eq!(
            (&status["status"], status["machines"].as_array().unwrap().len()),
            (&json!("complete"), 16)
        );

        let refused = grid.refusal("requestMachines", &request(template, 1));
        assert!(refused.contains(&allows) && refused.contains(&format!("{most} exist")), "{refused}");
        let rehearsed = rehearse(template, 1);
        assert!(rehearsed.code == 1 && rehearsed.stderr.contains(&format!("{most} exist")), "{rehearsed:?}");
    }
}

/// The last machine of a request may be worth more than what is left of it.
#[test]
fn slots_are_rounded_up_to_machines() {
    let grid = Grid::new(&json!({}), &json!({}));
    grid.sandbox.write("awsprov_templates.json", TEMPLATES);
    grid.sandbox.build();
    for (slots, machines) in [(1, 1), (4, 1), (5, 2), (8, 2)] {
        let accepted = grid.answer("requestMachines", &request("fleet", slots));
        let status = grid.settled(accepted["requestId"].as_str().unwrap());
        assert_eq!(status["machines"].as_array().unwrap().len(), machines, "{slots} slots");
        assert_eq!(status["status"], "complete", "{slots} slots");
    }
}
