//! The provider: the broker's questions, answered from documents.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ohfp_broker::documents::{DocumentStore, DocumentTx};
use ohfp_broker::provider::{
    Capabilities, Existence, Health, Instance, LaunchFailure, LaunchRequest, Launched, Plan, Provider,
};
use ohfp_broker::{Error, ErrorKind, MachineId, MachineRef, Result, Template, Timestamp, host};

use crate::chance::Chance;
use crate::config::SimConfig;
use crate::offer::Offer;
use crate::{documents, launching};

/// The largest launch.
const LARGEST_LAUNCH: u32 = 10_000;

/// A configured instance of the simulated provider.
pub struct SimProvider {
    name: String,
    config: SimConfig,
    records: Arc<dyn DocumentStore>,
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

    fn looks_fail(&self, now: Timestamp) -> Result<()> {
        pause(self.config.latency.describe);
        if self.passing("describe", self.config.describe.error, now) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("the simulated provider `{}` does not say what machines are doing", self.name),
            )
            .hint("`describe.error_probability` of its config lets it fail"));
        }
        Ok(())
    }
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

fn pause(millis: u64) {
    if millis > 0 {
        thread::sleep(Duration::from_millis(millis));
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

    fn plan(&self, template: &Template, count: u32) -> Result<Plan> {
        let offer = Offer::of(template, &self.config.default_type);
        let seconds = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or(0)).as_secs_f64();
        let boot = self.config.boot.time;
        let shares = offer.shares(count).into_iter();
        let mut steps: Vec<String> = shares
            .map(|(name, number)| format!("launch {number} × {name} ({}), simulated", offer.price_type))
            .collect();
        steps.push(format!(
            "wait {} to {} s until they run, with addresses of {}",
            seconds(boot.least),
            seconds(boot.most),
            self.config.network.block
        ));
        Ok(Plan { steps })
    }

    fn launch(&self, request: &LaunchRequest<'_>, now: Timestamp) -> Result<Launched, LaunchFailure> {
        pause(self.config.latency.launch);
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
            (Ok(()), Some(launch)) => launch,
            // Whether the transaction took place is not known when it fails at its end.
            (Err(error), _) => Err(LaunchFailure::Unknown(error)),
            (Ok(()), None) => {
                Err(LaunchFailure::Unknown(Error::new(ErrorKind::System, "a launch has left no trace")))
            }
        }
    }

    fn find(&self, token: &str, now: Timestamp) -> Result<Vec<Instance>> {
        self.looks_fail(now)?;
        let visible = self.config.terminated_visible;
        let mut instances = Vec::new();
        self.read(|tx| {
            let machines = documents::of_token(tx, token)?.into_iter();
            let seen = machines
                .filter(|machine| machine.life.is_arrived(now) && !machine.life.is_forgotten(now, visible));
            instances = seen.map(|machine| machine.instance(now)).collect();
            Ok(())
        })?;
        Ok(instances)
    }

    fn describe(&self, ids: &[MachineId], now: Timestamp) -> Result<Vec<Instance>> {
        self.looks_fail(now)?;
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
        Ok(instances)
    }

    fn release(&self, ids: &[MachineId], now: Timestamp) -> Result<()> {
        pause(self.config.latency.release);
        if self.passing("release", self.config.release.error, now) {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!("the simulated provider `{}` does not take a release", self.name),
            )
            .hint("`release.error_probability` of its config lets it fail"));
        }
        self.write(|tx| {
            for id in ids {
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

    fn exists(&self, machines: &[MachineRef], now: Timestamp) -> Result<Vec<Existence>> {
        self.looks_fail(now)?;
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

    fn health(&self, now: Timestamp) -> Health {
        match self.live_count(now) {
            Ok(live) => Health {
                healthy: true,
                detail: format!("{live} of {} machines exist", self.config.capacity.total),
            },
            Err(error) => Health { healthy: false, detail: error.summary() },
        }
    }
}
