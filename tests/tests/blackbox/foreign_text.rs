//! Text from outside shows what it holds and means what is written, in tables as in JSON.

use ohfp_tests::{Sandbox, expect_none};
use serde_json::Value;

const NUMBER: &str = "$serde_json::private::Number";
const RAW: &str = "$serde_json::private::RawValue";

/// Names by which the JSON library marks its own values are names like others.
#[test]
fn private_names_of_the_library_are_names() {
    let fields = [
        format!(r#""x": {{"{NUMBER}": "7"}}"#),
        format!(r#""x": {{"{NUMBER}": "not a number"}}"#),
        format!(r#""x": {{"{RAW}": "[1, 2]"}}"#),
        format!(r#""x": [{{"{NUMBER}": 7}}, {{"a": {{"{RAW}": "{{"}}}}]"#),
        format!(r#""{NUMBER}": "7""#),
    ];
    let sandbox = Sandbox::with_files(&[]);
    let mut faults = Vec::new();
    for field in &fields {
        let template = format!(r#"{{"templateId": "a", "maxNumber": 1, "vmType": "m5.large", {field}}}"#);
        sandbox.write("awsprov_templates.json", format!("[{template}]"));
        let shown = sandbox.run("ohfp-live", &["templates", "show", "a"]);
        if !shown.text().contains(field) {
            faults.push(format!("{field}: {shown:?}"));
        }
    }
    // A field that must be a number is none.
    sandbox.write(
        "awsprov_templates.json",
        format!(r#"[{{"templateId": "a", "maxNumber": {{"{NUMBER}": "7"}}, "vmType": "m5.large"}}]"#),
    );
    let refused = sandbox.run("ohfp-live", &["templates", "list"]);
    if refused.code == 0 || !refused.stderr.contains("not an object") {
        faults.push(format!("maxNumber: {refused:?}"));
    }
    sandbox.write("awsprov_templates.json", r#"[{"templateId": "a", "maxNumber": 9, "vmType": "m5.large"}]"#);
    let count = format!(r#"{{"template": {{"templateId": "a", "machineCount": {{"{NUMBER}": "2"}}}}}}"#);
    sandbox.input("in.json", count);
    let refused = sandbox.run("ohfp", &["requestMachines", "-f", "in.json"]);
    if refused.code != 1 || !refused.text().contains("message") {
        faults.push(format!("machineCount: {refused:?}"));
    }
    sandbox.write("config.json", format!(r#"{{"template": {{"max_number": {{"{NUMBER}": "7"}}}}}}"#));
    let refused = sandbox.run("ohfp-live", &["config", "validate"]);
    if refused.code != 1 || !refused.text().contains("max_number") {
        faults.push(format!("max_number: {refused:?}"));
    }
    expect_none(&faults, fields.len() + 3);
}

/// What a table shows is what is there: no character is hidden, and none turns the direction.
#[test]
fn tables_hide_nothing() {
    let hidden = "a\u{202e}b\u{200b}c\u{2066}d\u{feff}e";
    let template = serde_json::json!([{
        "templateId": "a", "maxNumber": 1, "vmTypes": { hidden: 1, "m5.large": 1 }, "imageId": hidden,
        "instanceTags": format!("k={hidden}"), hidden: "x",
    }]);
    let sandbox = Sandbox::with_files(&[("awsprov_templates.json", &template.to_string())]);
    let mut faults = Vec::new();
    for line in [
        "templates list --format table --long",
        "templates list --format list --long",
        "templates show a --format table",
        "templates show a --format list",
    ] {
        let shown = sandbox.run("ohfp-live", &line.split(' ').collect::<Vec<_>>());
        let escaped = r"a\u{202e}b\u{200b}c\u{2066}d\u{feff}e";
        if !shown.text().contains(escaped)
            || shown.text().contains(|letter: char| hidden.contains(letter) && !letter.is_ascii())
        {
            faults.push(format!("{line}: {shown:?}"));
        }
    }
    expect_none(&faults, 4);
    // JSON is for programs, and holds it as it is.
    let shown: Value =
        serde_json::from_slice(&sandbox.run("ohfp-live", &["templates", "show", "a"]).stdout).unwrap();
    assert_eq!(shown["imageId"], hidden);
}
