//! The end of a launch whose request is over: what its unfinished steps have made is found, so that it can be stopped and
//! deleted like everything else.

use ohfp_broker::{Error, ErrorKind};

use super::{Launching, Stop};
use crate::calls::Making;
use crate::documents::{ResourceKind, Step, StepOutcome};

/// For how long what was made may be invisible to a search.
const INVISIBLE_MILLIS: i64 = 60_000;

/// The outcome of a step of which nothing was found.
const NOTHING: &str = "its request was over before its outcome was known";

impl Launching<'_> {
    /// Gives the fleets and groups of all steps. Steps without an outcome get one.
    ///
    /// # Errors
    /// A call has failed; or a step may have made something that cannot be seen yet. Whatever could be told is stored.
    pub(crate) fn conclude(&self) -> Result<Vec<String>, Stop> {
        let (mut resources, mut invisible) = (Vec::new(), None);
        let steps = self.stored_steps()?;
        let last = steps.last().map(|step| step.number);
        for mut step in steps {
            // None follows any more.
            let is_cut_short = step.is_needed && Some(step.number) == last;
            step.is_needed &= !is_cut_short;
            match step.outcome.clone() {
                Some(outcome) => {
                    if let StepOutcome::Resource { id } = &outcome {
                        resources.push(id.clone());
                    }
                    if is_cut_short {
                        self.finish(step, &outcome, None, &[])?;
                    }
                }
                None => match self.look_for(&step)? {
                    Some((id, kind, outcome)) => {
                        if kind.launches_by_itself() {
                            resources.push(id.clone());
                        }
                        self.finish(step, &outcome, Some((&id, &self.resource(kind))), &[])?;
                    }
                    None if searched(&step.call).is_some()
                        && self.now.millis_since(step.begun) < INVISIBLE_MILLIS =>
                    {
                        invisible = Some(step.call.action());
                    }
                    None => self.finish(step, &StepOutcome::Failed(NOTHING.to_owned()), None, &[])?,
                },
            }
        }
        match invisible {
            None => Ok(resources),
            Some(action) => Err(Stop::Error(Error::new(
                ErrorKind::Unavailable,
                format!("provider `{}`: what {action} has made may not be visible yet", self.provider),
            ))),
        }
    }

    /// What a step has made beside machines: its id, what it is, and the outcome of the step.
    fn look_for(&self, step: &Step) -> Result<Option<(String, ResourceKind, StepOutcome)>, Stop> {
        let Some(kind) = searched(&step.call) else { return Ok(None) };
        let found = match kind {
            ResourceKind::LaunchTemplate => self
                .template_by_tag()?
                .map(|template| (template.launch_template_id.clone(), StepOutcome::Template(template))),
            ResourceKind::InstantFleet => self.instant_by_tag()?.map(|fleet| {
                let ids = fleet.instances.into_iter().map(|instance| instance.id).collect();
                (fleet.fleet_id, StepOutcome::Machines { ids, shortage: None })
            }),
            _ => self.resource_by_tag(&step.call)?.map(|id| (id.clone(), StepOutcome::Resource { id })),
        };
        Ok(found.map(|(id, outcome)| (id, kind, outcome)))
    }
}

/// What a call makes that a search can find. Machines of `RunInstances` are found by their tags for as long as their
/// request is watched, and a version of a template has no tags.
fn searched(call: &Making) -> Option<ResourceKind> {
    ResourceKind::of(call).filter(|kind| *kind != ResourceKind::LaunchTemplateVersion)
}
