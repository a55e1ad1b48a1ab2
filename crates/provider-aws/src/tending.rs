//! What a site may want done with machines as they are seen: those that stay pending are terminated, and new ones are
//! tagged with their ids. Neither costs a call where it is not configured, nor where there is no such machine.

use std::collections::{BTreeMap, BTreeSet};

use ohfp_broker::{Deadline, Error, Result, Timestamp};

use crate::account::AwsProvider;
use crate::api::Ec2Instance;
use crate::failure::Failure;
use crate::{batches, observed, options, tags, told};

/// The tag that has the id of its machine, as LSF has it.
const ID_TAG: &str = "InstanceID";

/// Does what is configured. Machines that are terminated are seen so; gives why something could not be done.
///
/// # Errors
/// Those of the state store.
pub(crate) fn tend(
    aws: &AwsProvider,
    seen: &mut [Ec2Instance],
    now: Timestamp,
    deadline: Deadline,
) -> Result<Option<Error>> {
    let (limit, is_tagged) = (aws.options.pending_seconds(), aws.options.of(&options::TAGS_IDS));
    if seen.is_empty() || limit.is_none() && !is_tagged {
        return Ok(None);
    }
    let store = aws.documents.store_id()?;
    let is_ours = |machine: &Ec2Instance| machine.tags.get(tags::STORE) == Some(&store);
    let mut error = None;
    if let Some(limit) = limit {
        error = end_overdue(aws, seen, &is_ours, limit, now, deadline);
    }
    if is_tagged {
        error = error.or(tag(aws, seen, &is_ours, deadline));
    }
    Ok(error)
}

/// Terminates machines that AWS is about to take, by request of the machine; gives those that are. Where that fails AWS
/// takes them in time.
///
/// # Errors
/// Those of the state store.
pub(crate) fn end_taken(
    aws: &AwsProvider,
    seen: &[Ec2Instance],
    taken: &BTreeMap<String, Timestamp>,
    deadline: Deadline,
) -> Result<BTreeSet<String>> {
    if taken.is_empty() {
        return Ok(BTreeSet::new());
    }
    let store = aws.documents.store_id()?;
    let is_taken = |machine: &&Ec2Instance| {
        machine.tags.get(tags::STORE) == Some(&store)
            && machine.spot_request_id.as_ref().is_some_and(|request| taken.contains_key(request))
    };
    let ids: Vec<String> = seen.iter().filter(is_taken).map(|machine| machine.id.clone()).collect();
    let failed = aws.terminate(&ids, deadline);
    let mut ended: BTreeSet<String> = ids.into_iter().collect();
    for (id, _) in &failed {
        ended.remove(id);
    }
    Ok(ended)
}

fn end_overdue(
    aws: &AwsProvider,
    seen: &mut [Ec2Instance],
    is_ours: &dyn Fn(&Ec2Instance) -> bool,
    limit: u64,
    now: Timestamp,
    deadline: Deadline,
) -> Option<Error> {
    let is_overdue = |machine: &Ec2Instance| {
        machine.state == "pending"
            && machine.launched > Timestamp::default()
            && now >= machine.launched.plus_seconds(limit)
            && is_ours(machine)
    };
    let ids: Vec<String> =
        seen.iter().filter(|machine| is_overdue(machine)).map(|machine| machine.id.clone()).collect();
    let failed = aws.terminate(&ids, deadline);
    for machine in seen {
        if ids.contains(&machine.id) && !failed.iter().any(|(id, _)| *id == machine.id) {
            "shutting-down".clone_into(&mut machine.state);
            machine.state_reason_code = None;
            machine.state_reason = Some(format!("it was pending for more than {limit} s"));
        }
    }
    told::of_machines(&aws.name, "terminate", &failed)
}

fn tag(
    aws: &AwsProvider,
    seen: &mut [Ec2Instance],
    is_ours: &dyn Fn(&Ec2Instance) -> bool,
    deadline: Deadline,
) -> Option<Error> {
    let is_new = |machine: &&Ec2Instance| {
        observed::is_alive(machine) && !machine.tags.contains_key(ID_TAG) && is_ours(machine)
    };
    let new: Vec<&Ec2Instance> = seen.iter().filter(is_new).collect();
    let concurrent = aws.options.of(&options::CONCURRENT_CALLS);
    // The value differs from machine to machine, so that each takes a call; once, as the tag then is there.
    let answers = batches::run(&new, 1, concurrent, |batch| {
        for machine in batch {
            let things: Vec<String> =
                std::iter::once(&machine.id).chain(&machine.volume_ids).cloned().collect();
            aws.api.tag(&things, ID_TAG, &machine.id, deadline)?;
        }
        Ok(())
    });
    let failed: Vec<(String, Failure)> = new
        .iter()
        .zip(answers)
        .filter_map(|(machine, answer)| Some((machine.id.clone(), answer.err()?)))
        .collect();
    told::of_machines(&aws.name, "tag", &failed)
}
