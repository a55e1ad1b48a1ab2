//! What a step made that cannot be repeated: found by its tags.

use super::Launching;
use crate::api::{Called, Ec2Instance, FleetCreated, FleetInstance};
use crate::calls::{LaunchTemplateSpecification, Making};
use crate::looking::Looker;
use crate::tags;

impl Launching<'_> {
    /// Machines of the launch, ended ones included as long as they are visible.
    pub(super) fn machines_by_tag(&self) -> Called<Vec<Ec2Instance>> {
        let looker = Looker { api: self.api, concurrent: 1, deadline: self.deadline };
        let found: Called<Vec<Vec<Ec2Instance>>> =
            looker.by_tokens(&[self.token.to_owned()]).into_iter().collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// The launch template of the launch.
    pub(super) fn template_by_tag(&self) -> Called<Option<LaunchTemplateSpecification>> {
        let values = [self.token.to_owned()];
        let found = self.api.launch_templates_by_tag(tags::TOKEN, &values, self.deadline)?;
        Ok(found.into_iter().next().map(|template| LaunchTemplateSpecification {
            launch_template_id: template.id,
            version: template.default_version.to_string(),
        }))
    }

    /// The fleet, spot fleet or group that a call of the launch made. Instant fleets and spot fleets are known by their
    /// machines alone.
    pub(super) fn resource_by_tag(&self, call: &Making) -> Called<Option<String>> {
        match call {
            Making::CreateAutoScalingGroup(group) => Ok(Some(group.auto_scaling_group_name.clone())),
            Making::CreateFleet(fleet) if fleet.kind != "instant" => {
                let values = [self.token.to_owned()];
                let found = self.api.fleets_by_tag(tags::TOKEN, &values, self.deadline)?;
                let kind = &fleet.kind;
                Ok(found.into_iter().find(|state| state.kind == *kind).map(|state| state.id))
            }
            _ => {
                let machines = self.machines_by_tag()?;
                let of = |machine: &Ec2Instance| {
                    [tags::FLEET, tags::SPOT_FLEET].iter().find_map(|tag| machine.tags.get(*tag)).cloned()
                };
                Ok(machines.iter().find_map(of))
            }
        }
    }

    /// The instant fleet of the launch, of which only its machines tell. `None` where it has none.
    pub(super) fn instant_by_tag(&self) -> Called<Option<FleetCreated>> {
        let machines = self.machines_by_tag()?;
        let fleet = machines.iter().find_map(|machine| machine.tags.get(tags::FLEET)).cloned();
        let instance = |machine: &Ec2Instance| FleetInstance {
            id: machine.id.clone(),
            instance_type: machine.instance_type.clone(),
            is_spot: machine.is_spot,
        };
        Ok(fleet.map(|fleet_id| FleetCreated {
            fleet_id,
            instances: machines.iter().map(instance).collect(),
            errors: Vec::new(),
        }))
    }
}
