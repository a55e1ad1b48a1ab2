//! What each key of the configuration does.

use ohfp_resolver::settings::performance::Mode;
use ohfp_resolver::settings::words::COMPONENTS;
use tracing::Level;

use super::environment::overridden;
use super::*;
use crate::LoadFigures;

/// What is built once the start is over, background included.
fn built_at_start(adjust: impl FnOnce(&mut Performance)) -> [usize; 6] {
    let (container, counts) = furnished(adjust);
    container.start().unwrap();
    container.settle();
    counts.built()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().copied().map(str::to_owned).collect()
}

#[test]
fn what_is_built_at_start() {
    type Adjust = fn(&mut Performance);
    let cases: [(&str, Adjust, [usize; 6]); 12] = [
        ("critical ones", |_| (), [1, 1, 0, 0, 0, 0]),
        ("none are critical", |o| o.preload_critical.clear(), [0; 6]),
        ("others are", |o| o.preload_critical = names(&["RequestService", "CachePort"]), [0, 0, 1, 0, 1, 0]),
        ("everything", |o| o.lazy_loading = false, [1; 6]),
        ("connections", |o| o.connection_mode = Mode::Eager, [1, 1, 1, 0, 0, 0]),
        ("discovery builds nothing", |o| o.discovery_mode = Mode::Eager, [1, 1, 0, 0, 0, 0]),
        ("common ones", |o| o.background_loading = true, [1, 1, 1, 1, 1, 0]),
        (
            "other common ones, in one thread",
            |o| {
                o.background_loading = true;
                o.preload_common = names(&["StoragePort"]);
                o.thread_pool_size = 1;
            },
            [1, 1, 1, 0, 0, 0],
        ),
        ("the start itself in the background", |o| o.start_in_background = true, [1, 1, 0, 0, 0, 0]),
        (
            "everything in the background",
            |o| {
                o.start_in_background = true;
                o.lazy_loading = false;
                o.batch_size = 1;
            },
            [1; 6],
        ),
        (
            "everything side by side",
            |o| {
                o.lazy_loading = false;
                o.batch_size = 2;
                o.concurrent_loads = 2;
            },
            [1; 6],
        ),
        (
            "critical ones alone when memory is short",
            |o| {
                o.lazy_loading = false;
                o.memory_limit = 1;
            },
            [1, 1, 0, 0, 0, 0],
        ),
    ];
    for (what, adjust, wanted) in cases {
        assert_eq!(built_at_start(adjust), wanted, "{what}");
    }
    // A preloading that has no time does not begin.
    let late = |o: &mut Performance| (o.lazy_loading, o.timeout) = (false, std::time::Duration::ZERO);
    assert_eq!(built_at_start(late), [1, 1, 0, 0, 0, 0]);
}

#[test]
fn the_difference_that_lazy_loading_makes_is_in_the_report() {
    let check = |lazy: bool, loads: u64, registered: u64| {
        let (container, _) = furnished(|options| options.lazy_loading = lazy);
        container.start().unwrap();
        let report = container.report();
        assert_eq!(report["lazy_loading"], lazy);
        assert_eq!(
            (report["loads"].as_u64(), report["registered"].as_u64()),
            (Some(loads), Some(registered))
        );
        assert!(report["start_ms"].is_number() && report["load_ms"].is_number());
    };
    check(true, 2, 5);
    check(false, 6, 6);
}

#[test]
fn optional_components_are_registered_when_one_is_missed() {
    let check = |minimal: bool, before: u64| {
        let (container, _) = furnished(|options| options.minimal_registration = minimal);
        container.start().unwrap();
        let registered = || container.report()["registered"].as_u64().unwrap();
        assert_eq!(registered(), before);
        assert_eq!(container.get::<Part<5>>().unwrap().number, 0);
        assert_eq!(registered(), 6);
    };
    check(true, 5);
    check(false, 6);
}

#[test]
fn on_demand_registrations_run_when_the_mode_says() {
    let kind = |mode: Mode| {
        let (container, _) = furnished(|options| options.discovery_mode = mode);
        container.start().unwrap();
        field(&container, "TemplateService", "kind")
    };
    assert_eq!((kind(Mode::Lazy), kind(Mode::Eager)), ("on-demand".into(), "singleton".into()));
    // An eager start shows what is wrong with one.
    let container = container(|options| options.discovery_mode = Mode::Eager);
    container.register(Tier::Core, |r| r.register_on_demand::<u8>("CachePort", |_| Ok(()))).unwrap();
    assert!(container.start().unwrap_err().summary().contains("CachePort did not register it"));
}

#[test]
fn a_start_fails_with_critical_components_only() {
    let start = |adjust: fn(&mut Performance)| {
        let container = container(adjust);
        let register = |r: &Registrar<'_>| {
            r.register_singleton::<u8>("StoragePort", |_| Err(failure("the disk is full")))
        };
        container.register(Tier::Core, register).unwrap();
        container.start().map_err(|error| error.summary())
    };
    assert_eq!(start(|o| o.lazy_loading = false), Ok(()));
    assert_eq!(
        start(|o| o.preload_critical = names(&["StoragePort"])),
        Err("the disk is full: while loading StoragePort".to_owned())
    );
}

#[test]
fn timings_and_memory_are_told_where_they_are_wanted() {
    let (container, _) = furnished(|options| {
        options.debug_timing = true;
        options.track_memory_usage = true;
    });
    container.get::<Holder>().unwrap();
    container.get::<Part<2>>().unwrap();
    let table = container.finish().unwrap();
    let lines: Vec<&str> = table.lines().collect();
    let [head, storage, requests, sums] = lines.as_slice() else { panic!("{table}") };
    assert!(head.starts_with("COMPONENT") && head.contains("LOAD_MS"), "{table}");
    assert!(storage.starts_with("StoragePort") && requests.starts_with("RequestService"), "{table}");
    assert!(sums.ends_with("3 of 5 components not loaded"), "{table}");
    assert!(field(&container, "StoragePort", "growth_kb").is_number());

    let (container, _) = furnished(|_| ());
    container.get::<Holder>().unwrap();
    assert_eq!(container.finish(), None);
    assert_eq!(field(&container, "StoragePort", "growth_kb"), Value::Null);
}

/// The log lines of what `run` does.
fn logged(run: impl FnOnce()) -> Vec<String> {
    #[derive(Clone, Default)]
    struct Lines(Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_log_tells_of_loads_and_of_time_where_it_is_wanted() {
    let lines = |loads: bool, timing: bool| {
        logged(|| {
            let (container, _) = furnished(|options| {
                options.log_component_loads = loads;
                options.performance_timing = timing;
                options.component_cache_size = 0;
            });
            drop(container.get::<Part<3>>());
            container.unload_idle(std::time::Instant::now());
            container.finish();
        })
    };
    assert_eq!(lines(false, false), Vec::<String>::new());
    let loads = lines(true, false);
    let [loaded, unloaded] = loads.as_slice() else { panic!("{loads:?}") };
    assert!(loaded.contains("component loaded") && loaded.contains("TemplateService"), "{loaded}");
    assert!(unloaded.contains("component unloaded") && unloaded.contains("cache size"), "{unloaded}");
    let timing = lines(false, true);
    let [line] = timing.as_slice() else { panic!("{timing:?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["target"], &line["fields"]["loads"]), (&"performance".into(), &1.into()));
    assert!(line["fields"]["answer_ms"].is_number());
}

#[test]
fn the_log_tells_of_components_that_their_last_users_drop() {
    let lines = logged(|| {
        let (container, _) = furnished(|options| {
            options.log_component_loads = true;
            options.cache_instances = false;
        });
        drop(container.get::<Part<3>>());
        drop(container.get::<Part<3>>());
        container.finish();
    });
    let told = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| line["fields"][name].as_str().unwrap_or_default().to_owned();
        (field("message"), field("component"), field("reason"))
    };
    let (loaded, unloaded) = ("component loaded", "component unloaded");
    let expected = [(loaded, ""), (unloaded, "last user"), (loaded, ""), (unloaded, "last user")]
        .map(|(message, reason)| (message.to_owned(), "TemplateService".to_owned(), reason.to_owned()));
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn slow_loads_are_warned_of() {
    let lines = logged(|| {
        let container = container(|_| ());
        let register = |r: &Registrar<'_>| {
            r.register_singleton::<u8>("CachePort", |_| {
                std::thread::sleep(std::time::Duration::from_millis(110));
                Ok(Arc::new(1))
            })
        };
        container.register(Tier::Core, register).unwrap();
        container.get::<u8>().unwrap();
    });
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(line.contains("WARN") && line.contains("component is slow to load"), "{line}");
}

#[test]
fn figures_tell_the_slowest_load_and_failures() {
    let container = container(|_| ());
    let register = |r: &Registrar<'_>| {
        r.register_singleton::<u8>("CachePort", |_| Err(failure("no")))?;
        r.register_singleton::<u16>("StoragePort", |_| Ok(Arc::new(1)))?;
        r.register_singleton::<u32>("ProviderPort", |_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            Ok(Arc::new(1))
        })
    };
    container.register(Tier::Core, register).unwrap();
    assert_eq!(container.figures(), LoadFigures { registered: 3, ..LoadFigures::default() });
    assert!(
        container.get::<u8>().is_err() && container.get::<u16>().is_ok() && container.get::<u32>().is_ok()
    );
    let figures = container.figures();
    assert_eq!((figures.loads, figures.failures), (2, 1));
    let slowest = figures.slowest.map(|(name, own)| (name, own.as_millis() >= 20));
    assert_eq!(slowest, Some(("ProviderPort", true)));
}

#[test]
fn variables_override() {
    let with = |variables: &[(&str, &str)]| {
        let env: Environment = variables.iter().copied().collect();
        overridden(Performance::default(), &env)
    };
    let unset =
        with(&[("LAZY_LOADING_ENABLED", ""), ("PERFORMANCE_DEBUG", ""), ("PERFORMANCE_LOG_LEVEL", "")]);
    assert_eq!(unset, Ok(Performance::default()));
    for (word, on) in
        [("true", true), ("TRUE", true), ("1", true), ("false", false), ("False", false), ("0", false)]
    {
        assert_eq!(with(&[("LAZY_LOADING_ENABLED", word)]).unwrap().lazy_loading, on, "{word}");
        let debug = with(&[("PERFORMANCE_DEBUG", word)]).unwrap();
        let all = [
            debug.debug_timing,
            debug.log_component_loads,
            debug.track_memory_usage,
            debug.performance_timing,
        ];
        assert_eq!(all, [on; 4], "{word}");
    }
    let level = |word| with(&[("PERFORMANCE_LOG_LEVEL", word)]).unwrap();
    assert_eq!(level("LOG_DEBUG").performance_log_level, Some(Level::DEBUG));
    assert_eq!(level("warning").log_level, Level::INFO);
    for (name, value, wanted) in [
        ("LAZY_LOADING_ENABLED", "yes", "true, false, 1 or 0, not \"yes\""),
        ("PERFORMANCE_DEBUG", "on\n", "true, false, 1 or 0, not \"on\\n\""),
        (
            "PERFORMANCE_LOG_LEVEL",
            "loud",
            "one of TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL, not \"loud\"",
        ),
    ] {
        let error = with(&[(name, value)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        assert_eq!(error.summary(), format!("the environment variable {name} must be {wanted}"));
    }
}

#[test]
fn the_configuration_knows_the_names() {
    assert!(NAMES.iter().all(|name| COMPONENTS.contains(name)));
}
