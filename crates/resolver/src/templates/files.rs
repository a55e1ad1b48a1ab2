//! The search for template files, and their division into templates.
//!
//! It must not know the fields of a template.

use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind};
use serde_json::value::RawValue;

use crate::providers::instance::ProviderInstance;
use crate::source::findings::Findings;
use crate::source::text::{Member, Text, members};
use crate::source::trail::Recorder;
use crate::templates::fields;

/// What a template file is for. A template that is in two files has the fields of the more specific one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A provider, of this name and kind.
    Provider(String, String),
    /// The providers of a kind.
    Kind(String),
    /// All providers.
    All,
}

impl Scope {
    /// Whether this one is for all that the other one is for, and for more.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, Self::Kind(_) | Self::Provider(..)) => true,
            (Self::Kind(kind), Self::Provider(_, of)) => kind == of,
            _ => false,
        }
    }
}

/// The result of a search for template files.
#[derive(Debug, Default)]
pub(crate) struct TemplateFiles {
    /// In the order in which templates are offered.
    pub(crate) texts: Vec<Text>,
    /// What each text is for, by the number of the text.
    scopes: Vec<(usize, Scope)>,
    looked_at: Vec<PathBuf>,
    failed: bool,
}

impl TemplateFiles {
    /// Looks for IBM's file: the one named after the instance, else the sample's name.
    pub(crate) fn find_ibm(
        root: &Path,
        instance_name: Option<&str>,
        first: usize,
        recorder: &mut Recorder<'_>,
        findings: &mut Findings,
    ) -> Self {
        let mut catalog = Self::default();
        for name in ibm_names(instance_name, "templates") {
            if catalog.read(&root.join(name), Scope::All, first, recorder, findings) {
                break;
            }
        }
        catalog
    }

    /// The only file, of this content.
    pub(crate) fn given(path: &Path, content: &[u8], number: usize, findings: &mut Findings) -> Self {
        let mut catalog = Self::default();
        match Text::new(path, number, content.to_vec()) {
            Ok(text) => {
                catalog.texts.push(text);
                catalog.scopes.push((number, Scope::All));
            }
            Err(error) => {
                findings.failure(number, error);
                catalog.failed = true;
            }
        }
        catalog
    }

    /// Whether a file exists, readable or not.
    pub(crate) fn has_any(&self) -> bool {
        self.failed || !self.texts.is_empty()
    }

    /// Whether a file is named after a cloud, or a template has a field that refers to a cloud account.
    pub(crate) fn is_for_a_cloud(&self) -> bool {
        let is_aws = |text: &Text| text.path().file_name().is_some_and(|name| name == "aws_templates.json");
        let mut ignored = Findings::default();
        let of_a_cloud = |part: &str| {
            members(part).iter().any(|member| fields::is_of_a_cloud(fields::hf_name(&member.name())))
        };
        self.texts
            .iter()
            .any(|text| is_aws(text) || templates(text, &mut ignored).into_iter().any(of_a_cloud))
    }

    /// Looks for other brokers' files, which are merged.
    pub(crate) fn find_chain(
        &mut self,
        root: &Path,
        providers: &[ProviderInstance],
        first: usize,
        recorder: &mut Recorder<'_>,
        findings: &mut Findings,
    ) {
        let mut names: Vec<(String, Scope)> = Vec::new();
        for ProviderInstance { name, kind, .. } in providers.iter().filter(|provider| provider.enabled) {
            // A provider that is named as its kind shares the file of the kind.
            let own = Scope::Provider(name.clone(), kind.clone());
            let scope = if name == kind { Scope::Kind(kind.clone()) } else { own };
            names.push((format!("{name}_templates.json"), scope));
            names.push((format!("{kind}_templates.json"), Scope::Kind(kind.clone())));
        }
        names.push(("templates.json".to_owned(), Scope::All));
        for (name, scope) in names {
            let path = root.join(name);
            if !self.looked_at.contains(&path) {
                self.read(&path, scope, first, recorder, findings);
            }
        }
    }

    /// What a text is for.
    pub(crate) fn scope(&self, text: &Text) -> Option<&Scope> {
        self.scopes.iter().find(|(number, _)| *number == text.number).map(|(_, scope)| scope)
    }

    /// Reads one candidate; returns whether it exists.
    fn read(
        &mut self,
        path: &Path,
        scope: Scope,
        first: usize,
        recorder: &mut Recorder<'_>,
        findings: &mut Findings,
    ) -> bool {
        let number = first + self.looked_at.len();
        self.looked_at.push(path.to_owned());
        match crate::source::open(path, number, recorder) {
            Ok(None) => return false,
            Ok(Some(text)) => {
                self.texts.push(text);
                self.scopes.push((number, scope));
            }
            Err(error) => {
                findings.failure(number, error);
                self.failed = true;
            }
        }
        true
    }

    /// The error of a search that found no file.
    pub(crate) fn nothing_found(&self, root: &Path) -> Error {
        let names: Vec<String> = self
            .looked_at
            .iter()
            .map(|path| path.file_name().map_or_else(String::new, |name| format!("`{}`", name.display())))
            .collect();
        let message = format!("no template file in `{}`; looked for {}", root.display(), names.join(", "));
        let error = Error::new(ErrorKind::Input, message);
        match instances(root).as_slice() {
            [] => error.hint(
                "`ohfp init --config-dir DIR` makes one to start from; OHFP_CONFIG_DIR names another directory",
            ),
            [first, ..] => error.cause(format!("`{first}{INSTANCE_SUFFIX}` is there, which belongs to another instance")).hint(format!(
                "Host Factory names its instance in HF_PROVIDER_NAME; by hand: HF_PROVIDER_NAME={first}, or --instance {first}"
            )),
        }
    }
}

/// Suffix of IBM's template files, after the instance's name.
const INSTANCE_SUFFIX: &str = "prov_templates.json";

/// Names of the instances that have a template file in a directory.
fn instances(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<String> =
        names.filter_map(|name| name.strip_suffix(INSTANCE_SUFFIX).map(str::to_owned)).collect();
    found.sort();
    found
}

/// IBM's names for a file of an instance: its own, then the sample's.
pub(crate) fn ibm_names(instance_name: Option<&str>, what: &str) -> Vec<String> {
    let own = instance_name.map(|name| format!("{name}prov_{what}.json"));
    let sample = format!("awsprov_{what}.json");
    own.into_iter().filter(|own| *own != sample).chain([sample.clone()]).collect()
}

/// The id of the template in `part`, a slice of `text`; `None` if it has none.
pub(crate) fn id(text: &Text, part: &str) -> Option<String> {
    let members = members(part);
    let is_id = |member: &&Member<'_>| fields::is_called(&member.name(), "templateId");
    let value = members.iter().rfind(is_id).and_then(|id| text.value(id.value.get()).ok())?;
    value.as_str().map(str::to_owned)
}

/// The templates in a file, each as its slice of the text.
pub(crate) fn templates<'t>(text: &'t Text, findings: &mut Findings) -> Vec<&'t str> {
    let whole = text.as_str().trim_start();
    let list = match whole.as_bytes().first() {
        Some(b'[') => Some(whole),
        Some(b'{') => match text.object(whole) {
            Ok(members) => listed(text, whole, &members, findings),
            Err(syntax) => {
                findings.error(text, syntax.offset, &syntax.message, None);
                None
            }
        },
        _ => {
            let message = match text.parse::<&RawValue>(whole) {
                Ok(_) => "expected an object like {\"templates\": […]}, or a list of templates".to_owned(),
                Err(syntax) => syntax.message,
            };
            findings.error(text, text.offset(whole), &message, None);
            None
        }
    };
    let Some(list) = list else { return Vec::new() };
    match text.parse::<Vec<&RawValue>>(list) {
        Ok(templates) => {
            if templates.is_empty() {
                findings.warning(text, text.offset(list), "the list of templates is empty".to_owned(), None);
            }
            templates.into_iter().map(RawValue::get).collect()
        }
        Err(syntax) => {
            findings.error(text, syntax.offset, &syntax.message, None);
            Vec::new()
        }
    }
}

/// The list under `templates`.
fn listed<'t>(text: &Text, whole: &str, members: &[Member<'t>], findings: &mut Findings) -> Option<&'t str> {
    let named: Vec<&Member<'_>> = members.iter().filter(|member| member.name() == "templates").collect();
    match named.as_slice() {
        [only] if only.value.get().starts_with('[') => Some(only.value.get()),
        [only] => {
            findings.error(text, text.offset(only.value.get()), "`templates` must be a list", None);
            None
        }
        [] => {
            findings.error(
                text,
                text.offset(whole),
                "there is no `templates` in this file; it must be a list",
                None,
            );
            None
        }
        [.., last] => {
            let message = "`templates` is given twice; only one list can count";
            findings.error(text, text.offset(last.key.get()), message, Some("join the lists".to_owned()));
            None
        }
    }
}
