//! The command groups `system` and `sim`: components, and the simulated cloud.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use clap::Subcommand;

use crate::arguments::ListOptions;
use crate::style::examples;

/// `system …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum SystemCommand {
    /// Check what a request needs: store, log and providers
    ///
    /// A line for each. Exits with 1 when one of them cannot be used. The command doctor diagnoses the
    /// whole installation.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("At a glance", "ohfp system health --format table")]))]
    Health,

    /// Compare the cost of loading components with the limits
    ///
    /// Loads what a typical operation needs, and shows time, memory and failures beside the limit of
    /// each.
    #[command(verbatim_doc_comment, after_long_help = examples(&[("At a glance", "ohfp system status --format table")]))]
    Status,

    /// Show the components, which of them were loaded, and their cost
    ///
    /// A component is loaded on first use. Loads what a typical operation needs, and shows loads, time
    /// and memory of each component.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("The parts", "ohfp system metrics --format table"),
        ("With everything loaded at the start",
         "LAZY_LOADING_ENABLED=false ohfp system metrics --format table"),
    ]))]
    Metrics,
}

/// `sim …`
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum SimCommand {
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

    /// Reclaim a machine of the simulated cloud
    ///
    /// As a real cloud reclaims a spot machine: it is announced, and the machine terminates when the
    /// grace period is over. getReturnRequests reports it.
    #[command(verbatim_doc_comment, after_long_help = examples(&[
        ("At once", "ohfp sim reclaim ip-10-0-1-7.sim.internal --grace 0"),
        ("With the two minutes of a spot machine", "ohfp sim reclaim ip-10-0-1-7.sim.internal"),
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
