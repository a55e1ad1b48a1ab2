//! Reads `config.json` and the environment into settings, by the table of [`super::keys`].
//!
//! It must not know how providers and templates use the values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind};
use ohfp_keys::{Key, Rule, bytes, shown};
use serde_json::Value;

use crate::nearest::{did_you_mean, nearest};
use crate::settings::effective::{Setting, SettingSource, Settings};
use crate::settings::key_table::{LOG_LEVEL, REFRESH};
use crate::settings::keys::{self, KeyKind};
use crate::settings::other_names::OTHER_WORDS;
use crate::settings::redact::redact;
use crate::settings::words::LogLevel;
use crate::source::findings::{Findings, Subject};
use crate::source::text::{Step, Text, find, members};
use crate::source::trail::Recorder;

/// The variable that overrides `snapshot.refresh`.
const REFRESH_VARIABLE: &str = "OHFP_SNAPSHOT_REFRESH";

/// Reads `config.json`, if there is one, then the environment. `root` shortens the path in sources.
pub(crate) fn read(
    file: Option<&Text>,
    root: &Path,
    recorder: &Recorder<'_>,
    findings: &mut Findings,
) -> Settings {
    let mut settings = Settings::default();
    if let Some(text) = file {
        let path = text.path().strip_prefix(root).unwrap_or(text.path()).to_owned();
        let mut reader = Reader {
            settings: &mut settings,
            text,
            path,
            recorder,
            findings,
            idle: BTreeMap::new(),
            aliased: Vec::new(),
        };
        match text.value(text.as_str()) {
            Ok(Value::Object(_)) => {
                reader.section("", text.as_str());
                reader.apply_aliases();
                reader.report_idle();
            }
            Ok(other) => reader.findings.error(
                text,
                0,
                &format!("expected an object like {{\"scheduler\": …}}, not {}", shown(&other)),
                None,
            ),
            Err(syntax) => reader.findings.error(text, syntax.offset, &syntax.message, None),
        }
    }
    override_refresh(&mut settings, recorder, findings);
    settings
}

fn override_refresh(settings: &mut Settings, recorder: &Recorder<'_>, findings: &mut Findings) {
    let Some(raw) = recorder.variable(REFRESH_VARIABLE).filter(|value| !value.is_empty()) else { return };
    let key = &REFRESH.key;
    let value = Value::from(raw.to_string_lossy().into_owned());
    if key.rule.allows(&value) {
        settings.set(key, value, SettingSource::Variable(REFRESH_VARIABLE.to_owned()));
        return;
    }
    findings.about(Subject::Setting(key.name.to_owned()));
    let message = format!(
        "the environment variable {REFRESH_VARIABLE} must be {}, not {}",
        key.rule.allowed(),
        shown(&value)
    );
    findings.failure(0, Error::new(ErrorKind::Input, message));
    findings.about(Subject::Everything);
}

/// Walks `config.json`.
struct Reader<'r, 'e> {
    settings: &'r mut Settings,
    text: &'r Text,
    /// The path as shown in sources.
    path: PathBuf,
    recorder: &'r Recorder<'e>,
    findings: &'r mut Findings,
    /// Keys without effect by top-level section, with the position of the first.
    idle: BTreeMap<String, (usize, Vec<String>)>,
    /// Values under an alias of their key: name, position, key, value.
    aliased: Vec<(String, usize, &'static Key, &'r str)>,
}

impl<'r> Reader<'r, '_> {
    fn section(&mut self, prefix: &str, part: &'r str) {
        let text = self.text;
        let mut seen: Vec<String> = Vec::new();
        for member in members(part) {
            let (name, at) = (member.name(), text.offset(member.key.get()));
            let dotted = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if seen.contains(&name) {
                self.findings.warning(
                    text,
                    at,
                    format!("`{dotted}` appears twice; the last one counts"),
                    None,
                );
            }
            seen.push(name);
            self.member(&dotted, at, member.value.get());
        }
    }

    fn member(&mut self, name: &str, at: usize, part: &'r str) {
        match keys::meaning(name) {
            KeyKind::Key(key) => self.value(key, key.name, part),
            KeyKind::Alias(key) => self.aliased.push((name.to_owned(), at, key, part)),
            // Null means "not set" in the files of other brokers.
            KeyKind::Section if part == "null" => (),
            KeyKind::Section if part.starts_with('{') => self.section(name, part),
            KeyKind::Section => {
                let message = format!("`{name}` must be an object that holds settings");
                self.findings.about(Subject::Setting(name.to_owned()));
                self.findings.error(self.text, self.text.offset(part), &message, None);
                self.findings.about(Subject::Everything);
            }
            KeyKind::WithoutEffect => {
                let section = name.split('.').next().unwrap_or(name).to_owned();
                self.idle.entry(section).or_insert_with(|| (at, Vec::new())).1.push(name.to_owned());
            }
            KeyKind::Descriptive => (),
            KeyKind::Unknown => {
                let hint = did_you_mean(keys::nearest(name));
                self.findings.warning(
                    self.text,
                    at,
                    format!("`{name}` is not a known key and is ignored"),
                    hint,
                );
            }
        }
    }

    /// Reads the value of a key that is written as `name`.
    fn value(&mut self, key: &'static Key, name: &str, part: &'r str) {
        let mut at = self.text.offset(part);
        let mut value: Value = match self.text.value(part) {
            Ok(Value::Null) => return,
            Ok(value) => value,
            Err(syntax) => return self.findings.error(self.text, syntax.offset, &syntax.message, None),
        };
        let written = value.clone();
        crate::settings::expand::expand(&mut value, self.recorder);
        self.translate(key, &mut value, at);
        if let Some(meant) = key.rule.meant(&value) {
            // The value of a variable is text, even if the key holds a number.
            if written == value {
                let message =
                    format!("`{name}` is written as {}; it is read as {}", shown(&value), shown(&meant));
                self.findings.warning(self.text, at, message, None);
            }
            value = meant;
        }
        if !key.rule.allows(&value) {
            let mut wrong = &value;
            let mut one_with = "";
            if let Some(index) = key.rule.stranger(&value) {
                at = find(part, &[Step::Index(index)]).map_or(at, |item| self.text.offset(item));
                wrong = value.get(index).unwrap_or(&value);
                one_with = "one with ";
            }
            let message = format!(
                "`{name}` must be {}, not {one_with}{}",
                key.rule.allowed(),
                shown(&redact(key.name, wrong))
            );
            let hint = wrong.as_str().and_then(|word| nearest(word, key.rule.words().iter().copied()));
            self.findings.about(Subject::Setting(key.name.to_owned()));
            self.findings.error(self.text, at, &message, did_you_mean(hint));
            self.findings.about(Subject::Everything);
            return;
        }
        if let (Rule::Bytes, Some(bytes)) = (key.rule, bytes(&value)) {
            value = Value::from(bytes);
        }
        let line = self.text.place(at).position.map_or(1, |(line, _)| line);
        self.settings.set(key, value, SettingSource::File { path: self.path.clone(), line });
    }

    /// A value under an alias counts only if the key itself is not written.
    fn apply_aliases(&mut self) {
        for (name, at, key, part) in std::mem::take(&mut self.aliased) {
            let is_written = |setting: &Setting| {
                setting.key == key.name && matches!(setting.source, SettingSource::File { .. })
            };
            if self.settings.entries().any(is_written) {
                let message = format!("`{name}` and `{}` are the same; the latter counts", key.name);
                self.findings.warning(self.text, at, message, None);
            } else {
                self.value(key, &name, part);
            }
        }
    }

    /// Translates values of other brokers' files into ours.
    fn translate(&mut self, key: &Key, value: &mut Value, at: usize) {
        let Some(word) = value.as_str() else { return };
        let name = key.name;
        let ours =
            if let Some(other) = OTHER_WORDS.iter().find(|other| other.key == name && other.theirs == word) {
                if let Some(because) = other.because {
                    let message = format!("`{name}` \"{word}\" is read as \"{}\": {because}", other.ours);
                    self.findings.warning(self.text, at, message, None);
                }
                other.ours
            } else if name == LOG_LEVEL.key.name
                && let Some(level) = LogLevel::lenient(word)
            {
                level.word()
            } else {
                return;
            };
        *value = Value::from(ours);
    }

    /// One line per section, however many of its keys have no effect.
    fn report_idle(&mut self) {
        for (at, names) in std::mem::take(&mut self.idle).into_values() {
            let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = match quoted.as_slice() {
                [one] => format!("{one} has no effect in ohfp"),
                many => format!("{} have no effect in ohfp", many.join(", ")),
            };
            self.findings.warning(self.text, at, message, None);
        }
    }
}

#[cfg(test)]
mod tests {
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
        check(
            "{\"snapshot\": {\n\"refresh\": \"$W\"}}",
            "snapshot.refresh",
            "\"manual\"",
            "config.json:2",
            &[],
        );
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
}
