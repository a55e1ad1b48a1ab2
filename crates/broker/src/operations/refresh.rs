//! Refreshing requests: observes their machines and decides whether they are finished.

use std::collections::{BTreeMap, HashMap};

use super::{Broker, TRIES, WATCH_SECONDS, completion, contended};
use crate::error::{Error, Result};
use crate::id::{MachineId, RequestId, RequestKind};
use crate::json;
use crate::machine::{Ending, Machine};
use crate::provider::{Instance, LaunchFailure};
use crate::state::RequestState;
use crate::store::{Applied, Change};
use crate::template::Template;
use crate::time::Timestamp;
use crate::with_machines::RequestWithMachines;

/// The reports of providers, by machine, and the providers that could not be reached.
#[derive(Default)]
pub(super) struct Observations {
    /// Machines that the provider has.
    seen: HashMap<MachineId, Instance>,
    /// Milliseconds for which a new machine may be invisible, by provider that answered.
    answered: BTreeMap<String, i64>,
    /// Providers that did not answer, with the error.
    pub(super) silent: BTreeMap<String, Error>,
}

impl Observations {
    /// Updates a machine from the observations; returns whether it has changed.
    pub(super) fn apply_to(&self, machine: &mut Machine, now: Timestamp) -> bool {
        if machine.is_gone() {
            return false;
        }
        match (self.seen.get(&machine.id), self.answered.get(&machine.provider)) {
            (Some(instance), _) => machine.observe(instance, now),
            (None, Some(consistency)) if now.millis_since(machine.launched) > *consistency => {
                machine.lost(now);
                true
            }
            _ => false,
        }
    }
}

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
        let (refreshed, errors) = self.refresh(known, true, now)?;
        let mut refreshed: Vec<Option<RequestWithMachines>> = refreshed.into_iter().map(Some).collect();
        let mut view_at = |place: usize| {
            let view = refreshed.get_mut(place)?;
            if is_each_once { view.take() } else { view.clone() }
        };
        Ok((places.into_iter().map(|place| view_at(place?)).collect(), errors))
    }

    /// Refreshes requests from their providers and stores the changes; returns them in the same order, with the
    /// errors of providers that could not be reached, whose machines keep their state.
    pub(super) fn refresh(
        &self,
        views: Vec<RequestWithMachines>,
        acknowledge: bool,
        now: Timestamp,
    ) -> Result<(Vec<RequestWithMachines>, Vec<Error>)> {
        let mut errors = Vec::new();
        let mut current = Vec::with_capacity(views.len());
        for view in views {
            current.push(self.carry_on(view, now, &mut errors)?);
        }
        let machines = current.iter().flat_map(|view| &view.machines);
        let sightings = self.observe(machines, now);
        errors.extend(sightings.silent.values().cloned());
        let mut done = Vec::with_capacity(current.len());
        for view in current {
            done.push(self.bring_up_to_date(view, &sightings, acknowledge, now, &mut errors)?);
        }
        Ok((done, errors))
    }

    /// Describes all machines that are not gone, with one call per provider.
    pub(super) fn observe<'m>(
        &self,
        machines: impl Iterator<Item = &'m Machine>,
        now: Timestamp,
    ) -> Observations {
        let mut wanted: BTreeMap<&str, Vec<MachineId>> = BTreeMap::new();
        for machine in machines.filter(|machine| !machine.is_gone()) {
            wanted.entry(&machine.provider).or_default().push(machine.id.clone());
        }
        let mut sightings = Observations::default();
        for (name, mut ids) in wanted {
            ids.sort_unstable();
            ids.dedup();
            let answer = self.providers.get(name).and_then(|provider| {
                let seen = provider.describe(&ids, now)?;
                Ok((provider.capabilities().consistency_millis, seen))
            });
            match answer {
                Ok((consistency, seen)) => {
                    sightings.answered.insert(name.to_owned(), consistency);
                    sightings.seen.extend(seen.into_iter().map(|instance| (instance.id.clone(), instance)));
                }
                Err(error) => {
                    sightings.silent.insert(name.to_owned(), error);
                }
            }
        }
        sightings
    }

    /// Repeats a launch or a release that an earlier process may not have finished.
    fn carry_on(
        &self,
        view: RequestWithMachines,
        now: Timestamp,
        errors: &mut Vec<Error>,
    ) -> Result<RequestWithMachines> {
        if view.request.state != RequestState::Recorded {
            return Ok(view);
        }
        match view.request.kind {
            RequestKind::Return => self.release_recorded(view, now, errors),
            RequestKind::Acquire if now >= view.request.deadline => self.give_up_launch(&view, now, errors),
            RequestKind::Acquire => self.launch_again(view, now, errors),
        }
    }

    fn launch_again(
        &self,
        view: RequestWithMachines,
        now: Timestamp,
        errors: &mut Vec<Error>,
    ) -> Result<RequestWithMachines> {
        let request = &view.request;
        let fields = request.launch_fields.as_deref().and_then(|fields| json::object(fields).ok());
        let Some(template) = fields.and_then(Template::from_fields) else {
            return self.give_up_launch(&view, now, errors);
        };
        let provider = match self.providers.get(request.provider.as_deref().unwrap_or_default()) {
            Ok(provider) => provider,
            Err(error) => {
                errors.push(error);
                return Ok(view);
            }
        };
        let token = request.token();
        let launch = provider.launch(&request.launch_of(&template, &token), now);
        // That this attempt launched no machine proves nothing about an earlier one.
        let launch = launch.map_err(|failure| match failure {
            LaunchFailure::Unreachable(error) => LaunchFailure::Unknown(error),
            other => other,
        });
        let id = request.id.clone();
        self.record_launch(&id, &template, &launch, now)?;
        self.reload(&id)
    }

    /// Ends a request whose launch was never confirmed; machines that exist nevertheless are released.
    pub(super) fn give_up_launch(
        &self,
        view: &RequestWithMachines,
        now: Timestamp,
        errors: &mut Vec<Error>,
    ) -> Result<RequestWithMachines> {
        let waiting = view.request.reason.clone().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let why = format!("the launch was not confirmed in time{waiting}");
        let id = view.request.id.clone();
        self.end(&id, RequestState::Failed, &why, now)?;
        self.release_late(&id, now, errors)?;
        self.reload(&id)
    }

    /// Ends an unfinished acquire request and marks its machines as released. Returns whether it did.
    pub(super) fn end(&self, id: &RequestId, state: RequestState, why: &str, now: Timestamp) -> Result<bool> {
        for _ in 0..TRIES {
            let view = self.reload(id)?;
            let mut request = view.request;
            if request.state.is_final() {
                return Ok(false);
            }
            request.transition_to(state, Some(why.to_owned()), now)?;
            request.forget_launch();
            request.watch_until = Some(now.plus_seconds(WATCH_SECONDS));
            let machines = view.machines.into_iter().filter(|machine| machine.ending.is_none());
            let machines = machines
                .map(|mut machine| {
                    machine.released(Some(why), now);
                    machine
                })
                .collect();
            if self.store.apply(&Change { request: Some(request), machines })? == Applied::Stored {
                return Ok(true);
            }
        }
        Err(contended(id))
    }

    /// Applies observations, decides completion, stores the result, and terminates released machines.
    fn bring_up_to_date(
        &self,
        mut view: RequestWithMachines,
        sightings: &Observations,
        acknowledge: bool,
        now: Timestamp,
        errors: &mut Vec<Error>,
    ) -> Result<RequestWithMachines> {
        for _ in 0..TRIES {
            let change = changes(&mut view, sightings, acknowledge, now)?;
            if change.request.is_none() && change.machines.is_empty() {
                break;
            }
            let stored = self.store.apply(&change)?;
            // The stored versions are one higher; what follows reads them again if it needs them.
            view = self.reload(&view.request.id)?;
            if stored == Applied::Stored {
                break;
            }
        }
        self.end_released(&view.machines, now, errors);
        Ok(view)
    }

    /// Terminates machines that are marked as released but not terminating.
    pub(super) fn end_released(&self, machines: &[Machine], now: Timestamp, errors: &mut Vec<Error>) {
        let mut wanted: BTreeMap<&str, Vec<MachineId>> = BTreeMap::new();
        let unheard = machines
            .iter()
            .filter(|machine| machine.ending == Some(Ending::Released) && !machine.state.is_ending());
        for machine in unheard {
            wanted.entry(&machine.provider).or_default().push(machine.id.clone());
        }
        for (name, ids) in wanted {
            let told = self.providers.get(name).and_then(|provider| provider.release(&ids, now));
            errors.extend(told.err());
        }
    }
}

/// Derives the changes of a request from observations and time. Machines are changed in place: if the change
/// cannot be stored, the request is read again.
fn changes(
    view: &mut RequestWithMachines,
    sightings: &Observations,
    acknowledge: bool,
    now: Timestamp,
) -> Result<Change> {
    let machines = &mut view.machines;
    let mut changed: Vec<bool> =
        machines.iter_mut().map(|machine| sightings.apply_to(machine, now)).collect();
    let mut request = view.request.clone();
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
            RequestKind::Acquire => completion::of_acquire(&request, machines),
            RequestKind::Return => completion::of_return(&request, machines, past),
        };
        if let Some((state, reason)) = end {
            request.transition_to(state, reason, now)?;
            if past {
                request.watch_until = Some(now.plus_seconds(WATCH_SECONDS));
            }
        }
    }
    request.acknowledged |= acknowledge;
    let machines = machines.iter().zip(changed);
    Ok(Change {
        request: (request != view.request).then_some(request),
        machines: machines.filter(|(_, changed)| *changed).map(|(machine, _)| machine.clone()).collect(),
    })
}
