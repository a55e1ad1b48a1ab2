//! The broker's trait on AWS.

use ohfp_broker::owned::{Owned, OwnedResource, Whose};
use ohfp_broker::provider::{
    Capabilities, Described, Detail, Existence, Followed, Health, Identity, LaunchFailure, LaunchRequest,
    Launched, Pending, Plan, Provider, Releasing,
};
use ohfp_broker::{Deadline, MachineId, MachineRef, Result, Template, Timestamp};

use crate::account::AwsProvider;
use crate::failure::Failure;
use crate::launching::Launching;
use crate::{calm, describing, design, finding, owning, planning, progress, settling, told};

impl Provider for AwsProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "aws"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { reclaims: true, consistency_millis: 60_000, largest_launch: design::MOST_UNITS }
    }

    fn identity(&self) -> Identity {
        Identity { account: self.account(), region: self.options.region().map(str::to_owned) }
    }

    fn plan(&self, template: &Template, count: u32) -> Result<Plan> {
        planning::plan((&self.name, &self.options), template, count, self.directory())
    }

    fn launch(
        &self,
        request: &LaunchRequest<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Launched, LaunchFailure> {
        let (way, file) = self.way(request.template, request.count).map_err(LaunchFailure::Refused)?;
        self.asks();
        let launching = Launching {
            api: self.api.as_ref(),
            saw: &|instances| self.saw(instances),
            documents: self.documents.as_ref(),
            provider: &self.name,
            token: request.token,
            spec: request.template.spec(),
            count: request.count,
            now,
            deadline,
        };
        let launched = launching.run(way, &|| self.order(request, (way, file.clone()), now, deadline));
        launched.map_err(|failure| match failure {
            LaunchFailure::Unreachable(error) => LaunchFailure::Unreachable(self.with_source(error)),
            other => other,
        })
    }

    fn progress(&self, pending: &[Pending<'_>], now: Timestamp, deadline: Deadline) -> Result<Followed> {
        progress::progress(self, pending, now, deadline)
    }

    fn settled(&self, pending: &Pending<'_>, now: Timestamp, deadline: Deadline) -> Result<()> {
        settling::settle(self, pending, now, deadline)
    }

    fn tidy(
        &self,
        alive: &dyn Fn(&str) -> bool,
        limit: u32,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<u32> {
        settling::tidy(self, alive, limit, now, deadline)
    }

    fn describe(
        &self,
        ids: &[MachineId],
        detail: Detail,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Described> {
        describing::describe(self, ids, detail, now, deadline)
    }

    fn release(&self, machines: &[Releasing<'_>], _now: Timestamp, deadline: Deadline) -> Result<()> {
        let ids: Vec<String> = machines.iter().map(|machine| machine.id.as_str().to_owned()).collect();
        told::of_machines(&self.name, "terminate", &self.terminate(&ids, deadline)).map_or(Ok(()), Err)
    }

    fn exists(&self, machines: &[MachineRef], _now: Timestamp, deadline: Deadline) -> Result<Vec<Existence>> {
        finding::exists(self, machines, deadline)
    }

    fn owned(&self, whose: Whose<'_>, _now: Timestamp, deadline: Deadline) -> Result<Owned> {
        owning::owned(self, whose, deadline)
    }

    fn claim(
        &self,
        machines: &[MachineId],
        resources: &[OwnedResource],
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<()> {
        owning::claim(self, machines, resources, now, deadline)
    }

    fn health(&self, now: Timestamp, deadline: Deadline) -> Health {
        let (mut paused, mut throttled) = (Vec::new(), Vec::new());
        // Without a store nothing is known of other processes' calls, and this one can still ask AWS.
        let _ = self.documents.read(&self.name, &mut |tx| {
            (paused, throttled) = calm::holds(tx, now)?;
            Ok(())
        });
        let unwell = |failure: Failure| {
            let detail = told::error(&self.name, &failure).summary();
            Health { healthy: false, detail }
        };
        if let Some(paused) = paused.into_iter().next() {
            return unwell(paused.into());
        }
        match self.api.caller_identity(deadline) {
            Ok(caller) => {
                let region = self.options.region().unwrap_or("unknown");
                let mut detail = format!("account {}, region {region}, as {}", caller.account, caller.arn);
                if !throttled.is_empty() {
                    detail.push_str("; AWS throttles ");
                    detail.push_str(&throttled.join(", "));
                }
                Health { healthy: true, detail }
            }
            Err(failure) => unwell(failure),
        }
    }
}
