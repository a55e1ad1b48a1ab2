//! A configured provider, whichever file it comes from.

use ohfp_broker::Error;
use serde_json::{Map, Value};

use crate::providers::members::{ENABLED, PRIORITY, WEIGHT};
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
    /// Position in the configuration.
    pub source: String,
    /// Whether it is the default for new requests.
    pub default: bool,
    /// Whether no file names it, so that IBM's files or the absence of all files imply it.
    pub implied: bool,
    /// Fields for templates that lack them, under Host Factory's names.
    pub template_defaults: Map<String, Value>,
    /// Errors in it, by member.
    problems: Vec<(String, Error)>,
}

impl ProviderInstance {
    /// Creates an instance with default values. `source` is its position in the configuration.
    pub fn new(name: &str, kind: &str, source: String) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            enabled: ENABLED.default(),
            priority: PRIORITY.default(),
            weight: WEIGHT.default(),
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

    /// Errors in any of these members; `config` stands for all options.
    pub fn problems(&self, members: &[&str]) -> Vec<Error> {
        let of = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
        let wrong = self.problems.iter().filter(|(name, _)| members.contains(&of(name).as_str()));
        wrong.map(|(_, error)| error.clone()).collect()
    }

    /// Attaches errors to the instance that they are about.
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
