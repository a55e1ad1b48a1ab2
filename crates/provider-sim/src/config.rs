//! What can be set about the simulation, and what holds where nothing is set.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ohfp_broker::provider::Identity;

use crate::chance::Span;
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
    pub(crate) kind: FleetKind,
    pub(crate) at_once: u64,
    pub(crate) interval: Span,
}

/// How a launch fulfils its order, in EC2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FleetKind {
    /// All machines are in the response.
    Instant,
    /// Machines come one after the other.
    Request,
    /// The same, and one that ends is replaced.
    Maintain,
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
        Self {
            seed: 0,
            default_type: "m6i.large".to_owned(),
            terminated_visible: 3_600_000,
            boot: Boot {
                time: Span::seconds(5, 15),
                failure: 0.0,
                failure_reason: "Server.InternalError: Internal error on launch".to_owned(),
            },
            capacity: Capacity { total: 10_000, by_type: BTreeMap::new() },
            network: Network {
                block: Block::new(Ipv4Addr::new(10, 0, 0, 0), 16),
                public_block: None,
                domain: "sim.internal".to_owned(),
            },
            spot: Spot {
                reclaim: 0.0,
                reclaim_after: Span::seconds(300, 3_600),
                notice: 120_000,
                notice_on_demand: false,
            },
            launch: Launch {
                refused: 0.0,
                no_capacity: 0.0,
                unreachable: 0.0,
                unknown: 0.0,
                late: 0.0,
                late_by: Span::seconds(60, 60),
            },
            describe: Describe { error: 0.0, consistency: 0 },
            release: Release {
                time: Span::seconds(2, 5),
                slow: 0.0,
                slow_time: Span::seconds(300, 300),
                error: 0.0,
            },
            latency: Latency { launch: 0, describe: 0, release: 0 },
            fleet: Fleet { kind: FleetKind::Instant, at_once: 0, interval: Span::seconds(1, 5) },
            identity: Identity::default(),
        }
    }
}
