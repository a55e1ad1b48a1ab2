//! The promises of [`Administration::activity`](crate::administration::Administration::activity).

use std::collections::BTreeMap;

use super::Site;
use super::fixtures::{acquire, at, change, fulfil, machine, return_machines, stored, view};
use crate::activity::{Activity, Present, Step, Window};
use crate::machine::Ending;
use crate::operations::LATE;
use crate::shortfall::ShortfallKind;
use crate::state::{MachineState, RequestState};
use crate::template::MaxNumber;

/// What happened from 1,000 to 2,000, in steps of 100.
fn activity(site: &dyn Site) -> Activity {
    site.activity(&Window::new(at(1_000), at(2_000), 100).unwrap()).unwrap()
}

/// The steps of the only series in which something happened, without what was there at their end.
fn steps(activity: &Activity) -> BTreeMap<usize, Step> {
    let [series] = activity.series.as_slice() else { panic!("{:?}", activity.series) };
    assert_eq!((series.template.as_str(), series.provider.as_str()), ("t", "sim"));
    let events = series.steps.iter().map(|step| Step { present: Present::default(), ..step.clone() });
    events.enumerate().filter(|(_, step)| *step != Step::default()).collect()
}

/// Counts by name.
fn counts(of: &[(&'static str, u64)]) -> BTreeMap<&'static str, u64> {
    of.iter().copied().collect()
}

/// An empty store has no activity.
pub fn an_empty_store_has_no_activity(site: &dyn Site) {
    let activity = activity(site);
    assert_eq!((activity.series.len(), activity.pools.len(), activity.reasons.len()), (0, 0, 0));
    assert_eq!(activity.returns, [0; 10]);
    assert_eq!(activity.total(), vec![Step::default(); 10]);
}

/// Each event counts in its own step.
pub fn what_happened_is_counted_where_it_happened(site: &dyn Site) {
    site.store().admit(&acquire("req-1", 2, 1_050), MaxNumber::Unlimited).unwrap();
    let mut request = view(site.store(), "req-1").request;
    request.transition_to(RequestState::Started, None, at(1_060)).unwrap();
    let mut machines = vec![machine("i-1", "req-1"), machine("i-2", "req-1")];
    for (machine, up) in machines.iter_mut().zip([1_250, 1_350]) {
        machine.asked = Some(at(1_050));
        (machine.launched, machine.came_up) = (at(1_150), Some(at(up)));
    }
    stored(site.store(), Some(request), machines);
    let open = activity(site);
    assert_eq!((open.series[0].open_requests, open.series[0].oldest_open), (1, Some(at(1_050))));
    assert_eq!(open.series[0].machines, counts(&[("running", 2)]));

    let mut request = view(site.store(), "req-1").request;
    request.transition_to(RequestState::Complete, None, at(1_350)).unwrap();
    request.fell_short(2, ShortfallKind::Capacity);
    stored(site.store(), Some(request), Vec::new());
    return_machines(site.store(), "ret-1", &["/i-1"], 1_550);
    change(site.store(), &["i-1"], |machine| {
        machine.state = MachineState::Terminated;
        machine.gone = Some(at(1_650));
    });
    change(site.store(), &["i-2"], |machine| machine.lost(at(1_750)));

    let activity = activity(site);
    let mut to_running = [Step::default(), Step::default()];
    to_running[0].to_running.add(200);
    to_running[1].to_running.add(300);
    let [second, third] = to_running;
    let expected = [
        (0, Step { requests: 1, requested: 2, ..Step::default() }),
        (1, Step { launched: 2, ..Step::default() }),
        (2, Step { delivered: 1, ..second }),
        (3, Step { delivered: 1, ended: counts(&[("complete", 1)]), ..third }),
        (5, Step { returned: 1, ..Step::default() }),
        (6, Step { gone: 1, ..Step::default() }),
        (7, Step { reclaimed: 1, gone: 1, ..Step::default() }),
    ];
    assert_eq!(steps(&activity), BTreeMap::from(expected));
    assert_eq!(activity.series[0].open_requests, 0);
    assert_eq!(activity.returns, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!((activity.open_returns, activity.returns_ended.len()), (1, 0));
    let [pool] = activity.pools.as_slice() else { panic!("{:?}", activity.pools) };
    assert_eq!((pool.launched, pool.delivered, pool.reclaimed, pool.present), (2, 2, 1, 0));
}

/// What was missing counts by its reason, and the youngest request tells it in words.
pub fn shortfalls_have_reasons(site: &dyn Site) {
    for (name, end, kind, why) in [
        ("req-1", 1_110, ShortfallKind::Capacity, "none left"),
        ("req-2", 1_190, ShortfallKind::Capacity, "zone is full"),
        ("req-3", 1_150, ShortfallKind::Refused, "no such image"),
    ] {
        site.store().admit(&acquire(name, 3, 1_000), MaxNumber::Unlimited).unwrap();
        let mut request = view(site.store(), name).request;
        request.transition_to(RequestState::Partial, Some(why.to_owned()), at(end)).unwrap();
        request.fell_short(1, kind);
        stored(site.store(), Some(request.clone()), Vec::new());
        let read = view(site.again().as_ref(), name).request;
        assert_eq!((read.delivered, read.shortfall, read.finished), (1, Some(kind), Some(at(end))));
    }
    let activity = activity(site);
    let step = &activity.series[0].steps[1];
    assert_eq!(step.missing, counts(&[("capacity", 4), ("refused", 2)]));
    assert_eq!((step.missing_for(ShortfallKind::Capacity), step.ended_as(RequestState::Partial)), (4, 3));
    let told: Vec<_> = activity
        .reasons
        .iter()
        .map(|reason| (reason.kind, reason.requests, reason.missing, reason.latest.as_deref()))
        .collect();
    assert_eq!(told, [("capacity", 2, 4, Some("zone is full")), ("refused", 1, 2, Some("no such image"))]);
}

/// At the end of each step, each machine is in one stage of its life.
pub fn machines_are_counted_over_time(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-1", "i-2", "i-3"], 500);
    change(site.store(), &["i-1"], |machine| {
        (machine.launched, machine.came_up) = (at(600), Some(at(1_250)));
        machine.released(Some("x"), at(1_450));
    });
    // Up before the window began, and still there.
    change(site.store(), &["i-2"], |machine| {
        (machine.launched, machine.came_up) = (at(600), Some(at(700)));
    });
    // It came when its request was over, and is gone.
    change(site.store(), &["i-3"], |machine| {
        (machine.launched, machine.came_up, machine.state) = (at(1_050), None, MachineState::Pending);
        machine.released(Some(LATE), at(1_050));
        machine.lost(at(1_350));
    });
    let activity = activity(site);
    let present: Vec<_> = activity.series[0]
        .steps
        .iter()
        .map(|step| (step.present.starting, step.present.running, step.present.ending))
        .collect();
    let (early, late) = ((1, 1, 1), (0, 1, 1));
    assert_eq!(present, [early, early, (0, 2, 1), (0, 2, 0), late, late, late, late, late, late]);
    let total = activity.series[0].total();
    assert_eq!((total.orphaned, total.released, total.gone), (1, 1, 1));
}

/// What was over before the window began is in none of the numbers.
pub fn what_was_over_before_the_window_is_left_out(site: &dyn Site) {
    fulfil(site.store(), "req-1", &["i-1"], 100);
    change(site.store(), &["i-1"], |machine| machine.lost(at(900)));
    fulfil(site.store(), "req-2", &["i-2"], 2_100);
    change(site.store(), &["i-2"], |machine| {
        (machine.launched, machine.came_up) = (at(2_100), Some(at(2_200)));
        machine.end(Ending::Reclaimed, at(2_300));
    });
    let activity = activity(site);
    assert_eq!(steps(&activity), BTreeMap::new());
    assert!(activity.series[0].steps.iter().all(|step| step.present == Present::default()));
    // It is there now all the same.
    assert_eq!(activity.series[0].machines, counts(&[("running", 1)]));
    assert_eq!(activity.pools.iter().map(|pool| pool.present).sum::<u64>(), 1);
}
