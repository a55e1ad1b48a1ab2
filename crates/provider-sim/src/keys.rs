//! The keys of the `config` object: the one table that defaults, checks, messages and documents come from.

use ohfp_broker::launch_spec::FleetType;
use ohfp_keys::{DefaultValue, Object, Word, flag, object, text, unset_text, whole, word};

use crate::chance::Span;
use crate::network::Block;
use crate::shapes::{
    COUNTS, DOMAIN, MOST_MACHINES, WORD, latency, milliseconds, private_block, probability, seconds, seed,
    span, unset_block,
};

ohfp_keys::table! {
    /// Every key.
    pub(crate) KEYS;
    SEED: u64 = "seed", seed(),
        "the same seed and request id give the same machines, boot times and outcomes";
    DEFAULT_TYPE: &'static str = "default_type", text(WORD, "m6i.large"),
        "machine type of templates that have neither `vmType` nor `vmTypes`";
    TERMINATED_VISIBLE: i64 = "terminated_visible_seconds", seconds(3_600),
        "how long a terminated machine can still be described";
    BOOT_TIME: Span = "boot.seconds", span(5, 15),
        "from launch to `running`";
    BOOT_FAILURE: f64 = "boot.failure_probability", probability(),
        "probability that a machine terminates instead of starting";
    BOOT_FAILURE_REASON: &'static str = "boot.failure_reason",
        text(WORD, "Server.InternalError: Internal error on launch"),
        "state reason of such a machine";
    CAPACITY: u64 = "capacity.total", whole(0, MOST_MACHINES, 10_000),
        "maximum number of machines; a launch beyond it yields fewer, or none";
    CAPACITY_BY_TYPE: Option<Object> = "capacity.by_type", object(COUNTS, DefaultValue::EmptyObject),
        "the same for single machine types";
    BLOCK: Block = "network.block", private_block(),
        "private addresses; the first four and the last are reserved";
    PUBLIC_BLOCK: Option<Block> = "network.public_block", unset_block(),
        "public addresses of running machines; none when unset; at least as large as `network.block`";
    DOMAIN_NAME: &'static str = "network.domain", text(DOMAIN, "sim.internal"),
        "domain of host names, `ip-10-0-1-23.sim.internal`";
    RECLAIM: f64 = "spot.reclaim_probability", probability(),
        "probability that the provider reclaims a spot machine";
    RECLAIM_AFTER: Span = "spot.reclaim_after_seconds", span(300, 3_600),
        "from launch to the reclaim";
    NOTICE: i64 = "spot.notice_seconds", seconds(120),
        "how long before the reclaim it is announced";
    NOTICE_ON_DEMAND: bool = "spot.notice_on_demand", flag(false),
        "tells announced reclaims only where they are asked for, as EC2 does";
    LAUNCH_REFUSED: f64 = "launch.refused_probability", probability(),
        "probability that a launch is refused permanently";
    LAUNCH_NO_CAPACITY: f64 = "launch.no_capacity_probability", probability(),
        "probability of InsufficientInstanceCapacity";
    LAUNCH_UNREACHABLE: f64 = "launch.unreachable_probability", probability(),
        "probability that a launch does not reach the provider; a retry is re-rolled";
    LAUNCH_UNKNOWN: f64 = "launch.unknown_probability", probability(),
        "probability that a launch creates its machines and the response is lost; the retry finds them";
    LAUNCH_LATE: f64 = "launch.late_probability", probability(),
        "probability that a launch is accepted and its machines appear later";
    LATE_BY: Span = "launch.late_seconds", span(60, 60),
        "how much later";
    DESCRIBE_ERROR: f64 = "describe.error_probability", probability(),
        "probability that a describe call fails; a retry is re-rolled";
    CONSISTENCY: i64 = "describe.consistency_milliseconds", milliseconds(),
        "how long a new machine is invisible, except in the response to its launch";
    RELEASE_TIME: Span = "release.seconds", span(2, 5),
        "from release to `terminated`";
    RELEASE_SLOW: f64 = "release.slow_probability", probability(),
        "probability that a machine takes `release.slow_seconds` instead";
    RELEASE_SLOW_TIME: Span = "release.slow_seconds", span(300, 300),
        "from release to `terminated` for such a machine";
    RELEASE_ERROR: f64 = "release.error_probability", probability(),
        "probability that a release fails and terminates nothing; a retry is re-rolled";
    FLEET_KIND: Word<FleetType> = "fleet.type", word!(FleetType::Instant),
        "`instant`: all machines are in the response to the launch; `request`: they come one after the other; `maintain`: the same, and one that ends is replaced until the request is over";
    FLEET_AT_ONCE: u64 = "fleet.at_once", whole(0, MOST_MACHINES, 0),
        "machines of a `request` or `maintain` fleet that are in the response to the launch";
    FLEET_INTERVAL: Span = "fleet.interval_seconds", span(1, 5),
        "from one machine of such a fleet to the next, and from an end to its replacement";
    ACCOUNT: Option<&'static str> = "identity.account", unset_text(WORD),
        "account that machines are launched in; those of another account are not touched";
    REGION: Option<&'static str> = "identity.region", unset_text(WORD),
        "the same for the region";
    LAUNCH_LATENCY: u64 = "latency.launch_milliseconds", latency(),
        "duration of a launch call";
    DESCRIBE_LATENCY: u64 = "latency.describe_milliseconds", latency(),
        "duration of a describe call, and of one that asks what came of launches";
    RELEASE_LATENCY: u64 = "latency.release_milliseconds", latency(),
        "duration of a release call";
}
