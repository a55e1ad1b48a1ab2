//! `ohfp-snapshot check`: is the snapshot fresh?

use clap::Args;
use ohfp_platform::locate;
use ohfp_render::json as render_json;
use ohfp_resolver::{Environment, location};
use ohfp_snapshot_format::CLI_FINGERPRINT;
use serde_json::json;

use super::target::{Form, Outcome, Outcomes, Target, open};
use crate::stamp;

/// Arguments of `check`.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &Arguments, env: &Environment) -> Outcomes {
    let path = arguments.target.path(env)?;
    let snapshot = open(&path)?;
    let get = location::lookup(env);
    let mut findings = Vec::new();
    if let Err(refusal) = snapshot.expect_fingerprint(CLI_FINGERPRINT) {
        findings.push((path.display().to_string(), refusal.to_string()));
    }
    let mut inputs = 0;
    if !snapshot.header.sealed() {
        match snapshot.stamps() {
            Err(refusal) => findings.push((path.display().to_string(), refusal.to_string())),
            Ok(stamps) => {
                inputs = stamps.files.len() + stamps.variables.len();
                let place = location::find(arguments.target.config.as_deref(), None, env);
                let root = match &place {
                    Ok(place) => Some(location::identity(&place.origin).to_vec()),
                    Err(_) => locate::config_root(&get).map(|root| root.path.as_bytes().to_vec()),
                };
                let differences = stamp::differences(stamps, root.as_deref(), &get, None);
                findings.extend(differences.into_iter().map(|found| (found.input, found.what.to_owned())));
            }
        }
    }
    let fresh = findings.is_empty();
    let document = if arguments.form.is_json() {
        let findings: Vec<_> =
            findings.iter().map(|(input, what)| json!({ "input": input, "what": what })).collect();
        let report = json!({
            "snapshot": path.display().to_string(),
            "fresh": fresh,
            "sealed": snapshot.header.sealed(),
            "inputs": inputs,
            "differences": findings,
        });
        String::from_utf8_lossy(&render_json::document(&report)).into_owned()
    } else if fresh {
        let basis =
            if snapshot.header.sealed() { "sealed".to_owned() } else { format!("{inputs} inputs compared") };
        format!("fresh: {} ({basis})\n", path.display())
    } else {
        let lines: String = findings.iter().map(|(input, what)| format!("  {input} {what}\n")).collect();
        format!("stale: {}\n{lines}", path.display())
    };
    Ok(Outcome { document, code: u8::from(!fresh) })
}
