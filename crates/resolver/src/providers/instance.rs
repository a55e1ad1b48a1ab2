//! A configured provider, whichever file it comes from.

use ohfp_broker::Error;
use serde_json::{Map, Value};

use crate::settings::redact::redact;
use crate::source::findings::{Problem, Subject};

/// A configured provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderInstance {
    /// Unique.
    pub name: String,
    /// `aws`, `sim`.
    pub kind: String,
    /// Whether requests may go to it.
    pub enabled: bool,
    /// Lower goes first.
    pub priority: i64,
    /// Share of requests.
    pub weight: i64,
    /// Its options; secrets are in the clear.
    pub config: Map<String, Value>,
    /// Where it is configured.
    pub source: String,
    /// Whether requests go to it when nothing else is said.
    pub default: bool,
    /// Whether no file names it, but IBM's files or the absence of all stand for it.
    pub implied: bool,
    /// Fields for templates that lack them, under Host Factory's names.
    pub template_defaults: Map<String, Value>,
    /// What is wrong with it, by member.
    problems: Vec<(String, Error)>,
}

impl ProviderInstance {
    /// An instance that nothing is said about but its name.
    pub(crate) fn new(name: &str, kind: &str, source: String) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            enabled: true,
            priority: 0,
            weight: 100,
            config: Map::new(),
            source,
            default: false,
            implied: false,
            template_defaults: Map::new(),
            problems: Vec::new(),
        }
    }

    /// An instance that no file names.
    pub(crate) fn implied(name: &str, kind: &str, source: String) -> Self {
        Self { implied: true, ..Self::new(name, kind, source) }
    }

    /// The options as they may be shown.
    pub fn redacted_config(&self) -> Map<String, Value> {
        self.config.iter().map(|(key, value)| (key.clone(), redact(key, value))).collect()
    }

    /// What is wrong with any of these members; `config` stands for all options.
    pub fn problems(&self, members: &[&str]) -> Vec<Error> {
        let of = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
        let wrong = self.problems.iter().filter(|(name, _)| members.contains(&of(name).as_str()));
        wrong.map(|(_, error)| error.clone()).collect()
    }

    /// Puts what was found wrong beside the instance it is about.
    pub(crate) fn mark(&mut self, problems: &[Problem]) {
        for problem in problems {
            if let Subject::Provider(name, member) = &problem.subject
                && *name == self.name
            {
                self.problems.push((member.clone(), problem.error.clone()));
            }
        }
    }
}
