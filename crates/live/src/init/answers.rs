//! The answers that `init` needs, from options and defaults, and their checks.

use std::path::{Path, PathBuf};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_cli::{Init, InitProvider};
use ohfp_platform::locate;
use ohfp_service::invocation::Environment;

use super::detect::Installation;
use crate::commands::import::personal_directory;

/// What a site is set up with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answers {
    /// The configuration directory.
    pub(super) directory: PathBuf,
    pub(super) start: Start,
    /// The directory of the five scripts.
    pub(super) scripts: PathBuf,
}

/// What a configuration starts from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Start {
    Sim,
    Aws(AwsStart),
    Import(Installation),
}

/// What is known of an AWS account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AwsStart {
    pub(super) region: String,
    pub(super) profile: Option<String>,
    pub(super) subnets: Vec<String>,
    pub(super) groups: Vec<String>,
    pub(super) fleet_role: Option<String>,
}

/// Region of a configuration that nothing says one for.
const REGION: &str = "us-east-1";

impl Answers {
    /// What the options say, and defaults.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where an option cannot be right.
    pub(super) fn of(arguments: &Init, env: &Environment) -> Result<Self> {
        let directory = match &arguments.config_dir {
            Some(directory) => directory.clone(),
            None => default_directory(env)?,
        };
        let scripts = arguments.scripts_dir.clone().unwrap_or_else(|| default_scripts(env, &directory));
        Ok(Self { directory, start: start(arguments, env)?, scripts })
    }
}

/// The configuration to start from that the options describe.
pub(super) fn start(arguments: &Init, env: &Environment) -> Result<Start> {
    let is_for_aws = is_for_aws(arguments);
    match arguments.provider {
        Some(InitProvider::Sim) if is_for_aws => {
            Err(Error::new(ErrorKind::Usage, "--provider sim takes no option of AWS")
                .hint("leave out --region, --profile, --subnet-ids, --security-group-ids and --fleet-role"))
        }
        None if !is_for_aws => Ok(Start::Sim),
        Some(InitProvider::Sim) => Ok(Start::Sim),
        Some(InitProvider::Aws) | None => aws(arguments, env).map(Start::Aws),
    }
}

/// Whether an option is about AWS.
pub(super) fn is_for_aws(arguments: &Init) -> bool {
    arguments.region.is_some()
        || arguments.profile.is_some()
        || arguments.fleet_role.is_some()
        || !arguments.subnet_ids.is_empty()
        || !arguments.security_group_ids.is_empty()
}

fn aws(arguments: &Init, env: &Environment) -> Result<AwsStart> {
    let option = |name: &str, check: fn(&str) -> Result<(), String>, value: &str| {
        check(value).map_err(|why| Error::new(ErrorKind::Usage, format!("--{name} {why}, not `{value}`")))
    };
    let region = arguments.region.clone().unwrap_or_else(|| default_region(env));
    option("region", check_region, &region)?;
    for subnet in &arguments.subnet_ids {
        option("subnet-ids", |id| check_id("subnet-", id), subnet)?;
    }
    for group in &arguments.security_group_ids {
        option("security-group-ids", |id| check_id("sg-", id), group)?;
    }
    if let Some(role) = &arguments.fleet_role {
        option("fleet-role", check_role, role)?;
    }
    Ok(AwsStart {
        region,
        profile: arguments.profile.clone().filter(|profile| !profile.is_empty()),
        subnets: arguments.subnet_ids.clone(),
        groups: arguments.security_group_ids.clone(),
        fleet_role: arguments.fleet_role.clone(),
    })
}

/// The region that the environment names.
pub(super) fn default_region(env: &Environment) -> String {
    let set = |name: &str| env.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty());
    set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION")).unwrap_or(REGION).to_owned()
}

/// The directory that the environment names, whether it exists or not; else a person's own.
pub(super) fn default_directory(env: &Environment) -> Result<PathBuf> {
    let root = locate::config_root(&|name: &str| env.bytes(name));
    let of_variable = root.filter(|root| matches!(root.source, locate::RootSource::Variable(_)));
    match of_variable.and_then(|root| String::from_utf8(root.path.as_bytes().to_vec()).ok()) {
        Some(path) => Ok(PathBuf::from(path)),
        None => personal_directory(env),
    }
}

/// Where Host Factory looks for the scripts of a plug-in of this name; else beside the configuration.
pub(super) fn default_scripts(env: &Environment, directory: &Path) -> PathBuf {
    let set = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (set("HF_TOP"), set("HF_VERSION")) {
        (Some(top), Some(version)) => {
            top.join(version).join("providerplugins").join(ohfp_cli::PROGRAM).join("scripts")
        }
        _ => directory.join("scripts"),
    }
}

/// Whether it looks like the name of a region.
///
/// # Errors
/// What it must be.
pub(super) fn check_region(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && words.iter().all(is_word)
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    };
    if is_region { Ok(()) } else { Err("must be a region such as eu-west-1".to_owned()) }
}

/// Whether it is an id of AWS with that prefix.
///
/// # Errors
/// What it must be.
pub(super) fn check_id(prefix: &str, text: &str) -> Result<(), String> {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    if (8..=17).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err(format!("must have ids such as {prefix}0123456789abcdef0"))
    }
}

/// Whether it is the ARN of a role.
///
/// # Errors
/// What it must be.
pub(super) fn check_role(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let is_role = match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        }
        _ => false,
    };
    if is_role {
        Ok(())
    } else {
        Err("must be a role such as arn:aws:iam::123456789012:role/name".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(check: impl Fn(&str) -> Result<(), String>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for text in bad {
            assert!(check(text).is_err(), "{text}");
        }
    }

    #[test]
    fn answers_are_checked() {
        check(
            check_region,
            &["eu-west-1", "us-gov-east-1", "ap-southeast-2"],
            &["", "eu", "eu-west", "EU-WEST-1", "eu-west-1a"],
        );
        check(
            |id| check_id("subnet-", id),
            &["subnet-01234567", "subnet-0123456789abcdef0"],
            &["", "subnet-", "sg-01234567", "subnet-xyz01234"],
        );
        check(
            check_role,
            &["arn:aws:iam::123456789012:role/r", "arn:aws-cn:iam::123456789012:role/a/b"],
            &["", "r", "arn:aws:iam::1:role/r", "arn:aws:iam::123456789012:user/r"],
        );
    }

    #[test]
    fn options_decide_the_provider() {
        let env = Environment::from_iter([("AWS_REGION", "eu-west-1")]);
        let with = |arguments: Init| start(&arguments, &env).map_err(|error| error.kind());
        assert_eq!(with(Init::default()), Ok(Start::Sim));
        let aws = Start::Aws(AwsStart { region: "eu-west-1".to_owned(), ..AwsStart::default() });
        assert_eq!(with(Init { provider: Some(InitProvider::Aws), ..Init::default() }), Ok(aws));
        let named = with(Init { profile: Some("p".to_owned()), ..Init::default() });
        assert!(matches!(named, Ok(Start::Aws(AwsStart { profile: Some(_), .. }))));
        let both = Init {
            provider: Some(InitProvider::Sim),
            region: Some("eu-west-1".to_owned()),
            ..Init::default()
        };
        assert_eq!(with(both), Err(ErrorKind::Usage));
        assert_eq!(
            with(Init { region: Some("nowhere".to_owned()), ..Init::default() }),
            Err(ErrorKind::Usage)
        );
    }
}
