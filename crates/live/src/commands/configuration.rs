//! The commands that configuration and templates answer.

use ohfp_broker::{Error, ErrorKind, Errors, Template};
use ohfp_cli::{Command, ConfigCommand, ProvidersCommand, SchedulerCommand, StorageCommand};
use ohfp_cli::{TemplatesCommand, TemplatesList};
use ohfp_render::queries::Query;
use ohfp_render::templates::{TemplateList, record, show_head, show_tail};
use ohfp_render::{Format, Rendered, documents};
use ohfp_service::catalog::{Catalog, field_name, field_names};
use ohfp_service::validation::{self, ValidConfiguration};
use ohfp_wire::input;
use serde_json::{Value, json};

use super::{listed, templates};
use crate::call::Call;
use crate::present::filter;
use crate::reply::Reply;

/// Runs a command of the groups `templates`, `config`, `providers` and `scheduler`.
pub(super) fn run(call: &Call, command: &Command) -> Result<Reply, Errors> {
    let format = call.format;
    match command {
        Command::Templates(TemplatesCommand::Validate(arguments)) => {
            let validated = templates::validate(call, arguments);
            return Ok(report(&validated, !arguments.lenient, format));
        }
        Command::Config(ConfigCommand::Validate { file: None }) => {
            return Ok(report(&validation::validate(&call.invocation), false, format));
        }
        _ => (),
    }
    let catalog = call.invocation.catalog()?;
    catalog.queue_refresh();
    let query = match command {
        Command::Templates(TemplatesCommand::List(wanted)) => {
            let answer = templates_list(call, catalog, wanted)?;
            return Ok(Reply { notes: catalog.notes(), ..Reply::answer(answer) });
        }
        Command::Templates(TemplatesCommand::Show(shown)) => {
            return templates_show(call, catalog, shown.id()).map(Reply::answer);
        }
        Command::Config(ConfigCommand::Show { .. }) => Query::Config,
        Command::Config(ConfigCommand::Get { key }) => Query::Setting(key.clone()),
        Command::Providers(ProvidersCommand::List) => Query::Providers,
        Command::Providers(ProvidersCommand::Show(choice)) => {
            let named = choice.named().or(call.invocation.options().provider_name.as_deref());
            Query::Provider(named.map(str::to_owned))
        }
        Command::Scheduler(SchedulerCommand::List) => Query::Schedulers,
        Command::Scheduler(SchedulerCommand::Show(choice)) => {
            Query::Scheduler(choice.named().map(str::to_owned))
        }
        Command::Storage(StorageCommand::List) => Query::Stores,
        _ => return Err(Error::new(ErrorKind::Usage, "this command is not answered here").into()),
    };
    if listed::is_narrowed(call) && matches!(query, Query::Providers | Query::Schedulers | Query::Stores) {
        return listed::narrowed(call, catalog.value(&query)?);
    }
    catalog.answer(&query, format).map(Reply::answer)
}

fn templates_list(call: &Call, catalog: &Catalog, wanted: &TemplatesList) -> Result<Rendered, Errors> {
    // A scheduler's input asks for nothing special, but is to be one.
    input::read(wanted.input.file.as_deref(), wanted.input.data.as_deref())?;
    let (list, options, format) = (&wanted.list, call.invocation.options(), call.format);
    let shown = catalog.shown(catalog.templates()?);
    let mut conditions = list.filter.clone();
    conditions.extend(wanted.provider_api.as_ref().map(|api| format!("providerApi={api}")));
    let filters = filter::parse(&conditions, field_name)?;
    // A template that names no provider can go to each.
    let is_own =
        |own: Option<&str>, wished: Option<&str>| own.zip(wished).is_none_or(|(own, wished)| own == wished);
    let goes_there = |template: &&Template| {
        let spec = template.spec();
        is_own(spec.provider_name.as_deref(), options.provider_name.as_deref())
            && is_own(spec.provider_type.as_deref(), options.provider_type.as_deref())
    };
    let narrowed =
        options.provider_name.is_some() || options.provider_type.is_some() || options.sort_by.is_some();
    let kept: Vec<Template>;
    let templates = if filters.is_empty() && !narrowed {
        &*shown
    } else {
        let known: Vec<&str> = field_names().collect();
        let all = shown.iter().filter(goes_there).collect();
        let found = filter::retain(&filters, all, &known, |template| template.fields())?;
        let found = listed::sorted_templates(found, options.sort_by.as_deref())?;
        kept = found.into_iter().cloned().collect();
        kept.as_slice()
    };
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let scheduler = catalog.scheduler()?;
    let (offset, limit) = (number(list.offset), list.limit.map(number));
    if format == Format::Table && call.needs_cells() {
        let end = limit.map_or(templates.len(), |limit| offset.saturating_add(limit).min(templates.len()));
        let page = templates.get(offset.min(end)..end).unwrap_or_default();
        let long = list.long || !options.columns.is_empty();
        return Ok(Rendered::table(TemplateList { templates: page, scheduler }.laid_out(long).ordered()));
    }
    Ok(TemplateList { templates, scheduler }.list(format, list.long).page(offset, limit))
}

fn templates_show(call: &Call, catalog: &Catalog, id: &str) -> Result<Rendered, Errors> {
    let format = call.format;
    catalog.templates()?;
    let template = catalog.template(id)?;
    let shown = catalog.shown(std::slice::from_ref(template));
    let list = TemplateList { templates: &shown, scheduler: catalog.scheduler()? };
    if let (Format::Table, [only]) = (format, &*shown)
        && call.needs_cells()
    {
        return Ok(Rendered::table(record(only)));
    }
    let (head, head_styled) = show_head(format);
    let mut body = Vec::new();
    for template in shown.iter() {
        list.show(template, format, &mut body);
    }
    body.extend_from_slice(show_tail(format));
    Ok(Rendered { head, head_styled, body, grid: None })
}

fn finding(severity: &str, message: &str, hint: Option<&str>) -> Value {
    json!({ "severity": severity, "message": message, "hint": hint })
}

/// An error as one of the findings of a check.
pub(super) fn wrong(error: &Error) -> Value {
    finding("error", &error.summary(), error.hint_text())
}

/// Reports all errors of the files or, if there are none, those of templates and then all warnings. Exit code 1 on an
/// error, and where `all_offered` is set and a template is left out.
pub(super) fn report(
    validated: &Result<ValidConfiguration, Errors>,
    all_offered: bool,
    format: Format,
) -> Reply {
    let (code, findings): (u8, Vec<Value>) = match validated {
        Ok(valid) => {
            let fails = !valid.unlaunchable.is_empty() || all_offered && !valid.left_out.is_empty();
            let doubtful = valid.warnings.iter().map(|warning| finding("warning", warning, None));
            (u8::from(fails), valid.unlaunchable.iter().map(wrong).chain(doubtful).collect())
        }
        Err(errors) => (1, errors.iter().map(wrong).collect()),
    };
    let sound = validated.as_ref().ok().filter(|valid| valid.unlaunchable.is_empty());
    let (templates, left_out) =
        sound.map_or((0, [].as_slice()), |valid| (valid.templates, valid.left_out.as_slice()));
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
    Reply { code, ..Reply::answer(documents::render(&report, format)) }
}
