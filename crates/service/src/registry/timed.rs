//! A provider whose calls are counted, and phases for an invocation whose time is recorded.

use std::sync::Arc;
use std::time::Instant;

use ohfp_broker::owned::{Owned, OwnedResource, Whose};
use ohfp_broker::provider::{
    Capabilities, Described, Detail, Existence, Followed, Health, Identity, LaunchFailure, LaunchRequest,
    Launched, Pending, Plan, Provider, Releasing,
};
use ohfp_broker::template::Template;
use ohfp_broker::{Deadline, MachineId, MachineRef, Result, Timestamp};
use ohfp_metrics::counters::{self, Counter};

/// Hands every call on.
struct Timed(Arc<dyn Provider>);

/// The same provider; its calls are counted, and phases where there is a record.
pub(super) fn timed(provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
    Arc::new(Timed(provider))
}

impl Timed {
    /// Makes a call, and counts it, its time, and whether it failed.
    fn call<T, E>(&self, call: &str, body: impl FnOnce(&dyn Provider) -> Result<T, E>) -> Result<T, E> {
        let _phase = ohfp_timings::phase_of(|| format!("provider {}: {call}", self.0.name()).into());
        let start = Instant::now();
        let outcome = body(self.0.as_ref());
        counters::add(Counter::ProviderCalls, 1);
        counters::add(
            Counter::ProviderMicros,
            u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
        counters::add(Counter::ProviderErrors, outcome.is_err().into());
        outcome
    }
}

impl Provider for Timed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn identity(&self) -> Identity {
        self.0.identity()
    }

    fn plan(&self, template: &Template, count: u32) -> Result<Plan> {
        self.0.plan(template, count)
    }

    fn launch(
        &self,
        request: &LaunchRequest<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Launched, LaunchFailure> {
        self.call("launch", |provider| provider.launch(request, now, deadline))
    }

    fn progress(&self, pending: &[Pending<'_>], now: Timestamp, deadline: Deadline) -> Result<Followed> {
        self.call("progress", |provider| provider.progress(pending, now, deadline))
    }

    fn settled(&self, pending: &Pending<'_>, now: Timestamp, deadline: Deadline) -> Result<()> {
        self.call("settle", |provider| provider.settled(pending, now, deadline))
    }

    fn tidy(
        &self,
        alive: &dyn Fn(&str) -> bool,
        limit: u32,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<u32> {
        self.call("tidy", |provider| provider.tidy(alive, limit, now, deadline))
    }

    fn describe(
        &self,
        ids: &[MachineId],
        detail: Detail,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Described> {
        self.call("describe", |provider| provider.describe(ids, detail, now, deadline))
    }

    fn release(&self, machines: &[Releasing<'_>], now: Timestamp, deadline: Deadline) -> Result<()> {
        self.call("release", |provider| provider.release(machines, now, deadline))
    }

    fn exists(&self, machines: &[MachineRef], now: Timestamp, deadline: Deadline) -> Result<Vec<Existence>> {
        self.call("look up", |provider| provider.exists(machines, now, deadline))
    }

    fn owned(&self, whose: Whose<'_>, now: Timestamp, deadline: Deadline) -> Result<Owned> {
        self.call("list", |provider| provider.owned(whose, now, deadline))
    }

    fn claim(
        &self,
        machines: &[MachineId],
        resources: &[OwnedResource],
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<()> {
        self.call("claim", |provider| provider.claim(machines, resources, now, deadline))
    }

    fn health(&self, now: Timestamp, deadline: Deadline) -> Health {
        let health = self.call("health", |provider| {
            let health = provider.health(now, deadline);
            if health.healthy { Ok(health) } else { Err(health) }
        });
        health.unwrap_or_else(|health| health)
    }
}
