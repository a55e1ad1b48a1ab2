//! The entries by which a scheduler finds ohfp. They are written beside the configuration: the files of the site belong
//! to its administrator.

use std::path::Path;

use ohfp_service::invocation::Environment;
use serde_json::{Value, json};

use super::detect::SiteScheduler;
use super::files::{Content, Planned};

/// Directory below the configuration that has them.
const DIRECTORY: &str = "wiring";

/// The files with the entries for this site.
pub(super) fn files(
    scheduler: Option<SiteScheduler>,
    env: &Environment,
    directory: &Path,
    scripts: &Path,
) -> Vec<Planned> {
    let set = |name: &str| env.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty());
    let name = set("HF_PROVIDER_NAME").or_else(|| set("PROVIDER_NAME")).unwrap_or(ohfp_cli::PROGRAM);
    let (conf, scripts) = (slash(directory), slash(scripts));
    let planned = |file: &str, value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap_or_default() + "\n";
        Planned { path: directory.join(DIRECTORY).join(file), content: Content::Data(text) }
    };
    if scheduler == Some(SiteScheduler::Lsf) {
        let entry = json!({ "name": name, "type": "awsProv", "confPath": directory.display().to_string(), "scriptPath": scripts });
        return vec![planned("hostProviders.json", &json!({ "providers": [entry] }))];
    }
    let plugin = json!({ "name": ohfp_cli::PROGRAM, "enabled": 1, "scriptPath": scripts });
    let provider = json!({
        "name": name,
        "enabled": 1,
        "plugin": ohfp_cli::PROGRAM,
        "confPath": conf,
        "workPath": format!("${{HF_WORKDIR}}/providers/{name}/"),
        "logPath": "${HF_LOGDIR}/",
    });
    vec![
        planned("hostProviders.json", &json!({ "version": 2, "providers": [provider] })),
        planned("hostProviderPlugins.json", &json!({ "version": 2, "providerplugins": [plugin] })),
    ]
}

/// A directory as Host Factory's files have it.
fn slash(path: &Path) -> String {
    format!("{}/", path.display().to_string().trim_end_matches('/'))
}
