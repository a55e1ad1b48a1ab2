//! What becomes of what template files say.

use std::fs;

use crate::load::Inputs;
use crate::resolved::Origin;
use crate::source::environment::Environment;
use crate::templates::resolver::LeftOut;

use super::{Directory, GIVEN, TYPED, check, check_with, one};

#[test]
fn fields_survive_with_their_order_and_digits() {
    let fields = format!(
        r#""zz": 1.50, "pgrpName": null, "onDemandCapacity": 0, {GIVEN}, "nested": {{"b": [1, 2.00], "a": 12345678901234567890123}}"#
    );
    check(
        &one(&fields),
        &[&format!(
            r#"{{"templateId":"a","maxNumber":1,"zz":1.50,"pgrpName":null,"onDemandCapacity":0,{TYPED},"nested":{{"b":[1,2.00],"a":12345678901234567890123}}}}"#
        )],
        &[],
    );
}

#[test]
fn both_frames_a_byte_order_mark_and_other_names_are_read() {
    let wanted = format!(r#"{{"templateId":"a","maxNumber":1,{TYPED}}}"#);
    check(&one(GIVEN), &[&wanted], &[]);
    check(&format!("\u{feff} {{\"message\": \"x\", \"templates\": {}}}", one(GIVEN)), &[&wanted], &[]);
    check(
        r#"[{"template_id": "a", "max_instances": 1, "machine_types": {"m5.large": 1}, "subnet_ids": ["s"],
            "price_type": "spot", "tags": {"k": "v"}, "root_device_volume_size": 8, "security_group_ids": ["g"],
            "allocation_strategy": "lowest_price", "network_zones": []}]"#,
        &[concat!(
            r#"{"templateId":"a","maxNumber":1,"vmTypes":{"m5.large":1},"subnetId":["s"],"priceType":"spot","#,
            r#""instanceTags":"k=v","rootDeviceVolumeSize":8,"securityGroupIds":["g"],"allocationStrategy":"lowest_price","#,
            r#""network_zones":[],"#,
            r#""attributes":{"type":["String","X86_64"],"ncpus":["Numeric","2"],"nram":["Numeric","8192"],"ncores":["Numeric","1"]}}"#
        )],
        &[],
    );
}

#[test]
fn broken_files_say_where() {
    let file = "error: awsprov_templates.json";
    check("{\"templates\": [\n{\"templateId\" \"a\"}]}", &[], &[&format!("{file}:2:15: expected `:`")]);
    check("", &[], &[&format!("{file}:1:1: the file ends where a value is expected")]);
    check(
        "5",
        &[],
        &[&format!("{file}:1:1: expected an object like {{\"templates\": […]}}, or a list of templates")],
    );
    check("{}", &[], &[&format!("{file}:1:1: there is no `templates` in this file; it must be a list")]);
    check("{\"templates\": 5}", &[], &[&format!("{file}:1:15: `templates` must be a list")]);
    check("[5]", &[], &[&format!("{file}:1:2: a template must be an object, not 5")]);
    check("[{\"a\": \"\\ud800\"}]", &[], &[&format!("{file}:1:15: unexpected end of hex escape")]);
    let deep = format!("[{{\"templateId\": \"a\", \"x\": {}{}}}]", "[".repeat(100_000), "]".repeat(100_000));
    check(&deep, &[], &[&format!("{file}:1:153: nested more than 128 levels deep")]);
    check(
        "{\"templates\": [], \"templates\": []}",
        &[],
        &[&format!("{file}:1:19: `templates` is given twice; only one list can count")],
    );
    check("[]", &[], &["warning: awsprov_templates.json:1:1: the list of templates is empty"]);
}

/// A name that must be there, in a spelling that is nearly right: both spellings are named.
#[test]
fn nearly_right_names_are_told() {
    let check = |fields: &str, place: &str, template: &str, found: &str, meant: &str| {
        let message = format!(
            "error: awsprov_templates.json:1:{place}: {template} has no `{meant}`, but `{found}`, which is not a known field"
        );
        let directory = Directory::new(&[("awsprov_templates.json", &format!("[{{{fields}, {GIVEN}}}]"))]);
        assert_eq!(directory.lines(&[]), [message]);
    };
    for found in ["MaxNumber", "maxnumber", "MAXNUMBER", "maxNumer"] {
        let fields = format!(r#""templateId": "a", "{found}": 7"#);
        check(&fields, "22", "template `a`", found, "maxNumber");
    }
    for found in ["TemplateID", "templateid", "templateIdd"] {
        check(&format!(r#""{found}": "a", "maxNumber": 7"#), "3", "this template", found, "templateId");
    }
}

#[test]
fn duplicate_ids_name_both_places() {
    let template = |id: &str| format!("{{\"templateId\": \"{id}\", \"maxNumber\": 1, {GIVEN}}}");
    let content = format!("[{},\n{},\n{}]", template("a"), template("b"), template("a"));
    let directory = Directory::new(&[("awsprov_templates.json", &content)]);
    assert_eq!(
        directory.lines(&[]),
        [
            "error: awsprov_templates.json:3:16: the templateId `a` is already used at awsprov_templates.json:1:2",
        ]
    );
    let (a, b) = (format!("[{}]", template("a")), format!("[\n{}]", template("a")));
    let directory = Directory::new(&[("sim_templates.json", &a), ("templates.json", &b)]);
    assert_eq!(
        directory.lines(&[]),
        ["error: templates.json:2:16: the templateId `a` is already used at sim_templates.json:1:2",]
    );
}

#[test]
fn attributes_are_completed_or_the_template_is_left_out() {
    check(
        &one("\"vmType\": \"m5.large\", \"attributes\": {\"rank\": 1, \"ncpus\": [\"Numeric\", \"7\"]}"),
        &[concat!(
            r#"{"templateId":"a","maxNumber":1,"vmType":"m5.large","attributes":{"rank":["Numeric","1"],"ncpus":["Numeric","7"],"#,
            r#""type":["String","X86_64"],"nram":["Numeric","8192"]}}"#
        )],
        &[],
    );
    check(
        &one(&format!("\"vmType\": \"q9.huge\", {GIVEN}")),
        &[&format!(r#"{{"templateId":"a","maxNumber":1,"vmType":"q9.huge",{TYPED}}}"#)],
        &[],
    );
    check(
        &one(r#""vmType": "q9.huge", "attributes": {"ncpus": 1}"#),
        &[],
        &[
            "warning: awsprov_templates.json:1:2: template `a` is left out, because it has machine type `q9.huge`, which is not known here, and lacks the attributes `type`, `nram` (write them into its `attributes`)",
        ],
    );
    check(
        &one(r#""launchTemplateId": "lt-1""#),
        &[],
        &[
            "warning: awsprov_templates.json:1:2: template `a` is left out, because it names no machine type (its launch template may, which is not looked into), and lacks the attributes `type`, `ncpus`, `nram` (write them into its `attributes`)",
        ],
    );
    let least = r#""abisInstanceRequirements":{"VCpuCount":{"Min":4},"MemoryMiB":{"Min":8192}}"#;
    check(
        &one(least),
        &[&format!(
            r#"{{"templateId":"a","maxNumber":1,{least},"attributes":{{"type":["String","X86_64"],"ncpus":["Numeric","4"],"nram":["Numeric","8192"],"ncores":["Numeric","1"]}}}}"#
        )],
        &[],
    );
    for (fields, why) in [
        (
            r#""vmTypez": {"m5.large": 1}"#,
            "has `vmTypez`, which is not a known field, where `vmTypes` may be meant",
        ),
        (
            r#""abisInstanceRequirements": {"VCpuCount": {"Min": 2}}"#,
            "has `abisInstanceRequirements` without least numbers of `VCpuCount` and `MemoryMiB`",
        ),
        (r#""imageId": "ami-1""#, "names no machine type"),
    ] {
        let directory = Directory::new(&[("awsprov_templates.json", &one(fields))]);
        let left_out = directory.load(&[]).unwrap().left_out;
        assert_eq!(
            left_out.iter().map(LeftOut::message).collect::<Vec<_>>(),
            [format!(
                "template `a` is left out, because it {why}, and lacks the attributes `type`, `ncpus`, `nram`"
            )]
        );
    }
    check(
        &one(r#""attributes": {"ncpus": 0}"#),
        &[],
        &[
            "error: awsprov_templates.json:1:62: `attributes.ncpus` of template `a` must be a number above 0, plain or like [\"Numeric\", \"4\"], not 0",
        ],
    );
    check(
        &one(r#""attributes": 5"#),
        &[],
        &[
            "error: awsprov_templates.json:1:52: `attributes` of template `a` must be an object like {\"ncpus\": 2, \"nram\": 4096}, not 5",
        ],
    );
    let directory =
        Directory::new(&[("awsprov_templates.json", &one(r#""vmTypes": {"q9.huge": 1, "m5.large": 1}"#))]);
    assert_eq!(
        directory.lines(&[]),
        [
            "warning: awsprov_templates.json:1:2: template `a` has machine types that are not known here: `q9.huge`; its attributes are those of `m5.large`",
        ]
    );
}

#[test]
fn defaults_of_config_json_fill_what_templates_lack() {
    let config = r#"{
      "template": {"max_number": 5, "default_price_type": "ondemand", "ncpus_from": "cores",
        "default_attributes": {"rank": 3, "nram": "4096"}},
      "provider": {
        "provider_defaults": {"sim": {"template_defaults": {"image_id": "type", "key_name": "type"}}},
        "providers": [{"name": "s", "type": "sim",
          "template_defaults": {"image_id": "own", "vmType": "c5.large", "attributes": {"type": "NTX64"}}}]}}"#;
    let templates = r#"[{"templateId": "a", "vmTypes": {"m5.large": 1}}, {"templateId": "b", "maxNumber": 0, "priceType": "spot", "imageId": "mine"}]"#;
    check_with(
        &[("config.json", config), ("templates.json", templates)],
        &[],
        &[
            concat!(
                r#"{"templateId":"a","vmTypes":{"m5.large":1},"imageId":"own","keyName":"type","priceType":"ondemand","maxNumber":5,"#,
                r#""attributes":{"type":["String","NTX64"],"ncpus":["Numeric","1"],"nram":["Numeric","4096"],"ncores":["Numeric","1"],"rank":["Numeric","3"]}}"#
            ),
            concat!(
                r#"{"templateId":"b","maxNumber":0,"priceType":"spot","imageId":"mine","vmType":"c5.large","keyName":"type","#,
                r#""attributes":{"type":["String","NTX64"],"ncpus":["Numeric","1"],"nram":["Numeric","4096"],"ncores":["Numeric","1"],"rank":["Numeric","3"]}}"#
            ),
        ],
        &[],
    );
    let config = r#"{"template": {"machine_type_names": {"arm64": "LINUXARM"}}}"#;
    for (machine, word) in [("m7g.large", "LINUXARM"), ("m5.large", "X86_64")] {
        let directory = Directory::new(&[
            ("config.json", config),
            ("templates.json", &one(&format!(r#""vmType": "{machine}""#))),
        ]);
        assert_eq!(directory.load(&[]).unwrap().templates[0].fields()["attributes"]["type"][1], word);
    }
    for (names, message) in [
        (
            r#"{"arm": "X"}"#,
            "45: `template.machine_type_names.arm` is no kind of processor: there are `x86_64` and `arm64`",
        ),
        (
            r#"{"arm64": 7}"#,
            "47: `template.machine_type_names.arm64` must be a string that is not empty, not 7",
        ),
    ] {
        check_with(
            &[
                ("config.json", &format!(r#"{{"template": {{"machine_type_names": {names}}}}}"#)),
                ("templates.json", &one(GIVEN)),
            ],
            &[],
            &[],
            &[&format!("error: config.json:1:{message}")],
        );
    }
    let config = r#"{"template": {"default_attributes": {"ncpus": "x"}},
"provider": {"providers": [{"name": "s", "type": "sim", "template_defaults": {"price_type": "x"}}]}}"#;
    check_with(
        &[("config.json", config), ("templates.json", &one(GIVEN))],
        &[],
        &[],
        &[
            "error: config.json:1:47: `template.default_attributes.ncpus` must be a number above 0, plain or like [\"Numeric\", \"4\"], not \"x\"",
            "error: config.json:2:93: `template_defaults.price_type` must be one of `ondemand`, `spot`, `heterogeneous`, not \"x\"",
        ],
    );
}

#[test]
fn places_of_fields_in_the_files() {
    let templates = "[\n {\"templateId\": \"a\", \"maxNumber\": 1},\n {\"template_id\": \"b\", \"maxNumber\": 1,\n  \
                     \"machine_types\": {\"m5.large\": 1},\n  \"iops\": 5}\n]";
    let directory = Directory::new(&[("awsprov_templates.json", templates)]);
    let env = Environment::default();
    let inputs = Inputs::read(&Origin { root: directory.0.clone(), config_file: None }, &env);
    let places = inputs.places(&env);
    // They are read once.
    fs::remove_file(directory.0.join("awsprov_templates.json")).unwrap();
    let place = |template: &str, field: &str| places.of(template, field)?.position;
    assert_eq!(place("b", "iops"), Some((5, 3)));
    assert_eq!(place("b", "vmTypes"), Some((4, 3)), "under its other name");
    assert_eq!(place("b", "imageId"), Some((3, 2)), "a field that it does not have");
    assert_eq!(place("a", "iops"), Some((2, 2)));
    assert_eq!(place("c", "iops"), None);
}
