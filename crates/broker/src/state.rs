//! The two state machines, one transition table each.

use serde::{Deserialize, Serialize};

use crate::id::RequestKind;
use crate::keywords;

/// Lifecycle state of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// The intent is stored. The provider has not been called, or its response has not been stored.
    Recorded,
    /// The provider has accepted; machines are starting, or terminating.
    Started,
    /// Finished with all machines.
    Complete,
    /// Finished with some of the machines; the request has the reason.
    Partial,
    /// Finished without any machine; the request has the reason.
    Failed,
    /// Cancelled by a person.
    Cancelled,
}

use RequestState::{Cancelled, Complete, Failed, Partial, Recorded, Started};

/// Transitions of requests for machines.
const ACQUIRE: &[(RequestState, &[RequestState])] = &[
    (Recorded, &[Started, Complete, Partial, Failed, Cancelled]),
    (Started, &[Complete, Partial, Failed, Cancelled]),
    (Complete, &[]),
    (Partial, &[]),
    (Failed, &[]),
    (Cancelled, &[]),
];

/// Transitions of returns. A return cannot be cancelled: the machine may be gone already.
const RETURN: &[(RequestState, &[RequestState])] = &[
    (Recorded, &[Started, Complete, Partial, Failed]),
    (Started, &[Complete, Partial, Failed]),
    (Complete, &[]),
    (Partial, &[]),
    (Failed, &[]),
];

keywords!(RequestState {
    Recorded: "recorded",
    Started: "started",
    Complete: "complete",
    Partial: "partial",
    Failed: "failed",
    Cancelled: "cancelled",
});

impl RequestState {
    /// Whether the state is final.
    pub fn is_final(self) -> bool {
        !matches!(self, Recorded | Started)
    }

    /// Whether a request of this kind may go from this state to `next`.
    pub fn can_transition_to(self, kind: RequestKind, next: Self) -> bool {
        let table = match kind {
            RequestKind::Acquire => ACQUIRE,
            RequestKind::Return => RETURN,
        };
        table.iter().any(|(from, to)| *from == self && to.contains(&next))
    }
}

/// State of a machine, in EC2's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineState {
    /// Starting.
    Pending,
    /// Up, with a host name and an address.
    Running,
    /// Stopping.
    Stopping,
    /// Stopped; it still exists, and its disks are charged.
    Stopped,
    /// Terminating.
    ShuttingDown,
    /// Gone.
    Terminated,
}

/// Transitions of machines. States may be missed between two polls, so any later state may follow.
const MACHINE: &[(MachineState, &[MachineState])] = {
    use MachineState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    &[
        (Pending, &[Running, Stopping, Stopped, ShuttingDown, Terminated]),
        (Running, &[Stopping, Stopped, ShuttingDown, Terminated]),
        (Stopping, &[Stopped, Running, ShuttingDown, Terminated]),
        (Stopped, &[Pending, Running, ShuttingDown, Terminated]),
        (ShuttingDown, &[Terminated]),
        (Terminated, &[]),
    ]
};

keywords!(MachineState {
    Pending: "pending",
    Running: "running",
    Stopping: "stopping",
    Stopped: "stopped",
    ShuttingDown: "shutting-down",
    Terminated: "terminated",
});

impl MachineState {
    /// Whether the machine is terminated or terminating: it no longer counts against `maxNumber`.
    pub fn is_ending(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }

    /// Whether a machine may go from this state to `next`.
    pub fn can_transition_to(self, next: Self) -> bool {
        MACHINE.iter().any(|(from, to)| *from == self && to.contains(&next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_states_are_those_that_nothing_follows() {
        for kind in [RequestKind::Acquire, RequestKind::Return] {
            for state in RequestState::ALL {
                let follows = RequestState::ALL.iter().any(|next| state.can_transition_to(kind, *next));
                assert_eq!(follows, !state.is_final(), "{kind:?} {state:?}");
                assert!(!state.can_transition_to(kind, *state));
            }
        }
        assert!(!Started.can_transition_to(RequestKind::Return, Cancelled));
    }

    #[test]
    fn a_machine_that_is_going_never_comes_back() {
        for next in MachineState::ALL {
            assert!(!MachineState::Terminated.can_transition_to(*next));
            assert_eq!(
                MachineState::ShuttingDown.can_transition_to(*next),
                *next == MachineState::Terminated
            );
        }
    }
}
