//! The end of launches: nothing is replaced any more, and what was created beside machines is deleted after the last of
//! them.

use std::collections::BTreeSet;

use ohfp_broker::launch_spec::LaunchSpec;
use ohfp_broker::provider::Pending;
use ohfp_broker::{Deadline, Result, Timestamp};

use crate::account::AwsProvider;
use crate::api::{Called, FleetState};
use crate::calls::LaunchTemplateSpecification;
use crate::class::{self, Class, Purpose, Trouble};
use crate::documents::{self, Resource, ResourceKind};
use crate::failure::Failure;
use crate::launching::{Launching, Stop};
use crate::{observed, tags, told};

/// Has the fleets and groups of a launch launch no more. Machines stay.
pub(crate) fn settle(
    aws: &AwsProvider,
    pending: &Pending<'_>,
    now: Timestamp,
    deadline: Deadline,
) -> Result<()> {
    let launching = Launching {
        api: aws.api.as_ref(),
        documents: aws.documents.as_ref(),
        provider: &aws.name,
        token: pending.token,
        // What was wanted does not matter any more.
        spec: &LaunchSpec::default(),
        count: pending.expected,
        now,
        deadline,
        saw: &|instances| aws.saw(instances),
    };
    let concluded = launching.conclude();
    let mut ids: BTreeSet<&String> = pending.resource_ids.iter().collect();
    ids.extend(concluded.iter().flatten());
    for id in ids {
        let mut known = None;
        aws.documents.read(&aws.name, &mut |tx| {
            known = documents::resource(tx, id)?;
            Ok(())
        })?;
        let resource = match known {
            Some(resource) if resource.settled => continue,
            Some(resource) => resource,
            None => forgotten(aws, id, pending.token, now, deadline)?,
        };
        stop_for_good(aws, id, resource.kind, deadline)
            .map_err(|failure| told::error(&aws.name, &failure))?;
        let settled = Resource { settled: true, ..resource };
        aws.documents.write(&aws.name, &mut |tx| documents::put_resource(tx, id, &settled))?;
    }
    match concluded {
        Ok(_) => Ok(()),
        Err(Stop::Failed(failure)) => Err(told::error(&aws.name, &failure)),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// What a resource is of which the document is lost: by its id, and by what AWS says of it.
fn forgotten(
    aws: &AwsProvider,
    id: &str,
    token: &str,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Resource> {
    let ids = [id.to_owned()];
    let kind = if id.starts_with("fleet-") {
        let states = aws.api.fleets(&ids, deadline).map_err(|failure| told::error(&aws.name, &failure))?;
        match states.first().map(|state| state.kind.as_str()) {
            Some("maintain") => ResourceKind::MaintainFleet,
            Some("instant") => ResourceKind::InstantFleet,
            _ => ResourceKind::RequestFleet,
        }
    } else if id.starts_with("sfr-") {
        let states =
            aws.api.spot_fleets(&ids, deadline).map_err(|failure| told::error(&aws.name, &failure))?;
        match states.first().map(|state| state.kind.as_str()) {
            Some("maintain") => ResourceKind::MaintainSpotFleet,
            _ => ResourceKind::RequestSpotFleet,
        }
    } else {
        ResourceKind::Group
    };
    Ok(Resource { kind, token: token.to_owned(), created: now, settled: false })
}

/// Has a resource launch no more; one that is gone launches none.
pub(crate) fn stop_for_good(
    aws: &AwsProvider,
    id: &str,
    kind: ResourceKind,
    deadline: Deadline,
) -> Called<()> {
    unless_gone(stop(aws, id, kind, deadline))
}

/// Only fleets that maintain their capacity can be set to 0; the others launch no more once they are deleted. In no case
/// does AWS choose machines to end.
fn stop(aws: &AwsProvider, id: &str, kind: ResourceKind, deadline: Deadline) -> Called<()> {
    let api = aws.api.as_ref();
    match kind {
        ResourceKind::MaintainFleet => api.stop_fleet(id, deadline),
        ResourceKind::RequestFleet => delete_fleet(aws, id, deadline),
        ResourceKind::MaintainSpotFleet => api.stop_spot_fleet(id, deadline),
        ResourceKind::RequestSpotFleet => cancel_spot_fleet(aws, id, deadline),
        ResourceKind::Group => api.suspend_group(id, deadline),
        ResourceKind::InstantFleet | ResourceKind::LaunchTemplate | ResourceKind::LaunchTemplateVersion => {
            Ok(())
        }
    }
}

/// Deletes a fleet; machines stay.
fn delete_fleet(aws: &AwsProvider, id: &str, deadline: Deadline) -> Called<()> {
    let ids = [id.to_owned()];
    unless_over(aws.api.delete_fleets(&ids, false, deadline), || aws.api.fleets(&ids, deadline))
}

/// The same for a spot fleet.
fn cancel_spot_fleet(aws: &AwsProvider, id: &str, deadline: Deadline) -> Called<()> {
    let ids = [id.to_owned()];
    unless_over(aws.api.cancel_spot_fleets(&ids, deadline), || aws.api.spot_fleets(&ids, deadline))
}

/// A deletion whose answer was lost is refused when it is repeated, for the state that it has left: whether it is that
/// state, a look tells.
fn unless_over(outcome: Called<()>, look: impl FnOnce() -> Called<Vec<FleetState>>) -> Called<()> {
    let Err(failure) = outcome else { return Ok(()) };
    let is_about_state =
        |code: &str| code.ends_with("NotInDeletableState") || code.ends_with("NotInCancellableState");
    if !failure.code().is_some_and(is_about_state) {
        return Err(failure);
    }
    let is_over = |fleet: &FleetState| {
        ["deleted", "cancelled", "failed"].iter().any(|end| fleet.state.starts_with(end))
    };
    match look() {
        Ok(fleets) if fleets.iter().all(is_over) => Ok(()),
        Err(gone) if is_gone(&gone) => Ok(()),
        Ok(_) | Err(_) => Err(failure),
    }
}

/// What is gone needs no more.
fn unless_gone(outcome: Called<()>) -> Called<()> {
    match outcome {
        Err(failure) if is_gone(&failure) => Ok(()),
        other => other,
    }
}

fn is_gone(failure: &Failure) -> bool {
    let is_missing_group = |text: &str| text.contains("name not found");
    match failure {
        Failure::Answered(answered) => {
            class::of_answer(answered, Purpose::Repeatable) == Class::NotFound
                || answered.code.starts_with("InvalidLaunchTemplate")
                || (answered.code == "ValidationError" && is_missing_group(&answered.message))
        }
        Failure::NotSent(_) | Failure::Lost { .. } => false,
    }
}

/// Deletes at most `limit` resources of settled launches without machines.
pub(crate) fn tidy(
    aws: &AwsProvider,
    alive: &dyn Fn(&str) -> bool,
    limit: u32,
    now: Timestamp,
    deadline: Deadline,
) -> Result<u32> {
    let (mut all, mut unfinished) = (Vec::new(), BTreeSet::new());
    aws.documents.read(&aws.name, &mut |tx| {
        all = documents::resources(tx)?;
        unfinished.clear();
        for (_, resource) in &all {
            let steps = documents::steps(tx, &resource.token)?;
            let is_recent = now.millis_since(resource.created) < UNFINISHED_MILLIS;
            if is_recent && !documents::is_finished(&steps) {
                unfinished.insert(resource.token.clone());
            }
        }
        Ok(())
    })?;
    let mut deleted = 0;
    let mut rest: Vec<(String, Resource)> = Vec::new();
    // Templates last: they are needed as long as something launches by them.
    all.sort_by_key(|(_, resource)| is_template(resource.kind));
    for (id, resource) in all {
        let is_used = is_template(resource.kind)
            && rest.iter().any(|(_, other)| other.token == resource.token && other.kind.launches_by_itself());
        if deleted >= limit || unfinished.contains(&resource.token) || is_used {
            rest.push((id, resource));
            continue;
        }
        match delete(aws, &id, &resource, alive, deadline) {
            Ok(true) => {
                aws.documents.write(&aws.name, &mut |tx| documents::forget_resource(tx, &id, &resource))?;
                deleted += 1;
            }
            Ok(false) => rest.push((id, resource)),
            Err(failure) => return Err(told::error(&aws.name, &failure)),
        }
    }
    Ok(deleted)
}

/// After this time a launch that has not come to its end keeps no resource.
const UNFINISHED_MILLIS: i64 = 3_600_000;

fn is_template(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::LaunchTemplate | ResourceKind::LaunchTemplateVersion)
}

/// Deletes a resource if that ends no machine; whether it is gone.
fn delete(
    aws: &AwsProvider,
    id: &str,
    resource: &Resource,
    alive: &dyn Fn(&str) -> bool,
    deadline: Deadline,
) -> Called<bool> {
    let api = aws.api.as_ref();
    let ids = [id.to_owned()];
    let outcome = match resource.kind {
        // Those of type `request` were deleted to settle them.
        ResourceKind::RequestFleet | ResourceKind::RequestSpotFleet => return Ok(resource.settled),
        ResourceKind::LaunchTemplate => api.delete_launch_template(id, deadline),
        ResourceKind::LaunchTemplateVersion => match id.split_once('/') {
            Some((template, version)) => api.delete_launch_template_version(
                &LaunchTemplateSpecification {
                    launch_template_id: template.to_owned(),
                    version: version.to_owned(),
                },
                deadline,
            ),
            None => return Ok(true),
        },
        _ if alive(id) => return Ok(false),
        // EC2 ends the machines of an instant fleet with it, and a group keeps those that have ended as its members, so
        // that only force deletes it: there must be none, whatever the store knows.
        ResourceKind::InstantFleet if has_machines(aws, tags::FLEET, id, deadline)? => return Ok(false),
        ResourceKind::InstantFleet => {
            unless_over(api.delete_fleets(&ids, true, deadline), || api.fleets(&ids, deadline))
        }
        ResourceKind::Group if !resource.settled => return Ok(false),
        ResourceKind::Group if has_machines(aws, tags::GROUP, id, deadline)? => return Ok(false),
        ResourceKind::Group => api.delete_group(id, true, deadline),
        ResourceKind::MaintainFleet if resource.settled => delete_fleet(aws, id, deadline),
        ResourceKind::MaintainSpotFleet if resource.settled => cancel_spot_fleet(aws, id, deadline),
        ResourceKind::MaintainFleet | ResourceKind::MaintainSpotFleet => return Ok(false),
    };
    match unless_gone(outcome) {
        Ok(()) => Ok(true),
        Err(failure) if class::of(&failure, Purpose::Repeatable) == Class::Again(Trouble::Busy) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Whether machines of a fleet or group live.
fn has_machines(aws: &AwsProvider, tag: &str, id: &str, deadline: Deadline) -> Called<bool> {
    let filter = (format!("tag:{tag}"), vec![id.to_owned()]);
    Ok(aws.api.instances_by_filter(&[filter], deadline)?.iter().any(observed::is_alive))
}
