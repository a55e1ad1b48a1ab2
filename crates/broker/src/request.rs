//! A request for machines, or a return of machines.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::id::{RequestId, RequestKind};
use crate::json;
use crate::provider::LaunchRequest;
use crate::shortfall::ShortfallKind;
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
    /// Kind of the request.
    pub kind: RequestKind,
    /// The template of an acquire request; `None` for returns.
    pub template_id: Option<String>,
    /// The provider instance of an acquire request; `None` for returns, whose machines have theirs.
    pub provider: Option<String>,
    /// Number of machines; units if the request has weights.
    pub requested: u32,
    /// Weights of machine types; `None` if every machine counts as one.
    #[serde(default)]
    pub weights: Option<Weights>,
    /// The template's fields at the time of the request, kept until the outcome of the launch is known: a retry
    /// uses the same parameters even if the template has changed.
    pub launch_fields: Option<String>,
    /// User data for new machines; removed together with `launch_fields`.
    #[serde(default)]
    pub user_data: Option<UserData>,
    /// LSF's `rc_account`.
    #[serde(default)]
    pub rc_account: Option<String>,
    /// The API of the cloud that launched the machines, for example `EC2Fleet`, if it matters later.
    #[serde(default)]
    pub provider_api: Option<String>,
    /// Ids of further cloud resources of this request: fleets or reservations.
    #[serde(default)]
    pub resource_ids: Vec<String>,
    /// Whether the provider may still add machines by itself: late ones, or others in the place of machines that
    /// end. A request that is started waits for them until its deadline. One that is over stays open until its
    /// provider was told so.
    #[serde(default)]
    pub open: bool,
    /// How far it is.
    pub state: RequestState,
    /// Why it is partial or failed, or what it is waiting for.
    pub reason: Option<String>,
    /// What it got when it ended, in the same measure as `requested`; 0 before that, and for returns.
    #[serde(default)]
    pub delivered: u32,
    /// The main reason why that is less than `requested`.
    #[serde(default)]
    pub shortfall: Option<ShortfallKind>,
    /// When the intent was stored.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it ended; `None` before that.
    #[serde(default)]
    pub finished: Option<Timestamp>,
    /// When machines that are not running are abandoned.
    pub deadline: Timestamp,
    /// Number of the launch attempt; part of the idempotency token.
    pub attempt: u32,
    /// Whether a client has received the id. Machines of an unacknowledged request are released.
    pub acknowledged: bool,
    /// End of the watch for late machines; `None` if it is not watched.
    pub watch_until: Option<Timestamp>,
    /// Row version for compare-and-swap.
    pub version: i64,
}

impl Request {
    /// A new request, not stored yet.
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
            open: false,
            state: RequestState::Recorded,
            reason: None,
            delivered: 0,
            shortfall: None,
            created: now,
            updated: now,
            finished: None,
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

    /// The template of its launch, from the stored fields.
    ///
    /// # Errors
    /// The reason, to complete "the launch cannot be repeated: …": no fields are stored, or this version of ohfp does
    /// not allow them. A launch with such a field unset might cost more, or be of another kind, than was requested.
    pub fn template(&self) -> Result<Template, String> {
        let fields = self.launch_fields.as_deref().ok_or("no fields of its template are stored")?;
        let fields = json::object(fields).map_err(|error| error.to_string())?;
        Template::new(fields).map_err(|errors| errors.to_string())
    }

    /// The parameters of its launch.
    pub fn launch_of<'a>(&'a self, template: &'a Template, token: &'a str) -> LaunchRequest<'a> {
        LaunchRequest {
            request: &self.id,
            created: self.created,
            template,
            count: self.requested,
            user_data: self.user_data.as_ref(),
            rc_account: self.rc_account.as_deref(),
            token,
        }
    }

    /// Drops the data that only the launch needs.
    pub fn forget_launch(&mut self) {
        self.launch_fields = None;
        self.user_data = None;
    }

    /// "machines" or "units": what `requested` counts.
    pub fn noun(&self) -> &'static str {
        weights::noun(self.weights.as_ref())
    }

    /// Changes the state; refuses a transition that is not in the table.
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
        if next.is_final() {
            self.finished.get_or_insert(now);
        }
        Ok(())
    }

    /// Notes what an acquire request that has ended got, and why that is less than it asked for.
    pub fn fell_short(&mut self, delivered: u64, kind: ShortfallKind) {
        self.delivered = u32::try_from(delivered).unwrap_or(u32::MAX);
        self.shortfall = (self.delivered < self.requested).then_some(kind);
    }
}
