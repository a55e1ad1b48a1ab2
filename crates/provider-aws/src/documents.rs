//! What a provider of AWS remembers in the state store: the steps of its launches, and what they created beside
//! machines.
//!
//! A step is on the disk before its call is sent. Everything else can be found again by tags.

use ohfp_broker::documents::{Document, DocumentTx};
use ohfp_broker::{Error, ErrorKind, Result, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::calls::{LaunchTemplateSpecification, Making};

/// A step of a launch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Its place in the launch, from 0.
    pub(crate) number: u32,
    /// The call, as it was or will be sent.
    pub(crate) call: Making,
    /// How many machines or units it is to make.
    pub(crate) expected: u32,
    /// What came of it; `None` as long as that is not known.
    pub(crate) outcome: Option<StepOutcome>,
    /// When it was stored first; the epoch in documents of before there was such a member.
    #[serde(default)]
    pub(crate) begun: Timestamp,
    /// Whether another step follows, which needs what this one makes.
    #[serde(default)]
    pub(crate) is_needed: bool,
}

impl Step {
    /// Whether it failed, so that none follows it.
    fn has_failed(&self) -> bool {
        matches!(self.outcome, Some(StepOutcome::Failed(_)))
    }
}

/// Whether the launch of these steps, which are in order, has come to its end.
pub(crate) fn is_finished(steps: &[Step]) -> bool {
    let is_last = |step: &Step| !step.is_needed || step.has_failed();
    steps.iter().all(|step| step.outcome.is_some()) && steps.last().is_none_or(is_last)
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum StepOutcome {
    /// Machines, by id; with the reasons why there are not more.
    Machines {
        /// `i-…`
        ids: Vec<String>,
        /// Why there are fewer than expected.
        shortage: Option<String>,
    },
    /// A launch template.
    Template(LaunchTemplateSpecification),
    /// A fleet or group, whose machines come by themselves.
    Resource {
        /// `fleet-…`, `sfr-…` or the name of a group.
        id: String,
    },
    /// It made nothing, for this reason.
    Failed(String),
}

/// What a launch created beside machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// What it is.
    pub(crate) kind: ResourceKind,
    /// The token of its launch.
    pub(crate) token: String,
    /// When it was created.
    pub(crate) created: Timestamp,
    /// Whether it launches no more.
    pub(crate) settled: bool,
}

/// What a launch can create beside machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ResourceKind {
    /// A fleet that was there and gone with its answer.
    InstantFleet,
    /// A fleet that goes on until it has all machines.
    RequestFleet,
    /// A fleet that replaces machines, too.
    MaintainFleet,
    /// A spot fleet that goes on until it has all machines.
    RequestSpotFleet,
    /// A spot fleet that replaces machines, too.
    MaintainSpotFleet,
    /// An Auto Scaling group.
    Group,
    /// A launch template.
    LaunchTemplate,
    /// A version of a launch template that is not ours; its id is `lt-…/version`.
    LaunchTemplateVersion,
}

impl ResourceKind {
    /// What a call makes beside machines.
    pub(crate) fn of(call: &Making) -> Option<Self> {
        Some(match call {
            Making::RunInstances(_) => return None,
            Making::CreateLaunchTemplate(_) => Self::LaunchTemplate,
            Making::CreateLaunchTemplateVersion(_) => Self::LaunchTemplateVersion,
            Making::CreateFleet(fleet) => match fleet.kind.as_str() {
                "instant" => Self::InstantFleet,
                "maintain" => Self::MaintainFleet,
                _ => Self::RequestFleet,
            },
            Making::RequestSpotFleet(fleet) if fleet.spot_fleet_request_config.kind == "maintain" => {
                Self::MaintainSpotFleet
            }
            Making::RequestSpotFleet(_) => Self::RequestSpotFleet,
            Making::CreateAutoScalingGroup(_) => Self::Group,
        })
    }

    /// Whether its machines come after the answer to its creation.
    pub(crate) fn launches_by_itself(self) -> bool {
        !matches!(self, Self::InstantFleet | Self::LaunchTemplate | Self::LaunchTemplateVersion)
    }
}

/// The group of resources that exist.
const RESOURCES: &str = "resources";

fn step_id(token: &str, number: u32) -> String {
    format!("step/{token}/{number}")
}

fn resource_id(id: &str) -> String {
    format!("resource/{id}")
}

/// The steps of a launch, in order.
pub(crate) fn steps(tx: &mut dyn DocumentTx, token: &str) -> Result<Vec<Step>> {
    let documents = tx.group(token)?;
    let steps = documents.iter().filter(|document| document.id.starts_with("step/")).map(read);
    let mut steps = steps.collect::<Result<Vec<Step>>>()?;
    steps.sort_by_key(|step| step.number);
    Ok(steps)
}

/// Seconds for which a step without an outcome is kept: longer than a request can be unfinished.
const UNFINISHED: u64 = 8 * 86_400;

/// Stores a step. One without an outcome is live, so that it is not pruned.
pub(crate) fn put_step(tx: &mut dyn DocumentTx, token: &str, step: &Step, now: Timestamp) -> Result<()> {
    tx.put(&Document {
        id: step_id(token, step.number),
        group: token.to_owned(),
        live_until: step.outcome.is_none().then(|| now.plus_seconds(UNFINISHED)),
        body: written(step)?,
    })
}

/// Stores a resource that exists.
pub(crate) fn put_resource(tx: &mut dyn DocumentTx, id: &str, resource: &Resource) -> Result<()> {
    tx.put(&Document {
        id: resource_id(id),
        group: RESOURCES.to_owned(),
        live_until: Some(Timestamp::MAX),
        body: written(resource)?,
    })
}

/// A resource by its id; also one that was deleted.
pub(crate) fn resource(tx: &mut dyn DocumentTx, id: &str) -> Result<Option<Resource>> {
    tx.get(&resource_id(id))?.as_ref().map(read).transpose()
}

/// All resources that exist, with their ids, in the order in which they were made.
pub(crate) fn resources(tx: &mut dyn DocumentTx) -> Result<Vec<(String, Resource)>> {
    let documents = tx.group(RESOURCES)?;
    let ours =
        documents.iter().filter_map(|document| Some((document.id.strip_prefix("resource/")?, document)));
    ours.map(|(id, document)| Ok((id.to_owned(), read(document)?))).collect()
}

/// Notes that a resource was deleted. It stays with the steps of its launch.
pub(crate) fn forget_resource(tx: &mut dyn DocumentTx, id: &str, resource: &Resource) -> Result<()> {
    tx.put(&Document {
        id: resource_id(id),
        group: resource.token.clone(),
        live_until: None,
        body: written(resource)?,
    })
}

/// The document of that id, where it counts at `now`.
pub(crate) fn live(tx: &mut dyn DocumentTx, id: &str, now: Timestamp) -> Result<Option<Document>> {
    Ok(tx.get(id)?.filter(|document| document.is_live(now)))
}

/// The JSON of a document's body.
pub(crate) fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::System, format!("cannot write a document of the AWS provider: {error}"))
    })
}

/// The value in a document's body.
pub(crate) fn read<T: DeserializeOwned>(document: &Document) -> Result<T> {
    serde_json::from_str(&document.body).map_err(|error| {
        Error::new(
            ErrorKind::Damaged,
            format!("document `{}` of the AWS provider cannot be read: {error}", document.id),
        )
    })
}

#[cfg(test)]
mod tests {
    use ohfp_broker::contract::MemoryStore;
    use ohfp_broker::documents::DocumentStore as _;

    use super::*;
    use crate::calls::RunInstances;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn steps_come_in_order_and_only_those_of_the_launch() {
        let store = MemoryStore::default();
        let step = |number, outcome| Step {
            number,
            call: Making::RunInstances(RunInstances {
                client_token: format!("t{number}"),
                ..Default::default()
            }),
            expected: 3,
            outcome,
            begun: at(1),
            is_needed: false,
        };
        let done =
            StepOutcome::Machines { ids: vec!["i-1".to_owned()], shortage: Some("no more".to_owned()) };
        let written = [step(0, Some(done)), step(1, None)];
        store
            .write_through("aws", &mut |tx| {
                put_step(tx, "token-1", &written[1], at(0))?;
                put_step(tx, "token-1", &written[0], at(0))?;
                put_step(tx, "token-2", &step(0, None), at(0))?;
                put_resource(
                    tx,
                    "lt-1",
                    &Resource {
                        kind: ResourceKind::LaunchTemplate,
                        token: "token-1".to_owned(),
                        created: at(1),
                        settled: false,
                    },
                )
            })
            .unwrap();
        store
            .read("aws", &mut |tx| {
                assert_eq!(steps(tx, "token-1")?, written);
                assert_eq!(steps(tx, "token-3")?, []);
                // The unfinished ones and the resource must not be pruned.
                assert_eq!(tx.count_live(at(600_000))?, 3);
                Ok(())
            })
            .unwrap();
    }

    /// Steps by whether another one needs them, and what came of them.
    #[test]
    fn a_launch_is_finished_with_its_last_step() {
        let used =
            LaunchTemplateSpecification { launch_template_id: "lt-1".to_owned(), version: "1".to_owned() };
        let template = || Some(StepOutcome::Template(used.clone()));
        let fleet = || Some(StepOutcome::Resource { id: "fleet-1".to_owned() });
        let failed = || Some(StepOutcome::Failed(String::new()));
        let check = |steps: &[(bool, Option<StepOutcome>)], finished: bool| {
            let step = |(is_needed, outcome): &(bool, Option<StepOutcome>)| Step {
                number: 0,
                call: Making::RunInstances(RunInstances::default()),
                expected: 1,
                outcome: outcome.clone(),
                begun: at(0),
                is_needed: *is_needed,
            };
            let steps: Vec<Step> = steps.iter().map(step).collect();
            assert_eq!(is_finished(&steps), finished, "{steps:?}");
        };
        check(&[], true);
        check(&[(true, None)], false);
        check(&[(true, template())], false);
        check(&[(true, failed())], true);
        check(&[(true, template()), (false, None)], false);
        check(&[(true, template()), (false, fleet())], true);
        check(&[(true, template()), (true, fleet())], false);
        check(&[(true, template()), (true, failed())], true);
    }

    #[test]
    fn a_deleted_resource_is_known_and_not_listed() {
        let store = MemoryStore::default();
        let fleet = Resource {
            kind: ResourceKind::MaintainFleet,
            token: "token-1".to_owned(),
            created: at(1),
            settled: true,
        };
        store.write("aws", &mut |tx| put_resource(tx, "fleet-1", &fleet)).unwrap();
        let check = |listed: bool| {
            store
                .read("aws", &mut |tx| {
                    let all = resources(tx)?;
                    assert_eq!(
                        all,
                        if listed { vec![("fleet-1".to_owned(), fleet.clone())] } else { vec![] }
                    );
                    assert_eq!(resource(tx, "fleet-1")?.as_ref(), Some(&fleet));
                    assert_eq!(resource(tx, "fleet-2")?, None);
                    assert_eq!(tx.count_live(at(1))?, u64::from(listed));
                    Ok(())
                })
                .unwrap();
        };
        check(true);
        store.write("aws", &mut |tx| forget_resource(tx, "fleet-1", &fleet)).unwrap();
        check(false);
    }

    #[test]
    fn a_document_that_cannot_be_read_is_named() {
        let document =
            Document { id: "step/t/0".into(), group: "t".into(), live_until: None, body: "{}".into() };
        let error = read::<Step>(&document).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Damaged);
        assert!(error.summary().contains("`step/t/0`"), "{error}");
    }

    #[test]
    fn what_launches_by_itself() {
        use ResourceKind::*;
        for (kind, launches) in [
            (InstantFleet, false),
            (LaunchTemplate, false),
            (LaunchTemplateVersion, false),
            (RequestFleet, true),
            (MaintainFleet, true),
            (RequestSpotFleet, true),
            (MaintainSpotFleet, true),
            (Group, true),
        ] {
            assert_eq!(kind.launches_by_itself(), launches, "{kind:?}");
        }
    }
}
