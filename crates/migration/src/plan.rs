//! What an import writes: a configuration, its templates, the files that templates name, and the report.

use std::path::{Component, Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_resolver::templates::layers;
use serde_json::{Map, Value, json};

use crate::report::ImportReport;
use crate::source::{Source, SourceFile, SourceFiles};
use crate::{fields, ibm, options, python};

/// Name of the file with the templates that are offered.
pub const TEMPLATES: &str = "templates.json";
/// Name of the file with templates that cannot be offered. No broker reads a file of that name.
pub const LEFT_OUT: &str = "left-out.json";

/// Fields that name a file: the directories below the other broker's configuration in which it is looked for, and the
/// one below ohfp's in which it is read.
const NAMING: [(&str, &[&str], &str); 4] = [
    ("userDataScript", &[""], ""),
    ("ec2FleetConfig", &[""], ""),
    ("launch_template_spec_file", SPECIFICATIONS, "specs"),
    ("provider_api_spec_file", SPECIFICATIONS, "specs"),
];
/// Where specifications are: as ohfp has them, and as other brokers do.
const SPECIFICATIONS: &[&str] = &["specs", "specs/aws"];

/// A template of the new configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTemplate {
    /// Its id; empty where it has none.
    pub id: String,
    /// Its fields, under Host Factory's names.
    pub fields: Map<String, Value>,
    /// Name of the file that it is from.
    pub file: String,
}

impl PlannedTemplate {
    /// A file with no other template.
    pub fn alone(&self) -> Vec<u8> {
        list(std::slice::from_ref(self))
    }
}

/// Everything that an import writes.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    /// `config.json`.
    pub config: Map<String, Value>,
    /// The templates, in the order in which they are offered.
    pub templates: Vec<PlannedTemplate>,
    /// Templates that are not offered, with the reason.
    pub left_out: Vec<(PlannedTemplate, String)>,
    /// Files that templates name: where each is, and where it belongs below the new directory.
    pub copies: Vec<(PathBuf, PathBuf)>,
    /// What became of every key and field.
    pub report: ImportReport,
}

/// Plans an import.
///
/// # Errors
/// [`ErrorKind::Input`] where a file is no object, or has no list of templates.
pub fn plan(source: Source, files: &SourceFiles) -> Result<ImportPlan> {
    let mut report = ImportReport::default();
    let (config, dropped_providers) = match (source, &files.config) {
        (Source::Orb | Source::OhfpPython, Some(file)) => {
            let python::Imported { mut config, dropped_providers } =
                python::config(file, file.object()?, &mut report);
            if let Some(file) = &files.ibm_config {
                add_ibm(&mut config, file, files.instance.as_deref(), &mut report)?;
            }
            (config, dropped_providers)
        }
        _ => {
            let file = files.ibm_config.as_ref().map(|file| file.object().map(|members| (file, members)));
            let name = files.instance.as_deref().unwrap_or("aws");
            (ibm::config(name, file.transpose()?, &mut report), Vec::new())
        }
    };
    let mut plan =
        ImportPlan { config, templates: Vec::new(), left_out: Vec::new(), copies: Vec::new(), report };
    for file in &files.templates {
        plan.add_file(source, file)?;
    }
    for name in &files.passed_over {
        let why = match source {
            Source::Ibm => "it belongs to another instance".to_owned(),
            _ => format!("{} does not read this file", source.title()),
        };
        plan.report.dropped(name, "templates", why);
    }
    plan.complete(source);
    plan.leave_out_of(&dropped_providers);
    plan.find_copies(&files.root);
    Ok(plan)
}

/// Adds what IBM's file has and `config.json` lacks to the AWS provider that it is about.
fn add_ibm(
    config: &mut Map<String, Value>,
    file: &SourceFile,
    instance: Option<&str>,
    report: &mut ImportReport,
) -> Result<()> {
    let mut members = file.object()?.clone();
    for (name, value) in ibm::log_settings(&file.name, &mut members, report) {
        let section = config.entry("logging").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(section) = section {
            section.entry(name).or_insert(value);
        }
    }
    let mut own = ImportReport::default();
    let mut options = options::aws(&file.name, ("", "provider.providers.aws.config."), &members, &mut own);
    ibm::keep_dollars(&mut options);
    let Some(target) = aws_options(config, instance) else {
        for name in members.keys() {
            report.dropped(&file.name, name, "no provider of type aws is meant by it");
        }
        return Ok(());
    };
    for row in own.rows() {
        match &row.to {
            None => report.dropped(&file.name, &row.name, row.why.clone().unwrap_or_default()),
            Some(to) if target.contains_key(to.rsplit('.').next().unwrap_or(to)) => {
                report.dropped(&file.name, &row.name, "config.json says it, and counts");
            }
            Some(to) => report.guessed(
                &file.name,
                &row.name,
                to,
                "the Python broker does not read this file; ohfp does",
            ),
        }
    }
    for (name, value) in options {
        target.entry(name).or_insert(value);
    }
    Ok(())
}

/// The options of the AWS provider that IBM's file is about: the one of the instance's name, else the only one.
fn aws_options<'c>(
    config: &'c mut Map<String, Value>,
    instance: Option<&str>,
) -> Option<&'c mut Map<String, Value>> {
    let provider = config.get_mut("provider")?.as_object_mut()?;
    if provider.contains_key("aws") {
        return provider.get_mut("aws")?.as_object_mut();
    }
    let list = provider.get_mut("providers")?.as_array_mut()?;
    let mut of_aws: Vec<&mut Value> =
        list.iter_mut().filter(|one| one.get("type").and_then(Value::as_str) == Some("aws")).collect();
    let named = of_aws.iter().position(|one| {
        one.get("name").and_then(Value::as_str).is_some_and(|name| Some(name) == instance.or(Some("aws")))
    });
    let at = named.or_else(|| (of_aws.len() == 1).then_some(0))?;
    let members = of_aws.swap_remove(at).as_object_mut()?;
    members.entry("config").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

impl ImportPlan {
    fn add_file(&mut self, source: Source, file: &SourceFile) -> Result<()> {
        let list = match &file.value {
            Value::Array(list) => list,
            value => value.get("templates").and_then(Value::as_array).ok_or_else(|| {
                Error::new(ErrorKind::Input, format!("`{}` has no list `templates`", file.name))
            })?,
        };
        if let Value::Object(members) = &file.value {
            for name in members.keys().filter(|name| *name != "templates") {
                self.report.dropped(&file.name, name, "only `templates` is read");
            }
        }
        for element in list {
            let Some(given) = element.as_object() else {
                self.report.dropped(&file.name, "templates", "a template must be an object");
                continue;
            };
            let fields = fields::renamed(&file.name, ("templates.", ""), given, &mut self.report);
            let id = fields.get("templateId").and_then(Value::as_str).unwrap_or_default().to_owned();
            let known = self.templates.iter_mut().find(|known| known.id == id && !id.is_empty());
            match known {
                Some(known) if known.file != file.name => {
                    let why = format!(
                        "{} takes all of `{}`; ohfp adds the fields that it lacks",
                        source.title(),
                        known.file
                    );
                    self.report.guessed(&file.name, "templates (of another file, too)", &known.file, why);
                    layers::add_below(&mut known.fields, &fields);
                }
                Some(_) => {
                    let template = PlannedTemplate { id, fields, file: file.name.clone() };
                    self.left_out.push((template, "its id is used twice".to_owned()));
                }
                None => self.templates.push(PlannedTemplate { id, fields, file: file.name.clone() }),
            }
        }
        Ok(())
    }

    /// Adds what the Python brokers have by default and ohfp wants to be told.
    fn complete(&mut self, source: Source) {
        let has_number = |config: &Map<String, Value>| {
            config.get("template").and_then(|section| section.get("max_number")).is_some()
        };
        if source == Source::Ibm || has_number(&self.config) {
            return;
        }
        for template in &mut self.templates {
            if !template.fields.contains_key("maxNumber") {
                template.fields.insert("maxNumber".to_owned(), json!(1));
                let why = format!("{} counts 1 where a template has none", source.title());
                self.report.guessed(&template.file, "templates.maxNumber", "maxNumber", why);
            }
        }
    }

    /// Leaves out templates of providers that ohfp does not have.
    fn leave_out_of(&mut self, dropped: &[(String, String)]) {
        let reason = |fields: &Map<String, Value>| {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            let by_name = dropped.iter().find(|(name, _)| text("providerName") == Some(name.as_str()));
            let by_kind = dropped.iter().find(|(_, kind)| text("providerType") == Some(kind.as_str()));
            by_name.or(by_kind).map(|(_, kind)| format!("ohfp has no provider of type `{kind}`"))
        };
        self.leave_out(|template| reason(&template.fields));
    }

    /// Moves the templates with a reason to those that are not offered. Gives whether there was one.
    pub fn leave_out(&mut self, mut reason: impl FnMut(&PlannedTemplate) -> Option<String>) -> bool {
        let before = self.left_out.len();
        for template in std::mem::take(&mut self.templates) {
            match reason(&template) {
                Some(why) => self.left_out.push((template, why)),
                None => self.templates.push(template),
            }
        }
        self.left_out.len() > before
    }

    /// Finds the files that templates name by a relative path.
    fn find_copies(&mut self, root: &Path) {
        for template in self.templates.iter().chain(self.left_out.iter().map(|(template, _)| template)) {
            for (field, sources, target) in NAMING {
                let Some(path) = template.fields.get(field).and_then(Value::as_str) else { continue };
                let path = Path::new(path);
                let inside =
                    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                let to = Path::new(target).join(path);
                let known = self.copies.iter().any(|(_, known)| *known == to);
                if !inside || known || path.as_os_str().is_empty() {
                    continue;
                }
                let from =
                    sources.iter().map(|below| root.join(below).join(path)).find(|from| from.is_file());
                self.copies.extend(from.map(|from| (from, to)));
            }
        }
    }

    /// The files that are written: name and content.
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut files = vec![
            ("config.json", document(&Value::Object(self.config.clone()))),
            (TEMPLATES, list(&self.templates)),
        ];
        if !self.left_out.is_empty() {
            let with_reason = |(template, why): &(PlannedTemplate, String)| json!({ "why": why, "template": template.fields });
            let left: Vec<Value> = self.left_out.iter().map(with_reason).collect();
            files.push((LEFT_OUT, document(&json!({ "leftOut": left }))));
        }
        files
    }
}

/// A file with these templates.
fn list(templates: &[PlannedTemplate]) -> Vec<u8> {
    let fields: Vec<&Map<String, Value>> = templates.iter().map(|template| &template.fields).collect();
    document(&json!({ "templates": fields }))
}

fn document(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Mapping;

    fn file(name: &str, value: Value) -> SourceFile {
        SourceFile { name: name.to_owned(), value }
    }

    fn files(config: Option<Value>, ibm: Option<Value>, templates: &[(&str, Value)]) -> SourceFiles {
        SourceFiles {
            root: PathBuf::from("/nonexistent"),
            instance: None,
            config: config.map(|value| file("config.json", value)),
            ibm_config: ibm.map(|value| file("awsprov_config.json", value)),
            templates: templates.iter().map(|(name, value)| file(name, value.clone())).collect(),
            passed_over: Vec::new(),
        }
    }

    #[test]
    fn ibms_files_become_one_provider() {
        let config = json!({ "AWS_REGION": "eu-west-1", "AWS_CREDENTIAL_FILE": "/a$b", "ACCEPT_PROPAGATED_LOG_SETTING": "true", "LogLevel": "info" });
        let templates =
            [("awsprov_templates.json", json!({ "templates": [{ "templateId": "a", "maxNumber": 1 }] }))];
        let plan = plan(Source::Ibm, &files(None, Some(config), &templates)).unwrap();
        let expected = json!({
            "scheduler": { "type": "hostfactory" },
            "logging": { "accept_propagated_setting": true, "level": "INFO" },
            "provider": { "active_provider": "aws", "providers": [
                { "name": "aws", "type": "aws", "config": { "region": "eu-west-1", "credential_file": "/a$$b" } }
            ] }
        });
        assert_eq!(Value::Object(plan.config), expected);
        assert_eq!(plan.templates.len(), 1);
        assert_eq!(plan.report.count(Mapping::Dropped), 0);
    }

    #[test]
    fn a_more_specific_file_counts_field_by_field() {
        let templates = [
            ("east_templates.json", json!([{ "template_id": "a", "max_instances": 1 }])),
            (
                "templates.json",
                json!({ "templates": [
                { "templateId": "a", "maxNumber": 9, "keyName": "k" }, { "templateId": "b" }, { "templateId": "b" }
            ] }),
            ),
        ];
        let plan = plan(Source::Orb, &files(Some(json!({})), None, &templates)).unwrap();
        let fields: Vec<Value> =
            plan.templates.iter().map(|template| Value::Object(template.fields.clone())).collect();
        let expected = [
            json!({ "templateId": "a", "maxNumber": 1, "keyName": "k" }),
            json!({ "templateId": "b", "maxNumber": 1 }),
        ];
        assert_eq!(fields, expected);
        assert_eq!(plan.left_out.len(), 1, "the second `b` of the same file");
        assert_eq!(plan.files().len(), 3);
    }

    /// Fields of a specific file and of a general one with the same template, and what is imported of both.
    #[test]
    fn files_are_joined_as_where_they_are_read_in_place() {
        let check = |specific: Value, general: Value, expected: Value| {
            let with_id = |mut template: Value| {
                template["templateId"] = json!("a");
                template
            };
            let name = |fields: Value| json!([with_id(fields)]);
            let templates = [("east_templates.json", name(specific)), ("templates.json", name(general))];
            let plan = plan(Source::Ibm, &files(None, None, &templates)).unwrap();
            let joined: Vec<Value> =
                plan.templates.into_iter().map(|template| Value::Object(template.fields)).collect();
            assert_eq!(joined, [with_id(expected)]);
        };
        check(
            json!({ "vmTypes": { "m5.large": 1 } }),
            json!({ "vmType": "c5.large", "abisInstanceRequirements": {}, "keyName": "k" }),
            json!({ "vmTypes": { "m5.large": 1 }, "keyName": "k" }),
        );
        check(
            json!({ "instanceTags": "no tags" }),
            json!({ "instanceTags": "a=1" }),
            json!({ "instanceTags": "no tags" }),
        );
        check(
            json!({ "attributes": { "ncpus": 1 } }),
            json!({ "attributes": { "ncpus": 9, "nram": 9 } }),
            json!({ "attributes": { "ncpus": 1, "nram": 9 } }),
        );
    }

    #[test]
    fn files_of_templates_are_copied_to_where_they_are_read() {
        let root = tempfile::tempdir().unwrap();
        let below = ["user_data.sh", "fleet.json", "specs/a.json", "specs/aws/a.json", "specs/aws/x/b.json"];
        for name in below {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        for (field, name, expected) in [
            ("userDataScript", "user_data.sh", Some(("user_data.sh", "user_data.sh"))),
            ("ec2FleetConfig", "fleet.json", Some(("fleet.json", "fleet.json"))),
            ("launch_template_spec_file", "a.json", Some(("specs/a.json", "specs/a.json"))),
            ("provider_api_spec_file", "x/b.json", Some(("specs/aws/x/b.json", "specs/x/b.json"))),
            ("provider_api_spec_file", "aws/a.json", Some(("specs/aws/a.json", "specs/aws/a.json"))),
            ("provider_api_spec_file", "fleet.json", None),
            ("provider_api_spec_file", "../fleet.json", None),
            ("userDataScript", "missing", None),
        ] {
            let mut template = json!({ "templateId": "a" });
            template[field] = json!(name);
            let mut files = files(None, None, &[("awsprov_templates.json", json!([template]))]);
            files.root = root.path().to_owned();
            let copies = plan(Source::Ibm, &files).unwrap().copies;
            let expected = expected.map(|(from, to)| (root.path().join(from), PathBuf::from(to)));
            assert_eq!(copies, Vec::from_iter(expected), "{field} = {name}");
        }
    }

    #[test]
    fn ibms_file_completes_that_of_a_python_broker() {
        let config = json!({ "provider": { "providers": [
            { "name": "east", "type": "aws", "config": { "region": "r" } }
        ] } });
        let ibm = json!({ "AWS_REGION": "x", "AWS_KEY_FILE": "/k" });
        let plan = plan(Source::OhfpPython, &files(Some(config), Some(ibm), &[])).unwrap();
        let options = &plan.config["provider"]["providers"][0]["config"];
        assert_eq!(*options, json!({ "region": "r", "AWS_KEY_FILE": "/k" }));
        assert_eq!(plan.report.count(Mapping::Guessed), 1);
    }

    #[test]
    fn a_template_without_an_id_is_not_taken_for_another() {
        let config = json!({ "provider": { "providers": [{ "name": "k", "type": "k8s" }] } });
        let list = json!([{ "keyName": "stays" }, { "keyName": "goes", "providerName": "k" }]);
        let mut plan = plan(Source::Orb, &files(Some(config), None, &[("templates.json", list)])).unwrap();
        let names = |plan: &ImportPlan| -> (Vec<Value>, Vec<Value>) {
            let name = |template: &PlannedTemplate| template.fields["keyName"].clone();
            let left_out = plan.left_out.iter().map(|(template, _)| name(template));
            (plan.templates.iter().map(name).collect(), left_out.collect())
        };
        assert_eq!(names(&plan), (vec![json!("stays")], vec![json!("goes")]));
        assert!(!plan.leave_out(|_| None));
        assert!(plan.leave_out(|template| template.id.is_empty().then(String::new)));
        assert_eq!(names(&plan), (vec![], vec![json!("goes"), json!("stays")]));
    }

    #[test]
    fn templates_of_unknown_providers_are_left_out() {
        let config = json!({ "provider": { "providers": [{ "name": "k", "type": "k8s" }] } });
        let templates = [(
            "templates.json",
            json!([
                { "templateId": "a", "providerName": "k" }, { "templateId": "b", "providerType": "k8s" }, { "templateId": "c" }
            ]),
        )];
        let plan = plan(Source::Orb, &files(Some(config), None, &templates)).unwrap();
        assert_eq!(plan.templates.len(), 1);
        assert!(plan.left_out.iter().all(|(_, why)| why.contains("k8s")));
    }
}
