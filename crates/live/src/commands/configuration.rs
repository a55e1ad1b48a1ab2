//! The commands that configuration and templates answer.

use ohfp_broker::{Error, ErrorKind, Errors, Template};
use ohfp_cli::TemplatesCommand;
use ohfp_cli::{Command, ConfigCommand, ListOptions, ProvidersCommand, SchedulerCommand, StorageCommand};
use ohfp_render::queries::Query;
use ohfp_render::templates::{TemplateList, show_head, show_tail};
use ohfp_render::{Format, Rendered, documents};
use ohfp_service::catalog::{Catalog, field_name, field_names};
use ohfp_service::validation::{self, ValidConfiguration};
use serde_json::{Value, json};

use crate::call::Call;
use crate::present::filter;
use crate::reply::Reply;

/// Runs a command of the groups `templates`, `config`, `providers` and `scheduler`.
pub(super) fn run(call: &Call, command: &Command) -> Result<Reply, Errors> {
    let format = call.format;
    let all_offered = match command {
        Command::Templates(TemplatesCommand::Validate { lenient }) => Some(!lenient),
        Command::Config(ConfigCommand::Validate { file: None }) => Some(false),
        _ => None,
    };
    if let Some(all_offered) = all_offered {
        return Ok(report(&validation::validate(&call.invocation), all_offered, format));
    }
    let catalog = call.invocation.catalog()?;
    catalog.queue_refresh();
    let query = match command {
        Command::Templates(TemplatesCommand::List(list)) => {
            let answer = templates_list(catalog, list, format)?;
            return Ok(Reply { notes: catalog.notes(), ..Reply::answer(answer) });
        }
        Command::Templates(TemplatesCommand::Show { template_id }) => {
            return templates_show(catalog, template_id, format).map(Reply::answer);
        }
        Command::Config(ConfigCommand::Show { .. }) => Query::Config,
        Command::Config(ConfigCommand::Get { key }) => Query::Setting(key.clone()),
        Command::Providers(ProvidersCommand::List) => Query::Providers,
        Command::Providers(ProvidersCommand::Show { name }) => Query::Provider(name.clone()),
        Command::Scheduler(SchedulerCommand::List) => Query::Schedulers,
        Command::Scheduler(SchedulerCommand::Show { name }) => Query::Scheduler(name.clone()),
        Command::Storage(StorageCommand::List) => Query::Stores,
        _ => return Err(Error::new(ErrorKind::Usage, "this command is not answered here").into()),
    };
    catalog.answer(&query, format).map(Reply::answer)
}

fn templates_list(catalog: &Catalog, list: &ListOptions, format: Format) -> Result<Rendered, Errors> {
    let shown = catalog.shown(catalog.templates()?);
    let filters = filter::parse(&list.filter, field_name)?;
    let kept: Vec<Template>;
    let templates = if filters.is_empty() {
        &*shown
    } else {
        let known: Vec<&str> = field_names().collect();
        let all = shown.iter().collect();
        kept = filter::retain(&filters, all, &known, |template| template.fields())?
            .into_iter()
            .cloned()
            .collect();
        kept.as_slice()
    };
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let list_of = TemplateList { templates, scheduler: catalog.scheduler()? };
    Ok(list_of.list(format, list.long).page(number(list.offset), list.limit.map(number)))
}

fn templates_show(catalog: &Catalog, id: &str, format: Format) -> Result<Rendered, Errors> {
    catalog.templates()?;
    let template = catalog.template(id)?;
    let shown = catalog.shown(std::slice::from_ref(template));
    let list = TemplateList { templates: &shown, scheduler: catalog.scheduler()? };
    let (head, head_styled) = show_head(format);
    let mut body = Vec::new();
    for template in shown.iter() {
        list.show(template, format, &mut body);
    }
    body.extend_from_slice(show_tail(format));
    Ok(Rendered { head, head_styled, body })
}

/// Reports all errors of the files or, if there are none, those of templates and then all warnings. Exit code 1 on an
/// error, and where `all_offered` is set and a template is left out.
pub(super) fn report(
    validated: &Result<ValidConfiguration, Errors>,
    all_offered: bool,
    format: Format,
) -> Reply {
    let finding = |severity: &str, message: String, hint: Option<&str>| json!({ "severity": severity, "message": message, "hint": hint });
    let wrong = |error: &Error| finding("error", error.summary(), error.hint_text());
    let (code, findings): (u8, Vec<Value>) = match validated {
        Ok(valid) => {
            let fails = !valid.unlaunchable.is_empty() || all_offered && !valid.left_out.is_empty();
            let doubtful = valid.warnings.iter().map(|warning| finding("warning", warning.clone(), None));
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
