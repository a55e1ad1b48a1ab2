//! The broker's operations on a scripted provider and the store in memory: what is asked, in which order, and what
//! becomes of the answers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must say so")]

mod forgotten;
mod open_requests;
mod partial_answers;
mod providers;
mod scripted;
