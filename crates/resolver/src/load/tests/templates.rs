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
}

/// The more specific file counts, field by field, and attributes and tags by their keys.
#[test]
fn files_are_an_override_chain() {
    const CONFIG: &str = r#"{"provider": {"providers": [
        {"name": "east", "type": "sim"}, {"name": "west", "type": "sim"}, {"name": "far", "type": "aws"}]}}"#;
    let check = |files: &[(&str, &str)], wanted: &[&str], findings: &[&str]| {
        let mut files = files.to_vec();
        files.push(("config.json", CONFIG));
        let directory = Directory::new(&files);
        let templates = directory.load(&[]).map(|resolved| resolved.templates).unwrap_or_default();
        let templates: Vec<String> = templates
            .iter()
            .map(|template| {
                let mut fields = template.fields().clone();
                let rank = fields.shift_remove("attributes").map(|attributes| attributes["rank"][1].clone());
                fields.insert("rank".to_owned(), rank.unwrap_or_default());
                serde_json::Value::Object(fields).to_string()
            })
            .collect();
        assert_eq!(directory.lines(&[]), findings, "{files:?}");
        assert_eq!(templates, wanted, "{files:?}");
    };
    let of = |fields: &str| format!(r#"[{{"templateId": "a", {fields}}}]"#);
    let all =
        of(r#""maxNumber": 9, "vmType": "m5.large", "priceType": "ondemand", "instanceTags": "a=1;b=2",
        "attributes": {"rank": 1, "ncpus": 4}"#);
    let kind = of(r#""priceType": "spot", "attributes": {"rank": 2}"#);
    let own = of(r#""instance_types": {"c5.large": 1}, "tags": {"b": "3"}"#);
    let chain = r#"{"templateId":"a","vmTypes":{"c5.large":1},"instanceTags":"b=3;a=1","priceType":"spot","maxNumber":9,"rank":"2"}"#;
    check(
        &[("east_templates.json", &own), ("sim_templates.json", &kind), ("templates.json", &all)],
        &[chain],
        &[
            "warning: east_templates.json:1:2: template `a` is here and at sim_templates.json:1:2; the former counts, field by field",
            "warning: east_templates.json:1:2: template `a` is here and at templates.json:1:2; the former counts, field by field",
        ],
    );
    // A file that is read later may be the more specific one.
    let simple = r#"{"templateId":"a","vmType":"m5.large","maxNumber":9,"rank":"1"}"#;
    check(
        &[
            ("west_templates.json", &of(r#""vmType": "m5.large", "attributes": {"rank": 1}"#)),
            ("sim_templates.json", &of(r#""maxNumber": 9, "vmType": "c5.large""#)),
        ],
        &[simple],
        &[
            "warning: west_templates.json:1:2: template `a` is here and at sim_templates.json:1:2; the former counts, field by field",
        ],
    );
    // Neither is more specific: the files of two providers, and that of another kind.
    for other in ["west_templates.json", "aws_templates.json"] {
        check(
            &[
                (
                    "east_templates.json",
                    &of(r#""maxNumber": 9, "vmType": "m5.large", "attributes": {"rank": 1}"#),
                ),
                (other, &of(r#""maxNumber": 1, "iops": 500"#)),
            ],
            &[r#"{"templateId":"a","maxNumber":9,"vmType":"m5.large","rank":"1"}"#],
            &[&format!(
                "warning: east_templates.json:1:2: template `a` is here and at {other}:1:2; the former counts alone, since neither file is more specific (give each template its own id)"
            )],
        );
    }
    // What is wrong is told at its place, and twice in one file is an error in a chain, too.
    check(
        &[("east_templates.json", &own), ("templates.json", &of(r#""maxNumber": -5"#))],
        &[],
        &[
            "error: templates.json:1:35: `maxNumber` of template `a` must be a whole number, -1 for no limit, 0 for none, or more, not -5",
        ],
    );
    let twice = format!("{},{}", all.trim_end_matches(']'), all.trim_start_matches('['));
    check(
        &[("east_templates.json", &own), ("templates.json", &twice)],
        &[],
        &["error: templates.json:2:63: the templateId `a` is already used at east_templates.json:1:2"],
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
            "warning: awsprov_templates.json:1:2: template `a` is left out, because it has machine type `q9.huge`, which is not known here, and lacks the attributes `type`, `nram` (write them into its `attributes`, or add the machine type to instance_types.csv)",
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

/// The site's table adds types; it is an input only where a template names a type that the built-in one lacks.
#[test]
fn machine_types_of_the_site() {
    const TABLE: &str =
        "instance_type,vcpus,memory_mib,architectures\nq9.huge,96,4096,arm64\nm5.large,64,1,\n";
    let check = |machine: &str, table: &str, found: Result<&str, &str>, is_input: bool| {
        let templates = one(&format!(r#""vmType": "{machine}""#));
        let directory = Directory::new(&[("templates.json", &templates), ("instance_types.csv", table)]);
        let loaded = directory.load(&[]);
        let shown = match &loaded {
            Ok(resolved) => match resolved.templates.as_slice() {
                [template] => {
                    let attributes = &template.fields()["attributes"];
                    Ok(format!(
                        "{} {} {}",
                        attributes["type"][1], attributes["ncpus"][1], attributes["nram"][1]
                    )
                    .replace('"', ""))
                }
                _ => Ok("left out".to_owned()),
            },
            Err(_) => Err(directory.lines(&[]).join("; ")),
        };
        assert_eq!(shown, found.map(str::to_owned).map_err(str::to_owned), "{machine} {table}");
        let is_read = loaded.is_ok_and(|resolved| {
            resolved.trail.files.iter().any(|file| file.path.ends_with("instance_types.csv"))
        });
        assert_eq!(is_read, is_input, "{machine} {table}");
    };
    check("q9.huge", TABLE, Ok("AARCH64 96 4096"), true);
    check("m5.large", TABLE, Ok("X86_64 2 8192"), false);
    check("m5.large, q9.huge", TABLE, Ok("X86_64 2 8192"), true);
    check("q8.huge", TABLE, Ok("left out"), true);
    check("m5.large", "broken", Ok("X86_64 2 8192"), false);
    check(
        "q9.huge",
        "instance_type,vcpus,memory_mib\nq9.huge,many,1\n",
        Err("error: instance_types.csv:2:1: `vcpus` must be a whole number above 0, not many"),
        false,
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
