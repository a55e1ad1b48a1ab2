//! Reconciling: what is found is mended once, in the store before the provider is told.

use super::*;
use crate::id::{RequestId, RequestKind};
use crate::instance::Instance;
use crate::machine::Ending;
use crate::operations::{Reconciled, Reconciliation, Repair};
use crate::owned::{Launches, Marks, OwnedKind, OwnedMachine, OwnedResource, Whose};
use crate::reconcile::{ReconcileScope, Remedy, Why};
use crate::store::Store;

const REQUEST: &str = "req-0190c7a2-7c3e-7f10-8a51-0f6b5f3c2d11";

/// A machine of the cloud with the marks of this store and of that request.
fn add(site: &Site, id: &str, state: MachineState, request: &str) {
    let mut instance = Instance { state, launched: at(0), ..Instance::new(MachineId::new(id)) };
    instance.name = Some(format!("host-{id}"));
    let marks = Marks {
        store: Some("mine".to_owned()),
        request: Some(RequestId::from_text(request)),
        template: Some("t".to_owned()),
        ..Marks::default()
    };
    let mut state = site.cloud.state();
    state.machines.insert(instance.id.clone(), instance.clone());
    state.owned.machines.push(OwnedMachine { instance, marks });
}

fn find(site: &Site) -> Reconciliation {
    let scope = ReconcileScope { own: Some("mine".to_owned()), ..ReconcileScope::default() };
    site.broker().reconcile(&scope, Whose::AnyStore, moment(100)).unwrap()
}

fn mend(site: &Site, found: &Reconciliation, machines: Option<Remedy>) -> Reconciled {
    let new_id = |kind| Ok(RequestId::new(kind, moment(100), [1; 10]));
    let repair = Repair { store: "mine", machines, new_id: &new_id };
    site.broker().repair(&found.findings, &repair, moment(100))
}

fn whys(found: &Reconciliation) -> Vec<(&str, Why)> {
    found.findings.iter().map(|finding| (finding.id(), finding.why)).collect()
}

/// What is adopted is polled by the id that the scheduler has, and returned like any other.
#[test]
fn what_is_adopted_is_polled_and_returned() {
    let site = Site::default();
    add(&site, "i-1", MachineState::Running, REQUEST);
    add(&site, "i-2", MachineState::Pending, REQUEST);
    let found = find(&site);
    assert_eq!(whys(&found), [("i-1", Why::UnknownRequest), ("i-2", Why::UnknownRequest)]);
    let done = mend(&site, &found, None);
    assert_eq!(done.errors, []);
    assert_eq!(done.adopted, [(id(REQUEST), vec![MachineId::new("i-1"), MachineId::new("i-2")])]);
    assert_eq!(site.cloud.released(), Vec::<String>::new());
    assert_eq!(whys(&find(&site)), []);

    let (state, _, machines) = site.status(REQUEST, seconds(101));
    assert_eq!((state, machines.len()), (RequestState::Started, 2), "one is still starting");
    site.cloud.boot("i-2");
    let (state, _, machines) = site.status(REQUEST, seconds(102));
    let running = |name: &str| (name.to_owned(), MachineState::Running);
    assert_eq!((state, machines), (RequestState::Complete, vec![running("i-1"), running("i-2")]));

    let both = ["i-1", "i-2"].map(|name| crate::id::MachineRef::of_id(MachineId::new(name)));
    let returned = site.broker().return_machines(id("ret-1"), &both, moment(103)).unwrap();
    assert_eq!(returned.active, 2);
    assert_eq!(site.cloud.released(), ["i-1", "i-2"]);
}

/// What is released is stored as such first: a release that fails is repeated by the next sweep.
#[test]
fn what_is_released_is_ended_even_after_a_failure() {
    let site = Site::default();
    add(&site, "i-1", MachineState::Running, REQUEST);
    let found = find(&site);
    site.cloud.state().silent = true;
    let done = mend(&site, &found, Some(Remedy::Release));
    assert_eq!(done.errors, [silence()]);
    assert_eq!(site.machine("i-1").ending, Some(Ending::Released));
    site.cloud.state().silent = false;
    assert_eq!(whys(&find(&site)), [], "the store has it now");
    let swept = site.broker().sweep(8, moment(200)).unwrap();
    assert_eq!(swept.errors, []);
    assert_eq!(site.cloud.released(), ["i-1"]);
    let (state, reason, _) = site.status(REQUEST, seconds(201));
    assert_eq!(state, RequestState::Failed, "{reason:?}");
    assert!(reason.unwrap().contains("released by `ohfp reconcile`"));
}

/// A request that is over stays as it was told: what came later is released, or is of a request of its own.
#[test]
fn a_request_that_is_over_stays_as_it_is() {
    for (wanted, is_adopted) in [(None, false), (Some(Remedy::Adopt), true)] {
        let site = Site::default();
        site.cloud.state().prompt = true;
        site.acquire("req-1", 1, 0).unwrap();
        let before = site.view("req-1");
        add(&site, "i-9", MachineState::Running, "req-1");
        let found = find(&site);
        assert_eq!(whys(&found), [("i-9", Why::AfterItsEnd)]);
        let done = mend(&site, &found, wanted);
        assert_eq!((done.errors.len(), done.adopted.len()), (0, usize::from(is_adopted)));
        assert_eq!(site.view("req-1"), before);
        assert_eq!(site.cloud.released().is_empty(), is_adopted);
        assert_eq!(site.machine("i-9").ending.is_none(), is_adopted);
        assert_eq!(whys(&find(&site)), []);
    }
}

/// Two processes that mend the same are as one.
#[test]
fn the_same_is_mended_once() {
    let site = Site::default();
    add(&site, "i-1", MachineState::Running, REQUEST);
    let found = find(&site);
    assert_eq!(mend(&site, &found, None).errors, []);
    let again = mend(&site, &found, None);
    assert_eq!((again.adopted.len(), again.errors.len()), (0, 1));
    assert!(again.errors[0].summary().contains("another process"), "{:?}", again.errors);
    assert_eq!(site.store.machines_by_id(&[MachineId::new("i-1")]).unwrap().len(), 1);
}

/// A machine that is in no list and not found by its id either is gone; one that only lost its marks is not.
#[test]
fn what_the_provider_does_not_have_is_noted() {
    let site = Site::default();
    site.cloud.state().prompt = true;
    site.acquire("req-1", 2, 0).unwrap();
    site.cloud.forget("i-1");
    let found = find(&site);
    assert_eq!(whys(&found), [("i-1", Why::Vanished)]);
    let done = mend(&site, &found, Some(Remedy::Release));
    assert_eq!(done.refreshed, [MachineId::new("i-1")]);
    assert_eq!(site.machine("i-1").state, MachineState::Terminated);
    assert_eq!(site.machine("i-2").state, MachineState::Running);
    assert_eq!(site.cloud.released(), Vec::<String>::new());
}

/// A silent provider, and one whose list lacks a page: nothing is found, and it is said.
#[test]
fn a_failed_listing_proves_nothing() {
    let site = Site::default();
    site.cloud.state().prompt = true;
    site.acquire("req-1", 1, 0).unwrap();
    site.cloud.forget("i-1");
    site.cloud.state().silent = true;
    let found = find(&site);
    assert_eq!((whys(&found), found.unlisted.len()), (vec![], 1));
    assert_eq!((found.unlisted[0].kind, &found.unlisted[0].error), ("all", &silence()));
    site.cloud.state().silent = false;
    site.cloud.state().owned.unlisted = vec![(OwnedKind::Machine, silence())];
    let found = find(&site);
    assert_eq!((whys(&found), found.unlisted[0].kind), (vec![], "machine"));
}

/// Resources are claimed, and machines that another store has marked once they are adopted.
#[test]
fn what_another_store_has_marked_is_claimed() {
    let site = Site::default();
    add(&site, "i-1", MachineState::Running, REQUEST);
    add(&site, "i-2", MachineState::Running, REQUEST);
    {
        let mut state = site.cloud.state();
        let marks = Marks { store: Some("lost".to_owned()), ..state.owned.machines[0].marks.clone() };
        state.owned.machines[0].marks = marks.clone();
        state.owned.resources.push(OwnedResource {
            kind: OwnedKind::Fleet,
            id: "fleet-1".to_owned(),
            marks,
            created: None,
            launches: Launches::Replacements,
            is_kept: false,
        });
    }
    let lost = vec!["lost".to_owned()];
    let scope = ReconcileScope { own: Some("mine".to_owned()), lost, providers: None };
    let found = site.broker().reconcile(&scope, Whose::AnyStore, moment(100)).unwrap();
    assert_eq!(found.findings.len(), 3);
    let done = mend(&site, &found, Some(Remedy::Adopt));
    assert_eq!((done.errors.len(), done.resources), (0, vec!["fleet-1".to_owned()]));
    assert_eq!(site.cloud.state().claimed, ["i-1", "fleet-1"]);
    assert_eq!(found.others, [].into());
    let request = RequestId::new(RequestKind::Acquire, moment(100), [1; 10]);
    assert_eq!(site.store.views(&[request]).unwrap(), [None], "the id that the scheduler has is kept");
}
