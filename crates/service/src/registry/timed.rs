//! A provider whose calls are phases, for an invocation whose time is recorded.

use std::sync::Arc;

use ohfp_broker::provider::{
    Capabilities, Described, Detail, Existence, Followed, Health, Identity, LaunchFailure, LaunchRequest,
    Launched, Pending, Plan, Provider, Releasing,
};
use ohfp_broker::template::Template;
use ohfp_broker::{Deadline, MachineId, MachineRef, Result, Timestamp};
use ohfp_timings::Phase;

/// Hands every call on.
struct Timed(Arc<dyn Provider>);

/// The same provider; its calls are phases where there is a record.
pub(super) fn timed(provider: Arc<dyn Provider>) -> Arc<dyn Provider> {
    if ohfp_timings::is_on() { Arc::new(Timed(provider)) } else { provider }
}

impl Timed {
    fn phase(&self, call: &str) -> Phase {
        ohfp_timings::phase_of(|| format!("provider {}: {call}", self.0.name()).into())
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
        let _phase = self.phase("launch");
        self.0.launch(request, now, deadline)
    }

    fn progress(&self, pending: &[Pending<'_>], now: Timestamp, deadline: Deadline) -> Result<Followed> {
        let _phase = self.phase("progress");
        self.0.progress(pending, now, deadline)
    }

    fn settled(&self, pending: &Pending<'_>, now: Timestamp, deadline: Deadline) -> Result<()> {
        let _phase = self.phase("settle");
        self.0.settled(pending, now, deadline)
    }

    fn tidy(
        &self,
        alive: &dyn Fn(&str) -> bool,
        limit: u32,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<u32> {
        let _phase = self.phase("tidy");
        self.0.tidy(alive, limit, now, deadline)
    }

    fn describe(
        &self,
        ids: &[MachineId],
        detail: Detail,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Described> {
        let _phase = self.phase("describe");
        self.0.describe(ids, detail, now, deadline)
    }

    fn release(&self, machines: &[Releasing<'_>], now: Timestamp, deadline: Deadline) -> Result<()> {
        let _phase = self.phase("release");
        self.0.release(machines, now, deadline)
    }

    fn exists(&self, machines: &[MachineRef], now: Timestamp, deadline: Deadline) -> Result<Vec<Existence>> {
        let _phase = self.phase("look up");
        self.0.exists(machines, now, deadline)
    }

    fn health(&self, now: Timestamp, deadline: Deadline) -> Health {
        let _phase = self.phase("health");
        self.0.health(now, deadline)
    }
}
