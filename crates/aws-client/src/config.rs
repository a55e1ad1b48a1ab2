//! What a client is made from: region, credentials, endpoints, and how patient it is.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ohfp_provider_aws::failure::NotSent;

/// What a [`Client`](crate::Client) is made from. What is `None` is taken from where AWS's own programs take it:
/// environment and profile files.
///
/// ```
/// use ohfp_aws_client::ClientConfig;
///
/// let config = ClientConfig { region: Some("eu-central-1".to_owned()), ..ClientConfig::default() };
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClientConfig {
    /// The region; else `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's. Instance metadata is not asked for it.
    pub region: Option<String>,
    /// A profile of AWS's files, which then counts before keys in the environment.
    pub profile: Option<String>,
    /// A role that is assumed with the credentials that are found.
    pub role: Option<Role>,
    /// Keys that count before all other sources.
    pub keys: Option<StaticKeys>,
    /// Host Factory's `AWS_CREDENTIAL_FILE`: a file with a section `[default]`.
    pub credential_file: Option<PathBuf>,
    /// Host Factory's `AWS_CREDENTIAL_SCRIPT`, which counts before the file.
    pub credential_script: Option<CredentialScript>,
    /// Endpoints other than AWS's.
    pub endpoints: Endpoints,
    /// Whether an endpoint on another host may be without TLS.
    pub allows_insecure_endpoint: bool,
    /// Certificates of authorities, in PEM, instead of the system's; else `AWS_CA_BUNDLE`.
    pub ca_bundle: Option<PathBuf>,
    /// A proxy instead of the environment's.
    pub proxy: Option<Proxy>,
    /// How long a connection may take to be made; 3.1 s where it is unset.
    pub connect_timeout: Option<Duration>,
    /// How often calls are repeated.
    pub retries: Retries,
}

/// A role that is assumed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    /// `arn:aws:iam::123456789012:role/name`
    pub arn: String,
    /// What the role's owner asks for.
    pub external_id: Option<String>,
}

/// Keys of a user.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StaticKeys {
    /// `AKIA…`
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// For temporary keys.
    pub session_token: Option<String>,
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticKeys(…)")
    }
}

/// A program that prints credentials in the form of AWS's file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialScript {
    /// The program. It gets no arguments and no input.
    pub program: PathBuf,
    /// For how long its output is used, from when it was kept.
    pub renew_after: Duration,
    /// The directory in which its output is kept, readable by its owner alone.
    pub directory: PathBuf,
}

/// Endpoints other than AWS's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Of every service that has none of its own here.
    pub all: Option<String>,
    /// EC2's.
    pub ec2: Option<String>,
    /// Auto Scaling's.
    pub autoscaling: Option<String>,
    /// STS's.
    pub sts: Option<String>,
    /// Systems Manager's.
    pub ssm: Option<String>,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// How often calls are repeated. Whatever it says, no call outlasts its deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// Repetitions of a call; by the kind of failure where it is unset.
    pub calls: Option<u32>,
    /// Repetitions of a call that only asks; as [`calls`](Self::calls) where it is unset.
    pub questions: Option<u32>,
    /// The wait before the repetition of a call that only asks, instead of one that grows.
    pub question_interval: Option<Duration>,
}

impl ClientConfig {
    /// Finds what cannot be used, without I/O.
    ///
    /// # Errors
    /// [`NotSent::Configuration`] names the value and what is allowed.
    pub fn check(&self) -> Result<(), NotSent> {
        let Endpoints { all, ec2, autoscaling, sts, ssm } = &self.endpoints;
        for url in [all, ec2, autoscaling, sts, ssm].into_iter().flatten() {
            check_endpoint(url, self.allows_insecure_endpoint)
                .map_err(|why| NotSent::Configuration { why })?;
        }
        match self.region.as_deref().map(str::trim) {
            Some(region) if !is_region(region) => Err(NotSent::Configuration {
                why: format!("`{region}` is no region: letters, digits and `-`, as in eu-central-1"),
            }),
            _ => Ok(()),
        }
    }
}

pub(crate) fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether requests may go to this URL: with TLS anywhere, without it on this host only, unless more is allowed.
pub(crate) fn check_endpoint(url: &str, allows_insecure: bool) -> Result<(), String> {
    if let Some(rest) = url.strip_prefix("https://") {
        return if host(rest).is_empty() { Err(no_url(url)) } else { Ok(()) };
    }
    let Some(rest) = url.strip_prefix("http://") else { return Err(no_url(url)) };
    let host = host(rest);
    if host.is_empty() {
        return Err(no_url(url));
    }
    if allows_insecure || is_loopback(host) || is_metadata(host) {
        return Ok(());
    }
    Err(format!(
        "the endpoint http://{host} is without TLS: use https, or set allow_insecure_endpoint to true"
    ))
}

fn no_url(url: &str) -> String {
    // A password in the URL shall not get into a log.
    let shown = url.rsplit('@').next().unwrap_or_default();
    format!("the endpoint `{shown}` is no URL: https://HOST or http://HOST, with :PORT if need be")
}

/// The host of what follows the scheme of a URL, an IPv6 address without its brackets.
pub(crate) fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Addresses from which machines and containers get their credentials, which are without TLS and behind no proxy.
pub(crate) fn is_metadata(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_link_local(),
        Ok(IpAddr::V6(address)) => matches!(address.segments(), [0xfd00, 0x0ec2, ..]),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let check = |url: &str, allowed: bool, allowed_insecurely: bool| {
            assert_eq!(check_endpoint(url, false).is_ok(), allowed, "{url}");
            assert_eq!(check_endpoint(url, true).is_ok(), allowed_insecurely, "{url}");
        };
        check("https://ec2.eu-central-1.amazonaws.com", true, true);
        check("https://10.0.0.1:8443/path", true, true);
        check("http://127.0.0.1:5000", true, true);
        check("http://localhost:5000/", true, true);
        check("http://[::1]:5000", true, true);
        check("http://169.254.169.254/latest", true, true);
        check("http://[fd00:ec2::254]/latest", true, true);
        check("http://10.0.0.1", false, true);
        check("http://localhost.example.com", false, true);
        check("http://localhost@example.com", false, true);
        check("http://127.0.0.1.example.com", false, true);
        check("ftp://127.0.0.1", false, false);
        check("127.0.0.1:5000", false, false);
        check("https://", false, false);
        check("http:///path", false, false);
        check("", false, false);
    }

    #[test]
    fn messages_name_value_and_rule_but_no_password() {
        let insecure = ClientConfig {
            endpoints: Endpoints {
                sts: Some("http://user:secret@sts.example.com".to_owned()),
                ..Endpoints::default()
            },
            ..ClientConfig::default()
        };
        let message = insecure.check().unwrap_err().to_string();
        assert!(message.contains("http://sts.example.com") && message.contains("allow_insecure_endpoint"));
        assert!(!message.contains("secret"), "{message}");
        assert!(!no_url("ftp://user:secret@x").contains("secret"));
        let region = ClientConfig { region: Some("eu central 1".to_owned()), ..ClientConfig::default() };
        assert!(region.check().unwrap_err().to_string().contains("`eu central 1`"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = ClientConfig {
            keys: Some(StaticKeys {
                access_key_id: "AKIDSECRET".to_owned(),
                secret_access_key: "hush".to_owned(),
                session_token: Some("token".to_owned()),
            }),
            ..ClientConfig::default()
        };
        let shown = format!("{config:?}");
        assert!(!shown.contains("AKID") && !shown.contains("hush") && !shown.contains("token"), "{shown}");
    }
}
