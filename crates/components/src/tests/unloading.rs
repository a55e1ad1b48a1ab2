//! What is let go, and when.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn without_caching_a_component_goes_with_its_last_user() {
    let (container, counts) = furnished(|options| options.cache_instances = false);
    container.start().unwrap();
    let one = container.get::<Part<2>>().unwrap();
    assert!(Arc::ptr_eq(&one, &container.get().unwrap()));
    drop(one);
    assert_eq!(counts.dropped()[2], 1);
    assert_eq!(container.get::<Part<2>>().unwrap().number, 1);
    // Critical ones stay.
    assert_eq!(container.get::<Part<0>>().unwrap().number, 0);
    assert_eq!(container.get::<Part<0>>().unwrap().number, 0);
    assert_eq!(counts.dropped()[0], 0);
}

#[test]
fn without_caching_what_was_preloaded_waits_for_its_first_user() {
    let (container, counts) = furnished(|options| {
        options.cache_instances = false;
        options.background_loading = true;
    });
    container.start().unwrap();
    container.settle();
    let used = container.get::<Holder>().unwrap();
    assert_eq!((counts.built()[4], counts.dropped()[4]), (1, 0));
    drop(used);
    assert_eq!((counts.dropped()[4], counts.dropped()[2]), (1, 1));
}

#[test]
fn the_least_recently_used_go_first() {
    let check = |size: usize, dropped: [usize; 6]| {
        let (container, counts) = furnished(|options| options.component_cache_size = size);
        drop(container.get::<Part<0>>());
        drop(container.get::<Part<2>>());
        drop(container.get::<Part<3>>());
        drop(container.get::<Part<2>>());
        let held = container.get::<Part<5>>().unwrap();
        assert_eq!(counts.dropped(), dropped, "{size}");
        // Neither what is in use nor what is critical.
        container.unload_idle(Instant::now());
        assert_eq!((counts.dropped()[0], counts.dropped()[5], held.number), (0, 0, 0), "{size}");
    };
    check(2, [0; 6]);
    check(1, [0, 0, 0, 1, 0, 0]);
}

#[test]
fn idle_components_go_after_their_time() {
    let ttl = Duration::from_mins(5);
    let (container, counts) = furnished(|options| options.result_cache_ttl = ttl);
    let began = Instant::now();
    let holder = container.get::<Holder>().unwrap();
    assert_eq!(container.unload_idle(began), 0);
    assert_eq!(container.unload_idle(began + ttl), 0);
    drop(holder);
    // Noticed at the first look, unloaded at a later one; a use in between starts over.
    assert_eq!(container.unload_idle(began + ttl), 0);
    drop(container.get::<Holder>());
    assert_eq!(container.unload_idle(began + ttl * 2), 0);
    assert_eq!(container.unload_idle(began + ttl * 2 + ttl.mul_f64(0.999)), 0);
    assert_eq!(container.unload_idle(began + ttl * 3), 1);
    assert_eq!((counts.dropped()[4], counts.dropped()[2]), (1, 0));
    // What it held has been idle only since then.
    assert_eq!(container.unload_idle(began + ttl * 4), 0);
    assert_eq!(container.unload_idle(began + ttl * 5), 1);
    assert_eq!(field(&container, "StoragePort", "state"), "unloaded");
    assert_eq!(container.get::<Holder>().unwrap().held.number, 1);
    assert_eq!(field(&container, "StoragePort", "unloads"), 1);
}

#[test]
fn a_clock_that_stands_still_or_goes_back_unloads_nothing() {
    let (container, _) = furnished(|_| ());
    drop(container.get::<Part<2>>());
    let (earlier, later) = (Instant::now(), Instant::now() + Duration::from_hours(24));
    for now in [later, later, earlier, later] {
        assert_eq!(container.unload_idle(now), 0);
    }
}

#[test]
fn short_of_memory_all_that_is_unused_goes() {
    let (container, counts) = furnished(|options| options.memory_limit = 1);
    drop(container.get::<Holder>());
    assert_eq!(container.unload_idle(Instant::now()), 2);
    assert_eq!(counts.dropped(), [0, 0, 1, 0, 1, 0]);
}

#[test]
fn destructors_may_use_the_container() {
    struct Last(super::super::Deferred<u8>);
    impl Drop for Last {
        fn drop(&mut self) {
            assert_eq!(*self.0.get().unwrap(), 5);
        }
    }
    let container = container(|options| options.component_cache_size = 0);
    let register = |r: &Registrar<'_>| {
        r.register_singleton("CachePort", |c| Ok(Arc::new(Last(c.later()))))?;
        r.register_singleton("StoragePort", |_| Ok(Arc::new(5_u8)))
    };
    container.register(Tier::Core, register).unwrap();
    drop(container.get::<Last>().unwrap());
    // The other one was built for the end of the first, and is idle in its turn.
    assert_eq!(container.unload_idle(Instant::now()), 2);
    assert_eq!(field(&container, "CachePort", "unloads"), 1);
}
