//! The life of one machine: what was decided and stored at its launch, and what it is at a given time.
//!
//! It must not know where it is stored, nor ask what time it is.

use std::net::Ipv4Addr;

use ohfp_broker::provider::Instance;
use ohfp_broker::{MachineId, MachineState, Timestamp};
use serde::{Deserialize, Serialize};

/// A machine, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    /// Its place in its launch, from 0.
    pub(crate) number: u32,
    pub(crate) instance_type: String,
    pub(crate) price_type: String,
    /// Cores of its processors, which have one thread each.
    #[serde(default)]
    pub(crate) cores: Option<u32>,
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) public_address: Option<Ipv4Addr>,
    /// The fleet that it belongs to.
    #[serde(default)]
    pub(crate) fleet: Option<String>,
    /// Units that it counts for, where its template has weights.
    #[serde(default)]
    pub(crate) units: Option<u32>,
    /// Whether its fleet has launched another one in its place.
    #[serde(default)]
    pub(crate) replaced: bool,
    /// When the launch was called.
    pub(crate) ordered: Timestamp,
    /// When it begins to exist: later than `ordered` where its launch is late.
    pub(crate) launched: Timestamp,
    /// Until when looks do not find it.
    pub(crate) hidden_until: Timestamp,
    /// When it comes up, or fails to.
    pub(crate) booted: Timestamp,
    pub(crate) fate: Fate,
    /// How it was ended, once something has ended it. Goes before its fate.
    pub(crate) end: Option<End>,
}

/// What becomes of a machine that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// It comes up and stays.
    Runs,
    /// It ends when it should come up.
    FailsToBoot(String),
    /// The provider takes it.
    Reclaimed {
        /// When this is announced.
        announced: Timestamp,
        /// When it happens.
        at: Timestamp,
    },
}

/// An end that is a stored fact: whatever the clock says later, the machine does not come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// When it begins to go.
    pub(crate) from: Timestamp,
    /// When it is gone.
    pub(crate) gone: Timestamp,
    /// Whether the provider took it.
    pub(crate) reclaimed: bool,
    pub(crate) reason: String,
}

const RELEASED: &str = "Client.UserInitiatedShutdown: User initiated shutdown";
const RECLAIMED: &str = "Server.SpotInstanceTermination: Spot instance termination";
const BROKEN: &str = "Server.InternalError: Internal error";

impl End {
    fn at_once(at: Timestamp, reclaimed: bool, reason: &str) -> Self {
        Self { from: at, gone: at, reclaimed, reason: reason.to_owned() }
    }
}

impl Life {
    /// How it has ended by `now`, or is ending.
    pub(crate) fn end_at(&self, now: Timestamp) -> Option<End> {
        if let Some(end) = &self.end {
            return Some(end.clone());
        }
        let at_once = |at, reclaimed, reason| (now >= at).then(|| End::at_once(at, reclaimed, reason));
        match &self.fate {
            Fate::Runs => None,
            Fate::FailsToBoot(reason) => at_once(self.booted, false, reason),
            Fate::Reclaimed { at, .. } => at_once(*at, true, RECLAIMED),
        }
    }

    /// What it is doing.
    pub(crate) fn state(&self, now: Timestamp) -> MachineState {
        match self.end_at(now) {
            // An end that takes no time is over also for a clock that went back behind it.
            Some(end) if now < end.gone && end.from < end.gone => MachineState::ShuttingDown,
            Some(_) => MachineState::Terminated,
            None if now < self.booted => MachineState::Pending,
            None => MachineState::Running,
        }
    }

    /// Whether it holds its address and its place in the capacity; so from the order of its launch on.
    pub(crate) fn is_held(&self, now: Timestamp) -> bool {
        self.held_until().is_some_and(|until| now < until)
    }

    /// Until when it is held; nothing once it is gone whatever the clock says.
    pub(crate) fn held_until(&self) -> Option<Timestamp> {
        match (&self.end, &self.fate) {
            (Some(end), _) => Some(end.gone).filter(|gone| end.from < *gone),
            (None, Fate::Runs) => Some(Timestamp::MAX),
            (None, Fate::FailsToBoot(_)) => Some(self.booted),
            (None, Fate::Reclaimed { at, .. }) => Some(*at),
        }
    }

    /// Whether it exists yet. One that was ordered "later" does: the clock went back.
    pub(crate) fn is_arrived(&self, now: Timestamp) -> bool {
        !self.is_before(now, self.launched)
    }

    /// Whether it exists and is not gone.
    pub(crate) fn is_there(&self, now: Timestamp) -> bool {
        self.is_arrived(now) && self.is_held(now)
    }

    /// Whether looks find it: not too early, and not too long after its end.
    pub(crate) fn is_visible(&self, now: Timestamp, terminated_visible: i64) -> bool {
        !self.is_before(now, self.hidden_until) && !self.is_forgotten(now, terminated_visible)
    }

    /// Whether it ended too long ago.
    pub(crate) fn is_forgotten(&self, now: Timestamp, terminated_visible: i64) -> bool {
        self.end_at(now).is_some_and(|end| now > end.gone.plus_millis(terminated_visible))
    }

    fn is_before(&self, now: Timestamp, then: Timestamp) -> bool {
        now >= self.ordered && now < then
    }

    /// As everybody sees it.
    pub(crate) fn instance(&self, id: MachineId, now: Timestamp) -> Instance {
        let state = self.state(now);
        let end = self.end_at(now);
        let reclaim_at = match self.fate {
            Fate::Reclaimed { announced, at } if end.is_none() && now >= announced => Some(at),
            _ => None,
        };
        let public = self.public_address.filter(|_| state == MachineState::Running);
        Instance {
            id,
            name: Some(self.name.clone()),
            state,
            private_ip: Some(self.address.to_string()),
            public_ip: public.map(|address| address.to_string()),
            instance_type: Some(self.instance_type.clone()),
            price_type: Some(self.price_type.clone()),
            resource_id: self.fleet.clone(),
            units: self.units,
            cores: self.cores,
            threads_per_core: self.cores.map(|_| 1),
            launched: self.launched,
            reclaim_at,
            reclaimed: end.as_ref().is_some_and(|end| end.reclaimed),
            reason: end.map(|end| end.reason),
        }
    }

    /// Makes an end that has come a stored fact; gives whether that changed anything.
    pub(crate) fn settle(&mut self, now: Timestamp) -> bool {
        match &mut self.end {
            Some(end) if now >= end.gone && end.from < end.gone => {
                end.from = end.gone;
                true
            }
            Some(_) => false,
            None => {
                self.end = self.end_at(now);
                self.end.is_some()
            }
        }
    }

    /// Releases the machine, which takes some time. Returns whether its life has changed.
    pub(crate) fn release(&mut self, takes: i64, now: Timestamp) -> bool {
        if self.settle(now) {
            return true;
        }
        let end =
            End { from: now, gone: now.plus_millis(takes), reclaimed: false, reason: RELEASED.to_owned() };
        match &mut self.end {
            // Asked again by a clock that was set back: it need not wait for the old time to come again.
            Some(known) if now < known.from && end.gone < known.gone && known.from < known.gone => {
                known.from = end.from;
                known.gone = end.gone;
                true
            }
            Some(_) => false,
            None => {
                self.end = Some(end);
                true
            }
        }
    }

    /// It was ordered, and shall never exist.
    pub(crate) fn cancel(&mut self, now: Timestamp) {
        (self.launched, self.hidden_until) = (Timestamp::MAX, Timestamp::MAX);
        self.end = Some(End::at_once(now, false, RELEASED));
    }

    /// The provider takes it after a time, at once when that is 0. One that is ending already is left, and
    /// an end that is announced is not put off.
    pub(crate) fn reclaim(&mut self, grace: i64, now: Timestamp) {
        let at = now.plus_millis(grace);
        if grace == 0 {
            self.end.get_or_insert_with(|| End::at_once(now, true, RECLAIMED));
        } else if !matches!(self.fate, Fate::Reclaimed { announced, at: known } if announced <= now && known <= at)
        {
            self.fate = Fate::Reclaimed { announced: now, at };
        }
    }

    /// It breaks. One that is ending already is left.
    pub(crate) fn fail(&mut self, now: Timestamp) {
        self.end.get_or_insert_with(|| End::at_once(now, false, BROKEN));
    }
}
