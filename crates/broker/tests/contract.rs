//! The store in memory keeps the promises of every store.

use ohfp_broker::contract::MemorySite;

ohfp_broker::store_contract!(MemorySite::default());
