//! Cloud-side events of the simulated provider, for `ohfp sim`.

use ohfp_broker::provider::Instance;
use ohfp_broker::{Error, ErrorKind, Result, Timestamp};
use ohfp_provider_sim::SimProvider;

use crate::registry::simulated_kind;
use crate::session::Session;

/// The cloud behind the first simulated provider of a configuration.
pub struct Simulation(SimProvider);

impl Simulation {
    /// Builds the provider.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where none is configured; as `Providers::get` where it cannot be built.
    pub fn of(session: &Session) -> Result<Self> {
        let registry = session.providers()?;
        let simulated = registry.instances().iter().find(|instance| instance.kind == simulated_kind());
        match simulated {
            Some(instance) => registry.simulated(&instance.name).map(Self),
            None => Err(Error::new(ErrorKind::NotFound, "no simulated provider is configured").hint(
                format!("add one of type `{}` to `provider.providers` in config.json", simulated_kind()),
            )),
        }
    }

    /// Number of machines that exist.
    ///
    /// # Errors
    /// Those of the state store.
    pub fn live_count(&self, now: Timestamp) -> Result<u64> {
        self.0.live_count(now)
    }

    /// Every machine that it remembers.
    ///
    /// # Errors
    /// Those of the state store.
    pub fn list(&self, now: Timestamp) -> Result<Vec<Instance>> {
        self.0.list(now)
    }

    /// Announces that a machine will be taken back after `grace` seconds.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown machine.
    pub fn reclaim(&self, machine: &str, grace: u64, now: Timestamp) -> Result<Instance> {
        self.0.reclaim(machine, grace, now)
    }

    /// Ends a machine at once and without notice.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown machine.
    pub fn fail(&self, machine: &str, now: Timestamp) -> Result<Instance> {
        self.0.fail(machine, now)
    }
}
