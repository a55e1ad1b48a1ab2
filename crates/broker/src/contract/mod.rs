//! The promises of this crate's traits as tests, for every implementation: a new back end adds one line.
//!
//! ```
//! use ohfp_broker::contract::{MemorySite, Site};
//! use ohfp_broker::store::Store;
//!
//! let site = MemorySite::default();
//! assert_eq!(site.store().demand("t").unwrap(), 0);
//! ```
//!
//! In the tests of a store:
//!
//! ```ignore
//! ohfp_broker::store_contract!(MySite::new());
//! ```
//!
//! In the tests of a provider:
//!
//! ```ignore
//! ohfp_broker::provider_contract!(MyCloud::new());
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on must say so"
)]

pub mod activity;
pub mod documents;
pub mod fixtures;
mod memory;
pub mod provider;
pub mod queries;
pub mod store;

pub use memory::{MemorySite, MemoryStore};

use crate::activity::{Activity, Window};
use crate::documents::DocumentStore;
use crate::error::Result;
use crate::id::MachineId;
use crate::provider::Provider;
use crate::store::Store;
use crate::template::Template;
use crate::time::Timestamp;

/// A store made for one test, with what it needs to live.
pub trait Site {
    /// The store.
    fn store(&self) -> &dyn Store;

    /// The same state as another process sees it.
    fn again(&self) -> Box<dyn Store + '_>;

    /// What happened in that store within a window.
    ///
    /// # Errors
    /// As [`Administration::activity`](crate::administration::Administration::activity).
    fn activity(&self, window: &Window) -> Result<Activity>;

    /// The documents of providers in that store.
    fn documents(&self) -> &dyn DocumentStore;
}

/// Makes a test of each promise of [`Store`] and [`DocumentStore`], for stores that the expression makes: a new
/// [`Site`] at each evaluation.
#[macro_export]
macro_rules! store_contract {
    ($site:expr) => {
        $crate::store_contract! { @ $site => store:
            what_was_stored_is_read_back_in_every_field,
            a_change_is_stored_where_the_version_before_was_seen,
            what_the_state_machines_do_not_allow_is_an_error,
            admission_counts_what_exists_and_what_is_on_its_way,
            a_return_takes_each_machine_once_and_marks_those_not_returned_yet,
            an_acknowledgement_conflicts_with_no_change_and_is_never_taken_back,
            what_is_adopted_is_stored_as_a_whole_or_not_at_all,
        }
        $crate::store_contract! { @ $site => queries:
            machines_are_found_by_id_before_name_and_alive_before_gone,
            views_come_in_the_order_asked,
            lists,
            watched_are_machines_the_scheduler_may_not_know_the_end_of,
            needing_attention_is_what_no_scheduler_polls,
            what_is_over_and_open_is_due_at_once,
            a_resource_is_in_use_until_its_last_machine_has_gone,
        }
        $crate::store_contract! { @ $site => activity:
            an_empty_store_has_no_activity,
            what_happened_is_counted_where_it_happened,
            shortfalls_have_reasons,
            machines_are_counted_over_time,
            what_was_over_before_the_window_is_left_out,
        }
        $crate::store_contract! { @ $site => documents:
            a_provider_has_its_own,
            a_failure_takes_everything_back,
            what_is_written_through_is_there,
            a_store_has_an_id,
        }
    };
    (@ $site:expr => $module:ident: $($name:ident,)+) => {
        $(#[test]
        fn $name() {
            $crate::contract::$module::$name(&$site);
        })+
    };
}

/// A cloud made for one test. Its machines are up in time, and it has room for ten.
pub trait Cloud {
    /// A provider of this cloud; each call makes another value on the same one.
    fn provider(&self) -> Box<dyn Provider + '_>;

    /// The same, and the answers to its launches are lost. `None` where that cannot be played.
    fn losing_answers(&self) -> Option<Box<dyn Provider + '_>>;

    /// The same, and it can tell nothing of these machines, and perhaps of others that it asks the cloud about at the
    /// same time. `None` where that cannot be played.
    fn failing_for(&self, _ids: &[MachineId]) -> Option<Box<dyn Provider + '_>> {
        None
    }

    /// A template of which it has machines; each counts as one.
    fn template(&self) -> Template;

    /// An id as this cloud makes them, of no machine.
    fn unknown_id(&self) -> String;

    /// When the test begins.
    fn start(&self) -> Timestamp;

    /// A time at which everything that was launched before is up. It waits for that time where there is a clock.
    fn after_boot(&self) -> Timestamp;

    /// A later time, at which everything that was released after [`after_boot`](Self::after_boot) is terminated.
    fn after_release(&self) -> Timestamp;
}

/// Makes a test of each promise of [`Provider`], for clouds that the expression makes: a new [`Cloud`] at each
/// evaluation.
#[macro_export]
macro_rules! provider_contract {
    ($cloud:expr) => {
        $crate::store_contract! { @ $cloud => provider:
            a_token_makes_machines_once,
            an_unknown_outcome_is_found_by_its_token,
            progress_answers_for_each_launch_in_order,
            a_release_terminates_what_it_names,
            what_does_not_exist_is_missing,
            a_partial_look_tells_of_the_others,
            machines_exist_by_id_and_by_name,
            a_deadline_is_obeyed,
            a_settled_token_gets_no_more_machines,
            tidying_leaves_what_is_alive,
            what_a_launch_says_fits_together,
            what_is_owned_is_listed_with_its_marks,
        }
    };
}
