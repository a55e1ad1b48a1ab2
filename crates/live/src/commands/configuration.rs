//! The commands that configuration and templates answer.

use ohfp_broker::{Error, ErrorKind, Errors, Result};
use ohfp_cli::{Command, ConfigCommand, GlobalOptions, ProvidersCommand, SchedulerCommand};
use ohfp_cli::{ListOptions, StorageCommand, TemplatesCommand};
use ohfp_render::queries::{self, Query};
use ohfp_render::templates::{TemplateList, show_head, show_tail};
use ohfp_render::{Format, Rendered, documents};
use ohfp_resolver::location::ConfigLocation;
use ohfp_resolver::{
    Environment, FIELD_NAMES, LimitDecrease, Resolved, Secrets, Warning, hf_name, load, location,
};
use ohfp_service::catalog;
use ohfp_service::registry::{self, Checked};
use ohfp_snapshot_builder::freshness;
use serde_json::{Value, json};

use super::call::{format, scheduler};
use crate::output::Reply;
use crate::present::filter;

/// Runs a command of the groups `templates`, `config`, `providers` and `scheduler`.
pub(super) fn run(global: &GlobalOptions, command: &Command, env: &Environment) -> Reply {
    let format = format(global.format);
    let validated = match command {
        Command::Templates(TemplatesCommand::Validate { lenient }) => Some(!lenient),
        Command::Config(ConfigCommand::Validate) => Some(false),
        _ => None,
    };
    if let Some(all_offered) = validated {
        let place = location::find(global.config.as_deref(), None, env).map_err(Errors::from);
        let loaded = place.and_then(|place| {
            let resolved = load::load(&place.origin, env).and_then(with_sound_providers)?;
            Ok(with_held(resolved, &place, env))
        });
        return validate(&loaded, all_offered, format, global.no_color);
    }
    let source = match catalog::load(global, env) {
        Ok(source) => source,
        Err(errors) => return Reply::failure(errors),
    };
    let resolved = &source.resolved;
    let secrets = if global.show_secrets { Secrets::Shown } else { Secrets::Hidden };
    let mut reply = match command {
        Command::Templates(TemplatesCommand::List(_) | TemplatesCommand::Show { .. })
            if let Err(errors) = resolved.templates() =>
        {
            Reply::failure(errors)
        }
        Command::Templates(TemplatesCommand::List(list)) => {
            let reply = Reply::from_result(templates_list(global, resolved, list, format, secrets));
            Reply { notes: queries::list_notes(resolved), ..reply }
        }
        Command::Templates(TemplatesCommand::Show { template_id }) => {
            templates_show(global, resolved, template_id, format, secrets)
        }
        Command::Config(ConfigCommand::Show) => document(resolved, &Query::Config, format, secrets),
        Command::Config(ConfigCommand::Get { key }) => {
            document(resolved, &Query::Setting(key.clone()), format, secrets)
        }
        Command::Providers(ProvidersCommand::List) => document(resolved, &Query::Providers, format, secrets),
        Command::Providers(ProvidersCommand::Show { name }) => {
            document(resolved, &Query::Provider(name.clone()), format, secrets)
        }
        Command::Scheduler(SchedulerCommand::List) => document(resolved, &Query::Schedulers, format, secrets),
        Command::Scheduler(SchedulerCommand::Show { name }) => {
            document(resolved, &Query::Scheduler(name.clone()), format, secrets)
        }
        Command::Storage(StorageCommand::List) => document(resolved, &Query::Stores, format, secrets),
        _ => Reply::failure(vec![Error::new(ErrorKind::Usage, "this command is not answered here")]),
    };
    reply.plain = global.no_color;
    reply.source = Some(source);
    reply
}

fn templates_list(
    global: &GlobalOptions,
    resolved: &Resolved,
    list: &ListOptions,
    format: Format,
    secrets: Secrets,
) -> Result<Rendered> {
    let shown = secrets.of_templates(&resolved.templates);
    let filters = filter::parse(&list.filter, hf_name)?;
    let kept;
    let templates = if filters.is_empty() {
        &*shown
    } else {
        let known: Vec<&str> = FIELD_NAMES.iter().map(|(name, _)| *name).collect();
        let all = shown.iter().collect();
        kept = filter::retain(&filters, all, &known, |template| &template.fields)?
            .into_iter()
            .cloned()
            .collect::<Vec<_>>();
        kept.as_slice()
    };
    let catalog = TemplateList { templates, scheduler: scheduler(global, &resolved.settings)? };
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Ok(catalog.list(format, list.long).page(number(list.offset), list.limit.map(number)))
}

fn templates_show(
    global: &GlobalOptions,
    resolved: &Resolved,
    id: &str,
    format: Format,
    secrets: Secrets,
) -> Reply {
    let template = match queries::template(resolved, id) {
        Ok(template) => template,
        Err(error) => return Reply::failure(error),
    };
    let scheduler = match scheduler(global, &resolved.settings) {
        Ok(scheduler) => scheduler,
        Err(error) => return Reply::failure(error),
    };
    let shown = secrets.of_templates(std::slice::from_ref(template));
    let catalog = TemplateList { templates: &resolved.templates, scheduler };
    let (head, head_styled) = show_head(format);
    let mut body = Vec::new();
    for template in shown.iter() {
        catalog.show(template, format, &mut body);
    }
    body.extend_from_slice(show_tail(format));
    Reply::answer(Rendered { head, head_styled, body })
}

fn document(resolved: &Resolved, document: &Query, format: Format, secrets: Secrets) -> Reply {
    if let Err(errors) = document.check(resolved) {
        return Reply::failure(errors);
    }
    match document.render(resolved, format, secrets) {
        Some(rendered) => Reply::answer(rendered),
        None => Reply::failure(vec![document.missing(resolved)]),
    }
}

/// Checks the options of each configured provider against the table of its kind.
fn with_sound_providers(mut resolved: Resolved) -> Result<Resolved, Errors> {
    let checked = resolved
        .providers
        .iter()
        .filter_map(|instance| registry::factory(&instance.kind).map(|factory| factory.check(instance)));
    let (mut errors, mut doubtful) = (Vec::new(), Vec::new());
    for Checked { errors: wrong, warnings } in checked {
        errors.extend(wrong);
        doubtful.extend(warnings.into_iter().map(|message| Warning { place: None, message, hint: None }));
    }
    resolved.warnings.extend(doubtful);
    if errors.is_empty() { Ok(resolved) } else { Err(errors.into()) }
}

/// Adds a warning for each `maxNumber` of the files that differs from the published one.
fn with_held(mut resolved: Resolved, place: &ConfigLocation, env: &Environment) -> Resolved {
    let held = freshness::held(&resolved, place, env);
    resolved.warnings.extend(held.iter().map(|held| Warning {
        place: None,
        message: held.message(),
        hint: Some(LimitDecrease::HINT.to_owned()),
    }));
    resolved
}

/// Reports all errors or, if there are none, all warnings. Exit code 1 on an error, and where `all_offered` is
/// set and a template is left out.
fn validate(loaded: &Result<Resolved, Errors>, all_offered: bool, format: Format, plain: bool) -> Reply {
    let finding = |severity: &str, message: String, hint: Option<&str>| json!({ "severity": severity, "message": message, "hint": hint });
    let (code, findings): (u8, Vec<Value>) = match loaded {
        Ok(resolved) => {
            let warnings = resolved.warnings.iter();
            let code = u8::from(all_offered && !resolved.left_out.is_empty());
            (code, warnings.map(|warning| finding("warning", warning.to_string(), None)).collect())
        }
        Err(errors) => {
            let errors = errors.iter();
            (1, errors.map(|error| finding("error", error.summary(), error.hint_text())).collect())
        }
    };
    let templates = loaded.as_ref().map_or(0, |resolved| resolved.templates.len());
    let left_out: Vec<&str> =
        loaded.iter().flat_map(|resolved| &resolved.left_out).map(|one| &*one.id).collect();
    let mut report = json!({ "valid": code == 0, "templates": templates });
    if let Some(report) = report.as_object_mut() {
        if !left_out.is_empty() {
            report.insert("leftOut".to_owned(), left_out.into());
        }
        report.insert("findings".to_owned(), findings.as_slice().into());
    }
    let report = if matches!(format, Format::Table | Format::List) && findings.is_empty() {
        json!({ "valid": true, "templates": templates })
    } else {
        report
    };
    Reply { plain, code, ..Reply::answer(documents::render(&report, format)) }
}
