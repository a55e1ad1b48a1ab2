//! A wrong value stops the questions that need it, and no other.

use ohfp_render::queries::Query;

use crate::resolve;

const TEMPLATES: &str = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#;

/// A wrong `config.json`, and which of these it stops: the templates, the database's name, `config get` of
/// `logging.level`.
fn check(files: &[(&str, &str)], stopped: [bool; 3]) {
    let files = [&[("awsprov_templates.json", TEMPLATES)], files].concat();
    let resolved = resolve(&files).unwrap();
    assert!(!resolved.problems.is_empty(), "{files:?}");
    let asked = Query::Setting("logging.level".to_owned());
    let found = [
        resolved.templates().is_err(),
        resolved.settings.database_name().is_err(),
        asked.check(&resolved).is_err(),
    ];
    assert_eq!(found, stopped, "{files:?}: {:?}", resolved.problems);
    // What is asked about everything needs everything but what belongs to providers and templates.
    let of_settings = !resolved.settings.entries().all(|setting| setting.problem.is_none());
    assert_eq!(Query::Config.check(&resolved).is_err(), of_settings, "{files:?}");
}

#[test]
fn values_that_are_not_needed() {
    let none = [false; 3];
    for (config, stopped) in [
        (r#"{"storage": {"strategy": "dynamodb"}}"#, [false, true, false]),
        (r#"{"storage": {"sql_strategy": {"name": 5}}}"#, [false, true, false]),
        (r#"{"storage": 1}"#, [false, true, false]),
        (r#"{"storage": {"sql_strategy": {"timeout": "soon"}}}"#, none),
        (r#"{"template": {"max_number": "many"}}"#, [true, false, false]),
        (r#"{"template": {"default_attributes": {"ncpus": "x"}}}"#, [true, false, false]),
        (r#"{"logging": {"level": "loud"}}"#, [false, false, true]),
        (r#"{"request": {"return_timeout_seconds": "1h"}}"#, none),
        (r#"{"performance": {"optimization": {"batch_size": 0}}}"#, none),
        (r#"{"provider": {"providers": [{"name": "a", "type": "aws", "weight": 0}]}}"#, none),
        (r#"{"provider": {"providers": [{"type": "aws"}]}}"#, none),
        (
            r#"{"provider": {"providers": [{"name": "a", "type": "aws", "template_defaults": {"vmType": 5}}]}}"#,
            [true, false, false],
        ),
        (
            r#"{"provider": {"providers": [{"name": "s", "type": "sim"}, {"name": "a", "type": "aws", "enabled": false, "template_defaults": {"vmType": 5}}]}}"#,
            none,
        ),
        (
            r#"{"provider": {"active_provider": "b", "providers": [{"name": "a", "type": "aws", "template_defaults": {"vmType": "x"}}]}}"#,
            [true, false, false],
        ),
    ] {
        check(&[("config.json", config)], stopped);
    }
    check(&[("awsprov_config.json", r#"{"AWS_REGION": "r", "AWS_PROXY_PORT": "eighty"}"#)], none);
    check(&[("awsprov_config.json", "{")], none);
    check(&[("awsprov_config.json", "\u{0}")], none);
}
