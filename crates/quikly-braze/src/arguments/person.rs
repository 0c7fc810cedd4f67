//! The arguments of `person`, `consents` and `audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Operator, RowFormatArgument, StorageArguments};

/// The commands about one person.
#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Print everything that is stored about a person, as JSON
    Export(PersonExport),
    /// Show what `forget` would erase, what would stay, and until when it is kept otherwise
    Preview(PersonPreview),
    /// Erase a person, and print a receipt
    Forget(PersonForget),
}

/// The person that is meant.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["email", "phone", "external_id", "braze_id"])))]
pub(crate) struct Whom {
    /// The person with this address. Without a value, or with `-`, it is read from standard input, which no list of processes shows
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = super::Forget::FROM_INPUT)]
    pub(crate) email: Option<String>,
    /// The person with this number, with its country code; it is read from standard input in the same way
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = super::Forget::FROM_INPUT)]
    pub(crate) phone: Option<String>,
    /// The person whose Braze profile has this external id
    #[arg(long, value_name = "ID", requires = "brand")]
    pub(crate) external_id: Option<String>,
    /// The person whose Braze profile has this id of Braze's
    #[arg(long, value_name = "ID", requires = "brand")]
    pub(crate) braze_id: Option<String>,
    /// The brand whose workspace has the profile
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: Option<String>,
}

/// The arguments of `person export`.
#[derive(Debug, Args)]
pub(crate) struct PersonExport {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    #[command(flatten)]
    pub(crate) whom: Whom,
    /// Also write a page that the person can read to this new file, which only its owner can read
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

/// The arguments of `person preview`.
#[derive(Debug, Args)]
pub(crate) struct PersonPreview {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    #[command(flatten)]
    pub(crate) whom: Whom,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `person forget`.
#[derive(Debug, Args)]
pub(crate) struct PersonForget {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    #[command(flatten)]
    pub(crate) whom: Whom,
    /// Also write the receipt as JSON to this new file. It contains no contact
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `consents`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("of").required(true).args(["scope", "brand"])))]
pub(crate) struct Consents {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Only this activation
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// Only this brand
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: Option<String>,
    #[command(flatten)]
    pub(crate) form: RowFormatArgument,
    /// Write contacts in full; the audit log records it
    #[arg(long)]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}

/// The arguments of `audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Print JSON, one entry on each line
    #[arg(long)]
    pub(crate) json: bool,
}
