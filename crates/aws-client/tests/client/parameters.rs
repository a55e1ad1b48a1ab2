//! Parameters of the Systems Manager on the wire.

use ohfp_provider_aws::api::Api;

use crate::server::{Reply, Server, within};

#[test]
fn parameters() {
    let body = "{\"Parameters\":[{\"Name\":\"/ami\",\"Value\":\"ami-1\"}],\"InvalidParameters\":[\"/none\"]}";
    let server = Server::start([Reply::Answer(200, body.to_owned())]);
    let names = ["/ami".to_owned(), "/none".to_owned()];
    let found = server.client().parameters(&names, within(20)).unwrap();
    assert_eq!(found.values.get("/ami").map(String::as_str), Some("ami-1"));
    assert_eq!(found.invalid, ["/none"]);
    let received = server.received();
    assert_eq!(received[0].line, "POST / HTTP/1.1");
    assert_eq!(received[0].body, "{\"Names\":[\"/ami\",\"/none\"],\"WithDecryption\":false}");
    let headers = received[0].headers.join("\n");
    assert!(
        headers.contains("AmazonSSM.GetParameters") && headers.contains("/eu-central-1/ssm/"),
        "{headers}"
    );

    let throttled = "{\"__type\":\"com.amazonaws.ssm#ThrottlingException\",\"message\":\"Rate exceeded\"}";
    let server =
        Server::start([Reply::Answer(400, throttled.to_owned()), Reply::Answer(200, body.to_owned())]);
    assert!(server.client().parameters(&names, within(20)).is_ok());
    assert_eq!(server.calls(), 2);
    let denied = "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}";
    let server = Server::start([Reply::Answer(400, denied.to_owned())]);
    let failure = server.client().parameters(&names, within(20)).unwrap_err();
    assert_eq!(failure.to_string(), "GetParameters: AccessDeniedException: no");
}
