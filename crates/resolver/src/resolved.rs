//! What loading gives: configuration and templates, each with what is wrong or doubtful about it.

use std::path::PathBuf;

use ohfp_broker::template::Template;
use ohfp_broker::{Error, Errors, Result};

use crate::providers::instance::ProviderInstance;
use crate::settings::effective::Settings;
use crate::source::findings::{Problem, Subject, Warning};
use crate::source::trail::Trail;
use crate::templates::resolver::{LeftOut, LimitDecrease};

/// Where configuration comes from; decided elsewhere, by one rule shared with the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The folder.
    pub root: PathBuf,
    /// A file named on the command line; nothing means `config.json` in the folder, if it exists.
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
    /// In file order, as far as they are right: questions about them go through [`Resolved::templates`].
    pub templates: Vec<Template>,
    /// In the files, and not among `templates`.
    pub left_out: Vec<LeftOut>,
    /// Templates with the published `maxNumber` instead of the file's; none until it is compared with what is
    /// published.
    pub held: Vec<LimitDecrease>,
    /// What is doubtful.
    pub warnings: Vec<Warning>,
    /// What is wrong, in the order of the files. Each stops only those who need it.
    pub problems: Vec<Problem>,
    /// Everything this depends on.
    pub trail: Trail,
}

/// Configuration without templates: what it takes to look after requests and machines that exist. Its cost
/// does not depend on the size of the catalog.
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
    /// The templates, for those who must have all of them.
    ///
    /// # Errors
    /// What is wrong with the templates, or with what they take over from the configuration.
    pub fn templates(&self) -> Result<&[Template], Errors> {
        let mut errors: Vec<Error> = Vec::new();
        for Problem { subject, error } in &self.problems {
            let concerns = match subject {
                Subject::Everything | Subject::Templates => true,
                Subject::Setting(name) => {
                    ["template", "provider.provider_defaults"].iter().any(|section| {
                        name.strip_prefix(section)
                            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                    }) || (self.needs_default() && name.starts_with("provider"))
                }
                Subject::Provider(name, member) => {
                    member == "template_defaults"
                        && self.providers.iter().any(|one| one.name == *name && (one.enabled || one.default))
                }
                Subject::Unused => false,
            };
            if concerns {
                errors.push(error.clone());
            }
        }
        if errors.is_empty() { Ok(&self.templates) } else { Err(errors.into()) }
    }

    /// Whether templates would take fields over from the default provider, and which one that is cannot be
    /// known.
    fn needs_default(&self) -> bool {
        !self.providers.iter().any(|instance| instance.default)
            && self.providers.iter().any(|instance| !instance.template_defaults.is_empty())
    }

    /// All that is wrong.
    pub fn errors(&self) -> Vec<Error> {
        self.problems.iter().map(|problem| problem.error.clone()).collect()
    }
}
