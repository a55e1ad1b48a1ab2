//! What to call for a template: from its launch specification to calls with every member set.
//!
//! It must not know which steps were done before, nor send anything.

mod checks;
mod compose;
mod fleet;
mod group;
mod machine;
mod native;
mod order;
mod parts;
mod spot_fleet;
mod way;

pub(crate) use checks::{MOST_MACHINES, MOST_UNITS, check};
pub(crate) use native::{MODES, Native, Reference};
pub(crate) use order::{Order, Pool, in_pool, pool_of, pools};
pub(crate) use way::Way;

#[cfg(test)]
mod tests;
