//! What a token comes to: which machines it makes, or why it makes none. Runs inside one transaction.

use std::net::Ipv4Addr;

use ohfp_broker::documents::DocumentTx;
use ohfp_broker::launch_spec::FleetType;
use ohfp_broker::provider::{LaunchFailure, LaunchRequest, Launched};
use ohfp_broker::{Error, ErrorKind, Result, Timestamp, Weights, weights};

use crate::chance::Chance;
use crate::config::SimConfig;
use crate::documents::{self, Fleet, Machine, Outcome};
use crate::life::{Fate, Life};
use crate::offer::Offer;
use crate::placing::{NoRoom, Room};

/// Launches, or tells what came of the token before.
pub(crate) fn launch(
    (name, config): (&str, &SimConfig),
    chance: Chance,
    tx: &mut dyn DocumentTx,
    request: &LaunchRequest<'_>,
    now: Timestamp,
) -> Result<Result<Launched, LaunchFailure>> {
    if let Some(outcome) = documents::outcome(tx, request.token)? {
        return known(tx, request, outcome, now);
    }
    if chance.draw("refused", 0).happens(config.launch.refused) {
        let what = format!("the simulated provider `{name}` refuses a launch");
        let error = Error::new(ErrorKind::Refused, what)
            .hint("`launch.refused_probability` of its config lets it fail");
        return Ok(Err(LaunchFailure::Refused(error)));
    }
    make(config, chance, tx, request, now)
}

/// A token that was used: the same machines, whatever has become of them.
fn known(
    tx: &mut dyn DocumentTx,
    request: &LaunchRequest<'_>,
    mut outcome: Outcome,
    now: Timestamp,
) -> Result<Result<Launched, LaunchFailure>> {
    let machines = documents::of_token(tx, request.token)?;
    if machines.is_empty() {
        return Ok(match outcome.shortfall {
            Some(why) => Err(none(request, &why)),
            None => Ok(Launched::default()),
        });
    }
    if outcome.fleet.is_none() && machines.iter().any(|machine| !machine.life.is_arrived(now)) {
        return Ok(Err(unknown("the machines are not there yet")));
    }
    if outcome.untold {
        outcome.untold = false;
        documents::put_outcome(tx, request.token, &outcome)?;
    }
    told(tx, &machines, outcome, now).map(Ok)
}

/// The answer to a launch: the machines that exist by now.
fn told(tx: &mut dyn DocumentTx, machines: &[Machine], outcome: Outcome, now: Timestamp) -> Result<Launched> {
    let fleet = match &outcome.fleet {
        Some(id) => documents::fleet(tx, id)?,
        None => None,
    };
    let arrived = machines.iter().filter(|machine| machine.life.is_arrived(now));
    Ok(Launched {
        instances: arrived.map(|machine| machine.instance(now)).collect(),
        shortfall: outcome.shortfall,
        more: fleet.is_some_and(|fleet| fleet.launches_more(machines, now)),
        resource_ids: outcome.fleet.into_iter().collect(),
    })
}

/// The same words each time that a token is asked about.
fn none(request: &LaunchRequest<'_>, why: &str) -> LaunchFailure {
    let noun = weights::noun(Weights::of(request.template).as_ref());
    LaunchFailure::NoCapacity(format!("0 of {} {noun}: {why}", request.count))
}

fn unknown(why: &str) -> LaunchFailure {
    LaunchFailure::Unknown(Error::new(ErrorKind::Unavailable, why))
}

fn make(
    config: &SimConfig,
    chance: Chance,
    tx: &mut dyn DocumentTx,
    request: &LaunchRequest<'_>,
    now: Timestamp,
) -> Result<Result<Launched, LaunchFailure>> {
    let offer = Offer::of(request.template, &config.default_type);
    let fleet_id = (config.fleet.kind != FleetType::Instant)
        .then(|| format!("{}{:016x}", documents::FLEET, chance.draw("fleet", 0).bits()));
    let late = fleet_id.is_none() && chance.draw("late", 0).happens(config.launch.late);
    let mut launched =
        if late { now.plus_millis(config.launch.late_by.draw(chance.draw("late by", 0))) } else { now };
    let mut machines = Vec::new();
    let mut shortfall = None;
    if chance.draw("no capacity", 0).happens(config.launch.no_capacity) {
        shortfall = Some("InsufficientInstanceCapacity".to_owned());
    } else {
        let mut room = Room::look(config, tx, request.count, now)?;
        let mut made = 0_u32;
        for number in 0..request.count {
            // Some machines may be worth more than one of what was ordered.
            if made >= request.count {
                break;
            }
            match placed(&mut room, &offer, number) {
                Ok((machine_type, (address, public_address))) => {
                    if fleet_id.is_some() && u64::from(number) >= config.fleet.at_once {
                        launched = launched.plus_millis(interval(config, chance, number));
                    }
                    let place = Place { number, address, public_address, ordered: now, launched };
                    let kind = Kind {
                        instance_type: machine_type.to_owned(),
                        price_type: offer.price_type.to_owned(),
                        cores: offer.cores,
                        fleet: fleet_id.clone(),
                        units: offer.said_units(machine_type),
                    };
                    made = made.saturating_add(offer.units(machine_type));
                    machines.push(new_machine(config, chance, request.token, kind, &place));
                }
                Err(why) => {
                    shortfall = Some(why.text(config, &offer.names()));
                    break;
                }
            }
        }
        room.leave(tx)?;
    }
    for machine in &machines {
        machine.put(tx)?;
    }
    let untold = !machines.is_empty() && chance.draw("unknown", 0).happens(config.launch.unknown);
    let fleet_id = fleet_id.filter(|_| !machines.is_empty());
    if let Some(id) = &fleet_id {
        let replaces = config.fleet.kind == FleetType::Maintain;
        let fleet = Fleet { token: request.token.to_owned(), replaces, settled: false };
        documents::put_fleet(tx, id, &fleet, true)?;
    }
    let outcome = Outcome { shortfall, untold, fleet: fleet_id };
    documents::put_outcome(tx, request.token, &outcome)?;
    match &outcome.shortfall {
        Some(why) if machines.is_empty() => Ok(Err(none(request, why))),
        _ if late => Ok(Err(unknown("the machines are not there yet"))),
        _ if untold => Ok(Err(unknown("the answer to the launch was lost"))),
        _ => told(tx, &machines, outcome, now).map(Ok),
    }
}

/// Milliseconds until the machine at a place of a fleet follows the one before it.
pub(crate) fn interval(config: &SimConfig, chance: Chance, number: u32) -> i64 {
    config.fleet.interval.draw(chance.draw("interval", u64::from(number)))
}

/// What a machine is.
pub(crate) struct Kind {
    pub(crate) instance_type: String,
    pub(crate) price_type: String,
    pub(crate) cores: Option<u32>,
    pub(crate) fleet: Option<String>,
    pub(crate) units: Option<u32>,
}

/// Which machine of its launch it is, where it is and since when.
pub(crate) struct Place {
    pub(crate) number: u32,
    pub(crate) address: Ipv4Addr,
    pub(crate) public_address: Option<Ipv4Addr>,
    pub(crate) ordered: Timestamp,
    pub(crate) launched: Timestamp,
}

/// A machine with its life decided.
pub(crate) fn new_machine(
    config: &SimConfig,
    chance: Chance,
    token: &str,
    kind: Kind,
    place: &Place,
) -> Machine {
    let Place { number, address, public_address, ordered, launched } = *place;
    let octets = address.octets().map(|octet| octet.to_string()).join("-");
    let boot = config.boot.time.draw(chance.draw("boot", u64::from(number)));
    let life = Life {
        number,
        fate: fate(config, chance, &kind.price_type, number, launched, boot),
        instance_type: kind.instance_type,
        price_type: kind.price_type,
        cores: kind.cores,
        name: format!("ip-{octets}.{}", config.network.domain),
        address,
        public_address,
        fleet: kind.fleet,
        units: kind.units,
        replaced: false,
        ordered,
        launched,
        hidden_until: launched.plus_millis(config.describe.consistency),
        booted: launched.plus_millis(boot),
        end: None,
    };
    let id = format!("i-{:016x}{:x}", chance.draw("id", u64::from(number)).bits(), number % 16);
    Machine { id, token: token.to_owned(), life }
}

/// A machine's type and addresses: of the type whose turn it is, or else of another that has room.
fn placed<'o>(
    room: &mut Room<'_>,
    offer: &'o Offer,
    number: u32,
) -> Result<(&'o str, (Ipv4Addr, Option<Ipv4Addr>)), NoRoom> {
    for machine_type in offer.in_turn(number) {
        match room.take(machine_type) {
            Ok(addresses) => return Ok((machine_type, addresses)),
            Err(NoRoom::Type) => {}
            Err(other) => return Err(other),
        }
    }
    Err(NoRoom::Type)
}

/// What becomes of a machine that is left alone.
fn fate(
    config: &SimConfig,
    chance: Chance,
    price_type: &str,
    number: u32,
    launched: Timestamp,
    boot: i64,
) -> Fate {
    let number = u64::from(number);
    if chance.draw("boot failure", number).happens(config.boot.failure) {
        return Fate::FailsToBoot(config.boot.failure_reason.clone());
    }
    if price_type == "spot" && chance.draw("reclaim", number).happens(config.spot.reclaim) {
        let after = config.spot.reclaim_after.draw(chance.draw("reclaim after", number)).max(boot);
        let at = launched.plus_millis(after);
        return Fate::Reclaimed { announced: at.plus_millis(-config.spot.notice), at };
    }
    Fate::Runs
}
