//! `ohfp doctor`: is this installation sound, and if not, what mends it?

pub(crate) mod places;
pub(crate) mod state;

use std::path::Path;

use ohfp_broker::Error;
use ohfp_cli::GlobalOptions;
use ohfp_platform::locate::RootSource;
use ohfp_snapshot_builder::load::{self, Configuration, Environment, Warning};
use ohfp_snapshot_builder::place::{self, Place};
use ohfp_snapshot_builder::render::{Format, documents};
use ohfp_snapshot_builder::resolve::Lowered;
use ohfp_snapshot_builder::standing;
use serde_json::{Value, json};

use crate::output::Reply;
use crate::parts::{self, Access};
use crate::selection;

/// One finding.
pub(crate) struct Check {
    what: &'static str,
    status: &'static str,
    detail: String,
    fix: Option<String>,
}

const OK: &str = "ok";
const WARNING: &str = "warning";
const FAILED: &str = "failed";

/// Checks everything and reports; exit code 1 when something failed.
pub(crate) fn run(global: &GlobalOptions, format: Format, env: &Environment) -> Reply {
    let mut checks = vec![program()];
    match place::find(global.config.as_deref(), None, env) {
        Err(error) => checks.push(from_error("configuration", &error)),
        Ok(place) => {
            checks.push(configuration(&place));
            checks.extend(templates(&place, env));
            // What is wrong with the configuration has been said with the templates.
            if let Ok(configuration) = load::configuration(&place.origin, env) {
                checks.push(provider(&configuration));
                checks.extend(store(&configuration, &place, env));
            }
            checks.push(places::snapshot(&place, env));
            checks.extend(places::cache(&place, env));
        }
    }
    checks.push(places::log(env));
    let code = u8::from(checks.iter().any(|check| check.status == FAILED));
    let rows: Vec<Value> = checks
        .iter()
        .map(|check| json!({ "check": check.what, "status": check.status, "detail": check.detail, "fix": check.fix }))
        .collect();
    let document = documents::render(&json!({ "checks": rows }), format);
    Reply { plain: global.no_color, code, ..Reply::answer(document) }
}

fn from_error(what: &'static str, error: &Error) -> Check {
    Check { what, status: FAILED, detail: error.summary(), fix: error.hint_text().map(str::to_owned) }
}

/// The runtime must lie beside this program.
fn program() -> Check {
    let beside = std::env::current_exe().map(|path| path.with_file_name(ohfp_cli::PROGRAM));
    match beside {
        Ok(path) if path.is_file() => {
            Check { what: "program", status: OK, detail: path.display().to_string(), fix: None }
        }
        Ok(path) => Check {
            what: "program",
            status: WARNING,
            detail: format!("`{}` does not exist", path.display()),
            fix: Some("install ohfp beside ohfp-live".to_owned()),
        },
        Err(error) => Check { what: "program", status: WARNING, detail: error.to_string(), fix: None },
    }
}

fn configuration(place: &Place) -> Check {
    let why = match place.source {
        RootSource::CommandLine => "named by --config".to_owned(),
        RootSource::Variable(name) => format!("from {name}"),
        RootSource::User => "the user's configuration directory".to_owned(),
        RootSource::System => "the system's configuration directory".to_owned(),
    };
    let detail = format!("{} ({why})", place.origin.root.display());
    Check { what: "configuration", status: OK, detail, fix: None }
}

fn templates(place: &Place, env: &Environment) -> Vec<Check> {
    let resolved = match load::load(&place.origin, env) {
        Ok(resolved) => resolved,
        Err(errors) => return errors.iter().map(|error| from_error("templates", error)).collect(),
    };
    let status = if resolved.templates.is_empty() { FAILED } else { OK };
    let fix = resolved
        .templates
        .is_empty()
        .then(|| "Host Factory drops a provider that has no templates: add one".to_owned());
    let mut checks = vec![Check {
        what: "templates",
        status,
        detail: match resolved.templates.len() {
            1 => "1 template".to_owned(),
            count => format!("{count} templates"),
        },
        fix,
    }];
    checks.extend(resolved.warnings.iter().map(|warning| Check {
        what: "templates",
        status: WARNING,
        detail: Warning { hint: None, ..warning.clone() }.to_string(),
        fix: warning.hint.clone(),
    }));
    checks.extend(standing::held(&resolved, place, env).iter().map(|held| Check {
        what: "templates",
        status: WARNING,
        detail: held.message(),
        fix: Some(Lowered::HINT.to_owned()),
    }));
    checks
}

/// The provider that requests go to where nothing else is said must be of a type that is there.
fn provider(configuration: &Configuration) -> Check {
    let what = "provider";
    let preferred = parts::preferred(&configuration.providers);
    let Some(first) = preferred.iter().find(|instance| instance.enabled) else {
        return Check {
            what,
            status: FAILED,
            detail: "no provider is enabled".to_owned(),
            fix: Some("set `enabled` of one of `provider.providers` in config.json to true".to_owned()),
        };
    };
    if first.kind != selection::SIMULATED {
        return Check {
            what,
            status: FAILED,
            detail: format!(
                "requests go to `{}` of type `{}`, which this build does not have",
                first.name, first.kind
            ),
            fix: Some(
                "name one of type `sim` in config.json as `provider.active_provider`, for simulated machines"
                    .to_owned(),
            ),
        };
    }
    match selection::simulated(first) {
        Ok(_) => Check {
            what,
            status: OK,
            detail: format!("requests go to `{}`, whose machines are simulated", first.name),
            fix: None,
        },
        Err(errors) => from_error(what, &parts::joined(errors)),
    }
}

/// Opens the state store as a question does that only looks, and looks whether one that writes could.
fn store(configuration: &Configuration, place: &Place, env: &Environment) -> Vec<Check> {
    let what = "store";
    if configuration.settings.get("features.database_support").as_bool() == Some(false) {
        return vec![Check {
            what,
            status: WARNING,
            detail: "switched off: only questions about templates and configuration are answered".to_owned(),
            fix: Some("set `features.database_support` in config.json to true".to_owned()),
        }];
    }
    let health = match parts::store(configuration, place, env, Access::Look, false) {
        Ok(store) => store.health(),
        Err(error) => return vec![from_error(what, &error)],
    };
    let mut checks = state::checks(Path::new(&health.path));
    if !health.healthy {
        checks.push(Check {
            what,
            status: FAILED,
            detail: health.problems.join("; "),
            fix: Some("`ohfp storage health` and `ohfp storage validate` tell more".to_owned()),
        });
    }
    if checks.iter().all(|check| check.what != what) {
        let detail = match health.schema_version {
            Some(version) => format!(
                "{}, schema version {version}, journal {}",
                health.path,
                health.journal.as_deref().unwrap_or("unknown")
            ),
            None => format!("{} is not there yet; the first request creates it", health.path),
        };
        checks.insert(0, Check { what, status: OK, detail, fix: None });
    }
    checks
}
