//! Giving machines back.

use super::*;
use crate::id::{MachineRef, RequestKind};
use crate::machine::Ending;
use crate::provider::Detail;

/// A site with as many machines up.
fn site(count: u64) -> Site {
    let site = Site::default();
    site.cloud.state().prompt = true;
    site.acquire("req-1", count, 0).unwrap();
    site
}

fn named(names: &[&str]) -> Vec<MachineRef> {
    names.iter().map(|name| MachineRef::of_name(*name)).collect()
}

#[test]
fn returned_machines_end() {
    let site = site(2);
    let accepted = site.broker().return_machines(id("ret-1"), &named(&["host-i-1"]), moment(1)).unwrap();
    assert_eq!((accepted.active, &accepted.unknown, &accepted.errors), (1, &vec![], &vec![]));
    assert_eq!(site.cloud.released(), ["i-1"]);
    let view = site.view("ret-1");
    assert_eq!((view.request.kind, view.request.state), (RequestKind::Return, RequestState::Started));
    assert_eq!((view.request.deadline, view.machines.len()), (moment(601), 1));
    let machine = site.machine("i-1");
    assert_eq!((machine.ending, machine.returned_by), (Some(Ending::Released), Some(id("ret-1"))));
    assert_eq!(site.machine("i-2").returned_by, None);
    assert_eq!(site.status("ret-1", seconds(2)).0, RequestState::Started);
    site.cloud.end("i-1");
    assert_eq!(site.status("ret-1", seconds(3)).0, RequestState::Complete);
    // What is gone already is success at once, and no provider is told.
    let again = site.broker().return_machines(id("ret-2"), &named(&["host-i-1"]), moment(4)).unwrap();
    assert_eq!((again.active, site.view("ret-2").request.state), (0, RequestState::Complete));
    assert_eq!(site.cloud.released(), ["i-1"]);
}

#[test]
fn machines_that_stay_fail_the_return() {
    for (ended, state, reason) in [
        (false, RequestState::Failed, "2 of 2 machines are still there"),
        (true, RequestState::Partial, "1 of 2 machines are still there"),
    ] {
        let site = site(2);
        site.broker().return_machines(id("ret-1"), &named(&["host-i-1", "host-i-2"]), at(0)).unwrap();
        if ended {
            site.cloud.end("i-2");
        }
        assert_eq!(site.status("ret-1", seconds(600) - 1).0, RequestState::Started);
        let (found, why, _) = site.status("ret-1", seconds(600));
        assert_eq!((found, why.as_deref()), (state, Some(reason)));
    }
}

/// A provider that cannot be told now is told by the next look; the scheduler has its answer.
#[test]
fn a_silent_provider_is_told_later() {
    let site = site(1);
    site.cloud.state().silent = true;
    let accepted = site.broker().return_machines(id("ret-1"), &named(&["host-i-1"]), at(0)).unwrap();
    assert_eq!((accepted.active, accepted.errors), (1, vec![silence()]));
    let request = site.view("ret-1").request;
    assert_eq!((request.state, request.reason.as_deref()), (RequestState::Recorded, Some("no answer")));
    let before = request.version;
    site.broker().status(&[id("ret-1")], at(1)).unwrap();
    let after = site.view("ret-1").request;
    assert_eq!((after.state, after.acknowledged), (RequestState::Recorded, true));
    assert_eq!(after.version, before + 1, "to be silent once more is nothing new");
    site.cloud.state().silent = false;
    assert_eq!(site.status("ret-1", 2).0, RequestState::Started);
    assert!(site.cloud.released().contains(&"i-1".to_owned()));
    // Silent until the end.
    let other = self::site(1);
    other.cloud.state().silent = true;
    other.broker().return_machines(id("ret-1"), &named(&["host-i-1"]), at(0)).unwrap();
    other.broker().status(&[id("ret-1")], moment(600)).unwrap();
    let request = other.view("ret-1").request;
    assert_eq!(
        (request.state, request.reason.as_deref()),
        (RequestState::Failed, Some("1 of 1 machines are still there: no answer"))
    );
}

/// Unknown here is not absent in the cloud.
#[test]
fn strangers_are_looked_for() {
    let site = site(1);
    let stranger = crate::provider::Instance {
        name: Some("stranger".to_owned()),
        state: MachineState::Running,
        ..crate::provider::Instance::new(MachineId::new("i-9"))
    };
    site.cloud.state().machines.insert(MachineId::new("i-9"), stranger);
    let wanted = named(&["host-i-1", "stranger", "nowhere"]);
    let accepted = site.broker().return_machines(id("ret-1"), &wanted, at(0)).unwrap();
    assert_eq!((accepted.active, accepted.unknown), (2, named(&["stranger", "nowhere"])));
    assert_eq!(site.cloud.released(), ["i-1", "i-9"]);
    let only = site.broker().return_machines(id("ret-2"), &named(&["nowhere"]), at(1)).unwrap();
    assert_eq!((only.active, site.view("ret-2").request.state), (0, RequestState::Complete));

    site.cloud.state().silent = true;
    let many = named(&["a", "b", "c", "d"]);
    let error = site.broker().return_machines(id("ret-3"), &many, at(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.summary(), "cannot tell whether `a`, `b`, `c` and others exist: no answer");
    let error = site.broker().return_machines(id("ret-3"), &many[..3], at(2)).unwrap_err();
    assert_eq!(error.summary(), "cannot tell whether `a`, `b`, `c` exist: no answer");
}

#[test]
fn nothing_and_doubtful_names_are_refused() {
    let site = site(2);
    let error = site.broker().return_machines(id("ret-1"), &[], at(0)).unwrap_err();
    assert_eq!(
        (error.kind(), error.summary().as_str()),
        (ErrorKind::Input, "no machines to return are named")
    );
    // Two hosts of one short name.
    for (id, name) in [("i-1", "h.a"), ("i-2", "h.b")] {
        site.cloud.set(id, |machine| machine.name = Some(name.to_owned()));
    }
    let machines = ["i-1", "i-2"].map(|id| site.machine(id));
    site.broker().refresh_machines(machines.to_vec(), Detail::State, at(1)).unwrap();
    for error in [
        site.broker().return_machines(id("ret-1"), &named(&["h"]), at(2)).unwrap_err(),
        site.broker().rehearse_return(&named(&["h"])).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        let start = "ambiguous machine references, so no machine is terminated: `h`: ";
        assert!(error.summary().starts_with(start), "{}", error.summary());
    }
    assert_eq!(site.cloud.released(), [""; 0]);
}

#[test]
fn a_rehearsal_changes_nothing() {
    let site = site(3);
    site.broker().return_machines(id("ret-1"), &named(&["host-i-3"]), at(0)).unwrap();
    site.cloud.end("i-3");
    site.status("ret-1", 1);
    let wanted = named(&["host-i-2", "host-i-1", "host-i-2", "host-i-3", "nowhere"]);
    let (active, unknown) = site.broker().rehearse_return(&wanted).unwrap();
    let active: Vec<&str> = active.iter().map(|machine| machine.id.as_str()).collect();
    assert_eq!((active, unknown), (vec!["i-1", "i-2"], named(&["nowhere"])));
    assert_eq!(site.cloud.released(), ["i-3"]);
}
