//! What the broker's traits promise, on a real database.

use crate::common::Site;

ohfp_broker::store_contract!(Site::new());
