//! From fields to a specification: the one place that connects a field's name with its meaning.

use serde_json::{Map, Value};

use super::error::{FieldError, FieldErrors, Lenient};
use super::image::{Image, LaunchTemplate, MachineProfile};
use super::price::{self, Price, PriceType};
use super::read::{
    Fault, Read, decimal, flag, lenient, number_or_text, split, text, texts, unsigned, whole, word,
};
use super::strategy::AllocationStrategy;
use super::words::{FleetType, InterfaceType, ProviderApi, Tenancy};
use super::{LaunchSpec, NativeSpec, VolumeType, attributes, machine_types, native, requirements, tags};
use crate::user_data::UserData;

/// Fields that another one decides about.
#[derive(Default)]
struct Others<'f> {
    /// `priceType` is there, be it null.
    has_price_type: bool,
    spot_price: Option<&'f Value>,
    placement_group_name: Lenient<Box<str>>,
    request_validity: Lenient<u64>,
    launch_template_id: Option<Box<str>>,
    launch_template_version: Option<Box<str>>,
    launch_template_file: Lenient<NativeSpec>,
    provider_api_file: Lenient<NativeSpec>,
}

impl LaunchSpec {
    /// Parses the fields of a template, which have Host Factory's names. Other fields are ignored.
    ///
    /// # Errors
    /// Fields whose values the field's rule does not allow. Fields that load with any value are [`Lenient`] instead.
    pub fn parse(fields: &Map<String, Value>) -> Result<Self, FieldErrors> {
        let mut spec = Self::default();
        let mut others = Others::default();
        let mut errors: Vec<FieldError> = Vec::new();
        for (name, value) in fields {
            others.has_price_type |= name == "priceType";
            if !value.is_null()
                && let Err(fault) = spec.set(&mut others, name, value)
            {
                errors.push(fault.of(name));
            }
        }
        if !errors.is_empty() {
            return Err(FieldErrors(errors));
        }
        spec.derive(others);
        Ok(spec)
    }

    fn set<'f>(&mut self, others: &mut Others<'f>, name: &str, value: &'f Value) -> Read<()> {
        match name {
            "imageId" => self.image = text(value)?.map(Image::parse),
            "vmType" => self.machine_types.listed = listed(value)?,
            "vmTypes" => self.machine_types.weighted = machine_types::weights(value)?,
            "vmTypesOnDemand" => self.machine_types.on_demand = machine_types::weights(value)?,
            "vmTypesPriority" => self.machine_types.priorities = machine_types::priorities(value)?,
            "abisInstanceRequirements" => self.requirements = requirements::requirements(value)?,
            "subnetId" => self.subnets = texts(value)?,
            "securityGroupIds" => self.security_groups = texts(value)?,
            "keyName" => self.key_name = text(value)?,
            "instanceProfile" => self.instance_profile = text(value)?.map(MachineProfile::parse),
            "userDataScript" => self.user_data_script = text(value)?,
            "userData" => self.user_data = value.as_str().map(UserData::new),
            "launchTemplateId" => others.launch_template_id = text(value)?,
            "launchTemplateVersion" => others.launch_template_version = number_or_text(value)?,
            "rootDeviceVolumeSize" => self.root_volume.size_gib = whole(value, 1, 16_384)?,
            "volumeType" => self.root_volume.kind = word(value, VolumeType::NAMES, VolumeType::parse)?,
            "iops" => self.root_volume.iops = whole(value, 100, 256_000)?,
            "ebsOptimized" => self.ebs_optimized = lenient(name, flag(value)),
            "pgrpName" => self.placement_group = text(value)?.map_or(Lenient::Unset, Lenient::Set),
            "placementGroupName" => others.placement_group_name = lenient(name, text(value)),
            "tenancy" => self.tenancy = lenient(name, word_or_empty(value, Tenancy::NAMES, Tenancy::parse)),
            "interfaceType" => {
                self.interface_type =
                    lenient(name, word_or_empty(value, InterfaceType::NAMES, InterfaceType::parse));
            }
            "efaCount" => self.efa_count = lenient(name, whole(value, 1, u64::MAX)),
            "instanceTags" => self.tags = tags::tags(value)?,
            "priceType" => {
                self.price_type = word(value, PriceType::NAMES, PriceType::parse)?.unwrap_or_default();
            }
            "maxSpotPrice" => self.max_spot_price = lenient(name, max_price(value)?),
            "spotPrice" => {
                number_or_text(value)?;
                others.spot_price = Some(value);
            }
            "allocationStrategy" => self.fleet.spot_strategy = strategy(value, Capacity::Spot)?,
            "allocationStrategyOnDemand" => {
                self.fleet.on_demand_strategy = strategy(value, Capacity::OnDemand)?;
            }
            "percentOnDemand" => self.fleet.percent_on_demand = whole(value, 0, 100)?,
            "onDemandCapacity" => self.fleet.on_demand_capacity = whole(value, 0, u64::MAX)?,
            "onDemandTargetCapacityRatio" => self.fleet.on_demand_ratio = lenient(name, ratio(value)),
            "fleetRole" => self.fleet.role = text(value)?,
            "fleetType" => self.fleet.kind = word(value, FleetType::NAMES, FleetType::parse)?,
            "spotFleetRequestExpiry" => {
                self.fleet.expiry_minutes = whole(value, 1, u64::MAX)?.map_or(Lenient::Unset, Lenient::Set);
            }
            "requestValidity" => others.request_validity = lenient(name, hours_and_minutes(value)),
            "poolsCount" => self.fleet.pools = whole(value, 1, u64::MAX)?,
            "providerApi" => {
                text(value)?;
                self.provider_api =
                    lenient(name, word_or_empty(value, ProviderApi::NAMES, ProviderApi::parse_any));
            }
            "launch_template_spec" => self.launch_template_spec = lenient(name, native::inline(value)),
            "provider_api_spec" => self.provider_api_spec = lenient(name, native::inline(value)),
            "launch_template_spec_file" => others.launch_template_file = lenient(name, native::file(value)),
            "provider_api_spec_file" => others.provider_api_file = lenient(name, native::file(value)),
            "ec2FleetConfig" => self.ec2_fleet_config = text(value)?,
            "attributes" => {
                self.ncpus = attributes::count(value, "ncpus");
                self.ncores = attributes::count(value, "ncores");
            }
            "providerName" => self.provider_name = Some(string(value)?.into()),
            "providerType" => self.provider_type = Some(string(value)?.into()),
            _ => {}
        }
        Ok(())
    }

    /// Completes the fields that others decide about.
    fn derive(&mut self, others: Others<'_>) {
        let implied = price::implied_by(others.spot_price);
        if let (false, Some(price_type)) = (others.has_price_type, implied) {
            self.price_type = price_type;
        }
        // A `spotPrice` that makes no spot template sets no limit either.
        if let (Some(value), Some(_)) = (others.spot_price, implied) {
            let spot_price = lenient("spotPrice", price::price(value));
            self.max_spot_price = std::mem::take(&mut self.max_spot_price).or(spot_price);
        }
        let group = std::mem::take(&mut self.placement_group);
        self.placement_group = group.or(others.placement_group_name);
        let expiry = std::mem::take(&mut self.fleet.expiry_minutes);
        self.fleet.expiry_minutes = expiry.or(others.request_validity);
        let data = std::mem::take(&mut self.launch_template_spec);
        self.launch_template_spec = data.or(others.launch_template_file);
        let api = std::mem::take(&mut self.provider_api_spec);
        self.provider_api_spec = api.or(others.provider_api_file);
        let version = others.launch_template_version;
        self.launch_template = others.launch_template_id.map(|id| Box::new(LaunchTemplate { id, version }));
    }
}

fn string(value: &Value) -> Read<&str> {
    value.as_str().ok_or_else(|| Fault::new(value, "a string"))
}

fn listed(value: &Value) -> Read<Box<[Box<str>]>> {
    Ok(split(string(value)?).map(Box::from).collect())
}

/// A word of a set; `None` if it is an empty string.
fn word_or_empty<T>(value: &Value, names: &[&str], parse: impl Fn(&str) -> Option<T>) -> Read<Option<T>> {
    if value.as_str() == Some("") { Ok(None) } else { word(value, names, parse) }
}

/// The outer result is what stops the template: text that is no price loads.
fn max_price(value: &Value) -> Read<Read<Option<Price>>> {
    number_or_text(value)?;
    Ok(price::price(value))
}

#[derive(Clone, Copy)]
enum Capacity {
    Spot,
    OnDemand,
}

fn strategy(value: &Value, capacity: Capacity) -> Read<Option<AllocationStrategy>> {
    let (names, applies): (_, fn(AllocationStrategy) -> bool) = match capacity {
        Capacity::Spot => (AllocationStrategy::SPOT_NAMES, AllocationStrategy::is_for_spot),
        Capacity::OnDemand => (AllocationStrategy::ON_DEMAND_NAMES, AllocationStrategy::is_for_on_demand),
    };
    word(value, names, |text| AllocationStrategy::parse(text).filter(|strategy| applies(*strategy)))
}

fn ratio(value: &Value) -> Read<Option<f64>> {
    if value.as_str() == Some("") {
        return Ok(None);
    }
    let ratio = decimal(value).filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.map(Some).ok_or_else(|| Fault::new(value, "a number from 0 to 1"))
}

/// `H:M` as minutes above 0.
fn hours_and_minutes(value: &Value) -> Read<Option<u64>> {
    let Some(text) = text(value)? else { return Ok(None) };
    let number = |text: &str| unsigned(&Value::from(text));
    let minutes = text.split_once(':').and_then(|(hours, minutes)| {
        let minutes = number(minutes).filter(|minutes| *minutes < 60)?;
        number(hours)?.checked_mul(60)?.checked_add(minutes).filter(|all| *all > 0)
    });
    minutes.map(Some).ok_or_else(|| Fault::new(value, "hours and minutes like \"1:30\""))
}
