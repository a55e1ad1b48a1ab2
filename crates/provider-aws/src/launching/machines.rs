//! `RunInstances`: pool after pool, until there are enough machines.

use std::collections::BTreeMap;

use ohfp_broker::launch_spec::PriceType;

use super::{Launching, Made, Prepare, Stop};
use crate::api::Ec2Instance;
use crate::calls::{Making, RunInstances};
use crate::class::{self, Class, Purpose, Shortage};
use crate::design::{self, Pool};
use crate::documents::{Step, StepOutcome};
use crate::failure::Failure;
use crate::memory::{self, Memory, Shortfall};
use crate::{observed, token, told};

impl Launching<'_> {
    pub(super) fn machines(
        &self,
        steps: Vec<Step>,
        prepare: Prepare<'_, '_>,
        made: &mut Made,
    ) -> Result<(), Stop> {
        let (mut tried, mut first, mut number) = (Vec::new(), None, 0);
        for step in steps {
            let Making::RunInstances(call) = &step.call else { continue };
            tried.push(design::pool_of(call));
            first.get_or_insert_with(|| call.clone());
            number = step.number + 1;
            match step.outcome.clone() {
                Some(outcome) => made.take(outcome, self.now),
                None => self.run_step(step, made)?,
            }
        }
        let mut has_looked = false;
        while made.machines() < self.count && made.failure.is_none() {
            // What the step before found short is behind the others now.
            let pools = self.pools(&mut has_looked)?;
            let Some(pool) = pools.iter().find(|pool| !tried.contains(*pool)) else { break };
            let missing = self.count - made.machines();
            let name = format!("run/{number}");
            let call = match &first {
                // The image and all else as in the first step, whatever they would be now.
                Some(first) => design::in_pool(first, pool, missing, token::of_step(self.token, &name)),
                None => prepare()?.run_instances(pool, missing, &name),
            };
            first.get_or_insert_with(|| call.clone());
            tried.push(pool.clone());
            let step = self.begin(number, Making::RunInstances(call), missing, false)?;
            number += 1;
            self.run_step(step, made)?;
        }
        Ok(())
    }

    fn is_spot(&self) -> bool {
        self.spec.price_type != PriceType::OnDemand
    }

    /// The pools, in the order in which they are to be tried. Where something is short and the zones of the subnets are
    /// not known, they are looked up, once.
    fn pools(&self, has_looked: &mut bool) -> Result<Vec<Pool>, Stop> {
        let pools = design::pools(self.spec);
        let mut memory = self.memory()?;
        if pools.len() > 1 && memory.has_short_pools() && !*has_looked {
            *has_looked = true;
            let subnets = memory.without_zone(self.spec.subnets.iter().map(|subnet| &**subnet));
            if self.spec.subnets.len() > 1 && !subnets.is_empty() && self.look_up_zones(&subnets)? {
                memory = self.memory()?;
            }
        }
        Ok(memory.by_preference(pools, self.is_spot()))
    }

    fn memory(&self) -> Result<Memory, Stop> {
        let mut memory = Memory::default();
        self.documents.read(self.provider, &mut |tx| {
            memory = Memory::load(tx, self.now)?;
            Ok(())
        })?;
        Ok(memory)
    }

    /// Whether that has told anything. A launch goes on without it.
    fn look_up_zones(&self, subnets: &[String]) -> Result<bool, Stop> {
        let zones = match self.api.zones(subnets, self.deadline) {
            Ok(zones) => zones,
            // No permission, or an unknown subnet: the launch tells which.
            Err(failure) if class::of(&failure, Purpose::Repeatable) == Class::Refused => BTreeMap::new(),
            Err(_) => return Ok(false),
        };
        self.documents
            .write(self.provider, &mut |tx| memory::remember_look_up(tx, subnets, &zones, self.now))?;
        Ok(!zones.is_empty())
    }

    fn run_step(&self, step: Step, made: &mut Made) -> Result<(), Stop> {
        let Making::RunInstances(call) = step.call.clone() else { return Ok(()) };
        match self.api.run_instances(&call, self.deadline) {
            Ok(instances) => self.ran(step, &call, &instances, made),
            Err(failure) => self.did_not_run(step, &call, failure, made),
        }
    }

    fn ran(
        &self,
        step: Step,
        call: &RunInstances,
        instances: &[Ec2Instance],
        made: &mut Made,
    ) -> Result<(), Stop> {
        (self.saw)(instances);
        let pool = design::pool_of(call);
        let is_short = instances.len() < usize::try_from(call.max_count).unwrap_or(usize::MAX);
        let shortage =
            is_short.then(|| format!("{pool} has {} of {} machines", instances.len(), call.max_count));
        let zone = instances.iter().find_map(|instance| instance.zone.clone());
        let short = Shortfall { shortage: Shortage::Pool, pool, zone, is_spot: self.is_spot() };
        let ids = instances.iter().map(|instance| instance.id.clone()).collect();
        let outcome = StepOutcome::Machines { ids, shortage: shortage.clone() };
        let short = if is_short { std::slice::from_ref(&short) } else { &[] };
        self.finish_with(step, &outcome, &mut |tx| {
            memory::remember_zones(tx, instances, self.now)?;
            short.iter().try_for_each(|shortfall| memory::remember(tx, shortfall, self.now))
        })?;
        made.instances.extend(instances.iter().map(observed::instance));
        made.reasons.extend(shortage);
        Ok(())
    }

    fn did_not_run(
        &self,
        step: Step,
        call: &RunInstances,
        failure: Failure,
        made: &mut Made,
    ) -> Result<(), Stop> {
        let pool = design::pool_of(call);
        match class::of(&failure, Purpose::Making) {
            Class::NoCapacity(shortage) => {
                let reason = told::reason(&failure);
                let zone = match &failure {
                    Failure::Answered(answered) => memory::zone_in(answered),
                    Failure::NotSent(_) | Failure::Lost { .. } => None,
                };
                let short = Shortfall { shortage, pool, zone, is_spot: self.is_spot() };
                let outcome = StepOutcome::Machines { ids: Vec::new(), shortage: Some(reason.clone()) };
                self.finish(step, &outcome, None, &[short])?;
                made.reasons.insert(reason);
                // What all pools share is short in all of them.
                if matches!(shortage, Shortage::Quota | Shortage::Account) {
                    made.failure = Some(failure);
                }
                Ok(())
            }
            Class::Refused | Class::NotFound => {
                self.finish(step, &StepOutcome::Failed(told::reason(&failure)), None, &[])?;
                made.failure = Some(failure);
                Ok(())
            }
            Class::Mismatch => {
                let found = self.machines_by_tag()?;
                let known = |instance: &&Ec2Instance| {
                    !made.instances.iter().any(|one| one.id.as_str() == instance.id)
                };
                let new: Vec<Ec2Instance> = found.iter().filter(known).cloned().collect();
                if new.is_empty() {
                    return Err(failure.into());
                }
                self.ran(step, call, &new, made)
            }
            // The step stays as it is, for the next launch with the token.
            Class::Again(_) | Class::Unknown => Err(failure.into()),
        }
    }
}
