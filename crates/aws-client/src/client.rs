//! A client: the SDK behind it, and the attempts of each call.

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ohfp_broker::{Deadline, Timestamp};
use ohfp_provider_aws::api::Called;
use ohfp_provider_aws::calm::Calm;
use ohfp_provider_aws::failure::{Failure, NotSent};

use crate::config::ClientConfig;
use crate::failed;
use crate::policy::{self, Kind};
use crate::sdk::Sdk;
use crate::transport::Watch;

/// Calls AWS by its SDK. Several threads may call at once.
///
/// Nothing is read, no thread is started and no request is made before the first call.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    sdk: OnceLock<Result<Sdk, NotSent>>,
    calm: Arc<Calm>,
}

impl Client {
    /// A client that does as `config` says.
    ///
    /// ```
    /// use ohfp_aws_client::{Client, ClientConfig};
    /// use ohfp_broker::Deadline;
    /// use ohfp_provider_aws::api::Api;
    ///
    /// let config = ClientConfig { region: Some("not a region".to_owned()), ..ClientConfig::default() };
    /// let error = Client::new(config).caller_identity(Deadline::NONE).unwrap_err();
    /// assert!(error.to_string().contains("`not a region`"));
    /// ```
    pub fn new(config: ClientConfig) -> Self {
        Self::calm(config, Arc::new(Calm::alone()))
    }

    /// A client that spares AWS calls together with others: what `calm` knows they share.
    pub fn calm(config: ClientConfig, calm: Arc<Calm>) -> Self {
        Self { config, sdk: OnceLock::new(), calm }
    }

    /// The SDK's side, made at the first call.
    pub(crate) fn sdk(&self) -> Result<&Sdk, NotSent> {
        let sdk = self.sdk.get_or_init(|| {
            let mut sdk = Sdk::load(&self.config)?;
            sdk.endpoints = self.config.endpoints.clone();
            Ok(sdk)
        });
        sdk.as_ref().map_err(Clone::clone)
    }

    /// Makes a call of the SDK, again where [`policy`] says so.
    pub(crate) fn call<T, E, A>(
        &self,
        action: &'static str,
        kind: Kind,
        deadline: Deadline,
        attempt: impl Fn(Watch) -> A,
    ) -> Called<T>
    where
        A: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + 'static,
    {
        self.attempts(action, kind, deadline, async |watch: Watch| {
            attempt(watch.clone()).await.map_err(|error| failed::of(action, &error, &watch))
        })
    }

    /// Makes a call, again where [`policy`] says so.
    pub(crate) fn attempts<T>(
        &self,
        action: &'static str,
        kind: Kind,
        deadline: Deadline,
        attempt: impl AsyncFn(Watch) -> Called<T>,
    ) -> Called<T> {
        let _phase = ohfp_timings::phase(action);
        let sdk = self.sdk()?;
        let deadline = kind.deadline(deadline, Instant::now());
        let endpoint = sdk.endpoint_of(action);
        let mut failure: Option<Failure> = None;
        let mut strikes = None;
        for made in 1.. {
            let pace = match self.calm.before(action, &endpoint, now()) {
                Ok(pace) => pace,
                Err(paused) => return Err(failure.unwrap_or(paused.into())),
            };
            let left = deadline.left(Instant::now());
            if left == Some(Duration::ZERO) {
                break;
            }
            if left.is_some_and(|left| left <= pace.wait) {
                let seconds = pace.wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX);
                return Err(failure.unwrap_or(NotSent::Throttled { action, seconds }.into()));
            }
            std::thread::sleep(pace.wait);
            let longest = kind.longest_attempt(deadline.left(Instant::now()));
            let watch = Watch::default();
            let outcome = sdk.block_on(async {
                match tokio::time::timeout(longest, Box::pin(attempt(watch.clone()))).await {
                    Ok(called) => called,
                    Err(_) => Err(failed::given_up(action, &watch, longest)),
                }
            });
            let error = match outcome {
                Some(Ok(answer)) => {
                    self.calm.answered(action, &endpoint, now());
                    return Ok(answer);
                }
                Some(Err(error)) => error,
                None => break,
            };
            // An action that was throttled before starts where that ended; what this call adds counts by itself.
            let step = made + *strikes.get_or_insert(pace.strikes);
            let pause = policy::pause(&error, kind, step, self.config.retries, policy::chance());
            self.calm.failed(action, &endpoint, &error, pause, now());
            let left = deadline.left(Instant::now());
            let again = policy::repeats(&error, kind, made, self.config.retries)
                // What is left must do for an attempt too.
                && left.is_none_or(|left| pause < left);
            failure = Some(policy::outcome(failure, error, kind));
            if !again {
                break;
            }
            self.calm.repeats();
            std::thread::sleep(pause);
        }
        Err(failure.unwrap_or(Failure::NotSent(NotSent::TooLate)))
    }
}

/// The time that processes of a site share.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
