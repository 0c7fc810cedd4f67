//! The arguments of the command line.

mod brands;
mod calls;
mod import;
mod pause;
mod person;
mod reports;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use intake::Rates;

use crate::forwarded::ForwardedBy;

pub(crate) use brands::{BrandsCommand, Push, TokenArguments};
pub(crate) use calls::Calls;
pub(crate) use import::{ExportArguments, ExportCommand, ImportArguments, RowFormat, RowFormatArgument};
pub(crate) use pause::PauseArguments;
pub(crate) use person::{Audit, Consents, PersonCommand, PersonExport, PersonForget, PersonPreview, Whom};
pub(crate) use reports::{Completions, Find, LanguageArgument, ReportArguments, Status, Winners};

/// The connector between Quikly and Braze.
///
/// Without a command it serves a demo: a simulated Braze workspace and a demo brand. It prints example requests to try.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<CliCommand>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// Take participations and process them in Braze
    Serve(Serve),
    /// Run a simulated Braze workspace on its own
    #[command(after_help = braze_sim::HELP)]
    Sim(Sim),
    /// Validate brand files, and print every error with its file, line and field
    Check(Check),
    /// Show how each brand stands, the worst first, and when a backlog is done; also states, limits in use, what is parked
    Status(Status),
    /// Find a consumer's participations, or those with an id, a code, a number or a place, with the answer for each
    Find(Find),
    /// List who won, with what they won
    Winners(Winners),
    /// Report on an activation: who took part, where they left, how fast it was, what was given out
    Report(ReportArguments),
    /// Show one participation: why it has a reward or not, what happened to it, and what is still under way
    Show(Show),
    /// Show the calls to Braze: when, where, how many objects, what came of each
    Calls(Calls),
    /// List or retry parked work, which was tried for long enough without success
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Let nobody new take part in an activation until it is resumed; who takes part already is processed as usual
    Pause(PauseArguments),
    /// Let people take part again in an activation that was paused
    Resume(PauseArguments),
    /// Retry a brand at once whose participations wait because Braze did not answer
    RetryNow(RetryNow),
    /// Erase a person: everything that shows whose a participation was
    Forget(Forget),
    /// Store the rows of a file as participations, behind consumers who are there now
    Import(ImportArguments),
    /// Write participations or winners to standard output
    #[command(subcommand)]
    Export(ExportCommand),
    /// Export, preview or erase a person's data
    #[command(subcommand)]
    Person(PersonCommand),
    /// Write the register of consents to standard output
    Consents(Consents),
    /// Show what operators did: exports, erasures, imports, retries
    Audit(Audit),
    /// Manage brand files on AWS
    #[command(subcommand)]
    Brands(BrandsCommand),
    /// Print a script that completes commands and options in a shell
    Completions(Completions),
    /// Print the manual page
    Man,
    /// Generate a token for a brand's webhooks, and print it with its hash
    Token(TokenArguments),
}

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Directory with one TOML file per brand
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: PathBuf,
    /// Also ask Braze whether each brand's key has the four permissions; this changes nothing in Braze
    #[arg(long)]
    pub(crate) live: bool,
    /// Do not read secrets; they need not exist
    #[arg(long, conflicts_with = "live")]
    pub(crate) offline: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The storage of the participations.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct StorageArguments {
    /// The data file of `serve`, which may be running
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// The environment on AWS; region, credentials and endpoints come from the same sources as for AWS's tools
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
}

/// The person who acts, for the audit log.
#[derive(Debug, Args)]
pub(crate) struct Operator {
    /// Who acts, for the audit log; by default the user of the operating system
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// The arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The participation's id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Directory with the brand files, whose quantities and times the answer then names; on AWS the environment has them
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: Option<PathBuf>,
    /// Print JSON, with the answer in every language
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) language: LanguageArgument,
    /// Show contacts and codes in full
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// The commands for parked work.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List parked work, with why it was given up and what to do
    List(Listing),
    /// Retry parked work; what was done already is not done a second time
    Retry(Retry),
}

/// The arguments of `dead list`.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    #[command(flatten)]
    pub(crate) filter: Filter,
    #[command(flatten)]
    pub(crate) language: LanguageArgument,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `dead retry`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["ids", "all", "kind", "brand"])))]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// The ids to retry, as `dead list` shows them
    #[arg(value_name = "ID", conflicts_with = "all")]
    pub(crate) ids: Vec<String>,
    /// Retry everything
    #[arg(long, conflicts_with_all = ["kind", "brand"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) filter: Filter,
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Restricts the parked work.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only work of this kind
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(ports::operations::kinds()))]
    pub(crate) kind: Option<String>,
    /// Only work of this brand
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: Option<String>,
}

/// The arguments of `retry-now`.
#[derive(Debug, Args)]
pub(crate) struct RetryNow {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// The brand's id
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: String,
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments of `forget`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("person").required(true).args(["email", "phone", "id"])))]
pub(crate) struct Forget {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Erase the person with this address. Without a value, or with `-`, it is read from standard input, which no list of processes shows
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = Forget::FROM_INPUT)]
    pub(crate) email: Option<String>,
    /// Erase the person with this number, with its country code; it is read from standard input in the same way
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = Forget::FROM_INPUT)]
    pub(crate) phone: Option<String>,
    /// Erase one participation by its id, even one that cannot be read
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) operator: Operator,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Forget {
    /// The value that stands for a line of standard input.
    pub(crate) const FROM_INPUT: &str = "-";
}

impl Default for CliCommand {
    fn default() -> Self {
        Self::Serve(Serve {
            demo: true,
            brands: None,
            data: None,
            listen: Serve::LISTEN,
            strict: false,
            watch: false,
            allow_private: false,
            until_input_ends: false,
            metrics: None,
            clients: ClientArguments::default(),
        })
    }
}

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Also start a simulated Braze workspace and a demo brand
    #[arg(long, conflicts_with = "brands")]
    pub(crate) demo: bool,
    /// Directory with one TOML file per brand
    #[arg(long, value_name = "DIR", required_unless_present = "demo")]
    pub(crate) brands: Option<PathBuf>,
    /// The data file; it is created if it does not exist
    #[arg(long, value_name = "FILE", required_unless_present = "demo")]
    pub(crate) data: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, value_name = "ADDR", default_value_t = Serve::LISTEN)]
    pub(crate) listen: SocketAddr,
    /// Refuse to start if any brand file cannot be used; otherwise only its own brand is out of use
    #[arg(long)]
    pub(crate) strict: bool,
    /// Read brand files and codes again when they change; SIGHUP always does so
    #[arg(long)]
    pub(crate) watch: bool,
    /// Accept brand files that name loopback or private addresses; implied while it listens on loopback without a proxy
    #[arg(long)]
    pub(crate) allow_private: bool,
    /// Stop when standard input ends, as on SIGTERM: it ends with the process that started this one
    #[arg(long, conflicts_with = "demo")]
    pub(crate) until_input_ends: bool,
    /// Show metrics for Prometheus at http://ADDR/metrics. Anyone who can reach the address can read them, so it must not be public
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) clients: ClientArguments,
}

/// The limits for clients.
#[derive(Debug, Args)]
pub(crate) struct ClientArguments {
    /// Posts per second from a client's address, with bursts of ten times as many; 0 for no limit. Webhooks with a known token have none
    #[arg(long, value_name = "N", default_value_t = ClientArguments::REQUESTS)]
    pub(crate) requests_per_client: u32,
    /// Reads per second from one client's address, with bursts of ten times as many; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = ClientArguments::READS)]
    pub(crate) reads_per_client: u32,
    /// Signed requests per second for one brand, with bursts of ten times as many; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = ClientArguments::SIGNED)]
    pub(crate) signed_per_brand: u32,
    /// Open connections from one client's address; 0 for no limit. Behind a proxy there is no limit
    #[arg(long, value_name = "N", default_value_t = ClientArguments::CONNECTIONS)]
    pub(crate) connections_per_client: u32,
    /// A proxy stands in front and adds the client's address to this header
    #[arg(long, value_name = "HEADER", num_args = 0..=1, require_equals = true, default_missing_value = "x-forwarded-for")]
    pub(crate) behind_proxy: Option<ForwardedBy>,
}

impl ClientArguments {
    const REQUESTS: u32 = 20;
    const READS: u32 = 100;
    const SIGNED: u32 = 2_000;
    const CONNECTIONS: u32 = 64;

    /// The request rates that clients are allowed.
    pub(crate) fn rates(&self) -> Rates {
        Rates {
            posts: NonZeroU32::new(self.requests_per_client),
            reads: NonZeroU32::new(self.reads_per_client),
            signed: NonZeroU32::new(self.signed_per_brand),
        }
    }
}

impl Default for ClientArguments {
    fn default() -> Self {
        Self {
            requests_per_client: Self::REQUESTS,
            reads_per_client: Self::READS,
            signed_per_brand: Self::SIGNED,
            connections_per_client: Self::CONNECTIONS,
            behind_proxy: None,
        }
    }
}

impl Serve {
    /// Whether brand files may name addresses that only this machine or its network has.
    pub(crate) fn takes_private(&self) -> bool {
        self.allow_private || (self.listen.ip().is_loopback() && self.clients.behind_proxy.is_none())
    }

    const LISTEN: SocketAddr =
        SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 8787));
}

/// The arguments of `sim`.
#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The address to listen on
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// How long a write takes to appear
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = domain::brand_file::duration)]
    pub(crate) settle: Duration,
    /// JSON file with profiles to start with
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// API key to accept; may be given several times
    #[arg(long = "api-key", value_name = "KEY", default_value = "sim-key")]
    pub(crate) api_keys: Vec<String>,
}
