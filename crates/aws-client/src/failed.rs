//! Errors of the SDK, as failures: what may have happened at AWS, and what a person reads.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use ohfp_provider_aws::class::{self, Class, Purpose, Trouble};
use ohfp_provider_aws::failure::{Answered, Failure, NotSent};

use crate::transport::{Reach, Unusable, Watch};

/// Where credentials were looked for, in order, and what was there.
#[derive(Debug)]
pub(crate) struct Searched(pub(crate) Vec<String>);

impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Searched {}

/// What an error means.
pub(crate) fn of<E>(action: &'static str, error: &SdkError<E, HttpResponse>, watch: &Watch) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            let meta = service.err().meta();
            answered(action, service.raw(), meta.code(), meta.message())
        }
        SdkError::ResponseError(response) => answered(action, response.raw(), None, None),
        SdkError::ConstructionFailure(_) => NotSent::Configuration { why: reason(error) }.into(),
        _ => unanswered(action, error, watch.reach()),
    }
}

/// What it means that an attempt was given up after so long.
pub(crate) fn given_up(action: &'static str, watch: &Watch, after: Duration) -> Failure {
    let seconds = after.as_secs_f64();
    match watch.reach() {
        Reach::Nowhere => {
            NotSent::NoCredentials { why: format!("they did not come within {seconds:.1} s") }.into()
        }
        Reach::Endpoint(endpoint) => {
            NotSent::Connect { endpoint, why: format!("no connection within {seconds:.1} s") }.into()
        }
        Reach::Connected => Failure::Lost { action, why: format!("none within {seconds:.1} s") },
    }
}

/// An error without a response.
pub(crate) fn unanswered(action: &'static str, error: &(dyn Error + 'static), reach: Reach) -> Failure {
    if let Some(unusable) = find::<Unusable>(error) {
        return NotSent::Configuration { why: unusable.to_string() }.into();
    }
    match reach {
        Reach::Connected => Failure::Lost { action, why: reason(error) },
        Reach::Endpoint(endpoint) => NotSent::Connect { endpoint, why: reason(error) }.into(),
        Reach::Nowhere => {
            let why = match find::<Searched>(error) {
                Some(searched) => searched.to_string(),
                None if find::<CredentialsError>(error).is_some() => reason(error),
                None => return NotSent::Configuration { why: reason(error) }.into(),
            };
            NotSent::NoCredentials { why }.into()
        }
    }
}

/// A response, whether or not it could be read.
pub(crate) fn answered(
    action: &'static str,
    response: &HttpResponse,
    code: Option<&str>,
    message: Option<&str>,
) -> Failure {
    let status = response.status();
    // A body that was not read to its end is still a stream. What it was the beginning of is not known.
    if response.body().bytes().is_none() && code.is_none() {
        return Failure::Lost { action, why: format!("half an answer, HTTP status {}", status.as_u16()) };
    }
    let headers = response.headers();
    let code = code.unwrap_or_default();
    if status.is_success() && code.is_empty() {
        return Failure::Lost { action, why: "the answer is not one of AWS's".to_owned() };
    }
    let seconds =
        headers.get("retry-after").and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
    let millis = headers
        .get("x-amz-retry-after")
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_millis);
    let request_id = headers.get("x-amzn-requestid").or_else(|| headers.get("x-amz-request-id"));
    let mut answered = Answered {
        action,
        status: status.as_u16(),
        code: code.to_owned(),
        message: message.map(readable).unwrap_or_default(),
        request_id: request_id.map(str::to_owned),
        retry_after: millis.or(seconds),
    };
    if class::of_answer(&answered, Purpose::Making) == Class::Again(Trouble::Credentials)
        && let Some(note) = headers.get("date").and_then(|date| clock(date, SystemTime::now()))
    {
        answered.message = format!("{} ({note})", answered.message);
    }
    Failure::Answered(answered)
}

/// By how much this machine's clock differs from the server's, where that may be why a signature is refused.
fn clock(date: &str, now: SystemTime) -> Option<String> {
    let server = DateTime::from_str(date, Format::HttpDate).ok()?.secs();
    let difference = DateTime::from(now).secs().checked_sub(server)?;
    let side = if difference < 0 { "behind" } else { "ahead of" };
    (difference.abs() > 60).then(|| format!("this machine's clock is {} s {side} AWS's", difference.abs()))
}

/// A message without what only a program can read, and without what was signed: that has a token in it.
fn readable(message: &str) -> String {
    let end = ["Encoded authorization failure message", "The Canonical String for this request"]
        .iter()
        .filter_map(|start| message.find(start))
        .min();
    let message = end.and_then(|end| message.get(..end)).unwrap_or(message);
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The innermost cause, with the one around it where that adds something.
pub(crate) fn reason(error: &(dyn Error + 'static)) -> String {
    let messages: Vec<String> =
        chain(error).map(ToString::to_string).filter(|text| !text.is_empty()).collect();
    match messages.as_slice() {
        [] => "no reason given".to_owned(),
        [only] => only.clone(),
        [.., outer, inner] if outer.contains(inner.as_str()) => outer.clone(),
        [.., outer, inner] if is_vague(outer) => inner.clone(),
        [.., outer, inner] => format!("{outer}: {inner}"),
    }
}

/// What the SDK and hyper wrap around the cause.
fn is_vague(message: &str) -> bool {
    ["error", "dispatch failure", "timeout", "other", "client error"]
        .iter()
        .any(|word| message.ends_with(word))
        || message.starts_with("client error (")
        || message == "the credential provider was not enabled"
        || message == "an error occurred while loading credentials"
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The first error of this type among the causes.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::metadata::ErrorMetadata;

    use super::*;

    type TestError = SdkError<aws_sdk_ec2::Error, HttpResponse>;

    fn response(status: u16, headers: &[(&'static str, &'static str)]) -> HttpResponse {
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from("<html>"));
        for (name, value) in headers {
            response.headers_mut().insert(*name, *value);
        }
        response
    }

    #[test]
    fn what_aws_says() {
        let check = |status, code: Option<&str>, message: &str, expected: &str| {
            let raw = response(status, &[("x-amzn-requestid", "r-1"), ("retry-after", "2")]);
            let Failure::Answered(found) = answered("RunInstances", &raw, code, Some(message)) else {
                panic!("{status} {code:?}");
            };
            assert_eq!((found.status, found.code.as_str()), (status, code.unwrap_or_default()));
            assert_eq!(found.message, expected);
            assert_eq!(found.request_id.as_deref(), Some("r-1"));
            assert_eq!(found.retry_after, Some(Duration::from_secs(2)));
        };
        check(503, Some("RequestLimitExceeded"), "Request limit exceeded.", "Request limit exceeded.");
        check(502, None, "", "");
        check(
            403,
            Some("UnauthorizedOperation"),
            "You are not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:x.\n Encoded authorization \
             failure message: AbCdEf",
            "You are not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:x.",
        );
        check(
            403,
            Some("SignatureDoesNotMatch"),
            "The signature does not match. The Canonical String for this request should have been 'POST token'",
            "The signature does not match.",
        );
    }

    #[test]
    fn clocks_that_differ() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(498_826);
        let check =
            |date: &str, expected: Option<&str>| assert_eq!(clock(date, now).as_deref(), expected, "{date}");
        check("Fri, 27 Nov 2026 10:00:30 GMT", None);
        check("Fri, 27 Nov 2026 10:05:12 GMT", Some("this machine's clock is 312 s behind AWS's"));
        check("Fri, 27 Nov 2026 09:50:00 GMT", Some("this machine's clock is 600 s ahead of AWS's"));
        check("yesterday", None);

        let raw = response(403, &[("date", "Fri, 27 Nov 2020 10:00:30 GMT")]);
        let told = |code: &str| answered("RunInstances", &raw, Some(code), Some("no")).to_string();
        assert!(told("SignatureDoesNotMatch").contains("clock is"), "{}", told("SignatureDoesNotMatch"));
        assert!(!told("UnauthorizedOperation").contains("clock is"));
    }

    #[test]
    fn answers_that_are_none() {
        let lost = |found: Failure| assert!(matches!(found, Failure::Lost { .. }), "{found}");
        lost(answered("RunInstances", &response(200, &[]), None, None));
        let stream = SdkBody::from_body_1_x(SdkBody::from("half"));
        lost(answered("RunInstances", &HttpResponse::new(500.try_into().unwrap(), stream), None, None));
    }

    #[test]
    fn errors_before_an_answer() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = TestError::dispatch_failure(ConnectorError::io(refused.into()));
        let endpoint = "https://ec2.eu-central-1.amazonaws.com".to_owned();
        let of = |reach: Reach| unanswered("RunInstances", &error, reach);
        let why = "connection refused".to_owned();
        assert_eq!(
            of(Reach::Endpoint(endpoint.clone())),
            NotSent::Connect { endpoint, why: why.clone() }.into()
        );
        assert_eq!(of(Reach::Connected), Failure::Lost { action: "RunInstances", why: why.clone() });
        assert_eq!(of(Reach::Nowhere), NotSent::Configuration { why }.into());
    }

    #[test]
    fn errors_of_credentials_and_configuration() {
        let searched = Searched(vec!["environment: not set".to_owned(), "profile: no such file".to_owned()]);
        let check = |source: Box<dyn Error + Send + Sync>, expected: NotSent| {
            let error = TestError::dispatch_failure(ConnectorError::other(source, None));
            assert_eq!(of("RunInstances", &error, &Watch::default()), expected.into());
        };
        check(
            CredentialsError::not_loaded(searched).into(),
            NotSent::NoCredentials { why: "environment: not set; profile: no such file".to_owned() },
        );
        check(
            CredentialsError::provider_error("the token expired").into(),
            NotSent::NoCredentials { why: "the token expired".to_owned() },
        );
        check(Unusable("no TLS".to_owned()).into(), NotSent::Configuration { why: "no TLS".to_owned() });
        let error = TestError::construction_failure("a member is missing");
        assert!(matches!(
            of("RunInstances", &error, &Watch::default()),
            Failure::NotSent(NotSent::Configuration { .. })
        ));
    }

    #[test]
    fn service_errors_have_their_code() {
        let meta = ErrorMetadata::builder().code("InvalidAMIID.NotFound").message("no such image").build();
        let error = aws_sdk_ec2::operation::run_instances::RunInstancesError::generic(meta);
        let error = SdkError::service_error(error, response(400, &[("x-amz-retry-after", "1500")]));
        let Failure::Answered(found) = of("RunInstances", &error, &Watch::default()) else { panic!() };
        assert_eq!((found.code.as_str(), found.message.as_str()), ("InvalidAMIID.NotFound", "no such image"));
        assert_eq!(found.retry_after, Some(Duration::from_millis(1_500)));
    }
}
