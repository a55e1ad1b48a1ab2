//! What machines are doing, as far as AWS can tell.

use std::collections::{BTreeMap, BTreeSet};

use ohfp_broker::provider::{Described, Detail};
use ohfp_broker::{Deadline, MachineId, MachineState, Result, Timestamp};

use crate::account::AwsProvider;
use crate::batches::Sifted;
use crate::failure::Failure;
use crate::{finding, observed, options, tending, told};

/// As [`ohfp_broker::provider::Provider::describe`] says.
pub(crate) fn describe(
    aws: &AwsProvider,
    ids: &[MachineId],
    detail: Detail,
    now: Timestamp,
    deadline: Deadline,
) -> Result<Described> {
    let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    aws.asks();
    let Sifted { answers: mut seen, mut failed, .. } = aws.looker(deadline).by_ids(&ids);
    aws.saw(&seen);
    let mut described = Described::default();
    let mut untended = None;
    if detail == Detail::State {
        untended = tending::tend(aws, &mut seen, now, deadline)?;
        described.instances = seen.iter().map(observed::instance).collect();
    } else {
        let (taken, untold) = finding::notices(aws, &seen, deadline);
        let ended = if aws.options.of(&options::ENDS_RECLAIMED) {
            tending::end_taken(aws, &seen, &taken, deadline)?
        } else {
            BTreeSet::new()
        };
        let untold: BTreeMap<String, Failure> = untold.into_iter().collect();
        for machine in &seen {
            let request = machine.spot_request_id.as_deref();
            // Whether it is taken decides what becomes of it, so that half an answer is none.
            if let Some(failure) = request.and_then(|request| untold.get(request)) {
                failed.push((machine.id.clone(), failure.clone()));
                continue;
            }
            let mut instance = observed::instance(machine);
            if let Some(at) = request.and_then(|request| taken.get(request)) {
                instance.reclaim_at = Some(*at);
                instance.reason =
                    Some("Server.SpotInstanceTermination: AWS takes this spot machine".to_owned());
            }
            if ended.contains(&machine.id) {
                instance.state = MachineState::ShuttingDown;
                instance.reclaimed = true;
            }
            described.instances.push(instance);
        }
    }
    match failed.first() {
        Some((_, failure)) if failed.len() >= ids.len() => return Err(told::error(&aws.name, failure)),
        _ => described.error = told::of_machines(&aws.name, "describe", &failed).or(untended),
    }
    described.unobserved = failed.iter().map(|(id, _)| MachineId::new(id.as_str())).collect();
    Ok(described)
}
