//! The result of loading: configuration and templates, each with its errors and warnings.

use std::path::PathBuf;

use ohfp_broker::template::Template;
use ohfp_broker::{Error, Errors, Result};

use crate::providers::instance::ProviderInstance;
use crate::providers::members::TEMPLATE_DEFAULTS;
use crate::settings::effective::Settings;
use crate::source::findings::{Problem, Subject, Warning};
use crate::source::trail::Trail;
use crate::templates::resolver::{LeftOut, LimitDecrease};

/// Origin of the configuration, decided by the rule that is shared with the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The configuration directory.
    pub root: PathBuf,
    /// The configuration file named on the command line; `None` means `config.json` in `root`, if it exists.
    pub config_file: Option<PathBuf>,
}

/// Configuration and templates, ready to be rendered.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Where it came from.
    pub origin: Origin,
    /// The effective configuration.
    pub settings: Settings,
    /// At least one. One of them is the default, unless that cannot be known.
    pub providers: Vec<ProviderInstance>,
    /// Valid templates, in file order. To require that all are valid, use [`Resolved::templates`].
    pub templates: Vec<Template>,
    /// Templates in the files that are not offered.
    pub left_out: Vec<LeftOut>,
    /// Templates that keep the published `maxNumber` instead of the file's; empty until compared with the
    /// published snapshot.
    pub held: Vec<LimitDecrease>,
    /// What is doubtful.
    pub warnings: Vec<Warning>,
    /// What is wrong, in the order of the files. Each stops only those who need it.
    pub problems: Vec<Problem>,
    /// Every input that this depends on.
    pub trail: Trail,
}

/// Configuration without templates, which suffices for existing requests and machines. Its cost does not depend
/// on the size of the catalog.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The effective configuration.
    pub settings: Settings,
    /// At least one. One of them is the default, unless that cannot be known.
    pub providers: Vec<ProviderInstance>,
    /// What is doubtful.
    pub warnings: Vec<Warning>,
    /// What is wrong, in the order of the files. Each stops only those who need it.
    pub problems: Vec<Problem>,
}

impl Resolved {
    /// The templates, for operations that require all of them to be valid.
    ///
    /// # Errors
    /// Errors in the templates, or in the defaults that they inherit from the configuration.
    pub fn templates(&self) -> Result<&[Template], Errors> {
        let errors: Vec<Error> = self.concerning().map(|problem| problem.error.clone()).collect();
        if errors.is_empty() { Ok(&self.templates) } else { Err(errors.into()) }
    }

    /// Whether templates are wrong and nothing is that others depend on: [`templates`](Self::templates) without an error
    /// are what the files say.
    pub fn has_wrong_templates_only(&self) -> bool {
        let mut concerning = self.concerning().peekable();
        concerning.peek().is_some() && concerning.all(|problem| problem.subject == Subject::Template)
    }

    /// The errors in what templates depend on.
    fn concerning(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|Problem { subject, .. }| match subject {
            Subject::Everything | Subject::Templates | Subject::Template => true,
            Subject::Setting(name) => {
                ["template", "provider.provider_defaults"].iter().any(|section| {
                    name.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                }) || (self.needs_default() && name.starts_with("provider"))
            }
            Subject::Provider(name, member) => {
                member == TEMPLATE_DEFAULTS.key.name
                    && self.providers.iter().any(|one| one.name == *name && (one.enabled || one.default))
            }
            Subject::Unused => false,
        })
    }

    /// Has templates keep a published number until the operator allows the lower one of the files.
    pub fn keep_published_limits(&mut self, lowered: Vec<LimitDecrease>) {
        for template in self.templates.iter_mut().filter(|_| !lowered.is_empty()) {
            if let Some(lowered) = lowered.iter().find(|lowered| lowered.id == template.id()) {
                template.set_max_number(lowered.published);
            }
        }
        self.held = lowered;
    }

    /// Whether templates inherit fields from the default provider while the default provider is undetermined.
    fn needs_default(&self) -> bool {
        !self.providers.iter().any(|instance| instance.default)
            && self.providers.iter().any(|instance| !instance.template_defaults.is_empty())
    }

    /// All errors.
    pub fn errors(&self) -> Vec<Error> {
        self.problems.iter().map(|problem| problem.error.clone()).collect()
    }
}
