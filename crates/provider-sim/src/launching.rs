//! What a token comes to: which machines it makes, or why it makes none. Runs inside one transaction.

use std::net::Ipv4Addr;

use ohfp_broker::documents::DocumentTx;
use ohfp_broker::provider::{LaunchFailure, LaunchRequest, Launched};
use ohfp_broker::{Error, ErrorKind, Result, Timestamp, Weights, weights};

use crate::chance::Chance;
use crate::config::SimConfig;
use crate::documents::{self, Machine, Outcome};
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
    if machines.iter().any(|machine| !machine.life.is_arrived(now)) {
        return Ok(Err(unknown("the machines are not there yet")));
    }
    if outcome.untold {
        outcome.untold = false;
        documents::put_outcome(tx, request.token, &outcome)?;
    }
    let instances = machines.iter().map(|machine| machine.instance(now)).collect();
    Ok(Ok(Launched { instances, shortfall: outcome.shortfall }))
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
    let late = chance.draw("late", 0).happens(config.launch.late);
    let launched =
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
                    let octets = address.octets().map(|octet| octet.to_string()).join("-");
                    let boot = config.boot.time.draw(chance.draw("boot", u64::from(number)));
                    let life = Life {
                        number,
                        instance_type: machine_type.to_owned(),
                        price_type: offer.price_type.to_owned(),
                        cores: offer.cores,
                        name: format!("ip-{octets}.{}", config.network.domain),
                        address,
                        public_address,
                        ordered: now,
                        launched,
                        hidden_until: launched.plus_millis(config.describe.consistency),
                        booted: launched.plus_millis(boot),
                        fate: fate(config, chance, offer.price_type, number, launched, boot),
                        end: None,
                    };
                    let id =
                        format!("i-{:016x}{:x}", chance.draw("id", u64::from(number)).bits(), number % 16);
                    made = made.saturating_add(offer.units(machine_type));
                    machines.push(Machine { id, token: request.token.to_owned(), life });
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
    documents::put_outcome(tx, request.token, &Outcome { shortfall: shortfall.clone(), untold })?;
    Ok(match shortfall {
        Some(why) if machines.is_empty() => Err(none(request, &why)),
        _ if late => Err(unknown("the machines are not there yet")),
        _ if untold => Err(unknown("the answer to the launch was lost")),
        shortfall => Ok(Launched {
            instances: machines.iter().map(|machine| machine.instance(now)).collect(),
            shortfall,
        }),
    })
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
