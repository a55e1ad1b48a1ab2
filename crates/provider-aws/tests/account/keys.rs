//! Keys of IBM's and LSF's files that have something done with machines as they are seen.

use std::sync::Arc;

use ohfp_broker::contract::MemoryStore;
use ohfp_broker::provider::{Detail, Instance, LaunchRequest, Pending, Provider as _};
use ohfp_broker::{Deadline, MachineId, MachineState, RequestId, Template, Timestamp};
use ohfp_provider_aws::{AwsOptions, AwsProvider};
use serde_json::{Value, json};

use crate::small_ec2::Ec2;

const NONE: Deadline = Deadline::NONE;

/// Seconds after the launch.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000_000_000 + seconds * 1_000)
}

/// A provider with these options, and the ids of two machines that it has launched.
fn launched(ec2: &Ec2, options: &Value) -> (AwsProvider, Vec<MachineId>) {
    let (options, findings) = AwsOptions::read(options.as_object().unwrap());
    assert!(findings.iter().all(|finding| !finding.is_wrong()), "{findings:?}");
    let provider = AwsProvider::new("aws", options, Arc::new(ec2.clone()), Arc::new(MemoryStore::default()));
    let ids = launch(&provider, "token");
    (provider, ids)
}

fn launch(provider: &AwsProvider, token: &str) -> Vec<MachineId> {
    let fields = json!({ "templateId": "t", "maxNumber": -1, "imageId": "ami-1", "vmType": "a" });
    let template = Template::new(fields.as_object().unwrap().clone()).unwrap();
    let request = RequestId::from_text("req-1");
    let launch = LaunchRequest {
        request: &request,
        created: at(0),
        template: &template,
        count: 2,
        user_data: None,
        rc_account: None,
        token,
    };
    let launched = provider.launch(&launch, at(0), NONE).unwrap();
    launched.instances.into_iter().map(|instance| instance.id).collect()
}

fn called(ec2: &Ec2) -> Vec<String> {
    std::mem::take(&mut *ec2.called.lock().unwrap())
}

/// A machine that stays pending is ended once, with the reason, whichever question sees it; others are not.
#[test]
fn machines_that_stay_pending_are_ended() {
    for (options, after) in [
        (json!({ "AWS_INSTANCE_PENDING_TIMEOUT_SEC": 180 }), 180),
        (json!({ "INSTANCE_CREATION_TIMEOUT": 10 }), 600),
    ] {
        for by_progress in [false, true] {
            let ec2 = Ec2 { is_slow: true, ..Ec2::default() };
            let (provider, ids) = launched(&ec2, &options);
            let look = |now: i64| -> Vec<Instance> {
                if by_progress {
                    let pending = [Pending { token: "token", resource_ids: &[], expected: 2 }];
                    let followed = provider.progress(&pending, at(now), NONE).unwrap();
                    assert_eq!(followed.error, None);
                    return followed.launches.into_iter().flatten().flat_map(|one| one.instances).collect();
                }
                let described = provider.describe(&ids, Detail::State, at(now), NONE).unwrap();
                assert_eq!(described.error, None);
                described.instances
            };
            assert!(look(after - 1).iter().all(|one| one.state == MachineState::Pending));
            assert_eq!(called(&ec2), [""; 0]);
            // One of them is another store's.
            ec2.machines.lock().unwrap().last_mut().unwrap().tags.insert("ohfp:store".into(), "x".into());
            let seen = look(after);
            assert_eq!(called(&ec2), [format!("TerminateInstances {}", ids.first().unwrap())]);
            let states: Vec<_> = seen.iter().map(|one| (one.state, one.reason.clone())).collect();
            let why = Some(format!("it was pending for more than {after} s"));
            assert_eq!(states, [(MachineState::ShuttingDown, why), (MachineState::Pending, None)]);
            look(after + 1);
            assert_eq!(called(&ec2), [""; 0]);
        }
    }
    let ec2 = Ec2 { is_slow: true, ..Ec2::default() };
    let (provider, ids) = launched(&ec2, &json!({}));
    provider.describe(&ids, Detail::State, at(100_000), NONE).unwrap();
    assert_eq!(called(&ec2), [""; 0], "without the key a request's own time decides");
}

/// A look at several launches ends their machines by one call, and tells each launch of its own.
#[test]
fn machines_of_several_launches_are_ended_together() {
    let ec2 = Ec2 { is_slow: true, ..Ec2::default() };
    let (provider, mut ids) = launched(&ec2, &json!({ "AWS_INSTANCE_PENDING_TIMEOUT_SEC": 180 }));
    ids.extend(launch(&provider, "other"));
    let pending = ["other", "none", "token"].map(|token| Pending { token, resource_ids: &[], expected: 2 });
    let followed = provider.progress(&pending, at(180), NONE).unwrap();
    let found: Vec<Vec<_>> = followed.launches.into_iter().flatten().map(|one| one.instances).collect();
    let ended = |instances: &[Instance]| -> Vec<MachineId> {
        assert!(instances.iter().all(|one| one.state == MachineState::ShuttingDown));
        instances.iter().map(|one| one.id.clone()).collect()
    };
    let found: Vec<_> = found.iter().map(|instances| ended(instances)).collect();
    let (first, second) = ids.split_at(2);
    assert_eq!(found, [second, &[], first]);
    let order = [second, first].concat().iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(called(&ec2), [format!("TerminateInstances {}", order.join(" "))]);
}

#[test]
fn machines_and_volumes_are_tagged_once() {
    let ec2 = Ec2::default();
    let (provider, ids) = launched(&ec2, &json!({ "AWS_TAG_InstanceID": "true" }));
    for _ in 0..2 {
        provider.describe(&ids, Detail::State, at(1), NONE).unwrap();
    }
    let mut calls = called(&ec2);
    calls.sort();
    let wanted: Vec<String> = ids
        .iter()
        .enumerate()
        .map(|(number, id)| format!("CreateTags {id} vol-{number} InstanceID={id}"))
        .collect();
    assert_eq!(calls, wanted);
}
