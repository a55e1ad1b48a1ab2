//! Playing the cloud: what happens to machines behind the broker's back.

use ohfp_broker::provider::Instance;
use ohfp_broker::{Error, ErrorKind, Result, Timestamp};

use crate::documents::{self, Machine};
use crate::life::Life;
use crate::provider::SimProvider;

impl SimProvider {
    /// How many machines exist and are not terminated.
    pub fn live_count(&self, now: Timestamp) -> Result<u64> {
        let mut count = 0;
        self.read(|ledger| {
            let held = documents::held(ledger, now)?;
            count = held.iter().filter(|machine| machine.life.is_there(now)).count() as u64;
            Ok(())
        })?;
        Ok(count)
    }

    /// The machines that exist, newest last, with those that have ended and are still held in the books.
    pub fn list(&self, now: Timestamp) -> Result<Vec<Instance>> {
        let visible = self.config().terminated_visible;
        let mut instances = Vec::new();
        self.read(|ledger| {
            let machines = documents::unsettled(ledger)?.into_iter();
            let seen = machines
                .filter(|machine| machine.life.is_arrived(now) && machine.life.is_visible(now, visible));
            instances = seen.map(|machine| machine.instance(now)).collect();
            Ok(())
        })?;
        Ok(instances)
    }

    /// Takes a machine, named by id or host name, after so many seconds; at once when that is 0.
    ///
    /// # Errors
    /// `NotFound` where there is no such machine.
    pub fn reclaim(&self, machine: &str, grace_seconds: u64, now: Timestamp) -> Result<Instance> {
        let grace = i64::try_from(grace_seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        self.change(machine, now, |life| life.reclaim(grace, now))
    }

    /// Lets a machine, named by id or host name, break at once.
    ///
    /// # Errors
    /// `NotFound` where there is no such machine.
    pub fn fail(&self, machine: &str, now: Timestamp) -> Result<Instance> {
        self.change(machine, now, |life| life.fail(now))
    }

    fn change(&self, named: &str, now: Timestamp, change: impl Fn(&mut Life)) -> Result<Instance> {
        let visible = self.config().terminated_visible;
        let mut changed = None;
        self.write(|ledger| {
            let by_name = |machines: Vec<Machine>| {
                machines.into_iter().rfind(|machine| machine.life.name == named && machine.life.is_there(now))
            };
            let known =
                |machine: &Machine| machine.life.is_arrived(now) && !machine.life.is_forgotten(now, visible);
            let found = match documents::by_id(ledger, named)? {
                Some(machine) => Some(machine).filter(known),
                None => by_name(documents::held(ledger, now)?),
            };
            let Some(mut machine) = found else {
                return Err(Error::new(ErrorKind::NotFound, format!("there is no machine `{named}`"))
                    .hint("`ohfp sim list --format table` shows the machines of the simulated cloud"));
            };
            // What its fate has brought already stays: nothing that is gone comes back.
            machine.life.settle(now);
            change(&mut machine.life);
            machine.put(ledger)?;
            changed = Some(machine.instance(now));
            Ok(())
        })?;
        changed.ok_or_else(|| Error::new(ErrorKind::System, "the change of a machine has left no trace"))
    }
}
