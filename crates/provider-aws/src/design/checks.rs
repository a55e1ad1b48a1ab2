//! What an API cannot take: found before anything is sent, and in words that name the field.

use ohfp_broker::launch_spec::{AllocationStrategy, PriceType};
use ohfp_broker::launch_spec::{FieldError, FleetType, LaunchSpec};

use super::way::Way;
use crate::requirements::requirements;

/// Most machines of one launch.
pub(crate) const MOST_MACHINES: u32 = 1_000;
/// Most units of one launch.
pub(crate) const MOST_UNITS: u32 = 10_000;

/// EC2's limits of tags.
const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;
/// Tags of ours on each machine, `Name` and `RC_ACCOUNT` included.
const OUR_TAGS: usize = 7;

/// What keeps a template from being launched by that API, field by field; empty where nothing does.
pub(crate) fn check(spec: &LaunchSpec, way: Way) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, why: String| {
        errors.push(FieldError { field: field.into(), why: why.into() });
    };
    let api = way.name();
    let has_types = !spec.machine_types.listed.is_empty() || !spec.machine_types.weighted.is_empty();
    // A file with the request for a fleet names a launch template.
    let is_from_template =
        spec.launch_template.is_some() || spec.ec2_fleet_config.is_some() || spec.has_native_spec();
    for FieldError { field, why } in lenient(spec) {
        wrong(&field, why.to_string());
    }
    if spec.image.is_none() && !is_from_template {
        wrong("imageId", "is missing, and there is no `launchTemplateId` that could have it".to_owned());
    }
    if !has_types && spec.requirements.is_none() && !is_from_template {
        wrong(
            "vmType",
            "is missing, and so are `vmTypes`, `abisInstanceRequirements` and `launchTemplateId`".to_owned(),
        );
    }
    if let Some(wanted) = &spec.requirements {
        if has_types {
            wrong("abisInstanceRequirements", "cannot stand beside `vmType` or `vmTypes`".to_owned());
        }
        if way == Way::RunInstances {
            wrong("abisInstanceRequirements", format!("needs a fleet or a group; `providerApi` is {api}"));
        }
        if let Err(why) = requirements(wanted) {
            wrong("abisInstanceRequirements", why);
        }
    }
    let fleet = &spec.fleet;
    if fleet.pools.is_some() && fleet.spot_strategy != Some(AllocationStrategy::LowestPrice) {
        wrong("poolsCount", "needs `allocationStrategy` lowestPrice".to_owned());
    }
    let volume = &spec.root_volume;
    if volume.iops.is_some() && !volume.kind.is_some_and(ohfp_broker::launch_spec::VolumeType::takes_iops) {
        wrong("iops", "needs `volumeType` io1, io2 or gp3".to_owned());
    }
    if let Some(tags) = &spec.tags {
        tags_of(tags, &mut wrong);
    }
    match way {
        Way::RunInstances => run_instances(spec, &mut wrong),
        Way::Fleet(_) => {}
        Way::SpotFleet(kind) => {
            if fleet.role.is_none() {
                wrong("fleetRole", "is missing; a spot fleet acts in a role".to_owned());
            }
            if kind == FleetType::Instant {
                wrong("fleetType", "must be request or maintain for a spot fleet, not instant".to_owned());
            }
        }
        Way::Group => group(spec, &mut wrong),
    }
    errors
}

/// Fields that load with any value, and that a launch needs.
fn lenient(spec: &LaunchSpec) -> impl Iterator<Item = FieldError> {
    let fleet = &spec.fleet;
    [
        spec.ebs_optimized.get().err(),
        spec.launch_template_spec.get().err(),
        spec.provider_api_spec.get().err(),
        spec.placement_group.get().err(),
        spec.tenancy.get().err(),
        spec.interface_type.get().err(),
        spec.efa_count.get().err(),
        spec.max_spot_price.get().err(),
        fleet.on_demand_ratio.get().err(),
        fleet.expiry_minutes.get().err(),
    ]
    .into_iter()
    .flatten()
}

fn run_instances(spec: &LaunchSpec, wrong: &mut impl FnMut(&str, String)) {
    let fleet = &spec.fleet;
    let why = "needs a fleet; RunInstances launches machines of one price type";
    if spec.price_type == PriceType::Heterogeneous {
        wrong("priceType", format!("heterogeneous {why}"));
    }
    let parts = [
        ("vmTypesOnDemand", !spec.machine_types.on_demand.is_empty()),
        ("percentOnDemand", fleet.percent_on_demand.is_some()),
        ("onDemandCapacity", fleet.on_demand_capacity.is_some()),
        ("onDemandTargetCapacityRatio", matches!(fleet.on_demand_ratio.get(), Ok(Some(_)))),
    ];
    for (field, is_set) in parts {
        if is_set {
            wrong(field, why.to_owned());
        }
    }
}

fn group(spec: &LaunchSpec, wrong: &mut impl FnMut(&str, String)) {
    if !spec.machine_types.on_demand.is_empty() {
        wrong("vmTypesOnDemand", "cannot be used with a group, which has one list of types".to_owned());
    }
    if spec.fleet.spot_strategy == Some(AllocationStrategy::Diversified) {
        wrong("allocationStrategy", "diversified is not offered by groups".to_owned());
    }
    for (name, units) in &spec.machine_types.weighted {
        if !(1..=999).contains(units) {
            wrong(&format!("vmTypes.{name}"), format!("must be from 1 to 999 for a group, not {units}"));
        }
    }
}

fn tags_of(tags: &ohfp_broker::launch_spec::Tags, wrong: &mut impl FnMut(&str, String)) {
    let pairs = match tags.pairs() {
        Ok(pairs) => pairs,
        Err(FieldError { field, why }) => return wrong(&field, why.to_string()),
    };
    if pairs.len() + OUR_TAGS > MOST_TAGS {
        let most = MOST_TAGS - OUR_TAGS;
        wrong("instanceTags", format!("has {} tags, and {most} are allowed beside ohfp's own", pairs.len()));
    }
    for (key, value) in pairs {
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("aws:") || lower.starts_with("ohfp:") {
            wrong("instanceTags", format!("cannot have `{key}`: keys with that beginning are reserved"));
        }
        if key.chars().count() > LONGEST_KEY {
            wrong("instanceTags", format!("has a key of more than {LONGEST_KEY} characters, `{key:.20}…`"));
        }
        if value.chars().count() > LONGEST_VALUE {
            wrong(
                "instanceTags",
                format!("has a value of more than {LONGEST_VALUE} characters, for `{key}`"),
            );
        }
    }
}
