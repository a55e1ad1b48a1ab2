//! The broker's trait on AWS.

use ohfp_broker::provider::{
    Capabilities, Detail, Existence, Health, Identity, Instance, LaunchFailure, LaunchRequest, Launched,
    Pending, Plan, Progress, Provider, Releasing,
};
use ohfp_broker::{Deadline, MachineId, MachineRef, Result, Template, Timestamp};

use crate::account::{AwsProvider, way};
use crate::launching::Launching;
use crate::{design, ending, finding, observed, options, planning, progress, settling, told};

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
        Identity { account: None, region: self.options.region().map(str::to_owned) }
    }

    fn plan(&self, template: &Template, count: u32) -> Result<Plan> {
        planning::plan(self, template, count, way(template, count)?)
    }

    fn launch(
        &self,
        request: &LaunchRequest<'_>,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Launched, LaunchFailure> {
        let way = way(request.template, request.count).map_err(LaunchFailure::Refused)?;
        let launching = Launching {
            api: self.api.as_ref(),
            documents: self.documents.as_ref(),
            provider: &self.name,
            token: request.token,
            spec: request.template.spec(),
            count: request.count,
            now,
            deadline,
        };
        launching.run(way, &|| self.order(request, way, now, deadline))
    }

    fn progress(&self, pending: &[Pending<'_>], now: Timestamp, deadline: Deadline) -> Result<Vec<Progress>> {
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
        _now: Timestamp,
        deadline: Deadline,
    ) -> Result<Vec<Instance>> {
        let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        let seen = self.looker(deadline).by_ids(&ids);
        let seen = seen.map_err(|failure| told::error(&self.name, &failure))?;
        let mut instances: Vec<Instance> = seen.iter().map(observed::instance).collect();
        if detail == Detail::Reclaims {
            finding::notices(self, &seen, &mut instances, deadline)?;
        }
        Ok(instances)
    }

    fn release(&self, machines: &[Releasing<'_>], _now: Timestamp, deadline: Deadline) -> Result<()> {
        let ids: Vec<String> = machines.iter().map(|machine| machine.id.as_str().to_owned()).collect();
        let failed =
            ending::terminate(self.api.as_ref(), &ids, self.options.of(&options::CONCURRENT_CALLS), deadline);
        let Some((first, failure)) = failed.first() else { return Ok(()) };
        let error = told::error(&self.name, failure);
        let others = failed.len() - 1;
        let more = if others == 0 { String::new() } else { format!(" and {others} others") };
        let what = format!("cannot terminate {first}{more}: {}", error.summary());
        Err(error.with_message(what))
    }

    fn exists(&self, machines: &[MachineRef], _now: Timestamp, deadline: Deadline) -> Result<Vec<Existence>> {
        finding::exists(self, machines, deadline)
    }

    fn health(&self, _now: Timestamp, deadline: Deadline) -> Health {
        match self.api.caller_identity(deadline) {
            Ok(caller) => {
                let region = self.options.region().unwrap_or("unknown");
                let detail = format!("account {}, region {region}, as {}", caller.account, caller.arn);
                Health { healthy: true, detail }
            }
            Err(failure) => Health { healthy: false, detail: told::error(&self.name, &failure).summary() },
        }
    }
}
