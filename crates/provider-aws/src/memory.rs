//! Where there was no capacity lately, shared by all processes: a preference, not a ban.
//!
//! Machines of a type are short in an availability zone, whichever of its subnets was asked. A zone that is not known
//! is taken for the subnet alone.

use std::collections::BTreeMap;

use ohfp_broker::documents::{Document, DocumentTx};
use ohfp_broker::{Result, Timestamp};

use crate::api::Ec2Instance;
use crate::class::{Shortage, remembered_seconds};
use crate::design::Pool;
use crate::documents::live;
use crate::failure::Answered;

/// The group of shortages.
const SHORTAGES: &str = "shortages";
/// The group of the zones of subnets.
const ZONES: &str = "zones";

/// Seconds for which the zone of a subnet is remembered; it never changes.
const ZONE_SECONDS: u64 = 30 * 86_400;
/// Seconds after which a zone that could not be looked up may be looked up again.
const NO_ZONE_SECONDS: u64 = 3_600;

/// What was short, until when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Ids of the documents with their ends.
    short: Vec<(String, Timestamp)>,
    /// By subnet; `None` where it cannot be looked up.
    zones: BTreeMap<String, Option<String>>,
}

/// What a shortage was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shortfall {
    /// What there was too little of.
    pub(crate) shortage: Shortage,
    /// The pool that was asked.
    pub(crate) pool: Pool,
    /// The availability zone, where the answer has told it.
    pub(crate) zone: Option<String>,
    /// Whether spot machines were wanted.
    pub(crate) is_spot: bool,
}

fn option(is_spot: bool) -> &'static str {
    if is_spot { "spot" } else { "on-demand" }
}

/// The id of what is short. `place` is the zone, or the subnet where that is not known. Quotas are of all pools.
fn id(shortage: Shortage, pool: &Pool, place: Option<&str>, is_spot: bool) -> String {
    let Pool { instance_type, subnet_id } = pool;
    let name = |name: Option<&str>| name.unwrap_or("-").to_owned();
    match shortage {
        Shortage::Pool | Shortage::Offer => {
            format!("pool/{}/{}/{}", name(instance_type.as_deref()), name(place), option(is_spot))
        }
        Shortage::Subnet => format!("subnet/{}", name(subnet_id.as_deref())),
        Shortage::Quota => format!("quota/{}", option(is_spot)),
        Shortage::Account => "account".to_owned(),
    }
}

fn zone_id(subnet: &str) -> String {
    format!("zone/{subnet}")
}

impl Memory {
    /// What is remembered at `now`.
    pub(crate) fn load(tx: &mut dyn DocumentTx, now: Timestamp) -> Result<Self> {
        let is_live = |document: &Document| document.is_live(now);
        let short = tx.group(SHORTAGES)?.into_iter().filter(is_live);
        let short = short.filter_map(|document| Some((document.id, document.live_until?))).collect();
        let zones = tx.group(ZONES)?.into_iter().filter(is_live);
        let zone = |document: Document| {
            let subnet = document.id.strip_prefix("zone/")?.to_owned();
            Some((subnet, Some(document.body).filter(|zone| !zone.is_empty())))
        };
        Ok(Self { short, zones: zones.filter_map(zone).collect() })
    }

    /// Whether a machine type is short somewhere at present.
    pub(crate) fn has_short_pools(&self) -> bool {
        self.short.iter().any(|(id, _)| id.starts_with("pool/"))
    }

    /// Those of the subnets whose zones were never looked up, in order.
    pub(crate) fn without_zone<'s>(&self, subnets: impl Iterator<Item = &'s str>) -> Vec<String> {
        subnets.filter(|subnet| !self.zones.contains_key(*subnet)).map(str::to_owned).collect()
    }

    /// Until when something is remembered as short.
    fn until(&self, shortage: Shortage, pool: &Pool, is_spot: bool) -> Option<Timestamp> {
        let subnet = pool.subnet_id.as_deref();
        let zone = subnet.and_then(|subnet| self.zones.get(subnet)?.as_deref());
        // One may have been noted by its subnet before the zone was known.
        let same = self.zones.iter().filter(|(_, other)| zone.is_some() && other.as_deref() == zone);
        let places = same.map(|(subnet, _)| Some(subnet.as_str())).chain([zone, subnet]);
        let ids: Vec<String> = places.map(|place| id(shortage, pool, place, is_spot)).collect();
        self.short.iter().filter(|(known, _)| ids.contains(known)).map(|(_, until)| *until).max()
    }

    /// The pools, those first that nothing is known against; then those whose shortage is remembered, the oldest first.
    /// Among equals the order stays.
    pub(crate) fn by_preference(&self, pools: Vec<Pool>, is_spot: bool) -> Vec<Pool> {
        let mut pools: Vec<(Timestamp, Pool)> = pools
            .into_iter()
            .map(|pool| {
                let short = |shortage| self.until(shortage, &pool, is_spot);
                let until = short(Shortage::Pool).max(short(Shortage::Subnet)).max(short(Shortage::Offer));
                (until.unwrap_or_default(), pool)
            })
            .collect();
        pools.sort_by_key(|(until, _)| *until);
        pools.into_iter().map(|(_, pool)| pool).collect()
    }
}

/// Remembers a shortage. Nothing is written where it is remembered for as long already.
pub(crate) fn remember(tx: &mut dyn DocumentTx, shortfall: &Shortfall, now: Timestamp) -> Result<()> {
    let Shortfall { shortage, pool, zone, is_spot } = shortfall;
    let subnet = pool.subnet_id.as_deref();
    if let (Some(subnet), Some(zone)) = (subnet, zone) {
        remember_zone(tx, subnet, zone, now)?;
    }
    let known = match (zone, subnet) {
        (None, Some(subnet)) => live(tx, &zone_id(subnet), now)?.map(|document| document.body),
        _ => zone.clone(),
    };
    let place = known.as_deref().filter(|zone| !zone.is_empty()).or(subnet);
    let until = now.plus_seconds(remembered_seconds(*shortage));
    let id = id(*shortage, pool, place, *is_spot);
    if tx.get(&id)?.and_then(|document| document.live_until).is_some_and(|known| known >= until) {
        return Ok(());
    }
    tx.put(&Document { id, group: SHORTAGES.to_owned(), live_until: Some(until), body: "{}".to_owned() })
}

/// Remembers the zones that machines show of their subnets.
pub(crate) fn remember_zones(
    tx: &mut dyn DocumentTx,
    machines: &[Ec2Instance],
    now: Timestamp,
) -> Result<()> {
    let shown =
        machines.iter().filter_map(|machine| Some((machine.subnet_id.as_ref()?, machine.zone.as_ref()?)));
    let shown: BTreeMap<&String, &String> = shown.collect();
    shown.into_iter().try_for_each(|(subnet, zone)| remember_zone(tx, subnet, zone, now))
}

fn remember_zone(tx: &mut dyn DocumentTx, subnet: &str, zone: &str, now: Timestamp) -> Result<()> {
    let id = zone_id(subnet);
    if live(tx, &id, now)?.is_some_and(|document| document.body == zone) {
        return Ok(());
    }
    put_zone(tx, id, zone, now.plus_seconds(ZONE_SECONDS))
}

/// Remembers what a look-up of the zones of subnets has told: nothing of some, perhaps.
pub(crate) fn remember_look_up(
    tx: &mut dyn DocumentTx,
    subnets: &[String],
    zones: &BTreeMap<String, String>,
    now: Timestamp,
) -> Result<()> {
    subnets.iter().try_for_each(|subnet| match zones.get(subnet) {
        Some(zone) => remember_zone(tx, subnet, zone, now),
        None => put_zone(tx, zone_id(subnet), "", now.plus_seconds(NO_ZONE_SECONDS)),
    })
}

fn put_zone(tx: &mut dyn DocumentTx, id: String, zone: &str, until: Timestamp) -> Result<()> {
    tx.put(&Document { id, group: ZONES.to_owned(), live_until: Some(until), body: zone.to_owned() })
}

/// The zone that an error names: "… in the Availability Zone you requested (us-east-1a). …"
pub(crate) fn zone_in(error: &Answered) -> Option<String> {
    let (_, rest) = error.message.split_once("vailability Zone")?;
    let (_, rest) = rest.split_once('(')?;
    let (zone, _) = rest.split_once(')')?;
    let is_zone = zone.contains('-')
        && zone.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_zone.then(|| zone.to_owned())
}

#[cfg(test)]
mod tests {
    use ohfp_broker::contract::MemoryStore;
    use ohfp_broker::documents::DocumentStore as _;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn pool(name: &str) -> Pool {
        let (instance_type, subnet_id) = name.split_once('@').unwrap();
        Pool { instance_type: Some(instance_type.to_owned()), subnet_id: Some(subnet_id.to_owned()) }
    }

    #[test]
    fn a_shortage_puts_a_pool_behind_the_others_for_its_time() {
        let store = MemoryStore::default();
        let all = ["a@1", "a@2", "b@1", "b@2"];
        let blame = |shortage, name: &str, is_spot, now: i64| {
            let shortfall = Shortfall { shortage, pool: pool(name), zone: None, is_spot };
            store.write("aws", &mut |tx| remember(tx, &shortfall, at(now))).unwrap();
        };
        let order = |is_spot, now: i64| {
            let mut names = Vec::new();
            store
                .read("aws", &mut |tx| {
                    let memory = Memory::load(tx, at(now))?;
                    let pools = memory.by_preference(all.iter().map(|name| pool(name)).collect(), is_spot);
                    names = pools
                        .iter()
                        .map(|pool| {
                            format!(
                                "{}@{}",
                                pool.instance_type.as_ref().unwrap(),
                                pool.subnet_id.as_ref().unwrap()
                            )
                        })
                        .collect();
                    Ok(())
                })
                .unwrap();
            names
        };
        assert_eq!(order(false, 0), all);
        blame(Shortage::Pool, "a@1", false, 0);
        assert_eq!(order(false, 1), ["a@2", "b@1", "b@2", "a@1"]);
        assert_eq!(order(true, 1), all, "spot and on-demand are short each for itself");
        blame(Shortage::Subnet, "b@2", true, 10);
        assert_eq!(order(false, 11), ["b@1", "a@1", "a@2", "b@2"], "a subnet is short for all of them");
        assert_eq!(order(false, 180), ["a@1", "b@1", "a@2", "b@2"], "180 seconds are over for the first");
        assert_eq!(order(false, 190), all);
        blame(Shortage::Offer, "a@1", false, 200);
        assert_eq!(order(false, 3_799), ["a@2", "b@1", "b@2", "a@1"]);
        assert_eq!(order(false, 3_800), all);
        // Where all are short, the oldest is tried.
        for (name, now) in [("b@1", 4_000), ("a@1", 4_001), ("b@2", 4_002), ("a@2", 4_003)] {
            blame(Shortage::Pool, name, false, now);
        }
        assert_eq!(order(false, 4_004), ["b@1", "a@1", "b@2", "a@2"]);
    }

    #[test]
    fn a_type_is_short_in_all_subnets_of_a_zone() {
        let store = MemoryStore::default();
        let order = |now: i64| {
            let mut names = Vec::new();
            store
                .read("aws", &mut |tx| {
                    let pools = ["a@1", "a@2", "a@3", "b@1"].map(pool).into();
                    let memory = Memory::load(tx, at(now))?;
                    names = memory.by_preference(pools, false).iter().map(ToString::to_string).collect();
                    Ok(())
                })
                .unwrap();
            names
        };
        let blame = |name: &str, zone: Option<&str>, now: i64| {
            let zone = zone.map(str::to_owned);
            let shortfall = Shortfall { shortage: Shortage::Pool, pool: pool(name), zone, is_spot: false };
            store.write("aws", &mut |tx| remember(tx, &shortfall, at(now))).unwrap();
        };
        // As long as the zone is not known the subnet stands for it, and it counts on afterwards.
        blame("a@1", None, 0);
        assert_eq!(order(1), ["a in 2", "a in 3", "b in 1", "a in 1"]);
        let machine = |subnet: &str, zone: &str| Ec2Instance {
            subnet_id: Some(subnet.to_owned()),
            zone: Some(zone.to_owned()),
            ..Ec2Instance::default()
        };
        let seen = [machine("1", "z-1"), machine("2", "z-1"), machine("3", "z-2"), Ec2Instance::default()];
        store.write("aws", &mut |tx| remember_zones(tx, &seen, at(1))).unwrap();
        assert_eq!(order(2), ["a in 3", "b in 1", "a in 1", "a in 2"]);
        blame("a@2", None, 300);
        assert_eq!(order(301), ["a in 3", "b in 1", "a in 1", "a in 2"]);
        blame("a@3", Some("z-2"), 301);
        assert_eq!(order(302), ["b in 1", "a in 1", "a in 2", "a in 3"]);
        assert_eq!(order(480), ["a in 1", "a in 2", "b in 1", "a in 3"]);
    }

    #[test]
    fn zones_are_looked_up_once() {
        let store = MemoryStore::default();
        let unknown = |now: i64| {
            let mut found = Vec::new();
            store
                .read("aws", &mut |tx| {
                    found = Memory::load(tx, at(now))?.without_zone(["1", "2"].into_iter());
                    Ok(())
                })
                .unwrap();
            found
        };
        let both = unknown(0);
        assert_eq!(both, ["1", "2"]);
        let told = [("1".to_owned(), "z-1".to_owned())].into();
        store.write("aws", &mut |tx| remember_look_up(tx, &both, &told, at(0))).unwrap();
        assert_eq!(unknown(3_599), [""; 0]);
        assert_eq!(unknown(3_600), ["2"]);
    }

    #[test]
    fn errors_name_zones() {
        for (message, zone) in [
            (
                "We currently do not have sufficient p5.4xlarge capacity in the Availability Zone you requested \
                 (us-east-1a). Our system will be working on provisioning additional capacity.",
                Some("us-east-1a"),
            ),
            ("is not supported in your requested Availability Zone (us-east-1e).", Some("us-east-1e")),
            ("There is no Spot capacity available that matches your request.", None),
            ("in the Availability Zone you requested. (See the documentation)", None),
        ] {
            let error = Answered::new("RunInstances", 500, "InsufficientInstanceCapacity", message);
            assert_eq!(zone_in(&error).as_deref(), zone, "{message}");
        }
    }
}
