//! Fleets: launches whose machines come one after the other, or are replaced, until the request is over.

use ohfp_broker::documents::DocumentTx;
use ohfp_broker::provider::Progress;
use ohfp_broker::{Result, Timestamp};

use crate::chance::Chance;
use crate::config::SimConfig;
use crate::documents::{self, Fleet, Machine};
use crate::launching::{Kind, Place, interval, new_machine};
use crate::placing::Room;

impl Fleet {
    /// Whether machines may still come by themselves.
    pub(crate) fn launches_more(&self, machines: &[Machine], now: Timestamp) -> bool {
        !self.settled && (self.replaces || machines.iter().any(|machine| !machine.life.is_arrived(now)))
    }

    /// Whether a machine has ended and is to be replaced.
    fn is_to_replace(&self, machine: &Machine, now: Timestamp) -> bool {
        let life = &machine.life;
        self.replaces && !self.settled && !life.replaced && life.is_arrived(now) && life.end_at(now).is_some()
    }
}

/// What became of a token.
pub(crate) struct Launch {
    machines: Vec<Machine>,
    fleet: Option<(String, Fleet)>,
    reason: Option<String>,
}

impl Launch {
    /// As it is stored.
    pub(crate) fn read(tx: &mut dyn DocumentTx, token: &str) -> Result<Self> {
        let outcome = documents::outcome(tx, token)?.unwrap_or_default();
        let fleet = match outcome.fleet {
            Some(id) => documents::fleet(tx, &id)?.map(|fleet| (id, fleet)),
            None => None,
        };
        Ok(Self { machines: documents::of_token(tx, token)?, fleet, reason: outcome.shortfall })
    }

    /// Whether machines have ended that are to be replaced.
    pub(crate) fn is_to_refill(&self, now: Timestamp) -> bool {
        let fleet = self.fleet.as_ref();
        fleet.is_some_and(|(_, fleet)| self.machines.iter().any(|machine| fleet.is_to_replace(machine, now)))
    }

    /// Launches a machine in the place of each that has ended, as far as there is room.
    pub(crate) fn refill(
        &mut self,
        config: &SimConfig,
        chance: Chance,
        tx: &mut dyn DocumentTx,
        now: Timestamp,
    ) -> Result<()> {
        let Some((_, fleet)) = &self.fleet else { return Ok(()) };
        let mut next = u32::try_from(self.machines.len()).unwrap_or(u32::MAX);
        let mut added = Vec::new();
        for machine in self.machines.iter_mut().filter(|machine| fleet.is_to_replace(machine, now)) {
            let life = &mut machine.life;
            let mut room = Room::look(config, tx, 1, now)?;
            let Ok((address, public_address)) = room.take(&life.instance_type) else { break };
            room.leave(tx)?;
            let gone = life.end_at(now).map_or(now, |end| end.gone);
            let launched = gone.plus_millis(interval(config, chance, next));
            let kind = Kind {
                instance_type: life.instance_type.clone(),
                price_type: life.price_type.clone(),
                cores: life.cores,
                fleet: life.fleet.clone(),
                units: life.units,
            };
            let place = Place { number: next, address, public_address, ordered: now, launched };
            let replacement = new_machine(config, chance, &machine.token, kind, &place);
            replacement.put(tx)?;
            added.push(replacement);
            life.replaced = true;
            machine.put(tx)?;
            next = next.saturating_add(1);
        }
        self.machines.extend(added);
        Ok(())
    }

    /// The fleet launches no more; what it has not launched yet never comes. Gives whether that is new.
    pub(crate) fn settle(&mut self, tx: &mut dyn DocumentTx, now: Timestamp) -> Result<bool> {
        let Some((id, fleet)) = self.fleet.as_mut().filter(|(_, fleet)| !fleet.settled) else {
            return Ok(false);
        };
        fleet.settled = true;
        documents::put_fleet(tx, id, fleet, true)?;
        for machine in self.machines.iter_mut().filter(|machine| !machine.life.is_arrived(now)) {
            machine.life.cancel(now);
            machine.put(tx)?;
        }
        Ok(true)
    }

    /// Whether there is a fleet that may still launch machines.
    pub(crate) fn is_open(&self) -> bool {
        self.fleet.as_ref().is_some_and(|(_, fleet)| !fleet.settled)
    }

    /// Whether a machine of it holds its place.
    pub(crate) fn has_machines(&self, now: Timestamp) -> bool {
        self.machines.iter().any(|machine| machine.life.is_held(now))
    }

    /// As the broker is told.
    pub(crate) fn progress(&self, now: Timestamp, visible: i64) -> Progress {
        let seen = self
            .machines
            .iter()
            .filter(|machine| machine.life.is_arrived(now) && !machine.life.is_forgotten(now, visible));
        let more = self.fleet.as_ref().is_some_and(|(_, fleet)| fleet.launches_more(&self.machines, now));
        Progress {
            instances: seen.map(|machine| machine.instance(now)).collect(),
            more,
            reason: self.reason.clone(),
        }
    }
}
