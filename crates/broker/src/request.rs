//! A request for machines, or for giving them back.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::id::{RequestId, RequestKind};
use crate::provider::LaunchRequest;
use crate::state::RequestState;
use crate::template::Template;
use crate::time::Timestamp;
use crate::user_data::UserData;
use crate::weights::{self, Weights};

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
    /// How many machines; units where the request has weights.
    pub requested: u32,
    /// What machines of each type are worth; `None` where every machine counts as one.
    #[serde(default)]
    pub weights: Option<Weights>,
    /// The template's fields as they were when the request was made, until its launch is settled: a launch is
    /// tried again with the very same parameters, also when the template has changed or gone.
    pub launch_fields: Option<String>,
    /// What the scheduler wants new machines to be told. It goes with `launch_fields` once the launch is settled.
    #[serde(default)]
    pub user_data: Option<UserData>,
    /// For whom the scheduler borrows the machines: LSF's `rc_account`.
    #[serde(default)]
    pub rc_account: Option<String>,
    /// The call of the cloud that made the machines, for example `EC2Fleet`, where it matters later.
    #[serde(default)]
    pub provider_api: Option<String>,
    /// What the cloud made for this request beside machines: ids of fleets or reservations.
    #[serde(default)]
    pub resource_ids: Vec<String>,
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
            weights: None,
            launch_fields: None,
            user_data: None,
            rc_account: None,
            provider_api: None,
            resource_ids: Vec::new(),
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

    /// What its launch asks of the provider.
    pub fn launch_of<'a>(&'a self, template: &'a Template, token: &'a str) -> LaunchRequest<'a> {
        LaunchRequest {
            template,
            count: self.requested,
            user_data: self.user_data.as_ref(),
            rc_account: self.rc_account.as_deref(),
            token,
        }
    }

    /// Lets go of what only its launch needed.
    pub fn forget_launch(&mut self) {
        self.launch_fields = None;
        self.user_data = None;
    }

    /// "machines" or "units": what `requested` counts.
    pub fn noun(&self) -> &'static str {
        weights::noun(self.weights.as_ref())
    }

    /// Goes to another state; refuses a transition that is not in the table.
    pub fn transition_to(
        &mut self,
        next: RequestState,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<()> {
        if !self.state.can_transition_to(self.kind, next) {
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
