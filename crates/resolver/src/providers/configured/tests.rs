//! Provider instances as `config.json` lists them, and what is wrong with them.

use std::path::Path;

use super::*;
use crate::source::environment::Environment;
use crate::source::trail::Recorder;

fn read(providers: &str) -> (Vec<ProviderInstance>, Vec<String>) {
    let content = format!("{{\"provider\": {{\"providers\": {providers}}}}}");
    let text = Text::new(Path::new("/c/config.json"), 0, content.into_bytes()).unwrap();
    let env = Environment::default();
    let mut findings = Findings::default();
    let settings =
        crate::settings::config_file::read(Some(&text), Path::new("/c"), &Recorder::new(&env), &mut findings);
    let mut instances = configured(&text, &settings, &mut findings);
    add_type_defaults(&text, &settings, &mut instances, &mut findings);
    (instances, findings.lines())
}

#[test]
fn instances() {
    let (instances, findings) = read(
        r#"[{"name": "a", "type": "aws", "priority": 2, "weight": 5, "config": {"region": "r", "password": "p"}},
           {"name": "b-2", "type": "sim", "enabled": false}]"#,
    );
    let unknown = "`password` is not a known option of a provider of type `aws`";
    assert_eq!(findings, [format!("warning: /c/config.json:1:124: {unknown}")]);
    let [a, b] = instances.as_slice() else { panic!("two instances") };
    assert_eq!((a.priority, a.weight, a.enabled), (2, 5, true));
    assert_eq!((b.priority, b.weight, b.enabled), (0, 100, false));
    assert_eq!(Value::Object(a.config.clone()).to_string(), r#"{"region":"r","password":"p"}"#);
    assert_eq!((a.source.as_str(), b.source.as_str()), ("config.json:1", "config.json:2"));
}

#[test]
fn findings() {
    let check = |providers: &str, wanted: &[&str]| {
        assert_eq!(read(providers).1, wanted, "{providers}");
    };
    check(
        "[5]",
        &["error: /c/config.json:1:29: an element of `provider.providers` must be an object, not 5"],
    );
    check(r#"[{"type": "aws"}]"#, &["error: /c/config.json:1:29: this provider has no `name`"]);
    check(
        r#"[{"name": "a b", "type": "aws"}]"#,
        &["error: /c/config.json:1:38: the provider name \"a b\" must consist of 0-9, A-Z, a-z, _ and -"],
    );
    check(
        r#"[{"name": "a", "type": "aws", "weight": 0}]"#,
        &["error: /c/config.json:1:68: `weight` of a provider must be a whole number from 1, not 0"],
    );
    check(
        r#"[{"name": "a", "type": "aws"}, {"name": "a", "type": "sim"}]"#,
        &["error: /c/config.json:1:68: the provider name `a` is used twice; names must be unique"],
    );
    check(
        r#"[{"name": "a", "type": "asw", "enbled": true, "handlers": {}}]"#,
        &[
            "warning: /c/config.json:1:51: ohfp has no provider of type `asw`; requests to `a` will fail (did you mean `aws`?)",
            "warning: /c/config.json:1:68: `enbled` is not a known key of a provider and is ignored (did you mean `enabled`?)",
            "warning: /c/config.json:1:86: `handlers` of a provider has no effect in ohfp",
        ],
    );
    check(
        r#"[{"name": "a", "type": "sim", "enabled": "false", "weight": "5"}, {"name": "b", "type": "aws", "config": {"regon": "r", "proxy_port": "80"}, "template_defaults": {"imageld": "i", "vmType": 5}}]"#,
        &[
            "error: /c/config.json:1:217: `template_defaults.vmType` must be a string, not 5",
            "warning: /c/config.json:1:69: `enabled` of a provider is written as \"false\"; it is read as false",
            "warning: /c/config.json:1:88: `weight` of a provider is written as \"5\"; it is read as 5",
            "warning: /c/config.json:1:143: `regon` is not a known option of a provider of type `aws` (did you mean `region`?)",
            "warning: /c/config.json:1:162: `proxy_port` is written as \"80\"; it is read as 80",
            "warning: /c/config.json:1:202: `template_defaults.imageld` is not a known field; it is copied into templates unchanged (did you mean `imageId`?)",
        ],
    );
}

#[test]
fn one_provider_without_a_list() {
    let check = |provider: &str, wanted: &str, lines: &[&str]| {
        let text = format!("{{\"provider\": {provider}}}");
        let text = Text::new(Path::new("/c/config.json"), 0, text.into_bytes()).unwrap();
        let (env, mut findings) = (Environment::default(), Findings::default());
        let recorder = Recorder::new(&env);
        let settings =
            crate::settings::config_file::read(Some(&text), Path::new("/c"), &recorder, &mut findings);
        let instances = configured(&text, &settings, &mut findings);
        let shown = instances.iter().map(|one| {
            format!("{} {} {} {}", one.name, one.kind, one.enabled, Value::Object(one.config.clone()))
        });
        assert_eq!(shown.collect::<Vec<_>>().join(", "), wanted, "{provider}");
        assert_eq!(findings.lines(), lines, "{provider}");
    };
    check(r#"{"type": "aws", "aws": {"region": "r"}}"#, r#"aws aws true {"region":"r"}"#, &[]);
    check(r#"{"aws": {"region": "r", "enabled": false}}"#, r#"aws aws false {"region":"r"}"#, &[]);
    check(r#"{"type": "sim"}"#, "sim sim true {}", &[]);
    check(r#"{"active_provider": "sim"}"#, "sim sim true {}", &[]);
    check(r#"{"default_provider_type": "sim"}"#, "sim sim true {}", &[]);
    check(
        r#"{"type": "aws", "active_provider": "prod", "aws": {"config": {"region": "r"}}}"#,
        r#"prod aws true {"region":"r"}"#,
        &[],
    );
    check(r#"{"active_provider": "prod"}"#, "", &[]);
    check("{}", "", &[]);
    check(
        r#"{"aws": {}, "sim": {}}"#,
        "",
        &[
            "error: /c/config.json:1:33: `provider.aws` and `provider.sim` are both there; `provider.type` must say which is meant",
        ],
    );
    check(
        r#"{"type": "sim", "providers": [{"name": "a", "type": "aws"}]}"#,
        "a aws true {}",
        &["warning: /c/config.json:1:23: `provider.type` has no effect beside `provider.providers`"],
    );
}
