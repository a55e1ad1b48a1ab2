//! The SDK's side of a client, made when the first call needs it.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use ohfp_provider_aws::failure::NotSent;
use tokio::runtime::Runtime;

use crate::config::{self, ClientConfig, Endpoints, Role};
use crate::credentials::{Chain, Kept};
use crate::transport::{Plan, Transport};

/// What the SDK itself takes where no time is configured.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// How long credentials may take. The deadline of a call ends it sooner; the SDK's own limit of 5 s would end a log-in
/// by a program that takes longer.
const CREDENTIALS_LIMIT: Duration = Duration::from_mins(1);

/// The runtime, the configuration and the clients of the services.
#[derive(Debug)]
pub(crate) struct Sdk {
    /// On the caller's thread. Several threads may block on it at once: one of them drives it for all.
    runtime: Option<Runtime>,
    pub(crate) config: SdkConfig,
    pub(crate) transport: Transport,
    pub(crate) credentials: SharedCredentialsProvider,
    pub(crate) endpoints: Endpoints,
    ec2: OnceLock<aws_sdk_ec2::Client>,
    autoscaling: OnceLock<aws_sdk_autoscaling::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
}

impl Sdk {
    /// Reads environment, profile files and configuration. No request is made.
    pub(crate) fn load(config: &ClientConfig) -> Result<Self, NotSent> {
        config.check()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| NotSent::Configuration { why: format!("no runtime: {error}") })?;
        let variable = |name: &str| {
            std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|v| !v.is_empty())
        };
        let no_proxy = variable("NO_PROXY").or_else(|| variable("no_proxy"));
        let connect_timeout = config.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        let transport = Transport::new(Plan {
            connect_timeout,
            ca_bundle: config.ca_bundle.clone().or_else(|| variable("AWS_CA_BUNDLE").map(Into::into)),
            proxy: config.proxy.clone(),
            no_proxy,
            allows_insecure_endpoint: config.allows_insecure_endpoint,
        });
        let (config, credentials) =
            runtime.block_on(sdk_config(config, &transport, connect_timeout, variable))?;
        Ok(Self {
            runtime: Some(runtime),
            config,
            transport,
            credentials,
            endpoints: Endpoints::default(),
            ec2: OnceLock::new(),
            autoscaling: OnceLock::new(),
            sts: OnceLock::new(),
        })
    }

    /// Runs a future on the caller's thread.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> Option<F::Output> {
        self.runtime.as_ref().map(|runtime| runtime.block_on(future))
    }

    pub(crate) fn ec2(&self) -> &aws_sdk_ec2::Client {
        self.ec2.get_or_init(|| {
            let config = aws_sdk_ec2::config::Builder::from(&self.config);
            aws_sdk_ec2::Client::from_conf(match self.endpoint(self.endpoints.ec2.as_ref()) {
                Some(url) => config.endpoint_url(url).build(),
                None => config.build(),
            })
        })
    }

    pub(crate) fn autoscaling(&self) -> &aws_sdk_autoscaling::Client {
        self.autoscaling.get_or_init(|| {
            let config = aws_sdk_autoscaling::config::Builder::from(&self.config);
            aws_sdk_autoscaling::Client::from_conf(match self.endpoint(self.endpoints.autoscaling.as_ref()) {
                Some(url) => config.endpoint_url(url).build(),
                None => config.build(),
            })
        })
    }

    pub(crate) fn sts(&self) -> &aws_sdk_sts::Client {
        self.sts.get_or_init(|| {
            let config = aws_sdk_sts::config::Builder::from(&self.config);
            aws_sdk_sts::Client::from_conf(match self.endpoint(self.endpoints.sts.as_ref()) {
                Some(url) => config.endpoint_url(url).build(),
                None => config.build(),
            })
        })
    }

    /// What an action is sent to: its service with the URL that is configured, else with the region.
    pub(crate) fn endpoint_of(&self, action: &str) -> String {
        let Endpoints { ec2, autoscaling, sts, ssm, .. } = &self.endpoints;
        let (service, own, variable) = match action {
            "GetParameters" => ("ssm", ssm, "AWS_ENDPOINT_URL_SSM"),
            "GetCallerIdentity" => ("sts", sts, "AWS_ENDPOINT_URL_STS"),
            "SuspendProcesses" => ("autoscaling", autoscaling, "AWS_ENDPOINT_URL_AUTO_SCALING"),
            name if name.contains("AutoScaling") || name.contains("ScalingActivities") => {
                ("autoscaling", autoscaling, "AWS_ENDPOINT_URL_AUTO_SCALING")
            }
            _ => ("ec2", ec2, "AWS_ENDPOINT_URL_EC2"),
        };
        let url = self.endpoint(own.as_ref()).cloned();
        let url = url.or_else(|| std::env::var(variable).ok().filter(|url| !url.is_empty()));
        let url = url.or_else(|| self.config.endpoint_url().map(str::to_owned));
        // A password in the URL shall not get into the store.
        let url = url.map(|url| url.rsplit('@').next().unwrap_or_default().to_owned());
        let region = || self.config.region().map(ToString::to_string);
        format!("{service} {}", url.or_else(region).unwrap_or_default())
    }

    fn endpoint<'a>(&'a self, own: Option<&'a String>) -> Option<&'a String> {
        own.or(self.endpoints.all.as_ref())
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        // A look-up of a host name that hangs cannot be ended; waiting for it would keep the process.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn sdk_config(
    config: &ClientConfig,
    transport: &Transport,
    connect_timeout: Duration,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(SdkConfig, SharedCredentialsProvider), NotSent> {
    let sources = ProviderConfig::without_region().with_http_client(transport.clone());
    let region = region(config, &sources, &variable).await?;
    let sources = sources.with_region(Some(region.clone()));
    let chain = Chain::new(config, &sources, variable);
    let mut sources = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(transport.clone())
        // Credentials are set below: these would be searched for in another order.
        .no_credentials()
        // Every attempt is ours to decide: see `policy.rs`.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(connect_timeout).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_LIMIT).build());
    if let Ok(name) = AppName::new("ohfp") {
        sources = sources.app_name(name);
    }
    if let Some(profile) = &config.profile {
        sources = sources.profile_name(profile);
    }
    let loaded = sources.load().await;
    let credentials = match &config.role {
        None => SharedCredentialsProvider::new(Kept::new(chain)),
        Some(role) => assumed(role, chain, &loaded, &config.endpoints).await,
    };
    let loaded = loaded.into_builder().credentials_provider(credentials.clone()).build();
    Ok((loaded, credentials))
}

async fn region(
    config: &ClientConfig,
    sources: &ProviderConfig,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Region, NotSent> {
    let configured = config.region.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let named = configured
        .map(str::to_owned)
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"));
    let name = match named {
        Some(name) => name,
        None => {
            use aws_config::meta::region::ProvideRegion as _;
            let profile = ProfileFileRegionProvider::builder().configure(sources);
            let profile = match &config.profile {
                Some(name) => profile.profile_name(name),
                None => profile,
            };
            profile.build().region().await.ok_or(NotSent::NoRegion)?.to_string()
        }
    };
    if config::is_region(&name) {
        return Ok(Region::new(name));
    }
    Err(NotSent::Configuration {
        why: format!("`{name}` is no region: letters, digits and `-`, as in eu-central-1"),
    })
}

/// A role, assumed with what the chain finds. STS is asked as the SDK asks it, with the SDK's retries.
async fn assumed(
    role: &Role,
    chain: Chain,
    loaded: &SdkConfig,
    endpoints: &Endpoints,
) -> SharedCredentialsProvider {
    let mut sts = loaded.clone().into_builder().retry_config(RetryConfig::standard());
    sts.set_endpoint_url(
        endpoints
            .sts
            .clone()
            .or_else(|| endpoints.all.clone())
            .or_else(|| loaded.endpoint_url().map(str::to_owned)),
    );
    let mut provider =
        AssumeRoleProvider::builder(role.arn.trim()).session_name("ohfp").configure(&sts.build());
    if let Some(id) = &role.external_id {
        provider = provider.external_id(id);
    }
    SharedCredentialsProvider::new(Kept::new(provider.build_from_provider(Kept::new(chain)).await))
}
