//! Machines and the outcomes of launches as documents of the state store.

use ohfp_broker::documents::{Document, DocumentTx};
use ohfp_broker::provider::Instance;
use ohfp_broker::{Error, ErrorKind, MachineId, Result, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::life::Life;

/// What came of a token, machines aside. Remembered also where it made none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Why there are fewer machines than ordered.
    pub(crate) shortfall: Option<String>,
    /// Whether the answer to the launch was lost on its way: the next one with the token tells it.
    pub(crate) untold: bool,
    /// The fleet that the launch created.
    #[serde(default)]
    pub(crate) fleet: Option<String>,
}

/// A fleet, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fleet {
    /// The token of its launch.
    pub(crate) token: String,
    /// Whether it replaces machines that end.
    pub(crate) replaces: bool,
    /// Whether it launches no more.
    pub(crate) settled: bool,
}

/// A machine with its id.
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) life: Life,
}

impl Machine {
    pub(crate) fn instance(&self, now: Timestamp) -> Instance {
        self.life.instance(MachineId::new(self.id.as_str()), now)
    }

    /// Stores it; it counts as long as it is held.
    pub(crate) fn put(&self, tx: &mut dyn DocumentTx) -> Result<()> {
        tx.put(&Document {
            id: self.id.clone(),
            group: self.token.clone(),
            live_until: self.life.held_until(),
            body: written(&self.life)?,
        })
    }

    fn read(record: &Document) -> Result<Self> {
        Ok(Self { id: record.id.clone(), token: record.group.clone(), life: read(record)? })
    }
}

/// The name of a token's outcome. No machine is called so.
fn outcome_id(token: &str) -> String {
    format!("token:{token}")
}

/// What came of a token, if it was used.
pub(crate) fn outcome(tx: &mut dyn DocumentTx, token: &str) -> Result<Option<Outcome>> {
    tx.get(&outcome_id(token))?.as_ref().map(read).transpose()
}

pub(crate) fn put_outcome(tx: &mut dyn DocumentTx, token: &str, outcome: &Outcome) -> Result<()> {
    tx.put(&Document {
        id: outcome_id(token),
        group: token.to_owned(),
        live_until: None,
        body: written(outcome)?,
    })
}

/// The machines of a token, in the order of their places.
pub(crate) fn of_token(tx: &mut dyn DocumentTx, token: &str) -> Result<Vec<Machine>> {
    let records = tx.group(token)?;
    let machines = records.iter().filter(|record| is_machine(&record.id)).map(Machine::read);
    let mut machines = machines.collect::<Result<Vec<Machine>>>()?;
    machines.sort_by_key(|machine| machine.life.number);
    Ok(machines)
}

/// The machine of an id.
pub(crate) fn by_id(tx: &mut dyn DocumentTx, id: &str) -> Result<Option<Machine>> {
    if !is_machine(id) {
        return Ok(None);
    }
    tx.get(id)?.as_ref().map(Machine::read).transpose()
}

/// Whether a document of that id is a machine's.
fn is_machine(id: &str) -> bool {
    !id.starts_with("token:") && !id.starts_with(FLEET) && id != KNOWN
}

/// Ids of fleets begin like this.
pub(crate) const FLEET: &str = "fleet-";

/// The group of fleets that exist. One that was deleted goes with the documents of its token.
const FLEETS: &str = "fleets";

/// The fleet of an id.
pub(crate) fn fleet(tx: &mut dyn DocumentTx, id: &str) -> Result<Option<Fleet>> {
    tx.get(id)?.as_ref().map(read).transpose()
}

/// All fleets that exist, with their ids.
pub(crate) fn fleets(tx: &mut dyn DocumentTx) -> Result<Vec<(String, Fleet)>> {
    tx.group(FLEETS)?.iter().map(|record| Ok((record.id.clone(), read(record)?))).collect()
}

/// Stores a fleet that exists, or that was deleted.
pub(crate) fn put_fleet(tx: &mut dyn DocumentTx, id: &str, fleet: &Fleet, exists: bool) -> Result<()> {
    let group = if exists { FLEETS } else { &fleet.token };
    tx.put(&Document { id: id.to_owned(), group: group.to_owned(), live_until: None, body: written(fleet)? })
}

/// All machines that are held.
pub(crate) fn held(tx: &mut dyn DocumentTx, now: Timestamp) -> Result<Vec<Machine>> {
    tx.live(now)?.iter().map(Machine::read).collect()
}

/// All machines whose end is not settled: those that are held, and those whose time is up.
pub(crate) fn unsettled(tx: &mut dyn DocumentTx) -> Result<Vec<Machine>> {
    held(tx, Timestamp::from_millis(i64::MIN))
}

/// All machines whose time is up, and of which that is not a stored fact yet.
pub(crate) fn expired(tx: &mut dyn DocumentTx, now: Timestamp) -> Result<Vec<Machine>> {
    tx.expired(now)?.iter().map(Machine::read).collect()
}

/// What launches know of the room that is left without looking at machines. There may be more: machines end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The capacity that this is about.
    pub(crate) total: u64,
    /// How many machines are sure to find room in it.
    pub(crate) room: u64,
    /// The block of addresses that this is about.
    pub(crate) block: String,
    /// The place in it where the next address is looked for.
    pub(crate) place: u64,
    /// How many addresses from there on are sure to be free.
    pub(crate) free: u64,
}

const KNOWN: &str = "room";

pub(crate) fn known(tx: &mut dyn DocumentTx) -> Result<Known> {
    tx.get(KNOWN)?.as_ref().map_or_else(|| Ok(Known::default()), read)
}

pub(crate) fn put_known(tx: &mut dyn DocumentTx, known: &Known) -> Result<()> {
    tx.put(&Document {
        id: KNOWN.to_owned(),
        group: KNOWN.to_owned(),
        live_until: None,
        body: written(known)?,
    })
}

fn read<T: DeserializeOwned>(record: &Document) -> Result<T> {
    serde_json::from_str(&record.body).map_err(|error| {
        Error::new(
            ErrorKind::Damaged,
            format!("the simulated provider cannot read its document `{}`", record.id),
        )
        .cause(error)
    })
}

fn written<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::System, "the simulated provider cannot write a document").cause(error)
    })
}
