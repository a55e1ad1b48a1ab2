//! A small EC2 in memory, as far as `RunInstances` needs it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ohfp_broker::{Deadline, Timestamp};
use ohfp_provider_aws::api::{
    Api, Called, CallerIdentity, Ec2Instance, FleetCreated, FleetEvent, FleetState, GroupState,
    LaunchTemplateState, Parameters, SpotRequest, StateChange,
};
use ohfp_provider_aws::calls::{
    CreateAutoScalingGroup, CreateFleet, CreateLaunchTemplate, CreateLaunchTemplateVersion,
    LaunchTemplateSpecification, RequestSpotFleet, RunInstances,
};
use ohfp_provider_aws::failure::{Answered, Failure, NotSent};

type Machines = Mutex<Vec<Ec2Instance>>;

/// A small EC2: machines run from the second look on.
#[derive(Clone, Default)]
pub(crate) struct Ec2 {
    pub(crate) machines: Arc<Machines>,
    /// By client token.
    pub(crate) launches: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    pub(crate) loses_launches: bool,
    /// Machines that the caller may not ask about, as a policy that looks at tags has it.
    pub(crate) denied: Vec<String>,
    /// A call that names this machine or token has no answer.
    pub(crate) lost: String,
    /// Machines do not come up.
    pub(crate) is_slow: bool,
    /// What was called beside questions.
    pub(crate) called: Arc<Mutex<Vec<String>>>,
}

impl Ec2 {
    fn seen(&self, deadline: Deadline, chosen: impl Fn(&Ec2Instance) -> bool) -> Called<Vec<Ec2Instance>> {
        in_time(deadline)?;
        let mut machines = self.machines.lock().unwrap();
        for (number, machine) in machines.iter_mut().enumerate() {
            if machine.state == "pending" && !self.is_slow {
                "running".clone_into(&mut machine.state);
                machine.private_ip = Some(format!("10.0.0.{number}"));
                machine.private_dns_name = Some(format!("ip-10-0-0-{number}.ec2.internal"));
            }
        }
        Ok(machines.iter().filter(|machine| chosen(machine)).cloned().collect())
    }

    fn answers(&self, named: &[String]) -> Called<()> {
        if named.contains(&self.lost) {
            return Err(Failure::Lost { action: "DescribeInstances", why: "closed".to_owned() });
        }
        Ok(())
    }

    fn unknown(&self, ids: &[String]) -> Called<()> {
        let machines = self.machines.lock().unwrap();
        let unknown: Vec<&str> = ids
            .iter()
            .map(String::as_str)
            .filter(|id| !machines.iter().any(|machine| machine.id == **id))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let message = format!("The instance IDs '{}' do not exist", unknown.join(", "));
        Err(Answered::new("DescribeInstances", 400, "InvalidInstanceID.NotFound", &message).into())
    }
}

fn in_time(deadline: Deadline) -> Called<()> {
    let is_over = deadline.left(Instant::now()) == Some(Duration::ZERO);
    if is_over { Err(NotSent::TooLate.into()) } else { Ok(()) }
}

/// EC2 compares letters as they are written; `*` stands for any rest.
fn fits(value: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(value == pattern, |start| value.starts_with(start))
}

macro_rules! not_called {
    ($($name:ident($($argument:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&self, $(_: $argument),*) -> Called<$answer> {
            panic!("{} is called", stringify!($name))
        })*
    };
}

impl Api for Ec2 {
    fn run_instances(&self, call: &RunInstances, deadline: Deadline) -> Called<Vec<Ec2Instance>> {
        in_time(deadline)?;
        let mut launches = self.launches.lock().unwrap();
        let mut machines = self.machines.lock().unwrap();
        let ids = launches.entry(call.client_token.clone()).or_insert_with(|| {
            let first = machines.len();
            let tags = call.data.tag_specifications.iter().flat_map(|one| &one.tags);
            let tags: BTreeMap<String, String> =
                tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
            let machine = |number: usize| Ec2Instance {
                id: format!("i-{number:017x}"),
                state: "pending".to_owned(),
                instance_type: call.data.instance_type.clone(),
                volume_ids: vec![format!("vol-{number}")],
                launched: Timestamp::from_millis(1_000_000_000_000),
                tags: tags.clone(),
                ..Ec2Instance::default()
            };
            machines.extend((first..first + call.max_count as usize).map(machine));
            machines.iter().skip(first).map(|machine| machine.id.clone()).collect()
        });
        if self.loses_launches {
            return Err(Failure::Lost { action: "RunInstances", why: "closed".to_owned() });
        }
        Ok(machines.iter().filter(|machine| ids.contains(&machine.id)).cloned().collect())
    }

    fn instances(&self, ids: &[String], deadline: Deadline) -> Called<Vec<Ec2Instance>> {
        self.answers(ids)?;
        if ids.iter().any(|id| self.denied.contains(id)) {
            return Err(Answered::new("DescribeInstances", 403, "UnauthorizedOperation", "no").into());
        }
        self.unknown(ids)?;
        self.seen(deadline, |machine| ids.contains(&machine.id))
    }

    fn instances_by_filter(
        &self,
        filters: &[(String, Vec<String>)],
        deadline: Deadline,
    ) -> Called<Vec<Ec2Instance>> {
        filters.iter().try_for_each(|(_, values)| self.answers(values))?;
        self.seen(deadline, |machine| {
            filters.iter().all(|(name, values)| {
                let value = match name.strip_prefix("tag:") {
                    Some(tag) => machine.tags.get(tag).cloned(),
                    None if name == "instance-state-name" => Some(machine.state.clone()),
                    None if name == "tag-key" => {
                        machine.tags.keys().find(|key| values.contains(key)).cloned()
                    }
                    None => machine.private_dns_name.clone().filter(|_| name == "private-dns-name"),
                };
                value.is_some_and(|value| values.iter().any(|pattern| fits(&value, pattern)))
            })
        })
    }

    fn fleets_by_tag(&self, _: &str, _: &[String], _: Deadline) -> Called<Vec<FleetState>> {
        Ok(Vec::new())
    }

    fn spot_fleets_by_tag(&self, _: &str, _: &[String], _: Deadline) -> Called<Vec<FleetState>> {
        Ok(Vec::new())
    }

    fn groups_by_tag(&self, _: &str, _: &[String], _: Deadline) -> Called<Vec<GroupState>> {
        Ok(Vec::new())
    }

    fn launch_templates_by_tag(
        &self,
        _: &str,
        _: &[String],
        _: Deadline,
    ) -> Called<Vec<LaunchTemplateState>> {
        Ok(Vec::new())
    }

    fn terminate_instances(&self, ids: &[String], deadline: Deadline) -> Called<Vec<StateChange>> {
        in_time(deadline)?;
        self.called.lock().unwrap().push(format!("TerminateInstances {}", ids.join(" ")));
        self.unknown(ids)?;
        let mut machines = self.machines.lock().unwrap();
        let mut changes = Vec::new();
        for machine in machines.iter_mut().filter(|machine| ids.contains(&machine.id)) {
            "terminated".clone_into(&mut machine.state);
            machine.private_ip = None;
            machine.private_dns_name = None;
            changes.push(StateChange { id: machine.id.clone(), state: machine.state.clone() });
        }
        Ok(changes)
    }

    fn tag(&self, ids: &[String], key: &str, value: &str, deadline: Deadline) -> Called<()> {
        in_time(deadline)?;
        self.called.lock().unwrap().push(format!("CreateTags {} {key}={value}", ids.join(" ")));
        for machine in self.machines.lock().unwrap().iter_mut().filter(|machine| ids.contains(&machine.id)) {
            machine.tags.insert(key.to_owned(), value.to_owned());
        }
        Ok(())
    }

    fn caller_identity(&self, deadline: Deadline) -> Called<CallerIdentity> {
        in_time(deadline)?;
        Ok(CallerIdentity { account: "123456789012".to_owned(), arn: "arn:aws:iam::1:user/u".to_owned() })
    }

    not_called! {
        create_launch_template(&CreateLaunchTemplate, Deadline) -> LaunchTemplateSpecification;
        create_launch_template_version(&CreateLaunchTemplateVersion, Deadline) -> LaunchTemplateSpecification;
        create_fleet(&CreateFleet, Deadline) -> FleetCreated;
        request_spot_fleet(&RequestSpotFleet, Deadline) -> String;
        create_auto_scaling_group(&CreateAutoScalingGroup, Deadline) -> ();
        fleets(&[String], Deadline) -> Vec<FleetState>;
        fleet_errors(&str, Timestamp, Deadline) -> Vec<FleetEvent>;
        spot_fleets(&[String], Deadline) -> Vec<FleetState>;
        spot_fleet_errors(&str, Timestamp, Deadline) -> Vec<FleetEvent>;
        groups(&[String], Deadline) -> Vec<GroupState>;
        failed_activities(&str, Deadline) -> Vec<String>;
        spot_requests(&[String], Deadline) -> Vec<SpotRequest>;
        root_devices(&[String], Deadline) -> BTreeMap<String, String>;
        parameters(&[String], Deadline) -> Parameters;
        zones(&[String], Deadline) -> BTreeMap<String, String>;
        stop_fleet(&str, Deadline) -> ();
        stop_spot_fleet(&str, Deadline) -> ();
        suspend_group(&str, Deadline) -> ();
        delete_fleets(&[String], bool, Deadline) -> ();
        cancel_spot_fleets(&[String], Deadline) -> ();
        delete_group(&str, bool, Deadline) -> ();
        delete_launch_template(&str, Deadline) -> ();
        delete_launch_template_version(&LaunchTemplateSpecification, Deadline) -> ();
    }
}
