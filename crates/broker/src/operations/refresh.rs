//! Refreshing requests: observes their machines and decides whether they are finished.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::observe::{News, Observations, own};
use super::pass::Pass;
use super::settle::{released, wind_up};
use super::sweep::latecomers;
use super::{Broker, TRIES, completion, contended};
use crate::error::{Error, Result};
use crate::id::{MachineId, RequestId, RequestKind};
use crate::machine::{Ending, Machine};
use crate::provider::{Detail, LaunchFailure, Releasing};
use crate::request::Request;
use crate::shortfall::ShortfallKind;
use crate::state::RequestState;
use crate::store::{Applied, Change};
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

impl Broker<'_> {
    /// The current requests by id; `None` for an unknown id. A client that polls a request knows its id, so the
    /// request is acknowledged.
    pub fn status(
        &self,
        ids: &[RequestId],
        now: Timestamp,
    ) -> Result<(Vec<Option<RequestWithMachines>>, Vec<Error>)> {
        // An id may occur twice in the input.
        let mut places = Vec::with_capacity(ids.len());
        let mut known: Vec<RequestWithMachines> = Vec::new();
        let mut place_of = HashMap::new();
        for view in self.store.views(ids)? {
            places.push(view.map(|view| {
                *place_of.entry(view.request.id.clone()).or_insert_with(|| {
                    known.push(view);
                    known.len() - 1
                })
            }));
        }
        let is_each_once = places.iter().flatten().count() == known.len();
        let mut pass = self.pass(now);
        let refreshed = pass.refresh(known, true)?;
        let mut refreshed: Vec<Option<RequestWithMachines>> = refreshed.into_iter().map(Some).collect();
        let mut view_at = |place: usize| {
            let view = refreshed.get_mut(place)?;
            if is_each_once { view.take() } else { view.clone() }
        };
        Ok((places.into_iter().map(|place| view_at(place?)).collect(), pass.errors))
    }
}

impl Pass<'_> {
    /// Refreshes requests from their providers and stores the changes; returns them in the same order. Machines of
    /// providers that could not be reached keep their state.
    fn refresh(
        &mut self,
        views: Vec<RequestWithMachines>,
        acknowledge: bool,
    ) -> Result<Vec<RequestWithMachines>> {
        let mut current = Vec::with_capacity(views.len());
        for view in views {
            current.push(self.carry_on(view)?);
        }
        let open = current.iter().map(|view| &view.request).filter(|request| request.waits_for_more());
        let machines = current.iter().flat_map(|view| &view.machines);
        let observations = self.observe(open, machines, Detail::State);
        let mut done = Vec::with_capacity(current.len());
        for view in current {
            let view = self.bring_up_to_date(view, &observations, acknowledge)?;
            self.end_released(&view.machines);
            done.push(view);
        }
        Ok(done)
    }

    /// Does again what a process before may not have finished: a launch, or a release.
    pub(super) fn carry_on(&mut self, view: RequestWithMachines) -> Result<RequestWithMachines> {
        if view.request.state != RequestState::Recorded {
            return Ok(view);
        }
        match view.request.kind {
            RequestKind::Return => self.release_recorded(view),
            RequestKind::Acquire if self.now >= view.request.deadline => self.give_up_launch(&view),
            RequestKind::Acquire => self.launch_again(view),
        }
    }

    fn launch_again(&mut self, view: RequestWithMachines) -> Result<RequestWithMachines> {
        let request = &view.request;
        let template = match request.template() {
            Ok(template) => template,
            Err(why) => {
                return self.abandon_launch(&view, &format!("the launch cannot be repeated: {why}"));
            }
        };
        let provider = self.broker.providers.get(request.provider.as_deref().unwrap_or_default());
        let Some(provider) = self.noted(provider) else { return Ok(view) };
        let token = request.token();
        let launch = provider.launch(&request.launch_of(&template, &token), self.now, self.broker.deadline);
        // That this try made nothing says nothing about the one before.
        let launch = launch.map_err(|failure| match failure {
            LaunchFailure::Unreachable(error) => LaunchFailure::Unknown(error),
            other => other,
        });
        let id = request.id.clone();
        self.record_launch(&id, &template, &provider.identity(), &launch)?;
        self.broker.reload(&id)
    }

    /// Ends a request whose launch was never confirmed; machines that exist nevertheless are released.
    pub(super) fn give_up_launch(&mut self, view: &RequestWithMachines) -> Result<RequestWithMachines> {
        let waiting = view.request.reason.clone().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let why = format!("the launch was not confirmed in time{waiting}");
        self.abandon_launch(view, &why)
    }

    fn abandon_launch(&mut self, view: &RequestWithMachines, why: &str) -> Result<RequestWithMachines> {
        let id = view.request.id.clone();
        self.end(&id, ShortfallKind::Unconfirmed, why)?;
        self.release_late(&id)?;
        self.broker.reload(&id)
    }

    /// Ends an unfinished acquire request, which is cancelled or has failed by its `kind`, and marks its machines as
    /// released. Returns whether it did.
    pub(super) fn end(&self, id: &RequestId, kind: ShortfallKind, why: &str) -> Result<bool> {
        let is_cancelled = kind == ShortfallKind::Cancelled;
        let state = if is_cancelled { RequestState::Cancelled } else { RequestState::Failed };
        for _ in 0..TRIES {
            let view = self.broker.reload(id)?;
            let mut request = view.request;
            if request.state.is_final() {
                return Ok(false);
            }
            // A launch that was not confirmed may have created anything.
            request.open |= request.state == RequestState::Recorded && request.kind == RequestKind::Acquire;
            request.transition_to(state, Some(why.to_owned()), self.now)?;
            request.fell_short(0, kind);
            wind_up(&mut request, true, self.now);
            let machines = released(view.machines, why, self.now);
            if self.broker.store.apply(&Change { request: Some(request), machines })? == Applied::Stored {
                return Ok(true);
            }
        }
        Err(contended(id))
    }

    /// Applies what was observed, finishes the request where it is over, and stores that. What is marked as released is
    /// to be terminated then.
    pub(super) fn bring_up_to_date(
        &self,
        mut view: RequestWithMachines,
        observations: &Observations,
        acknowledge: bool,
    ) -> Result<RequestWithMachines> {
        for _ in 0..TRIES {
            let change = changes(&mut view, observations, acknowledge, self.now)?;
            if change.request.is_none() && change.machines.is_empty() {
                break;
            }
            let stored = self.broker.store.apply(&change)?;
            // The stored versions are one higher; what follows reads them again if it needs them.
            view = self.broker.reload(&view.request.id)?;
            if stored == Applied::Stored {
                break;
            }
        }
        Ok(view)
    }

    /// Terminates machines that are marked as released but not terminating.
    pub(super) fn end_released<'m>(&mut self, machines: impl IntoIterator<Item = &'m Machine>) {
        let mut wanted: BTreeMap<&str, Vec<&Machine>> = BTreeMap::new();
        let unheard = machines
            .into_iter()
            .filter(|machine| machine.ending == Some(Ending::Released) && !machine.state.is_ending());
        for machine in unheard {
            wanted.entry(&machine.provider).or_default().push(machine);
        }
        for (name, machines) in wanted {
            let Some(provider) = self.noted(self.broker.providers.get(name)) else { continue };
            let (own, foreign) = own(provider.as_ref(), machines, "terminated");
            self.errors.extend(foreign);
            let releasing: Vec<Releasing<'_>> = own.into_iter().map(Releasing::from).collect();
            if !releasing.is_empty() {
                self.noted(provider.release(&releasing, self.now, self.broker.deadline));
            }
        }
    }
}

/// What was observed and the clock change about a request. Its machines are changed at once: where that cannot be
/// stored, all of it is read again.
fn changes(
    view: &mut RequestWithMachines,
    observations: &Observations,
    acknowledge: bool,
    now: Timestamp,
) -> Result<Change> {
    let machines = &mut view.machines;
    let mut request = view.request.clone();
    let weights = request.weights.as_ref();
    let mut changed: Vec<bool> =
        machines.iter_mut().map(|machine| observations.apply_to(machine, weights, now)).collect();
    if let Some(news) = observations.news_of(&request) {
        let came = arrivals(&request, machines, &news, now);
        changed.resize(machines.len() + came.len(), true);
        machines.extend(came);
        if request.waits_for_more() {
            request.open = news.more;
            if news.reason.is_some() {
                request.reason = news.reason.map(str::to_owned);
            }
        }
    }
    let past = now >= request.deadline;
    if request.state == RequestState::Started {
        if request.kind == RequestKind::Acquire && past {
            for (machine, changed) in machines.iter_mut().zip(&mut changed) {
                // Its provider did not answer, so it may be running; it is abandoned nevertheless, since the
                // scheduler stops polling.
                if machine.is_starting() {
                    machine.released(Some("did not come up before the deadline"), now);
                    *changed = true;
                }
            }
        }
        let end = match request.kind {
            RequestKind::Acquire => completion::of_acquire(&request, machines, past),
            RequestKind::Return => completion::of_return(&request, machines, past),
        };
        if let Some(end) = end {
            completion::end(&mut request, machines, end, now)?;
            wind_up(&mut request, past, now);
        }
    }
    request.acknowledged |= acknowledge;
    let machines = machines.iter().zip(changed);
    Ok(Change {
        request: (request != view.request).then_some(request),
        machines: machines.filter(|(_, changed)| *changed).map(|(machine, _)| machine.clone()).collect(),
    })
}

/// Machines of a launch that its request does not know of: adopted while it waits for them, released once it is
/// over.
fn arrivals(request: &Request, known: &[Machine], news: &News<'_>, now: Timestamp) -> Vec<Machine> {
    let instances = news.instances.iter().copied();
    if request.state.is_final() {
        return latecomers(request, known, instances, news.identity, now);
    }
    let ids: HashSet<&MachineId> = known.iter().map(|machine| &machine.id).collect();
    let mut new = instances.filter(|instance| !ids.contains(&instance.id)).peekable();
    if new.peek().is_none() {
        return Vec::new();
    }
    let tags = tags_of(request, known);
    new.map(|instance| Machine::from_instance(instance, request, news.identity, tags.as_deref(), now))
        .collect()
}

/// The tags that machines of a request have.
fn tags_of(request: &Request, known: &[Machine]) -> Option<String> {
    if let Some(machine) = known.first() {
        return machine.tags.clone();
    }
    let template = request.template().ok()?;
    template.spec().tags.as_ref().map(|tags| tags.text().to_owned())
}
