//! The options of a provider of type `aws`: the one table that defaults, checks, messages and documents come from.
//!
//! Names in capitals are those of IBM's `awsprov_config.json`; where a name in small letters means the same, that one
//! counts.

use std::path::{Path, PathBuf};

use ohfp_keys::{
    KeyType, OptionFinding, OptionValues, Rule, Typed, count, flag, text, unset_text, unset_whole, whole,
};
use serde_json::{Map, Value};

use crate::design::MODES;

ohfp_keys::table! {
    /// Every key.
    pub KEYS;
    REGION: Option<&'static str> = "region", unset_text(Rule::Name),
        "AWS region, for example us-east-1";
    AWS_REGION: Option<&'static str> = "AWS_REGION", unset_text(Rule::Name),
        "the same, as IBM's file has it";
    PROFILE: Option<&'static str> = "profile", unset_text(Rule::Name),
        "profile of AWS's configuration files";
    ROLE_ARN: Option<&'static str> = "role_arn", unset_text(Rule::Name),
        "role that is assumed";
    EXTERNAL_ID: Option<&'static str> = "external_id", unset_text(Rule::Name),
        "external id that the role asks for";
    ENDPOINT_URL: Option<&'static str> = "endpoint_url", unset_text(Rule::Name),
        "endpoint in place of AWS's: https, or http on this machine";
    AWS_ENDPOINT_URL: Option<&'static str> = "AWS_ENDPOINT_URL", unset_text(Rule::Text),
        "endpoint of EC2 alone, as IBM's file has it";
    ALLOW_INSECURE_ENDPOINT: bool = "allow_insecure_endpoint", flag(false),
        "allows http to another machine";
    ACCESS_KEY_ID: Option<&'static str> = "access_key_id", unset_text(Rule::Text),
        "access key; better in a profile or a role";
    SECRET_ACCESS_KEY: Option<&'static str> = "secret_access_key", unset_text(Rule::Text),
        "its secret";
    SESSION_TOKEN: Option<&'static str> = "session_token", unset_text(Rule::Text),
        "its token, for temporary keys";
    CREDENTIAL_FILE: Option<&'static str> = "credential_file", unset_text(Rule::Text),
        "file with the keys of its [default] section; it wins over environment and roles";
    AWS_CREDENTIAL_FILE: Option<&'static str> = "AWS_CREDENTIAL_FILE", unset_text(Rule::Text),
        "the same, as IBM's file has it";
    AWS_CREDENTIAL_SCRIPT: Option<&'static str> = "AWS_CREDENTIAL_SCRIPT", unset_text(Rule::Text),
        "program that prints such a file; it wins over the file";
    AWS_CREDENTIAL_RENEW_MARGIN: u64 = "AWS_CREDENTIAL_RENEW_MARGIN", whole(0, 604_800, 1_770),
        "seconds for which what it has printed is used";
    PROXY_HOST: Option<&'static str> = "AWS_PROXY_HOST", unset_text(Rule::Text),
        "host of an HTTP proxy";
    PROXY_PORT: Option<u64> = "AWS_PROXY_PORT", unset_whole(0),
        "its port";
    CONNECT_MILLIS: u64 = "AWS_CONNECTION_TIMEOUT_MS", whole(1, 2_147_483_647, 10_000),
        "milliseconds to connect within";
    RETRIES: Option<u64> = "AWS_REQUEST_RETRY_ATTEMPTS", unset_whole(0),
        "how often a call is repeated; unset: by the kind of failure";
    DESCRIBE_RETRIES: Option<u64> = "AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS", unset_whole(0),
        "the same for calls that only ask";
    DESCRIBE_INTERVAL: Option<u64> = "AWS_DESCRIBE_REQUEST_INTERVAL", unset_whole(0),
        "milliseconds before such a repetition; unset: a wait that grows";
    PENDING_SECONDS: Option<u64> = "AWS_INSTANCE_PENDING_TIMEOUT_SEC", unset_whole(1),
        "seconds after which a machine that is still pending is terminated; unset: at the end of its request";
    CREATION_MINUTES: Option<u64> = "INSTANCE_CREATION_TIMEOUT", unset_whole(1),
        "the same in minutes, as LSF's file has it";
    TAGS_IDS: bool = "AWS_TAG_InstanceID", flag(false),
        "whether machines and their volumes get a tag InstanceID with the machine's id";
    ENDS_RECLAIMED: bool = "AWS_SPOT_TERMINATE_ON_RECLAIM", flag(false),
        "whether a spot machine is terminated as soon as AWS announces its interruption";
    KEY_FILE: Option<&'static str> = "AWS_KEY_FILE", unset_text(Rule::Text),
        "directory of private keys; no key pair is created, so that nothing is written there";
    CONCURRENT_CALLS: usize = "concurrent_calls", count(1, 64, 4),
        "calls on many machines that run side by side";
    NATIVE_SPEC_MODE: Option<&'static str> = "native_spec_mode", unset_text(Rule::Word(MODES)),
        "how launch_template_spec and provider_api_spec are laid over the fields of a template: merge, unless set; off leaves them out";
    NATIVE_SPEC_DIRECTORY: &'static str = "native_spec_directory", text(Rule::Name, "specs"),
        "directory of files with such specifications; a relative path is below the configuration directory";
    PAUSE_AFTER: u64 = "pause_after_failures", whole(0, 1_000_000, 5),
        "connection failures in a row after which an endpoint is left alone, by all processes; 0: never";
    PAUSE_SECONDS: u64 = "pause_seconds", whole(1, 604_800, 30),
        "seconds for which it is left alone";
    IMAGE_CACHE_SECONDS: u64 = "image_cache_seconds", whole(0, 604_800, 3_600),
        "seconds for which the value of an image parameter is used";
}

/// The options, as far as they are right.
#[derive(Clone, Debug, Default)]
pub struct AwsOptions(OptionValues);

impl AwsOptions {
    /// Reads a provider's `config` object.
    pub fn read(options: &Map<String, Value>) -> (Self, Vec<OptionFinding>) {
        let (values, mut findings) = OptionValues::read(KEYS, options);
        // Other brokers' names have no effect, which the configuration's own check says.
        findings.retain(|finding| !matches!(finding, OptionFinding::Unknown(_)));
        (Self(values), findings)
    }

    /// The value of a row, or its default.
    pub fn of<T: KeyType>(&self, row: &Typed<T>) -> T::Read<'_> {
        self.0.of(row)
    }

    /// The region; `None` where the environment or a profile must have it.
    pub fn region(&self) -> Option<&str> {
        self.of(&REGION).or(self.of(&AWS_REGION))
    }

    /// The directory of specifications, of a configuration in `root`.
    pub(crate) fn specs(&self, root: &Path) -> PathBuf {
        root.join(self.of(&NATIVE_SPEC_DIRECTORY))
    }

    /// The endpoint in place of AWS's, of all services.
    pub fn endpoint(&self) -> Option<&str> {
        self.of(&ENDPOINT_URL).filter(|url| !url.is_empty())
    }

    /// The endpoint of EC2 alone: IBM's plug-in calls no other service. Its URL may be without a scheme.
    pub fn ec2_endpoint(&self) -> Option<String> {
        let url = self.of(&AWS_ENDPOINT_URL).filter(|url| !url.is_empty() && self.endpoint().is_none())?;
        Some(if url.contains("://") { url.to_owned() } else { format!("https://{url}") })
    }

    /// After how many seconds a machine that is still pending is terminated.
    pub fn pending_seconds(&self) -> Option<u64> {
        let minutes = self.of(&CREATION_MINUTES).map(|minutes| minutes.saturating_mul(60));
        self.of(&PENDING_SECONDS).into_iter().chain(minutes).min()
    }

    /// The file with credentials.
    pub fn credential_file(&self) -> Option<&str> {
        self.of(&CREDENTIAL_FILE).or(self.of(&AWS_CREDENTIAL_FILE)).filter(|path| !path.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_ohfp_count_before_those_of_ibm() {
        let read = |options: Value| AwsOptions::read(options.as_object().unwrap()).0;
        let both = read(json!({
            "region": "a", "AWS_REGION": "b", "endpoint_url": "https://a", "AWS_ENDPOINT_URL": "https://b",
            "credential_file": "/a", "AWS_CREDENTIAL_FILE": "/b"
        }));
        assert_eq!(
            (both.region(), both.endpoint(), both.credential_file()),
            (Some("a"), Some("https://a"), Some("/a"))
        );
        assert_eq!(both.ec2_endpoint(), None);
        let theirs = read(json!({ "AWS_REGION": "b", "AWS_ENDPOINT_URL": "", "AWS_CREDENTIAL_FILE": "/b" }));
        assert_eq!(
            (theirs.region(), theirs.endpoint(), theirs.credential_file()),
            (Some("b"), None, Some("/b"))
        );
        let ec2 = |url: &str| read(json!({ "AWS_ENDPOINT_URL": url })).ec2_endpoint();
        assert_eq!(ec2("ec2.example.com:443").as_deref(), Some("https://ec2.example.com:443"));
        assert_eq!(ec2("http://127.0.0.1:1").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(theirs.ec2_endpoint(), None);
        let pending = |options: Value| read(options).pending_seconds();
        assert_eq!(pending(json!({})), None);
        assert_eq!(pending(json!({ "AWS_INSTANCE_PENDING_TIMEOUT_SEC": 180 })), Some(180));
        assert_eq!(pending(json!({ "INSTANCE_CREATION_TIMEOUT": "10" })), Some(600));
        let shorter = json!({ "AWS_INSTANCE_PENDING_TIMEOUT_SEC": 700, "INSTANCE_CREATION_TIMEOUT": 10 });
        assert_eq!(pending(shorter), Some(600));
        let (none, findings) =
            AwsOptions::read(json!({ "handlers": {}, "concurrent_calls": 0 }).as_object().unwrap());
        assert_eq!((none.region(), none.of(&CONCURRENT_CALLS)), (None, 4));
        assert_eq!(findings.len(), 1, "an unknown name is not reported twice: {findings:?}");
    }
}
