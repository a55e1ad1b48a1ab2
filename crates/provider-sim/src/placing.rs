//! Room for new machines: capacity and addresses.

use std::collections::{BTreeMap, HashSet};
use std::net::Ipv4Addr;

use ohfp_broker::documents::DocumentTx;
use ohfp_broker::{Result, Timestamp};

use crate::config::SimConfig;
use crate::documents::{self, Known};

/// What room there is.
///
/// Launches shall cost the same however many machines there are. So these are counted, and looked at one by one,
/// only when what is known from before does not do, and for limits by type.
pub(crate) struct Room<'c> {
    config: &'c SimConfig,
    known: Known,
    books: Option<Books>,
}

/// What the machines hold, each by itself.
struct Books {
    by_type: BTreeMap<String, u64>,
    taken: HashSet<u64>,
}

/// Why there is no room for one more machine.
pub(crate) enum NoRoom {
    Capacity,
    Type,
    Addresses,
}

impl NoRoom {
    /// In EC2's terms.
    pub(crate) fn text(&self, config: &SimConfig, types: &str) -> String {
        match self {
            Self::Capacity => {
                format!("InsufficientInstanceCapacity: all {} machines exist", config.capacity.total)
            }
            Self::Type => format!("InsufficientInstanceCapacity: there are no more {types}"),
            Self::Addresses => {
                format!("InsufficientFreeAddressesInSubnet: no address of {} is free", config.network.block)
            }
        }
    }
}

impl<'c> Room<'c> {
    /// Looks at what is held, for `count` more machines. That machines have ended meanwhile is made a stored
    /// fact.
    pub(crate) fn look(
        config: &'c SimConfig,
        tx: &mut dyn DocumentTx,
        count: u32,
        now: Timestamp,
    ) -> Result<Self> {
        for mut machine in documents::expired(tx, now)? {
            machine.life.settle(now);
            machine.put(tx)?;
        }
        let (block, total, count) = (config.network.block, config.capacity.total, u64::from(count));
        let mut known = documents::known(tx)?;
        if known.block != block.to_string() {
            known = Known { block: block.to_string(), place: 0, free: 0, ..known };
        }
        if known.room < count || known.total != total {
            known = Known { total, room: total.saturating_sub(tx.count_live(now)?), ..known };
        }
        let mut books = None;
        if known.free < count || !config.capacity.by_type.is_empty() {
            let mut all = Books { by_type: BTreeMap::new(), taken: HashSet::new() };
            for machine in documents::held(tx, now)? {
                *all.by_type.entry(machine.life.instance_type).or_default() += 1;
                all.taken.extend(block.place(machine.life.address));
            }
            books = Some(all);
        }
        Ok(Self { config, known, books })
    }

    /// Takes room for a machine: its place in the blocks.
    pub(crate) fn take(&mut self, machine_type: &str) -> Result<(Ipv4Addr, Option<Ipv4Addr>), NoRoom> {
        let Self { config, known, books } = self;
        if known.room == 0 {
            return Err(NoRoom::Capacity);
        }
        let (block, usable) = (config.network.block, u64::from(config.network.block.usable()));
        let next = |place: u64| place.wrapping_add(1).checked_rem(usable).unwrap_or(0);
        let mut place = known.place;
        if let Some(Books { by_type, taken }) = books {
            let of_type = by_type.entry(machine_type.to_owned()).or_default();
            if config.capacity.by_type.get(machine_type).is_some_and(|most| *of_type >= *most) {
                return Err(NoRoom::Type);
            }
            if taken.len() as u64 >= usable {
                return Err(NoRoom::Addresses);
            }
            while !taken.insert(place) {
                place = next(place);
            }
            *of_type += 1;
        }
        known.place = next(place);
        known.free = known.free.saturating_sub(1);
        known.room -= 1;
        Ok((block.address(place), config.network.public_block.map(|public| public.address(place))))
    }

    /// Remembers what the next launch shall know.
    pub(crate) fn leave(mut self, tx: &mut dyn DocumentTx) -> Result<()> {
        if let Some(Books { taken, .. }) = &self.books {
            let usable = u64::from(self.config.network.block.usable());
            let steps = |place: &u64| {
                place.wrapping_add(usable).wrapping_sub(self.known.place).checked_rem(usable).unwrap_or(0)
            };
            self.known.free = taken.iter().map(steps).min().unwrap_or(usable);
        }
        documents::put_known(tx, &self.known)
    }
}
