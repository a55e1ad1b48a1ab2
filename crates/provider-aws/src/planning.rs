//! What a launch would call, for dry runs.

use std::path::Path;

use ohfp_broker::launch_spec::Image;
use ohfp_broker::provider::Plan;
use ohfp_broker::{Error, ErrorKind, Result, Template, Timestamp};

use crate::account;
use crate::calls::{LaunchTemplateSpecification, Making};
use crate::design::{self, Native, Order, Reference, Way};
use crate::options::{self, AwsOptions};
use crate::tags::{self, Owner};

/// The calls with all fields, as `aws ec2 … --cli-input-json` takes them. What is only known at the launch is named in
/// angle brackets.
///
/// # Errors
/// [`ErrorKind::Input`] for fields that the API of the template cannot take, [`ErrorKind::Refused`] for more machines than
/// it launches at once.
pub fn plan(
    (provider, options): (&str, &AwsOptions),
    template: &Template,
    count: u32,
    directory: &Path,
) -> Result<Plan> {
    let (way, file) = account::way(options, template, count, directory)?;
    let spec = template.spec();
    let owner = Owner {
        request: "<request id>",
        token: "<token>",
        template: template.id(),
        provider,
        store: "<id of the state store>",
        rc_account: None,
    };
    let image_id = spec.image.as_ref().map(|image| match image {
        Image::Ami(id) | Image::Other(id) => id.to_string(),
        Image::Parameter(name) => format!("<value of SSM parameter {name}>"),
    });
    let role = spec.fleet.role.as_deref();
    let reference =
        Reference { request: "<request id>", provider, template, image_id: image_id.as_deref(), count };
    let specs = options.specs(directory);
    let native = Native::of(&reference, options.of(&options::NATIVE_SPEC_MODE), way, &specs);
    let native = native.map_err(|error| {
        let message = format!("template `{}`: {error}", template.id());
        Error::new(ErrorKind::Input, message).in_field(template.id(), error.base())
    })?;
    let order = Order {
        spec,
        count,
        token: "<token>",
        created: Timestamp::default(),
        image_id,
        root_device: Some("<root device of the image>".to_owned()),
        fleet_request: file.map(|file| file.request),
        fleet_role: role.map(str::to_owned),
        user_data: None,
        tags: tags::of_launch(owner, spec),
        native,
    };
    let mut calls = Vec::new();
    if way == Way::RunInstances {
        let pools = design::pools(spec);
        let first = pools.first().map(|pool| order.run_instances(pool, count, "run/0"));
        calls.extend(first.map(Making::RunInstances));
        let others: Vec<String> = pools.iter().skip(1).map(ToString::to_string).collect();
        let mut plan = written(&calls)?;
        if !others.is_empty() {
            plan.steps.push(format!("RunInstances for what is missing, in: {}", others.join("; ")));
        }
        return Ok(plan);
    }
    let made = order.launch_template(way);
    let given = order.given_template();
    let used = match (&made, given) {
        (None, Some(given)) => given,
        _ => LaunchTemplateSpecification {
            launch_template_id: "<id of the launch template>".to_owned(),
            version: "<its version>".to_owned(),
        },
    };
    calls.extend(made);
    calls.extend(order.by_template(way, &used));
    written(&calls)
}

fn written(calls: &[Making]) -> Result<Plan> {
    let step = |call: &Making| {
        let value = serde_json::to_value(call)
            .and_then(|value| serde_json::to_string(value.get(call.action()).unwrap_or(&value)));
        let text =
            value.map_err(|error| Error::new(ErrorKind::System, format!("cannot show a call: {error}")))?;
        Ok(format!("{} {text}", call.action()))
    };
    Ok(Plan { steps: calls.iter().map(step).collect::<Result<_>>()? })
}
