//! AWS: its factory, in builds with the feature `aws`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ohfp_aws_client::{Client, ClientConfig, CredentialScript, Endpoints, Proxy, Retries, Role, StaticKeys};
use ohfp_broker::Errors;
use ohfp_provider_aws::calm::Calm;
use ohfp_provider_aws::{AwsOptions, AwsProvider, KEYS, options};
use ohfp_resolver::ProviderInstance;

use super::factory::{AWS_SWITCH, BackEnd, Home, ProviderFactory};

pub(super) const FACTORY: ProviderFactory = ProviderFactory {
    kind: "aws",
    simulated: false,
    options: KEYS,
    feature: Some(AWS_SWITCH),
    back_end: Some(BackEnd {
        findings: |options| AwsOptions::read(options).1,
        launch_check: |instance| {
            let (options, _) = AwsOptions::read(&instance.config);
            Box::new(move |template, directory| {
                ohfp_provider_aws::unlaunchable(&options, template, directory)
            })
        },
        rendered: |instance, template, count, directory| {
            let (options, _) = AwsOptions::read(&instance.config);
            ohfp_provider_aws::plan((&instance.name, &options), template, count, directory)
        },
        build: |instance, home| Ok(Arc::new(provider(instance, home)?)),
    }),
};

fn provider(instance: &ProviderInstance, home: Home<'_>) -> Result<AwsProvider, Errors> {
    let (options, findings) = AwsOptions::read(&instance.config);
    let errors = FACTORY.judge(instance, &findings).errors;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let directory = home.invocation.state_directory()?;
    let (failures, seconds) = (options.of(&options::PAUSE_AFTER), options.of(&options::PAUSE_SECONDS));
    let calm = Calm::shared(&*instance.name, Arc::clone(&home.documents)).pausing(failures, seconds);
    let client = Client::calm(config(&options, &directory), Arc::new(calm));
    let provider = AwsProvider::new(&*instance.name, options, Arc::new(client), home.documents);
    let source = instance.source.as_str();
    Ok(provider.below(&home.invocation.place()?.origin.root).configured_at(source))
}

/// How a client reaches AWS by these options. What a credential script prints is kept in `directory`.
fn config(options: &AwsOptions, directory: &Path) -> ClientConfig {
    let text = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(str::to_owned);
    let keys = |id: &str, secret: &str| StaticKeys {
        access_key_id: id.to_owned(),
        secret_access_key: secret.to_owned(),
        session_token: text(options.of(&options::SESSION_TOKEN)),
    };
    let id = options.of(&options::ACCESS_KEY_ID).filter(|id| !id.is_empty());
    let secret = options.of(&options::SECRET_ACCESS_KEY).filter(|secret| !secret.is_empty());
    let count = |number: Option<u64>| number.and_then(|number| u32::try_from(number).ok());
    let script = text(options.of(&options::AWS_CREDENTIAL_SCRIPT));
    let proxy = text(options.of(&options::PROXY_HOST)).zip(options.of(&options::PROXY_PORT));
    ClientConfig {
        region: options.region().map(str::to_owned),
        profile: text(options.of(&options::PROFILE)),
        role: text(options.of(&options::ROLE_ARN))
            .map(|arn| Role { arn, external_id: text(options.of(&options::EXTERNAL_ID)) }),
        keys: id.zip(secret).map(|(id, secret)| keys(id, secret)),
        credential_file: options.credential_file().map(PathBuf::from),
        credential_script: script.map(|program| CredentialScript {
            program: PathBuf::from(program),
            renew_after: Duration::from_secs(options.of(&options::AWS_CREDENTIAL_RENEW_MARGIN)),
            directory: directory.to_owned(),
        }),
        endpoints: Endpoints {
            all: options.endpoint().map(str::to_owned),
            ec2: options.ec2_endpoint(),
            ..Endpoints::default()
        },
        allows_insecure_endpoint: options.of(&options::ALLOW_INSECURE_ENDPOINT),
        ca_bundle: None,
        proxy: proxy.and_then(|(host, port)| Some(Proxy { host, port: u16::try_from(port).ok()? })),
        connect_timeout: Some(Duration::from_millis(options.of(&options::CONNECT_MILLIS))),
        retries: Retries {
            calls: count(options.of(&options::RETRIES)),
            questions: count(options.of(&options::DESCRIBE_RETRIES)),
            question_interval: options.of(&options::DESCRIBE_INTERVAL).map(Duration::from_millis),
        },
    }
}
