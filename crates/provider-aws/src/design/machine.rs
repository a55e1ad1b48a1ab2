//! What machines are made of, whatever launches them.

use ohfp_broker::launch_spec::PriceType;
use ohfp_broker::launch_spec::{InterfaceType, MachineProfile};

use super::order::Order;
use crate::calls::{
    BlockDevice, EbsVolume, IamInstanceProfileSpecification, LaunchData, NetworkInterface, Placement,
    SpotMarket,
};

/// What machines are made of. With `runs`, `RunInstances` takes it; else a launch template does, which says neither a
/// price nor a pool. Tags are the caller's.
pub(crate) fn launch_data(order: &Order<'_>, runs: bool) -> LaunchData {
    let spec = order.spec;
    let groups: Vec<String> = spec.security_groups.iter().map(ToString::to_string).collect();
    let network_interfaces = interfaces(order, &groups);
    let is_spot = spec.price_type == PriceType::Spot;
    let max_price = order.max_price();
    LaunchData {
        image_id: order.image_id.clone(),
        // The first type is what a template has where its user names no other.
        instance_type: None,
        instance_requirements: None,
        key_name: spec.key_name.as_deref().map(str::to_owned),
        security_group_ids: if network_interfaces.is_empty() { groups } else { Vec::new() },
        user_data: order.user_data.clone(),
        iam_instance_profile: spec.instance_profile.as_ref().map(|profile| match profile {
            MachineProfile::Arn(arn) => IamInstanceProfileSpecification::Arn(arn.to_string()),
            MachineProfile::Name(name) => IamInstanceProfileSpecification::Name(name.to_string()),
        }),
        block_device_mappings: volume(order).into_iter().collect(),
        ebs_optimized: spec.ebs_optimized.get().ok().flatten().copied(),
        network_interfaces,
        placement: placement(order),
        instance_market_options: (runs && is_spot).then(|| SpotMarket::one_time(max_price)),
        tag_specifications: Vec::new(),
    }
}

/// The root volume, where the template says something of it.
fn volume(order: &Order<'_>) -> Option<BlockDevice> {
    let volume = order.spec.root_volume;
    let ebs = EbsVolume {
        volume_size: volume.size_gib,
        volume_type: volume.kind.map(|kind| kind.name().to_owned()),
        iops: volume.iops,
    };
    if ebs == EbsVolume::default() {
        return None;
    }
    Some(BlockDevice { device_name: order.root_device.clone().unwrap_or_default(), ebs })
}

fn placement(order: &Order<'_>) -> Option<Placement> {
    let group_name = order.spec.placement_group.get().ok().flatten().map(ToString::to_string);
    let tenancy = order.spec.tenancy.get().ok().flatten().map(|tenancy| tenancy.name().to_owned());
    (group_name.is_some() || tenancy.is_some()).then_some(Placement { group_name, tenancy })
}

/// Interfaces, where the template wants others than the usual one. Of several, each is on a card of its own.
fn interfaces(order: &Order<'_>, groups: &[String]) -> Vec<NetworkInterface> {
    let kind = order.spec.interface_type.get().ok().flatten().copied();
    let Some(kind) = kind.filter(|kind| *kind != InterfaceType::Interface) else { return Vec::new() };
    let count = order.spec.efa_count.get().ok().flatten().copied().unwrap_or(1);
    (0..u32::try_from(count).unwrap_or(u32::MAX).min(MOST_CARDS))
        .map(|card| NetworkInterface {
            device_index: u32::from(card > 0),
            network_card_index: card,
            interface_type: Some(kind.name().to_owned()),
            subnet_id: None,
            groups: groups.to_vec(),
        })
        .collect()
}

/// No machine type has more network cards.
const MOST_CARDS: u32 = 64;
