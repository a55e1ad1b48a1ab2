//! Log level, size and rotation: one decision from `config.json`, IBM's file and Host Factory's variables.
//!
//! The order is IBM's. Host Factory's own settings count only if they are accepted, which is off by default;
//! otherwise `logging.level` decides, then LSF's `LogLevel`.

use std::path::Path;

use ohfp_keys::shown;
use serde_json::{Map, Value};

use crate::settings::effective::{SettingSource, Settings};
use crate::settings::key_table::{ACCEPT_PROPAGATED_LOG_SETTINGS, LOG_LEVEL};
use crate::settings::words::LogLevel;
use crate::source::findings::Findings;
use crate::source::text::{Step, Text, find};
use crate::source::trail::Recorder;

/// Host Factory's log level.
const VARIABLE: &str = "HF_LOGLEVEL";
/// Open Resource Broker's, for a site that has set none in a file.
const ORB_VARIABLE: &str = "ORB_LOG_LEVEL";

/// The logging keys of IBM's file.
pub(crate) struct Ibm<'t> {
    pub(crate) text: &'t Text,
    pub(crate) options: &'t Map<String, Value>,
    /// The path as sources show it.
    pub(crate) path: &'t Path,
}

impl Ibm<'_> {
    fn at(&self, key: &str) -> usize {
        find(self.text.as_str(), &[Step::Key(key)]).map_or(0, |part| self.text.offset(part))
    }

    fn source(&self, key: &str) -> SettingSource {
        let line = self.text.place(self.at(key)).position.map_or(1, |(line, _)| line);
        SettingSource::File { path: self.path.to_owned(), line }
    }

    fn accepts(&self) -> Option<bool> {
        match self.options.get("ACCEPT_PROPAGATED_LOG_SETTING")? {
            Value::Bool(accepts) => Some(*accepts),
            other => other.as_str().map(|text| text.eq_ignore_ascii_case("true")),
        }
    }

    fn level(&self, findings: &mut Findings) -> Option<LogLevel> {
        let written = self.options.get("LogLevel").filter(|value| !value.is_null())?;
        let level = written.as_str().and_then(LogLevel::lenient);
        if level.is_none() {
            let message = format!("`LogLevel` {} is no level and is ignored", shown(written));
            let hint = format!("the levels are {}", LogLevel::listed());
            findings.warning(self.text, self.at("LogLevel"), message, Some(hint));
        }
        level
    }
}

/// Stores the effective level in the settings, with its source.
pub(crate) fn decide(
    settings: &mut Settings,
    ibm: Option<&Ibm<'_>>,
    recorder: &Recorder<'_>,
    findings: &mut Findings,
) {
    if let Some(ibm) = ibm {
        if settings.of(&ACCEPT_PROPAGATED_LOG_SETTINGS).is_none()
            && let Some(accepts) = ibm.accepts()
        {
            settings.set(
                &ACCEPT_PROPAGATED_LOG_SETTINGS.key,
                Value::Bool(accepts),
                ibm.source("ACCEPT_PROPAGATED_LOG_SETTING"),
            );
        }
        let level = ibm.level(findings);
        let is_set = settings
            .setting(&LOG_LEVEL.key)
            .is_some_and(|setting| setting.source != SettingSource::Default || setting.problem.is_some());
        if let (Some(level), false) = (level, is_set) {
            settings.set(&LOG_LEVEL.key, Value::from(level.name()), ibm.source("LogLevel"));
        }
    }
    let is_unset = |settings: &Settings| {
        settings
            .setting(&LOG_LEVEL.key)
            .is_some_and(|setting| setting.source == SettingSource::Default && setting.problem.is_none())
    };
    if is_unset(settings) {
        from_variable(settings, ORB_VARIABLE, recorder);
    }
    // Looked up only if it counts: a change of a recorded variable makes a snapshot stale.
    if settings.accepts_propagated_log_settings() {
        from_variable(settings, VARIABLE, recorder);
    }
}

fn from_variable(settings: &mut Settings, variable: &str, recorder: &Recorder<'_>) {
    let word = recorder.variable(variable).and_then(|word| word.to_str());
    if let Some(level) = word.and_then(LogLevel::lenient) {
        settings.set(&LOG_LEVEL.key, Value::from(level.name()), SettingSource::Variable(variable.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::config_file;
    use crate::source::environment::Environment;

    #[test]
    fn the_level_in_force() {
        let check = |config: &str, ibm: Option<&str>, variable: Option<&str>, wanted: &str, source: &str| {
            let text = |path: &str, number, content: &str| {
                Text::new(Path::new(path), number, content.as_bytes().to_vec()).unwrap()
            };
            let env: Environment = variable.map(|level| ("HF_LOGLEVEL", level)).into_iter().collect();
            let (recorder, mut findings) = (Recorder::new(&env), Findings::default());
            let config = text("/c/config.json", 0, config);
            let mut settings = config_file::read(Some(&config), Path::new("/c"), &recorder, &mut findings);
            let ibm = ibm.map(|content| text("/c/awsprov_config.json", 1, content));
            let options = ibm.as_ref().map(|text| serde_json::from_str(text.as_str()).unwrap());
            let options: Map<String, Value> = options.unwrap_or_default();
            let ibm = ibm.as_ref().map(|text| Ibm {
                text,
                options: &options,
                path: Path::new("awsprov_config.json"),
            });
            decide(&mut settings, ibm.as_ref(), &recorder, &mut findings);
            let level = settings.setting(&LOG_LEVEL.key).unwrap();
            let case = format!("{variable:?} {}", config.as_str());
            assert_eq!(
                (level.value.as_str(), level.source.to_string().as_str()),
                (Some(wanted), source),
                "{case}"
            );
        };
        let (none, accepting) = ("{}", r#"{"ACCEPT_PROPAGATED_LOG_SETTING": "true"}"#);
        let own = r#"{"logging": {"level": "warn"}}"#;
        let own_accepting = r#"{"logging": {"level": "warn", "accept_propagated_setting": true}}"#;
        let own_refusing = r#"{"logging": {"accept_propagated_setting": "false"}}"#;
        let lsf = r#"{"LogLevel": "debug", "ACCEPT_PROPAGATED_LOG_SETTING": "false"}"#;
        let hf = Some("LOG_ERROR");
        check(none, None, None, "INFO", "default");
        // IBM's default is that Host Factory's level does not count.
        check(none, None, hf, "INFO", "default");
        check(none, Some(none), hf, "INFO", "default");
        check(none, Some(accepting), hf, "ERROR", "$HF_LOGLEVEL");
        check(none, Some(accepting), Some("LOUD"), "INFO", "default");
        check(none, Some(accepting), None, "INFO", "default");
        check(own, Some(accepting), hf, "ERROR", "$HF_LOGLEVEL");
        check(own_accepting, None, hf, "ERROR", "$HF_LOGLEVEL");
        check(own_refusing, Some(accepting), hf, "INFO", "default");
        check(none, Some(lsf), hf, "DEBUG", "awsprov_config.json:1");
        check(own, Some(lsf), hf, "WARNING", "config.json:1");
        let third = "{\n\"AWS_REGION\": \"r\",\n\"LogLevel\": \"debug\"}";
        check(none, Some(third), hf, "DEBUG", "awsprov_config.json:3");
    }
}
