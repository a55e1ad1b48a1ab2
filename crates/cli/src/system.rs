//! The command groups `system` and `sim`: components, and the simulated cloud.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use clap::Subcommand;

use crate::arguments::ListOptions;
use crate::style::examples;

/// `system …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum SystemCommand {
    /// Check whether ohfp is well
    ///
    /// Measures the start of the programs, the loading of components, memory, store, providers, log, disk
    /// and clock, and compares each with the limits below performance.health: healthy, warning or
    /// unhealthy. Changes nothing. Exits with 1 if a check is unhealthy; with --format nagios as a plug-in
    /// of Nagios: 0, 1 for a warning, 2 if a check is unhealthy, 3 if that cannot be told.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("At a glance", "ohfp system health --format table"),
        ("For Nagios, Icinga and others", "ohfp system health --format nagios"),
    ]))]
    Health,

    /// Check the cost of ohfp itself
    ///
    /// As health, but only what ohfp costs: start, first access to the components, memory, failed loads
    /// and the snapshot. Calls no provider.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("At a glance", "ohfp system status --format table")]))]
    Status,

    /// Show the components and their costs
    ///
    /// A component is loaded on first use. Loads what a typical operation needs, and shows loads, time
    /// and memory of each component.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("All components", "ohfp system metrics --format table"),
        ("With all components loaded at start",
         "LAZY_LOADING_ENABLED=false ohfp system metrics --format table"),
    ]))]
    Metrics,
}

/// `sim …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum SimCommand {
    /// Count the machines that exist in the simulated cloud
    ///
    /// Counts them in the cloud itself, including machines that ohfp does not know.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("How many?", "ohfp sim live")]))]
    Live,

    /// List the machines of the simulated cloud
    ///
    /// Shows their state in the cloud, which ohfp may not have recorded yet.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("As a table", "ohfp sim list --format table")]))]
    List(ListOptions),

    /// Reclaim a machine of the simulated cloud
    ///
    /// Works like the reclaim of a spot machine in a real cloud: the machine gets a notice, which
    /// getReturnRequests reports, and terminates when the grace period is over.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("Immediately", "ohfp sim reclaim ip-10-0-1-7.sim.internal --grace 0"),
        ("With the two minutes' notice of a spot machine", "ohfp sim reclaim ip-10-0-1-7.sim.internal"),
    ]))]
    Reclaim {
        /// Id or host name of the machine
        machine: String,

        /// Grace period in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        grace: u64,
    },

    /// Let a machine of the simulated cloud fail
    ///
    /// It terminates immediately without notice, as on broken hardware.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("One machine", "ohfp sim fail ip-10-0-1-7.sim.internal")]))]
    Fail {
        /// Id or host name of the machine
        machine: String,
    },
}
