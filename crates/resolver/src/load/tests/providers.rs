//! Which provider requests go to, over all that can say so: the forms of `config.json`, IBM's files, the
//! templates, and who asks.

use super::Directory;
use crate::providers::choice::choice_problems;

const PLAIN: &str = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#;
const CLOUD: &str = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large", "imageId": "ami-1"}]"#;
const IBM: (&str, &str) = ("awsprov_config.json", r#"{"AWS_REGION": "r"}"#);

/// What is there besides `config.json`.
#[derive(Clone, Copy, Debug)]
enum Besides {
    /// A template that any provider could serve.
    Plain,
    /// A template with an image of a cloud.
    Cloud,
    /// Templates under IBM's name.
    IbmTemplates,
    /// IBM's configuration, and templates under a plain name.
    IbmConfig,
}

use Besides::{Cloud, IbmConfig, IbmTemplates, Plain};

const ALL: [Besides; 4] = [Plain, Cloud, IbmTemplates, IbmConfig];

/// `provider` of config.json, or no file; what else is there; how Host Factory calls the instance, or that a
/// person asks; `NAME TYPE`, or `error: …`.
fn check(provider: Option<&str>, besides: &[Besides], called: Option<&str>, wanted: &str) {
    let config = provider.map(|provider| format!("{{\"provider\": {provider}}}"));
    for besides in besides {
        let mut files = match besides {
            Plain => vec![("templates.json", PLAIN)],
            Cloud => vec![("templates.json", CLOUD)],
            IbmTemplates => vec![("awsprov_templates.json", PLAIN)],
            IbmConfig => vec![("templates.json", PLAIN), IBM],
        };
        files.extend(config.as_deref().map(|config| ("config.json", config)));
        let directory = Directory::new(&files);
        let variables: Vec<(&str, &str)> =
            called.map(|name| ("HF_PROVIDER_NAME", name)).into_iter().collect();
        let case = format!("{provider:?} {besides:?} {called:?}");
        let resolved = directory.resolve(&variables).unwrap();
        let wrong = choice_problems(&resolved.settings, &resolved.providers);
        let first = resolved.providers.iter().find(|instance| instance.default && instance.enabled);
        let found = match (wrong.first(), first) {
            (Some(error), _) => format!("error: {}", error.summary()),
            (None, Some(instance)) => format!("{} {}", instance.name, instance.kind),
            (None, None) => "none is enabled".to_owned(),
        };
        assert!(
            if wanted.starts_with("error") { found.contains(&wanted[7..]) } else { found == wanted },
            "{case}: {found}, not {wanted}"
        );
        // Without templates the same is known.
        let configuration = directory.configuration(&variables).unwrap();
        assert_eq!(configuration.providers, resolved.providers, "{case}");
        // A wrong choice is an error of a check, and leaves the templates as they are.
        assert_eq!(directory.load(&variables).is_err(), !resolved.problems.is_empty(), "{case}");
        assert!(wrong.is_empty() || !resolved.problems.is_empty(), "{case}");
        assert!(resolved.templates().is_ok(), "{case}");
    }
}

#[test]
fn nothing_is_written() {
    for provider in [None, Some("{}"), Some("null"), Some(r#"{"providers": []}"#)] {
        check(provider, &[Plain], None, "sim sim");
        check(provider, &[Cloud, IbmTemplates, IbmConfig], None, "aws aws");
        check(provider, &ALL, Some("awsinst"), "awsinst aws");
        check(provider, &ALL, Some("sim"), "sim aws");
    }
}

#[test]
fn one_provider_without_a_list() {
    for called in [None, Some("awsinst")] {
        for (provider, wanted) in [
            (r#"{"type": "aws", "aws": {"region": "r"}}"#, "aws aws"),
            (r#"{"aws": {"region": "r"}}"#, "aws aws"),
            (r#"{"type": "sim"}"#, "sim sim"),
            (r#"{"sim": {"seed": 1}}"#, "sim sim"),
            (r#"{"active_provider": "sim"}"#, "sim sim"),
            (r#"{"active_provider": "aws"}"#, "aws aws"),
            (r#"{"default_provider_instance": "prod", "type": "aws"}"#, "prod aws"),
            (r#"{"default_provider_type": "sim"}"#, "sim sim"),
            (r#"{"type": "asw"}"#, "asw asw"),
            (r#"{"type": "aws", "aws": {"enabled": false}}"#, "none is enabled"),
        ] {
            check(Some(provider), &[Plain, Cloud, IbmTemplates], called, wanted);
        }
        check(Some(r#"{"type": "sim"}"#), &[IbmConfig], called, "sim sim");
        check(Some(r#"{"active_provider": "sim"}"#), &[IbmConfig], called, "sim sim");
        check(Some(r#"{"type": "aws", "aws": {"region": "r"}}"#), &[IbmConfig], called, "aws aws");
    }
    check(Some(r#"{"active_provider": "awsinst"}"#), &[IbmConfig], Some("awsinst"), "awsinst aws");
    check(Some(r#"{"active_provider": "prod"}"#), &ALL, None, "error: names `prod`, which is not configured");
}

#[test]
fn a_list() {
    let list = |rest: &str, sim: &str, aws: &str| {
        format!(
            r#"{{"providers": [{{"name": "s", "type": "sim"{sim}}}, {{"name": "a", "type": "aws"{aws}}}]{rest}}}"#
        )
    };
    let (on, off) = ("", r#", "enabled": false"#);
    for called in [None, Some("awsinst")] {
        let check = |rest: &str, sim: &str, aws: &str, wanted: &str| {
            check(Some(&list(rest, sim, aws)), &ALL, called, wanted);
        };
        check("", on, on, "s sim");
        check("", off, on, "a aws");
        check("", on, r#", "priority": -1"#, "a aws");
        check("", off, off, "none is enabled");
        check(r#", "active_provider": "a""#, on, on, "a aws");
        check(r#", "active_provider": "a""#, on, off, "error: names `a`, which is not enabled");
        check(r#", "active_provider": "b""#, on, on, "error: names `b`, which is not configured");
        check(r#", "active_provider": "sim""#, on, on, "error: names `sim`, which is not configured");
        check(r#", "default_provider_instance": "a""#, on, on, "a aws");
        check(r#", "default_provider_instance": "a""#, on, off, "error: names `a`, which is not enabled");
        check(r#", "default_provider_type": "aws""#, on, on, "a aws");
        check(r#", "default_provider_type": "aws""#, on, off, "error: no provider of that type is enabled");
        check(r#", "default_provider_type": "gcp""#, on, on, "error: no provider of that type is configured");
        // What stands further back decides nothing.
        check(r#", "active_provider": "s", "default_provider_instance": "b""#, on, on, "s sim");
        check(r#", "default_provider_instance": "s", "default_provider_type": "gcp""#, on, on, "s sim");
    }
    // The instance that Host Factory calls by its name.
    check(Some(&list("", on, on)), &ALL, Some("a"), "a aws");
    check(Some(&list(r#", "active_provider": "s""#, on, on)), &ALL, Some("a"), "a aws");
    check(Some(&list(r#", "active_provider": "s""#, on, off)), &ALL, Some("a"), "s sim");
    check(Some(&list("", on, off)), &ALL, Some("a"), "error: `a`, which Host Factory names, is not enabled");
}

/// A file of IBM's means AWS only where `config.json` says nothing else.
#[test]
fn ibm_beside_a_list() {
    let sim = |rest: &str| format!(r#"{{"providers": [{{"name": "sim", "type": "sim"}}]{rest}}}"#);
    for called in [None, Some("awsinst"), Some("sim")] {
        check(Some(&sim("")), &ALL, called, "sim sim");
        check(Some(&sim(r#", "active_provider": "sim""#)), &ALL, called, "sim sim");
    }
    let implied = sim(r#", "active_provider": "awsinst""#);
    check(Some(&implied), &[IbmConfig], Some("awsinst"), "awsinst aws");
    check(
        Some(&implied),
        &[Plain, Cloud],
        Some("awsinst"),
        "error: names `awsinst`, which is not configured",
    );
    let off = r#"{"providers": [{"name": "sim", "type": "sim", "enabled": false}]}"#;
    check(Some(off), &[IbmConfig], Some("awsinst"), "awsinst aws");
    check(Some(off), &[Plain, Cloud, IbmTemplates], None, "none is enabled");
}

/// What is wrong with defaults for providers that are not configured is a warning.
#[test]
fn defaults_of_types_that_no_provider_has() {
    const TEMPLATES: &str = r#"[{"templateId": "a", "maxNumber": 1, "vmType": "m5.large"}]"#;
    let config = |kind: &str| {
        format!(
            r#"{{"provider": {{"provider_defaults": {{"{kind}": {{"template_defaults": {{"price_type": "standard"}}}}}},
            "providers": [{{"name": "s", "type": "sim"}}]}}}}"#
        )
    };
    let directory =
        |kind: &str| Directory::new(&[("templates.json", TEMPLATES), ("config.json", &config(kind))]);
    let line =
        "`template_defaults.price_type` must be one of `ondemand`, `spot`, `heterogeneous`, not \"standard\"";
    for kind in ["azure", "gcp", "aws"] {
        let at = 78 + kind.len();
        assert_eq!(directory(kind).lines(&[]), [format!("warning: config.json:1:{at}: {line}")], "{kind}");
    }
    assert_eq!(directory("sim").lines(&[]), [format!("error: config.json:1:81: {line}")]);
}

/// Templates take fields over from the default provider: where that cannot be known, they cannot be either.
#[test]
fn templates_need_the_provider_whose_fields_they_take_over() {
    let directory = |defaults: &str, active: &str| {
        let config = format!(
            r#"{{"provider": {{"active_provider": "{active}", "providers": [{{"name": "a", "type": "aws"{defaults}}}]}}}}"#
        );
        Directory::new(&[("templates.json", PLAIN), ("config.json", &config)])
    };
    let defaults = r#", "template_defaults": {"priceType": "spot"}"#;
    for (defaults, active, stopped) in
        [("", "a", false), ("", "b", false), (defaults, "a", false), (defaults, "b", true)]
    {
        let resolved = directory(defaults, active).resolve(&[]).unwrap();
        assert_eq!(resolved.templates().is_err(), stopped, "{defaults} {active}");
        assert_eq!(resolved.errors().is_empty(), active == "a");
    }
}

/// Wrong fields for templates stop these where the provider may have some of them, and wrong options never do.
#[test]
fn wrong_defaults_stop_the_templates_of_enabled_providers() {
    let check = |member: &str, stopped: bool| {
        let config = format!(
            r#"{{"provider": {{"providers": [{{"name": "s", "type": "sim"}}, {{"name": "a", "type": "aws", {member}}}]}}}}"#
        );
        let directory = Directory::new(&[("templates.json", PLAIN), ("config.json", &config)]);
        let resolved = directory.resolve(&[]).unwrap();
        assert!(!resolved.problems.is_empty(), "{member}");
        assert_eq!(resolved.templates().is_err(), stopped, "{member}");
    };
    check(r#""template_defaults": {"vmType": 5}"#, true);
    check(r#""enabled": false, "template_defaults": {"vmType": 5}"#, false);
    check(r#""weight": "many""#, false);
}

/// What is wrong with a member stands beside its instance; `null` is as good as not written.
#[test]
fn members_of_instances() {
    let config = r#"{"provider": {"providers": [
        {"name": "a", "type": "aws", "weight": null, "priority": null, "enabled": null},
        {"name": "b", "type": "aws", "weight": "many", "config": {"port": "x"}}
    ]}}"#;
    let resolved =
        Directory::new(&[("templates.json", PLAIN), ("config.json", config)]).resolve(&[]).unwrap();
    let [a, b] = resolved.providers.as_slice() else { panic!("{:?}", resolved.providers) };
    assert_eq!((a.weight, a.priority, a.enabled), (100, 0, true));
    assert_eq!(a.problems(&["weight", "priority", "enabled", "type", "name", "config"]), []);
    assert_eq!(b.problems(&["weight"]).len(), 1);
    assert_eq!(b.problems(&["enabled", "priority"]), []);
    assert_eq!(b.problems(&["weight"]), resolved.errors()[..1]);
}

/// Other brokers keep defaults of templates among the extensions of a provider's type, too.
#[test]
fn extensions_that_are_fields_of_templates() {
    let check = |extensions: &str, field: &str, wanted: &str, findings: &[&str]| {
        let config = format!(
            r#"{{"provider": {{"type": "sim", "provider_defaults": {{"sim": {{"template_defaults": {{"key_name": "k"}}, "extensions": {extensions}}}}}}}}}"#
        );
        let directory = Directory::new(&[("templates.json", PLAIN), ("config.json", &config)]);
        let resolved = directory.load(&[]).unwrap();
        let found = resolved.templates[0].fields().get(field).map(ToString::to_string);
        assert_eq!(found.as_deref().unwrap_or("-"), wanted, "{extensions}");
        assert_eq!(directory.lines(&[]), findings, "{extensions}");
    };
    let place = "warning: config.json:1:";
    let key = "provider.provider_defaults.sim.extensions";
    check(r#"{"fleet_role": "r"}"#, "fleetRole", "\"r\"", &[]);
    check(r#"{"key_name": "other"}"#, "keyName", "\"k\"", &[]);
    check(r#"{"vm_type": "m5.xlarge"}"#, "vmType", "\"m5.large\"", &[]);
    check(
        r#"{"volume_type": "round"}"#,
        "volumeType",
        "-",
        &[&format!(
            "{place}130: `{key}.volume_type` must be one of `gp2`, `gp3`, `io1`, `io2`, `standard`, not \"round\"; it is ignored"
        )],
    );
    check(
        r#"{"ami_resolution": {}, "native_spec": {}}"#,
        "imageId",
        "-",
        &[&format!("{place}114: `ami_resolution`, `native_spec` in `{key}` have no effect in ohfp")],
    );
}
