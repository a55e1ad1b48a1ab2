//! A request for machines, or for giving them back.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::id::{RequestId, RequestKind};
use crate::machine::Machine;
use crate::state::RequestState;
use crate::time::Timestamp;

/// One request, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// What it asks for.
    pub kind: RequestKind,
    /// The template of an acquire request; nothing for returns.
    pub template_id: Option<String>,
    /// The provider instance that an acquire request goes to; nothing for returns, whose machines know theirs.
    pub provider: Option<String>,
    /// How many machines.
    pub requested: u32,
    /// The template's fields as they were when the request was made, until its launch is settled: a launch is
    /// tried again with the very same parameters, also when the template has changed or gone.
    pub order: Option<String>,
    /// How far it is.
    pub state: RequestState,
    /// Why it is partial or failed, or what it waits for.
    pub reason: Option<String>,
    /// When the intent was stored.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When what is not there yet is given up.
    pub deadline: Timestamp,
    /// Which launch this is; part of the token that makes launches idempotent.
    pub attempt: u32,
    /// Whether somebody was told the id. Machines of a request nobody knows of are released.
    pub acknowledged: bool,
    /// Until when machines may still turn up that the provider did not confirm.
    pub watch_until: Option<Timestamp>,
    /// Counts changes: whoever stores one must have seen the one before.
    pub version: i64,
}

impl Request {
    /// A new request, its intent not stored yet.
    pub fn new(
        id: RequestId,
        kind: RequestKind,
        requested: u32,
        now: Timestamp,
        deadline: Timestamp,
    ) -> Self {
        Self {
            id,
            kind,
            template_id: None,
            provider: None,
            requested,
            order: None,
            state: RequestState::Recorded,
            reason: None,
            created: now,
            updated: now,
            deadline,
            attempt: 1,
            acknowledged: false,
            watch_until: None,
            version: 0,
        }
    }

    /// The token of the current attempt.
    pub fn token(&self) -> String {
        self.id.token(self.attempt)
    }

    /// Goes to another state; refuses a transition that is not in the table.
    pub fn become_state(&mut self, next: RequestState, reason: Option<String>, now: Timestamp) -> Result<()> {
        if !self.state.may_become(self.kind, next) {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("request {} is {}; it cannot become {}", self.id, self.state.name(), next.name()),
            ));
        }
        self.state = next;
        self.reason = reason;
        self.updated = now;
        Ok(())
    }
}

/// A request with its machines: those it made, or those it gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The request.
    pub request: Request,
    /// Its machines, in the order they were recorded.
    pub machines: Vec<Machine>,
}
