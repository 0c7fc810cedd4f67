//! The command line's form.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// The connector between Quikly and Braze.
///
/// Without a command it serves a demo: a simulated Braze workspace and a demo brand, with lines to try.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take participations and carry them into Braze
    Serve(Serve),
    /// Run a simulated Braze workspace on its own
    #[command(after_help = braze_sim::HELP)]
    Sim(Sim),
    /// Validate brand files; prints every error with file, line and field
    Check {
        /// Directory with one TOML file per brand
        #[arg(long, value_name = "DIR")]
        brands: PathBuf,
    },
    /// Brand files on AWS
    #[command(subcommand)]
    Brands(Brands),
    /// Make a token for a brand's webhooks, and print it with its hash
    Token,
}

/// Brand files on AWS.
#[derive(Debug, Subcommand)]
pub(crate) enum Brands {
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
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(Serve { demo: true, brands: None, data: None, listen: Serve::LISTEN })
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
}

impl Serve {
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
