//! What becomes of a template between its file and Host Factory: attributes typed and completed, and
//! every other field as it was written.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot run must say so")]

use std::fs;

use ohfp_tests::{Sandbox, expect_none};
use serde_json::Value;

const FILE: &str = "awsprov_templates.json";

/// The template that Host Factory gets for one with these members.
fn resolved(sandbox: &Sandbox, members: &str) -> Value {
    sandbox.write(FILE, format!(r#"[{{"templateId": "a", "maxNumber": 1, {members}}}]"#));
    let ended = sandbox.run("ohfp-live", &["templates", "show", "a"]);
    assert_eq!(ended.code, 0, "{members}: {ended:?}");
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Members of a template, and the attributes it has to get.
fn check(config: &str, cases: &[(&str, &str)]) {
    let sandbox = Sandbox::with_files(&[("config.json", config)]);
    let faults = cases.iter().filter_map(|(members, expected)| {
        let attributes = resolved(&sandbox, members)["attributes"].to_string();
        (attributes != *expected).then(|| format!("{members}\n  gets {attributes}\n  not  {expected}"))
    });
    expect_none(&faults.collect::<Vec<_>>(), cases.len());
}

#[test]
fn attributes_that_are_given_count() {
    let typed = r#"{"type":["String","X86_64"],"ncpus":["Numeric","1"],"nram":["Numeric","1024"]}"#;
    let full = r#"{"type":["String","NTX64"],"ncpus":["Numeric","96"],"nram":["Numeric","7"],"ncores":["Numeric","3"]}"#;
    check(
        "{}",
        &[
            // As they are, whatever the machine is like.
            (&format!("\"vmType\": \"m5.large\", \"attributes\": {full}"), full),
            (&format!("\"vmType\": \"zz.none\", \"attributes\": {typed}"), typed),
            (&format!("\"attributes\": {typed}"), typed),
            (r#""attributes": {"type": "X86_64", "ncpus": 1, "nram": "1024"}"#, typed),
            (r#""attributes": {"type": ["X86_64"], "ncpus": ["1"], "nram": [1024]}"#, typed),
            (
                r#""attributes": {"type": ["String", "X86_64"], "ncpus": ["Numeric", 1], "nram": ["Numeric", 1024]}"#,
                typed,
            ),
            // Text that is typed already keeps its digits; other attributes keep their place.
            (
                r#""attributes": {"zone": "b", "nram": ["Numeric", "2048.50"], "awshost": true, "type": "X", "rank": -1.50, "ncpus": ["Numeric", "02"], "priceInfo": "price:0.1", "gpu": 1, "old": ["Boolean", "0"]}"#,
                r#"{"zone":["String","b"],"nram":["Numeric","2048.50"],"awshost":["Boolean","1"],"type":["String","X"],"rank":["Numeric","-1.50"],"ncpus":["Numeric","02"],"priceInfo":["String","price:0.1"],"gpu":["Numeric","1"],"old":["Boolean","0"]}"#,
            ),
        ],
    );
}

#[test]
fn attributes_that_are_missing_are_derived() {
    let x86 = |cpus, ram| {
        format!(
            r#"{{"type":["String","X86_64"],"ncpus":["Numeric","{cpus}"],"nram":["Numeric","{ram}"],"ncores":["Numeric","1"]}}"#
        )
    };
    let arm = |cpus, ram| x86(cpus, ram).replace("X86_64", "AARCH64");
    check(
        "{}",
        &[
            (r#""vmType": "m5.large""#, &x86(2, 8192)),
            (r#""vmType": "m7g.2xlarge""#, &arm(8, 32768)),
            (r#""vmType": "t3.nano""#, &x86(2, 512)),
            (r#""vmType": "g5.xlarge""#, &x86(4, 16384)),
            (r#""vmType": "zz.none", "vmTypes": {"m5.large": 1}"#, &x86(2, 8192)),
            // The smallest machine the fleet may give, whatever it weighs.
            (r#""vmTypes": {"m5.4xlarge": 4, "m5.xlarge": 9, "m5.2xlarge": 1}"#, &x86(4, 16384)),
            (r#""vmTypes": {"m5.large": 1, "c5.large": 1}"#, &x86(2, 4096)),
            (r#""vmTypes": {"zz.none": 1, "m6g.large": 1}"#, &arm(2, 8192)),
            (r#""vmType": "m5.xlarge, c5.large""#, &x86(2, 4096)),
            (
                r#""abisInstanceRequirements": {"VCpuCount": {"Min": 4}, "MemoryMiB": {"Min": 8192}}"#,
                &x86(4, 8192),
            ),
            // What is there stays in front, and `ncores`, which multiplies it, is not added.
            (
                r#""vmType": "m5.large", "attributes": {"rank": 3, "ncpus": 9}"#,
                r#"{"rank":["Numeric","3"],"ncpus":["Numeric","9"],"type":["String","X86_64"],"nram":["Numeric","8192"]}"#,
            ),
            // One that is written is made up for.
            (
                r#""vmType": "m5.4xlarge", "attributes": {"ncores": 4}"#,
                r#"{"ncores":["Numeric","4"],"type":["String","X86_64"],"ncpus":["Numeric","4"],"nram":["Numeric","65536"]}"#,
            ),
            // LSF calls memory `mem`.
            (
                r#""vmType": "m5.large", "attributes": {"mem": ["Numeric", "700"]}"#,
                r#"{"mem":["Numeric","700"],"type":["String","X86_64"],"ncpus":["Numeric","2"],"nram":["Numeric","700"],"ncores":["Numeric","1"]}"#,
            ),
        ],
    );
    check(r#"{"template": {"ncpus_from": "cores"}}"#, &[(r#""vmType": "m5.4xlarge""#, &x86(8, 65536))]);
    check(
        r#"{"template": {"machine_type_names": {"arm64": "LINUXARM"}}}"#,
        &[
            (r#""vmType": "m7g.large""#, &arm(2, 8192).replace("AARCH64", "LINUXARM")),
            (r#""vmType": "m5.large""#, &x86(2, 8192)),
        ],
    );
    let defaults = r#"{"template": {"default_attributes": {"type": "NTX64", "ncores": 2, "site": "x"}}}"#;
    let expected = r#"{"type":["String","NTX64"],"ncpus":["Numeric","4"],"nram":["Numeric","32768"],"ncores":["Numeric","2"],"site":["String","x"]}"#;
    check(defaults, &[(r#""vmType": "m5.2xlarge""#, expected)]);
    let defaults = r#"{"template": {"default_attributes": {"ncpus": 3}}}"#;
    let expected = r#"{"type":["String","X86_64"],"ncpus":["Numeric","3"],"nram":["Numeric","8192"]}"#;
    check(defaults, &[(r#""vmType": "m5.large""#, expected)]);
}

/// Members as written, and as they must come out where that differs in spaces or escapes.
const FIELDS: &[(&str, &str)] = &[
    (r#""zulu": 1"#, ""),
    (r#""maxNumber": -1"#, ""),
    (r#""rank": 3"#, ""),
    (r#""templateId": "a""#, ""),
    (r#""priceInfo": "price:0.10,billingTimeUnitType:prorated_hour""#, ""),
    (r#""pgrpName": null"#, ""),
    (r#""onDemandCapacity": 0"#, ""),
    (r#""price": 0.10"#, ""),
    (r#""large": 12345678901234567890123"#, ""),
    (r#""small": 1.7976931348623157e-300"#, ""),
    (r#""nothing": -0.0"#, ""),
    (r#""vmType": "m5.large""#, ""),
    (r#""maxSpotPrice": "0.050""#, ""),
    (r#""instanceTags": "company=abc;team=x y""#, ""),
    (r#""subnetId": ["subnet-b", "subnet-a"]"#, ""),
    (r#""launchTemplateVersion": "$Latest""#, ""),
    (r#""nested":{"b":[1,{"a":null}],"a":true}"#, r#""nested": {"b": [1, {"a": null}], "a": true}"#),
    (r#""empty": {}, "none": []"#, ""),
    (r#""": "no name""#, ""),
    (r#""text": "ä😀 \" \\ \n \t""#, ""),
    (r#""escaped": "\u00e4\/""#, r#""escaped": "ä/""#),
    (r#""abisInstanceRequirements": {"VCpuCount": {"Min": 2}}"#, ""),
    (
        r#""attributes": {"nram": ["Numeric", "7"], "ncpus": ["Numeric", "1"], "type": ["String", "X"], "ncores": ["Numeric", "5"]}"#,
        "",
    ),
];

/// Types that only a specification file names count; the file is an input of the snapshot, wherever it appears.
#[test]
fn types_of_specification_files_give_attributes() {
    let sandbox = Sandbox::with_files(&[(
        FILE,
        r#"[{"templateId": "data", "maxNumber": 1, "launch_template_spec_file": "data.json"},
            {"templateId": "call", "maxNumber": 1, "provider_api_spec_file": "below/call.json"},
            {"templateId": "given", "maxNumber": 1, "launch_template_spec_file": "none.json",
             "attributes": {"type": "X86_64", "ncpus": 1, "nram": 1024}},
            {"templateId": "out", "maxNumber": 1, "launch_template_spec_file": "../config.json"},
            {"templateId": "link", "maxNumber": 1, "launch_template_spec_file": "link.json"}]"#,
    )]);
    let specs = sandbox.root().join("specs");
    fs::create_dir_all(specs.join("below")).unwrap();
    sandbox.write("elsewhere.json", r#"{"InstanceType": "m5.large"}"#);
    std::os::unix::fs::symlink("../elsewhere.json", specs.join("link.json")).unwrap();
    sandbox.write("specs/data.json", "{% if true %}{\"InstanceType\": \"m5.large\"}{% endif %}");
    sandbox.write(
        "specs/below/call.json",
        r#"{"Overrides": [{"InstanceType": "m5.2xlarge"}, {"InstanceType": "m5.xlarge"}, {"InstanceType": "{{ x }}"}]}"#,
    );
    sandbox.build();
    // The runtime alone, as long as its snapshot is fresh.
    let processors = |program: &str| -> Vec<String> {
        let list = if program == "ohfp" {
            sandbox.runtime_alone(&["templates", "list"])
        } else {
            sandbox.run(program, &["templates", "list"])
        };
        let list: Value = serde_json::from_slice(&list.stdout).unwrap_or_default();
        let templates = list["templates"].as_array().into_iter().flatten();
        templates
            .map(|one| format!("{}: {}", one["templateId"].as_str().unwrap(), one["attributes"]["ncpus"][1]))
            .collect()
    };
    let expected = ["data: \"2\"", "call: \"4\"", "given: \"1\""];
    assert_eq!(processors("ohfp"), expected);
    assert_eq!(processors("ohfp-live"), expected);
    let out = sandbox.run("ohfp", &["templates", "show", "out"]);
    assert!(out.stderr.contains("names no machine type, nor do its specification files"), "{out:?}");

    sandbox.write("specs/data.json", r#"{"InstanceType": "m5.4xlarge"}"#);
    assert!(processors("ohfp").is_empty(), "the snapshot is stale");
    assert_eq!(processors("ohfp-live"), ["data: \"16\"", "call: \"4\"", "given: \"1\""]);
    fs::remove_file(specs.join("data.json")).unwrap();
    assert_eq!(processors("ohfp-live"), ["call: \"4\"", "given: \"1\""]);
    sandbox.build();
    assert_eq!(processors("ohfp"), ["call: \"4\"", "given: \"1\""]);
    sandbox.write("specs/data.json", r#"{"InstanceType": "m5.large"}"#);
    assert!(processors("ohfp").is_empty(), "a file that appears makes it stale");
    assert_eq!(processors("ohfp-live"), expected);
}

#[test]
fn every_field_survives_in_its_place_with_its_digits() {
    let written: Vec<&str> = FIELDS.iter().map(|(written, _)| *written).collect();
    let expected =
        FIELDS.iter().map(|(written, expected)| if expected.is_empty() { written } else { expected });
    let lines = expected.map(|expected| format!("  {}", expected.replace(", \"none\"", ",\n  \"none\"")));
    let expected = lines.collect::<Vec<_>>().join(",\n");
    let sandbox = Sandbox::with_files(&[(FILE, &format!("[{{{}}}]", written.join(",")))]);
    sandbox.build();
    for (program, line) in [("ohfp", "list"), ("ohfp-live", "list"), ("ohfp", "show"), ("ohfp-live", "show")]
    {
        let arguments = if line == "show" { vec!["templates", line, "a"] } else { vec!["templates", line] };
        let text = sandbox.run(program, &arguments).text();
        assert!(
            text.contains("{\n  \"zulu\": 1,\n") && text.contains(&expected),
            "{program} {line}: {text}\n--- not\n{expected}"
        );
    }
}

/// Exponents keep their value; how they are written is serde's.
#[test]
fn exponents_keep_their_value() {
    let sandbox = Sandbox::with_files(&[]);
    for number in ["1e3", "1E+3", "-2.50e-05", "1e400"] {
        let template = resolved(&sandbox, &format!(r#""vmType": "m5.large", "x": {number}"#));
        let shown = template["x"].to_string().to_lowercase().replace("e+", "e");
        assert_eq!(shown, number.to_lowercase().replace("e+", "e"), "{number}");
    }
}

#[test]
fn numbers_and_order_of_templates() {
    let ids = ["zeta", "Alpha", "m-1", "alpha", "0", "M_2"];
    let numbers = [-1, 0, 10_000, 7, 1, 0];
    let template = |(id, number): (&str, i32)| {
        format!(r#"{{"templateId": "{id}", "maxNumber": {number}, "vmType": "m5.large"}}"#)
    };
    let templates: Vec<String> = ids.into_iter().zip(numbers).map(template).collect();
    let sandbox = Sandbox::with_files(&[(FILE, &format!("[{}]", templates.join(",")))]);
    sandbox.build();
    sandbox.input("in.json", "{}");
    for (program, line) in
        [("ohfp", &["templates", "list"][..]), ("ohfp-live", &["getAvailableTemplates", "-f", "in.json"])]
    {
        let answer: Value = serde_json::from_slice(&sandbox.run(program, line).stdout).unwrap();
        let found: Vec<String> = answer["templates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|template| format!("{} {}", template["templateId"], template["maxNumber"]))
            .collect();
        let expected: Vec<String> =
            ids.iter().zip(numbers).map(|(id, number)| format!("\"{id}\" {number}")).collect();
        assert_eq!(found, expected, "{program}");
    }
    // A number for all that have none, where the configuration gives one.
    sandbox.write("config.json", r#"{"template": {"max_number": 33}}"#);
    sandbox.write(FILE, r#"[{"templateId": "a", "vmType": "m5.large"}]"#);
    let shown: Value =
        serde_json::from_slice(&sandbox.run("ohfp", &["templates", "show", "a"]).stdout).unwrap();
    assert_eq!(shown["maxNumber"], 33);
}

/// What IBM's specification asks of a template on the wire; says what is wrong.
fn wire_fault(template: &Value) -> Option<String> {
    let id = template["templateId"].as_str()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return Some(format!("templateId {id:?}"));
    }
    if template["maxNumber"].as_i64().is_none_or(|number| number < -1) {
        return Some(format!("{id}: maxNumber {}", template["maxNumber"]));
    }
    for (name, value) in template["attributes"].as_object()? {
        let pair = value.as_array().map(Vec::as_slice);
        let Some([Value::String(kind), Value::String(text)]) = pair else {
            return Some(format!("{id}: {name} is {value}"));
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number =
            text.split_once('.').map_or_else(|| digits(text), |(whole, rest)| digits(whole) && digits(rest));
        let right = match name.as_str() {
            "type" => kind == "String" && !text.is_empty(),
            "ncpus" | "nram" | "ncores" => kind == "Numeric" && number,
            _ => ["String", "Numeric", "Boolean"].contains(&kind.as_str()),
        };
        if !right {
            return Some(format!("{id}: {name} is {value}"));
        }
    }
    let missing =
        ["type", "ncpus", "nram"].into_iter().find(|name| template["attributes"].get(*name).is_none());
    let text_or_null = |value: &Value| value.is_null() || value.is_string();
    let weights = |value: &Value| {
        value.is_null() || value.as_object().is_some_and(|all| all.values().all(Value::is_number))
    };
    match missing {
        Some(name) => Some(format!("{id} has no {name}")),
        None if !text_or_null(&template["instanceTags"]) || !text_or_null(&template["pgrpName"]) => {
            Some(format!("{id}: tags or group"))
        }
        None if !weights(&template["vmTypes"]) => Some(format!("{id}: vmTypes {}", template["vmTypes"])),
        None => None,
    }
}

#[test]
fn the_shipped_examples_are_what_host_factory_expects() {
    let sandbox = Sandbox::with_examples();
    let built = sandbox.build();
    assert!(!built.stderr.contains("warning"), "{built:?}");
    let input = sandbox.input("in.json", "{}");
    let ended = sandbox.run("ohfp", &["getAvailableTemplates", "-f", input.to_str().unwrap()]);
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let templates = answer["templates"].as_array().unwrap();
    let faults: Vec<String> = templates.iter().filter_map(wire_fault).collect();
    expect_none(&faults, templates.len());
    assert!(ended.code == 0 && templates.len() >= 20 && answer["message"].is_string());
    let mut ids: Vec<&str> =
        templates.iter().filter_map(|template| template["templateId"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), templates.len());
    // On-demand, spot, mixed, arm64 and launch-template examples are all there.
    for (field, value) in [
        ("priceType", "ondemand"),
        ("priceType", "spot"),
        ("priceType", "heterogeneous"),
        ("type", "AARCH64"),
        ("launchTemplateId", "lt-"),
    ] {
        let has = |template: &Value| {
            template[field].to_string().contains(value)
                || template["attributes"][field].to_string().contains(value)
        };
        assert!(templates.iter().any(has), "no example with {field} {value}");
    }
}
