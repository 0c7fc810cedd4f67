#![doc = include_str!("../README.md")]

mod arguments;
mod brand_directory;
mod brands;
mod check;
mod code_files;
mod console;
mod demo;
mod listen;
mod serve;
mod sim;
mod telemetry;
mod token;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    telemetry::start();
    let done = match arguments.command.unwrap_or_default() {
        Command::Serve(serve) => run(serve::run(serve)),
        Command::Sim(sim) => run(sim::run(sim)),
        Command::Check { brands } => check::run(&brands),
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

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
