//! Calls that make something, member by member as `ohfp-provider-aws` has stored them.

mod fleets;
mod groups;
mod machines;
mod members;
mod requirements;

use aws_sdk_ec2::types::LaunchTemplateVersion;
use ohfp_broker::Deadline;
use ohfp_provider_aws::api::{Called, Ec2Instance, FleetCreated};
use ohfp_provider_aws::calls::{
    CreateAutoScalingGroup, CreateFleet, CreateLaunchTemplate, CreateLaunchTemplateVersion,
    LaunchTemplateSpecification, RequestSpotFleet, RunInstances,
};
use ohfp_provider_aws::failure::Failure;

use self::members::tags;
use crate::client::Client;
use crate::policy::Kind;
use crate::reduced;

/// A call without the id that all else depends on.
fn without_id(action: &'static str) -> Failure {
    Failure::Lost { action, why: "the answer has no id".to_owned() }
}

pub(crate) fn run_instances(
    client: &Client,
    call: &RunInstances,
    deadline: Deadline,
) -> Called<Vec<Ec2Instance>> {
    let request = machines::run(client.sdk()?.ec2().run_instances(), call);
    let answer = client.call("RunInstances", Kind::Tokened, deadline, |watch| {
        request.clone().customize().interceptor(watch).send()
    })?;
    let owner = answer.owner_id();
    Ok(answer.instances().iter().map(|instance| reduced::instance(instance, owner)).collect())
}

pub(crate) fn create_launch_template(
    client: &Client,
    call: &CreateLaunchTemplate,
    deadline: Deadline,
) -> Called<LaunchTemplateSpecification> {
    const ACTION: &str = "CreateLaunchTemplate";
    let CreateLaunchTemplate { client_token, launch_template_name, tag_specifications, launch_template_data } =
        call;
    let request = client
        .sdk()?
        .ec2()
        .create_launch_template()
        .client_token(client_token)
        .launch_template_name(launch_template_name)
        .set_tag_specifications(tags(tag_specifications))
        .launch_template_data(machines::template(launch_template_data));
    let answer = client.call(ACTION, Kind::Tokened, deadline, |watch| {
        request.clone().customize().interceptor(watch).send()
    })?;
    let template = answer.launch_template().ok_or_else(|| without_id(ACTION))?;
    Ok(LaunchTemplateSpecification {
        launch_template_id: template.launch_template_id().ok_or_else(|| without_id(ACTION))?.to_owned(),
        version: template.latest_version_number().unwrap_or(1).to_string(),
    })
}

pub(crate) fn create_launch_template_version(
    client: &Client,
    call: &CreateLaunchTemplateVersion,
    deadline: Deadline,
) -> Called<LaunchTemplateSpecification> {
    const ACTION: &str = "CreateLaunchTemplateVersion";
    let CreateLaunchTemplateVersion {
        client_token,
        launch_template_id,
        source_version,
        version_description,
        launch_template_data,
    } = call;
    let request = client
        .sdk()?
        .ec2()
        .create_launch_template_version()
        .client_token(client_token)
        .launch_template_id(launch_template_id)
        .source_version(source_version)
        .version_description(version_description)
        .launch_template_data(machines::template(launch_template_data));
    let answer = client.call(ACTION, Kind::Tokened, deadline, |watch| {
        request.clone().customize().interceptor(watch).send()
    })?;
    let version = answer.launch_template_version().and_then(LaunchTemplateVersion::version_number);
    Ok(LaunchTemplateSpecification {
        launch_template_id: launch_template_id.clone(),
        version: version.ok_or_else(|| without_id(ACTION))?.to_string(),
    })
}

pub(crate) fn create_fleet(client: &Client, call: &CreateFleet, deadline: Deadline) -> Called<FleetCreated> {
    const ACTION: &str = "CreateFleet";
    let request = fleets::fleet(client.sdk()?.ec2().create_fleet(), call);
    let answer = client.call(ACTION, Kind::Tokened, deadline, |watch| {
        request.clone().customize().interceptor(watch).send()
    })?;
    reduced::fleet_created(ACTION, &answer).ok_or_else(|| without_id(ACTION))
}

pub(crate) fn request_spot_fleet(
    client: &Client,
    call: &RequestSpotFleet,
    deadline: Deadline,
) -> Called<String> {
    const ACTION: &str = "RequestSpotFleet";
    let config = fleets::spot_fleet(&call.spot_fleet_request_config);
    let request = client.sdk()?.ec2().request_spot_fleet().spot_fleet_request_config(config);
    let answer = client.call(ACTION, Kind::Tokened, deadline, |watch| {
        request.clone().customize().interceptor(watch).send()
    })?;
    answer.spot_fleet_request_id.ok_or_else(|| without_id(ACTION))
}

pub(crate) fn create_auto_scaling_group(
    client: &Client,
    call: &CreateAutoScalingGroup,
    deadline: Deadline,
) -> Called<()> {
    let request = groups::group(client.sdk()?.autoscaling().create_auto_scaling_group(), call)?;
    client.call("CreateAutoScalingGroup", Kind::Named, deadline, |watch| {
        request.clone().customize().interceptor(watch).send()
    })?;
    Ok(())
}
