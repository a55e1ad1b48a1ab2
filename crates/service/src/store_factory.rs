//! Which kinds of state stores this build has, where the store of a site is, and how it is opened.

mod sqlite;

use ohfp_broker::{Error, ErrorKind, Errors};
use ohfp_render::documents;
use ohfp_render::queries::not_found;
use serde_json::Value;

use crate::invocation::Invocation;
use crate::site_store::{AccessMode, SiteStore, StoreFactory, StoreLocation};
use crate::state_dir;

/// Every kind; a new back end adds its line.
pub const STORES: &[StoreFactory] = &[sqlite::FACTORY];

/// Where the store of a site is.
///
/// # Errors
/// [`ErrorKind::Input`] where the configuration names no usable store.
pub fn locate(site: &Invocation) -> Result<StoreLocation, Errors> {
    (factory(site)?.locate)(site)
}

/// Opens the store of a site, or gets it ready to be opened at the first use where `eager` is not set.
///
/// # Errors
/// [`ErrorKind::Input`] where the configuration names no usable store, else what keeps it from being opened.
pub fn open(site: &Invocation, access: AccessMode, eager: bool) -> Result<SiteStore, Errors> {
    (factory(site)?.open)(site, access, eager)
}

/// The kind of store of that name, or the configured one, with where the store of this site is. A snapshot does not
/// have it, since variables decide the path.
///
/// # Errors
/// As [`locate`], and [`ErrorKind::NotFound`] for an unknown kind.
pub fn describe(site: &Invocation, name: Option<&str>) -> Result<Value, Errors> {
    let mut shown = documents::store(&site.configuration()?.settings, name)
        .ok_or_else(|| not_found("storage strategy", name, documents::store_names()))?;
    let location = locate(site)?;
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("path".to_owned(), location.shown.into());
        fields.insert("exists".to_owned(), location.exists.into());
        fields.insert("directory_from".to_owned(), state_dir::rule(site.env()).to_string().into());
    }
    Ok(shown)
}

fn factory(site: &Invocation) -> Result<&'static StoreFactory, Errors> {
    let strategy = site.configuration()?.settings.storage_strategy()?;
    STORES.iter().find(|factory| factory.strategy == strategy).ok_or_else(|| {
        Error::new(ErrorKind::Input, format!("this build has no state store of kind `{strategy}`"))
            .hint("`ohfp storage list` shows the kinds that it has")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_that_storage_list_shows() {
        let strategies: Vec<&str> = STORES.iter().map(|factory| factory.strategy.name()).collect();
        assert_eq!(strategies, ohfp_render::documents::store_names().collect::<Vec<_>>());
    }
}
