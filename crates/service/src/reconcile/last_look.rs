//! The look that is taken after answers, now and then: one of all processes and hosts of a store takes it, and what it
//! found is stored for `status` and `doctor`. It changes nothing else.

use ohfp_broker::administration::StateStore;
use ohfp_broker::documents::{Document, DocumentTx};
use ohfp_broker::operations::Reconciliation;
use ohfp_broker::owned::{OwnedKind, Whose};
use ohfp_broker::reconcile::{ReconcileScope, Why};
use ohfp_broker::{Result, Timestamp};
use serde::{Deserialize, Serialize};

use crate::registry::Requests;

/// Owner of the document.
const OWNER: &str = "upkeep";
const LOOK: &str = "reconciled";

/// What the last look found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastLook {
    /// When it was taken, in milliseconds since 1970.
    pub(crate) at: i64,
    /// Machines that no request has.
    pub(crate) machines: u64,
    /// Fleets, groups and launch templates that no request will delete.
    pub(crate) resources: u64,
    /// Machines that the store has and the provider does not.
    pub(crate) missing: u64,
    /// What could not be listed.
    pub(crate) unlisted: Vec<String>,
}

impl LastLook {
    fn of(found: &Reconciliation, now: Timestamp) -> Self {
        let mut look = Self { at: now.millis(), ..Self::default() };
        for finding in &found.findings {
            let count = match (finding.why, finding.kind()) {
                (Why::Vanished, _) => &mut look.missing,
                (_, OwnedKind::Machine) => &mut look.machines,
                _ => &mut look.resources,
            };
            *count += 1;
        }
        let unlisted = found.unlisted.iter();
        look.unlisted = unlisted.map(|one| format!("{} of `{}`", one.kind, one.provider)).collect();
        look
    }

    /// What there is to do; `None` where all is well.
    pub(crate) fn problem(&self) -> Option<String> {
        let parts = [
            (self.machines, "machines that no request has"),
            (self.resources, "resources that no request will delete"),
            (self.missing, "machines that no longer exist"),
        ];
        let said = parts.iter().filter(|(number, _)| *number > 0);
        let said: Vec<String> = said.map(|(number, what)| format!("{number} {what}")).collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

/// Looks if `interval` seconds have passed since the last time. Costs a read of one document where they have not.
pub(crate) fn run(requests: &Requests, interval: u64, now: Timestamp) -> Result<()> {
    let store: &dyn StateStore = &**requests.store;
    if !is_due(last(store)?.as_ref(), interval, now) {
        return Ok(());
    }
    let mut is_mine = false;
    store.write(OWNER, &mut |tx| {
        let before = read(tx)?;
        is_mine = is_due(before.as_ref(), interval, now);
        // The others leave it to this process, which keeps what was found before until it knows more.
        if is_mine { put(tx, &LastLook { at: now.millis(), ..before.unwrap_or_default() }) } else { Ok(()) }
    })?;
    if !is_mine {
        return Ok(());
    }
    let own = store.store_id()?;
    let scope = ReconcileScope { own: Some(own.clone()), ..ReconcileScope::default() };
    let found = requests.upkeep().reconcile(&scope, Whose::Stores(&[own]), now)?;
    for unlisted in &found.unlisted {
        let (provider, kind) = (&unlisted.provider, unlisted.kind);
        tracing::warn!(
            provider,
            kind,
            "not reconciled, since it could not be listed: {}",
            unlisted.error.summary()
        );
    }
    let look = LastLook::of(&found, now);
    if let Some(problem) = look.problem() {
        tracing::warn!("{problem}; `ohfp reconcile` lists and mends them");
    }
    store.write(OWNER, &mut |tx| put(tx, &look))
}

/// Notes that what the last look found was mended.
pub(super) fn mended(store: &dyn StateStore) -> Result<()> {
    if last(store)?.is_none_or(|last| last.problem().is_none()) {
        return Ok(());
    }
    store.write(OWNER, &mut |tx| match read(tx)? {
        Some(last) => put(tx, &LastLook { at: last.at, ..LastLook::default() }),
        None => Ok(()),
    })
}

/// The last look; `None` before the first one.
pub(crate) fn last(store: &dyn StateStore) -> Result<Option<LastLook>> {
    let mut last = None;
    store.read(OWNER, &mut |tx| {
        last = read(tx)?;
        Ok(())
    })?;
    Ok(last)
}

fn read(tx: &mut dyn DocumentTx) -> Result<Option<LastLook>> {
    Ok(tx.get(LOOK)?.and_then(|document| serde_json::from_str(&document.body).ok()))
}

fn put(tx: &mut dyn DocumentTx, look: &LastLook) -> Result<()> {
    tx.put(&Document {
        id: LOOK.to_owned(),
        group: OWNER.to_owned(),
        live_until: None,
        body: serde_json::to_string(look).unwrap_or_default(),
    })
}

/// Whether the interval has passed, or the clock has gone back by more than that.
fn is_due(last: Option<&LastLook>, interval: u64, now: Timestamp) -> bool {
    let interval = i64::try_from(interval).unwrap_or(i64::MAX).saturating_mul(1_000);
    last.is_none_or(|last| now.millis_since(Timestamp::from_millis(last.at)).abs() >= interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_due_after_its_interval() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let last = LastLook { at: at(1_000).millis(), ..LastLook::default() };
        for (now, expected) in
            [(1_000, false), (1_059, false), (1_060, true), (9_999, true), (941, false), (940, true)]
        {
            assert_eq!(is_due(Some(&last), 60, at(now)), expected, "{now}");
        }
        assert!(is_due(None, 60, at(0)));
    }

    #[test]
    fn what_is_left_is_said() {
        let look =
            |machines, resources, missing| LastLook { machines, resources, missing, ..LastLook::default() };
        assert_eq!(look(0, 0, 0).problem(), None);
        assert_eq!(look(2, 0, 0).problem().as_deref(), Some("2 machines that no request has"));
        let all = look(2, 3, 1).problem().unwrap();
        assert_eq!(
            all,
            "2 machines that no request has, 3 resources that no request will delete, 1 machines that no longer exist"
        );
    }
}
