//! What is built, how often, and what is said when it fails.

use super::*;

#[test]
fn a_component_is_built_at_its_first_use_and_shared() {
    let (container, counts) = furnished(|_| ());
    assert_eq!(counts.built(), [0; 6]);
    let (one, two) = (container.get::<Holder>().unwrap(), container.get::<Holder>().unwrap());
    assert!(Arc::ptr_eq(&one, &two));
    assert!(Arc::ptr_eq(&one.held, &container.get::<Part<2>>().unwrap()));
    assert_eq!(counts.built(), [0, 0, 1, 0, 1, 0]);
    assert_eq!((field(&container, "RequestService", "hits"), one.own.number), (1.into(), 0));
    assert_eq!(field(&container, "StoragePort", "loads"), 1);
    assert_eq!(field(&container, "LoggingPort", "state"), "not loaded");
}

#[test]
fn every_kind_of_registration() {
    let (container, counts) = (container(|_| ()), Counts::default());
    let parts = counts.clone();
    let instance = Arc::new(Part::<0> { number: 7, dropped: counts.dropped[0].clone() });
    let register = move |r: &Registrar<'_>| {
        r.register_instance(NAMES[0], Arc::clone(&instance))?;
        r.register_factory::<Part<1>>(NAMES[1], parts.build::<1>())?;
        let demanded = parts.clone();
        r.register_on_demand::<Part<2>>(NAMES[2], move |r| {
            demanded.singleton::<3>(r)?;
            r.register_factory::<Part<2>>(NAMES[2], demanded.build::<2>())
        })?;
        r.register_singleton::<dyn Fn() -> usize + Send + Sync>(NAMES[4], |c| {
            let part = c.get::<Part<0>>()?;
            Ok(Arc::new(move || part.number))
        })
    };
    container.register(Tier::Core, register).unwrap();
    assert_eq!(container.get::<Part<0>>().unwrap().number, 7);
    let numbers = |_| container.get::<Part<1>>().unwrap().number;
    assert_eq!([0, 1, 2].map(numbers), [0, 1, 2]);
    assert_eq!(counts.dropped()[1], 3);
    // Registered on demand, along with another.
    assert!(container.get::<Part<3>>().is_err());
    assert_eq!(container.get::<Part<2>>().unwrap().number, 0);
    assert_eq!(container.get::<Part<2>>().unwrap().number, 1);
    assert_eq!(container.get::<Part<3>>().unwrap().number, 0);
    // Traits are components too.
    assert_eq!(container.get::<dyn Fn() -> usize + Send + Sync>().unwrap()(), 7);
    assert_eq!(field(&container, NAMES[2], "kind"), "factory");
}

#[test]
fn wrong_registrations() {
    let check = |register: fn(&Registrar<'_>) -> Result<()>, wanted: &str| {
        let error = container(|_| ()).register(Tier::Core, register).unwrap_err();
        assert_eq!(error.summary(), wanted);
    };
    check(
        |r| {
            r.register_instance("StoragePort", Arc::new(1_u8))?;
            r.register_instance("StoragePort", Arc::new(1_u16))
        },
        "the component StoragePort is registered twice",
    );
    check(
        |r| {
            r.register_instance("StoragePort", Arc::new(1_u8))?;
            r.register_instance("CachePort", Arc::new(1_u8))
        },
        "the component StoragePort is registered twice",
    );
    let container = container(|_| ());
    container.register(Tier::Core, |r| r.register_on_demand::<u8>("CachePort", |_| Ok(()))).unwrap();
    assert_eq!(
        container.get::<u8>().unwrap_err().summary(),
        "the on-demand registration of CachePort did not register it: while loading CachePort"
    );
    let error = container.get::<u16>().unwrap_err();
    assert_eq!(error.summary(), "no component is registered for `u16`");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let lacking = |r: &Registrar<'_>| {
        r.register_singleton::<u32>("RequestService", |c| c.get::<u16>().map(|_| Arc::new(0)))
    };
    container.register(Tier::Core, lacking).unwrap();
    assert_eq!(
        container.get::<u32>().unwrap_err().summary(),
        "no component is registered for `u16`: while loading RequestService"
    );
}

#[test]
fn a_feature_that_is_off() {
    let (container, counts) = (container(|options| options.lazy_loading = false), Counts::default());
    let parts = counts.clone();
    let register = move |r: &Registrar<'_>| {
        parts.singleton::<2>(&r.feature("features.database_support", false))?;
        parts.singleton::<3>(&r.feature("features.monitoring", true))
    };
    container.register(Tier::Core, register).unwrap();
    container.start().unwrap();
    assert_eq!(counts.built(), [0, 0, 0, 1, 0, 0]);
    let error = container.get::<Part<2>>().map(drop).unwrap_err();
    assert_eq!(error.summary(), "StoragePort is disabled by `features.database_support`");
    assert_eq!(error.hint_text(), Some("set `features.database_support` to true"));
    assert_eq!(field(&container, "StoragePort", "state"), "off");
}

#[test]
fn failures_name_the_chain_keep_their_kind_and_may_be_tried_again() {
    let (container, tries) = (container(|_| ()), Count::default());
    let counter = tries.clone();
    let register = move |r: &Registrar<'_>| {
        let counter = counter.clone();
        r.register_singleton::<u8>("StoragePort", move |_| match counter.more() {
            0 => Err(failure("the disk is full").cause("no space").hint("make room")),
            tries => Ok(Arc::new(u8::try_from(tries).unwrap())),
        })?;
        r.register_singleton::<u16>("RequestService", |c| Ok(Arc::new(u16::from(*c.get::<u8>()?))))?;
        // Says it in its own words: that is where the chain belongs, then.
        r.register_singleton::<u32>("SchedulerPort", |c| match c.get::<u64>() {
            Ok(number) => Ok(Arc::new(u32::try_from(*number).unwrap_or_default())),
            Err(error) => Err(Error::new(ErrorKind::Input, "no scheduler").cause(error.summary())),
        })?;
        r.register_singleton::<u64>("ConfigurationPort", |_| Err(failure("unreadable")))
    };
    container.register(Tier::Core, register).unwrap();
    let error = container.get::<u16>().unwrap_err();
    assert_eq!(error.summary(), "the disk is full: no space: while loading RequestService -> StoragePort");
    assert_eq!((error.kind(), error.hint_text()), (ErrorKind::System, Some("make room")));
    assert_eq!(field(&container, "StoragePort", "state"), "failed");
    assert_eq!(*container.get::<u16>().unwrap(), 1);
    assert_eq!((tries.get(), field(&container, "StoragePort", "failures")), (2, 1.into()));
    assert_eq!(
        container.get::<u32>().unwrap_err().summary(),
        "no scheduler: unreadable: while loading SchedulerPort -> ConfigurationPort: while loading SchedulerPort"
    );
}

#[test]
fn circles_are_reported_with_their_chain() {
    let container = container(|_| ());
    let register = |r: &Registrar<'_>| {
        r.register_singleton::<u8>("RequestService", |c| c.get::<u16>().map(|_| Arc::new(0)))?;
        r.register_singleton::<u16>("StoragePort", |c| Ok(Arc::new(u16::from(*c.get::<u8>()?))))?;
        r.register_factory::<u32>("CachePort", Container::get)?;
        r.register_singleton::<u64>("TemplateService", |c| Ok(Arc::new(u64::from(*c.get::<u8>()?))))
    };
    container.register(Tier::Core, register).unwrap();
    for _ in 0..2 {
        assert_eq!(
            container.get::<u8>().unwrap_err().summary(),
            "components depend on each other in a circle: RequestService -> StoragePort -> RequestService"
        );
    }
    assert_eq!(
        container.get::<u32>().unwrap_err().summary(),
        "components depend on each other in a circle: CachePort -> CachePort"
    );
    // The circle without the way to it.
    let from_outside = container.get::<u64>().unwrap_err().summary();
    assert!(from_outside.ends_with(": RequestService -> StoragePort -> RequestService"), "{from_outside}");
}

#[test]
fn handles_that_ask_later_break_circles() {
    struct Both {
        other: super::super::Deferred<Both>,
    }
    let container = container(|_| ());
    let register =
        |r: &Registrar<'_>| r.register_singleton("CachePort", |c| Ok(Arc::new(Both { other: c.later() })));
    container.register(Tier::Core, register).unwrap();
    let both = container.get::<Both>().unwrap();
    assert!(Arc::ptr_eq(&both, &both.other.get().unwrap()));
    let orphan = both.other.clone();
    drop((both, container));
    assert_eq!(
        orphan.get().map(drop).unwrap_err().summary(),
        "the container has shut down: the command has ended"
    );
}

#[test]
fn deferred_work_waits_for_the_answer_or_is_done_at_once() {
    let check = |defer: bool, before: usize| {
        let container = container(|options| options.defer_heavy_operations = defer);
        let done = Count::default();
        let (work, more, inner) = (done.clone(), container.clone(), done.clone());
        container.defer("prune", move || {
            work.more();
            // Work may bring more work.
            more.defer("shrink", move || {
                inner.more();
                Err(failure("which is logged"))
            });
            Ok(())
        });
        assert_eq!(done.get(), before);
        assert_eq!(container.report()["deferred_waiting"], u64::from(defer));
        assert_eq!(container.finish(), None);
        assert_eq!((done.get(), container.report()["deferred_done"].as_u64()), (2, Some(2)));
    };
    check(true, 0);
    check(false, 2);
}
