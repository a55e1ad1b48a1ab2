//! The trait that `ohfp-provider-aws` calls.

use std::collections::BTreeMap;

use ohfp_broker::{Deadline, Timestamp};
use ohfp_provider_aws::api::{
    Api, Called, CallerIdentity, Ec2Instance, FleetCreated, FleetEvent, FleetState, GroupState,
    LaunchTemplateState, Parameters, SpotRequest, StateChange,
};
use ohfp_provider_aws::calls::{
    CreateAutoScalingGroup, CreateFleet, CreateLaunchTemplate, CreateLaunchTemplateVersion,
    LaunchTemplateSpecification, RequestSpotFleet, RunInstances,
};

use crate::client::Client;
use crate::{ending, looking, making, parameters};

impl Api for Client {
    fn run_instances(&self, call: &RunInstances, deadline: Deadline) -> Called<Vec<Ec2Instance>> {
        making::run_instances(self, call, deadline)
    }

    fn create_launch_template(
        &self,
        call: &CreateLaunchTemplate,
        deadline: Deadline,
    ) -> Called<LaunchTemplateSpecification> {
        making::create_launch_template(self, call, deadline)
    }

    fn create_launch_template_version(
        &self,
        call: &CreateLaunchTemplateVersion,
        deadline: Deadline,
    ) -> Called<LaunchTemplateSpecification> {
        making::create_launch_template_version(self, call, deadline)
    }

    fn create_fleet(&self, call: &CreateFleet, deadline: Deadline) -> Called<FleetCreated> {
        making::create_fleet(self, call, deadline)
    }

    fn request_spot_fleet(&self, call: &RequestSpotFleet, deadline: Deadline) -> Called<String> {
        making::request_spot_fleet(self, call, deadline)
    }

    fn create_auto_scaling_group(&self, call: &CreateAutoScalingGroup, deadline: Deadline) -> Called<()> {
        making::create_auto_scaling_group(self, call, deadline)
    }

    fn instances(&self, ids: &[String], deadline: Deadline) -> Called<Vec<Ec2Instance>> {
        looking::instances(self, ids, deadline)
    }

    fn instances_by_filter(
        &self,
        filters: &[(String, Vec<String>)],
        deadline: Deadline,
    ) -> Called<Vec<Ec2Instance>> {
        looking::instances_by_filter(self, filters, deadline)
    }

    fn fleets(&self, ids: &[String], deadline: Deadline) -> Called<Vec<FleetState>> {
        looking::fleets(self, ids, deadline)
    }

    fn fleets_by_tag(&self, key: &str, values: &[String], deadline: Deadline) -> Called<Vec<FleetState>> {
        looking::fleets_by_tag(self, key, values, deadline)
    }

    fn fleet_errors(&self, id: &str, since: Timestamp, deadline: Deadline) -> Called<Vec<FleetEvent>> {
        looking::fleet_errors(self, id, since, deadline)
    }

    fn spot_fleets(&self, ids: &[String], deadline: Deadline) -> Called<Vec<FleetState>> {
        looking::spot_fleets(self, ids, deadline)
    }

    fn spot_fleets_by_tag(
        &self,
        key: &str,
        values: &[String],
        deadline: Deadline,
    ) -> Called<Vec<FleetState>> {
        looking::spot_fleets_by_tag(self, key, values, deadline)
    }

    fn spot_fleet_errors(&self, id: &str, since: Timestamp, deadline: Deadline) -> Called<Vec<FleetEvent>> {
        looking::spot_fleet_errors(self, id, since, deadline)
    }

    fn groups(&self, names: &[String], deadline: Deadline) -> Called<Vec<GroupState>> {
        looking::groups(self, names, deadline)
    }

    fn groups_by_tag(&self, key: &str, values: &[String], deadline: Deadline) -> Called<Vec<GroupState>> {
        looking::groups_by_tag(self, key, values, deadline)
    }

    fn failed_activities(&self, group: &str, deadline: Deadline) -> Called<Vec<String>> {
        looking::failed_activities(self, group, deadline)
    }

    fn spot_requests(&self, ids: &[String], deadline: Deadline) -> Called<Vec<SpotRequest>> {
        looking::spot_requests(self, ids, deadline)
    }

    fn launch_templates_by_tag(
        &self,
        key: &str,
        values: &[String],
        deadline: Deadline,
    ) -> Called<Vec<LaunchTemplateState>> {
        looking::launch_templates_by_tag(self, key, values, deadline)
    }

    fn root_devices(&self, ids: &[String], deadline: Deadline) -> Called<BTreeMap<String, String>> {
        looking::root_devices(self, ids, deadline)
    }

    fn zones(&self, subnets: &[String], deadline: Deadline) -> Called<BTreeMap<String, String>> {
        looking::zones(self, subnets, deadline)
    }

    fn parameters(&self, names: &[String], deadline: Deadline) -> Called<Parameters> {
        parameters::parameters(self, names, deadline)
    }

    fn caller_identity(&self, deadline: Deadline) -> Called<CallerIdentity> {
        looking::caller_identity(self, deadline)
    }

    fn terminate_instances(&self, ids: &[String], deadline: Deadline) -> Called<Vec<StateChange>> {
        ending::terminate_instances(self, ids, deadline)
    }

    fn tag(&self, ids: &[String], key: &str, value: &str, deadline: Deadline) -> Called<()> {
        ending::tag(self, ids, key, value, deadline)
    }

    fn stop_fleet(&self, id: &str, deadline: Deadline) -> Called<()> {
        ending::stop_fleet(self, id, deadline)
    }

    fn stop_spot_fleet(&self, id: &str, deadline: Deadline) -> Called<()> {
        ending::stop_spot_fleet(self, id, deadline)
    }

    fn suspend_group(&self, name: &str, deadline: Deadline) -> Called<()> {
        ending::suspend_group(self, name, deadline)
    }

    fn delete_fleets(&self, ids: &[String], ends_machines: bool, deadline: Deadline) -> Called<()> {
        ending::delete_fleets(self, ids, ends_machines, deadline)
    }

    fn cancel_spot_fleets(&self, ids: &[String], deadline: Deadline) -> Called<()> {
        ending::cancel_spot_fleets(self, ids, deadline)
    }

    fn delete_group(&self, name: &str, ends_machines: bool, deadline: Deadline) -> Called<()> {
        ending::delete_group(self, name, ends_machines, deadline)
    }

    fn delete_launch_template(&self, id: &str, deadline: Deadline) -> Called<()> {
        ending::delete_launch_template(self, id, deadline)
    }

    fn delete_launch_template_version(
        &self,
        version: &LaunchTemplateSpecification,
        deadline: Deadline,
    ) -> Called<()> {
        ending::delete_launch_template_version(self, version, deadline)
    }
}
