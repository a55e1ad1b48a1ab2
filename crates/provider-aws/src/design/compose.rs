//! The calls of a launch.

use ohfp_broker::launch_spec::{FleetType, PriceType};

use super::machine::launch_data;
use super::order::{Order, Pool, in_pool, tagged_by, types_by_preference};
use super::way::Way;
use super::{fleet, group, spot_fleet};
use crate::calls::{
    CreateLaunchTemplate, CreateLaunchTemplateVersion, LaunchData, LaunchTemplateSpecification, Making,
    RunInstances,
};
use crate::{tags, token};

impl Order<'_> {
    /// `RunInstances` for so many machines of a pool; `step` names it within the launch.
    pub(crate) fn run_instances(&self, pool: &Pool, count: u32, step: &str) -> RunInstances {
        let mut data = self.native.launch_data(launch_data(self, true));
        let is_spot = self.spec.price_type != PriceType::OnDemand;
        self.tag(&mut data, is_spot);
        let call = RunInstances {
            min_count: 1,
            launch_template: self.given_template(),
            data,
            ..RunInstances::default()
        };
        in_pool(&self.native.run_instances(call), pool, count, token::of_step(self.token, step))
    }

    /// Our tags, beside those of a specification.
    fn tag(&self, data: &mut LaunchData, is_spot: bool) {
        let theirs = std::mem::replace(&mut data.tag_specifications, self.tagged(tagged_by(is_spot)));
        for specification in theirs {
            tags::add(&mut data.tag_specifications, specification);
        }
    }

    /// The call that makes the launch template of this launch: all that its fleet or group does not say by itself.
    /// `None` where the template's own launch template says it.
    pub(crate) fn launch_template(&self, way: Way) -> Option<Making> {
        let mut data = self.native.launch_data(launch_data(self, false));
        let given = self.given_template();
        // Instant fleets and groups tag machines themselves; machines of the others get the template's tags.
        let tags_itself = matches!(way, Way::Fleet(FleetType::Instant) | Way::Group);
        if given.is_some() && tags_itself && data == LaunchData::default() {
            return None;
        }
        // What uses the template may name others; a group of one type does not.
        data.instance_type = types_by_preference(self.spec).into_iter().next().or(data.instance_type);
        self.tag(&mut data, self.spec.price_type == PriceType::Spot);
        let (client_token, name) = (token::of_step(self.token, "template"), token::resource_name(self.token));
        Some(match given {
            Some(template) => Making::CreateLaunchTemplateVersion(CreateLaunchTemplateVersion {
                client_token,
                launch_template_id: template.launch_template_id,
                source_version: template.version,
                version_description: name,
                launch_template_data: data,
            }),
            None => Making::CreateLaunchTemplate(CreateLaunchTemplate {
                client_token,
                launch_template_name: name,
                tag_specifications: self.tagged(&["launch-template"]),
                launch_template_data: data,
            }),
        })
    }

    /// What uses the launch template: one call, or two where on-demand machines are of other types.
    pub(crate) fn by_template(&self, way: Way, template: &LaunchTemplateSpecification) -> Vec<Making> {
        let calls: Vec<Making> = match way {
            Way::RunInstances => Vec::new(),
            Way::Fleet(kind) => {
                fleet::calls(self, kind, template).into_iter().map(Making::CreateFleet).collect()
            }
            Way::SpotFleet(kind) => {
                spot_fleet::calls(self, kind, template).into_iter().map(Making::RequestSpotFleet).collect()
            }
            Way::Group => vec![Making::CreateAutoScalingGroup(group::call(self, template))],
        };
        calls.into_iter().map(|call| self.native.call(call)).collect()
    }
}
