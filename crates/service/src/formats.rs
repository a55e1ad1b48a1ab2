//! The versions of the file formats that this build writes, and the types of providers that it knows.

use crate::registry::compiled_in;

/// Version of the snapshot's format.
pub const SNAPSHOT: u32 = ohfp_snapshot_format::FORMAT_VERSION;

/// Version of the state store's schema.
pub const STORE_SCHEMA: u32 = ohfp_store_sqlite::SCHEMA_VERSION;

/// Types of providers that are compiled in.
pub fn providers() -> Vec<&'static str> {
    compiled_in()
}
