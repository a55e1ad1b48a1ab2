//! A machine in its provider's terms.

use crate::id::MachineId;
use crate::state::MachineState;
use crate::time::Timestamp;

/// A machine as its provider sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The provider's id.
    pub id: MachineId,
    /// Host name; `None` until it is assigned.
    pub name: Option<String>,
    /// Current state.
    pub state: MachineState,
    /// Private IPv4 address.
    pub private_ip: Option<String>,
    /// Public IPv4 address.
    pub public_ip: Option<String>,
    /// For example `m6i.large`.
    pub instance_type: Option<String>,
    /// `ondemand` or `spot`.
    pub price_type: Option<String>,
    /// The fleet or group that it belongs to.
    pub resource_id: Option<String>,
    /// Units of capacity that it counts for, where the provider says so. It has no meaning for requests that count
    /// machines.
    pub units: Option<u32>,
    /// Cores of its processors, where known.
    pub cores: Option<u32>,
    /// Threads per core, if known.
    pub threads_per_core: Option<u32>,
    /// When it was launched.
    pub launched: Timestamp,
    /// When the provider will take it, if it has said so. [`Detail::State`](crate::provider::Detail::State) leaves it out.
    pub reclaim_at: Option<Timestamp>,
    /// Whether the provider reclaimed it (for example, a spot interruption), as opposed to a failed start.
    pub reclaimed: bool,
    /// Why it ended: the provider's message.
    pub reason: Option<String>,
}

impl Instance {
    /// An instance of which only the id is known.
    pub fn new(id: MachineId) -> Self {
        Self {
            id,
            name: None,
            state: MachineState::Pending,
            private_ip: None,
            public_ip: None,
            instance_type: None,
            price_type: None,
            resource_id: None,
            units: None,
            cores: None,
            threads_per_core: None,
            launched: Timestamp::default(),
            reclaim_at: None,
            reclaimed: false,
            reason: None,
        }
    }
}
