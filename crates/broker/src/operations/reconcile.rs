//! Reconciling store and providers: what only one of them has is found, and adopted or released on request.
//!
//! What is adopted or released is stored first, all of a request at once. A process that is killed after that leaves
//! machines that are the store's: those to be released are released by the next sweep.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::side_by_side::side_by_side;
use super::{Broker, WATCH_SECONDS, completion};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{MachineId, RequestId, RequestKind};
use crate::machine::Machine;
use crate::owned::{Owned, OwnedMachine, Whose};
use crate::provider::{Detail, Identity, Provider, Releasing};
use crate::reconcile::{Finding, Listing, Misfit, OtherStore, ReconcileScope, Remedy, Stored, Why, compare};
use crate::request::Request;
use crate::state::RequestState;
use crate::store::{Applied, MachineFilter};
use crate::time::Timestamp;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Reconciliation {
    /// What does not fit.
    pub findings: Vec<Finding>,
    /// What belongs to other stores, by their ids.
    pub others: BTreeMap<String, OtherStore>,
    /// What could not be listed. Nothing is found there.
    pub unlisted: Vec<Unlisted>,
}

/// Something that could not be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Name of the provider.
    pub provider: String,
    /// Kind of thing; `all` where the provider could not be asked.
    pub kind: &'static str,
    /// Why.
    pub error: Error,
}

/// What was mended.
#[derive(Clone, Debug, Default)]
pub struct Reconciled {
    /// Machines by the request that they are of now.
    pub adopted: Vec<(RequestId, Vec<MachineId>)>,
    /// Machines that were released.
    pub released: Vec<MachineId>,
    /// Fleets, groups and templates that launch no more and go after the last of their machines.
    pub resources: Vec<String>,
    /// Machines that the store has noted as gone.
    pub refreshed: Vec<MachineId>,
    /// What could not be mended yet. Another run goes on with it.
    pub errors: Vec<Error>,
}

/// What a repair is told.
pub struct Repair<'r> {
    /// The id of this store, which adopted machines are marked with.
    pub store: &'r str,
    /// What a person wants for machines that may be in use; `None` leaves it to [`Why::remedy`].
    pub machines: Option<Remedy>,
    /// Makes ids of requests.
    pub new_id: &'r dyn Fn(RequestKind) -> Result<RequestId>,
}

/// Machines that become those of one request: what is done with them, the request if it keeps its id, and the template.
type Group<'f> = (Remedy, Option<&'f RequestId>, Option<&'f str>);

/// What one provider has listed.
struct Listed {
    name: String,
    provider: Arc<dyn Provider>,
    owned: Owned,
}

impl Broker<'_> {
    /// Compares the store with what its providers have. Changes no state.
    ///
    /// # Errors
    /// Those of the store. A provider that cannot be asked is in the answer.
    pub fn reconcile(
        &self,
        scope: &ReconcileScope,
        whose: Whose<'_>,
        now: Timestamp,
    ) -> Result<Reconciliation> {
        let mut found = Reconciliation::default();
        let all = self.providers.names();
        let is_wanted = |name: &&String| scope.providers.as_ref().is_none_or(|only| only.contains(name));
        let mut asked = Vec::new();
        for name in all.iter().filter(is_wanted) {
            match self.providers.get(name) {
                Ok(provider) => asked.push((name.clone(), provider)),
                Err(error) => found.unlisted.push(Unlisted { provider: name.clone(), kind: "all", error }),
            }
        }
        let answers = side_by_side(&asked, |provider| provider.owned(whose, now, self.deadline));
        let mut listed = Vec::new();
        for ((name, provider), answer) in asked.into_iter().zip(answers) {
            match answer.flatten() {
                Ok(owned) => listed.push(Listed { name, provider, owned }),
                Err(error) => found.unlisted.push(Unlisted { provider: name, kind: "all", error }),
            }
        }
        let stored = if scope.own.is_some() { self.stored(&listed)? } else { Stored::default() };
        for Listed { name, provider, owned } in &listed {
            let listing = Listing {
                provider: name,
                identity: &provider.identity(),
                consistency_millis: provider.capabilities().consistency_millis,
                all: &all,
                owned,
                has_own: !matches!(whose, Whose::OtherPlugin(_)),
                at: now,
            };
            let mut compared = compare(&listing, &stored, scope);
            self.keep_missing(provider.as_ref(), &mut compared.findings, now, &mut found.unlisted);
            found.findings.extend(compared.findings);
            for (store, other) in compared.others {
                let sum = found.others.entry(store).or_default();
                sum.machines += other.machines;
                sum.known += other.known;
                sum.resources += other.resources;
            }
            let unlisted = owned.unlisted.iter();
            found.unlisted.extend(unlisted.map(|(kind, error)| Unlisted {
                provider: name.clone(),
                kind: kind.name(),
                error: error.clone(),
            }));
        }
        // Two instances of one account list the same.
        let mut seen = BTreeSet::new();
        found.findings.retain(|finding| seen.insert((finding.kind(), finding.id().to_owned(), finding.why)));
        Ok(found)
    }

    /// Reads what the listings are compared with.
    fn stored(&self, listed: &[Listed]) -> Result<Stored> {
        let machines = || listed.iter().flat_map(|one| &one.owned.machines);
        let resources = listed.iter().flat_map(|one| &one.owned.resources);
        let ids: Vec<MachineId> = machines().map(|machine| machine.instance.id.clone()).collect();
        let known = self.store.machines_by_id(&ids)?;
        let known: HashMap<_, _> = known.into_iter().map(|machine| (machine.id.clone(), machine)).collect();
        // Requests of machines that are known say nothing more.
        let of_machines = machines().filter(|machine| !known.contains_key(&machine.instance.id));
        let marks = of_machines.map(|one| &one.marks).chain(resources.map(|one| &one.marks));
        let requests: BTreeSet<RequestId> = marks.filter_map(|marks| marks.request.clone()).collect();
        let requests: Vec<RequestId> = requests.into_iter().collect();
        let views = self.store.views(&requests)?;
        Ok(Stored {
            machines: known,
            requests: views
                .into_iter()
                .flatten()
                .map(|view| (view.request.id.clone(), view.request))
                .collect(),
            living: self.store.machines(&MachineFilter::existing())?,
        })
    }

    /// Of the machines that are not in a listing, keeps those that the provider does not have by their ids either.
    fn keep_missing(
        &self,
        provider: &dyn Provider,
        findings: &mut Vec<Finding>,
        now: Timestamp,
        unlisted: &mut Vec<Unlisted>,
    ) {
        let suspected = findings.iter().filter(|finding| finding.why == Why::Vanished);
        let ids: Vec<MachineId> = suspected.map(|finding| MachineId::new(finding.id())).collect();
        if ids.is_empty() {
            return;
        }
        let mut there: BTreeSet<MachineId> = BTreeSet::new();
        match provider.describe(&ids, Detail::State, now, self.deadline) {
            Ok(described) => {
                let alive = described.instances.iter().filter(|instance| !instance.state.is_ending());
                there.extend(alive.map(|instance| instance.id.clone()));
                there.extend(described.unobserved);
            }
            Err(error) => {
                there.extend(ids);
                unlisted.push(Unlisted { provider: provider.name().to_owned(), kind: "machine", error });
            }
        }
        findings
            .retain(|finding| finding.why != Why::Vanished || !there.contains(&MachineId::new(finding.id())));
    }

    /// Mends findings. Idempotent, and continued by another run where it was killed.
    pub fn repair(&self, findings: &[Finding], repair: &Repair<'_>, now: Timestamp) -> Reconciled {
        let mut done = Reconciled::default();
        let mut by_provider: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            by_provider.entry(&finding.provider).or_default().push(finding);
        }
        for (name, findings) in by_provider {
            let repaired = self
                .providers
                .get(name)
                .and_then(|provider| self.repair_at(provider.as_ref(), &findings, repair, &mut done, now));
            done.errors.extend(repaired.err());
        }
        done
    }

    fn repair_at(
        &self,
        provider: &dyn Provider,
        findings: &[&Finding],
        repair: &Repair<'_>,
        done: &mut Reconciled,
        now: Timestamp,
    ) -> Result<()> {
        let mut groups: BTreeMap<Group<'_>, Vec<&OwnedMachine>> = BTreeMap::new();
        let (mut resources, mut ended, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for finding in findings {
            match &finding.misfit {
                Misfit::Machine(machine) if finding.why == Why::Ended => ended.push(&machine.instance.id),
                Misfit::Machine(machine) => {
                    // A request that is over stays as it was told.
                    let request = machine.marks.request.as_ref();
                    let is_request =
                        |id: &&RequestId| !id.as_str().starts_with("ret-") && !id.as_str().is_empty();
                    let request = request.filter(|_| finding.why == Why::UnknownRequest).filter(is_request);
                    let remedy = finding.remedy(repair.machines);
                    let key = (remedy, request, machine.marks.template.as_deref());
                    groups.entry(key).or_default().push(machine);
                }
                Misfit::Resource(resource) => resources.push(resource.clone()),
                Misfit::Missing(machine) => missing.push(machine.clone()),
            }
        }
        let mut to_mark: Vec<MachineId> = Vec::new();
        for ((remedy, request, template), machines) in groups {
            match self.take(provider, (remedy, request, template), &machines, repair, now) {
                Ok((id, taken)) if remedy == Remedy::Adopt => {
                    let foreign =
                        machines.iter().filter(|one| one.marks.store.as_deref() != Some(repair.store));
                    to_mark.extend(foreign.map(|one| one.instance.id.clone()));
                    done.adopted.push((id, taken));
                }
                Ok((_, taken)) => done.released.extend(taken),
                Err(error) => done.errors.push(error),
            }
        }
        // What is adopted is marked as this store's, and resources are remembered.
        if !to_mark.is_empty() || !resources.is_empty() {
            match provider.claim(&to_mark, &resources, now, self.deadline) {
                Ok(()) => done.resources.extend(resources.into_iter().map(|resource| resource.id)),
                Err(error) => done.errors.push(error),
            }
        }
        if !ended.is_empty() {
            let releasing: Vec<Releasing<'_>> = ended.iter().map(|id| Releasing::of_id(id)).collect();
            match provider.release(&releasing, now, self.deadline) {
                Ok(()) => done.released.extend(ended.into_iter().cloned()),
                Err(error) => done.errors.push(error),
            }
        }
        if !missing.is_empty() {
            let (machines, errors) = self.refresh_machines(missing, Detail::State, now)?;
            done.errors.extend(errors);
            let gone = machines.into_iter().filter(Machine::is_gone);
            done.refreshed.extend(gone.map(|machine| machine.id));
        }
        Ok(())
    }

    /// Stores machines as those of a request, and has those released that shall be.
    fn take(
        &self,
        provider: &dyn Provider,
        (remedy, request, template): Group<'_>,
        machines: &[&OwnedMachine],
        repair: &Repair<'_>,
        now: Timestamp,
    ) -> Result<(RequestId, Vec<MachineId>)> {
        let id = request.cloned().map_or_else(|| (repair.new_id)(RequestKind::Acquire), Ok)?;
        let (name, identity) = (provider.name(), provider.identity());
        let template = template.unwrap_or(UNKNOWN_TEMPLATE);
        let deadline = now.plus_seconds(self.policy.fulfillment_timeout);
        let (mut request, mut machines) =
            request_of((id, name, template), machines, &identity, deadline, now);
        request.transition_to(RequestState::Started, None, now)?;
        if remedy == Remedy::Release {
            request.watch_until = Some(now.plus_seconds(WATCH_SECONDS));
            for machine in &mut machines {
                machine.released(Some(RELEASED), now);
            }
        }
        if let Some(end) = completion::of_acquire(&request, &machines, false) {
            completion::end(&mut request, &machines, end, now)?;
        }
        if request.reason.is_none() {
            request.reason = Some(ADOPTED.to_owned());
        }
        match self.store.adopt(&request, &machines)? {
            Applied::Stored => {}
            Applied::Conflict => {
                let what =
                    format!("the machines of {} were recorded by another process meanwhile", request.id);
                return Err(Error::new(ErrorKind::Unavailable, what).hint("run `ohfp reconcile` again"));
            }
        }
        let mut pass = self.pass(now);
        pass.end_released(&machines);
        let ids = machines.into_iter().map(|machine| machine.id).collect();
        // A failed release is repeated by the next sweep.
        pass.errors.into_iter().next().map_or(Ok((request.id, ids)), Err)
    }
}

/// Template of machines that are marked with none.
const UNKNOWN_TEMPLATE: &str = "unknown";

/// The reason of a request that was made by a reconciliation.
pub const ADOPTED: &str = "adopted by `ohfp reconcile`";

/// Why a machine is released by a reconciliation.
pub const RELEASED: &str = "released by `ohfp reconcile`";

/// A request that has these machines.
fn request_of(
    (id, provider, template): (RequestId, &str, &str),
    machines: &[&OwnedMachine],
    identity: &Identity,
    deadline: Timestamp,
    now: Timestamp,
) -> (Request, Vec<Machine>) {
    let launched = machines.iter().map(|machine| machine.instance.launched).min();
    let created = launched.filter(|launched| *launched != Timestamp::default()).unwrap_or(now).min(now);
    let number = u32::try_from(machines.len()).unwrap_or(u32::MAX);
    let mut request = Request::new(id, RequestKind::Acquire, number, created, deadline);
    request.template_id = Some(template.to_owned());
    request.provider = Some(provider.to_owned());
    // The scheduler has its id from before, or never gets it: it is not to be given up.
    request.acknowledged = true;
    request.updated = now;
    let machine = |one: &&OwnedMachine| Machine::from_instance(&one.instance, &request, identity, None, now);
    let machines = machines.iter().map(machine).collect();
    (request, machines)
}
