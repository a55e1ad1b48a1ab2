//! `system …` and `sim …`: ohfp's own parts, and the simulated cloud.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.
#![allow(clippy::doc_markdown)]

use clap::Subcommand;

use crate::arguments::ListOptions;
use crate::style::examples;

/// `system …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum System {
    /// Check at once what a request needs: store, log and providers
    ///
    /// A line for each. Exits with 1 when one of them cannot be used. The command doctor looks at the
    /// installation instead.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("At a glance", "ohfp system health --format table")]))]
    Health,

    /// Compare what loading the parts took with the limits
    ///
    /// Loads what an ordinary question needs, and tells time, memory and failures beside the limit of
    /// each.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("At a glance", "ohfp system status --format table")]))]
    Status,

    /// Show the parts, which of them were loaded, and what that took
    ///
    /// A part is loaded when it is first needed. Loads what an ordinary question needs, and tells for
    /// each part how often, for how long and how much memory it took.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The parts", "ohfp system metrics --format table"),
        ("With everything loaded at the start",
         "LAZY_LOADING_ENABLED=false ohfp system metrics --format table"),
    ]))]
    Metrics,
}

/// `sim …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum Sim {
    /// Count the machines that exist in the simulated cloud
    ///
    /// As the cloud itself counts them, whether ohfp knows of them or not.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("How many?", "ohfp sim live")]))]
    Live,

    /// List the machines of the simulated cloud
    ///
    /// With the state they have in the cloud, whether ohfp knows of it or not.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("As a table", "ohfp sim list --format table")]))]
    List(ListOptions),

    /// Let the simulated cloud take a machine back
    ///
    /// As a real cloud takes back a spot machine: it is announced, and the machine ends when the time
    /// of grace is over. getReturnRequests reports it.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("At once", "ohfp sim reclaim ip-10-0-1-7.sim.internal --grace 0"),
        ("With the two minutes of a spot machine", "ohfp sim reclaim ip-10-0-1-7.sim.internal"),
    ]))]
    Reclaim {
        /// Id or host name of the machine
        machine: String,

        /// Seconds from the announcement to the end
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        grace: u64,
    },

    /// Let a machine of the simulated cloud fail
    ///
    /// It ends at once and unannounced, as on broken hardware.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("One machine", "ohfp sim fail ip-10-0-1-7.sim.internal")]))]
    Fail {
        /// Id or host name of the machine
        machine: String,
    },
}
