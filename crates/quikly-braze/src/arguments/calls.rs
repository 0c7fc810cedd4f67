//! The arguments of `calls`.

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
