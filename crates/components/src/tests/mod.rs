//! The container from outside: components that count how often they are built and dropped.

mod building;
mod concurrency;
mod configuration;
mod unloading;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ohfp_broker::{Error, ErrorKind, Result};
use ohfp_resolver::{Environment, Performance, Settings};
use serde_json::Value;

use super::register::Registrar;
use super::{Container, Tier, environment};

#[test]
fn usage() -> Result<()> {
    struct Store;
    impl Store {
        fn open() -> Result<Self> {
            std::env::temp_dir().is_absolute().then_some(Self).ok_or_else(|| failure("nowhere"))
        }
    }
    struct Requests(Arc<Store>);
    let (settings, env) = (Settings::default(), Environment::default());
    let monitoring = |c: &Container| Ok(Arc::new(c.report()));

    let container = Container::new(environment::overridden(Performance::new(&settings), &env)?);
    container.register(Tier::Core, |r| {
        r.connecting().register_singleton::<Store>("StoragePort", |_| Store::open().map(Arc::new))?;
        r.register_singleton::<Requests>("RequestService", |c| Ok(Arc::new(Requests(c.get()?))))
    })?;
    container.register(Tier::Optional, move |r| r.register_singleton("MonitoringService", monitoring))?;
    container.start()?;
    let requests = container.get::<Requests>()?;
    assert!(Arc::ptr_eq(&requests.0, &container.get::<Store>()?));
    assert_eq!(container.get::<Value>()?["loads"], 2);
    assert_eq!(container.finish(), None);
    Ok(())
}

/// How often something happened.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn more(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A component that counts its end.
struct Part<const N: usize> {
    number: usize,
    dropped: Count,
}

impl<const N: usize> Drop for Part<N> {
    fn drop(&mut self) {
        self.dropped.more();
    }
}

const NAMES: [&str; 6] =
    ["LoggingPort", "ConfigurationPort", "StoragePort", "TemplateService", "RequestService", "CachePort"];

/// How often each part was built and dropped.
#[derive(Clone, Default)]
struct Counts {
    built: [Count; 6],
    dropped: [Count; 6],
}

impl Counts {
    fn build<const N: usize>(&self) -> impl Fn(&Container) -> Result<Arc<Part<N>>> + Send + Sync + use<N> {
        let (built, dropped) = (self.built[N].clone(), self.dropped[N].clone());
        move |_| Ok(Arc::new(Part { number: built.more(), dropped: dropped.clone() }))
    }

    fn singleton<const N: usize>(&self, r: &Registrar<'_>) -> Result<()> {
        r.register_singleton::<Part<N>>(NAMES[N], self.build::<N>())
    }

    fn built(&self) -> [usize; 6] {
        self.built.each_ref().map(Count::get)
    }

    fn dropped(&self) -> [usize; 6] {
        self.dropped.each_ref().map(Count::get)
    }
}

fn container(adjust: impl FnOnce(&mut Performance)) -> Container {
    let mut options = Performance::default();
    adjust(&mut options);
    Container::new(options)
}

/// A container with all six parts: 0 and 1 critical, 2 connecting, 3 on demand, 4 holding 2, 5 optional.
fn furnished(adjust: impl FnOnce(&mut Performance)) -> (Container, Counts) {
    let (container, counts) = (container(adjust), Counts::default());
    let parts = counts.clone();
    let register = move |r: &Registrar<'_>| {
        parts.singleton::<0>(r)?;
        parts.singleton::<1>(r)
    };
    container.register(Tier::Critical, register).unwrap();
    let parts = counts.clone();
    let register = move |r: &Registrar<'_>| {
        parts.singleton::<2>(&r.connecting())?;
        let on_demand = parts.clone();
        r.register_on_demand::<Part<3>>(NAMES[3], move |r| on_demand.singleton::<3>(r))?;
        let build = parts.build::<4>();
        r.register_singleton::<Holder>(NAMES[4], move |c| {
            Ok(Arc::new(Holder { held: c.get()?, own: build(c)? }))
        })
    };
    container.register(Tier::Core, register).unwrap();
    let parts = counts.clone();
    container.register(Tier::Optional, move |r| parts.singleton::<5>(r)).unwrap();
    (container, counts)
}

/// A component that holds another.
struct Holder {
    held: Arc<Part<2>>,
    own: Arc<Part<4>>,
}

fn failure(text: &str) -> Error {
    Error::new(ErrorKind::System, text)
}

/// A field of a component's row in the report.
fn field(container: &Container, name: &str, field: &str) -> Value {
    let report = container.report();
    let rows = report["components"].as_array().unwrap();
    rows.iter().find(|row| row["component"] == name).map_or(Value::Null, |row| row[field].clone())
}
