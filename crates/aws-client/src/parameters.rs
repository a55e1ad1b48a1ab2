//! `GetParameters` of Systems Manager: one signed request. The SDK's crate for it takes as long to compile as that of
//! every service here but EC2's.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_types::service_config::ServiceConfigKey;
use ohfp_broker::Deadline;
use ohfp_provider_aws::api::{Called, Parameters};
use ohfp_provider_aws::failure::{Failure, NotSent};
use serde_json::{Value, json};

use crate::client::Client;
use crate::failed;
use crate::policy::Kind;
use crate::sdk::Sdk;
use crate::transport::{Reach, Watch};

const ACTION: &str = "GetParameters";

pub(crate) fn parameters(client: &Client, names: &[String], deadline: Deadline) -> Called<Parameters> {
    let sdk = client.sdk()?;
    let body = json!({ "Names": names, "WithDecryption": false }).to_string();
    let answer = client.attempts(ACTION, Kind::Question, deadline, async |watch: Watch| {
        let request = request(sdk, &body, &watch).await?;
        let response = sdk.transport.call(request).await;
        read(response.map_err(|error| failed::unanswered(ACTION, &error, watch.reach()))?).await
    })?;
    Ok(reduced(&answer))
}

/// The request, signed now.
async fn request(sdk: &Sdk, body: &str, watch: &Watch) -> Called<HttpRequest> {
    let cannot = |why: String| Failure::from(NotSent::Configuration { why: format!("{ACTION}: {why}") });
    let region = sdk.config.region().ok_or(NotSent::NoRegion)?.to_string();
    let url = endpoint(sdk, &region).await.map_err(cannot)?;
    let credentials = sdk.credentials.provide_credentials().await;
    let credentials = credentials.map_err(|error| failed::unanswered(ACTION, &error, Reach::Nowhere))?;
    let identity = credentials.into();
    let headers =
        [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AmazonSSM.GetParameters")];
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name("ssm")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| cannot(error.to_string()))?;
    let signable =
        SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
            .map_err(|error| cannot(error.to_string()))?;
    let (instructions, _) =
        sign(signable, &parameters.into()).map_err(|error| cannot(error.to_string()))?.into_parts();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST").map_err(|error| cannot(error.to_string()))?;
    request.set_uri(url).map_err(|error| cannot(error.to_string()))?;
    for (name, value) in headers.into_iter().chain(instructions.headers()) {
        request
            .headers_mut()
            .try_append(name.to_owned(), value.to_owned())
            .map_err(|error| cannot(error.to_string()))?;
    }
    request.add_extension(watch.clone());
    Ok(request)
}

/// The URL, with a path. AWS's own is STS's of the region under another name, by the SDK's rules for partitions.
async fn endpoint(sdk: &Sdk, region: &str) -> Result<String, String> {
    let configured = sdk.endpoints.ssm.clone().or_else(|| sdk.endpoints.all.clone());
    let key =
        ServiceConfigKey::builder().service_id("ssm").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let of_environment = || {
        let config = sdk.config.service_config()?;
        config.load_config(key.ok()?)
    };
    let found = configured.or_else(of_environment).or_else(|| sdk.config.endpoint_url().map(str::to_owned));
    let url = match found {
        Some(url) => url,
        None => {
            let parameters = Params::builder()
                .region(region)
                .use_fips(sdk.config.use_fips().unwrap_or_default())
                .use_dual_stack(sdk.config.use_dual_stack().unwrap_or_default())
                .build()
                .map_err(|error| error.to_string())?;
            let sts = DefaultResolver::new().resolve_endpoint(&parameters).await;
            let sts = sts.map_err(|error| failed::reason(error.as_ref()))?;
            ssm_for(sts.url()).ok_or_else(|| format!("no endpoint in the region {region}"))?
        }
    };
    Ok(format!("{}/", url.trim_end_matches('/')))
}

fn ssm_for(sts: &str) -> Option<String> {
    Some(format!("https://ssm{}", sts.strip_prefix("https://sts")?))
}

async fn read(response: HttpResponse) -> Called<Value> {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = ByteStream::new(response.into_body()).collect().await;
    let lost = |why: String| Failure::Lost { action: ACTION, why };
    let body = body.map_err(|error| lost(failed::reason(&error)))?.into_bytes();
    let parsed = serde_json::from_slice::<Value>(&body).ok();
    if status.is_success() {
        return parsed.ok_or_else(|| lost("the answer is not one of AWS's".to_owned()));
    }
    let member = |name: &str| parsed.as_ref().and_then(|value| value.get(name)).and_then(Value::as_str);
    // `com.amazonaws.ssm#ThrottlingException`
    let code = member("__type").map(|kind| kind.rsplit('#').next().unwrap_or(kind));
    let mut whole = HttpResponse::new(status, SdkBody::empty());
    *whole.headers_mut() = headers;
    Err(failed::answered(ACTION, &whole, code, member("message").or_else(|| member("Message"))))
}

fn reduced(answer: &Value) -> Parameters {
    let list = |name: &str| answer.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let values = list("Parameters").iter().filter_map(|parameter| {
        let member = |name: &str| parameter.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((member("Name")?, member("Value")?))
    });
    Parameters {
        values: values.collect::<BTreeMap<_, _>>(),
        invalid: list("InvalidParameters").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_follow_those_of_sts() {
        for (sts, ssm) in [
            ("https://sts.eu-central-1.amazonaws.com", Some("https://ssm.eu-central-1.amazonaws.com")),
            ("https://sts-fips.us-east-1.amazonaws.com", Some("https://ssm-fips.us-east-1.amazonaws.com")),
            ("https://sts.cn-north-1.amazonaws.com.cn", Some("https://ssm.cn-north-1.amazonaws.com.cn")),
            ("http://127.0.0.1", None),
        ] {
            assert_eq!(ssm_for(sts).as_deref(), ssm);
        }
    }

    #[test]
    fn parameters_and_names_that_do_not_exist() {
        let answer = json!({
            "Parameters": [{ "Name": "/ami", "Value": "ami-1", "Version": 3 }, { "Name": "/odd" }],
            "InvalidParameters": ["/none"]
        });
        let found = reduced(&answer);
        assert_eq!(found.values.into_iter().collect::<Vec<_>>(), [("/ami".to_owned(), "ami-1".to_owned())]);
        assert_eq!(found.invalid, ["/none"]);
        assert_eq!(reduced(&json!({})), Parameters::default());
    }
}
