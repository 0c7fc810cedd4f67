//! The arguments of `pause` and `resume`.

use std::path::PathBuf;

use clap::Args;

use super::{Operator, StorageArguments};

/// The arguments of `pause` and of `resume`.
#[derive(Debug, Args)]
pub(crate) struct PauseArguments {
    /// The activation
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: String,
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Directory with the brand files, against which the scope is checked; on AWS the environment has them
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
