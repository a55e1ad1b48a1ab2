//! Fleets, spot fleets and groups: a launch template first, then what uses it.

use std::collections::BTreeSet;

use ohfp_broker::MachineId;
use ohfp_broker::launch_spec::FleetType;
use ohfp_broker::provider::Instance;

use super::{Launching, Made, Prepare, Stop};
use crate::api::{FleetCreated, PoolError};
use crate::calls::{LaunchTemplateSpecification, Making};
use crate::class::{self, Class, Purpose};
use crate::design::{Pool, Way};
use crate::documents::{Resource, ResourceKind, Step, StepOutcome};
use crate::failure::Failure;
use crate::memory::{self, Shortfall};
use crate::told;

impl Launching<'_> {
    pub(super) fn templated(
        &self,
        way: Way,
        steps: &[Step],
        prepare: Prepare<'_, '_>,
        made: &mut Made,
    ) -> Result<(), Stop> {
        let stored = |number: u32| steps.iter().find(|step| step.number == number).cloned();
        let order = prepare()?;
        let template = match (stored(0), order.launch_template(way), order.given_template()) {
            (Some(step), _, _) => self.template(step, made)?,
            (None, Some(call), _) => self.template(self.begin(0, call, 0, true)?, made)?,
            (None, None, given) => given,
        };
        let Some(template) = template else { return Ok(()) };
        let mut calls = (1..).zip(order.by_template(way, &template)).peekable();
        while let Some((number, call)) = calls.next() {
            let step = match stored(number) {
                Some(step) => step,
                None => {
                    let expected = expected(&call);
                    self.begin(number, call, expected, calls.peek().is_some())?
                }
            };
            match step.outcome.clone() {
                Some(outcome) => self.take(outcome, way, made),
                None => self.create(way, step, made)?,
            }
            if made.failure.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn take(&self, outcome: StepOutcome, way: Way, made: &mut Made) {
        let more = made.more;
        made.take(outcome, self.now);
        if way == Way::Fleet(FleetType::Instant) {
            made.more = more;
        }
    }

    /// The launch template; `None` where it cannot be made.
    fn template(&self, step: Step, made: &mut Made) -> Result<Option<LaunchTemplateSpecification>, Stop> {
        made.has_own_template = true;
        match &step.outcome {
            Some(StepOutcome::Template(template)) => return Ok(Some(template.clone())),
            Some(other) => {
                made.take(other.clone(), self.now);
                return Ok(None);
            }
            None => {}
        }
        let (answer, kind) = match &step.call {
            Making::CreateLaunchTemplate(call) => {
                (self.api.create_launch_template(call, self.deadline), ResourceKind::LaunchTemplate)
            }
            Making::CreateLaunchTemplateVersion(call) => (
                self.api.create_launch_template_version(call, self.deadline),
                ResourceKind::LaunchTemplateVersion,
            ),
            _ => return Ok(None),
        };
        let template = match answer {
            Ok(template) => template,
            Err(failure) => match (class::of(&failure, Purpose::Making), failure.code()) {
                (Class::Mismatch, _) | (_, Some("InvalidLaunchTemplateName.AlreadyExistsException")) => {
                    self.template_by_tag()?.ok_or(failure)?
                }
                (Class::Refused | Class::NotFound | Class::NoCapacity(_), _) => {
                    self.finish(step, &StepOutcome::Failed(told::reason(&failure)), None, &[])?;
                    made.failure = Some(failure);
                    return Ok(None);
                }
                (Class::Again(_) | Class::Unknown, _) => return Err(failure.into()),
            },
        };
        let id = match kind {
            ResourceKind::LaunchTemplateVersion => {
                format!("{}/{}", template.launch_template_id, template.version)
            }
            _ => template.launch_template_id.clone(),
        };
        let resource = self.resource(kind);
        self.finish(step, &StepOutcome::Template(template.clone()), Some((&id, &resource)), &[])?;
        Ok(Some(template))
    }

    pub(super) fn resource(&self, kind: ResourceKind) -> Resource {
        Resource { kind, token: self.token.to_owned(), created: self.now, settled: false }
    }

    fn create(&self, way: Way, step: Step, made: &mut Made) -> Result<(), Stop> {
        let answer = match &step.call {
            Making::CreateFleet(call) => match self.api.create_fleet(call, self.deadline) {
                Ok(created) if call.kind == "instant" => return self.instant(step, &created, made),
                Ok(created) => Ok((created.fleet_id, created.errors)),
                Err(failure) => Err(failure),
            },
            Making::RequestSpotFleet(call) => {
                self.api.request_spot_fleet(call, self.deadline).map(|id| (id, Vec::new()))
            }
            Making::CreateAutoScalingGroup(call) => self
                .api
                .create_auto_scaling_group(call, self.deadline)
                .map(|()| (call.auto_scaling_group_name.clone(), Vec::new())),
            _ => return Ok(()),
        };
        match answer {
            Ok((id, errors)) => self.created(way, step, &id, &errors, made),
            Err(failure) => self.not_created(way, step, failure, made),
        }
    }

    fn created(
        &self,
        way: Way,
        step: Step,
        id: &str,
        errors: &[PoolError],
        made: &mut Made,
    ) -> Result<(), Stop> {
        let resource = ResourceKind::of(&step.call).map(|kind| self.resource(kind));
        let outcome = StepOutcome::Resource { id: id.to_owned() };
        let resource = resource.as_ref().map(|resource| (id, resource));
        self.finish(step, &outcome, resource, &shortfalls(errors))?;
        made.reasons.extend(errors.iter().map(|one| told::pool_reason(&one.error)));
        self.take(outcome, way, made);
        Ok(())
    }

    /// An instant fleet: its machines are in the answer, and so are the reasons why there are not more.
    fn instant(&self, step: Step, created: &FleetCreated, made: &mut Made) -> Result<(), Stop> {
        let reasons: BTreeSet<String> =
            created.errors.iter().map(|one| told::pool_reason(&one.error)).collect();
        let shortage = reasons.iter().cloned().collect::<Vec<_>>().join("; ");
        let shortage = Some(shortage).filter(|text| !text.is_empty());
        let ids: Vec<String> = created.instances.iter().map(|instance| instance.id.clone()).collect();
        let resource = self.resource(ResourceKind::InstantFleet);
        let short = shortfalls(&created.errors);
        let outcome = if ids.is_empty() && !created.errors.is_empty() && short.is_empty() {
            StepOutcome::Failed(shortage.clone().unwrap_or_default())
        } else {
            StepOutcome::Machines { ids, shortage: shortage.clone() }
        };
        let known = (!created.fleet_id.is_empty()).then_some((created.fleet_id.as_str(), &resource));
        self.finish(step, &outcome, known, &short)?;
        let machine = |one: &crate::api::FleetInstance| Instance {
            instance_type: one.instance_type.clone(),
            price_type: Some(if one.is_spot { "spot" } else { "ondemand" }.to_owned()),
            resource_id: Some(created.fleet_id.clone()),
            launched: self.now,
            ..Instance::new(MachineId::new(one.id.as_str()))
        };
        made.instances.extend(created.instances.iter().map(machine));
        made.reasons.extend(reasons);
        if created.instances.is_empty() {
            // The most telling error decides: one for which no retry helps, before one of capacity.
            let refused = created
                .errors
                .iter()
                .find(|one| class::of_answer(&one.error, Purpose::Making) == Class::Refused);
            let telling = refused.or(created.errors.first());
            made.failure = telling.map(|one| Failure::Answered(one.error.clone()));
        }
        Ok(())
    }

    fn not_created(&self, way: Way, step: Step, failure: Failure, made: &mut Made) -> Result<(), Stop> {
        let code = failure.code().unwrap_or_default();
        if class::of(&failure, Purpose::Making) == Class::Mismatch && way == Way::Fleet(FleetType::Instant) {
            let created = self.instant_by_tag()?.ok_or(failure)?;
            return self.instant(step, &created, made);
        }
        if class::of(&failure, Purpose::Making) == Class::Mismatch || code == "AlreadyExists" {
            let id = self.resource_by_tag(&step.call)?.ok_or(failure)?;
            return self.created(way, step, &id, &[], made);
        }
        if code.starts_with("InvalidLaunchTemplate") && made.has_own_template {
            // Our template is seconds old, and not everywhere yet.
            return Err(Failure::Lost { action: step.call.action(), why: told::reason(&failure) }.into());
        }
        match class::of(&failure, Purpose::Making) {
            Class::Again(_) | Class::Unknown => Err(failure.into()),
            _ => {
                self.finish(step, &StepOutcome::Failed(told::reason(&failure)), None, &[])?;
                made.failure = Some(failure);
                Ok(())
            }
        }
    }
}

/// Machines or units that a call is to make.
fn expected(call: &Making) -> u32 {
    match call {
        Making::RunInstances(call) => call.max_count,
        Making::CreateFleet(call) => call.target_capacity_specification.total_target_capacity,
        Making::RequestSpotFleet(call) => call.spot_fleet_request_config.target_capacity,
        Making::CreateAutoScalingGroup(call) => call.desired_capacity,
        Making::CreateLaunchTemplate(_) | Making::CreateLaunchTemplateVersion(_) => 0,
    }
}

/// Pools that gave too little, with what was short there.
fn shortfalls(errors: &[PoolError]) -> Vec<Shortfall> {
    let short = |one: &PoolError| {
        let Class::NoCapacity(shortage) = class::of_answer(&one.error, Purpose::Making) else { return None };
        let pool = Pool { instance_type: one.instance_type.clone(), subnet_id: one.subnet_id.clone() };
        let zone = one.zone.clone().or_else(|| memory::zone_in(&one.error));
        Some(Shortfall { shortage, pool, zone, is_spot: one.is_spot })
    };
    errors.iter().filter_map(short).collect()
}
