//! The diagnosis of an installation, which suggests fixes. It changes no file.

mod check;
mod performance;
mod places;
mod state;

use std::path::Path;

use ohfp_broker::Error;
use ohfp_broker::administration::StoreHealth;
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{Configuration, LimitDecrease, ProviderInstance, Resolved, Warning, choice_problems};
use ohfp_snapshot_builder::freshness;

pub use check::{Check, CheckStatus};
pub use performance::{CHECKLIST, SlownessCheck, performance};
pub use places::log_problem;

use check::{FAILED, OK, WARNING};

use crate::invocation::Invocation;
use crate::reconcile::last_look;
use crate::registry::{self, simulated_kind};
use crate::selection::{self, Wish};
use crate::site_store::AccessMode;
use crate::store_factory;

/// The health of the store in this file, including whether it is writable. That is determined without writing, so the
/// check never queues for the write lock.
pub fn completed(mut health: StoreHealth, file: Option<&Path>) -> StoreHealth {
    let problems = file.map(state::problems).unwrap_or_default();
    health.writable.get_or_insert(problems.is_empty());
    health.healthy &= problems.is_empty();
    health.problems.extend(problems);
    health
}

/// Runs all checks.
pub fn run(invocation: &Invocation) -> Vec<Check> {
    let mut checks = vec![program()];
    match invocation.place() {
        Err(error) => checks.push(from_error("configuration", &error)),
        Ok(place) => {
            checks.push(configuration(place));
            checks.extend(templates(place, invocation));
            // Errors of the configuration itself were reported with the templates.
            if let Ok(configuration) = invocation.configuration() {
                checks.extend(provider(configuration));
                checks.extend(store(configuration, invocation));
                checks.extend(reconciled(configuration, invocation));
            }
            checks.push(places::snapshot(place, invocation));
            checks.extend(places::cache(invocation));
        }
    }
    checks.push(places::log(invocation));
    for check in checks.iter_mut().filter(|check| check.status != OK) {
        check.fix.get_or_insert_with(|| usual_fix(check.what).to_owned());
    }
    checks
}

/// The fix for a failed check that has no hint of its own.
fn usual_fix(what: &str) -> &'static str {
    match what {
        "templates" | "configuration" | "provider" => {
            "correct the value that is named; `ohfp config validate --format list` shows all findings"
        }
        "program" => "install ohfp, ohfp-live and ohfp-snapshot beside each other",
        _ => "run `ohfp storage health --format list` for details",
    }
}

fn from_error(what: &'static str, error: &Error) -> Check {
    Check { what, status: FAILED, detail: error.summary(), fix: error.hint_text().map(str::to_owned) }
}

/// Checks that the runtime `ohfp` lies beside this program.
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

fn configuration(place: &ConfigLocation) -> Check {
    let detail = format!("{} ({})", place.origin.root.display(), place.source);
    Check { what: "configuration", status: OK, detail, fix: None }
}

fn templates(place: &ConfigLocation, invocation: &Invocation) -> Vec<Check> {
    let resolved = match invocation.resolved() {
        Ok(resolved) => resolved,
        Err(errors) => return errors.iter().map(|error| from_error("templates", error)).collect(),
    };
    let mut checks = settings(&resolved);
    let templates = match resolved.templates() {
        Ok(templates) => templates,
        Err(errors) => {
            checks.extend(errors.iter().map(|error| from_error("templates", error)));
            checks.extend(surviving(invocation));
            return checks;
        }
    };
    let status = if templates.is_empty() { FAILED } else { OK };
    let fix = templates
        .is_empty()
        .then(|| "Host Factory drops a provider that has no templates: add one".to_owned());
    checks.push(Check {
        what: "templates",
        status,
        detail: match templates.len() {
            1 => "1 template".to_owned(),
            count => format!("{count} templates"),
        },
        fix,
    });
    checks.extend(resolved.warnings.iter().map(|warning| Check {
        what: "templates",
        status: WARNING,
        detail: Warning { hint: None, ..warning.clone() }.to_string(),
        fix: warning.hint.clone(),
    }));
    checks.extend(freshness::held(&resolved, place, invocation.env()).iter().map(|held| Check {
        what: "templates",
        status: WARNING,
        detail: held.message(),
        fix: Some(LimitDecrease::HINT.to_owned()),
    }));
    checks
}

/// That templates are answered although others are wrong.
fn surviving(invocation: &Invocation) -> Option<Check> {
    let answered = invocation.catalog().ok()?.surviving()?;
    let detail = match answered {
        1 => "1 template is answered as it was published, and no other".to_owned(),
        count => format!("{count} templates are answered as they were published, and no other"),
    };
    let fix = "correct the templates that are named; then all are published".to_owned();
    Some(Check { what: "templates", status: WARNING, detail, fix: Some(fix) })
}

/// Findings in the configuration that no other check reports; `failed` where they prevent requests.
fn settings(resolved: &Resolved) -> Vec<Check> {
    let mut told = choice_problems(&resolved.settings, &resolved.providers);
    told.extend(resolved.templates().err().into_iter().flatten());
    told.extend(resolved.settings.problems("storage"));
    let default = resolved.providers.iter().find(|instance| instance.default);
    told.extend(default.into_iter().flat_map(|instance| instance.problems(&["config"])));
    let needed = resolved.settings.problems("request");
    let errors = resolved.errors().into_iter().filter(|error| !told.contains(error));
    errors
        .map(|error| {
            let status = if needed.contains(&error) { FAILED } else { WARNING };
            Check { status, ..from_error("configuration", &error) }
        })
        .collect()
}

/// Checks the provider of templates that name none: it must be configured and of a type that is compiled in. The fix
/// is a step that has not been taken yet.
fn provider(configuration: &Configuration) -> Vec<Check> {
    let what = "provider";
    let wrong = choice_problems(&configuration.settings, &configuration.providers);
    if !wrong.is_empty() {
        return wrong.iter().map(|error| from_error(what, error)).collect();
    }
    let failed = |detail: String, fix: String| vec![Check { what, status: FAILED, detail, fix: Some(fix) }];
    let preferred = registry::preferred(&configuration.providers);
    if !preferred.iter().any(|instance| instance.enabled) {
        let names: Vec<String> = preferred.iter().map(|one| format!("`{}`", one.name)).collect();
        let fix = format!("set `enabled` of {} in config.json to true", names.join(" or of "));
        return failed("no provider is enabled".to_owned(), fix);
    }
    let candidates =
        match selection::candidates(&configuration.settings, &configuration.providers, None, Wish::default())
        {
            Ok(candidates) => candidates,
            Err(errors) => return errors.iter().map(|error| from_error(what, error)).collect(),
        };
    let Some(first) = candidates.first() else { return Vec::new() };
    let Some(factory) = registry::factory(&first.kind).filter(|factory| factory.is_built_in()) else {
        let detail = format!(
            "requests go to `{}` of type `{}`, which is not compiled into this build",
            first.name, first.kind
        );
        return failed(detail, to_simulated(&preferred));
    };
    let wrong = first.problems(&["config"]);
    if !wrong.is_empty() {
        return wrong.iter().map(|error| from_error(what, error)).collect();
    }
    let errors = factory.check(first).errors;
    if !errors.is_empty() {
        return errors.iter().map(|error| from_error(what, error)).collect();
    }
    let target = if factory.simulated { "the simulated provider " } else { "" };
    vec![Check { what, status: OK, detail: format!("requests go to {target}`{}`", first.name), fix: None }]
}

/// The fix that redirects requests to the simulated provider.
fn to_simulated(instances: &[&ProviderInstance]) -> String {
    let simulated = instances.iter().filter(|instance| instance.kind == simulated_kind());
    let what = match simulated.clone().find(|instance| instance.enabled).or(simulated.clone().next()) {
        Some(one) if one.enabled => {
            format!("name `{}` in config.json as `provider.active_provider`", one.name)
        }
        Some(one) => format!(
            "set `enabled` of `{}` in config.json to true and name it as `provider.active_provider`",
            one.name
        ),
        None => format!(
            "write `\"provider\": {{\"type\": \"{}\"}}` into config.json in place of its providers",
            simulated_kind()
        ),
    };
    format!("for simulated machines, {what}")
}

/// What the last look for machines that no request has found.
fn reconciled(configuration: &Configuration, invocation: &Invocation) -> Option<Check> {
    if configuration.settings.reconcile_interval() == 0 {
        return None;
    }
    let store = store_factory::open(invocation, AccessMode::ReadOnly, false).ok()?;
    let look = last_look::last(&*store).ok()??;
    let fix = Some("run `ohfp reconcile`, which lists them, and `ohfp reconcile --fix`".to_owned());
    look.problem().map(|detail| Check { what: "machines", status: WARNING, detail, fix })
}

/// Opens the state store read-only, as a status does, and checks whether a writer could.
fn store(configuration: &Configuration, invocation: &Invocation) -> Vec<Check> {
    let what = "store";
    if !configuration.settings.database_support() {
        return vec![Check {
            what,
            status: WARNING,
            detail: "disabled: only operations on templates and configuration work".to_owned(),
            fix: Some("set `features.database_support` in config.json to true".to_owned()),
        }];
    }
    let health = match store_factory::open(invocation, AccessMode::ReadOnly, false) {
        Ok(store) => store.health(),
        Err(errors) => return errors.iter().map(|error| from_error(what, error)).collect(),
    };
    let mut checks = state::checks(Path::new(&health.path));
    if !health.healthy {
        checks.push(Check {
            what,
            status: FAILED,
            detail: health.problems.join("; "),
            fix: Some("run `ohfp storage health` and `ohfp storage validate` for details".to_owned()),
        });
    }
    if checks.iter().all(|check| check.what != what) {
        let detail = match health.schema_version {
            Some(version) => format!(
                "{}, schema version {version}, journal {}",
                health.path,
                health.journal.as_deref().unwrap_or("unknown")
            ),
            None => format!("{} does not exist yet; the first request creates it", health.path),
        };
        checks.insert(0, Check { what, status: OK, detail, fix: None });
    }
    checks
}
