//! Answers of the SDK, reduced to what is used.

use std::collections::BTreeMap;

use aws_sdk_autoscaling::types as groups;
use aws_sdk_ec2::operation::create_fleet::CreateFleetOutput;
use aws_sdk_ec2::types as ec2;
use aws_smithy_types::DateTime;
use ohfp_broker::Timestamp;
use ohfp_provider_aws::api::{
    Ec2Instance, FleetCreated, FleetEvent, FleetInstance, FleetState, GroupState, LaunchTemplateState,
    PoolError, SpotRequest, StateChange,
};
use ohfp_provider_aws::failure::Answered;

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

/// A text that says something: EC2 writes an empty element for a name that a machine does not have yet.
fn said(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(str::to_owned)
}

fn number<T>(value: Option<T>) -> Option<u32>
where
    u32: TryFrom<T>,
{
    value.and_then(|value| u32::try_from(value).ok())
}

/// 1970 where it is missing.
fn time(value: Option<&DateTime>) -> Timestamp {
    Timestamp::from_millis(value.and_then(|time| time.to_millis().ok()).unwrap_or_default())
}

fn tags(tags: &[ec2::Tag]) -> BTreeMap<String, String> {
    tags.iter().filter_map(|tag| Some((tag.key()?.to_owned(), text(tag.value())))).collect()
}

/// A machine of that account.
pub(crate) fn instance(from: &ec2::Instance, owner: Option<&str>) -> Ec2Instance {
    let volume = |device: &ec2::InstanceBlockDeviceMapping| said(device.ebs()?.volume_id());
    let reason = from.state_reason();
    let cpu = from.cpu_options();
    Ec2Instance {
        id: text(from.instance_id()),
        state: text(from.state().and_then(ec2::InstanceState::name).map(ec2::InstanceStateName::as_str)),
        state_reason_code: said(reason.and_then(ec2::StateReason::code)),
        state_reason: said(reason.and_then(ec2::StateReason::message)),
        private_dns_name: said(from.private_dns_name()),
        private_ip: said(from.private_ip_address()),
        public_ip: said(from.public_ip_address()),
        instance_type: said(from.instance_type().map(ec2::InstanceType::as_str)),
        subnet_id: said(from.subnet_id()),
        zone: said(from.placement().and_then(ec2::Placement::availability_zone)),
        is_spot: from.instance_lifecycle() == Some(&ec2::InstanceLifecycleType::Spot),
        spot_request_id: said(from.spot_instance_request_id()),
        cores: number(cpu.and_then(ec2::CpuOptions::core_count)),
        threads_per_core: number(cpu.and_then(ec2::CpuOptions::threads_per_core)),
        volume_ids: from.block_device_mappings().iter().filter_map(volume).collect(),
        owner: said(owner),
        launched: time(from.launch_time()),
        tags: tags(from.tags()),
    }
}

/// What `CreateFleet` made, and why pools made nothing; `None` without the fleet's id.
pub(crate) fn fleet_created(action: &'static str, from: &CreateFleetOutput) -> Option<FleetCreated> {
    let instances = from.instances().iter().flat_map(|set| {
        set.instance_ids().iter().map(|id| FleetInstance {
            id: id.clone(),
            instance_type: said(set.instance_type().map(ec2::InstanceType::as_str)),
            is_spot: set.lifecycle() == Some(&ec2::InstanceLifecycle::Spot),
        })
    });
    Some(FleetCreated {
        fleet_id: said(from.fleet_id())?,
        instances: instances.collect(),
        errors: from.errors().iter().map(|error| pool_error(action, error)).collect(),
    })
}

fn pool_error(action: &'static str, from: &ec2::CreateFleetError) -> PoolError {
    let pool =
        from.launch_template_and_overrides().and_then(ec2::LaunchTemplateAndOverridesResponse::overrides);
    PoolError {
        error: entry(action, from.error_code(), from.error_message()),
        instance_type: said(
            pool.and_then(ec2::FleetLaunchTemplateOverrides::instance_type).map(ec2::InstanceType::as_str),
        ),
        subnet_id: said(pool.and_then(ec2::FleetLaunchTemplateOverrides::subnet_id)),
        zone: said(pool.and_then(ec2::FleetLaunchTemplateOverrides::availability_zone)),
        is_spot: from.lifecycle() == Some(&ec2::InstanceLifecycle::Spot),
    }
}

/// An error inside an answer.
pub(crate) fn entry(action: &'static str, code: Option<&str>, message: Option<&str>) -> Answered {
    Answered::new(action, 200, code.unwrap_or_default(), message.unwrap_or_default())
}

/// A fleet.
pub(crate) fn fleet(from: &ec2::FleetData) -> FleetState {
    let target = from.target_capacity_specification();
    FleetState {
        id: text(from.fleet_id()),
        state: text(from.fleet_state().map(ec2::FleetStateCode::as_str)).replace('-', "_"),
        activity: said(from.activity_status().map(ec2::FleetActivityStatus::as_str)),
        kind: text(from.r#type().map(ec2::FleetType::as_str)),
        target: number(target.and_then(ec2::TargetCapacitySpecification::total_target_capacity))
            .unwrap_or_default(),
        created: time(from.create_time()),
        tags: tags(from.tags()),
    }
}

/// A spot fleet.
pub(crate) fn spot_fleet(from: &ec2::SpotFleetRequestConfig) -> FleetState {
    let config = from.spot_fleet_request_config();
    FleetState {
        id: text(from.spot_fleet_request_id()),
        state: text(from.spot_fleet_request_state().map(ec2::BatchState::as_str)),
        activity: said(from.activity_status().map(ec2::ActivityStatus::as_str)),
        kind: text(config.and_then(ec2::SpotFleetRequestConfigData::r#type).map(ec2::FleetType::as_str)),
        target: number(config.and_then(ec2::SpotFleetRequestConfigData::target_capacity)).unwrap_or_default(),
        created: time(from.create_time()),
        tags: tags(from.tags()),
    }
}

/// An entry of a fleet's history.
pub(crate) fn event(from: Option<&ec2::EventInformation>) -> FleetEvent {
    FleetEvent {
        kind: text(from.and_then(ec2::EventInformation::event_sub_type)),
        description: text(from.and_then(ec2::EventInformation::event_description)),
    }
}

/// A group. Members that are ended or on their way there are left out.
pub(crate) fn group(from: &groups::AutoScalingGroup) -> GroupState {
    let lives = |member: &&groups::Instance| {
        member.lifecycle_state().is_none_or(|state| {
            !state.as_str().starts_with("Terminat") && !state.as_str().starts_with("Warmed:Terminat")
        })
    };
    let members = from.instances().iter().filter(lives).filter_map(groups::Instance::instance_id);
    let tags = from.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), text(tag.value()))));
    GroupState {
        name: text(from.auto_scaling_group_name()),
        is_being_deleted: from.status().is_some(),
        desired: number(from.desired_capacity()).unwrap_or_default(),
        created: time(from.created_time()),
        instance_ids: members.map(str::to_owned).collect(),
        suspended: from
            .suspended_processes()
            .iter()
            .filter_map(groups::SuspendedProcess::process_name)
            .map(str::to_owned)
            .collect(),
        tags: tags.collect(),
    }
}

/// The message of an activity that failed; `None` for others.
pub(crate) fn failed_activity(from: &groups::Activity) -> Option<String> {
    let has_failed = matches!(
        from.status_code()?,
        groups::ScalingActivityStatusCode::Failed | groups::ScalingActivityStatusCode::Cancelled
    );
    has_failed.then(|| said(from.status_message()).or_else(|| said(from.description()))).flatten()
}

/// The request behind a spot machine.
pub(crate) fn spot_request(from: &ec2::SpotInstanceRequest) -> SpotRequest {
    let status = from.status();
    SpotRequest {
        id: text(from.spot_instance_request_id()),
        instance_id: said(from.instance_id()),
        status: text(status.and_then(ec2::SpotInstanceStatus::code)),
        since: time(status.and_then(ec2::SpotInstanceStatus::update_time)),
    }
}

/// A launch template.
pub(crate) fn launch_template(from: &ec2::LaunchTemplate) -> LaunchTemplateState {
    LaunchTemplateState {
        id: text(from.launch_template_id()),
        name: text(from.launch_template_name()),
        default_version: from
            .default_version_number()
            .and_then(|version| u64::try_from(version).ok())
            .unwrap_or_default(),
        created: time(from.create_time()),
        tags: tags(from.tags()),
    }
}

/// What became of a machine that was to be ended.
pub(crate) fn state_change(from: &ec2::InstanceStateChange) -> StateChange {
    StateChange {
        id: text(from.instance_id()),
        state: text(
            from.current_state().and_then(ec2::InstanceState::name).map(ec2::InstanceStateName::as_str),
        ),
    }
}
