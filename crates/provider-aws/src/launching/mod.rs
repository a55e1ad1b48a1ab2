//! A launch, step by step: each step is on the disk before its call is sent, and what came of it afterwards.
//!
//! | killed | the next launch with the token |
//! |---|---|
//! | before the call | sends it |
//! | after the call | sends it again, by the same client token: AWS answers with what it made |
//! | after the outcome | goes on with the next step |

mod conclude;
mod machines;
mod recover;
mod templated;

use std::collections::BTreeSet;

use ohfp_broker::documents::{DocumentStore, DocumentTx};
use ohfp_broker::launch_spec::LaunchSpec;
use ohfp_broker::provider::{Instance, LaunchFailure, Launched};
use ohfp_broker::{Deadline, Error, ErrorKind, MachineId, Timestamp};

use crate::api::{Api, Ec2Instance};
use crate::calls::Making;
use crate::class::{self, Class, Purpose};
use crate::design::{Order, Way};
use crate::documents::{self, Resource, Step, StepOutcome};
use crate::failure::Failure;
use crate::memory::{self, Shortfall};
use crate::told;

/// A launch.
pub(crate) struct Launching<'a> {
    pub(crate) api: &'a dyn Api,
    /// Is shown machines that a call has made.
    pub(crate) saw: &'a dyn Fn(&[Ec2Instance]),
    pub(crate) documents: &'a dyn DocumentStore,
    /// Name of the provider instance.
    pub(crate) provider: &'a str,
    /// The token.
    pub(crate) token: &'a str,
    /// What the template says.
    pub(crate) spec: &'a LaunchSpec,
    /// Machines; units where the template has weights.
    pub(crate) count: u32,
    pub(crate) now: Timestamp,
    pub(crate) deadline: Deadline,
}

/// Makes the order: everything that has to be looked up for a first step.
pub(crate) type Prepare<'p, 'o> = &'p dyn Fn() -> Result<Order<'o>, Stop>;

/// Why a launch stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A call failed.
    Failed(Failure),
    /// The state store cannot be used, or the template cannot be launched.
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What came of a launch so far.
#[derive(Default)]
struct Made {
    instances: Vec<Instance>,
    resource_ids: Vec<String>,
    /// Whether a resource launches by itself.
    more: bool,
    /// Whether what it launches by is a template, or a version of one, that it has made itself.
    has_own_template: bool,
    /// Why there is less than wanted, each reason once.
    reasons: BTreeSet<String>,
    /// The last failure that made nothing; no step follows it.
    failure: Option<Failure>,
}

impl Made {
    /// How many machines there are.
    fn machines(&self) -> u32 {
        u32::try_from(self.instances.len()).unwrap_or(u32::MAX)
    }

    /// Takes over what a step before came to.
    fn take(&mut self, outcome: StepOutcome, now: Timestamp) {
        match outcome {
            StepOutcome::Machines { ids, shortage } => {
                let instance = |id: String| Instance { launched: now, ..Instance::new(MachineId::new(id)) };
                self.instances.extend(ids.into_iter().map(instance));
                self.reasons.extend(shortage);
            }
            StepOutcome::Template(_) => {}
            StepOutcome::Resource { id } => {
                self.resource_ids.push(id);
                self.more = true;
            }
            StepOutcome::Failed(reason) => {
                self.reasons.insert(reason);
            }
        }
    }
}

impl Launching<'_> {
    /// Launches, or goes on with what another process began.
    pub(crate) fn run(&self, way: Way, prepare: Prepare<'_, '_>) -> Result<Launched, LaunchFailure> {
        let mut made = Made::default();
        let ended = self.stored_steps().map_err(Stop::from).and_then(|steps| match way {
            Way::RunInstances => self.machines(steps, prepare, &mut made),
            Way::Fleet(_) | Way::SpotFleet(_) | Way::Group => self.templated(way, &steps, prepare, &mut made),
        });
        self.launched(made, ended)
    }

    fn launched(&self, made: Made, ended: Result<(), Stop>) -> Result<Launched, LaunchFailure> {
        let is_empty = made.instances.is_empty() && made.resource_ids.is_empty();
        let mut reasons = made.reasons;
        match ended.map(|()| made.failure) {
            Err(Stop::Error(error)) => {
                return Err(match error.kind() {
                    // A template that is wrong is an error for the scheduler, as where its check finds it before.
                    ErrorKind::Input if is_empty => LaunchFailure::Unreachable(error),
                    ErrorKind::Input | ErrorKind::Refused => LaunchFailure::Refused(error),
                    // The step can be repeated, and must be: it may have been sent.
                    _ => LaunchFailure::Unknown(error),
                });
            }
            Err(Stop::Failed(failure)) | Ok(Some(failure)) => {
                let is_open =
                    matches!(class::of(&failure, Purpose::Making), Class::Unknown | Class::Mismatch);
                if is_empty || is_open {
                    return Err(told::launch_failure(self.provider, &failure));
                }
                reasons.insert(told::reason(&failure));
            }
            Ok(None) => {}
        }
        let reason = reasons.into_iter().collect::<Vec<_>>().join("; ");
        if is_empty {
            return Err(LaunchFailure::NoCapacity(if reason.is_empty() {
                "AWS made no machine and gave no reason".to_owned()
            } else {
                reason
            }));
        }
        Ok(Launched {
            instances: made.instances,
            shortfall: Some(reason).filter(|reason| !reason.is_empty()),
            more: made.more,
            resource_ids: made.resource_ids,
        })
    }

    fn stored_steps(&self) -> ohfp_broker::Result<Vec<Step>> {
        let mut steps = Vec::new();
        self.documents.read(self.provider, &mut |tx| {
            steps = documents::steps(tx, self.token)?;
            Ok(())
        })?;
        Ok(steps)
    }

    /// A new step, which is on the disk when this returns. It `is_needed` where another one follows.
    fn begin(&self, number: u32, call: Making, expected: u32, is_needed: bool) -> Result<Step, Stop> {
        let step = Step { number, call, expected, outcome: None, begun: self.now, is_needed };
        self.documents
            .write_through(self.provider, &mut |tx| documents::put_step(tx, self.token, &step, self.now))?;
        Ok(step)
    }

    /// Stores what came of a step, with what it created beside machines and what was short. A power cut may take that
    /// back: then the step is repeated, and comes to the same.
    fn finish(
        &self,
        step: Step,
        outcome: &StepOutcome,
        created: Option<(&str, &Resource)>,
        short: &[Shortfall],
    ) -> Result<(), Stop> {
        self.finish_with(step, outcome, &mut |tx| {
            if let Some((id, resource)) = created {
                documents::put_resource(tx, id, resource)?;
            }
            short.iter().try_for_each(|shortfall| memory::remember(tx, shortfall, self.now))
        })
    }

    /// The same with whatever else was learned.
    fn finish_with(
        &self,
        step: Step,
        outcome: &StepOutcome,
        learned: &mut dyn FnMut(&mut dyn DocumentTx) -> ohfp_broker::Result<()>,
    ) -> Result<(), Stop> {
        let step = Step { outcome: Some(outcome.clone()), ..step };
        self.documents.write(self.provider, &mut |tx| {
            documents::put_step(tx, self.token, &step, self.now)?;
            learned(tx)
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
