//! What several files of tests share.

pub(crate) mod generations;
pub(crate) mod marks;
pub(crate) mod verdict;
