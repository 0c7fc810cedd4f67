#![doc = include_str!("../README.md")]

mod arguments;
mod brand_directory;
mod brands;
mod check;
mod code_files;
mod connections;
mod console;
mod dead;
mod demo;
mod descriptors;
mod forget;
mod id_key;
mod listen;
mod place;
mod places;
mod serve;
mod sim;
mod status;
mod tally;
mod telemetry;
mod token;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    telemetry::start();
    let done = match arguments.command.unwrap_or_default() {
        Command::Serve(serve) => run(serve::run(serve)),
        Command::Sim(sim) => run(sim::run(sim)),
        Command::Check(check) => run(check::run(check)),
        Command::Status(status) => run(status::run(status)),
        Command::Dead(dead) => run(dead::run(dead)),
        Command::Forget(forget) => run(forget::run(forget)),
        Command::Brands(arguments::Brands::Push(push)) => run(brands::push(push)),
        Command::Token => {
            token::run();
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// How long what is left of the work may take to notice that it was given up.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(1);

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(GIVEN_UP_WITHIN);
    done
}
