//! Room for new machines: capacity and addresses.

use std::collections::{BTreeMap, HashSet};
use std::net::Ipv4Addr;

use ohfp_broker::records::Ledger;
use ohfp_broker::{Result, Timestamp};

use crate::config::SimConfig;
use crate::documents;

/// What is taken, and where the next address is looked for.
pub(crate) struct Room<'c> {
    config: &'c SimConfig,
    held: u64,
    by_type: BTreeMap<String, u64>,
    taken: HashSet<Ipv4Addr>,
    cursor: u64,
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
    /// Looks at what is held. Documents of machines that have ended meanwhile stop counting as live, so that
    /// the next one has less to look at.
    pub(crate) fn look(config: &'c SimConfig, ledger: &mut dyn Ledger, now: Timestamp) -> Result<Self> {
        let cursor = documents::cursor(ledger)?;
        let mut room = Self { config, held: 0, by_type: BTreeMap::new(), taken: HashSet::new(), cursor };
        for mut machine in documents::live(ledger)? {
            if machine.life.is_held(now) {
                room.held += 1;
                *room.by_type.entry(machine.life.instance_type).or_default() += 1;
                room.taken.insert(machine.life.address);
            } else {
                machine.life.settle(now);
                machine.put(ledger, now)?;
            }
        }
        Ok(room)
    }

    /// Takes room for a machine: its place in the blocks.
    pub(crate) fn take(&mut self, machine_type: &str) -> Result<(Ipv4Addr, Option<Ipv4Addr>), NoRoom> {
        if self.held >= self.config.capacity.total {
            return Err(NoRoom::Capacity);
        }
        let of_type = self.by_type.entry(machine_type.to_owned()).or_default();
        if self.config.capacity.by_type.get(machine_type).is_some_and(|most| *of_type >= *most) {
            return Err(NoRoom::Type);
        }
        let block = self.config.network.block;
        let usable = u64::from(block.usable());
        let free = (0..usable)
            .map(|step| self.cursor.wrapping_add(step))
            .find(|place| !self.taken.contains(&block.address(*place)));
        let place = free.ok_or(NoRoom::Addresses)?;
        self.cursor = place.wrapping_add(1).checked_rem(usable).unwrap_or(0);
        let address = block.address(place);
        self.taken.insert(address);
        self.held += 1;
        *of_type += 1;
        Ok((address, self.config.network.public_block.map(|public| public.address(place))))
    }

    /// Remembers where the next launch looks for addresses.
    pub(crate) fn leave(&self, ledger: &mut dyn Ledger) -> Result<()> {
        documents::put_cursor(ledger, self.cursor)
    }
}
