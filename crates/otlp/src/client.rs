//! The client that the exporter sends by: one blocking call with a deadline, and what came of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::Agent;

/// Most of an answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// Most of a refusal that is repeated, in characters.
const LONGEST_REASON: usize = 200;

/// The body of a success, or why there is none. The exporter's own errors leave out both.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<Mutex<Option<Result<Bytes, String>>>>);

impl Told {
    pub(super) fn take(&self) -> Option<Result<Bytes, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, told: Result<Bytes, String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }
}

#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    told: Told,
}

impl Client {
    pub(super) fn new(timeout: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            // A collector is on this host or near it.
            .proxy(None)
            .build();
        Self { agent: config.into(), told: Told::default() }
    }

    pub(super) fn told(&self) -> Told {
        self.told.clone()
    }

    fn sent(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.to_vec());
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let body = body.map_err(|error| format!("the answer cannot be read: {error}"))?;
        let (parts, _) = response.into_parts();
        Ok(Response::from_parts(parts, Bytes::from(body)))
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.sent(request);
        self.told.set(match &response {
            Ok(response) if response.status().is_success() => Ok(response.body().clone()),
            Ok(response) => Err(format!("HTTP {}{}", response.status(), reason(response.body()))),
            Err(why) => Err(why.clone()),
        });
        response.map_err(HttpError::from)
    }
}

/// What a refusal says, where that is text.
fn reason(body: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(body) else { return String::new() };
    let text: String = text.trim().chars().take(LONGEST_REASON).collect();
    if text.is_empty() || text.chars().any(char::is_control) { String::new() } else { format!(": {text}") }
}
