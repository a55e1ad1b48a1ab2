//! Reads the configuration and the environment into settings, by the table of [`super::keys`].
//!
//! It must not know how providers and templates use the values.

use std::collections::BTreeMap;
use std::path::Path;

use ohfp_broker::{Error, ErrorKind};
use ohfp_keys::{Key, Rule, bytes, shown};
use serde_json::Value;

use crate::nearest::{did_you_mean, nearest};
use crate::settings::effective::{Setting, SettingSource, Settings};
use crate::settings::expand::{Unset, expand};
use crate::settings::key_table::{PROVIDER_AWS, PROVIDER_DEFAULTS, PROVIDER_SIM, PROVIDERS, REFRESH};
use crate::settings::keys::{self, KeyKind};
use crate::settings::other_names::{idle_hint, translated};
use crate::settings::redact::redact;
use crate::source::findings::{Findings, Subject};
use crate::source::text::{Step, Text, find, members};
use crate::source::trail::Recorder;

/// The variable that overrides `snapshot.refresh`.
const REFRESH_VARIABLE: &str = "OHFP_SNAPSHOT_REFRESH";

/// Keys whose values are read in parts, each of which only matters to one provider.
const IN_PARTS: [&str; 4] =
    [PROVIDERS.key.name, PROVIDER_AWS.key.name, PROVIDER_SIM.key.name, PROVIDER_DEFAULTS.key.name];

/// Reads the text of the configuration, if there is one, then the environment. `root` shortens the path in sources.
pub(crate) fn read(
    file: Option<&Text>,
    root: &Path,
    recorder: &Recorder<'_>,
    findings: &mut Findings,
) -> Settings {
    let mut settings = Settings::default();
    if let Some(text) = file {
        let mut reader = Reader {
            settings: &mut settings,
            text,
            root,
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

/// Walks the configuration.
struct Reader<'r, 'e> {
    settings: &'r mut Settings,
    text: &'r Text,
    /// Shortens the path in sources.
    root: &'r Path,
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
        let source = SettingSource::of(self.text, at, self.root);
        let written = value.clone();
        let unset = expand(&mut value, self.recorder);
        if IN_PARTS.contains(&key.name) {
            self.settings.note_unset(key, unset);
        } else if !unset.is_empty() {
            self.report_unset(key, name, part, &unset);
            return;
        }
        self.translate(key, &mut value, at);
        if let Some(meant) = key.rule.meant(&value) {
            // The value of a variable is text, even if the key holds a number.
            if written == value && !matches!(source, SettingSource::Variable(_)) {
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
        self.settings.set(key, value, source);
    }

    /// An error of the key for each reference that cannot be expanded.
    fn report_unset(&mut self, key: &Key, name: &str, part: &str, unset: &[Unset]) {
        self.findings.about(Subject::Setting(key.name.to_owned()));
        for unset in unset {
            let at = self.text.offset(find(part, &unset.steps()).unwrap_or(part));
            self.findings.error(self.text, at, &unset.message(name), Some(unset.hint()));
        }
        self.findings.about(Subject::Everything);
    }

    /// A value under an alias counts only if the key itself is not written.
    fn apply_aliases(&mut self) {
        for (name, at, key, part) in std::mem::take(&mut self.aliased) {
            let is_written =
                |setting: &Setting| setting.key == key.name && setting.source != SettingSource::Default;
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
        let Some((ours, because)) = translated(key.name, word) else { return };
        if let Some(because) = because {
            let message = format!("`{}` \"{word}\" is read as \"{ours}\": {because}", key.name);
            self.findings.warning(self.text, at, message, None);
        }
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
            let hint = names.iter().find_map(|name| idle_hint(name)).map(str::to_owned);
            self.findings.warning(self.text, at, message, hint);
        }
    }
}

#[cfg(test)]
mod tests;
