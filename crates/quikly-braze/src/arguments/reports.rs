//! The arguments of `status`, `find`, `winners`, `report` and `completions`.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use reports::language::Language;

use super::{Operator, StorageArguments};

/// The language of an answer.
#[derive(Debug, Args)]
pub(crate) struct LanguageArgument {
    /// The language: en or fr
    #[arg(
        long = "lang",
        value_name = "LANG",
        default_value = Language::English.code(),
        value_parser = PossibleValuesParser::new(Language::ALL.map(Language::code)).try_map(|code| Language::named(&code).ok_or("no such language"))
    )]
    pub(crate) chosen: Language,
}

/// The arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Only this brand
    #[arg(long, value_name = "BRAND", conflicts_with = "scope")]
    pub(crate) brand: Option<String>,
    /// Only this activation, in a few figures
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    #[command(flatten)]
    pub(crate) language: LanguageArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `find`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["email", "phone", "id", "code", "arrival", "position"])))]
#[command(group(clap::ArgGroup::new("terms").args(["brands", "environment"]).multiple(true)))]
pub(crate) struct Find {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// The consumer with this address. Without a value, or with `-`, it is read from standard input, which no list of processes shows
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = super::Forget::FROM_INPUT, requires = "terms")]
    pub(crate) email: Option<String>,
    /// The consumer with this number, with its country code; it is read from standard input in the same way
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = super::Forget::FROM_INPUT, requires = "terms")]
    pub(crate) phone: Option<String>,
    /// The participation with this id
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Find the participation that got this code; `-` reads it from standard input, too
    #[arg(long, value_name = "CODE", num_args = 0..=1, default_missing_value = super::Forget::FROM_INPUT)]
    pub(crate) code: Option<String>,
    /// The participation with this number in the order of acceptance: 1 is the first
    #[arg(long, value_name = "N", requires = "scope")]
    pub(crate) arrival: Option<NonZeroU64>,
    /// The participation with this place
    #[arg(long, value_name = "N", requires = "scope")]
    pub(crate) position: Option<NonZeroU32>,
    /// Only this activation
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// Only this incentive, with `--arrival` and `--position`
    #[arg(long, value_name = "INCENTIVE")]
    pub(crate) incentive: Option<String>,
    /// On AWS, read all participations if no index has what is looked for. Without it, the command says what that costs
    #[arg(long)]
    pub(crate) scan: bool,
    /// Directory with the brand files, which name the activations; on AWS the environment has them
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) language: LanguageArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The activation
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: String,
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Directory with the brand files, whose quantities and times the report then names; on AWS the environment has them
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) language: LanguageArgument,
    /// Write the report as one HTML page, with plots, that can be passed on and printed; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// The arguments of `winners`.
#[derive(Debug, Args)]
pub(crate) struct Winners {
    /// The activation
    #[arg(value_name = "SCOPE")]
    pub(crate) scope: String,
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Only this incentive
    #[arg(long, value_name = "INCENTIVE")]
    pub(crate) incentive: Option<String>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Print one JSON object on each line
    #[arg(long)]
    pub(crate) json: bool,
    /// Show contacts and codes in full; the audit log records it
    #[arg(long)]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}
