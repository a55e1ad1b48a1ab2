//! A batch without an answer says nothing of what it asked about, and the other batches count.

use std::sync::Arc;

use ohfp_broker::contract::MemoryStore;
use ohfp_broker::provider::{Detail, Pending, Provider as _};
use ohfp_broker::{Deadline, ErrorKind, MachineId, Timestamp};
use ohfp_provider_aws::api::Ec2Instance;
use ohfp_provider_aws::{AwsOptions, AwsProvider};
use serde_json::Map;

use crate::small_ec2::Ec2;

/// An account with so many machines, each of a launch of its own; a call that names `lost` has no answer.
fn account(count: usize, lost: String) -> AwsProvider {
    let ec2 = Ec2 { lost, ..Ec2::default() };
    ec2.machines.lock().unwrap().extend((0..count).map(|number| Ec2Instance {
        id: id(number),
        state: "running".to_owned(),
        tags: [("ohfp:token".to_owned(), format!("t-{number}"))].into(),
        ..Ec2Instance::default()
    }));
    let (options, _) = AwsOptions::read(&Map::new());
    AwsProvider::new("aws", options, Arc::new(ec2), Arc::new(MemoryStore::default()))
}

fn id(number: usize) -> String {
    format!("i-{number:017x}")
}

#[test]
fn machines_of_a_batch_without_an_answer() {
    let ids: Vec<MachineId> = (0..1_003).map(|number| MachineId::new(id(number))).collect();
    let now = Timestamp::default();
    // The batches are of 1,000 ids, and the last machine does not exist.
    for (lost, observed, unobserved) in [(usize::MAX, 1_002, 0), (1_001, 1_000, 3), (7, 2, 1_000)] {
        let aws = account(1_002, id(lost));
        for detail in [Detail::State, Detail::Reclaims] {
            let described = aws.describe(&ids, detail, now, Deadline::NONE).unwrap();
            let found = (described.instances.len(), described.unobserved.len(), described.error.is_some());
            assert_eq!(found, (observed, unobserved, unobserved > 0), "{lost} {detail:?}");
        }
    }
    let lost = account(3, id(1));
    let error = lost.describe(&ids[..3], Detail::State, now, Deadline::NONE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn launches_of_a_batch_without_an_answer() {
    let tokens: Vec<String> = (0..202).map(|number| format!("t-{number}")).collect();
    let pending: Vec<Pending<'_>> =
        tokens.iter().map(|token| Pending { token, resource_ids: &[], expected: 1 }).collect();
    let now = Timestamp::default();
    // The batches are of 200 tokens.
    for (lost, told) in [("none", 202), ("t-201", 200), ("t-0", 2)] {
        let followed = account(202, lost.to_owned()).progress(&pending, now, Deadline::NONE).unwrap();
        assert_eq!(followed.launches.len(), 202);
        let known: Vec<usize> =
            followed.launches.iter().flatten().map(|launch| launch.instances.len()).collect();
        assert_eq!((known, followed.error.is_some()), (vec![1; told], told < 202), "{lost}");
    }
    let lost = account(1, "t-0".to_owned());
    assert!(lost.progress(&pending[..1], now, Deadline::NONE).is_err());
}
