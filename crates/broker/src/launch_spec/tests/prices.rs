//! Prices, fleets, and who launches.

use super::super::{AllocationStrategy, FleetType, Lenient, PriceType, ProviderApi};
use super::{check, check_lenient, parse};

#[test]
fn prices() {
    check(
        |spec| spec.price_type,
        [
            ("{}", Ok(PriceType::OnDemand)),
            (r#"{"priceType": "spot"}"#, Ok(PriceType::Spot)),
            (r#"{"priceType": "heterogeneous"}"#, Ok(PriceType::Heterogeneous)),
            (r#"{"spotPrice": "0.6"}"#, Ok(PriceType::Spot)),
            (r#"{"spotPrice": 0.01}"#, Ok(PriceType::Spot)),
            (r#"{"spotPrice": 0.01, "priceType": "ondemand"}"#, Ok(PriceType::OnDemand)),
            (r#"{"priceType": null, "spotPrice": 0.01}"#, Ok(PriceType::OnDemand)),
            (r#"{"spotPrice": "0.0"}"#, Ok(PriceType::OnDemand)),
            (r#"{"spotPrice": "much"}"#, Ok(PriceType::OnDemand)),
            (r#"{"spotPrice": -1}"#, Ok(PriceType::OnDemand)),
            (r#"{"spotPrice": null}"#, Ok(PriceType::OnDemand)),
            (r#"{"spotPrice": ""}"#, Ok(PriceType::OnDemand)),
            (r#"{"spotPrice": true}"#, Err("`spotPrice` must be a number or a string, not true")),
            (
                r#"{"priceType": "Spot"}"#,
                Err("`priceType` must be one of `ondemand`, `spot`, `heterogeneous`, not \"Spot\""),
            ),
        ],
    );
    check_lenient(
        |spec| match &spec.max_spot_price {
            Lenient::Set(price) => Lenient::Set(format!("{} {}", price.text, price.dollars)),
            Lenient::Invalid(error) => Lenient::Invalid(error.clone()),
            Lenient::Unset => Lenient::Unset,
        },
        [
            (r#"{"maxSpotPrice": 0.10}"#, Ok(Some("0.10 0.1".to_owned()))),
            (r#"{"maxSpotPrice": " 0.050 "}"#, Ok(Some("0.050 0.05".to_owned()))),
            (r#"{"spotPrice": "0.6"}"#, Ok(Some("0.6 0.6".to_owned()))),
            (r#"{"spotPrice": "0.6", "maxSpotPrice": "0.5"}"#, Ok(Some("0.5 0.5".to_owned()))),
            (r#"{"spotPrice": "0.6", "maxSpotPrice": ""}"#, Ok(Some("0.6 0.6".to_owned()))),
            (r#"{"spotPrice": "0"}"#, Ok(None)),
            (r#"{"maxSpotPrice": null}"#, Ok(None)),
            (
                r#"{"maxSpotPrice": "much"}"#,
                Err("`maxSpotPrice` must be a price in dollars above 0, like \"0.05\", not \"much\""),
            ),
            (
                r#"{"maxSpotPrice": 0}"#,
                Err("`maxSpotPrice` must be a price in dollars above 0, like \"0.05\", not 0"),
            ),
        ],
    );
    assert!(parse(r#"{"maxSpotPrice": []}"#).is_err());
}

#[test]
fn fleets() {
    use AllocationStrategy as Strategy;
    check(
        |spec| (spec.fleet.spot_strategy, spec.fleet.on_demand_strategy),
        [
            (r#"{"allocationStrategy": "lowest-price"}"#, Ok((Some(Strategy::LowestPrice), None))),
            (
                r#"{"allocationStrategy": "capacityOptimized", "allocationStrategyOnDemand": "prioritized"}"#,
                Ok((Some(Strategy::CapacityOptimized), Some(Strategy::Prioritized))),
            ),
            (
                r#"{"allocationStrategy": "prioritized"}"#,
                Err(
                    "`allocationStrategy` must be one of `lowestPrice`, `diversified`, `capacityOptimized`, \
                     `capacityOptimizedPrioritized`, `priceCapacityOptimized`, not \"prioritized\"",
                ),
            ),
            (
                r#"{"allocationStrategyOnDemand": "diversified"}"#,
                Err(
                    "`allocationStrategyOnDemand` must be one of `lowestPrice`, `prioritized`, not \"diversified\"",
                ),
            ),
        ],
    );
    check(
        |spec| {
            let fleet = &spec.fleet;
            (fleet.percent_on_demand, fleet.on_demand_capacity, fleet.pools, fleet.kind, fleet.role.clone())
        },
        [
            (
                r#"{"percentOnDemand": 30, "onDemandCapacity": "5", "poolsCount": 2, "fleetType": "maintain", "fleetRole": "arn:x"}"#,
                Ok((Some(30), Some(5), Some(2), Some(FleetType::Maintain), Some("arn:x".into()))),
            ),
            (
                r#"{"percentOnDemand": 101}"#,
                Err("`percentOnDemand` must be a whole number from 0 to 100, not 101"),
            ),
            (r#"{"onDemandCapacity": -1}"#, Err("`onDemandCapacity` must be a whole number from 0, not -1")),
            (r#"{"poolsCount": 0}"#, Err("`poolsCount` must be a whole number from 1, not 0")),
            (r#"{"fleetRole": 0}"#, Err("`fleetRole` must be a string, not 0")),
        ],
    );
    check_lenient(
        |spec| spec.fleet.on_demand_ratio.clone(),
        [
            (r#"{"onDemandTargetCapacityRatio": "0.25"}"#, Ok(Some(0.25))),
            (r#"{"onDemandTargetCapacityRatio": 1}"#, Ok(Some(1.0))),
            (r#"{"onDemandTargetCapacityRatio": ""}"#, Ok(None)),
            (
                r#"{"onDemandTargetCapacityRatio": 2}"#,
                Err("`onDemandTargetCapacityRatio` must be a number from 0 to 1, not 2"),
            ),
        ],
    );
    check_lenient(
        |spec| spec.fleet.expiry_minutes.clone(),
        [
            (r#"{"spotFleetRequestExpiry": 40, "requestValidity": "1:30"}"#, Ok(Some(40))),
            (r#"{"requestValidity": "1:30"}"#, Ok(Some(90))),
            (
                r#"{"requestValidity": "1:60"}"#,
                Err("`requestValidity` must be hours and minutes like \"1:30\", not \"1:60\""),
            ),
            (
                r#"{"requestValidity": "0:0"}"#,
                Err("`requestValidity` must be hours and minutes like \"1:30\", not \"0:0\""),
            ),
            (r#"{"requestValidity": 90}"#, Err("`requestValidity` must be a string, not 90")),
        ],
    );
    assert!(parse(r#"{"spotFleetRequestExpiry": 0}"#).is_err());
}

#[test]
fn provider_apis_in_the_spellings_of_peers() {
    let allowed =
        "`providerApi` must be one of `RunInstances`, `EC2Fleet`, `SpotFleet`, `ASG`, not \"Kubernetes\"";
    check_lenient(
        |spec| spec.provider_api.clone(),
        [
            (r#"{"providerApi": "RunInstances"}"#, Ok(Some(ProviderApi::RunInstances))),
            (r#"{"providerApi": "EC2Fleet"}"#, Ok(Some(ProviderApi::Ec2Fleet))),
            (r#"{"providerApi": "ec2_fleet"}"#, Ok(Some(ProviderApi::Ec2Fleet))),
            (r#"{"providerApi": "Spot-Fleet"}"#, Ok(Some(ProviderApi::SpotFleet))),
            (r#"{"providerApi": "asg"}"#, Ok(Some(ProviderApi::AutoScalingGroup))),
            (r#"{"providerApi": "AutoScalingGroup"}"#, Ok(Some(ProviderApi::AutoScalingGroup))),
            (r#"{"providerApi": ""}"#, Ok(None)),
            (r#"{"providerApi": "Kubernetes"}"#, Err(allowed)),
        ],
    );
    check(
        |spec| (spec.provider_name.clone(), spec.provider_type.clone()),
        [
            (r#"{"providerName": "p", "providerType": ""}"#, Ok((Some("p".into()), Some("".into())))),
            (r#"{"providerName": null}"#, Ok((None, None))),
            (r#"{"providerName": 1}"#, Err("`providerName` must be a string, not 1")),
        ],
    );
}
