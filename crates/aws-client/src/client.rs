//! A client: the SDK behind it, and the attempts of each call.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ohfp_broker::Deadline;
use ohfp_provider_aws::api::Called;
use ohfp_provider_aws::class::{self, Class, Purpose, Trouble};
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
    /// Actions that AWS throttles, and until when: the calls of other threads wait too.
    throttled: Mutex<BTreeMap<&'static str, Instant>>,
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
        Self { config, sdk: OnceLock::new(), throttled: Mutex::default() }
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
        let sdk = self.sdk()?;
        let mut failure: Option<Failure> = None;
        for made in 1.. {
            let left = deadline.left(Instant::now());
            if left == Some(Duration::ZERO) || !self.wait_for_throttle(action, left) {
                break;
            }
            let longest = kind.longest_attempt(deadline.left(Instant::now()));
            let watch = Watch::default();
            let outcome = sdk.block_on(async {
                match tokio::time::timeout(longest, Box::pin(attempt(watch.clone()))).await {
                    Ok(called) => called,
                    Err(_) => Err(failed::given_up(action, &watch, longest)),
                }
            });
            let error = match outcome {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(error)) => error,
                None => break,
            };
            let left = deadline.left(Instant::now());
            let wait = policy::wait(&error, kind, made, self.config.retries, left, policy::chance());
            failure = Some(error);
            let Some(wait) = wait else { break };
            if let Some(failure) = &failure {
                self.note_throttle(action, failure, wait);
            }
            std::thread::sleep(wait);
        }
        Err(failure.unwrap_or(Failure::NotSent(NotSent::TooLate)))
    }

    /// Waits while AWS throttles this action; false where that takes longer than what is left.
    fn wait_for_throttle(&self, action: &'static str, left: Option<Duration>) -> bool {
        let until = self.throttled.lock().unwrap_or_else(PoisonError::into_inner).get(action).copied();
        let wait = until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default();
        if left.is_some_and(|left| left <= wait) {
            return false;
        }
        std::thread::sleep(wait);
        true
    }

    fn note_throttle(&self, action: &'static str, failure: &Failure, wait: Duration) {
        if class::of(failure, Purpose::Repeatable) == Class::Again(Trouble::Throttled)
            && let Some(until) = Instant::now().checked_add(wait)
        {
            self.throttled.lock().unwrap_or_else(PoisonError::into_inner).insert(action, until);
        }
    }
}
