//! Which kinds of providers this build has: the one list.

#[cfg(feature = "aws")]
use super::aws::FACTORY as AWS;
use super::factory::ProviderFactory;
use super::sim;

/// The kind is known, and this build does not have it.
#[cfg(not(feature = "aws"))]
const AWS: ProviderFactory = ProviderFactory {
    kind: "aws",
    simulated: false,
    options: &[],
    feature: Some(super::factory::AWS_SWITCH),
    back_end: None,
};

/// Every kind that a configuration can name. A new back end adds its line.
pub(super) const PROVIDERS: &[ProviderFactory] = &[sim::FACTORY, AWS];

/// The factory of that kind; `None` where no build of ohfp has it.
pub(crate) fn factory(kind: &str) -> Option<&'static ProviderFactory> {
    PROVIDERS.iter().find(|factory| factory.kind == kind)
}

/// The kinds that this build can make providers of.
pub(crate) fn compiled_in() -> Vec<&'static str> {
    PROVIDERS.iter().filter(|kind| kind.is_built_in()).map(|kind| kind.kind).collect()
}

/// The kind of the simulated provider.
pub(crate) fn simulated_kind() -> &'static str {
    PROVIDERS.iter().find(|factory| factory.simulated).map_or("", |factory| factory.kind)
}

/// "`sim` is the only type in this build".
pub(super) fn built_in() -> String {
    let kinds: Vec<String> = compiled_in().iter().map(|kind| format!("`{kind}`")).collect();
    match kinds.as_slice() {
        [only] => format!("{only} is the only type in this build"),
        several => format!("{} are the types in this build", several.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_that_configuration_files_know() {
        let kinds: Vec<&str> = PROVIDERS.iter().map(|factory| factory.kind).collect();
        let mut known = ohfp_resolver::PROVIDER_KINDS.to_vec();
        known.sort_by_key(|kind| kinds.iter().position(|listed| listed == kind));
        assert_eq!(kinds, known);
    }

    #[test]
    fn one_kind_is_simulated_and_it_is_built_in() {
        assert_eq!(PROVIDERS.iter().filter(|kind| kind.simulated && kind.is_built_in()).count(), 1);
        assert!(PROVIDERS.iter().all(|kind| kind.is_built_in() != kind.options.is_empty()));
        let wanted = if cfg!(feature = "aws") {
            "`sim` and `aws` are the types in this build"
        } else {
            "`sim` is the only type in this build"
        };
        assert_eq!(built_in(), wanted);
    }
}
