//! AWS as this crate reaches it: one method for each action, with answers reduced to what is used. The crate that links
//! the SDK implements it.

use std::collections::BTreeMap;

use ohfp_broker::{Deadline, Timestamp};

use crate::calls::{
    CreateAutoScalingGroup, CreateFleet, CreateLaunchTemplate, CreateLaunchTemplateVersion,
    LaunchTemplateSpecification, RequestSpotFleet, RunInstances,
};
use crate::failure::{Answered, Failure};

/// The answer of a call.
pub type Called<T> = Result<T, Failure>;

/// A machine, as `DescribeInstances` or `RunInstances` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ec2Instance {
    /// `i-…`
    pub id: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping`, `stopped`.
    pub state: String,
    /// Code of the state reason: `Server.SpotInstanceTermination`.
    pub state_reason_code: Option<String>,
    /// Its message.
    pub state_reason: Option<String>,
    /// Private DNS name; `None` where it has none yet or has lost it.
    pub private_dns_name: Option<String>,
    /// Private IPv4 address.
    pub private_ip: Option<String>,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// Machine type.
    pub instance_type: Option<String>,
    /// Subnet.
    pub subnet_id: Option<String>,
    /// Availability zone.
    pub zone: Option<String>,
    /// Whether it is a spot machine.
    pub is_spot: bool,
    /// The request behind a spot machine: `sir-…`.
    pub spot_request_id: Option<String>,
    /// Cores.
    pub cores: Option<u32>,
    /// Threads per core.
    pub threads_per_core: Option<u32>,
    /// Volumes.
    pub volume_ids: Vec<String>,
    /// Number of the account that it is of.
    pub owner: Option<String>,
    /// When it was launched.
    pub launched: Timestamp,
    /// Its tags, AWS's own included.
    pub tags: BTreeMap<String, String>,
}

/// The answer to `CreateFleet`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetCreated {
    /// `fleet-…`
    pub fleet_id: String,
    /// The machines of an instant fleet: ids with their type, and whether they are spot.
    pub instances: Vec<FleetInstance>,
    /// Why pools gave none or fewer.
    pub errors: Vec<PoolError>,
}

/// A machine of an instant fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetInstance {
    /// `i-…`
    pub id: String,
    /// Machine type.
    pub instance_type: Option<String>,
    /// Whether it is a spot machine.
    pub is_spot: bool,
}

/// Why a pool gave no machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolError {
    /// The error; its status is 200.
    pub error: Answered,
    /// Machine type of the pool.
    pub instance_type: Option<String>,
    /// Its subnet.
    pub subnet_id: Option<String>,
    /// Its availability zone.
    pub zone: Option<String>,
    /// Whether it was about spot.
    pub is_spot: bool,
}

/// A fleet or spot fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetState {
    /// `fleet-…` or `sfr-…`
    pub id: String,
    /// `submitted`, `active`, `deleted_running`, `cancelled_terminating` and so on, as the API has it.
    pub state: String,
    /// `error`, `pending_fulfillment`, `pending_termination`, `fulfilled`; `None` where it is not said.
    pub activity: Option<String>,
    /// `instant`, `request` or `maintain`.
    pub kind: String,
    /// What it shall have, in machines or units.
    pub target: u32,
    /// When it was created.
    pub created: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// An entry of a fleet's history that says why something did not work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetEvent {
    /// `spotInstanceCountLimitExceeded`, `launchSpecUnusable` and so on.
    pub kind: String,
    /// What it says.
    pub description: String,
}

/// An Auto Scaling group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupState {
    /// Its name.
    pub name: String,
    /// Whether it is being deleted.
    pub is_being_deleted: bool,
    /// What it shall have.
    pub desired: u32,
    /// When it was created.
    pub created: Timestamp,
    /// Members that are not ended.
    pub instance_ids: Vec<String>,
    /// Processes that are suspended.
    pub suspended: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What became of a machine that was to be ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChange {
    /// `i-…`
    pub id: String,
    /// `shutting-down` or `terminated`, unless it could not be ended.
    pub state: String,
}

/// The request behind a spot machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpotRequest {
    /// `sir-…`
    pub id: String,
    /// Its machine.
    pub instance_id: Option<String>,
    /// `fulfilled`, `marked-for-termination`, `instance-terminated-by-price` and so on.
    pub status: String,
    /// When it got that status.
    pub since: Timestamp,
}

/// A launch template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaunchTemplateState {
    /// `lt-…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Version that `$Default` means.
    pub default_version: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Values of image parameters, and the names that do not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// By name.
    pub values: BTreeMap<String, String>,
    /// Names that do not exist.
    pub invalid: Vec<String>,
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerIdentity {
    /// Number of the account.
    pub account: String,
    /// ARN of the user or role.
    pub arn: String,
}

/// The filter, by its name and values, for what has a tag with one of these values; none means any.
pub fn tag_filter(key: &str, values: &[String]) -> (String, Vec<String>) {
    if values.is_empty() {
        ("tag-key".to_owned(), vec![key.to_owned()])
    } else {
        (format!("tag:{key}"), values.to_vec())
    }
}

/// The actions that are used.
///
/// Each method makes one call, or one for each page of its answer, and returns before the deadline. It retries where
/// that cannot launch twice: throttling, and for questions also faults of the service. An answer is whole: where a
/// page is missing it is a failure.
pub trait Api: Send + Sync {
    /// `RunInstances`. Machines may be fewer than `MaxCount`.
    fn run_instances(&self, call: &RunInstances, deadline: Deadline) -> Called<Vec<Ec2Instance>>;
    /// `CreateLaunchTemplate`.
    fn create_launch_template(
        &self,
        call: &CreateLaunchTemplate,
        deadline: Deadline,
    ) -> Called<LaunchTemplateSpecification>;
    /// `CreateLaunchTemplateVersion`.
    fn create_launch_template_version(
        &self,
        call: &CreateLaunchTemplateVersion,
        deadline: Deadline,
    ) -> Called<LaunchTemplateSpecification>;
    /// `CreateFleet`.
    fn create_fleet(&self, call: &CreateFleet, deadline: Deadline) -> Called<FleetCreated>;
    /// `RequestSpotFleet`; `sfr-…`.
    fn request_spot_fleet(&self, call: &RequestSpotFleet, deadline: Deadline) -> Called<String>;
    /// `CreateAutoScalingGroup`.
    fn create_auto_scaling_group(&self, call: &CreateAutoScalingGroup, deadline: Deadline) -> Called<()>;

    /// `DescribeInstances` by ids, at most 1,000.
    fn instances(&self, ids: &[String], deadline: Deadline) -> Called<Vec<Ec2Instance>>;
    /// `DescribeInstances` by a tag with one of at most 200 values, and further filters.
    fn instances_by_filter(
        &self,
        filters: &[(String, Vec<String>)],
        deadline: Deadline,
    ) -> Called<Vec<Ec2Instance>>;
    /// `DescribeFleets` by ids, at most 100.
    fn fleets(&self, ids: &[String], deadline: Deadline) -> Called<Vec<FleetState>>;
    /// `DescribeFleets` by a tag with one of these values; none means any. `request` and `maintain` fleets only, since
    /// EC2 hides the others.
    fn fleets_by_tag(&self, key: &str, values: &[String], deadline: Deadline) -> Called<Vec<FleetState>>;
    /// `DescribeFleetHistory`: errors since that time.
    fn fleet_errors(&self, id: &str, since: Timestamp, deadline: Deadline) -> Called<Vec<FleetEvent>>;
    /// `DescribeSpotFleetRequests` by ids, at most 100.
    fn spot_fleets(&self, ids: &[String], deadline: Deadline) -> Called<Vec<FleetState>>;
    /// `DescribeSpotFleetRequests` by a tag, as [`fleets_by_tag`](Self::fleets_by_tag).
    fn spot_fleets_by_tag(&self, key: &str, values: &[String], deadline: Deadline)
    -> Called<Vec<FleetState>>;
    /// `DescribeSpotFleetRequestHistory`: errors since that time.
    fn spot_fleet_errors(&self, id: &str, since: Timestamp, deadline: Deadline) -> Called<Vec<FleetEvent>>;
    /// `DescribeAutoScalingGroups` by names, at most 100.
    fn groups(&self, names: &[String], deadline: Deadline) -> Called<Vec<GroupState>>;
    /// `DescribeAutoScalingGroups` by a tag with one of these values; none means any.
    fn groups_by_tag(&self, key: &str, values: &[String], deadline: Deadline) -> Called<Vec<GroupState>>;
    /// `DescribeScalingActivities` of a group: messages of failed ones, the latest first.
    fn failed_activities(&self, group: &str, deadline: Deadline) -> Called<Vec<String>>;
    /// `DescribeSpotInstanceRequests` by ids, at most 200.
    fn spot_requests(&self, ids: &[String], deadline: Deadline) -> Called<Vec<SpotRequest>>;
    /// `DescribeLaunchTemplates` by a tag with one of these values; none means any.
    fn launch_templates_by_tag(
        &self,
        key: &str,
        values: &[String],
        deadline: Deadline,
    ) -> Called<Vec<LaunchTemplateState>>;
    /// `DescribeImages` by ids: root device names by id.
    fn root_devices(&self, ids: &[String], deadline: Deadline) -> Called<BTreeMap<String, String>>;
    /// `DescribeSubnets` by ids: availability zones by id.
    fn zones(&self, subnets: &[String], deadline: Deadline) -> Called<BTreeMap<String, String>>;
    /// `GetParameters` of SSM, at most 10 names.
    fn parameters(&self, names: &[String], deadline: Deadline) -> Called<Parameters>;
    /// `GetCallerIdentity` of STS.
    fn caller_identity(&self, deadline: Deadline) -> Called<CallerIdentity>;

    /// `TerminateInstances`, at most 500 ids.
    fn terminate_instances(&self, ids: &[String], deadline: Deadline) -> Called<Vec<StateChange>>;
    /// `CreateTags`: one tag, on at most 1,000 resources.
    fn tag(&self, ids: &[String], key: &str, value: &str, deadline: Deadline) -> Called<()>;
    /// `ModifyFleet` to capacity 0, on-demand and spot, with `no-termination`.
    fn stop_fleet(&self, id: &str, deadline: Deadline) -> Called<()>;
    /// `ModifySpotFleetRequest` to capacity 0 with `noTermination`.
    fn stop_spot_fleet(&self, id: &str, deadline: Deadline) -> Called<()>;
    /// `SuspendProcesses` of a group: all that launch, replace, rebalance or end machines.
    fn suspend_group(&self, name: &str, deadline: Deadline) -> Called<()>;
    /// `DeleteFleets`, at most 25 ids. Machines stay, but for those of instant fleets, which EC2 ends.
    fn delete_fleets(&self, ids: &[String], ends_machines: bool, deadline: Deadline) -> Called<()>;
    /// `CancelSpotFleetRequests`, at most 100 ids. Machines stay.
    fn cancel_spot_fleets(&self, ids: &[String], deadline: Deadline) -> Called<()>;
    /// `DeleteAutoScalingGroup`, with `ForceDelete` where it may end machines; `ResourceInUse` where it has some and may
    /// not.
    fn delete_group(&self, name: &str, ends_machines: bool, deadline: Deadline) -> Called<()>;
    /// `DeleteLaunchTemplate` by id.
    fn delete_launch_template(&self, id: &str, deadline: Deadline) -> Called<()>;
    /// `DeleteLaunchTemplateVersions` of one version.
    fn delete_launch_template_version(
        &self,
        version: &LaunchTemplateSpecification,
        deadline: Deadline,
    ) -> Called<()>;
}
