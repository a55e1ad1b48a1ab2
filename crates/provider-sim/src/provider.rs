//! The provider: the broker's questions, answered from documents.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ohfp_broker::documents::{DocumentStore, DocumentTx};
use ohfp_broker::owned::{Owned, OwnedResource, Whose};
use ohfp_broker::provider::{
    Capabilities, Described, Detail, Existence, Followed, Health, Identity, Instance, LaunchFailure,
    LaunchRequest, Launched, Pending, Plan, Progress, Provider, Releasing,
};
use ohfp_broker::{Deadline, Error, ErrorKind, MachineId, MachineRef, Result, Template, Timestamp, host};

use crate::chance::Chance;
use crate::config::SimConfig;
use crate::fleets::Launch;
use crate::offer::Offer;
use crate::{documents, launching, owning};

/// The largest launch.
const LARGEST_LAUNCH: u32 = 10_000;

/// A configured instance of the simulated provider.
pub struct SimProvider {
    name: String,
    config: SimConfig,
    records: Arc<dyn DocumentStore>,
}

/// What a launch would do, in words.
pub fn plan(config: &SimConfig, template: &Template, count: u32) -> Plan {
    let offer = Offer::of(template, &config.default_type);
    let seconds = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or(0)).as_secs_f64();
    let boot = config.boot.time;
    let shares = offer.shares(count).into_iter();
    let mut steps: Vec<String> = shares
        .map(|(name, number)| format!("launch {number} × {name} ({}), simulated", offer.price_type))
        .collect();
    steps.push(format!(
        "wait {} to {} s until they run, with addresses of {}",
        seconds(boot.least),
        seconds(boot.most),
        config.network.block
    ));
    Plan { steps }
}

impl SimProvider {
    /// An instance of this name that keeps its machines in `records`.
    pub fn new(name: impl Into<String>, config: SimConfig, records: Arc<dyn DocumentStore>) -> Self {
        Self { name: name.into(), config, records }
    }

    pub(crate) fn config(&self) -> &SimConfig {
        &self.config
    }

    /// Runs `body` once on one consistent state.
    pub(crate) fn read(&self, body: impl FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        let mut body = body;
        self.records.read(&self.name, &mut body)
    }

    /// Runs `body` in one transaction.
    pub(crate) fn write(&self, body: impl FnMut(&mut dyn DocumentTx) -> Result<()>) -> Result<()> {
        let mut body = body;
        self.records.write(&self.name, &mut body)
    }

    fn chance(&self, about: &str) -> Chance {
        Chance::new(self.config.seed, &[&self.name, about])
    }

    /// Whether a failure that passes happens now.
    fn passing(&self, what: &str, probability: f64, now: Timestamp) -> bool {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        self.chance(what).draw("now", millis).happens(probability)
    }

    fn looks_fail(&self, now: Timestamp, deadline: Deadline) -> Result<()> {
        self.pause(self.config.latency.describe, deadline)?;
        if self.passing("describe", self.config.describe.error, now) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("the simulated provider `{}` does not say what machines are doing", self.name),
            )
            .hint("`describe.error_probability` of its config lets it fail"));
        }
        Ok(())
    }

    /// Lets a call take its time, or what is left until the deadline: then it fails.
    fn pause(&self, millis: u64, deadline: Deadline) -> Result<()> {
        let wanted = Duration::from_millis(millis);
        match deadline.left(Instant::now()) {
            Some(left) if left <= wanted => {
                thread::sleep(left);
                let what = format!("the simulated provider `{}` did not answer in time", self.name);
                Err(Error::new(ErrorKind::Unavailable, what)
                    .hint("`latency` of its config is how long its calls take"))
            }
            _ if millis == 0 => Ok(()),
            _ => {
                thread::sleep(wanted);
                Ok(())
            }
        }
    }

    /// What became of launches; machines that have ended are replaced first where a fleet does so.
    fn launches(&self, pending: &[Pending<'_>], now: Timestamp) -> Result<Vec<Launch>> {
        let mut launches = Vec::with_capacity(pending.len());
        self.read(|tx| {
            launches.clear();
            for one in pending {
                launches.push(Launch::read(tx, one.token)?);
            }
            Ok(())
        })?;
        if launches.iter().any(|launch| launch.is_to_refill(now)) {
            self.write(|tx| {
                launches.clear();
                for one in pending {
                    let mut launch = Launch::read(tx, one.token)?;
                    launch.refill(&self.config, self.chance(one.token), tx, now)?;
                    launches.push(launch);
                }
                Ok(())
            })?;
        }
        Ok(launches)
    }

    /// Ids of the fleets that exist.
    ///
    /// # Errors
    /// Those of the store.
    pub fn fleets(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        self.read(|tx| {
            ids = documents::fleets(tx)?.into_iter().map(|(id, _)| id).collect();
            Ok(())
        })?;
        Ok(ids)
    }
}

/// Announced reclaims are told by another call.
fn without_reclaims(instances: Vec<Instance>) -> Vec<Instance> {
    instances.into_iter().map(|instance| Instance { reclaim_at: None, ..instance }).collect()
}

/// The id of the only machine that is there and answers to a name.
fn named(live: &[documents::Machine], name: &str, now: Timestamp) -> Result<Option<String>> {
    let there = live.iter().filter(|machine| machine.life.is_there(now));
    let mut found = there.filter(|machine| host::stands_for(name, &machine.life.name));
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => Err(Error::new(
            ErrorKind::Refused,
            format!("{name} could be {} or {}", one.life.name, other.life.name),
        )),
        (found, _) => Ok(found.map(|machine| machine.id.clone())),
    }
}

impl Provider for SimProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "sim"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            reclaims: true,
            consistency_millis: self.config.describe.consistency,
            largest_launch: LARGEST_LAUNCH,
        }
    }

    fn identity(&self) -> Identity {
        self.config.identity.clone()
    }

    fn plan(&self, template: &Template, count: u32) -> Result<Plan> {
        Ok(plan(&self.config, template, count))
    }

    fn launch(
        &self,
        request: &LaunchRequest<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Launched, LaunchFailure> {
        if deadline.left(Instant::now()).is_some_and(|left| left.is_zero()) {
            let what = format!("no time is left to ask the simulated provider `{}`", self.name);
            return Err(LaunchFailure::Unreachable(Error::new(ErrorKind::Unavailable, what)));
        }
        let in_time = self.pause(self.config.latency.launch, deadline);
        if self.passing(request.token, self.config.launch.unreachable, now) {
            let what = format!("the simulated provider `{}` is not reached", self.name);
            return Err(LaunchFailure::Unreachable(
                Error::new(ErrorKind::Unavailable, what)
                    .hint("`launch.unreachable_probability` of its config lets it fail"),
            ));
        }
        let chance = self.chance(request.token);
        let mut launch = None;
        let stored = self.write(|tx| {
            launch = Some(launching::launch((&self.name, &self.config), chance, tx, request, now)?);
            Ok(())
        });
        match (stored, launch) {
            // The call takes place, and its answer comes too late.
            (Ok(()), Some(launch)) => in_time.map_err(LaunchFailure::Unknown).and(launch),
            // Whether the transaction took place is not known when it fails at its end.
            (Err(error), _) => Err(LaunchFailure::Unknown(error)),
            (Ok(()), None) => {
                Err(LaunchFailure::Unknown(Error::new(ErrorKind::System, "a launch has left no trace")))
            }
        }
    }

    fn progress(&self, pending: &[Pending<'_>], now: Timestamp, deadline: Deadline) -> Result<Followed> {
        self.looks_fail(now, deadline)?;
        let visible = self.config.terminated_visible;
        let launches = self.launches(pending, now)?;
        let mut answers: Vec<Progress> =
            launches.iter().map(|launch| launch.progress(now, visible)).collect();
        if self.config.spot.notice_on_demand {
            for progress in &mut answers {
                progress.instances = without_reclaims(std::mem::take(&mut progress.instances));
            }
        }
        Ok(answers.into())
    }

    fn settled(&self, pending: &Pending<'_>, now: Timestamp, deadline: Deadline) -> Result<()> {
        self.pause(self.config.latency.release, deadline)?;
        let mut is_open = false;
        self.read(|tx| {
            is_open = Launch::read(tx, pending.token)?.is_open();
            Ok(())
        })?;
        if is_open {
            self.write(|tx| Launch::read(tx, pending.token)?.settle(tx, now).map(drop))?;
        }
        Ok(())
    }

    fn tidy(
        &self,
        alive: &dyn Fn(&str) -> bool,
        limit: u32,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<u32> {
        let mut unused = Vec::new();
        self.read(|tx| {
            unused.clear();
            for (id, fleet) in documents::fleets(tx)? {
                if fleet.settled && !Launch::read(tx, &fleet.token)?.has_machines(now) {
                    unused.push((id, fleet));
                }
            }
            Ok(())
        })?;
        unused.retain(|(id, _)| !alive(id));
        unused.truncate(limit as usize);
        if unused.is_empty() {
            return Ok(0);
        }
        self.pause(self.config.latency.release, deadline)?;
        self.write(|tx| {
            unused.iter().try_for_each(|(id, fleet)| documents::put_fleet(tx, id, fleet, false))
        })?;
        Ok(u32::try_from(unused.len()).unwrap_or(u32::MAX))
    }

    fn describe(
        &self,
        ids: &[MachineId],
        detail: Detail,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Described> {
        self.looks_fail(now, deadline)?;
        let visible = self.config.terminated_visible;
        let mut instances = Vec::with_capacity(ids.len());
        self.read(|tx| {
            instances.clear();
            for id in ids {
                let machine = documents::by_id(tx, id.as_str())?;
                let seen = machine.filter(|machine| machine.life.is_visible(now, visible));
                instances.extend(seen.map(|machine| machine.instance(now)));
            }
            Ok(())
        })?;
        if detail == Detail::State && self.config.spot.notice_on_demand {
            instances = without_reclaims(instances);
        }
        Ok(instances.into())
    }

    fn release(&self, machines: &[Releasing<'_>], now: Timestamp, deadline: Deadline) -> Result<()> {
        self.pause(self.config.latency.release, deadline)?;
        if self.passing("release", self.config.release.error, now) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("the simulated provider `{}` does not take a release", self.name),
            )
            .hint("`release.error_probability` of its config lets it fail"));
        }
        self.write(|tx| {
            for Releasing { id, .. } in machines {
                let Some(mut machine) = documents::by_id(tx, id.as_str())? else { continue };
                let chance = self.chance(id.as_str());
                let slow = chance.draw("slow", 0).happens(self.config.release.slow);
                let span = if slow { self.config.release.slow_time } else { self.config.release.time };
                if machine.life.release(span.draw(chance.draw("release", 0)), now) {
                    machine.put(tx)?;
                }
            }
            Ok(())
        })
    }

    fn exists(&self, machines: &[MachineRef], now: Timestamp, deadline: Deadline) -> Result<Vec<Existence>> {
        self.looks_fail(now, deadline)?;
        let mut sightings = Vec::with_capacity(machines.len());
        self.read(|tx| {
            sightings.clear();
            let mut live = None;
            for wanted in machines {
                let mut found = None;
                if let Some(id) = &wanted.id {
                    let machine = documents::by_id(tx, id.as_str())?;
                    found = machine.filter(|machine| machine.life.is_there(now)).map(|machine| machine.id);
                }
                if let (None, Some(name)) = (&found, wanted.name_to_look_up()) {
                    let live = match &live {
                        Some(live) => live,
                        None => live.insert(documents::held(tx, now)?),
                    };
                    found = named(live, name, now)?;
                }
                sightings.push(Existence { machine: wanted.clone(), found: found.map(MachineId::new) });
            }
            Ok(())
        })?;
        Ok(sightings)
    }

    fn owned(&self, whose: Whose<'_>, now: Timestamp, deadline: Deadline) -> Result<Owned> {
        self.looks_fail(now, deadline)?;
        let (mut owned, mut is_empty) = (Owned::default(), true);
        self.read(|tx| {
            is_empty = tx.count_live(now)? == 0;
            Ok(())
        })?;
        // There may be no store yet, which would have the id.
        if is_empty {
            return Ok(owned);
        }
        let store = self.records.store_id()?;
        match whose {
            Whose::Stores(stores) if !stores.contains(&store) => return Ok(owned),
            Whose::OtherPlugin(_) => return Ok(owned),
            Whose::Stores(_) | Whose::AnyStore => {}
        }
        self.read(|tx| {
            owned = owning::owned(tx, (&self.name, &store), now)?;
            Ok(())
        })?;
        Ok(owned)
    }

    fn claim(
        &self,
        _: &[MachineId],
        resources: &[OwnedResource],
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<()> {
        for resource in resources {
            let token = resource.marks.token.as_deref().unwrap_or_default();
            self.settled(&Pending { token, resource_ids: &[], expected: 0 }, now, deadline)?;
        }
        Ok(())
    }

    fn health(&self, now: Timestamp, _: Deadline) -> Health {
        match self.live_count(now) {
            Ok(live) => Health {
                healthy: true,
                detail: format!("{live} of {} machines exist", self.config.capacity.total),
            },
            Err(error) => Health { healthy: false, detail: error.summary() },
        }
    }
}
