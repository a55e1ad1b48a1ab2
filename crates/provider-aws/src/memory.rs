//! Where there was no capacity lately, shared by all processes: a preference, not a ban.

use ohfp_broker::documents::{Document, DocumentTx};
use ohfp_broker::{Result, Timestamp};

use crate::class::{Shortage, remembered_seconds};
use crate::design::Pool;

/// The group of these documents.
const SHORTAGES: &str = "shortages";

/// What was short, until when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Ids of the documents with their ends.
    short: Vec<(String, Timestamp)>,
}

/// What a shortage was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shortfall {
    /// What there was too little of.
    pub(crate) shortage: Shortage,
    /// The pool that was asked.
    pub(crate) pool: Pool,
    /// Whether spot machines were wanted.
    pub(crate) is_spot: bool,
}

fn option(is_spot: bool) -> &'static str {
    if is_spot { "spot" } else { "on-demand" }
}

/// The id of what is short. Quotas are of all pools.
fn id(shortage: Shortage, pool: &Pool, is_spot: bool) -> String {
    let Pool { instance_type, subnet_id } = pool;
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    match shortage {
        Shortage::Pool | Shortage::Offer => {
            format!("pool/{}/{}/{}", name(instance_type), name(subnet_id), option(is_spot))
        }
        Shortage::Subnet => format!("subnet/{}", name(subnet_id)),
        Shortage::Quota => format!("quota/{}", option(is_spot)),
        Shortage::Account => "account".to_owned(),
    }
}

impl Memory {
    /// What is remembered at `now`.
    pub(crate) fn load(tx: &mut dyn DocumentTx, now: Timestamp) -> Result<Self> {
        let documents = tx.group(SHORTAGES)?.into_iter();
        let live = documents.filter_map(|document| Some((document.id, document.live_until?)));
        Ok(Self { short: live.filter(|(_, until)| *until > now).collect() })
    }

    /// Until when something is remembered as short.
    fn until(&self, shortage: Shortage, pool: &Pool, is_spot: bool) -> Option<Timestamp> {
        let id = id(shortage, pool, is_spot);
        self.short.iter().find(|(known, _)| *known == id).map(|(_, until)| *until)
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
    let until = now.plus_seconds(remembered_seconds(shortfall.shortage));
    let id = id(shortfall.shortage, &shortfall.pool, shortfall.is_spot);
    if tx.get(&id)?.and_then(|document| document.live_until).is_some_and(|known| known >= until) {
        return Ok(());
    }
    tx.put(&Document { id, group: SHORTAGES.to_owned(), live_until: Some(until), body: "{}".to_owned() })
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
            let shortfall = Shortfall { shortage, pool: pool(name), is_spot };
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
}
