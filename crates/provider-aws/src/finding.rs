//! Machines that the scheduler names and the store does not know, and notices of interruptions.

use std::collections::BTreeMap;

use ohfp_broker::host::stands_for;
use ohfp_broker::provider::Existence;
use ohfp_broker::{Deadline, Error, ErrorKind, MachineId, MachineRef, Result, Timestamp};

use crate::account::AwsProvider;
use crate::api::Ec2Instance;
use crate::batches::{self, Sifted};
use crate::failure::Failure;
use crate::{looking, observed, options, told};

/// Seconds from the notice of a spot interruption to the end.
const NOTICE_SECONDS: u64 = 120;

/// The status of a spot request whose machine AWS will take.
const MARKED: &str = "marked-for-termination";

/// Most ids of `DescribeSpotInstanceRequests`.
const IDS: usize = 200;

/// As [`ohfp_broker::provider::Provider::exists`] says.
pub(crate) fn exists(
    aws: &AwsProvider,
    machines: &[MachineRef],
    deadline: Deadline,
) -> Result<Vec<Existence>> {
    let (ids, names) = looking::ids_and_names(machines);
    let looker = aws.looker(deadline);
    let Sifted { answers: seen, failed, .. } = looker.by_ids(&ids);
    if let Some((_, failure)) = failed.first() {
        return Err(told::error(&aws.name, failure));
    }
    let by_name = if names.is_empty() {
        Vec::new()
    } else {
        looker.by_names(&names).map_err(|failure| told::error(&aws.name, &failure))?
    };
    let alive = |machine: &&Ec2Instance| observed::is_alive(machine);
    let mut found = Vec::with_capacity(machines.len());
    for machine in machines {
        let by_id =
            machine.id.as_ref().and_then(|id| seen.iter().filter(alive).find(|one| one.id == id.as_str()));
        let id = match (by_id, machine.name_to_look_up()) {
            (Some(one), _) => Some(one.id.as_str()),
            (None, Some(name)) => {
                let is_it = |one: &&Ec2Instance| {
                    one.private_dns_name.as_deref().is_some_and(|full| stands_for(name, full))
                };
                let mut fitting = by_name.iter().filter(alive).filter(is_it);
                match (fitting.next(), fitting.next()) {
                    (Some(one), Some(other)) if one.id != other.id => {
                        return Err(Error::new(
                            ErrorKind::Refused,
                            format!("host name `{name}` is that of {} and of {}", one.id, other.id),
                        )
                        .hint("name machines by their ids"));
                    }
                    (one, _) => one.map(|one| one.id.as_str()),
                }
            }
            (None, None) => None,
        };
        found.push(Existence { machine: machine.clone(), found: id.map(MachineId::new) });
    }
    Ok(found)
}

/// When AWS will take spot machines, as far as it has announced that: by request of the machine. The requests that it
/// could not be asked about are given with the reason.
pub(crate) fn notices(
    aws: &AwsProvider,
    seen: &[Ec2Instance],
    deadline: Deadline,
) -> (BTreeMap<String, Timestamp>, Vec<(String, Failure)>) {
    let alive = seen.iter().filter(|machine| observed::is_alive(machine));
    let ids: Vec<String> = alive.filter_map(|machine| machine.spot_request_id.clone()).collect();
    let call = |batch: &[String]| aws.api.spot_requests(batch, deadline);
    let concurrent = aws.options.of(&options::CONCURRENT_CALLS);
    let Sifted { answers, failed, .. } = batches::sift_all(&ids, IDS, concurrent, call, |one| &one.id);
    let marked = answers.into_iter().filter(|request| request.status == MARKED);
    (marked.map(|request| (request.id, request.since.plus_seconds(NOTICE_SECONDS))).collect(), failed)
}
