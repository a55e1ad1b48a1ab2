//! How answers about machines and requests look: which entries (`filter`, `page`), which fields in which form
//! (`rows`, `look`), what is shown during a wait (`progress`), confirmation prompts (`confirm`), and how old recorded
//! states are (`recorded`). Nothing here knows a store or a provider, and nothing writes to standard output.

pub(crate) mod confirm;
pub(crate) mod filter;
pub(crate) mod look;
pub(crate) mod nagios;
pub(crate) mod page;
pub(crate) mod progress;
pub(crate) mod recorded;
pub(crate) mod rows;
#[cfg(test)]
mod tests;
