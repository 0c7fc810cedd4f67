//! The arguments of `calls` and `intake`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{LanguageArgument, StorageArguments};

/// The arguments of `calls`.
#[derive(Debug, Args)]
pub(crate) struct Calls {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Only calls to this brand's workspace
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: Option<String>,
    /// Calls of this last time; they are kept for seven days
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = domain::brand_file::duration)]
    pub(crate) since: Duration,
    /// Only calls that failed, as a whole or for some objects
    #[arg(long)]
    pub(crate) failed: bool,
    /// Go on showing calls as they are made
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) language: LanguageArgument,
    /// Print JSON, one call on each line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `intake`.
#[derive(Debug, Args)]
pub(crate) struct IntakeArguments {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Directory with the brand files, which name the activations; on AWS the environment has them
    #[arg(long, value_name = "DIR", required_unless_present = "environment")]
    pub(crate) brands: Option<PathBuf>,
    /// Only this brand
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: Option<String>,
    /// Refusals of this last time
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = domain::brand_file::duration)]
    pub(crate) since: Duration,
    #[command(flatten)]
    pub(crate) language: LanguageArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
