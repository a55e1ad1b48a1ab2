//! The client in a process of its own, with an environment of its own: where credentials and region come from, proxies,
//! certificates, and what a start costs in threads and calls.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::server::{Reply, Server};

const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                        <GetCallerIdentityResult><Arn>arn:aws:sts::1:user/u</Arn><Account>1</Account>\
                        </GetCallerIdentityResult></GetCallerIdentityResponse>";

fn identity() -> Reply {
    Reply::Answer(200, IDENTITY.to_owned())
}

/// `examples/ask.rs`, which cargo builds beside the tests.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().unwrap().with_file_name("examples").join("ask")
}

/// Asks with this environment alone, and with a home of its own, in which there is nothing of AWS.
struct Ask {
    home: tempfile::TempDir,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Ask {
    fn new(action: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let variables = vec![
            ("HOME".to_owned(), path.clone()),
            ("TMPDIR".to_owned(), path),
            ("PATH".to_owned(), std::env::var("PATH").unwrap()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ];
        Self { home, arguments: vec![action.to_owned()], variables }
    }

    /// The same with region and keys in the environment.
    fn with_keys(action: &str, endpoint: &str) -> Self {
        Self::new(action)
            .set("AWS_REGION", "eu-central-1")
            .set("AWS_ACCESS_KEY_ID", "AKENV")
            .set("AWS_SECRET_ACCESS_KEY", "hush-env")
            .set("AWS_ENDPOINT_URL", endpoint)
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn unset(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// A file in its home.
    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.home.path().join(name), text).unwrap();
        self
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.variables.iter().cloned());
        command
    }

    fn run(&self) -> String {
        text(&self.command(&program()).args(&self.arguments).output().unwrap())
    }
}

fn text(output: &Output) -> String {
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!shown.contains("hush"), "{shown}");
    shown
}

/// The access key that the last request was signed with.
fn signed_with(server: &Server) -> String {
    let received = server.received();
    let headers = received.last().unwrap().headers.join("\n");
    headers.split("Credential=").nth(1).unwrap().split('/').next().unwrap().to_owned()
}

#[test]
fn keys_of_the_environment_profiles_file_and_script() {
    let server = Server::start([identity()]);
    let keys = |id: &str| format!("aws_access_key_id={id}\naws_secret_access_key=hush\n");
    let all = || {
        let ask = Ask::with_keys("identity", &server.url()).file(
            ".aws/credentials",
            &format!("[default]\n{}[batch]\n{}", keys("AKDEFAULT"), keys("AKBATCH")),
        );
        let ask = ask.file("keys", &format!("[default]\n{}", keys("AKFILE")));
        let script = format!(
            "#!/bin/sh\nprintf '[default]\\naws_access_key_id=AKSCRIPT\\n'\n{}",
            "echo aws_secret_access_key=hush\n"
        );
        let ask = ask.file("keys.sh", &script);
        fs::set_permissions(ask.path("keys.sh"), fs::Permissions::from_mode(0o700)).unwrap();
        ask
    };
    let check = |ask: Ask, key: &str| {
        let shown = ask.run();
        assert!(shown.contains("arn:aws:sts::1:user/u"), "{key}: {shown}");
        assert_eq!(signed_with(&server), key);
    };
    check(all(), "AKENV");
    check(all().unset("AWS_ACCESS_KEY_ID").unset("AWS_SECRET_ACCESS_KEY"), "AKDEFAULT");
    check(all().unset("AWS_ACCESS_KEY_ID").set("AWS_PROFILE", "batch"), "AKBATCH");
    // A profile that the configuration names counts before the environment.
    check(all().arg("profile=batch"), "AKBATCH");
    let ask = all();
    let file = format!("file={}", ask.path("keys"));
    check(ask.arg(&file), "AKFILE");
    let ask = all();
    let (file, script) = (format!("file={}", ask.path("keys")), format!("script={}", ask.path("keys.sh")));
    check(ask.arg(&file).arg(&script), "AKSCRIPT");
}

#[test]
fn a_role_is_assumed_with_the_keys_that_are_found() {
    let assumed = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
                   <AssumedRoleUser><Arn>arn:aws:sts::2:assumed-role/r/ohfp</Arn><AssumedRoleId>A:ohfp\
                   </AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>AKROLE</AccessKeyId>\
                   <SecretAccessKey>hush</SecretAccessKey><SessionToken>token</SessionToken>\
                   <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let server = Server::start([Reply::Answer(200, assumed.to_owned()), identity()]);
    let shown = Ask::with_keys("identity", &server.url()).arg("role=arn:aws:iam::2:role/r").run();
    assert!(shown.contains("arn:aws:sts::1:user/u"), "{shown}");
    let first = &server.received()[0];
    assert_eq!(first.member("RoleArn").as_deref(), Some("arn:aws:iam::2:role/r"));
    assert_eq!(first.member("ExternalId").as_deref(), Some("external"));
    assert_eq!(signed_with(&server), "AKROLE");
    assert_eq!(server.calls(), 2);
}

#[test]
fn credentials_that_are_nowhere_are_told_with_all_places_in_order() {
    let start = Instant::now();
    let shown = Ask::new("identity").set("AWS_REGION", "eu-central-1").run();
    assert!(start.elapsed() < Duration::from_secs(10));
    let mut rest = shown.as_str();
    for place in ["NoCredentials", "environment: ", "profile `default`: ", "web identity: ", "container: "] {
        let at = rest.find(place).unwrap_or_else(|| panic!("{place} in {shown}"));
        rest = &rest[at + place.len()..];
    }
    assert!(rest.contains("instance metadata: AWS_EC2_METADATA_DISABLED is true"), "{shown}");
}

#[test]
fn a_file_that_cannot_be_used_ends_the_search() {
    let server = Server::start([identity()]);
    let ask = Ask::with_keys("identity", &server.url()).file("keys", "[other]\n");
    let file = format!("file={}", ask.path("keys"));
    let shown = ask.arg(&file).run();
    assert!(shown.contains("NoCredentials") && shown.contains("it has no section [default]"), "{shown}");
    assert_eq!(server.calls(), 0);
}

#[test]
fn a_region_must_be_named() {
    let server = Server::start([identity()]);
    let shown = Ask::with_keys("identity", &server.url()).unset("AWS_REGION").run();
    assert!(shown.contains("no region is configured"), "{shown}");
    assert_eq!(server.calls(), 0);
    let of_profile = Ask::with_keys("identity", &server.url())
        .unset("AWS_REGION")
        .file(".aws/config", "[default]\nregion = eu-north-1\n");
    assert!(of_profile.run().contains("user/u"));
    assert!(server.received()[0].headers.join("\n").contains("/eu-north-1/sts/"));
}

#[test]
fn endpoints_of_services_and_of_the_configuration() {
    let (all, own, configured) =
        (Server::start([identity()]), Server::start([identity()]), Server::start([identity()]));
    let ask = || Ask::with_keys("identity", &all.url()).set("AWS_ENDPOINT_URL_STS", &own.url());
    ask().unset("AWS_ENDPOINT_URL_STS").run();
    assert_eq!((all.calls(), own.calls(), configured.calls()), (1, 0, 0));
    ask().run();
    assert_eq!((all.calls(), own.calls(), configured.calls()), (1, 1, 0));
    ask().arg(&format!("endpoint={}", configured.url())).run();
    assert_eq!((all.calls(), own.calls(), configured.calls()), (1, 1, 1));
}

#[test]
fn an_endpoint_without_tls_elsewhere_is_refused_wherever_it_is_named() {
    let insecure = "http://sts.invalid:5000";
    let check = |ask: &Ask| {
        let shown = ask.run();
        assert!(shown.contains("Configuration") && shown.contains("allow_insecure_endpoint"), "{shown}");
    };
    check(&Ask::with_keys("identity", insecure));
    check(&Ask::with_keys("identity", "http://127.0.0.1").arg(&format!("endpoint={insecure}")));
    check(
        &Ask::with_keys("identity", "http://127.0.0.1")
            .unset("AWS_ENDPOINT_URL")
            .file(".aws/config", &format!("[default]\nendpoint_url = {insecure}\n")),
    );
    let allowed = Ask::with_keys("identity", insecure).arg("insecure").run();
    assert!(allowed.contains("Connect"), "{allowed}");
}

#[test]
fn proxies_of_the_environment_and_of_the_configuration() {
    let elsewhere = "http://sts.invalid";
    let proxy = Server::start([identity()]);
    let shown = Ask::with_keys("identity", elsewhere).arg("insecure").set("HTTP_PROXY", &proxy.url()).run();
    assert!(shown.contains("user/u"), "{shown}");
    assert_eq!(proxy.received()[0].line, "POST http://sts.invalid/ HTTP/1.1");

    let proxy = Server::start([identity()]);
    let ask = Ask::with_keys("identity", elsewhere).arg("insecure").arg(&format!("proxy={}", proxy.address));
    assert!(ask.run().contains("user/u"));
    assert_eq!(proxy.calls(), 1);

    // Through a tunnel to https; the proxy refuses it here.
    let proxy = Server::start([Reply::Answer(407, String::new())]);
    let ask = Ask::with_keys("identity", "https://sts.invalid").arg(&format!("proxy={}", proxy.address));
    let shown = ask.arg("retries=0").run();
    assert!(shown.contains("Connect"), "{shown}");
    assert_eq!(proxy.received()[0].line, "CONNECT sts.invalid:443 HTTP/1.1");

    let excepted = Ask::with_keys("identity", elsewhere)
        .arg("insecure")
        .set("HTTP_PROXY", &proxy.url())
        .set("NO_PROXY", "sts.invalid");
    assert!(excepted.run().contains("Connect"));
}

#[test]
fn certificates_that_cannot_be_used_are_named_and_are_not_read_without_need() {
    let shown =
        Ask::with_keys("identity", "https://127.0.0.1:1").set("AWS_CA_BUNDLE", "/nowhere/ca.pem").run();
    assert!(shown.contains("Configuration") && shown.contains("/nowhere/ca.pem"), "{shown}");
    let ask = Ask::with_keys("identity", "https://127.0.0.1:1").file("ca.pem", "nonsense\n");
    let bundle = format!("ca={}", ask.path("ca.pem"));
    let shown = ask.arg(&bundle).run();
    assert!(shown.contains("no certificate in PEM"), "{shown}");

    let server = Server::start([identity()]);
    let ask = Ask::with_keys("identity", &server.url()).set("AWS_CA_BUNDLE", "/nowhere/ca.pem");
    assert!(ask.run().contains("user/u"));
}

/// System calls of a run, as strace shows them; `None` without strace.
fn traced(ask: &Ask, calls: &str) -> Option<String> {
    let trace = ask.path("trace");
    let strace = PathBuf::from("strace");
    let mut command = ask.command(&strace);
    command.args(["-f", "-e", &format!("trace={calls}"), "-o", &trace]).arg(program()).args(&ask.arguments);
    let output = command.output().ok()?;
    assert!(output.status.success(), "{}", text(&output));
    fs::read_to_string(trace).ok()
}

#[test]
fn no_thread_for_an_address_and_no_question_to_instance_metadata() {
    let server = Server::start([identity()]);
    let ask = Ask::with_keys("identity", &server.url()).unset("AWS_EC2_METADATA_DISABLED");
    let Some(trace) = traced(&ask, "clone,clone3,connect") else { return };
    assert!(!trace.contains("clone"), "{trace}");
    assert!(!trace.contains("169.254") && trace.contains("127.0.0.1"), "{trace}");
}

#[test]
fn a_client_that_is_not_used_does_nothing() {
    let ask = Ask::with_keys("new", "http://127.0.0.1:1");
    let Some(trace) = traced(&ask, "clone,clone3,connect,socket,epoll_create1,openat") else { return };
    assert!(!trace.contains("socket") && !trace.contains("epoll") && !trace.contains("clone"), "{trace}");
    assert!(!trace.contains(".aws"), "{trace}");
}

#[test]
fn no_certificate_is_read_for_http() {
    let server = Server::start([identity()]);
    let Some(trace) = traced(&Ask::with_keys("identity", &server.url()), "openat") else { return };
    assert!(!trace.contains("cert") && !trace.contains(".pem"), "{trace}");
}

/// An address that drops what it is sent would take the test as long as the limit: no program listens at this one.
#[test]
fn instance_metadata_is_asked_last_and_within_its_time() {
    let start = Instant::now();
    let shown = Ask::new("identity")
        .set("AWS_REGION", "eu-central-1")
        .unset("AWS_EC2_METADATA_DISABLED")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &format!("http://{}", Server::absent()))
        .run();
    assert!(shown.contains("instance metadata: "), "{shown}");
    assert!(start.elapsed() < Duration::from_secs(5));

    let silent = Server::start([Reply::Silence]);
    let shown = Ask::new("identity")
        .set("AWS_REGION", "eu-central-1")
        .unset("AWS_EC2_METADATA_DISABLED")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &silent.url())
        .run();
    assert!(shown.contains("instance metadata: no answer in 1s"), "{shown}");
    assert_eq!(silent.calls(), 1);
}
