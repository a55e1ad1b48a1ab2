//! Which settings and findings a `config.json` gives.

use super::*;
use crate::settings::words::Refresh;
use crate::source::environment::Environment;

fn settings(content: &str, variables: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let text = Text::new(Path::new("/c/config.json"), 0, content.as_bytes().to_vec()).unwrap();
    let env: Environment = variables.iter().copied().collect();
    let mut findings = Findings::default();
    let settings = read(Some(&text), Path::new("/c"), &Recorder::new(&env), &mut findings);
    (settings, findings.lines())
}

#[test]
fn values_sources_and_findings() {
    let check = |content: &str, key: &str, value: &str, source: &str, findings: &[&str]| {
        let (settings, found) = settings(content, &[("W", "manual"), ("N", "7"), ("PASSWORD", "x")]);
        assert_eq!(settings.get(key).to_string(), value, "{content}");
        let setting = settings.entries().find(|setting| setting.key == key).unwrap();
        assert_eq!(setting.source.to_string(), source, "{content}");
        assert_eq!(found, findings, "{content}");
    };
    let (file, unset) = ("config.json:1", "default");
    check(r#"{"scheduler": {"type": "default"}}"#, "scheduler.type", "\"default\"", file, &[]);
    check(r#"{"scheduler": {"type": "hf"}}"#, "scheduler.type", "\"hostfactory\"", file, &[]);
    check(r#"{"snapshot": {"render_limit": "1KiB"}}"#, "snapshot.render_limit", "1024", file, &[]);
    check("{\"snapshot\": {\n\"refresh\": \"$W\"}}", "snapshot.refresh", "\"manual\"", "config.json:2", &[]);
    check(r#"{"snapshot": null, "version": "2.0.0"}"#, "snapshot.refresh", "\"auto\"", unset, &[]);
    check(
        r#"{"storage": {"strategy": "json", "json_strategy": {}, "database": {}}}"#,
        "storage.strategy",
        "\"sqlite\"",
        file,
        &[
            "warning: /c/config.json:1:26: `storage.strategy` \"json\" is read as \"sqlite\": ohfp keeps its state in SQLite",
            "warning: /c/config.json:1:34: `storage.json_strategy`, `storage.database` have no effect in ohfp",
        ],
    );
    check(
        r#"{"ui": {"x": 1}, "snapshott": {}, "scheduler": {"typ": 1}}"#,
        "scheduler.type",
        "\"hostfactory\"",
        unset,
        &[
            "warning: /c/config.json:1:2: `ui` has no effect in ohfp",
            "warning: /c/config.json:1:18: `snapshott` is not a known key and is ignored (did you mean `snapshot`?)",
            "warning: /c/config.json:1:49: `scheduler.typ` is not a known key and is ignored (did you mean `scheduler.type`?)",
        ],
    );
    check(
        r#"{"scheduler": {"type": "hostfactry"}, "request": {"max_machines_per_request": "x"}, "storage": 1}"#,
        "scheduler.type",
        "\"hostfactory\"",
        unset,
        &[
            "error: /c/config.json:1:24: `scheduler.type` must be one of `hostfactory`, `default`, not \"hostfactry\"",
            "error: /c/config.json:1:79: `request.max_machines_per_request` must be a whole number from 1, not \"x\"",
            "error: /c/config.json:1:96: `storage` must be an object that holds settings",
        ],
    );
    check(
        r#"{"template": {"max_number": 1, "max_number": 2}}"#,
        "template.max_number",
        "2",
        file,
        &["warning: /c/config.json:1:32: `template.max_number` appears twice; the last one counts"],
    );
    let read = |name: &str, as_written: &str, meant: &str| {
        format!("warning: /c/config.json:1:{name} is written as {as_written}; it is read as {meant}")
    };
    check(
        r#"{"template": {"max_number": "5"}, "logging": {"performance_timing": "True"}}"#,
        "template.max_number",
        "5",
        file,
        &[
            &read("29: `template.max_number`", "\"5\"", "5"),
            &read("69: `logging.performance_timing`", "\"True\"", "true"),
        ],
    );
    // A variable is always text.
    check(r#"{"template": {"max_number": "$N"}}"#, "template.max_number", "7", file, &[]);
    check(
        "[1]",
        "template.max_number",
        "null",
        unset,
        &["error: /c/config.json:1:1: expected an object like {\"scheduler\": …}, not [1]"],
    );
    check(
        "{\"a\": }",
        "template.max_number",
        "null",
        unset,
        &[
            "error: /c/config.json:1:7: expected a value: an object, a list, a string in double quotes, a number, true, false or null",
        ],
    );
}

#[test]
fn performance() {
    let check = |content: &str, key: &str, value: &str, wanted: &[&str]| {
        let (settings, found) = settings(&format!("{{\"performance\": {content}}}"), &[]);
        assert_eq!(settings.get(&format!("performance.{key}")).to_string(), value, "{content}");
        assert_eq!(found, wanted, "{content}");
    };
    let preload = "lazy_loading.preload_critical";
    check(r#"{"lazy_loading": {"preload_critical": []}}"#, preload, "[]", &[]);
    check(
        "{\"lazy_loading\": {\"preload_critical\": [\"StoragePort\",\n\"StorgePort\"]}}",
        preload,
        r#"["LoggingPort","ConfigurationPort"]"#,
        &[
            "error: /c/config.json:2:1: `performance.lazy_loading.preload_critical` must be a list of `LoggingPort`, \
          `ConfigurationPort`, `StoragePort`, `ProviderPort`, `SchedulerPort`, `CachePort`, `TemplateService`, \
          `RequestService`, `MonitoringService`, not one with \"StorgePort\"",
        ],
    );
    let threads = "lazy_loading.background_loading.thread_pool_size";
    check(r#"{"background_loading": {"thread_pool_size": 4}}"#, threads, "4", &[]);
    check(
        r#"{"background_loading": {"thread_pool_size": 0}}"#,
        threads,
        "2",
        &[
            "error: /c/config.json:1:61: `performance.background_loading.thread_pool_size` must be a whole number from 1 to 64, not 0",
        ],
    );
    check(
        r#"{"background_loading": {"thread_pool_size": 4}, "lazy_loading": {"background_loading": {"thread_pool_size": 3}}}"#,
        threads,
        "3",
        &["warning: /c/config.json:1:41: `performance.background_loading.thread_pool_size` and \
          `performance.lazy_loading.background_loading.thread_pool_size` are the same; the latter counts"],
    );
    check(
        r#"{"batch_sizes": {}, "lazy_loading": {"enabled": "no"}}"#,
        "lazy_loading.enabled",
        "true",
        &[
            "error: /c/config.json:1:65: `performance.lazy_loading.enabled` must be true or false, not \"no\"",
            "warning: /c/config.json:1:18: `performance.batch_sizes` has no effect in ohfp",
        ],
    );
    let (settings, found) = settings(r#"{"logging": {"level": "log_warn", "format": "x"}}"#, &[]);
    assert_eq!(settings.get("logging.level"), "WARNING");
    assert_eq!(found, ["warning: /c/config.json:1:35: `logging.format` has no effect in ohfp"]);
}

#[test]
fn the_environment_overrides_refresh() {
    let check = |value: &str, wanted: Refresh, source: &str, findings: &[&str]| {
        let (settings, found) =
            settings(r#"{"snapshot": {"refresh": "manual"}}"#, &[(REFRESH_VARIABLE, value)]);
        assert_eq!(settings.refresh(), wanted);
        let setting = settings.entries().find(|setting| setting.key == "snapshot.refresh").unwrap();
        assert_eq!(setting.source.to_string(), source);
        assert_eq!(found, findings);
    };
    check("never", Refresh::Never, "$OHFP_SNAPSHOT_REFRESH", &[]);
    check("", Refresh::Manual, "config.json:1", &[]);
    check(
        "often",
        Refresh::Manual,
        "config.json:1",
        &[
            "error: the environment variable OHFP_SNAPSHOT_REFRESH must be one of `auto`, `manual`, `never`, not \"often\"",
        ],
    );
}
