//! The state store of a site, whichever kind it is.

use std::ops::Deref;
use std::sync::Arc;

use ohfp_broker::Errors;
use ohfp_broker::administration::StateStore;
use ohfp_broker::documents::DocumentStore;
use ohfp_resolver::StorageStrategy;

use crate::invocation::Invocation;

/// Whether an invocation may change state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// It may change state.
    ReadWrite,
    /// It must not: a dry run, or a query.
    ReadOnly,
}

/// A kind of state store.
pub struct StoreFactory {
    /// As `storage.strategy` names it.
    pub strategy: StorageStrategy,
    pub(crate) locate: fn(&Invocation) -> Result<StoreLocation, Errors>,
    pub(crate) open: fn(&Invocation, AccessMode, bool) -> Result<SiteStore, Errors>,
}

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreLocation {
    /// A path, or an address without its secrets.
    pub shown: String,
    /// Whether it is there, as far as that is known without opening it.
    pub exists: bool,
}

/// The state store of this site, whichever kind it is.
#[derive(Clone)]
pub struct SiteStore(Arc<dyn StateStore>);

impl SiteStore {
    pub(crate) fn new(store: impl StateStore + 'static) -> Self {
        Self(Arc::new(store))
    }

    /// The same store, for providers that keep documents in it.
    pub fn documents(&self) -> Arc<dyn DocumentStore> {
        Arc::<dyn StateStore>::clone(&self.0)
    }
}

impl Deref for SiteStore {
    type Target = dyn StateStore;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}
