//! What came of launches that may not be over: their machines by tag, and whether their fleets and groups launch on.

use std::collections::{BTreeMap, BTreeSet};

use ohfp_broker::provider::{Followed, Pending, Progress};
use ohfp_broker::{Deadline, Result, Timestamp};

use crate::account::AwsProvider;
use crate::api::{Called, FleetEvent, FleetState};
use crate::class::{self, Class, Purpose};
use crate::documents::{self, Resource, ResourceKind};
use crate::failure::Failure;
use crate::{batches, observed, options, tending, told};

/// Most ids of a call about fleets or groups.
const IDS: usize = 100;

/// As [`ohfp_broker::provider::Provider::progress`] says.
pub(crate) fn progress(
    aws: &AwsProvider,
    pending: &[Pending<'_>],
    now: Timestamp,
    deadline: Deadline,
) -> Result<Followed> {
    let tokens: Vec<String> = pending.iter().map(|one| one.token.to_owned()).collect();
    let mut failed = None;
    // The machines of all launches are tended together; of each launch their number is known.
    let (mut seen, mut counts) = (Vec::new(), Vec::with_capacity(tokens.len()));
    aws.asks();
    for found in aws.looker(deadline).by_tokens(&tokens) {
        counts.push(match found {
            Ok(machines) => {
                let count = machines.len();
                seen.extend(machines);
                Some(count)
            }
            Err(failure) => {
                failed.get_or_insert(failure);
                None
            }
        });
    }
    aws.saw(&seen);
    let untended = tending::tend(aws, &mut seen, now, deadline)?;
    let mut instances = seen.iter().map(observed::instance);
    let mut launches: Vec<Option<Progress>> = Vec::with_capacity(tokens.len());
    for count in counts {
        launches.push(count.map(|count| Progress {
            instances: instances.by_ref().take(count).collect(),
            ..Progress::default()
        }));
    }
    let error = |failure: Failure| told::error(&aws.name, &failure);
    if let Some(failure) = failed.take_if(|_| launches.iter().all(Option::is_none)) {
        return Err(error(failure));
    }
    let waiting = resources_of_waiting(aws, pending, &launches)?;
    if !waiting.is_empty() {
        let News { told, untold, failure, .. } = news(aws, &waiting, now, deadline);
        failed = failed.or(failure);
        for (place, id, _) in &waiting {
            let Some(Some(launch)) = launches.get_mut(*place) else { continue };
            if let Some((more, reason)) = told.get(id) {
                launch.more |= *more;
                launch.reason = launch.reason.take().or_else(|| reason.clone());
            }
            // It did launch on, and nothing says that it has stopped.
            launch.more |= untold.contains(id);
        }
    }
    Ok(Followed { launches, error: failed.map(error).or(untended) })
}

/// Resources of launches that miss machines, with the place of the launch among those asked about.
fn resources_of_waiting(
    aws: &AwsProvider,
    pending: &[Pending<'_>],
    launches: &[Option<Progress>],
) -> Result<Vec<(usize, String, Resource)>> {
    let mut waiting = Vec::new();
    let is_waiting = |(_, (one, launch)): &(usize, (&Pending<'_>, &Option<Progress>))| {
        let Some(Progress { instances, .. }) = launch else { return false };
        let alive = instances.iter().filter(|instance| !instance.state.is_ending()).count();
        !one.resource_ids.is_empty() && alive < usize::try_from(one.expected).unwrap_or(usize::MAX)
    };
    let asked: Vec<_> = pending.iter().zip(launches).enumerate().filter(is_waiting).collect();
    if asked.is_empty() {
        return Ok(waiting);
    }
    aws.documents.read(&aws.name, &mut |tx| {
        waiting.clear();
        for (place, (one, _)) in &asked {
            for id in one.resource_ids {
                if let Some(resource) = documents::resource(tx, id)?.filter(|resource| !resource.settled) {
                    waiting.push((*place, id.clone(), resource));
                }
            }
        }
        Ok(())
    })?;
    Ok(waiting)
}

/// What AWS says of fleets and groups, by id.
#[derive(Default)]
struct News {
    /// Whether each launches on, and why it has not launched all.
    told: BTreeMap<String, (bool, Option<String>)>,
    /// Those of which it could not be asked.
    untold: BTreeSet<String>,
    /// Why not, or why a reason is missing.
    failure: Option<Failure>,
    /// How many calls for reasons are left.
    reasons: usize,
    /// Each look begins with another answer, so that all get their turn of the reasons.
    turn: usize,
}

/// Most calls for reasons of one look: each is about one fleet or group. The others wait for the next looks.
const REASONS: usize = 2;

impl News {
    /// The answers about all ids, in batches. An id that AWS does not know is in none.
    fn ask<T: Send>(
        &mut self,
        ids: &[String],
        concurrent: usize,
        call: impl Fn(&[String]) -> Called<Vec<T>> + Sync,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for (batch, answer) in ids.chunks(IDS).zip(batches::run(ids, IDS, concurrent, call)) {
            match answer {
                Ok(states) => all.extend(states),
                Err(failure) if class::of(&failure, Purpose::Repeatable) == Class::NotFound => {}
                Err(failure) => {
                    self.untold.extend(batch.iter().cloned());
                    self.failure.get_or_insert(failure);
                }
            }
        }
        let first = self.turn.checked_rem(all.len()).unwrap_or(0);
        all.rotate_left(first);
        all
    }

    /// The reason that a call gives; `None`, with the failure, where it gives none, and where too many were asked for.
    fn reason(&mut self, call: impl FnOnce() -> Called<Option<String>>) -> Option<String> {
        self.reasons = self.reasons.checked_sub(1)?;
        match call() {
            Ok(reason) => reason,
            Err(failure) => {
                self.failure.get_or_insert(failure);
                None
            }
        }
    }
}

fn news(
    aws: &AwsProvider,
    waiting: &[(usize, String, Resource)],
    now: Timestamp,
    deadline: Deadline,
) -> News {
    let api = aws.api.as_ref();
    let concurrent = aws.options.of(&options::CONCURRENT_CALLS);
    let of = |kinds: &[ResourceKind]| -> Vec<String> {
        let chosen = waiting.iter().filter(|(_, _, resource)| kinds.contains(&resource.kind));
        let mut ids: Vec<String> = chosen.map(|(_, id, _)| id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let since = |id: &str| {
        let resource = waiting.iter().find(|(_, known, _)| known == id);
        resource.map_or(now, |(_, _, resource)| resource.created)
    };
    let turn = usize::try_from(now.millis()).unwrap_or(0);
    let mut news = News { reasons: REASONS, turn, ..News::default() };
    let follow =
        |news: &mut News, states: Vec<FleetState>, errors: &dyn Fn(&str) -> Called<Vec<FleetEvent>>| {
            for fleet in states {
                let reason =
                    if is_in_trouble(&fleet) { news.reason(|| errors(&fleet.id).map(last)) } else { None };
                news.told.insert(fleet.id.clone(), (launches_on(&fleet), reason));
            }
        };
    let fleets = of(&[ResourceKind::RequestFleet, ResourceKind::MaintainFleet]);
    let states = news.ask(&fleets, concurrent, |batch| api.fleets(batch, deadline));
    follow(&mut news, states, &|id| api.fleet_errors(id, since(id), deadline));
    let fleets = of(&[ResourceKind::RequestSpotFleet, ResourceKind::MaintainSpotFleet]);
    let states = news.ask(&fleets, concurrent, |batch| api.spot_fleets(batch, deadline));
    follow(&mut news, states, &|id| api.spot_fleet_errors(id, since(id), deadline));
    for group in news.ask(&of(&[ResourceKind::Group]), concurrent, |batch| api.groups(batch, deadline)) {
        let missing = group.instance_ids.len() < usize::try_from(group.desired).unwrap_or(usize::MAX);
        let failed = |messages: Vec<String>| messages.into_iter().next();
        let reason = if missing {
            news.reason(|| api.failed_activities(&group.name, deadline).map(failed))
        } else {
            None
        };
        news.told.insert(group.name.clone(), (!group.is_being_deleted, reason));
    }
    news
}

/// Whether a fleet may launch more machines.
fn launches_on(fleet: &FleetState) -> bool {
    let is_active = matches!(fleet.state.as_str(), "submitted" | "active" | "modifying");
    is_active && !(fleet.kind == "request" && fleet.activity.as_deref() == Some("fulfilled"))
}

/// Whether a fleet cannot launch what it shall.
fn is_in_trouble(fleet: &FleetState) -> bool {
    fleet.activity.as_deref() == Some("error") || fleet.activity.is_none()
}

fn last(events: Vec<FleetEvent>) -> Option<String> {
    events.into_iter().next_back().map(|event| {
        if event.description.is_empty() {
            event.kind
        } else {
            format!("{}: {}", event.kind, event.description)
        }
    })
}
