//! Many threads at once: one build, one outcome, no thread waits for ever.

use std::sync::mpsc::channel;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use super::*;

const THREADS: usize = 32;

/// What each of many threads gets when all ask at the same moment.
fn ask<R: Send>(get: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let ask = |number| {
            let (start, get) = (&start, &get);
            scope.spawn(move || {
                start.wait();
                get(number)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(ask).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn thirty_two_threads_get_the_same_component() {
    for cache in [true, false] {
        for _ in 0..20 {
            let (container, counts) = furnished(|options| options.cache_instances = cache);
            let parts = ask(|_| container.get::<Holder>().unwrap());
            assert!(parts.iter().all(|part| Arc::ptr_eq(part, &parts[0])));
            assert_eq!(counts.built(), [0, 0, 1, 0, 1, 0]);
        }
    }
}

#[test]
fn thirty_two_threads_register_on_demand_and_by_batch_once() {
    let (container, counts) = furnished(|_| ());
    let parts = ask(|number| {
        if number % 2 == 0 {
            container.get::<Part<3>>().unwrap().number
        } else {
            container.get::<Part<5>>().unwrap().number
        }
    });
    assert_eq!(parts, vec![0; THREADS]);
    assert_eq!(counts.built(), [0, 0, 0, 1, 0, 1]);
    assert_eq!(container.report()["pending_batches"], 0);
}

#[test]
fn those_who_waited_get_the_same_error_and_the_next_tries_again() {
    // The build ends when all others wait for it.
    let (container, tries) = (container(|_| ()), Count::default());
    let counter = tries.clone();
    let register = move |r: &Registrar<'_>| {
        r.register_singleton::<u8>("StoragePort", move |c| {
            let number = counter.more();
            while number == 0 && c.waiting_for("StoragePort") < THREADS - 1 {
                thread::yield_now();
            }
            if number == 0 { Err(failure("try again")) } else { Ok(Arc::new(1)) }
        })
    };
    container.register(Tier::Core, register).unwrap();
    let errors = ask(|_| container.get::<u8>().unwrap_err());
    assert!(errors.iter().all(|error| *error == errors[0]));
    assert_eq!(errors[0].summary(), "try again: while loading StoragePort");
    assert_eq!((tries.get(), *container.get::<u8>().unwrap(), tries.get()), (1, 1, 2));
}

#[test]
fn a_circle_over_two_threads_is_an_error_for_both() {
    for _ in 0..50 {
        let container = container(|_| ());
        let both = Arc::new(Barrier::new(2));
        let register = move |r: &Registrar<'_>| {
            let (one, two) = (Arc::clone(&both), both);
            r.register_singleton::<u8>("RequestService", move |c| {
                one.wait();
                c.get::<u16>().map(|_| Arc::new(0))
            })?;
            r.register_singleton::<u16>("StoragePort", move |c| {
                two.wait();
                c.get::<u8>().map(|_| Arc::new(0))
            })
        };
        container.register(Tier::Core, register).unwrap();
        let errors = thread::scope(|scope| {
            let one = scope.spawn(|| container.get::<u8>().unwrap_err());
            let two = scope.spawn(|| container.get::<u16>().unwrap_err());
            [one.join().unwrap(), two.join().unwrap()]
        });
        let circles = [
            "components depend on each other in a circle: RequestService -> StoragePort -> RequestService",
            "components depend on each other in a circle: StoragePort -> RequestService -> StoragePort",
        ];
        for error in errors {
            assert!(circles.iter().any(|circle| error.summary().starts_with(circle)), "{error}");
        }
    }
}

#[test]
fn a_circle_over_three_threads() {
    let container = container(|_| ());
    let all = Arc::new(Barrier::new(3));
    let register = move |r: &Registrar<'_>| {
        let [one, two, three] = [(); 3].map(|()| Arc::clone(&all));
        r.register_singleton::<u8>("RequestService", move |c| {
            one.wait();
            c.get::<u16>().map(|_| Arc::new(0))
        })?;
        r.register_singleton::<u16>("StoragePort", move |c| {
            two.wait();
            c.get::<u32>().map(|_| Arc::new(0))
        })?;
        r.register_singleton::<u32>("CachePort", move |c| {
            three.wait();
            c.get::<u8>().map(|_| Arc::new(0))
        })
    };
    container.register(Tier::Core, register).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| assert!(container.get::<u8>().is_err()));
        scope.spawn(|| assert!(container.get::<u16>().is_err()));
        scope.spawn(|| assert!(container.get::<u32>().is_err()));
    });
}

#[test]
fn no_more_threads_build_than_are_allowed() {
    for allowed in [1, 3] {
        let container = container(|options| options.concurrent_loads = allowed);
        let (now, most) = (Count::default(), Arc::new(Mutex::new(0)));
        let highest = Arc::clone(&most);
        let register = move |r: &Registrar<'_>| {
            // Each asks for another, which needs no further permission.
            r.register_factory::<u8>("CachePort", move |c| {
                let at_once = now.more() + 1;
                let mut most = highest.lock().unwrap();
                *most = at_once.max(*most);
                drop(most);
                let other = c.get::<u16>().map(|other| Arc::new(u8::try_from(*other).unwrap()));
                now.0.fetch_sub(1, Ordering::SeqCst);
                other
            })?;
            r.register_factory::<u16>("StoragePort", |_| {
                thread::yield_now();
                Ok(Arc::new(5))
            })
        };
        container.register(Tier::Core, register).unwrap();
        assert_eq!(ask(|_| *container.get::<u8>().unwrap()), vec![5; THREADS]);
        assert!(*most.lock().unwrap() <= allowed);
        assert_eq!(field(&container, "CachePort", "loads"), THREADS);
    }
}

#[test]
fn who_waits_too_long_gives_up() {
    let container = container(|options| options.timeout = Duration::ZERO);
    let (begun, wait_begun) = channel();
    let (end, wait_end) = channel();
    let waits = Mutex::new((begun, wait_end));
    let register = move |r: &Registrar<'_>| {
        r.register_singleton::<u8>("StoragePort", move |_| {
            let (begun, wait_end) = &*waits.lock().unwrap();
            begun.send(()).unwrap();
            wait_end.recv().unwrap();
            Ok(Arc::new(1))
        })
    };
    container.register(Tier::Core, register).unwrap();
    thread::scope(|scope| {
        let builder = scope.spawn(|| *container.get::<u8>().unwrap());
        wait_begun.recv().unwrap();
        let error = container.get::<u8>().unwrap_err();
        assert_eq!(error.summary(), "StoragePort was not loaded within 0 s");
        end.send(()).unwrap();
        assert_eq!(builder.join().unwrap(), 1);
    });
    assert_eq!(*container.get::<u8>().unwrap(), 1);
}

#[test]
fn a_builder_that_panics_is_a_failure_for_those_who_wait() {
    let container = container(|_| ());
    let register = |r: &Registrar<'_>| {
        r.register_singleton::<u8>("StoragePort", |c| {
            while c.waiting_for("StoragePort") == 0 {
                thread::yield_now();
            }
            panic!("on purpose")
        })
    };
    container.register(Tier::Core, register).unwrap();
    let results = thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| container.get::<u8>().unwrap_err().summary()));
        threads.map(thread::ScopedJoinHandle::join)
    });
    let errors: Vec<String> = results.into_iter().filter_map(std::result::Result::ok).collect();
    assert_eq!(errors, ["the builder of StoragePort panicked: while loading StoragePort"]);
}

#[test]
fn the_process_does_not_wait_for_the_background() {
    let container = container(|options| {
        options.background_loading = true;
        options.thread_pool_size = 1;
        options.preload_common = vec!["StoragePort".to_owned(), "CachePort".to_owned()];
    });
    let (begun, wait_begun) = channel();
    let (end, wait_end) = channel();
    let (waits, built) = (Mutex::new((begun, wait_end)), Count::default());
    let counter = built.clone();
    let register = move |r: &Registrar<'_>| {
        r.register_singleton::<u8>("StoragePort", move |_| {
            let (begun, wait_end) = &*waits.lock().unwrap();
            begun.send(()).unwrap();
            wait_end.recv().unwrap();
            Ok(Arc::new(1))
        })?;
        r.register_singleton::<u16>("CachePort", move |_| {
            counter.more();
            Ok(Arc::new(1))
        })
    };
    container.register(Tier::Core, register).unwrap();
    container.start().unwrap();
    wait_begun.recv().unwrap();
    assert_eq!(container.finish(), None);
    // It was in the middle of the first when the answer was out; it does not begin the second.
    end.send(()).unwrap();
    container.settle();
    assert_eq!((built.get(), field(&container, "StoragePort", "preloaded")), (0, true.into()));
}
