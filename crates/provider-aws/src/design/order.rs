//! What is to be launched, and what all APIs say of it in the same way.

use std::fmt;

use ohfp_broker::Timestamp;
use ohfp_broker::launch_spec::LaunchSpec;

use super::native::Native;
use crate::calls::{
    CreateFleet, LaunchTemplateSpecification, RunInstances, Tag, TagSpecification, UserDataBytes,
};

/// What is to be launched, with everything that had to be looked up.
#[derive(Clone, Debug)]
pub(crate) struct Order<'a> {
    /// What the template says.
    pub(crate) spec: &'a LaunchSpec,
    /// Machines; units where the template has weights.
    pub(crate) count: u32,
    /// The token of the launch.
    pub(crate) token: &'a str,
    /// When the request was made.
    pub(crate) created: Timestamp,
    /// `ami-…`
    pub(crate) image_id: Option<String>,
    /// The image's root device, where the template says something of its volume.
    pub(crate) root_device: Option<String>,
    /// The request for a fleet that the template names a file of.
    pub(crate) fleet_request: Option<CreateFleet>,
    /// ARN of the role that a spot fleet acts in.
    pub(crate) fleet_role: Option<String>,
    /// As machines get it.
    pub(crate) user_data: Option<UserDataBytes>,
    /// For everything that is made.
    pub(crate) tags: Vec<Tag>,
    /// Specifications in EC2's own terms.
    pub(crate) native: Native,
}

/// A machine type in a subnet: where `RunInstances` may find machines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pool {
    /// The type.
    pub(crate) instance_type: Option<String>,
    /// The subnet; the account's default one where the template has none.
    pub(crate) subnet_id: Option<String>,
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.instance_type.as_deref().unwrap_or("the launch template's type"))?;
        self.subnet_id.as_ref().map_or(Ok(()), |subnet| write!(f, " in {subnet}"))
    }
}

/// The pools of `RunInstances`: types in order of preference, each in every subnet.
pub(crate) fn pools(spec: &LaunchSpec) -> Vec<Pool> {
    let types = types_by_preference(spec);
    let types: Vec<Option<String>> =
        if types.is_empty() { vec![None] } else { types.into_iter().map(Some).collect() };
    let subnets: Vec<Option<String>> = match &*spec.subnets {
        [] => vec![None],
        some => some.iter().map(|subnet| Some(subnet.to_string())).collect(),
    };
    let in_subnets = |instance_type: Option<String>| {
        let pool = |subnet_id: &Option<String>| Pool {
            instance_type: instance_type.clone(),
            subnet_id: subnet_id.clone(),
        };
        subnets.iter().map(pool).collect::<Vec<_>>()
    };
    types.into_iter().flat_map(in_subnets).collect()
}

/// Machine types, those with the lowest priority number first, then in the order of the template.
pub(super) fn types_by_preference(spec: &LaunchSpec) -> Vec<String> {
    let mut candidates: Vec<_> = spec.candidates().collect();
    let rank = |priority: Option<f64>| priority.unwrap_or(f64::MAX);
    candidates.sort_by(|one, other| rank(one.priority).total_cmp(&rank(other.priority)));
    candidates.into_iter().map(|candidate| candidate.name.to_owned()).collect()
}

/// The pool of a call.
pub(crate) fn pool_of(call: &RunInstances) -> Pool {
    let by_interface = call.data.network_interfaces.first().and_then(|one| one.subnet_id.clone());
    Pool {
        instance_type: call.data.instance_type.clone(),
        subnet_id: call.subnet_id.clone().or(by_interface),
    }
}

/// The call in another pool, all else as it is.
pub(crate) fn in_pool(call: &RunInstances, pool: &Pool, count: u32, client_token: String) -> RunInstances {
    let mut call = RunInstances { client_token, max_count: count, ..call.clone() };
    // A specification in EC2's own terms may have the type where the template has none.
    if pool.instance_type.is_some() {
        call.data.instance_type.clone_from(&pool.instance_type);
    }
    if pool.subnet_id.is_none() {
        return call;
    }
    if call.data.network_interfaces.is_empty() {
        call.subnet_id.clone_from(&pool.subnet_id);
    }
    // Interfaces have the subnet themselves.
    for interface in &mut call.data.network_interfaces {
        interface.subnet_id.clone_from(&pool.subnet_id);
    }
    call
}

impl Order<'_> {
    /// The launch template that the template names.
    pub(crate) fn given_template(&self) -> Option<LaunchTemplateSpecification> {
        if let Some(request) = &self.fleet_request {
            let config = request.launch_template_configs.first();
            return config.map(|config| config.launch_template_specification.clone());
        }
        self.spec.launch_template.as_ref().map(|template| LaunchTemplateSpecification {
            launch_template_id: template.id.to_string(),
            version: template.version.as_deref().unwrap_or("$Default").to_owned(),
        })
    }

    /// The tags, for each of these kinds of resources.
    pub(super) fn tagged(&self, resource_types: &[&str]) -> Vec<TagSpecification> {
        let tagged = |resource_type: &&str| TagSpecification {
            resource_type: (*resource_type).to_owned(),
            tags: self.tags.clone(),
        };
        resource_types.iter().map(tagged).collect()
    }

    /// On-demand and spot part of the count, for templates that have both.
    pub(super) fn parts(&self) -> (u32, u32) {
        let fleet = &self.spec.fleet;
        let on_demand = match (fleet.percent_on_demand, fleet.on_demand_capacity) {
            (_, Some(capacity)) => u32::try_from(capacity).unwrap_or(u32::MAX).min(self.count),
            (Some(percent), None) => part(self.count, f64::from(percent) / 100.0),
            (None, None) => match fleet.on_demand_ratio.get() {
                Ok(Some(ratio)) => part(self.count, *ratio),
                _ => 0,
            },
        };
        (on_demand, self.count - on_demand)
    }

    /// The most that a spot machine or unit may cost, in USD an hour; unset: the on-demand price.
    pub(super) fn max_price(&self) -> Option<String> {
        self.spec.max_spot_price.get().ok().flatten().map(|price| price.text.to_string())
    }

    /// Whether machines count for different numbers of units.
    pub(super) fn weighs(&self) -> bool {
        self.spec.candidates().any(|candidate| candidate.units != 1)
    }

    /// Seconds since 1970 after which a fleet launches no more.
    pub(super) fn valid_until(&self) -> i64 {
        let minutes = self.spec.fleet.expiry_minutes.get().ok().flatten().copied().unwrap_or(EXPIRY_MINUTES);
        self.created.plus_seconds(minutes.saturating_mul(60)).seconds()
    }
}

/// What is made with machines, and tagged like them. There are spot requests only where all are spot machines.
pub(super) fn tagged_by(is_spot: bool) -> &'static [&'static str] {
    if is_spot {
        &["instance", "volume", "network-interface", "spot-instances-request"]
    } else {
        &["instance", "volume", "network-interface"]
    }
}

/// IBM's default of `spotFleetRequestExpiry`.
const EXPIRY_MINUTES: u64 = 30;

/// ⌈count × share⌉, at most `count`. What lies within a millionth of a whole number is that number.
pub(super) fn part(count: u32, share: f64) -> u32 {
    let exact = (f64::from(count) * share - 1e-6).ceil().clamp(0.0, f64::from(count));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and count")]
    let part = exact as u32;
    part
}
