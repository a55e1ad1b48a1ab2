//! Calls that end, stop, delete and tag. To do them twice is as good as once.

use aws_sdk_ec2::types::{
    ExcessCapacityTerminationPolicy, FleetExcessCapacityTerminationPolicy, Tag,
    TargetCapacitySpecificationRequest,
};
use ohfp_broker::Deadline;
use ohfp_provider_aws::api::{Called, StateChange};
use ohfp_provider_aws::calls::LaunchTemplateSpecification;

use crate::client::Client;
use crate::policy::Kind;
use crate::reduced;

/// Processes of a group that launch, replace, move or end machines, or that change how many it shall have.
const PROCESSES: [&str; 8] = [
    "Launch",
    "Terminate",
    "HealthCheck",
    "ReplaceUnhealthy",
    "AZRebalance",
    "AlarmNotification",
    "ScheduledActions",
    "InstanceRefresh",
];

/// Sends a request that is as good twice as once.
macro_rules! end {
    ($client:expr, $action:expr, $deadline:expr, $request:expr) => {{
        let request = $request;
        $client.call($action, Kind::Ending, $deadline, |watch| {
            request.clone().customize().interceptor(watch).send()
        })
    }};
}

pub(crate) fn terminate_instances(
    client: &Client,
    ids: &[String],
    deadline: Deadline,
) -> Called<Vec<StateChange>> {
    let request = client.sdk()?.ec2().terminate_instances().set_instance_ids(Some(ids.to_vec()));
    let answer = end!(client, "TerminateInstances", deadline, request)?;
    Ok(answer.terminating_instances().iter().map(reduced::state_change).collect())
}

pub(crate) fn tag(client: &Client, ids: &[String], key: &str, value: &str, deadline: Deadline) -> Called<()> {
    let tag = Tag::builder().key(key).value(value).build();
    let request = client.sdk()?.ec2().create_tags().set_resources(Some(ids.to_vec())).tags(tag);
    end!(client, "CreateTags", deadline, request)?;
    Ok(())
}

pub(crate) fn stop_fleet(client: &Client, id: &str, deadline: Deadline) -> Called<()> {
    let none = TargetCapacitySpecificationRequest::builder()
        .total_target_capacity(0)
        .on_demand_target_capacity(0)
        .spot_target_capacity(0);
    let request = client
        .sdk()?
        .ec2()
        .modify_fleet()
        .fleet_id(id)
        .excess_capacity_termination_policy(FleetExcessCapacityTerminationPolicy::NoTermination)
        .target_capacity_specification(none.build());
    end!(client, "ModifyFleet", deadline, request)?;
    Ok(())
}

pub(crate) fn stop_spot_fleet(client: &Client, id: &str, deadline: Deadline) -> Called<()> {
    let request = client
        .sdk()?
        .ec2()
        .modify_spot_fleet_request()
        .spot_fleet_request_id(id)
        .excess_capacity_termination_policy(ExcessCapacityTerminationPolicy::NoTermination)
        .target_capacity(0)
        .on_demand_target_capacity(0);
    end!(client, "ModifySpotFleetRequest", deadline, request)?;
    Ok(())
}

pub(crate) fn suspend_group(client: &Client, name: &str, deadline: Deadline) -> Called<()> {
    let processes = PROCESSES.map(str::to_owned).to_vec();
    let request = client
        .sdk()?
        .autoscaling()
        .suspend_processes()
        .auto_scaling_group_name(name)
        .set_scaling_processes(Some(processes));
    end!(client, "SuspendProcesses", deadline, request)?;
    Ok(())
}

pub(crate) fn delete_fleets(
    client: &Client,
    ids: &[String],
    ends_machines: bool,
    deadline: Deadline,
) -> Called<()> {
    const ACTION: &str = "DeleteFleets";
    let request = client
        .sdk()?
        .ec2()
        .delete_fleets()
        .set_fleet_ids(Some(ids.to_vec()))
        .terminate_instances(ends_machines);
    let answer = end!(client, ACTION, deadline, request)?;
    let errors = answer.unsuccessful_fleet_deletions().iter().filter_map(|item| item.error());
    all_but_unknown(errors.map(|error| {
        reduced::entry(
            ACTION,
            error.code().map(aws_sdk_ec2::types::DeleteFleetErrorCode::as_str),
            error.message(),
        )
    }))
}

pub(crate) fn cancel_spot_fleets(client: &Client, ids: &[String], deadline: Deadline) -> Called<()> {
    const ACTION: &str = "CancelSpotFleetRequests";
    let request = client
        .sdk()?
        .ec2()
        .cancel_spot_fleet_requests()
        .set_spot_fleet_request_ids(Some(ids.to_vec()))
        .terminate_instances(false);
    let answer = end!(client, ACTION, deadline, request)?;
    let errors = answer.unsuccessful_fleet_requests().iter().filter_map(|item| item.error());
    all_but_unknown(errors.map(|error| {
        reduced::entry(
            ACTION,
            error.code().map(aws_sdk_ec2::types::CancelBatchErrorCode::as_str),
            error.message(),
        )
    }))
}

/// The first error that is not about a fleet which does not exist: such a one is deleted.
fn all_but_unknown(mut errors: impl Iterator<Item = ohfp_provider_aws::failure::Answered>) -> Called<()> {
    match errors.find(|error| !error.code.ends_with("IdDoesNotExist")) {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}

pub(crate) fn delete_group(
    client: &Client,
    name: &str,
    ends_machines: bool,
    deadline: Deadline,
) -> Called<()> {
    let request = client
        .sdk()?
        .autoscaling()
        .delete_auto_scaling_group()
        .auto_scaling_group_name(name)
        .force_delete(ends_machines);
    end!(client, "DeleteAutoScalingGroup", deadline, request)?;
    Ok(())
}

pub(crate) fn delete_launch_template(client: &Client, id: &str, deadline: Deadline) -> Called<()> {
    let request = client.sdk()?.ec2().delete_launch_template().launch_template_id(id);
    end!(client, "DeleteLaunchTemplate", deadline, request)?;
    Ok(())
}

pub(crate) fn delete_launch_template_version(
    client: &Client,
    version: &LaunchTemplateSpecification,
    deadline: Deadline,
) -> Called<()> {
    let request = client
        .sdk()?
        .ec2()
        .delete_launch_template_versions()
        .launch_template_id(&version.launch_template_id)
        .versions(&version.version);
    end!(client, "DeleteLaunchTemplateVersions", deadline, request)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_that_does_not_exist_is_deleted() {
        let check = |codes: &[&str], expected: Option<&str>| {
            let found =
                all_but_unknown(codes.iter().map(|code| reduced::entry("DeleteFleets", Some(code), None)));
            assert_eq!(found.as_ref().err().and_then(|failure| failure.code()), expected, "{codes:?}");
        };
        check(&[], None);
        check(&["fleetIdDoesNotExist", "fleetRequestIdDoesNotExist"], None);
        check(&["fleetIdDoesNotExist", "unexpectedError", "fleetIdMalformed"], Some("unexpectedError"));
    }
}
