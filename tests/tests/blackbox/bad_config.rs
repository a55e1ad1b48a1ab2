//! Configuration that is wrong: `config.json`, IBM's `awsprov_config.json` and the variables that are
//! read with them. Every program refuses, or goes on with the same warning.
//!
//! `▲` marks where a problem is; what must be said of it stands beside it.

use ohfp_tests::expect_none;

use crate::common::marks;
use crate::common::verdict::Verdict::{self, Refused, Unneeded, Warned};
use crate::common::verdict::{fault, published};

const CONFIG: &str = "config.json";
const IBM_CONFIG: &str = "awsprov_config.json";
const TEMPLATES: (&str, &str) = (
    "awsprov_templates.json",
    r#"[{"templateId": "good", "maxNumber": 1, "vmType": "m5.large", "imageId": "ami-1"}]"#,
);

/// Each content as `file`, one after the other.
fn check(verdict: Verdict, file: &str, cases: &[(&str, &str)]) {
    marks::check(&published(&[TEMPLATES]), verdict, file, cases);
}

#[test]
fn documents_that_are_no_configuration() {
    check(
        Refused,
        CONFIG,
        &[
            ("▲", "ends where a value is expected"),
            ("{\"scheduler\": {\"type\": \"hostfactory▲\"", "ends inside an object"),
            ("{\n  ▲// ours\n}", "field name in double quotes"),
            ("{} ▲{}", "nothing more after the end"),
            ("▲[1]", "expected an object like {\"scheduler\": …}, not [1]"),
            ("▲null", "expected an object"),
        ],
    );
    check(
        Unneeded,
        CONFIG,
        &[
            (r#"{"scheduler": ▲"hostfactory"}"#, "`scheduler` must be an object that holds settings"),
            (r#"{"provider": {"providers": ▲{}}}"#, "`provider.providers` must be a list, not an object"),
        ],
    );
}

/// What templates do not depend on leaves Host Factory its templates.
#[test]
fn values_that_no_key_allows() {
    check(
        Unneeded,
        CONFIG,
        &[
            (
                r#"{"scheduler": {"type": ▲"hostfactry"}}"#,
                "`scheduler.type` must be one of `hostfactory`, `default`, not \"hostfactry\"",
            ),
            (r#"{"scheduler": {"type": ▲5}}"#, "`scheduler.type` must be one of|not 5"),
            (
                r#"{"snapshot": {"refresh": ▲"sometimes"}}"#,
                "`snapshot.refresh` must be one of `auto`, `manual`, `never`",
            ),
            (
                r#"{"snapshot": {"render_limit": ▲"64 apples"}}"#,
                "`snapshot.render_limit` must be a number of bytes",
            ),
            (r#"{"snapshot": {"render_limit": ▲-1}}"#, "`snapshot.render_limit` must be a number of bytes"),
            (r#"{"storage": {"strategy": ▲"postgres"}}"#, "`storage.strategy` must be one of `sqlite`"),
            (
                r#"{"request": {"max_machines_per_request": ▲0}}"#,
                "`request.max_machines_per_request` must be a whole number from 1, not 0",
            ),
            (r#"{"request": {"max_machines_per_request": ▲"five"}}"#, "a whole number from 1, not \"five\""),
            (r#"{"provider": {"selection_policy": ▲"FIRST"}}"#, "must be one of `FIRST_AVAILABLE`"),
            (
                "{\n\"storage\": {\"strategy\": ▲5},\n\"snapshot\": {\"refresh\": ▲true}}",
                "`storage.strategy`\n`snapshot.refresh`",
            ),
        ],
    );
    check(
        Refused,
        CONFIG,
        &[
            (r#"{"template": {"max_number": ▲-2}}"#, "`template.max_number` must be a whole number from -1"),
            (r#"{"template": {"ncpus_from": ▲"sockets"}}"#, "must be one of `vcpus`, `cores`"),
            (
                r#"{"template": {"default_price_type": ▲"Spot"}}"#,
                "one of `ondemand`, `spot`, `heterogeneous`",
            ),
            (r#"{"template": {"default_attributes": ▲[]}}"#, "must be an object"),
            (
                r#"{"template": {"default_attributes": {"ncpus": ▲"x"}}}"#,
                "`template.default_attributes.ncpus` must be a number above 0",
            ),
        ],
    );
}

/// Numbers and booleans in quotes are read, each with one warning.
#[test]
fn values_in_quotes() {
    check(
        Warned,
        CONFIG,
        &[
            (r#"{"request": {"max_machines_per_request": ▲"5"}}"#, "is written as \"5\"; it is read as 5"),
            (r#"{"template": {"max_number": ▲"-1"}}"#, "`template.max_number`|read as -1"),
            (r#"{"features": {"monitoring": ▲"True"}}"#, "`features.monitoring`|read as true"),
            (
                r#"{"provider": {"providers": [{"name": "a", "type": "sim", "weight": ▲"5", "enabled": ▲"true"}]}}"#,
                "`weight` of a provider|read as 5\n`enabled` of a provider|read as true",
            ),
            (
                r#"{"provider": {"providers": [{"name": "a", "type": "aws", "config": {"proxy_port": ▲"80"}}]}}"#,
                "`proxy_port`|read as 80",
            ),
        ],
    );
    check(
        Warned,
        IBM_CONFIG,
        &[(r#"{"AWS_REGION": "r", "AWS_PROXY_HOST": "h", "AWS_PROXY_PORT": ▲"8080"}"#, "read as 8080")],
    );
}

/// Names that are misspelled wherever names are read.
#[test]
fn misspelled_names() {
    let template = |names: &str| {
        format!(r#"{{"provider": {{"providers": [{{"name": "a", "type": "aws", {names}}}]}}}}"#)
    };
    let of_type = |names: &str| {
        format!(
            r#"{{"provider": {{"provider_defaults": {{"aws": {names}}}, "providers": [{{"name": "a", "type": "aws"}}]}}}}"#
        )
    };
    let cases = [
        (template(r#""template_defaults": {"imageld": ▲"ami-1"}"#), "`template_defaults.imageld`|`imageId`"),
        (template(r#""config": {"regon": ▲"r"}"#), "`regon`|`region`"),
        (
            of_type(r#"{"template_defaults": {"secrityGroupIds": ▲"s"}}"#),
            "`template_defaults.secrityGroupIds`|`securityGroupIds`",
        ),
        (
            of_type(r#"{▲"template_default": {}}"#),
            "`provider.provider_defaults.aws.template_default`|`template_defaults`",
        ),
    ];
    marks::check(&published(&[TEMPLATES]), Warned, CONFIG, &cases);
}

#[test]
fn providers() {
    check(
        Unneeded,
        CONFIG,
        &[
            (
                r#"{"provider": {"providers": [{"name": ▲"a b", "type": "aws"}]}}"#,
                "the provider name \"a b\" must consist of 0-9, A-Z, a-z, _ and -",
            ),
            (r#"{"provider": {"providers": [{"name": ▲"ä", "type": "aws"}]}}"#, "must consist of"),
            (r#"{"provider": {"providers": [{"name": ▲"../x", "type": "aws"}]}}"#, "must consist of"),
            (r#"{"provider": {"providers": [{"name": ▲"", "type": "aws"}]}}"#, "a string that is not empty"),
            (r#"{"provider": {"providers": [{"name": ▲5, "type": "aws"}]}}"#, "a string that is not empty"),
            (
                r#"{"provider": {"providers": [{"name": "a", "type": "aws"}, {"name": ▲"a", "type": "sim"}]}}"#,
                "the provider name `a` is used twice",
            ),
            (
                r#"{"provider": {"providers": [▲{"type": "aws"}, ▲{"name": "b"}, ▲7]}}"#,
                "has no `name`\nhas no `type`\nmust be an object, not 7",
            ),
            (
                r#"{"provider": {"active_provider": ▲"awss", "providers": [{"name": "aws", "type": "aws"}]}}"#,
                "`provider.active_provider` names `awss`, which is not configured",
            ),
            (
                r#"{"provider": {"providers": [{"name": "a", "type": "aws", "enabled": ▲"yes", "weight": ▲0, "config": ▲[]}]}}"#,
                "`enabled` of a provider must be true or false\n`weight` of a provider must be a whole number from 1\n`config` of a provider must be an object",
            ),
        ],
    );
    let defaults = r#"{"provider": {"providers": [{"name": "a", "type": "aws", "template_defaults": {"imageId": ▲5}}]}}"#;
    check(Refused, CONFIG, &[(defaults, "imageId|must be a string, not 5")]);
}

#[test]
fn ibm_keys() {
    check(
        Unneeded,
        IBM_CONFIG,
        &[
            ("▲[]", "expected an object like {\"AWS_REGION\": …}, not []"),
            ("{\"AWS_REGION\": \"r▲\"", "ends inside an object"),
            (r#"{"AWS_REGION": ▲""}"#, "`AWS_REGION` must be a string that is not empty"),
            (
                r#"{"AWS_REGION": ▲5, "AWS_REQUEST_RETRY_ATTEMPTS": ▲11}"#,
                "`AWS_REGION`|not 5\n`AWS_REQUEST_RETRY_ATTEMPTS` must be a whole number from 0 to 10, not 11",
            ),
            (r#"{"AWS_REGION": "r", "AWS_PROXY_HOST": ▲"h"}"#, "`AWS_PROXY_HOST` needs `AWS_PROXY_PORT`"),
            (r#"{"AWS_REGION": "r", "ACCEPT_PROPAGATED_LOG_SETTING": ▲"yes"}"#, "\"true\" or \"false\""),
        ],
    );
    check(
        Warned,
        IBM_CONFIG,
        &[(
            r#"{"AWS_REGION": "r", ▲"AWS_REGIN": "r"}"#,
            "`AWS_REGIN` is not a known key|did you mean `AWS_REGION`?",
        )],
    );
}

#[test]
fn unknown_keys_are_ignored_with_the_nearest_known_one() {
    check(
        Warned,
        CONFIG,
        &[
            (r#"{▲"schedular": {}}"#, "`schedular` is not a known key|did you mean `scheduler`?"),
            (
                r#"{"scheduler": {▲"tpye": "default"}}"#,
                "`scheduler.tpye` is not a known key|did you mean `scheduler.type`?",
            ),
            (r#"{▲"refresh": "auto"}"#, "`refresh` is not a known key|did you mean `snapshot.refresh`?"),
            (r#"{▲"zzz": 1}"#, "`zzz` is not a known key"),
            (
                r#"{"provider": {"providers": [{"name": "a", "type": ▲"asw"}]}}"#,
                "no provider of type `asw`|did you mean `aws`?",
            ),
            (
                r#"{"provider": {"providers": [{"name": "a", "type": "aws", "enbled": ▲true}]}}"#,
                "`enbled` is not a known key of a provider|did you mean `enabled`?",
            ),
            (r#"{"snapshot": {"refresh": "auto", ▲"refresh": "never"}}"#, "`snapshot.refresh` appears twice"),
            (r#"{"snapshot": null, "version": "2.0.0", "scheduler": {"type": null}}"#, ""),
        ],
    );
}

#[test]
fn variables() {
    let cases = [
        (
            Unneeded,
            "OHFP_SNAPSHOT_REFRESH",
            "often",
            "OHFP_SNAPSHOT_REFRESH must be one of `auto`, `manual`, `never`, not \"often\"",
        ),
        (Refused, "HF_PROVIDER_NAME", "a/b", "HF_PROVIDER_NAME must be a name without `/`, not a/b"),
        (Refused, "PROVIDER_NAME", "../x", "PROVIDER_NAME must be a name without `/`, not ../x"),
    ];
    let faults = cases.iter().filter_map(|(verdict, name, value, words)| {
        let mut sandbox = published(&[TEMPLATES]);
        sandbox.set(name, *value);
        fault(&sandbox, *verdict, &[(*words).to_owned()]).map(|fault| format!("{name}={value}\n  {fault}"))
    });
    expect_none(&faults.collect::<Vec<_>>(), cases.len());
}

/// One message is one line, or a log reader takes the rest for another.
#[test]
fn control_characters_do_not_break_messages() {
    let named = r#"{"provider": {"providers": [{"name": ▲"a\nb", "type": "aws"}]}}"#;
    check(Unneeded, CONFIG, &[(named, "must consist of")]);
    let mut sandbox = published(&[TEMPLATES]);
    sandbox.set("HF_PROVIDER_NAME", "a\nb");
    let problem = "HF_PROVIDER_NAME must be a name without `/`".to_owned();
    expect_none(&Vec::from_iter(fault(&sandbox, Refused, &[problem])), 1);
    // Nor may a file drive the terminal that a warning appears on.
    let key = "{\"scheduler\": {▲\"\\u001b[31m\\nbig\u{7f}\": 1}}";
    check(Warned, CONFIG, &[(key, r"`scheduler.\u{1b}[31m\nbig\u{7f}` is not a known key")]);
}
