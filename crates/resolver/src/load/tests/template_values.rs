//! Values in templates: what is allowed, doubtful or read as something else.

use super::{Directory, GIVEN, TYPED, check, one};

#[test]
fn ids_and_numbers() {
    let file = "error: awsprov_templates.json";
    let numbered = |number: &str| format!("[{{\"templateId\": \"a\", \"maxNumber\": {number}, {GIVEN}}}]");
    for number in ["-1", "0", "10000"] {
        check(&numbered(number), &[&format!(r#"{{"templateId":"a","maxNumber":{number},{TYPED}}}"#)], &[]);
    }
    check(
        &numbered("10001"),
        &[&format!(r#"{{"templateId":"a","maxNumber":10001,{TYPED}}}"#)],
        &[
            "warning: awsprov_templates.json:1:35: `maxNumber` of template `a` is 10001; Host Factory's documentation allows up to 10000",
        ],
    );
    for number in ["-2", "1.5", "\"-2.5\"", "null", "1e+2", "99999999999999999999"] {
        check(
            &numbered(number),
            &[],
            &[&format!(
                "{file}:1:35: `maxNumber` of template `a` must be a whole number, -1 for no limit, 0 for none, or more, not {number}"
            )],
        );
    }
    check(
        &format!("[{{\"templateId\": \"a\", {GIVEN}}}]"),
        &[],
        &[&format!("{file}:1:2: template `a` has no `maxNumber`")],
    );
    check(
        &format!("[\n{{\"maxNumber\": 1, {GIVEN}}}]"),
        &[],
        &[&format!("{file}:2:1: this template has no `templateId`")],
    );
    for id in ["\"a b\"", "\"\"", "7"] {
        let content = format!("[{{\"templateId\": {id}, \"maxNumber\": 1, {GIVEN}}}]");
        check(
            &content,
            &[],
            &[&format!("{file}:1:17: `templateId` must be 1 to 64 of 0-9, A-Z, a-z, _ and -, not {id}")],
        );
    }
    check(
        &format!("[{{\"templateId\": \"a\", \"template_id\": \"b\", \"maxNumber\": 1, {GIVEN}}}]"),
        &[],
        &[&format!("{file}:1:37: `templateId` of template `b` is given twice, perhaps in two spellings")],
    );
    check(
        &one(&format!("\"imageId\": \"x\", \"imageId\": \"y\", \"q\": 1, \"q\": 2, {GIVEN}")),
        &[&format!(r#"{{"templateId":"a","maxNumber":1,"imageId":"y","q":2,{TYPED}}}"#)],
        &[
            "warning: awsprov_templates.json:1:65: `imageId` of template `a` is given twice, perhaps in two spellings; the last one counts",
            "warning: awsprov_templates.json:1:78: `q` of template `a` is given twice; the last one counts",
        ],
    );
}

#[test]
fn numbers_in_quotes_are_read_with_one_warning_for_a_field() {
    let read = |fields: &str, wanted: &str, field: &str, column: usize| {
        check(
            &one(&format!("{GIVEN},\n{fields}")),
            &[&format!(r#"{{"templateId":"a","maxNumber":1,{TYPED},{wanted}}}"#)],
            &[&format!(
                "warning: awsprov_templates.json:2:{column}: `{field}` of template `a` has a number in quotes; it is read as the number"
            )],
        );
    };
    read(r#""percentOnDemand": "50""#, r#""percentOnDemand":50"#, "percentOnDemand", 20);
    read(r#""root_volume_size": "8""#, r#""rootDeviceVolumeSize":8"#, "rootDeviceVolumeSize", 21);
    read(r#""vmTypes": {"a": 1, "b": "8"}"#, r#""vmTypes":{"a":1,"b":8}"#, "vmTypes", 12);
    let template = |id: &str| format!(r#"{{"templateId": "{id}", "maxNumber": "7", {GIVEN}}}"#);
    let content = format!("[{},{},{}]", template("a"), template("b"), template("c"));
    let directory = Directory::new(&[("awsprov_templates.json", &content)]);
    assert_eq!(
        directory.lines(&[]),
        [
            "warning: awsprov_templates.json:1:35: `maxNumber` of template `a`, and of 2 other templates, has a number in quotes; it is read as the number"
        ]
    );
    assert!(directory.load(&[]).unwrap().templates.iter().all(|template| template.max_number() == 7));
}

#[test]
fn a_wrong_member_is_named_with_its_value() {
    for (fields, message) in [
        (
            r#""vmTypes": {"m5.large": 1, "c6i.xlarge": "many"}"#,
            "79: `vmTypes.c6i.xlarge` of template `a` must be a whole number from 1, not \"many\"",
        ),
        (
            r#""machine_types": {"m5.large": 0}"#,
            "68: `vmTypes.m5.large` of template `a` must be a whole number from 1, not 0",
        ),
        (
            r#""vmTypesPriority": {"m5.large": null}"#,
            "70: `vmTypesPriority.m5.large` of template `a` must be a number, not null",
        ),
        (r#""instanceTags": {"team": 7}"#, "63: `instanceTags.team` of template `a` must be a string, not 7"),
    ] {
        let content = one(&format!("{fields}, {GIVEN}"));
        check(&content, &[], &[&format!("error: awsprov_templates.json:1:{message}")]);
    }
}

#[test]
fn a_spot_price_makes_a_spot_template() {
    let check = |fields: &str, price_type: Option<&str>, findings: &[&str]| {
        let directory = Directory::new(&[
            ("config.json", r#"{"template": {"default_price_type": "heterogeneous"}}"#),
            ("awsprov_templates.json", &one(&format!("{GIVEN},\n{fields}"))),
        ]);
        let templates = directory.load(&[]).unwrap().templates;
        assert_eq!(
            templates[0].fields().get("priceType").and_then(serde_json::Value::as_str),
            price_type,
            "{fields}"
        );
        assert_eq!(directory.lines(&[]), findings, "{fields}");
    };
    check(r#""spotPrice": "0.6""#, Some("spot"), &[]);
    check(r#""spotPrice": 0.6"#, Some("spot"), &[]);
    check(r#""spotPrice": "0""#, Some("heterogeneous"), &[]);
    check(r#""spotPrice": null"#, Some("heterogeneous"), &[]);
    check(
        r#""spotPrice": 1, "priceType": "ondemand""#,
        Some("ondemand"),
        &[
            "warning: awsprov_templates.json:2:14: `spotPrice` of template `a` has no effect with priceType ondemand (leave `priceType` out, and it is a spot template)",
        ],
    );
    check(
        r#""spotPrice": "cheap""#,
        Some("heterogeneous"),
        &["warning: awsprov_templates.json:2:14: `spotPrice` of template `a` is not a number: \"cheap\""],
    );
}

#[test]
fn values_of_known_fields_are_checked() {
    let bad = |field: &str, value: &str, rest: &str| {
        let content = one(&format!("{GIVEN},\n\"{field}\": {value}"));
        let column = field.len() + 5;
        check(
            &content,
            &[],
            &[&format!(
                "error: awsprov_templates.json:2:{column}: `{field}` of template `a` must be {rest}, not {value}"
            )],
        );
    };
    bad("priceType", "\"spott\"", "one of `ondemand`, `spot`, `heterogeneous`");
    bad(
        "allocationStrategy",
        "\"cheap\"",
        "one of `lowestPrice`, `diversified`, `capacityOptimized`, `capacityOptimizedPrioritized`, `priceCapacityOptimized`",
    );
    bad("allocationStrategyOnDemand", "\"diversified\"", "one of `lowestPrice`, `prioritized`");
    bad("volumeType", "\"ssd\"", "one of `gp2`, `gp3`, `io1`, `io2`, `standard`");
    bad("rootDeviceVolumeSize", "0", "a whole number from 1 to 16384");
    bad("percentOnDemand", "101", "a whole number from 0 to 100");
    bad("imageId", "5", "a string");
    bad("subnetId", "[1]", "a string or a list of strings");
    bad("maxSpotPrice", "true", "a number or a string");
    bad(
        "vmTypes",
        "[\"m5.large\"]",
        "an object of machine types with whole weights from 1, like {\"m5.large\": 1}",
    );
    for good in [
        "\"subnetId\":\"a,b\"",
        "\"maxSpotPrice\":\"0.10\"",
        "\"maxSpotPrice\":0.10",
        "\"allocationStrategy\":\"price-capacity-optimized\"",
        "\"keyName\":null",
        "\"volumeType\":\"gp3\",\"iops\":3000",
        "\"instanceTags\":\"a=b;c=d\"",
        "\"rank\":7",
        "\"spotPrice\":0",
        "\"spotPrice\":1,\"priceType\":\"spot\"",
    ] {
        check(
            &one(&format!("{GIVEN}, {good}")),
            &[&format!(r#"{{"templateId":"a","maxNumber":1,{TYPED},{good}}}"#)],
            &[],
        );
    }
}

#[test]
fn doubtful_fields_are_kept_with_a_warning() {
    let keep = |field: &str, warning: &str| {
        let wanted = format!(r#"{{"templateId":"a","maxNumber":1,{TYPED},{field}}}"#);
        check(
            &one(&format!("{GIVEN},\n{field}")),
            &[&wanted],
            &[&format!("warning: awsprov_templates.json:2:{warning}")],
        );
    };
    keep(
        "\"vmTyep\":1",
        "1: `vmTyep` of template `a` is not a known field; it is passed on as it is (did you mean `vmType`?)",
    );
    keep(
        "\"iops\":200",
        "8: `iops` of template `a` has no effect with volumeType gp2, the default (volumeType io1, io2 or gp3 takes iops)",
    );
    keep(
        "\"instanceTags\":\"x\"",
        "16: `instanceTags` of template `a` does not look like 'key=value;key=value'",
    );
    let misspelled = |attributes: &str, findings: &[&str]| {
        let directory = Directory::new(&[(
            "awsprov_templates.json",
            &one(&format!("\"vmType\": \"m5.large\",\n\"attributes\": {{{attributes}}}")),
        )]);
        assert_eq!(directory.lines(&[]), findings, "{attributes}");
    };
    misspelled(
        r#""ncpu": 4"#,
        &[
            "warning: awsprov_templates.json:2:24: `attributes.ncpu` of template `a` may be meant for `ncpus`, which is not there (did you mean `ncpus`?)",
        ],
    );
    misspelled(
        r#""NRAM": 4"#,
        &[
            "warning: awsprov_templates.json:2:24: `attributes.NRAM` of template `a` may be meant for `nram`, which is not there (did you mean `nram`?)",
        ],
    );
    misspelled(r#""ngpus": 4"#, &[]);
    misspelled(r#""ncpu": 4, "ncpus": 2, "rack": 1, "zone": "b", "mem": 7, "gpus": 1"#, &[]);
    // Once per name, not once per template.
    let template =
        |id: &str| format!("{{\"templateId\": \"{id}\", \"maxNumber\": 1, \"vmTyep\": 1, {GIVEN}}}");
    let directory =
        Directory::new(&[("awsprov_templates.json", &format!("[{},{}]", template("a"), template("b")))]);
    assert_eq!(directory.lines(&[]).len(), 1);
}
