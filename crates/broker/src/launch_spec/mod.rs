//! The launch specification of a template: its fields as typed values, parsed once.
//!
//! Providers and the broker read it instead of the raw fields, so each field has one interpretation. The meaning of
//! fields is that of IBM's `awsprov_templates.json` (Symphony's and LSF's) and of EC2. It must not know field names
//! in other formats, files, or positions in them.
//!
//! ```
//! use ohfp_broker::launch_spec::{Image, LaunchSpec, PriceType};
//!
//! let fields = serde_json::json!({ "imageId": "ami-0abc", "vmType": "m5.large, c5.large", "spotPrice": "0.60" });
//! let spec = LaunchSpec::parse(fields.as_object().unwrap()).unwrap();
//! assert_eq!(spec.image, Some(Image::Ami("ami-0abc".into())));
//! assert_eq!(spec.price_type, PriceType::Spot);
//! assert_eq!(spec.candidates().map(|candidate| candidate.name).collect::<Vec<_>>(), ["m5.large", "c5.large"]);
//!
//! let fields = serde_json::json!({ "fleetType": "eternal" });
//! let errors = LaunchSpec::parse(fields.as_object().unwrap()).unwrap_err();
//! assert_eq!(
//!     errors.to_string(),
//!     "`fleetType` must be one of `instant`, `request`, `maintain`, not \"eternal\""
//! );
//! ```

pub mod attributes;
mod error;
mod image;
pub mod machine_types;
mod native;
mod parse;
pub mod price;
mod read;
pub mod requirements;
mod strategy;
mod tags;
mod volume;
mod words;

#[cfg(test)]
mod tests;

pub use error::{FieldError, FieldErrors, Lenient};
pub use image::{Image, LaunchTemplate, MachineProfile};
pub use machine_types::{Candidate, MachineTypes};
pub use native::NativeSpec;
pub use price::{Price, PriceType};
pub use requirements::{Bounds, MachineRequirements};
pub use strategy::AllocationStrategy;
pub use tags::Tags;
pub use volume::{RootVolume, VolumeType};
pub use words::{FleetType, InterfaceType, ProviderApi, Tenancy};

use serde_json::{Map, Value};

use crate::user_data::UserData;

/// The fields of a template that determine a launch. A field that is missing, null or an empty string is unset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaunchSpec {
    /// `imageId`.
    pub image: Option<Image>,
    /// `vmType`, `vmTypes`, `vmTypesOnDemand`, `vmTypesPriority`.
    pub machine_types: MachineTypes,
    /// `abisInstanceRequirements`; EC2 takes them in place of machine types.
    pub requirements: Option<Box<MachineRequirements>>,
    /// `subnetId`: ids in order, written as a list or with commas.
    pub subnets: Box<[Box<str>]>,
    /// `securityGroupIds`: ids in order, written as a list or with commas.
    pub security_groups: Box<[Box<str>]>,
    /// `keyName`: an EC2 key pair.
    pub key_name: Option<Box<str>>,
    /// `instanceProfile`.
    pub instance_profile: Option<MachineProfile>,
    /// `userDataScript`: path of a script for the machines' first boot. Some files have the script itself here.
    pub user_data_script: Option<Box<str>>,
    /// LSF's `userData`: `k=v;k=v`, which become exported variables of the script.
    pub user_data: Option<UserData>,
    /// `launchTemplateId` and `launchTemplateVersion`.
    pub launch_template: Option<Box<LaunchTemplate>>,
    /// `rootDeviceVolumeSize`, `volumeType`, `iops`.
    pub root_volume: RootVolume,
    /// `ebsOptimized`.
    pub ebs_optimized: Lenient<bool>,
    /// `pgrpName`, or LSF's `placementGroupName`.
    pub placement_group: Lenient<Box<str>>,
    /// `tenancy`.
    pub tenancy: Lenient<Tenancy>,
    /// `interfaceType`.
    pub interface_type: Lenient<InterfaceType>,
    /// `efaCount`: number of EFA interfaces of a machine, from 1.
    pub efa_count: Lenient<u64>,
    /// `instanceTags`.
    pub tags: Option<Tags>,
    /// `priceType`; where it is missing, LSF's `spotPrice` above 0 makes it [`PriceType::Spot`].
    pub price_type: PriceType,
    /// `maxSpotPrice`, or LSF's `spotPrice`; unset means up to the on-demand price.
    pub max_spot_price: Lenient<Price>,
    /// How a fleet is made up.
    pub fleet: Fleet,
    /// `providerApi`: the API that launches; unset leaves the choice to the provider.
    pub provider_api: Lenient<ProviderApi>,
    /// `launch_template_spec`, or `launch_template_spec_file`: what machines are made of.
    pub launch_template_spec: Lenient<NativeSpec>,
    /// `provider_api_spec`, or `provider_api_spec_file`: the call that launches them.
    pub provider_api_spec: Lenient<NativeSpec>,
    /// LSF's `ec2FleetConfig`: path of a file with the fleet request. Such a template counts slots.
    pub ec2_fleet_config: Option<Box<str>>,
    /// The integer part of attribute `ncpus`, if above 0.
    pub ncpus: Option<u32>,
    /// The integer part of attribute `ncores`, if above 0.
    pub ncores: Option<u32>,
    /// `providerName`: the provider instance that must launch; an empty name is none that exists.
    pub provider_name: Option<Box<str>>,
    /// `providerType`: the kind of provider that must launch, if no instance is named.
    pub provider_type: Option<Box<str>>,
}

/// How a fleet of spot and on-demand instances is made up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// `allocationStrategy`; one that [is for spot](AllocationStrategy::is_for_spot).
    pub spot_strategy: Option<AllocationStrategy>,
    /// `allocationStrategyOnDemand`; one that [is for on-demand](AllocationStrategy::is_for_on_demand).
    pub on_demand_strategy: Option<AllocationStrategy>,
    /// `percentOnDemand`: 0 to 100.
    pub percent_on_demand: Option<u8>,
    /// `onDemandCapacity`: units at the on-demand price.
    pub on_demand_capacity: Option<u64>,
    /// LSF's `onDemandTargetCapacityRatio`: 0 to 1.
    pub on_demand_ratio: Lenient<f64>,
    /// `fleetRole`: ARN of the role that a spot fleet acts in.
    pub role: Option<Box<str>>,
    /// `fleetType`; unset means the default of the API.
    pub kind: Option<FleetType>,
    /// `spotFleetRequestExpiry`, or LSF's `requestValidity` (`H:M`): minutes after which a fleet launches no more.
    pub expiry_minutes: Lenient<u64>,
    /// `poolsCount`: number of spot pools for [`AllocationStrategy::LowestPrice`].
    pub pools: Option<u64>,
}

/// `providerName` and `providerType` of fields that are not complete yet.
pub fn wanted_provider(fields: &Map<String, Value>) -> (Option<&str>, Option<&str>) {
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    (word("providerName"), word("providerType"))
}

impl LaunchSpec {
    /// The machine types to launch, in order of preference. Spot machines are of `vmTypes` and on-demand machines of
    /// `vmType`, if a template has both.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        self.machine_types.candidates(self.price_type != PriceType::OnDemand)
    }

    /// The slots of one machine, for the templates that LSF counts in slots: those with `ec2FleetConfig`.
    pub fn slots_per_machine(&self) -> Option<u32> {
        self.ec2_fleet_config.as_ref().and(self.ncpus)
    }

    /// The cores of one machine by the template's attributes, `ncpus` × `ncores`: what the scheduler was promised.
    pub fn cores(&self) -> Option<u32> {
        self.ncpus?.checked_mul(self.ncores.unwrap_or(1))
    }
}
