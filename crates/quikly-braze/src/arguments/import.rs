//! The arguments of `import` and `export`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Operator, StorageArguments};

/// The form of a file with one row for each participation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object on each line
    Ndjson,
}

/// The form of rows on standard output.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct RowFormatArgument {
    /// The form of the output
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "csv")]
    format: RowFormat,
    /// Print one JSON object on each line, the same as `--format ndjson`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl RowFormatArgument {
    /// The form that was asked for.
    pub(crate) fn chosen(self) -> RowFormat {
        if self.json { RowFormat::Ndjson } else { self.format }
    }
}

/// The arguments of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// The activation to import into
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: String,
    /// The file; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Directory with the brand files that `serve` uses; on AWS they are read from the environment
    #[arg(long, value_name = "DIR", required_unless_present = "environment", conflicts_with = "environment")]
    pub(crate) brands: Option<PathBuf>,
    /// The form of the file; by default the end of its name says it, and standard input is CSV
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<RowFormat>,
    /// Store nothing, and report what would be stored and what would be refused
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The rows can win what the activation gives, and Quikly is told
    #[arg(long)]
    pub(crate) with_incentives: bool,
    /// Quikly is told about each credit
    #[arg(long)]
    pub(crate) with_callbacks: bool,
    /// Ignore columns of a CSV file that are not known
    #[arg(long)]
    pub(crate) ignore_other_columns: bool,
    /// Write refused rows with their reasons to this new file, which only its owner can read. It contains contacts
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(crate) rejects: Option<PathBuf>,
    /// How many rows become due in a minute; by default four fifths of what Braze allows
    #[arg(long, value_name = "N")]
    pub(crate) per_minute: Option<NonZeroU32>,
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The commands that write what is stored to standard output.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Write all participations of an activation
    Participations(ExportArguments),
    /// Write those who won, with what they won
    Winners(ExportArguments),
}

/// The arguments of `export participations` and `export winners`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// The activation
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: String,
    #[command(flatten)]
    pub(crate) form: RowFormatArgument,
    /// Write contacts, attributes and codes in full; the audit log records it
    #[arg(long)]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) operator: Operator,
}
