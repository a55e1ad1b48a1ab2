//! What came of launches that may not be over: their machines by tag, and whether their fleets and groups launch on.

use std::collections::BTreeMap;

use ohfp_broker::provider::{Pending, Progress};
use ohfp_broker::{Deadline, Result, Timestamp};

use crate::account::AwsProvider;
use crate::api::{Called, FleetEvent, FleetState, GroupState};
use crate::documents::{self, Resource, ResourceKind};
use crate::failure::Failure;
use crate::{batches, observed, options, told};

/// Most ids of a call about fleets or groups.
const IDS: usize = 100;

/// As [`ohfp_broker::provider::Provider::progress`] says.
pub(crate) fn progress(
    aws: &AwsProvider,
    pending: &[Pending<'_>],
    now: Timestamp,
    deadline: Deadline,
) -> Result<Vec<Progress>> {
    let tokens: Vec<String> = pending.iter().map(|one| one.token.to_owned()).collect();
    let found = aws.looker(deadline).by_tokens(&tokens);
    let mut found = found.map_err(|failure| told::error(&aws.name, &failure))?;
    let mut answers: Vec<Progress> = tokens
        .iter()
        .map(|token| {
            let machines = found.remove(token).unwrap_or_default();
            let instances = machines.iter().map(observed::instance).collect();
            Progress { instances, more: false, reason: None }
        })
        .collect();
    let waiting = resources_of_waiting(aws, pending, &answers)?;
    if waiting.is_empty() {
        return Ok(answers);
    }
    let news = news(aws, &waiting, now, deadline).map_err(|failure| told::error(&aws.name, &failure))?;
    for (place, id, _) in &waiting {
        if let (Some(answer), Some((more, reason))) = (answers.get_mut(*place), news.get(id)) {
            answer.more |= *more;
            answer.reason = answer.reason.take().or_else(|| reason.clone());
        }
    }
    Ok(answers)
}

/// Resources of launches that miss machines, with the place of the launch among those asked about.
fn resources_of_waiting(
    aws: &AwsProvider,
    pending: &[Pending<'_>],
    answers: &[Progress],
) -> Result<Vec<(usize, String, Resource)>> {
    let mut waiting = Vec::new();
    let is_waiting = |(_, (one, answer)): &(usize, (&Pending<'_>, &Progress))| {
        let alive = answer.instances.iter().filter(|instance| !instance.state.is_ending()).count();
        !one.resource_ids.is_empty() && alive < usize::try_from(one.expected).unwrap_or(usize::MAX)
    };
    let asked: Vec<_> = pending.iter().zip(answers).enumerate().filter(is_waiting).collect();
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

type News = BTreeMap<String, (bool, Option<String>)>;

/// Whether each launches on, and why it has not launched all.
fn news(
    aws: &AwsProvider,
    waiting: &[(usize, String, Resource)],
    now: Timestamp,
    deadline: Deadline,
) -> Called<News> {
    let api = aws.api.as_ref();
    let of = |kinds: &[ResourceKind]| -> Vec<String> {
        let chosen = waiting.iter().filter(|(_, _, resource)| kinds.contains(&resource.kind));
        let mut ids: Vec<String> = chosen.map(|(_, id, _)| id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let mut news = News::new();
    let since = |id: &str| {
        let resource = waiting.iter().find(|(_, known, _)| known == id);
        resource.map_or(now, |(_, _, resource)| resource.created)
    };
    let mut follow = |states: Vec<FleetState>, errors: &dyn Fn(&str) -> Called<Vec<FleetEvent>>| {
        for fleet in states {
            let reason = if is_in_trouble(&fleet) { last(errors(&fleet.id)?) } else { None };
            news.insert(fleet.id.clone(), (launches_on(&fleet), reason));
        }
        Called::Ok(())
    };
    let fleets = of(&[ResourceKind::RequestFleet, ResourceKind::MaintainFleet]);
    follow(batched(&fleets, aws, |batch| api.fleets(batch, deadline))?, &|id| {
        api.fleet_errors(id, since(id), deadline)
    })?;
    let fleets = of(&[ResourceKind::RequestSpotFleet, ResourceKind::MaintainSpotFleet]);
    follow(batched(&fleets, aws, |batch| api.spot_fleets(batch, deadline))?, &|id| {
        api.spot_fleet_errors(id, since(id), deadline)
    })?;
    let groups = of(&[ResourceKind::Group]);
    for group in batched::<GroupState>(&groups, aws, |batch| api.groups(batch, deadline))? {
        let missing = group.instance_ids.len() < usize::try_from(group.desired).unwrap_or(usize::MAX);
        let reason =
            if missing { api.failed_activities(&group.name, deadline)?.into_iter().next() } else { None };
        news.insert(group.name.clone(), (!group.is_being_deleted, reason));
    }
    Ok(news)
}

/// The answers about all ids. An id that AWS does not know is in none.
fn batched<T: Send>(
    ids: &[String],
    aws: &AwsProvider,
    call: impl Fn(&[String]) -> Called<Vec<T>> + Sync,
) -> Called<Vec<T>> {
    let mut all = Vec::new();
    for answer in batches::run(ids, IDS, aws.options.of(&options::CONCURRENT_CALLS), call) {
        match answer {
            Ok(states) => all.extend(states),
            Err(failure) if is_unknown(&failure) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(all)
}

fn is_unknown(failure: &Failure) -> bool {
    use crate::class::{self, Class, Purpose};
    class::of(failure, Purpose::Repeatable) == Class::NotFound
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
