//! Example templates for each way to launch: they load as they are, and launch once their ids are a site's own.

use serde_json::{Map, Value, json};

/// The APIs that examples are for, as `providerApi` names them.
pub const LAUNCH_APIS: [&str; 4] = ["RunInstances", "EC2Fleet", "SpotFleet", "ASG"];

/// Prices of examples: the suffix of the id, and the fields.
const PRICES: [(&str, &str); 3] = [("OnDemand", "ondemand"), ("Spot", "spot"), ("Mixed", "heterogeneous")];

/// Fields that name what an account has. A default of the site takes their place.
const OF_AN_ACCOUNT: [(&str, &str); 5] = [
    ("imageId", "ami-0123456789abcdef0"),
    ("subnetId", "subnet-0123456789abcdef0"),
    ("securityGroupIds", "sg-0123456789abcdef0"),
    ("keyName", ""),
    ("fleetRole", "arn:aws:iam::123456789012:role/aws-ec2-spot-fleet-tagging-role"),
];

/// Examples for one API, or for all of them. `defaults` are the fields that the site gives to templates anyway.
pub fn examples(api: Option<&str>, defaults: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let apis = LAUNCH_APIS.into_iter().filter(|known| api.is_none_or(|api| api == *known));
    apis.flat_map(|api| {
        let kinds: &[Option<&str>] = match api {
            "EC2Fleet" => &[Some("instant"), Some("request"), Some("maintain")],
            "SpotFleet" => &[Some("request"), Some("maintain")],
            _ => &[None],
        };
        kinds.iter().flat_map(move |kind| {
            let prices = PRICES.into_iter().filter(move |(_, price)| launches(api, price));
            prices.map(move |price| example(api, *kind, price, defaults))
        })
    })
    .collect()
}

/// Whether an API launches machines at such a price.
fn launches(api: &str, price: &str) -> bool {
    match api {
        "RunInstances" => price != "heterogeneous",
        "SpotFleet" => price != "ondemand",
        _ => true,
    }
}

fn example(
    api: &str,
    kind: Option<&str>,
    (suffix, price): (&str, &str),
    defaults: &Map<String, Value>,
) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    let capital = kind.map(|kind| {
        let (first, rest) = kind.split_at(1);
        format!("-{}{rest}", first.to_uppercase())
    });
    set("templateId", Value::from(format!("{api}{}-{suffix}", capital.unwrap_or_default())));
    set("maxNumber", json!(10));
    for (name, value) in OF_AN_ACCOUNT {
        let is_needed = match name {
            "fleetRole" => api == "SpotFleet",
            _ => !value.is_empty(),
        };
        if is_needed && !defaults.contains_key(name) {
            set(name, if name == "securityGroupIds" { json!([value]) } else { json!(value) });
        }
    }
    if price == "ondemand" && api == "RunInstances" {
        set("vmType", json!("m6i.large"));
    } else {
        set("vmTypes", json!({ "m6i.large": 1, "m5.large": 1 }));
    }
    set("priceType", json!(price));
    if price != "ondemand" && api != "RunInstances" {
        set("allocationStrategy", json!("capacityOptimized"));
    }
    if price == "heterogeneous" {
        set("percentOnDemand", json!(50));
    }
    if let Some(kind) = kind {
        set("fleetType", json!(kind));
    }
    set("providerApi", json!(api));
    set("instanceTags", json!("project=example"));
    fields
}

#[cfg(test)]
mod tests {
    use ohfp_broker::Template;

    use super::*;

    #[test]
    fn examples_for_each_api() {
        let defaults = Map::new();
        let ids = |api: Option<&str>| -> Vec<String> {
            examples(api, &defaults)
                .iter()
                .map(|fields| fields["templateId"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(ids(Some("RunInstances")), ["RunInstances-OnDemand", "RunInstances-Spot"]);
        assert_eq!(ids(Some("ASG")), ["ASG-OnDemand", "ASG-Spot", "ASG-Mixed"]);
        assert_eq!(ids(None).len(), 2 + 9 + 4 + 3);
        for fields in examples(None, &defaults) {
            assert!(Template::new(fields.clone()).is_ok(), "{fields:?}");
        }
    }

    #[test]
    fn what_the_site_gives_is_left_out() {
        let defaults = ohfp_broker::json::object(r#"{"imageId": "ami-1", "fleetRole": "r"}"#).unwrap();
        for fields in examples(Some("SpotFleet"), &defaults) {
            assert!(!fields.contains_key("imageId") && !fields.contains_key("fleetRole"), "{fields:?}");
            assert!(fields.contains_key("subnetId"));
        }
    }
}
