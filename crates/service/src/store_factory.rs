//! Which kinds of state stores this build has, where the store of a site is, and how it is opened.

mod sqlite;

use ohfp_broker::{Error, ErrorKind, Result};

use crate::site_store::{AccessMode, SiteStore, StoreFactory, StoreLocation, StoreSite};

/// Every kind; a new back end adds its line.
pub const STORES: &[StoreFactory] = &[sqlite::FACTORY];

/// Where the store of a site is.
///
/// # Errors
/// [`ErrorKind::Input`] where the configuration names no usable store.
pub fn locate(site: &StoreSite<'_>) -> Result<StoreLocation> {
    (factory(site)?.locate)(site)
}

/// Opens the store of a site, or gets it ready to be opened at the first use where `eager` is not set.
///
/// # Errors
/// [`ErrorKind::Input`] where the configuration names no usable store, else what keeps it from being opened.
pub fn open(site: &StoreSite<'_>, access: AccessMode, eager: bool) -> Result<SiteStore> {
    (factory(site)?.open)(site, access, eager)
}

fn factory(site: &StoreSite<'_>) -> Result<&'static StoreFactory> {
    let strategy = site.configuration.settings.storage_strategy()?;
    STORES.iter().find(|factory| factory.strategy == strategy).ok_or_else(|| {
        Error::new(ErrorKind::Input, format!("this build has no state store of kind `{strategy}`"))
            .hint("`ohfp storage list` shows the kinds that it has")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_that_storage_list_shows() {
        let strategies: Vec<&str> = STORES.iter().map(|factory| factory.strategy.word()).collect();
        assert_eq!(strategies, ohfp_render::documents::store_names().collect::<Vec<_>>());
    }
}
