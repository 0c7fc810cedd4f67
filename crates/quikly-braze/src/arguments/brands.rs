//! The arguments of `brands push` and `token`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The commands for brand files on AWS.
#[derive(Debug, Subcommand)]
pub(crate) enum BrandsCommand {
    /// Validate brand files and store them, and the codes that they name, where the functions read them
    Push(Push),
}

/// Store brand files where the functions read them. Region, credentials and endpoints come from the same sources as for AWS's tools.
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// Directory with one TOML file per brand
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: PathBuf,
    /// The environment's name, which is the prefix of all its tables
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: String,
    /// Accept brand files that name loopback or private addresses
    #[arg(long)]
    pub(crate) allow_private: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
