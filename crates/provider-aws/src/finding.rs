//! Machines that the scheduler names and the store does not know, and notices of interruptions.

use std::collections::BTreeMap;

use ohfp_broker::host::stands_for;
use ohfp_broker::provider::{Existence, Instance};
use ohfp_broker::{Deadline, Error, ErrorKind, MachineId, MachineRef, Result};

use crate::account::AwsProvider;
use crate::api::{Ec2Instance, SpotRequest};
use crate::{batches, looking, options, told};

/// Seconds from the notice of a spot interruption to the end.
const NOTICE_SECONDS: u64 = 120;

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
    let seen = looker.by_ids(&ids).map_err(|failure| told::error(&aws.name, &failure))?;
    let by_name = if names.is_empty() {
        Vec::new()
    } else {
        looker.by_names(&names).map_err(|failure| told::error(&aws.name, &failure))?
    };
    let alive = |machine: &&Ec2Instance| !matches!(machine.state.as_str(), "shutting-down" | "terminated");
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

/// Adds when AWS will take machines, as far as it has announced that.
pub(crate) fn notices(
    aws: &AwsProvider,
    seen: &[Ec2Instance],
    instances: &mut [Instance],
    deadline: Deadline,
) -> Result<()> {
    let ids: Vec<String> = seen.iter().filter_map(|machine| machine.spot_request_id.clone()).collect();
    let answers = batches::run(&ids, IDS, aws.options.of(&options::CONCURRENT_CALLS), |batch| {
        aws.api.spot_requests(batch, deadline)
    });
    let mut marked: BTreeMap<String, SpotRequest> = BTreeMap::new();
    for answer in answers {
        let requests = answer.map_err(|failure| told::error(&aws.name, &failure))?;
        let taken = requests.into_iter().filter(|request| request.status == "marked-for-termination");
        marked.extend(taken.map(|request| (request.id.clone(), request)));
    }
    for (machine, instance) in seen.iter().zip(instances) {
        let request = machine.spot_request_id.as_ref().and_then(|id| marked.get(id));
        if let Some(request) = request {
            instance.reclaim_at = Some(request.since.plus_seconds(NOTICE_SECONDS));
            instance.reason = Some("Server.SpotInstanceTermination: AWS takes this spot machine".to_owned());
        }
    }
    Ok(())
}
