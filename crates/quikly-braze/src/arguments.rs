//! The command line's form.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use intake::Rates;

use crate::forwarded::ForwardedBy;

/// The connector between Quikly and Braze.
///
/// Without a command it serves a demo: a simulated Braze workspace and a demo brand, with lines to try.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<CliCommand>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// Take participations and carry them into Braze
    Serve(Serve),
    /// Run a simulated Braze workspace on its own
    #[command(after_help = braze_sim::HELP)]
    Sim(Sim),
    /// Validate brand files; prints every error with file, line and field
    Check(Check),
    /// Show how things stand: participations by state, what is due, limits in use, what is parked
    Status(Status),
    /// Work that was parked after it had been tried for long enough
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Try a brand again at once whose participations wait because Braze did not answer
    RetryNow(RetryNow),
    /// Erase a person: everything that says whose a participation was
    Forget(Forget),
    /// Brand files on AWS
    #[command(subcommand)]
    Brands(BrandsCommand),
    /// Make a token for a brand's webhooks, and print it with its hash
    Token,
}

/// Validate brand files.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Directory with one TOML file per brand
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: PathBuf,
    /// Ask Braze, too, whether each brand's key has the four permissions; changes nothing there
    #[arg(long)]
    pub(crate) live: bool,
    /// Do not look at secrets: they need not be there
    #[arg(long, conflicts_with = "live")]
    pub(crate) offline: bool,
    /// Say it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the participations are kept.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct StorageArguments {
    /// The data file of `serve`, which may be running
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// The environment on AWS; region, credentials and endpoints come from where AWS's tools have them
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
}

/// Show how things stand.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Say it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parked work.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// Show what is parked
    List(Listing),
    /// Have it tried again; what was done already is not done a second time
    Retry(Retry),
}

/// Show what is parked.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Say it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Have parked work tried again.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(true).args(["ids", "all", "kind", "brand"])))]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// These, by the ids that `dead list` shows
    #[arg(value_name = "ID", conflicts_with = "all")]
    pub(crate) ids: Vec<String>,
    /// Everything
    #[arg(long, conflicts_with_all = ["kind", "brand"])]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Say it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to leave out.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only this kind
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(ports::operations::kinds()))]
    pub(crate) kind: Option<String>,
    /// Only this brand's
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: Option<String>,
}

/// Try a brand again at once.
#[derive(Debug, Args)]
pub(crate) struct RetryNow {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Whose participations
    #[arg(long, value_name = "BRAND")]
    pub(crate) brand: String,
    /// Say it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Erase a person.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("person").required(true).args(["email", "phone", "id"])))]
pub(crate) struct Forget {
    #[command(flatten)]
    pub(crate) storage: StorageArguments,
    /// Whoever has this address. Without a value, or with `-`, the address is read from standard input, where no list of processes shows it
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = Forget::FROM_INPUT)]
    pub(crate) email: Option<String>,
    /// Whoever has this number, with its country code; read from standard input in the same way
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = Forget::FROM_INPUT)]
    pub(crate) phone: Option<String>,
    /// One participation, by its id, also when it cannot be read
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Say it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Forget {
    /// The value that stands for what comes on standard input.
    pub(crate) const FROM_INPUT: &str = "-";
}

/// Brand files on AWS.
#[derive(Debug, Subcommand)]
pub(crate) enum BrandsCommand {
    /// Validate brand files and put them, and the codes that they name, where the functions find them
    Push(Push),
}

/// Put brand files where the functions find them. Region, credentials and endpoints come from the environment, as AWS's tools have it.
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// Directory with one TOML file per brand
    #[arg(long, value_name = "DIR")]
    pub(crate) brands: PathBuf,
    /// The environment's name, which all its tables begin with
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: String,
    /// Take brand files that have the functions speak to loopback or to private addresses
    #[arg(long)]
    pub(crate) allow_private: bool,
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
            metrics: None,
            clients: ClientArguments::default(),
        })
    }
}

/// Take participations and carry them into Braze.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Start a simulated Braze workspace and a demo brand beside it
    #[arg(long, conflicts_with = "brands")]
    pub(crate) demo: bool,
    /// Directory with one TOML file per brand
    #[arg(long, value_name = "DIR", required_unless_present = "demo")]
    pub(crate) brands: Option<PathBuf>,
    /// The data file; made when it is not there
    #[arg(long, value_name = "FILE", required_unless_present = "demo")]
    pub(crate) data: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value_t = Serve::LISTEN)]
    pub(crate) listen: SocketAddr,
    /// Refuse to start if any brand file cannot be used; otherwise only its own brand does not work
    #[arg(long)]
    pub(crate) strict: bool,
    /// Read brand files and codes again when they change; SIGHUP does so in any case
    #[arg(long)]
    pub(crate) watch: bool,
    /// Take brand files that have us speak to loopback or to private addresses; implied while it listens on loopback without a proxy
    #[arg(long)]
    pub(crate) allow_private: bool,
    /// Show metrics for Prometheus at http://ADDR/metrics. Anybody who reaches the address can read them: it must not be public
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) clients: ClientArguments,
}

/// Who may ask for how much.
#[derive(Debug, Args)]
pub(crate) struct ClientArguments {
    /// Posts a second that a client's address may make, ten times as many at once; 0 for no limit. Webhooks with a known token are not limited
    #[arg(long, value_name = "N", default_value_t = ClientArguments::REQUESTS)]
    pub(crate) requests_per_client: u32,
    /// Reads a second that a client's address may make, ten times as many at once; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = ClientArguments::READS)]
    pub(crate) reads_per_client: u32,
    /// Signed requests a second of one brand, ten times as many at once; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = ClientArguments::SIGNED)]
    pub(crate) signed_per_brand: u32,
    /// Connections that a client's address may have open; 0 for no limit, and there is none behind a proxy
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

    /// How many requests a second are taken from whom.
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
    /// Whether brand files may have us speak to addresses that only this machine or its network has.
    pub(crate) fn takes_private(&self) -> bool {
        self.allow_private || (self.listen.ip().is_loopback() && self.clients.behind_proxy.is_none())
    }

    const LISTEN: SocketAddr =
        SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 8787));
}

/// Run a simulated Braze workspace on its own.
#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// Where to listen
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// How long a write takes to appear
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = domain::brand_file::duration)]
    pub(crate) settle: Duration,
    /// JSON file with profiles to begin with
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// API key to accept; may be given several times
    #[arg(long = "api-key", value_name = "KEY", default_value = "sim-key")]
    pub(crate) api_keys: Vec<String>,
}
