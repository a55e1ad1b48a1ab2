//! From resolved configuration to a snapshot: lower, stamp, publish; and whether a published one is still fresh.
//!
//! What files mean is `ohfp-resolver`'s, what answers look like `ohfp-render`'s: the live program uses the same
//! two, so there is one resolver and one truth.

pub mod audience;
pub mod freshness;
pub mod inspect;
pub mod lower;
pub mod publish;
pub mod stamp;
pub mod tool;
