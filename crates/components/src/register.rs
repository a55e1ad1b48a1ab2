//! Registration: declares the components and how each is built, without building any.

use std::sync::Arc;

use ohfp_broker::{Error, ErrorKind, Result};

use super::container::Container;
use super::slot::{Builder, Handle, Key, Recipe, Slot, State, Stats};

/// Importance of a component; decides when it is registered and preloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Needed by every command.
    Critical,
    /// Needed by most commands.
    Core,
    /// Needed by some commands.
    Optional,
}

impl Tier {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Core => "core",
            Self::Optional => "optional",
        }
    }
}

/// A batch that has not been registered yet.
pub(super) struct PendingBatch {
    pub(super) batch: Tier,
    #[expect(clippy::type_complexity, reason = "used once")]
    pub(super) register: Box<dyn FnOnce(&Registrar<'_>) -> Result<()> + Send>,
}

/// Registers the components of one batch.
#[derive(Clone, Copy)]
pub struct Registrar<'c> {
    container: &'c Container,
    batch: Tier,
    connects: bool,
    /// The configuration key that disables these components.
    off: Option<&'static str>,
}

impl<'c> Registrar<'c> {
    pub(super) fn new(container: &'c Container, batch: Tier) -> Self {
        Self { container, batch, connects: false, off: None }
    }

    /// Marks components that open connections: `connection_mode` decides when they are built.
    #[must_use]
    pub fn connecting(self) -> Self {
        Self { connects: true, ..self }
    }

    /// Marks components of a feature. While it is disabled, requesting one is an error that names `key`.
    #[must_use]
    pub fn feature(self, key: &'static str, on: bool) -> Self {
        Self { off: (!on).then_some(key).or(self.off), ..self }
    }

    /// Registers a component with one shared instance, built on first use.
    pub fn register_singleton<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &'static str,
        build: impl Fn(&Container) -> Result<Arc<T>> + Send + Sync + 'static,
    ) -> Result<()> {
        self.add::<T>(name, Recipe::Singleton(erased(build)))
    }

    /// Registers a component that is built for each request.
    pub fn register_factory<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &'static str,
        build: impl Fn(&Container) -> Result<Arc<T>> + Send + Sync + 'static,
    ) -> Result<()> {
        self.add::<T>(name, Recipe::Factory(erased(build)))
    }

    /// Registers `T` on demand: `register` runs when `T` is first requested. It must register `T` under the
    /// same name and may register more.
    pub fn register_on_demand<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &'static str,
        register: impl Fn(&Registrar<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        self.add::<T>(name, Recipe::OnDemand(Arc::new(register)))
    }

    /// Registers an existing instance.
    pub fn register_instance<T: ?Sized + Send + Sync + 'static>(
        &self,
        name: &'static str,
        instance: Arc<T>,
    ) -> Result<()> {
        self.add::<T>(name, Recipe::Instance(erased(move |_| Ok(Arc::clone(&instance)))))
    }

    fn add<T: ?Sized + 'static>(&self, name: &'static str, recipe: Recipe) -> Result<()> {
        let key = Key::of::<T>();
        let recipe = self.off.map_or(recipe, Recipe::Off);
        let mut table = self.container.lock();
        if let Some(other) = table.slots.iter().find(|(other, slot)| **other != key && slot.name == name) {
            let (_, slot) = other;
            return Err(twice(slot.name));
        }
        if let Some(slot) = table.slots.get_mut(&key) {
            // Only the on-demand registration of a component may replace its recipe.
            if !matches!(slot.recipe, Recipe::OnDemand(_)) || slot.name != name {
                return Err(twice(slot.name));
            }
            slot.recipe = recipe;
            slot.connects |= self.connects;
            return Ok(());
        }
        let pinned = self.container.options().preload_critical.iter().any(|critical| critical == name);
        let slot = Slot {
            name,
            batch: self.batch,
            connects: self.connects,
            pinned,
            recipe,
            state: State::Empty,
            attempt: 0,
            failure: None,
            waiting: 0,
            used: 0,
            idle_since: None,
            stats: Stats::default(),
        };
        table.slots.insert(key, slot);
        table.order.push(key);
        Ok(())
    }
}

fn erased<T: ?Sized + Send + Sync + 'static>(
    build: impl Fn(&Container) -> Result<Arc<T>> + Send + Sync + 'static,
) -> Builder {
    Arc::new(move |container| build(container).map(|component| Box::new(component) as Box<dyn Handle>))
}

fn twice(name: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the component {name} is registered twice"))
}
