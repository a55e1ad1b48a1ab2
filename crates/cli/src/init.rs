//! `init`: what it writes, and the answers that options give to its questions.
// Doc comments are help texts here: clap prints them as they stand, so no Markdown.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "a doc comment here would replace the command's description")]
pub struct Init {
    /// Write the five Host Factory scripts into DIR
    #[arg(long, value_name = "DIR")]
    pub scripts_dir: Option<PathBuf>,

    /// Make the scripts links to this program instead of shell scripts
    ///
    /// Saves starting a shell on every call. The name of the link selects the operation.
    #[arg(long, requires = "scripts_dir", verbatim_doc_comment)]
    pub direct: bool,

    /// Write a configuration to start from into DIR
    #[arg(long, value_name = "DIR")]
    pub config_dir: Option<PathBuf>,

    /// Replace files that exist and differ
    #[arg(long)]
    pub force: bool,

    /// Ask nothing: what no option says has its default
    #[arg(long)]
    pub non_interactive: bool,

    /// Provider of machines [default: sim]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub provider: Option<InitProvider>,

    /// AWS: region
    #[arg(long, alias = "aws-region", value_name = "REGION")]
    pub region: Option<String>,

    /// AWS: profile of the credentials
    #[arg(long, alias = "aws-profile", value_name = "NAME")]
    pub profile: Option<String>,

    /// AWS: subnets, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub subnet_ids: Vec<String>,

    /// AWS: security groups, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    pub security_group_ids: Vec<String>,

    /// AWS: role that spot fleets act in
    #[arg(long, value_name = "ARN")]
    pub fleet_role: Option<String>,
}

/// A kind of provider that init can configure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum InitProvider {
    /// Simulated machines, without a cloud
    Sim,
    /// Amazon EC2
    Aws,
}
