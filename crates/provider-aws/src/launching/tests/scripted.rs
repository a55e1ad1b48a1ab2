//! An AWS that gives the answers it was told to, in order, and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use ohfp_broker::{Deadline, Timestamp};
use serde::Serialize;

use crate::api::*;
use crate::calls::*;
use crate::failure::{Answered, Failure};

/// An answer.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Machines(Vec<String>),
    Template(&'static str),
    Fleet(FleetCreated),
    SpotFleet(&'static str),
    Done,
    Parameter(&'static str),
    NoParameter,
    RootDevice(&'static str),
    Failure(Failure),
}

pub(super) fn machines(ids: &[&str]) -> Answer {
    Answer::Machines(ids.iter().map(|id| (*id).to_owned()).collect())
}

pub(super) fn error(status: u16, code: &str) -> Answered {
    Answered::new("RunInstances", status, code, "")
}

pub(super) fn answered(status: u16, code: &str) -> Answer {
    Answer::Failure(Failure::Answered(error(status, code)))
}

pub(super) fn lost() -> Answer {
    Answer::Failure(Failure::Lost { action: "RunInstances", why: "closed".to_owned() })
}

pub(super) fn fleet_of(id: &str, ids: &[&str], errors: &[(&'static str, &'static str)]) -> Answer {
    let instance = |id: &&str| FleetInstance { id: (*id).to_owned(), ..FleetInstance::default() };
    let error = |(instance_type, code): &(&str, &str)| PoolError {
        error: error(200, code),
        instance_type: Some((*instance_type).to_owned()),
        subnet_id: Some("s-1".to_owned()),
        zone: None,
        is_spot: true,
    };
    Answer::Fleet(FleetCreated {
        fleet_id: id.to_owned(),
        instances: ids.iter().map(instance).collect(),
        errors: errors.iter().map(error).collect(),
    })
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    /// In short.
    made: Vec<String>,
    /// As JSON.
    calls: Vec<String>,
    tokens: Vec<String>,
    tags: Vec<String>,
    /// By subnet; where there are none, looking them up is denied.
    zones: BTreeMap<String, String>,
}

#[derive(Default)]
pub(super) struct Scripted(Mutex<State>);

impl Scripted {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn expect(&self, answers: Vec<Answer>) {
        self.state().answers = answers.into();
    }

    pub(super) fn zones(&self, zones: &[(&str, &str)]) {
        let zones = zones.iter().map(|(subnet, zone)| ((*subnet).to_owned(), (*zone).to_owned()));
        self.state().zones = zones.collect();
    }

    pub(super) fn left(&self) -> usize {
        self.state().answers.len()
    }

    pub(super) fn made(&self) -> Vec<String> {
        self.state().made.clone()
    }

    pub(super) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    pub(super) fn tokens(&self) -> Vec<String> {
        self.state().tokens.clone()
    }

    pub(super) fn tags(&self) -> Vec<String> {
        self.state().tags.clone()
    }

    fn answer(&self, made: String) -> Called<Answer> {
        let mut state = self.state();
        let answer = state.answers.pop_front().unwrap_or_else(|| panic!("{made} was not expected"));
        state.made.push(made);
        match answer {
            Answer::Failure(failure) => Err(failure),
            answer => Ok(answer),
        }
    }

    fn making(&self, made: String, call: &impl Serialize, token: &str) -> Called<Answer> {
        let mut state = self.state();
        state.calls.push(serde_json::to_string(call).unwrap());
        state.tokens.push(token.to_owned());
        drop(state);
        self.answer(made)
    }
}

/// A name without what differs from launch to launch.
fn short(name: &str) -> &str {
    if name.starts_with("ohfp-") { "ohfp-" } else { name }
}

impl Api for Scripted {
    fn run_instances(&self, call: &RunInstances, _: Deadline) -> Called<Vec<Ec2Instance>> {
        let pool = crate::design::pool_of(call);
        let name = |name: Option<String>| name.unwrap_or_default();
        let made =
            format!("RunInstances {}@{} {}", name(pool.instance_type), name(pool.subnet_id), call.max_count);
        let tags = call.data.tag_specifications.iter().take(1).flat_map(|one| &one.tags);
        self.state().tags = tags.map(|tag| format!("{}={}", tag.key, tag.value)).collect();
        match self.making(made, call, &call.client_token)? {
            Answer::Machines(ids) => Ok(ids.into_iter().map(instance).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn create_launch_template(
        &self,
        call: &CreateLaunchTemplate,
        _: Deadline,
    ) -> Called<LaunchTemplateSpecification> {
        let made = format!("CreateLaunchTemplate {}", short(&call.launch_template_name));
        match self.making(made, call, &call.client_token)? {
            Answer::Template(id) => {
                Ok(LaunchTemplateSpecification { launch_template_id: id.to_owned(), version: "1".to_owned() })
            }
            other => panic!("{other:?}"),
        }
    }

    fn create_launch_template_version(
        &self,
        call: &CreateLaunchTemplateVersion,
        _: Deadline,
    ) -> Called<LaunchTemplateSpecification> {
        panic!("{call:?}")
    }

    fn create_fleet(&self, call: &CreateFleet, _: Deadline) -> Called<FleetCreated> {
        let total = call.target_capacity_specification.total_target_capacity;
        match self.making(format!("CreateFleet {} {total}", call.kind), call, &call.client_token)? {
            Answer::Fleet(created) => Ok(created),
            other => panic!("{other:?}"),
        }
    }

    fn request_spot_fleet(&self, call: &RequestSpotFleet, _: Deadline) -> Called<String> {
        let config = &call.spot_fleet_request_config;
        let made = format!("RequestSpotFleet {} {}", config.kind, config.target_capacity);
        match self.making(made, call, &config.client_token)? {
            Answer::SpotFleet(id) => Ok(id.to_owned()),
            other => panic!("{other:?}"),
        }
    }

    fn create_auto_scaling_group(&self, call: &CreateAutoScalingGroup, _: Deadline) -> Called<()> {
        let name = short(&call.auto_scaling_group_name);
        let made = format!("CreateAutoScalingGroup {name} {}", call.desired_capacity);
        self.making(made, call, &call.auto_scaling_group_name).map(drop)
    }

    fn instances_by_filter(
        &self,
        filters: &[(String, Vec<String>)],
        _: Deadline,
    ) -> Called<Vec<Ec2Instance>> {
        let filters: Vec<String> =
            filters.iter().map(|(name, values)| format!("{name}={}", values.join(","))).collect();
        match self.answer(format!("DescribeInstances {}", filters.join(" ")))? {
            Answer::Machines(ids) => Ok(ids
                .into_iter()
                .map(|id| {
                    let token =
                        filters.first().and_then(|filter| filter.split_once('=')).map(|(_, token)| token);
                    let tags = token.map(|token| ("ohfp:token".to_owned(), token.to_owned()));
                    Ec2Instance { tags: tags.into_iter().collect(), ..instance(id) }
                })
                .collect()),
            other => panic!("{other:?}"),
        }
    }

    fn parameters(&self, names: &[String], _: Deadline) -> Called<Parameters> {
        let mut found = Parameters::default();
        match self.answer(format!("GetParameters {}", names.join(" ")))? {
            Answer::Parameter(value) => {
                found.values = names.iter().map(|name| (name.clone(), value.to_owned())).collect();
            }
            Answer::NoParameter => found.invalid = names.to_vec(),
            other => panic!("{other:?}"),
        }
        Ok(found)
    }

    fn root_devices(&self, ids: &[String], _: Deadline) -> Called<BTreeMap<String, String>> {
        match self.answer(format!("DescribeImages {}", ids.join(" ")))? {
            Answer::RootDevice(name) => Ok(ids.iter().map(|id| (id.clone(), name.to_owned())).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn instances(&self, _: &[String], _: Deadline) -> Called<Vec<Ec2Instance>> {
        unscripted()
    }

    fn fleets(&self, _: &[String], _: Deadline) -> Called<Vec<FleetState>> {
        unscripted()
    }

    fn fleets_by_tag(&self, _: &str, _: &[String], _: Deadline) -> Called<Vec<FleetState>> {
        unscripted()
    }

    fn fleet_errors(&self, _: &str, _: Timestamp, _: Deadline) -> Called<Vec<FleetEvent>> {
        unscripted()
    }

    fn spot_fleets(&self, _: &[String], _: Deadline) -> Called<Vec<FleetState>> {
        unscripted()
    }

    fn spot_fleets_by_tag(&self, _: &str, _: &[String], _: Deadline) -> Called<Vec<FleetState>> {
        unscripted()
    }

    fn spot_fleet_errors(&self, _: &str, _: Timestamp, _: Deadline) -> Called<Vec<FleetEvent>> {
        unscripted()
    }

    fn groups(&self, _: &[String], _: Deadline) -> Called<Vec<GroupState>> {
        unscripted()
    }

    fn groups_by_tag(&self, _: &str, _: &[String], _: Deadline) -> Called<Vec<GroupState>> {
        unscripted()
    }

    fn failed_activities(&self, _: &str, _: Deadline) -> Called<Vec<String>> {
        unscripted()
    }

    fn spot_requests(&self, _: &[String], _: Deadline) -> Called<Vec<SpotRequest>> {
        unscripted()
    }

    fn launch_templates_by_tag(
        &self,
        _: &str,
        _: &[String],
        _: Deadline,
    ) -> Called<Vec<LaunchTemplateState>> {
        unscripted()
    }

    fn caller_identity(&self, _: Deadline) -> Called<CallerIdentity> {
        unscripted()
    }

    fn zones(&self, subnets: &[String], _: Deadline) -> Called<BTreeMap<String, String>> {
        let mut state = self.state();
        if state.zones.is_empty() {
            return Err(Answered::new("DescribeSubnets", 403, "UnauthorizedOperation", "").into());
        }
        state.made.push(format!("DescribeSubnets {}", subnets.join(" ")));
        let zone = |subnet: &String| Some((subnet.clone(), state.zones.get(subnet)?.clone()));
        Ok(subnets.iter().filter_map(zone).collect())
    }

    fn tag(&self, _: &[String], _: &str, _: &str, _: Deadline) -> Called<()> {
        unscripted()
    }

    fn terminate_instances(&self, _: &[String], _: Deadline) -> Called<Vec<StateChange>> {
        unscripted()
    }

    fn stop_fleet(&self, _: &str, _: Deadline) -> Called<()> {
        unscripted()
    }

    fn stop_spot_fleet(&self, _: &str, _: Deadline) -> Called<()> {
        unscripted()
    }

    fn suspend_group(&self, _: &str, _: Deadline) -> Called<()> {
        unscripted()
    }

    fn delete_fleets(&self, _: &[String], _: bool, _: Deadline) -> Called<()> {
        unscripted()
    }

    fn cancel_spot_fleets(&self, _: &[String], _: Deadline) -> Called<()> {
        unscripted()
    }

    fn delete_group(&self, _: &str, _: bool, _: Deadline) -> Called<()> {
        unscripted()
    }

    fn delete_launch_template(&self, _: &str, _: Deadline) -> Called<()> {
        unscripted()
    }

    fn delete_launch_template_version(&self, _: &LaunchTemplateSpecification, _: Deadline) -> Called<()> {
        unscripted()
    }
}

fn instance(id: String) -> Ec2Instance {
    Ec2Instance { id, state: "pending".to_owned(), ..Ec2Instance::default() }
}

fn unscripted<T>() -> Called<T> {
    panic!("a launch makes no such call")
}
