//! Template files that are wrong: every program refuses, names the place and what is allowed there,
//! each problem once, and nothing that was published changes.
//!
//! `▲` marks where a problem is; what must be said of it stands beside it.

use ohfp_tests::expect_none;

use crate::common::marks;
use crate::common::verdict::Verdict::{self, Refused, Warned};
use crate::common::verdict::{fault, published};

const FILE: &str = "awsprov_templates.json";
const GOOD: &str = r#"{"templates": [{"templateId": "good", "maxNumber": 1, "vmType": "m5.large"}]}"#;

/// Each content in place of the template file, one after the other.
fn check<T: AsRef<str>, W: AsRef<str>>(verdict: Verdict, cases: &[(T, W)]) {
    marks::check(&published(&[(FILE, GOOD)]), verdict, FILE, cases);
}

#[test]
fn what_is_not_json_is_located() {
    let value = "expected a value";
    check(
        Refused,
        &[
            (r#"{"templates": [{"templateId": "a▲""#, "ends inside an object|expected `,` or `}`"),
            (r#"{"templates": ▲["#, "ends inside a list|expected `,` or `]`"),
            (r#"{"templates": [{"templateId": "▲a"#, "ends inside a string|closing double quote"),
            (r#"{"templates"▲:"#, "ends where a value is expected"),
            (r#"{"templates": [{"templateId": "a", ▲}]}"#, "field name in double quotes"),
            (
                "[\n{\"templateId\": \"a\", \"maxNumber\": 1, \"vmType\": \"m5.large\"},\n▲]",
                "remove the comma",
            ),
            ("{\"templates\": [\n  ▲// none yet\n]}", value),
            ("▲# none yet\n{\"templates\": []}", value),
            ("{\"templates\": [\n  ▲/* none yet */\n]}", value),
            ("{▲'templates': []}", "field name in double quotes"),
            ("{▲templates: []}", "field name in double quotes"),
            (r#"{"templates" ▲[]}"#, "expected `:`"),
            (r#"{"templates": [{"templateId": "a" ▲"maxNumber": 1}]}"#, "expected `,` or `}`"),
            (r#"{"templates": [{} ▲{}]}"#, "expected `,` or `]`"),
            (r#"{"templates": [▲.5]}"#, value),
            (r#"{"templates": [▲NaN]}"#, value),
            (r#"{"templates": [{"templateId": "a", "ratio": 0▲1}]}"#, "number"),
            (r#"{"templates": [{"templateId": "a\▲x"}]}"#, "escape"),
            (r#"{"templates": [{"templateId": "\ud800▲"}]}"#, "hex escape"),
            ("{\"templates\": [{\"templateId\": \"▲a\nb\"}]}", "line break"),
            ("▲", "ends where a value is expected"),
            (" \n\t▲", "ends where a value is expected"),
            ("▲\0\0\0\0", value),
            ("{\"templates\": []}▲\0", "nothing more after the end"),
            (r#"{"templates": []} ▲{"templates": []}"#, "nothing more after the end"),
            ("[]\n▲]", "nothing more after the end"),
            // Columns count characters, lines end as on Windows, a byte order mark is no character.
            ("\u{feff}{\"ä€😀\": 1 ▲\"templates\": []}", "expected `,` or `}`"),
            ("{\r\n  \"templates\": [\r\n    ▲x\r\n]}", value),
        ],
    );
}

/// As in a bare list.
#[test]
fn a_comma_too_many_behind_the_last_template() {
    let template = r#"{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}"#;
    check(Refused, &[(format!("{{\"templates\": [\n  {template},\n▲]}}"), "remove the comma")]);
}

#[test]
fn deep_nesting_is_no_crash() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let template = |levels| format!(r#"{{"templates": [{{"templateId": "a", "x": {}}}]}}"#, deep(levels));
    for content in [template(10_000), "[".repeat(10_000), "{\"a\":".repeat(10_000), template(1_000_000)] {
        let sandbox = published(&[(FILE, GOOD)]);
        sandbox.write(FILE, &content);
        let problem = format!("{FILE}:1:");
        expect_none(&Vec::from_iter(fault(&sandbox, Refused, &[problem])), 1);
    }
    check(
        Refused,
        &[(deep(10_000).replacen('[', "▲[", 2).replacen('▲', "", 1), "a template must be an object, not")],
    );
}

#[test]
fn the_document_must_be_templates() {
    let expected = "expected an object like {\"templates\": […]}, or a list of templates";
    check(
        Refused,
        &[
            ("▲5", expected),
            ("▲null", expected),
            ("▲\"templates\"", expected),
            ("▲{}", "there is no `templates`|a list"),
            (r#"▲{"Templates": []}"#, "there is no `templates`"),
            (r#"{"templates": ▲{}}"#, "`templates` must be a list"),
            (r#"{"templates": ▲null}"#, "`templates` must be a list"),
            (r#"{"templates": [], ▲"templates": []}"#, "`templates` is given twice"),
            (r#"{"templates": [▲5, ▲"a", ▲null]}"#, "must be an object, not 5\nnot \"a\"\nnot null"),
            (r#"{"templates": [▲[{}]]}"#, "must be an object, not a list"),
            ("[▲▲{}]", "has no `templateId`\nhas no `maxNumber`"),
        ],
    );
}

/// One template with these members besides its machine type.
fn one(members: &str) -> String {
    format!("{{\"templates\": [{{{members}, \"vmType\": \"m5.large\"}}]}}")
}

#[test]
fn ids_and_numbers() {
    let long = format!(r#""templateId": ▲"{}", "maxNumber": 1"#, "x".repeat(65));
    let id = "`templateId` must be 1 to 64 of 0-9, A-Z, a-z, _ and -, not ";
    let number = |value: &str| one(&format!(r#""templateId": "a", "maxNumber": ▲{value}"#));
    let whole =
        "`maxNumber` of template `a` must be a whole number, -1 for no limit, 0 for none, or more, not ";
    let twice = "is given twice";
    let mut cases: Vec<(String, &str)> = vec![(one(&long), id)];
    for bad in ["\"\"", "\"a b\"", "\"ä\"", "\"a.b\"", "\"a\\u0000\"", "5", "null", "[\"a\"]"] {
        cases.push((one(&format!(r#""templateId": ▲{bad}, "maxNumber": 1"#)), id));
    }
    for bad in ["\"ten\"", "\"-2.5\"", "1.5", "-2", "null", "true", "[]", "99999999999999999999"] {
        cases.push((number(bad), whole));
    }
    cases.push((one(r#""maxNumber": 1"#).replacen("[{", "[▲{", 1), "has no `templateId`"));
    cases.push((one(r#""templateId": "a""#).replacen("[{", "[▲{", 1), "template `a` has no `maxNumber`"));
    cases.push((one(r#""templateId": "a", ▲"MaxNumber": 7"#), "`a` has no `maxNumber`, but `MaxNumber`"));
    cases.push((one(r#"▲"templateID": "a", "maxNumber": 7"#), "has no `templateId`, but `templateID`"));
    cases.push((one(r#""templateId": "a", "maxNumber": 1, "maxNumber": ▲1"#), twice));
    cases.push((one(r#""templateId": "a", "maxNumber": 1, "max_instances": ▲1"#), twice));
    cases.push((one(r#""templateId": "a", "templateId": ▲"b", "maxNumber": 1"#), twice));
    check(Refused, &cases);
}

#[test]
fn repeated_ids_name_both_places() {
    let template = |id: &str| format!("{{\"templateId\": {id}, \"maxNumber\": 1, \"vmType\": \"m5.large\"}}");
    let [plain, marked, other] = ["\"a\"", "▲\"a\"", "\"b\""].map(template);
    let first = format!("`a` is already used at |{FILE}:2:1");
    check(
        Refused,
        &[
            (format!("{{\"templates\": [\n{plain},\n{other},\n{marked}]}}"), first.clone()),
            (format!("[\n{plain},\n{marked},\n{other},\n{marked}\n]"), format!("{first}\n{first}")),
        ],
    );
    // The files of a search are a chain: the more specific one counts, which is told.
    let config = r#"{"provider": {"providers": [{"name": "east", "type": "aws"}]}}"#;
    let sandbox = published(&[("config.json", config), ("east_templates.json", GOOD)]);
    sandbox.write("templates.json", GOOD);
    let ended = sandbox.run("ohfp-snapshot", &["build"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "east_templates.json:1:16: template `good` is here and at ",
        "templates.json:1:16; the former counts",
    ] {
        assert!(told.iter().all(|warning| warning.contains(part)), "{told:?}");
    }
}

/// Every field with a value it must not have, and what is allowed.
const FIELDS: &[(&str, &str, &str)] = &[
    ("imageId", "5", "a string"),
    ("vmTypes", "[\"m5.large\"]", "an object of machine types with whole weights"),
    ("vmTypesPriority", "[]", "an object of machine types with numbers"),
    ("subnetId", "{}", "a string or a list of strings"),
    ("securityGroupIds", "[1]", "a string or a list of strings"),
    ("keyName", "[]", "a string"),
    ("priceType", "\"reserved\"", "one of `ondemand`, `spot`, `heterogeneous`"),
    ("maxSpotPrice", "[]", "a number or a string"),
    ("allocationStrategy", "\"cheapest\"", "one of `lowestPrice`"),
    ("allocationStrategyOnDemand", "\"diversified\"", "one of `lowestPrice`, `prioritized`"),
    ("percentOnDemand", "101", "a whole number from 0 to 100"),
    ("onDemandCapacity", "-1", "a whole number from 0"),
    ("fleetRole", "5", "a string"),
    ("fleetType", "\"Instant\"", "one of `instant`, `request`, `maintain`"),
    ("spotFleetRequestExpiry", "0", "a whole number from 1"),
    ("poolsCount", "\"two\"", "a whole number from 1"),
    ("rootDeviceVolumeSize", "16385", "a whole number from 1 to 16384"),
    ("volumeType", "\"gp9\"", "one of `gp2`, `gp3`, `io1`, `io2`, `standard`"),
    ("iops", "99", "a whole number from 100"),
    ("instanceTags", "7", "a string like \"k=v;k=v\""),
    ("instanceProfile", "true", "a string"),
    ("userDataScript", "[\"#!/bin/sh\"]", "a string"),
    ("launchTemplateId", "5", "a string"),
    ("launchTemplateVersion", "true", "a number or a string"),
    ("abisInstanceRequirements", "\"x\"", "an object"),
    ("pgrpName", "5", "a string"),
    ("providerName", "5", "a string"),
    ("description", "{}", "a string"),
    ("attributes", "[]", "an object like {\"ncpus\": 2, \"nram\": 4096}"),
];

/// Every attribute with a value it must not have, and what is allowed.
const ATTRIBUTES: &[(&str, &str, &str)] = &[
    ("type", "\"\"", "a string that is not empty"),
    ("type", "[\"Numeric\", \"1\"]", "a string that is not empty"),
    ("ncpus", "0", "a number above 0"),
    ("ncpus", "\"two\"", "a number above 0"),
    ("nram", "-1", "a number above 0"),
    ("nram", "null", "a number above 0"),
    ("ncores", "true", "a number above 0"),
    ("rank", "\"high\"", "a number"),
    ("priceInfo", "\"\"", "a string that is not empty"),
    ("zone", "{}", "a string, a number or a boolean"),
    ("zone", "[\"a\", \"b\"]", "a string, a number or a boolean"),
];

#[test]
fn values_of_the_wrong_type() {
    let mut cases = Vec::new();
    for (name, value, allowed) in FIELDS {
        let members = format!("\"templateId\": \"a\", \"maxNumber\": 1, \"{name}\": ▲{value}");
        cases.push((one(&members), format!("`{name}` of template `a` must be {allowed}")));
    }
    for (name, value, allowed) in ATTRIBUTES {
        let attributes = format!("\"attributes\": {{\"{name}\": ▲{value}}}");
        let members = format!("\"templateId\": \"a\", \"maxNumber\": 1, {attributes}");
        cases.push((one(&members), format!("`attributes.{name}` of template `a` must be {allowed}")));
    }
    for (name, members, member) in [
        (
            "vmTypes",
            r#"{"c5.large": 1, "m5.large": ▲0}"#,
            "m5.large` of template `a` must be a whole number from 1, not 0",
        ),
        (
            "vmTypes",
            r#"{"m5.large": ▲"many"}"#,
            "m5.large` of template `a` must be a whole number from 1, not \"many\"",
        ),
        (
            "vmTypesOnDemand",
            r#"{"m5.large": ▲1.5}"#,
            "m5.large` of template `a` must be a whole number from 1, not 1.5",
        ),
        ("vmTypesPriority", r#"{"m5.large": ▲null}"#, "m5.large` of template `a` must be a number, not null"),
        ("instanceTags", r#"{"a": "b", "c": ▲1}"#, "c` of template `a` must be a string, not 1"),
    ] {
        let members = format!("\"templateId\": \"a\", \"maxNumber\": 1, \"{name}\": {members}");
        cases.push((one(&members), format!("`{name}.{member}")));
    }
    let machine = r#"[{"templateId": "a", "maxNumber": 1, "vmType": ▲5}]"#;
    cases.push((machine.to_owned(), "`vmType` of template `a` must be a string, not 5".to_owned()));
    // All that is wrong comes at once, in the file's order.
    let all = "\"templateId\": ▲5, \"maxNumber\": ▲\"x\",\n\"iops\": ▲1, \"priceType\": ▲\"spott\"";
    cases.push((one(all), "`templateId`\n`maxNumber`\n`iops`\n`priceType`|`spot`".to_owned()));
    check(Refused, &cases);
}

#[test]
fn what_is_doubtful_is_kept_or_left_out_with_a_warning() {
    let complete = r#""attributes": {"type": "X86_64", "ncpus": 1, "nram": 1024}"#;
    let base = r#""templateId": "a", "maxNumber": 1"#;
    check(
        Warned,
        &[
            (
                format!("[▲{{{base}, \"vmType\": \"zz.large\"}}]"),
                "`a` is left out|`zz.large`|`type`, `ncpus`, `nram`",
            ),
            (format!("[{{{base}, \"vmType\": \"zz.large\", {complete}}}]"), ""),
            (
                format!("[▲{{{base}, \"vmType\": \"zz.large\", \"attributes\": {{\"ncpus\": 1}}}}]"),
                "left out|`type`, `nram`",
            ),
            (format!("[▲{{{base}}}]"), "`a` is left out|names no machine type"),
            (
                format!("[▲{{{base}, \"vmTypes\": {{\"zz.large\": 1, \"m5.large\": 1}}}}]"),
                "not known here: `zz.large`|those of `m5.large`",
            ),
            (
                one(&format!("{base}, ▲\"vmTyp\": \"x\"")),
                "`vmTyp` of template `a` is not a known field|did you mean `vmType`",
            ),
            (one(&format!("{base}, ▲\"maxnumber\": 5")), "`maxnumber`|did you mean `maxNumber`"),
            (one(&format!("{base}, \"costCentre\": 5, \"ttl\": 1")), ""),
            (
                one(&format!("{base}, \"keyName\": \"k\", \"keyName\": ▲\"l\"")),
                "`keyName`|given twice|the last one counts",
            ),
            (one(&format!("{base}, \"instanceTags\": ▲\"a:b\"")), "`instanceTags`|key=value;key=value"),
            (one(&format!("{base}, \"iops\": ▲500")), "`iops`|no effect with volumeType gp2"),
            (one(r#""templateId": "a", "maxNumber": ▲10001"#), "10001|up to 10000"),
            ("{\"templates\": ▲[]}".to_owned(), "list of templates is empty"),
        ],
    );
}
