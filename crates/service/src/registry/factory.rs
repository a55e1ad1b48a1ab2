//! What a kind of provider is to a configuration: its options, and how one is built.

use std::path::Path;
use std::sync::Arc;

use ohfp_broker::documents::DocumentStore;
use ohfp_broker::launch_spec::FieldError;
use ohfp_broker::provider::{Plan, Provider};
use ohfp_broker::{Error, ErrorKind, Errors, Result, Template};
use ohfp_keys::{Key, OptionFinding};
use ohfp_resolver::nearest::{did_you_mean, nearest_dotted};
use ohfp_resolver::settings::key_table::AWS_INTEGRATION;
use ohfp_resolver::{Performance, ProviderInstance};
use serde_json::{Map, Value};

use crate::invocation::Invocation;

/// A kind of provider.
pub(crate) struct ProviderFactory {
    /// As `type` of an instance in `config.json`.
    pub(crate) kind: &'static str,
    /// Whether its machines do not exist.
    pub(crate) simulated: bool,
    /// The keys of an instance's `config`; none where this build does not have the kind.
    pub(super) options: &'static [Key],
    pub(super) feature: Option<Feature>,
    /// `None` where this build does not have it.
    pub(super) back_end: Option<BackEnd>,
}

/// A key of `config.json` that switches a kind off.
pub(super) struct Feature {
    pub(super) key: &'static str,
    pub(super) value: fn(&Performance) -> Option<bool>,
}

/// What switches AWS off.
pub(super) const AWS_SWITCH: Feature =
    Feature { key: AWS_INTEGRATION.key.name, value: |performance| performance.aws_integration };

/// Where a provider keeps what it remembers.
pub(super) struct Home<'a> {
    /// Its documents in the state store.
    pub(super) documents: Arc<dyn DocumentStore>,
    /// Knows the state directory, for files. It is only worked out where a provider keeps one.
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only AWS keeps a file"))]
    pub(super) invocation: &'a Invocation,
}

/// Builds the provider of an instance.
pub(super) type Build = fn(&ProviderInstance, Home<'_>) -> Result<Arc<dyn Provider>, Errors>;

/// What a kind that is built in can do.
pub(super) struct BackEnd {
    pub(super) findings: fn(&Map<String, Value>) -> Vec<OptionFinding>,
    /// Reads the options once for all templates.
    pub(super) launch_check: fn(&ProviderInstance) -> LaunchCheck,
    pub(super) rendered: Render,
    pub(super) build: Build,
}

/// What keeps a template from being launched, as far as that is known without a call; paths are below the directory.
pub(crate) type LaunchCheck = Box<dyn Fn(&Template, &Path) -> Vec<FieldError>>;

/// What a launch of so many machines would call, without a call; paths are below the directory.
pub(super) type Render = fn(&ProviderInstance, &Template, u32, &Path) -> Result<Plan>;

/// A check that finds nothing.
pub(super) fn unchecked() -> LaunchCheck {
    Box::new(|_, _| Vec::new())
}

/// What there is to say about the options of an instance.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What is wrong: no provider is built of such options.
    pub(crate) errors: Vec<Error>,
    /// What is doubtful.
    pub(crate) warnings: Vec<String>,
}

impl ProviderFactory {
    /// Whether this build has it.
    pub(crate) fn is_built_in(&self) -> bool {
        self.back_end.is_some()
    }

    /// The key of `config.json` that switches this kind off, where it does.
    pub(super) fn switched_off(&self, performance: &Performance) -> Option<&'static str> {
        self.feature
            .as_ref()
            .filter(|feature| (feature.value)(performance) == Some(false))
            .map(|feature| feature.key)
    }

    /// The check of templates that this provider would launch.
    pub(crate) fn launch_check(&self, instance: &ProviderInstance) -> LaunchCheck {
        match &self.back_end {
            Some(back_end) => (back_end.launch_check)(instance),
            None => unchecked(),
        }
    }

    /// What a launch would call, without a call. Relative paths are below `directory`.
    pub(crate) fn rendered(
        &self,
        instance: &ProviderInstance,
        template: &Template,
        count: u32,
        directory: &Path,
    ) -> Result<Plan> {
        let back_end = self.back_end.as_ref();
        back_end.map_or_else(
            || Ok(Plan::default()),
            |back_end| (back_end.rendered)(instance, template, count, directory),
        )
    }

    /// Looks at the options of an instance, without building anything.
    pub(crate) fn check(&self, instance: &ProviderInstance) -> Checked {
        let Some(back_end) = &self.back_end else { return Checked::default() };
        self.judge(instance, &(back_end.findings)(&instance.config))
    }

    /// Findings as errors and warnings, each with the instance's name and its place.
    pub(super) fn judge(&self, instance: &ProviderInstance, findings: &[OptionFinding]) -> Checked {
        let named = |finding: &OptionFinding| {
            let (source, name, kind) = (&instance.source, &instance.name, self.kind);
            format!("{source}: provider `{name}`: config of a `{kind}` provider: {finding}")
        };
        let mut checked = Checked::default();
        for finding in findings {
            if finding.is_wrong() {
                let error = Error::new(ErrorKind::Input, named(finding));
                checked.errors.push(match self.hint(finding) {
                    Some(hint) => error.hint(hint),
                    None => error,
                });
            } else {
                checked.warnings.push(named(finding));
            }
        }
        checked
    }

    /// The option that an unknown one may stand for.
    fn hint(&self, finding: &OptionFinding) -> Option<String> {
        let OptionFinding::Unknown(name) = finding else { return None };
        let known: Vec<&str> = self.options.iter().map(|key| key.name).collect();
        did_you_mean(nearest_dotted(name, &known))
    }
}

#[cfg(test)]
mod tests {
    use ohfp_keys::{OptionValues, flag, whole};

    use super::*;

    ohfp_keys::table! {
        /// Options of this test.
        OPTIONS;
        RETRIES: u64 = "calls.retries", whole(0, 9, 3), "how often a call is repeated";
        DEBUG: bool = "debug", flag(false), "whether calls are logged";
    }

    const FACTORY: ProviderFactory = ProviderFactory {
        kind: "cloud",
        simulated: false,
        options: OPTIONS,
        feature: None,
        back_end: Some(BackEnd {
            findings: |options| OptionValues::read(OPTIONS, options).1,
            launch_check: |_| unchecked(),
            rendered: |_, _, _, _| Ok(Plan::default()),
            build: |_, _| Err(Error::new(ErrorKind::Unavailable, "not here").into()),
        }),
    };

    /// Messages and hints come from a factory's own table, whichever kind it is.
    #[test]
    fn options_are_judged_by_the_table_of_their_kind() {
        let check = |options: &str, errors: &[&str], warnings: &[&str]| {
            let mut instance = ProviderInstance::new("c", "cloud", "config.json:3".to_owned());
            instance.config = serde_json::from_str(options).unwrap();
            let checked = FACTORY.check(&instance);
            let place =
                |text: &&str| format!("config.json:3: provider `c`: config of a `cloud` provider: {text}");
            let told: Vec<String> = checked.errors.iter().map(ToString::to_string).collect();
            let wanted = errors.iter().map(|text| format!("invalid input: {}", place(text)));
            assert_eq!(told, wanted.collect::<Vec<_>>(), "{options}");
            assert_eq!(checked.warnings, warnings.iter().map(place).collect::<Vec<_>>(), "{options}");
        };
        check(r#"{"calls": {"retries": 1}, "debug": true}"#, &[], &[]);
        check(r#"{"debug": "true"}"#, &[], &["`debug` is written as \"true\"; it is read as true"]);
        check(r#"{"debug": 2}"#, &["`debug` must be true or false, not 2"], &[]);
        check(
            r#"{"calls": {"retires": 1}}"#,
            &["`calls.retires` is not a known key\n  hint: did you mean `calls.retries`?"],
            &[],
        );
        check(r#"{"quux": 1}"#, &["`quux` is not a known key"], &[]);
    }
}
