//! What can be set about the simulation, and what holds where nothing is set.

use std::collections::BTreeMap;

use ohfp_broker::launch_spec::FleetType;
use ohfp_broker::provider::Identity;
use ohfp_keys::OptionValues;

use crate::chance::Span;
use crate::keys;
use crate::network::Block;

/// Everything that can be set about the simulation. `Default` is what holds where nothing is set.
#[derive(Clone, Debug, PartialEq)]
pub struct SimConfig {
    pub(crate) seed: u64,
    pub(crate) default_type: String,
    pub(crate) terminated_visible: i64,
    pub(crate) boot: Boot,
    pub(crate) capacity: Capacity,
    pub(crate) network: Network,
    pub(crate) spot: Spot,
    pub(crate) launch: Launch,
    pub(crate) describe: Describe,
    pub(crate) release: Release,
    pub(crate) latency: Latency,
    pub(crate) fleet: Fleet,
    pub(crate) identity: Identity,
}

/// What a launch creates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fleet {
    pub(crate) kind: FleetType,
    pub(crate) at_once: u64,
    pub(crate) interval: Span,
}

/// How machines come up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Boot {
    pub(crate) time: Span,
    pub(crate) failure: f64,
    pub(crate) failure_reason: String,
}

/// How many machines there can be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Capacity {
    pub(crate) total: u64,
    pub(crate) by_type: BTreeMap<String, u64>,
}

/// Where machines are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    pub(crate) block: Block,
    pub(crate) public_block: Option<Block>,
    pub(crate) domain: String,
}

/// How spot machines are taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) reclaim: f64,
    pub(crate) reclaim_after: Span,
    pub(crate) notice: i64,
    pub(crate) notice_on_demand: bool,
}

/// What can go wrong with launches.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Launch {
    pub(crate) refused: f64,
    pub(crate) no_capacity: f64,
    pub(crate) unreachable: f64,
    pub(crate) unknown: f64,
    pub(crate) late: f64,
    pub(crate) late_by: Span,
}

/// What can go wrong with looking.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Describe {
    pub(crate) error: f64,
    pub(crate) consistency: i64,
}

/// How machines go, and what can go wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Release {
    pub(crate) time: Span,
    pub(crate) slow: f64,
    pub(crate) slow_time: Span,
    pub(crate) error: f64,
}

/// How long calls take, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Latency {
    pub(crate) launch: u64,
    pub(crate) describe: u64,
    pub(crate) release: u64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self::new(&OptionValues::default())
    }
}

impl SimConfig {
    /// Takes over the values of the keys, each default from its row.
    pub(crate) fn new(values: &OptionValues) -> Self {
        let by_type = values.of(&keys::CAPACITY_BY_TYPE).into_iter().flatten();
        Self {
            seed: values.of(&keys::SEED),
            default_type: values.of(&keys::DEFAULT_TYPE).to_owned(),
            terminated_visible: values.of(&keys::TERMINATED_VISIBLE),
            boot: Boot {
                time: values.of(&keys::BOOT_TIME),
                failure: values.of(&keys::BOOT_FAILURE),
                failure_reason: values.of(&keys::BOOT_FAILURE_REASON).to_owned(),
            },
            capacity: Capacity {
                total: values.of(&keys::CAPACITY),
                by_type: by_type.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect(),
            },
            network: Network {
                block: values.of(&keys::BLOCK),
                public_block: values.of(&keys::PUBLIC_BLOCK),
                domain: values.of(&keys::DOMAIN_NAME).to_owned(),
            },
            spot: Spot {
                reclaim: values.of(&keys::RECLAIM),
                reclaim_after: values.of(&keys::RECLAIM_AFTER),
                notice: values.of(&keys::NOTICE),
                notice_on_demand: values.of(&keys::NOTICE_ON_DEMAND),
            },
            launch: Launch {
                refused: values.of(&keys::LAUNCH_REFUSED),
                no_capacity: values.of(&keys::LAUNCH_NO_CAPACITY),
                unreachable: values.of(&keys::LAUNCH_UNREACHABLE),
                unknown: values.of(&keys::LAUNCH_UNKNOWN),
                late: values.of(&keys::LAUNCH_LATE),
                late_by: values.of(&keys::LATE_BY),
            },
            describe: Describe {
                error: values.of(&keys::DESCRIBE_ERROR),
                consistency: values.of(&keys::CONSISTENCY),
            },
            release: Release {
                time: values.of(&keys::RELEASE_TIME),
                slow: values.of(&keys::RELEASE_SLOW),
                slow_time: values.of(&keys::RELEASE_SLOW_TIME),
                error: values.of(&keys::RELEASE_ERROR),
            },
            latency: Latency {
                launch: values.of(&keys::LAUNCH_LATENCY),
                describe: values.of(&keys::DESCRIBE_LATENCY),
                release: values.of(&keys::RELEASE_LATENCY),
            },
            fleet: Fleet {
                kind: values.of(&keys::FLEET_KIND),
                at_once: values.of(&keys::FLEET_AT_ONCE),
                interval: values.of(&keys::FLEET_INTERVAL),
            },
            identity: Identity {
                account: values.of(&keys::ACCOUNT).map(str::to_owned),
                region: values.of(&keys::REGION).map(str::to_owned),
            },
        }
    }
}
