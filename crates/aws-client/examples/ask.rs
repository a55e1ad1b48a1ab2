//! Makes one call, as the environment says, and prints what it came to: a process of its own for tests and figures.
//!
//! Usage: `ask ACTION [VARIABLE=VALUE…]`, where variables stand for members of `ClientConfig` that have none in
//! AWS's environment.

#![expect(clippy::print_stdout, reason = "it is a program")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ohfp_aws_client::{Client, ClientConfig, CredentialScript, Proxy, Retries, Role};
use ohfp_broker::Deadline;
use ohfp_provider_aws::api::{Api, Called};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let action = arguments.next().unwrap_or_default();
    let mut config = ClientConfig::default();
    let mut seconds = 20.0;
    for argument in arguments {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        let text = || Some(value.to_owned());
        match name {
            "region" => config.region = text(),
            "profile" => config.profile = text(),
            "role" => {
                config.role = Some(Role { arn: value.to_owned(), external_id: Some("external".to_owned()) });
            }
            "file" => config.credential_file = Some(value.into()),
            "script" => {
                config.credential_script = Some(CredentialScript {
                    program: value.into(),
                    renew_after: Duration::from_mins(10),
                    directory: std::env::temp_dir(),
                });
            }
            "endpoint" => config.endpoints.all = text(),
            "insecure" => config.allows_insecure_endpoint = true,
            "ca" => config.ca_bundle = Some(value.into()),
            "proxy" => {
                let (host, port) = value.split_once(':').unwrap_or((value, "0"));
                config.proxy = Some(Proxy { host: host.to_owned(), port: port.parse().unwrap_or_default() });
            }
            "retries" => config.retries = Retries { calls: value.parse().ok(), ..Retries::default() },
            "seconds" => seconds = value.parse().unwrap_or(seconds),
            _ => {
                println!("unknown argument {argument}");
                return ExitCode::FAILURE;
            }
        }
    }
    let client = Client::new(config);
    let deadline = Deadline::at(Instant::now() + Duration::from_secs_f64(seconds));
    match ask(&client, &action, deadline) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure:?}\n{failure}");
            ExitCode::FAILURE
        }
    }
}

fn ask(client: &Client, action: &str, deadline: Deadline) -> Called<String> {
    let shown = match action {
        "new" => "made".to_owned(),
        "identity" => format!("{:?}", client.caller_identity(deadline)?),
        "instances" => {
            let filter = ("instance-state-name".to_owned(), vec!["running".to_owned()]);
            format!("{} instances", client.instances_by_filter(&[filter], deadline)?.len())
        }
        "parameters" => format!("{:?}", client.parameters(&["/ami".to_owned()], deadline)?),
        _ => format!("unknown action {action}"),
    };
    Ok(shown)
}
