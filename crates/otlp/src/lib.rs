//! Spans for an OpenTelemetry collector, by OTLP over HTTP.
//!
//! It must not know what the spans tell, nor where they are kept until they are sent.
//!
//! ```no_run
//! use std::time::{Duration, SystemTime};
//! use ohfp_otlp::{OtlpCollector, Span};
//!
//! let collector = OtlpCollector::new("http://localhost:4318", Duration::from_secs(10))?;
//! let now = SystemTime::now();
//! let span = Span { trace: 1, id: 2, parent: None, name: "ohfp".to_owned(), began: now, ended: now,
//!     attributes: Vec::new(), error: None };
//! let sent = collector.send(&[], vec![span])?;
//! assert_eq!(sent.rejected, 0);
//! # Ok::<(), String>(())
//! ```

#![forbid(unsafe_code)]

mod client;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use prost::Message as _;

use client::Client;

/// Version of the semantic conventions that names of attributes are taken from.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.37.0";
/// Where a collector takes spans, below its address.
const PATH: &str = "/v1/traces";
const SCOPE: &str = "ohfp";

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// A list of texts.
    Texts(Vec<String>),
}

/// A name of the semantic conventions, or of ohfp's own, with its value.
pub type Attribute = (&'static str, Value);

/// A piece of work: from when to when, and as part of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace that it belongs to; not 0.
    pub trace: u128,
    /// Identifies it within the trace; not 0.
    pub id: u64,
    /// The span that it is a part of.
    pub parent: Option<u64>,
    /// What was done.
    pub name: String,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What else is known of it.
    pub attributes: Vec<Attribute>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What a collector has made of the spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Spans that it did not take, and will not take if they are sent again.
    pub rejected: u64,
    /// What it says about that, or warns of.
    pub message: String,
}

/// A collector of spans.
#[derive(Debug)]
pub struct OtlpCollector {
    endpoint: String,
    timeout: Duration,
}

impl OtlpCollector {
    /// The collector at this address, such as `http://localhost:4318`; `/v1/traces` is added where the address has no
    /// path. Nothing is sent yet. All that one call takes ends with the timeout.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(endpoint: &str, timeout: Duration) -> Result<Self, String> {
        let Some(rest) = endpoint.strip_prefix("http://") else {
            return Err(format!(
                "`{endpoint}` does not begin with `http://`, the only scheme that is spoken"
            ));
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() || endpoint.contains(char::is_whitespace) {
            return Err(format!("`{endpoint}` names no host"));
        }
        let endpoint = if path.is_empty() { format!("http://{host}{PATH}") } else { endpoint.to_owned() };
        Ok(Self { endpoint, timeout })
    }

    /// The address that spans are sent to.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sends spans of a process that these attributes describe, once.
    ///
    /// # Errors
    /// Why the collector has none of the spans, as far as is known: it was not reached, did not answer in time, or
    /// refused them all.
    pub fn send(&self, resource: &[Attribute], spans: Vec<Span>) -> Result<Sent, String> {
        let client = Client::new(self.timeout);
        let told = client.told();
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&self.endpoint)
            .with_timeout(self.timeout)
            // The spans are kept, and sent again by who runs the command the next time.
            .with_retry_policy(RetryPolicy::disabled())
            .build()
            .map_err(|error| error.to_string())?;
        let resource = resource.iter().cloned().map(key_value);
        exporter.set_resource(&Resource::builder_empty().with_schema_url(resource, SCHEMA_URL).build());
        let scope = InstrumentationScope::builder(SCOPE).with_schema_url(SCHEMA_URL).build();
        let spans = spans.into_iter().map(|span| data(span, &scope)).collect();
        let outcome = futures_executor::block_on(exporter.export(spans));
        let answer = told.take();
        match (outcome, answer) {
            // `Ok` alone says too little: it must have come from an answer.
            (Ok(()), Some(Ok(body))) => Ok(judged(&body)),
            (_, Some(Err(why))) => Err(why),
            (Err(error), _) => Err(error.to_string()),
            (Ok(()), None) => Err("no answer was received".to_owned()),
        }
    }
}

/// What the body of a success tells.
fn judged(body: &[u8]) -> Sent {
    // An empty body is a complete success.
    let Ok(response) = ExportTraceServiceResponse::decode(body) else {
        return Sent { rejected: 0, message: "the answer is no OTLP".to_owned() };
    };
    let partial = response.partial_success.unwrap_or_default();
    Sent { rejected: u64::try_from(partial.rejected_spans).unwrap_or(0), message: partial.error_message }
}

fn data(span: Span, scope: &InstrumentationScope) -> SpanData {
    let context = |id: u64| {
        let (trace, span) = (TraceId::from(span.trace), SpanId::from(id));
        SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
    };
    SpanData {
        span_context: context(span.id),
        parent_span_id: span.parent.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Owned(span.name),
        start_time: span.began,
        end_time: span.ended,
        attributes: span.attributes.into_iter().map(key_value).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: span.error.map_or(Status::Unset, Status::error),
        instrumentation_scope: scope.clone(),
    }
}

fn key_value((name, value): Attribute) -> KeyValue {
    match value {
        Value::Text(text) => KeyValue::new(name, text),
        Value::Number(number) => KeyValue::new(name, number),
        Value::Texts(texts) => {
            let texts = texts.into_iter().map(opentelemetry::StringValue::from).collect::<Vec<_>>();
            KeyValue::new(name, opentelemetry::Value::Array(opentelemetry::Array::String(texts)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed_or_refused() {
        for (address, expected) in [
            ("http://localhost:4318", Ok("http://localhost:4318/v1/traces")),
            ("http://localhost:4318/", Ok("http://localhost:4318/v1/traces")),
            ("http://proxy/otlp/traces", Ok("http://proxy/otlp/traces")),
            ("https://collector", Err("http://")),
            ("localhost:4318", Err("http://")),
            ("http://", Err("no host")),
            ("http://a b", Err("no host")),
        ] {
            let found = OtlpCollector::new(address, Duration::from_secs(1));
            match (found, expected) {
                (Ok(collector), Ok(endpoint)) => assert_eq!(collector.endpoint(), endpoint),
                (Err(why), Err(part)) => assert!(why.contains(part), "{address}: {why}"),
                (found, _) => panic!("{address}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_success_tells_what_was_rejected() {
        use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
        assert_eq!(judged(&[]), Sent::default());
        let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "too old".to_owned() };
        let response = ExportTraceServiceResponse { partial_success: Some(partial) };
        assert_eq!(judged(&response.encode_to_vec()), Sent { rejected: 3, message: "too old".to_owned() });
        assert!(judged(b"\xff\xff").message.contains("no OTLP"));
    }
}
