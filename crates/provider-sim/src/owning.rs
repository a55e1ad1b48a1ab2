//! What exists in the simulated cloud, with marks. Its documents are those of one store, so that is whose it is.

use ohfp_broker::documents::DocumentTx;
use ohfp_broker::owned::{Launches, Marks, Owned, OwnedKind, OwnedMachine, OwnedResource};
use ohfp_broker::{RequestId, Result, Timestamp};

use crate::documents::{self, Fleet, Machine};

/// Everything that exists, made by the provider of this `name` on this `store`.
pub(crate) fn owned(tx: &mut dyn DocumentTx, (name, store): (&str, &str), now: Timestamp) -> Result<Owned> {
    let marks = |token: &str| Marks {
        store: Some(store.to_owned()),
        request: RequestId::of_token(token),
        token: Some(token.to_owned()),
        template: None,
        provider: Some(name.to_owned()),
    };
    let machine =
        |machine: Machine| OwnedMachine { instance: machine.instance(now), marks: marks(&machine.token) };
    let resource = |(id, fleet): (String, Fleet)| OwnedResource {
        kind: OwnedKind::Fleet,
        id,
        marks: marks(&fleet.token),
        created: None,
        launches: if fleet.replaces { Launches::Replacements } else { Launches::UntilFull },
        is_kept: fleet.settled,
    };
    let held = documents::held(tx, now)?.into_iter().filter(|machine| machine.life.is_there(now));
    Ok(Owned {
        machines: held.map(machine).collect(),
        resources: documents::fleets(tx)?.into_iter().map(resource).collect(),
        unlisted: Vec::new(),
    })
}
