//! IBM's `<instance>prov_config.json`: an instance of the AWS provider, and the log's settings.
//!
//! It must not know the fields of a template.

use ohfp_resolver::settings::words::LogLevel;
use serde_json::{Map, Value, json};

use crate::options;
use crate::report::ImportReport;
use crate::source::SourceFile;

/// The keys of IBM's file that are no options of a provider.
const LOG: [(&str, &str); 2] =
    [("ACCEPT_PROPAGATED_LOG_SETTING", "logging.accept_propagated_setting"), ("LogLevel", "logging.level")];

/// A configuration of one provider of type `aws`, called as the instance of Host Factory.
pub(crate) fn config(
    name: &str,
    file: Option<(&SourceFile, &Map<String, Value>)>,
    report: &mut ImportReport,
) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert("scheduler".to_owned(), json!({ "type": "hostfactory" }));
    let mut options = Map::new();
    if let Some((file, members)) = file {
        let mut of_provider = members.clone();
        let logging = log_settings(&file.name, &mut of_provider, report);
        if !logging.is_empty() {
            config.insert("logging".to_owned(), Value::Object(logging));
        }
        let to = format!("provider.providers.{name}.config.");
        options = options::aws(&file.name, ("", &to), &of_provider, report);
        keep_dollars(&mut options);
    }
    let provider = json!({ "name": name, "type": "aws", "config": options });
    config.insert("provider".to_owned(), json!({ "active_provider": name, "providers": [provider] }));
    config
}

/// Keeps dollar signs as they are: IBM's file has no references to variables, and `config.json` has.
pub(crate) fn keep_dollars(options: &mut Map<String, Value>) {
    for value in options.values_mut() {
        if let Value::String(text) = value {
            *text = text.replace('$', "$$");
        }
    }
}

/// Takes the settings of the log out of IBM's keys.
pub(crate) fn log_settings(
    file: &str,
    members: &mut Map<String, Value>,
    report: &mut ImportReport,
) -> Map<String, Value> {
    let mut logging = Map::new();
    for (theirs, ours) in LOG {
        let Some(value) = members.shift_remove(theirs).filter(|value| !value.is_null()) else { continue };
        let text =
            value.as_str().map(str::to_owned).or_else(|| value.as_bool().map(|truth| truth.to_string()));
        let text = text.unwrap_or_default();
        let (member, value) = match theirs {
            "LogLevel" => ("level", LogLevel::lenient(&text).map(|level| Value::from(level.name()))),
            _ => {
                ("accept_propagated_setting", text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from))
            }
        };
        match value {
            Some(value) => {
                logging.insert(member.to_owned(), value);
                report.mapped(file, theirs, ours);
            }
            None if member == "level" => {
                report.dropped(file, theirs, format!("it must be one of {}", LogLevel::listed()));
            }
            None => report.dropped(file, theirs, "it must be \"true\" or \"false\""),
        }
    }
    logging
}
