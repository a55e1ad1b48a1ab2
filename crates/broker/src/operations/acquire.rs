//! Requesting machines.

use std::sync::Arc;

use super::pass::Pass;
use super::settle::wind_up;
use super::{Broker, completion, contended};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RequestId, RequestKind};
use crate::launch_spec::Tags;
use crate::machine::Machine;
use crate::provider::{Identity, LaunchFailure, Launched, Plan, Provider};
use crate::request::Request;
use crate::shortfall::ShortfallKind;
use crate::state::RequestState;
use crate::store::{Admission, Applied, Change};
use crate::template::{MaxNumber, Template};
use crate::time::Timestamp;
use crate::user_data::UserData;
use crate::weights::{self, Weights};

/// The parameters of a request.
#[derive(Clone, Debug)]
pub struct Acquisition<'t> {
    /// The new request's id.
    pub id: RequestId,
    /// The template.
    pub template: &'t Template,
    /// The provider instance that launches them.
    pub provider: String,
    /// Number of machines; units if the template has weights.
    pub count: u64,
    /// LSF's `rc_account`.
    pub rc_account: Option<String>,
    /// User data for the machines.
    pub user_data: Option<UserData>,
}

/// An accepted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: RequestId,
    /// Lifecycle state.
    pub state: RequestState,
    /// Why it is not fulfilled as requested; `None` if it is.
    pub reason: Option<String>,
}

/// The effect that a request would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// Name of the provider instance.
    pub provider: String,
    /// The provider's plan.
    pub plan: Plan,
    /// Machines of the template that exist or are being launched; units if it has weights.
    pub existing: u64,
    /// The template's limit.
    pub limit: MaxNumber,
}

impl Broker<'_> {
    /// Requests machines. Returns as soon as the provider has accepted the launch; later polls observe the
    /// machines.
    pub fn acquire(&self, asked: &Acquisition<'_>, now: Timestamp) -> Result<Accepted> {
        let (provider, count) = self.check(asked)?;
        provider.plan(asked.template, count)?;
        let deadline = now.plus_seconds(self.policy.fulfillment_timeout);
        let mut request = Request::new(asked.id.clone(), RequestKind::Acquire, count, now, deadline);
        request.template_id = Some(asked.template.id().to_owned());
        request.provider = Some(asked.provider.clone());
        request.weights = Weights::of(asked.template);
        request.launch_fields = serde_json::to_string(asked.template.fields()).ok();
        request.rc_account.clone_from(&asked.rc_account);
        request.user_data.clone_from(&asked.user_data);
        match self.store.admit(&request, asked.template.limit())? {
            Admission::Admitted => {}
            Admission::Full { existing } => return Err(full(asked.template, existing, asked.count)),
        }
        // From here on the intent is durable: if this process ends, a later one continues.
        let token = request.token();
        let launch = provider.launch(&request.launch_of(asked.template, &token), now, self.deadline);
        let unreachable = match &launch {
            Err(LaunchFailure::Unreachable(error)) => Some(error.clone()),
            _ => None,
        };
        let pass = self.pass(now);
        let request = pass.record_launch(&asked.id, asked.template, &provider.identity(), &launch)?;
        match unreachable {
            // No machine was launched, so the scheduler should retry.
            Some(error) => Err(error),
            None => Ok(Accepted { id: request.id, state: request.state, reason: request.reason }),
        }
    }

    /// Checks a request and returns the effect that it would have. Changes no state.
    pub fn dry_run(&self, asked: &Acquisition<'_>) -> Result<DryRun> {
        let (provider, count) = self.check(asked)?;
        let plan = provider.plan(asked.template, count)?;
        let existing = self.store.demand(asked.template.id())?;
        let limit = asked.template.limit();
        if let MaxNumber::AtMost(most) = limit
            && existing.saturating_add(asked.count) > most
        {
            return Err(full(asked.template, existing, asked.count));
        }
        Ok(DryRun { provider: asked.provider.clone(), plan, existing, limit })
    }

    fn check(&self, asked: &Acquisition<'_>) -> Result<(Arc<dyn Provider>, u32)> {
        let most = self.policy.max_machines_per_request;
        if asked.count == 0 {
            return Err(Error::new(ErrorKind::Input, "the number of machines must be at least 1, not 0"));
        }
        if asked.count > most {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("a request may ask for at most {most} machines, not {}", asked.count),
            )
            .hint("`request.max_machines_per_request` in config.json is that limit"));
        }
        if asked.template.limit() == MaxNumber::AtMost(0) {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("template `{}` offers no machines: its maxNumber is 0", asked.template.id()),
            ));
        }
        let provider = self.providers.get(&asked.provider)?;
        let largest = provider.capabilities().largest_launch;
        match u32::try_from(asked.count) {
            Ok(count) if count <= largest => Ok((provider, count)),
            _ => Err(Error::new(
                ErrorKind::Refused,
                format!("provider `{}` launches at most {largest} machines at once", asked.provider),
            )),
        }
    }
}

impl Pass<'_> {
    /// Stores the outcome of a launch and returns the updated request. If two processes have launched with the
    /// same token, they got the same machines, and the second one finds the outcome recorded.
    pub(super) fn record_launch(
        &self,
        id: &RequestId,
        template: &Template,
        identity: &Identity,
        launch: &Result<Launched, LaunchFailure>,
    ) -> Result<Request> {
        let now = self.now;
        for _ in 0..super::TRIES {
            let view = self.broker.reload(id)?;
            let mut request = view.request;
            if request.state != RequestState::Recorded {
                // Another process has recorded the outcome. Release any instance that it did not record.
                if let Ok(launched) = launch {
                    self.release_latecomers(&request, &view.machines, &launched.instances, identity)?;
                }
                return Ok(request);
            }
            let machines = match launch {
                Ok(launched) => outcome(&mut request, template, identity, launched, now)?,
                Err(LaunchFailure::NoCapacity(why)) => {
                    fail(&mut request, why.clone(), ShortfallKind::Capacity, now)?;
                    Vec::new()
                }
                Err(LaunchFailure::Refused(error) | LaunchFailure::Unreachable(error)) => {
                    let unreachable = matches!(launch, Err(LaunchFailure::Unreachable(_)));
                    let kind = if unreachable { ShortfallKind::Unreachable } else { ShortfallKind::Refused };
                    fail(&mut request, error.summary(), kind, now)?;
                    // No machine was made; of what comes before machines the provider is told that it is not needed.
                    request.open = unreachable;
                    Vec::new()
                }
                Err(LaunchFailure::Unknown(error)) => {
                    let reason = Some(format!("waiting for the provider: {}", error.summary()));
                    if request.reason == reason {
                        return Ok(request);
                    }
                    request.reason = reason;
                    request.updated = now;
                    Vec::new()
                }
            };
            let change = Change { request: Some(request.clone()), machines };
            if self.broker.store.apply(&change)? == Applied::Stored {
                return Ok(request);
            }
        }
        Err(contended(id))
    }
}

/// The request and its machines after a launch that the provider confirmed.
fn outcome(
    request: &mut Request,
    template: &Template,
    identity: &Identity,
    launched: &Launched,
    now: Timestamp,
) -> Result<Vec<Machine>> {
    let tags = template.spec().tags.as_ref().map(Tags::text);
    let machines: Vec<Machine> = launched
        .instances
        .iter()
        .map(|instance| Machine::from_instance(instance, request, identity, tags, now))
        .collect();
    request.open = launched.more;
    request.resource_ids.clone_from(&launched.resource_ids);
    let made: u64 = machines.iter().map(|machine| u64::from(machine.units)).sum();
    let is_short = made < u64::from(request.requested);
    if machines.is_empty() && !launched.more {
        let why = launched.shortfall.clone().unwrap_or_else(|| "the provider made no machine".to_owned());
        request.transition_to(RequestState::Failed, Some(why), now)?;
        request.fell_short(0, ShortfallKind::Capacity);
        wind_up(request, is_short, now);
        return Ok(Vec::new());
    }
    request.transition_to(RequestState::Started, launched.shortfall.clone(), now)?;
    if launched.more {
        // The template's fields stay: machines that come later have its tags.
        request.user_data = None;
    } else {
        request.forget_launch();
        if is_short {
            // The provider accepted the launch all the same: machines that it makes later belong to no request.
            request.watch_until = Some(now.plus_seconds(super::WATCH_SECONDS));
        }
    }
    // Some providers have machines up at once.
    if let Some(end) = completion::of_acquire(request, &machines, false) {
        completion::end(request, &machines, end, now)?;
        wind_up(request, is_short, now);
    }
    Ok(machines)
}

fn fail(request: &mut Request, why: String, kind: ShortfallKind, now: Timestamp) -> Result<()> {
    request.forget_launch();
    request.transition_to(RequestState::Failed, Some(why), now)?;
    request.fell_short(0, kind);
    Ok(())
}

fn full(template: &Template, existing: u64, count: u64) -> Error {
    let allowed = match template.limit() {
        MaxNumber::AtMost(most) => most,
        MaxNumber::Unlimited => u64::MAX,
    };
    let slots = template.spec().slots_per_machine().filter(|slots| *slots > 1);
    let product = slots.map(|slots| format!(" (maxNumber {} × ncpus {slots})", template.max_number()));
    Error::new(
        ErrorKind::Refused,
        format!(
            "template `{}` allows {allowed} {}{} and {existing} exist or are on their way: {count} more are too many",
            template.id(),
            weights::noun(Weights::of(template).as_ref()),
            product.unwrap_or_default()
        ),
    )
    .hint("return machines first, or raise the template's maxNumber")
}
