//! Where credentials come from: Host Factory's script and file, else the order of AWS's own programs, with instance
//! metadata last.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::config::ClientConfig;
use crate::failed::{Searched, reason};
use crate::script::{File, Script};

/// How long instance metadata may take: on a machine of EC2 it answers in milliseconds.
const METADATA_LIMIT: Duration = Duration::from_secs(1);
/// Credentials that end sooner are not used again.
const RENEWED_BEFORE: Duration = Duration::from_mins(1);

/// Sources in order. The first that has credentials counts; one that fails other than by having none ends the search.
#[derive(Debug)]
pub(crate) struct Chain(Vec<Source>);

#[derive(Debug)]
struct Source {
    name: String,
    provider: SharedCredentialsProvider,
    limit: Option<Duration>,
}

impl Source {
    fn new(name: impl Into<String>, provider: impl ProvideCredentials + 'static) -> Self {
        Self { name: name.into(), provider: SharedCredentialsProvider::new(provider), limit: None }
    }
}

impl Chain {
    /// The sources that `config` asks for. `variable` reads the environment.
    pub(crate) fn new(
        config: &ClientConfig,
        sdk: &ProviderConfig,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        if let Some(keys) = &config.keys {
            let keys = Credentials::new(
                &keys.access_key_id,
                &keys.secret_access_key,
                keys.session_token.clone(),
                None,
                "Configuration",
            );
            return Self(vec![Source::new("configuration", keys)]);
        }
        if let Some(script) = &config.credential_script {
            return Self(vec![Source::new("credential script", Script(script.clone()))]);
        }
        if let Some(file) = &config.credential_file {
            return Self(vec![Source::new("credential file", File(file.clone()))]);
        }
        let profiles = ProfileFileCredentialsProvider::builder().configure(sdk);
        if let Some(name) = &config.profile {
            let provider = profiles.profile_name(name).build();
            return Self(vec![Source::new(format!("profile `{name}`"), provider)]);
        }
        let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let mut sources = vec![
            Source::new("environment", EnvironmentVariableCredentialsProvider::new()),
            Source::new(format!("profile `{profile}`"), profiles.build()),
            Source::new(
                "web identity",
                WebIdentityTokenCredentialsProvider::builder().configure(sdk).build(),
            ),
            Source::new("container", EcsCredentialsProvider::builder().configure(sdk).build()),
        ];
        let disabled =
            variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        sources.push(if disabled {
            Source::new("instance metadata", Disabled)
        } else {
            Source { limit: Some(METADATA_LIMIT), ..Source::new("instance metadata", metadata(sdk)) }
        });
        Self(sources)
    }

    async fn find(&self) -> Result<Credentials, CredentialsError> {
        let mut searched = Vec::new();
        for Source { name, provider, limit } in &self.0 {
            let found = match limit {
                None => provider.provide_credentials().await,
                Some(limit) => tokio::time::timeout(*limit, provider.provide_credentials())
                    .await
                    .unwrap_or_else(|_| Err(CredentialsError::not_loaded(format!("no answer in {limit:?}")))),
            };
            match found {
                Ok(credentials) => match expired(&credentials, SystemTime::now()) {
                    None => return Ok(credentials),
                    Some(since) => {
                        searched.push(format!("{name}: they expired at {since}"));
                        break;
                    }
                },
                Err(error) => {
                    searched.push(format!("{name}: {}", reason(&error)));
                    if !matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
                        break;
                    }
                }
            }
        }
        Err(CredentialsError::not_loaded(Searched(searched)))
    }
}

/// Since when credentials are useless.
fn expired(credentials: &Credentials, now: SystemTime) -> Option<String> {
    let expiry = credentials.expiry().filter(|expiry| *expiry <= now)?;
    DateTime::from(expiry).fmt(Format::DateTime).ok()
}

fn metadata(sdk: &ProviderConfig) -> ImdsCredentialsProvider {
    let client = aws_config::imds::Client::builder()
        .configure(sdk)
        .max_attempts(1)
        .connect_timeout(METADATA_LIMIT)
        .read_timeout(METADATA_LIMIT);
    ImdsCredentialsProvider::builder().configure(sdk).imds_client(client.build()).build()
}

/// Stands for instance metadata where the environment forbids to ask.
#[derive(Debug)]
struct Disabled;

impl ProvideCredentials for Disabled {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded(
            "AWS_EC2_METADATA_DISABLED is true",
        )))
    }
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.find())
    }
}

/// Credentials that were found once, until shortly before their end: each service's client would search again.
#[derive(Debug)]
pub(crate) struct Kept {
    source: SharedCredentialsProvider,
    found: Mutex<Option<Credentials>>,
}

impl Kept {
    pub(crate) fn new(source: impl ProvideCredentials + 'static) -> Self {
        Self { source: SharedCredentialsProvider::new(source), found: Mutex::new(None) }
    }

    fn usable(&self) -> Option<Credentials> {
        let renewed = SystemTime::now().checked_add(RENEWED_BEFORE)?;
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().filter(|keys| keys.expiry().is_none_or(|expiry| renewed < expiry)).cloned()
    }

    async fn find(&self) -> Result<Credentials, CredentialsError> {
        if let Some(found) = self.usable() {
            return Ok(found);
        }
        let found = self.source.provide_credentials().await?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }
}

impl ProvideCredentials for Kept {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.find())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::{CredentialScript, StaticKeys};

    fn names(config: &ClientConfig, variables: &[(&str, &str)]) -> Vec<String> {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let Chain(sources) = Chain::new(config, &ProviderConfig::without_region(), variable);
        sources.into_iter().map(|source| source.name).collect()
    }

    #[test]
    fn order_of_sources() {
        let all = ClientConfig {
            keys: Some(StaticKeys::default()),
            credential_script: Some(CredentialScript::default()),
            credential_file: Some(PathBuf::from("/keys")),
            profile: Some("batch".to_owned()),
            ..ClientConfig::default()
        };
        assert_eq!(names(&all, &[]), ["configuration"]);
        let without_keys = ClientConfig { keys: None, ..all };
        assert_eq!(names(&without_keys, &[]), ["credential script"]);
        let without_script = ClientConfig { credential_script: None, ..without_keys };
        assert_eq!(names(&without_script, &[]), ["credential file"]);
        let without_file = ClientConfig { credential_file: None, ..without_script };
        assert_eq!(names(&without_file, &[("AWS_PROFILE", "other")]), ["profile `batch`"]);
        let order = ["environment", "profile `other`", "web identity", "container", "instance metadata"];
        assert_eq!(names(&ClientConfig::default(), &[("AWS_PROFILE", "other")]), order);
    }

    #[derive(Debug)]
    struct Fails(bool);

    impl ProvideCredentials for Fails {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(if self.0 {
                CredentialsError::not_loaded("none here")
            } else {
                CredentialsError::invalid_configuration("no such role")
            }))
        }
    }

    fn find(sources: Vec<Source>) -> Result<Credentials, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Chain(sources).find()).map_err(|error| reason(&error))
    }

    #[test]
    fn a_source_that_fails_ends_the_search_and_one_that_has_none_does_not() {
        let keys = || Credentials::new("AK", "s", None, None, "test");
        let found = find(vec![Source::new("first", Fails(true)), Source::new("second", keys())]).unwrap();
        assert_eq!(found.access_key_id(), "AK");
        let message =
            find(vec![Source::new("first", Fails(false)), Source::new("second", keys())]).unwrap_err();
        assert!(message.contains("first: ") && message.contains("no such role"), "{message}");
        let message =
            find(vec![Source::new("first", Fails(true)), Source::new("second", Disabled)]).unwrap_err();
        assert!(message.contains("first: none here; second: AWS_EC2_METADATA_DISABLED is true"), "{message}");
    }

    #[test]
    fn expired_credentials_end_the_search_and_say_since_when() {
        let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let keys = Credentials::new("AK", "s", None, Some(expiry), "test");
        let message = find(vec![Source::new("profile `x`", keys)]).unwrap_err();
        assert!(message.contains("profile `x`: they expired at 2023-11-14T22:13:20Z"), "{message}");
    }

    #[test]
    fn found_credentials_are_kept_until_shortly_before_their_end() {
        let check = |seconds: Option<u64>, is_kept: bool| {
            let expiry = seconds.map(|seconds| SystemTime::now() + Duration::from_secs(seconds));
            let kept = Kept::new(Credentials::new("AK", "s", None, expiry, "test"));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(kept.find()).unwrap();
            assert_eq!(kept.usable().is_some(), is_kept, "{seconds:?}");
        };
        check(None, true);
        check(Some(600), true);
        check(Some(30), false);
    }
}
