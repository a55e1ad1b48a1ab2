//! `ohfp templates` as far as it changes files, or looks at more than the configuration.

use std::path::Path;

use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_cli::{
    TemplatesCommand, TemplatesCreate, TemplatesDelete, TemplatesDiff, TemplatesGenerate, TemplatesRefresh,
    TemplatesRender, TemplatesUpdate, TemplatesValidate,
};
use ohfp_render::Rendered;
use ohfp_service::publication::{Publication, Published};
use ohfp_service::rendering;
use ohfp_service::template_edits::{self, EditMode, EditedTemplates, FieldChange, TemplateChange};
use ohfp_service::template_files::{self, TemplateInput};
use ohfp_service::validation::{self, Scope, ValidConfiguration};
use ohfp_wire::input::{self, DASH};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::present::confirm::confirm;
use crate::reply::Reply;

/// Whether a command is answered here; configuration and templates answer the others as they are.
pub(super) fn is_ours(command: &TemplatesCommand) -> bool {
    !matches!(command, TemplatesCommand::List(_) | TemplatesCommand::Show(_) | TemplatesCommand::Validate(_))
}

pub(super) fn run(call: &Call, command: &TemplatesCommand) -> Result<Reply, Errors> {
    match command {
        TemplatesCommand::Create(arguments) => create(call, arguments),
        TemplatesCommand::Update(arguments) => update(call, arguments),
        TemplatesCommand::Replace(arguments) => replace(call, arguments),
        TemplatesCommand::Delete(arguments) => delete(call, arguments),
        TemplatesCommand::Render(arguments) => render(call, arguments),
        TemplatesCommand::Generate(arguments) => Ok(generate(call, arguments)),
        TemplatesCommand::Refresh(arguments) => refresh(call, arguments),
        TemplatesCommand::Diff(arguments) => diff(call, arguments),
        TemplatesCommand::List(_) | TemplatesCommand::Show(_) | TemplatesCommand::Validate(_) => {
            Err(Error::new(ErrorKind::Usage, "this command is not answered here").into())
        }
    }
}

/// The check that the arguments ask for.
pub(super) fn validate(call: &Call, arguments: &TemplatesValidate) -> Result<ValidConfiguration, Errors> {
    let ids: Vec<&str> = arguments.ids().collect();
    match &arguments.file {
        Some(file) => {
            let name = name(file);
            let json = TemplateInput::as_file(&name, &input::text(file)?)?;
            validation::validate_part(&call.invocation, &Scope::File(Path::new(&name), &json))
        }
        None if ids.is_empty() => validation::validate(&call.invocation),
        None => validation::validate_part(&call.invocation, &Scope::Ids(&ids)),
    }
}

/// What messages call a file.
fn name(file: &Path) -> String {
    if file == Path::new(DASH) { "standard input".to_owned() } else { file.display().to_string() }
}

fn read(file: &Path) -> Result<TemplateInput, Errors> {
    Ok(TemplateInput::parse(&name(file), &input::text(file)?)?)
}

/// The only template of a file.
fn one(file: &Path) -> Result<Map<String, Value>, Errors> {
    let read = read(file)?;
    let count = read.templates.len();
    match <[_; 1]>::try_from(read.templates) {
        Ok([only]) => Ok(only),
        Err(_) => {
            let message = format!("`{}` has {count} templates, and one is expected", name(file));
            Err(Error::new(ErrorKind::Input, message).into())
        }
    }
}

fn create(call: &Call, arguments: &TemplatesCreate) -> Result<Reply, Errors> {
    let read = read(&arguments.file)?;
    let mode = EditMode { dry_run: arguments.dry_run || arguments.validate_only, allow_lower_max: false };
    let done = if arguments.validate_only { "valid" } else { "created" };
    edit(call, &TemplateChange::Create(read.templates, arguments.into.clone()), mode, done)
}

fn update(call: &Call, arguments: &TemplatesUpdate) -> Result<Reply, Errors> {
    let fields = TemplateInput::fields(&name(&arguments.file), &input::text(&arguments.file)?)?;
    let id = id_of(arguments, &fields)?;
    edit(call, &TemplateChange::Update(id, fields), mode(arguments), "updated")
}

fn replace(call: &Call, arguments: &TemplatesUpdate) -> Result<Reply, Errors> {
    let fields = one(&arguments.file)?;
    let id = id_of(arguments, &fields)?;
    edit(call, &TemplateChange::Replace(id, fields), mode(arguments), "replaced")
}

/// The id of the template to change, which its new fields may repeat.
fn id_of(arguments: &TemplatesUpdate, fields: &Map<String, Value>) -> Result<String, Errors> {
    let id = arguments.template.id();
    match TemplateInput::id_in(fields).filter(|other| **other != *id) {
        None => Ok(id.to_owned()),
        Some(other) => {
            let file = name(&arguments.file);
            let message = format!("`{file}` is about template `{other}`, not `{id}`");
            Err(Error::new(ErrorKind::Input, message).into())
        }
    }
}

fn delete(call: &Call, arguments: &TemplatesDelete) -> Result<Reply, Errors> {
    let id = arguments.template.id().to_owned();
    let change = TemplateChange::Delete(id.clone());
    let mode = EditMode { dry_run: arguments.dry_run, allow_lower_max: false };
    if !arguments.dry_run && !arguments.yes {
        // An unknown id is told before a person is asked.
        template_edits::edit(&call.invocation, &change, EditMode { dry_run: true, ..mode })?;
        confirm(&format!("Remove template {id}?"), false)?;
    }
    edit(call, &change, mode, "deleted")
}

fn mode(arguments: &TemplatesUpdate) -> EditMode {
    EditMode { dry_run: arguments.edit.dry_run, allow_lower_max: arguments.edit.allow_lower_max }
}

/// Makes a change, and tells what it came to.
fn edit(call: &Call, change: &TemplateChange, mode: EditMode, done: &str) -> Result<Reply, Errors> {
    let edited = template_edits::edit(&call.invocation, change, mode)?;
    let EditedTemplates { ids, changes, files, also_in, warnings, published } = edited;
    let mut answer = Map::new();
    if let [only] = ids.as_slice() {
        answer.insert("templateId".to_owned(), json!(only));
    }
    answer.insert("templates".to_owned(), json!(ids));
    answer.insert(
        "status".to_owned(),
        json!(if changes.is_empty() && done != "valid" { "unchanged" } else { done }),
    );
    if mode.dry_run {
        answer.insert("dryRun".to_owned(), json!(true));
    }
    answer.insert("changes".to_owned(), changed(&changes));
    answer.insert("files".to_owned(), json!(files));
    if !also_in.is_empty() {
        answer.insert("alsoIn".to_owned(), json!(also_in));
    }
    answer.insert("validationErrors".to_owned(), json!([]));
    answer.insert("warnings".to_owned(), json!(warnings));
    let mut notes = Vec::new();
    match published {
        None => {}
        Some(Ok(published)) => {
            answer.insert("snapshot".to_owned(), snapshot(&published.publication));
        }
        Some(Err(errors)) => {
            let first = errors.first().map(Error::summary).unwrap_or_default();
            answer.insert("snapshot".to_owned(), json!(format!("not published: {first}")));
            notes.push(format!("the change is written and not published: {first}"));
        }
    }
    Ok(Reply { notes, ..call.document(&Value::Object(answer)) })
}

fn changed(changes: &[FieldChange]) -> Value {
    let change = |change: &FieldChange| {
        let FieldChange { template, field, before, after } = change;
        json!({ "templateId": template, "field": field, "before": before, "after": after })
    };
    changes.iter().map(change).collect()
}

fn snapshot(publication: &Publication) -> Value {
    json!(match publication {
        Publication::Published => "published".to_owned(),
        Publication::Unchanged => "unchanged".to_owned(),
        Publication::Withheld(why) => format!("not published: {why}"),
    })
}

fn render(call: &Call, arguments: &TemplatesRender) -> Result<Reply, Errors> {
    let id = arguments.template.id();
    let launch = rendering::render(&call.invocation, id, arguments.count)?;
    let calls: Vec<Value> = launch.plan.steps.iter().map(|step| parameters(step)).collect();
    Ok(call.document(&json!({
        "templateId": id,
        "provider": launch.provider,
        "type": launch.kind,
        "count": arguments.count,
        "calls": calls,
    })))
}

/// A call with its parameters; other steps as they are worded.
fn parameters(step: &str) -> Value {
    match step
        .split_once(' ')
        .and_then(|(action, text)| Some((action, ohfp_broker::json::object(text).ok()?)))
    {
        Some((action, parameters)) => json!({ "action": action, "parameters": parameters }),
        None => json!(step),
    }
}

fn generate(call: &Call, arguments: &TemplatesGenerate) -> Reply {
    let api = arguments.provider_api.map(ohfp_cli::LaunchApi::name);
    let templates = template_files::example_templates(&call.invocation, api);
    if call.format == ohfp_render::Format::Json {
        return Reply::answer(Rendered::plain(template_files::document(&templates).into_bytes()));
    }
    call.document(&json!({ "templates": templates }))
}

fn refresh(call: &Call, arguments: &TemplatesRefresh) -> Result<Reply, Errors> {
    let Published { publication, templates, changes, held } =
        Published::now(&call.invocation, arguments.allow_lower_max)?;
    let mut answer = Map::new();
    answer.insert("snapshot".to_owned(), snapshot(&publication));
    answer.insert("templates".to_owned(), json!(templates));
    if let Some(changes) = changes {
        answer.insert("added".to_owned(), json!(changes.added));
        answer.insert("removed".to_owned(), json!(changes.removed));
        answer.insert("changed".to_owned(), json!(changes.changed));
        answer.insert("reordered".to_owned(), json!(changes.reordered));
    }
    let notes = held.iter().map(ohfp_service::publication::LimitDecrease::message).collect();
    Ok(Reply { notes, ..call.document(&Value::Object(answer)) })
}

fn diff(call: &Call, arguments: &TemplatesDiff) -> Result<Reply, Errors> {
    let changes = template_files::differences(&call.invocation, &read(&arguments.file)?)?;
    Ok(call.document(&json!({ "differs": !changes.is_empty(), "changes": changed(&changes) })))
}
