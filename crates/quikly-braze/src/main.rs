#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod arguments;
mod audit;
mod brand_directory;
mod brand_terms;
mod brands;
mod calls;
mod check;
mod code_files;
mod connection_slots;
mod connections;
mod consents;
mod console;
mod dead;
mod demo;
mod descriptors;
mod disk;
#[cfg(test)]
mod documents_tests;
mod export;
mod find;
mod forget;
mod forwarded;
mod id_key;
mod import;
mod listen;
mod manual;
mod metrics_page;
mod operator;
mod pause;
mod person;
mod refused;
mod reload;
mod report;
mod retry_now;
mod row_output;
mod serve;
mod server;
mod show;
mod sim;
mod status;
mod storage;
mod telemetry;
mod token;
mod watch;
mod widget;
mod winners;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use mimalloc::MiMalloc;
use supervision::GaveUp;

use arguments::{Arguments, CliCommand};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The exit code for invalid arguments, the same as clap's.
const WRONG_ARGUMENTS: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(said) => {
            let code = if said.use_stderr() { ExitCode::from(WRONG_ARGUMENTS) } else { ExitCode::SUCCESS };
            return ended(console::say_of_arguments(&said), code);
        }
    };
    let _log = telemetry::start();
    let command = arguments.command.unwrap_or_default();
    // The output of these two commands is not a result. They keep serving when it cannot be written.
    let has_result = !matches!(command, CliCommand::Serve(_) | CliCommand::Sim(_));
    let done = perform(command);
    ended(if has_result { done.and_then(|()| console::finish()) } else { done }, ExitCode::SUCCESS)
}

fn perform(command: CliCommand) -> anyhow::Result<()> {
    match command {
        CliCommand::Serve(serve) => run(serve::run(serve)),
        CliCommand::Sim(sim) => run(sim::run(sim)),
        CliCommand::Check(check) => run(check::run(check)),
        CliCommand::Status(status) => run(status::run(status)),
        CliCommand::Find(find) => run(find::run(find)),
        CliCommand::Winners(winners) => run(winners::run(winners)),
        CliCommand::Report(report) => run(report::run(report)),
        CliCommand::Calls(calls) => run(calls::run(calls)),
        CliCommand::Intake(intake) => run(refused::run(intake)),
        CliCommand::Show(show) => run(show::run(show)),
        CliCommand::Dead(dead) => run(dead::run(dead)),
        CliCommand::Pause(pause) => run(pause::pause(pause)),
        CliCommand::Resume(resume) => run(pause::resume(resume)),
        CliCommand::RetryNow(retry) => run(retry_now::run(retry)),
        CliCommand::Forget(forget) => run(forget::run(forget)),
        CliCommand::Import(import) => run(import::run(import)),
        CliCommand::Export(export) => run(export::run(export)),
        CliCommand::Person(person) => run(person::run(person)),
        CliCommand::Consents(consents) => run(consents::run(consents)),
        CliCommand::Audit(audit) => run(audit::run(audit)),
        CliCommand::Brands(arguments::BrandsCommand::Push(push)) => run(brands::push(push)),
        CliCommand::Completions(arguments) => {
            manual::completions(&arguments);
            Ok(())
        }
        CliCommand::Man => manual::page(),
        CliCommand::Token(arguments) => {
            token::run(&arguments);
            Ok(())
        }
    }
}

/// Reports a failure, if there was one, and returns the exit code.
fn ended(done: anyhow::Result<()>, code: ExitCode) -> ExitCode {
    match done {
        Ok(()) => code,
        Err(error) => {
            console::complain(&error);
            let code = if error.is::<GaveUp>() {
                SOFTWARE
            } else if error.is::<forget::NobodyFound>() {
                forget::NobodyFound::EXIT_CODE
            } else {
                1
            };
            ExitCode::from(code)
        }
    }
}

/// The exit code of a process whose tasks fail again and again: `EX_SOFTWARE`.
const SOFTWARE: u8 = 70;

/// How long remaining tasks get to end after the program has given up.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(1);

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(GIVEN_UP_WITHIN);
    done
}
