#![doc = include_str!("../README.md")]

mod arm64;
mod book;
mod cycles;
mod deny;
mod emulator;
mod fuzz;
mod mutants;
mod names;
mod peers;
mod python;
mod rules;
mod tidy;
mod tool;
mod web;

use std::env;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};

#[derive(Parser)]
enum Task {
    /// Check the house rules and run all tests
    Test {
        /// Test nothing in a browser
        #[arg(long)]
        no_browser: bool,
    },
    /// Check the rules that neither the compiler nor a linter checks
    Tidy,
    /// Check third-party crates against deny.toml: licences, sources, duplicate versions
    Deny {
        /// Also check for known vulnerabilities; their database is fetched from GitHub
        #[arg(long)]
        advisories: bool,
    },
    /// Test mutants of `domain` with the tests of that crate: --shard K/N, --file FILE
    Mutants {
        /// Arguments for cargo-mutants
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build and test the packages of web/, which needs npm
    Web {
        /// Fail if the committed files are not those that are built
        #[arg(long)]
        check: bool,
    },
    /// Build a book of all documents: target/book/html/index.html
    Book,
    /// Run the whole stack on an emulated AWS, deployed from infra/template.yaml, until Ctrl-C
    AwsLocal,
    /// Run campaigns with every kind of failure, and check the promises: --seeds N [--from S], --seed S, --plan FILE
    Simulate {
        /// The arguments of the simulation
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run the fuzz targets under libFuzzer: one target, or all of them
    Fuzz {
        /// The target
        target: Option<String>,
        /// How long each target runs
        #[arg(long, default_value_t = 90)]
        seconds: u32,
    },
    /// Run a benchmark
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Subcommand)]
enum Bench {
    /// Participations accepted per second, durably
    Accept,
    /// Awards per second of one hot incentive
    Award,
    /// Participations accepted per second, compared with FastAPI and Express
    Http,
    /// Participations processed per second, and the cost of a hundred thousand that wait
    Work,
    /// The cost of a million participations for readers and for new participants
    Crowd,
    /// What it costs those who take part that a thousand connections watch a counter
    Counters,
    /// An import of a million rows beside a server, and one that is killed twice
    Import,
    /// How long people's questions take over a data file of a million participations
    Questions,
    /// How fast bursts are processed, in virtual time, with a plot of one in docs: --most N
    Drain {
        /// The arguments of the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Memory, open files and logs of a process under a steady load; fails if they grow
    Soak {
        /// How long the load lasts
        #[arg(long, default_value_t = 60)]
        minutes: u32,
    },
    /// Size, start-up time and memory of the functions, compared with a hello world
    Start,
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Test { no_browser } => test(no_browser),
        Task::Web { check } => web::build(check),
        Task::Tidy => tidy::check(),
        Task::Deny { advisories } => deny::check(advisories),
        Task::Mutants { arguments } => mutants::test(&arguments),
        Task::Book => book::make(),
        Task::AwsLocal => emulator::run_the_stack(),
        Task::Simulate { arguments } => {
            hand_on(&["run", "--quiet", "--package", "testkit", "--bin", "simulate", "--"], &arguments)
        }
        Task::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Task::Bench(of) => measure(of),
    }
}

/// Runs a benchmark, with the program that it measures built first.
fn measure(of: Bench) -> anyhow::Result<()> {
    match of {
        Bench::Accept => bench("accept"),
        Bench::Award => bench("award"),
        Bench::Http => peers::bench(),
        Bench::Work => bench_the_binary("work"),
        Bench::Crowd => bench_the_binary("crowd"),
        Bench::Counters => bench_the_binary("counters"),
        Bench::Import => bench_the_binary("import"),
        Bench::Questions => bench_the_binary("questions"),
        Bench::Drain { arguments } => {
            hand_on(&["run", "--release", "--package", "benches", "--bin", "drain", "--"], &arguments)
        }
        Bench::Soak { minutes } => {
            cargo(&["build", "--release", "--bin", "quikly-braze"])?;
            let soak = ["run", "--release", "--package", "benches", "--bin", "soak", "--"];
            hand_on(&soak, &[minutes.to_string()])
        }
        Bench::Start => {
            emulator::build_released(&["hello-world"])?;
            bench("start")
        }
    }
}

/// Runs a benchmark of the released binary.
fn bench_the_binary(name: &str) -> anyhow::Result<()> {
    cargo(&["build", "--release", "--bin", "quikly-braze"])?;
    bench(name)
}

fn bench(name: &str) -> anyhow::Result<()> {
    cargo(&["run", "--release", "--package", "benches", "--bin", name])
}

fn hand_on(command: &[&str], arguments: &[String]) -> anyhow::Result<()> {
    let arguments = arguments.iter().map(String::as_str);
    cargo(&command.iter().copied().chain(arguments).collect::<Vec<_>>())
}

/// Runs all tests. The end-to-end tests run the binary, and the functions on an emulator of AWS, so those are built first.
#[expect(clippy::print_stderr, reason = "the person who runs the task has to know which tests did not run")]
fn test(no_browser: bool) -> anyhow::Result<()> {
    tidy::check()?;
    let has_npm = web::has_npm();
    if has_npm {
        web::build(true)?;
    }
    emulator::install()?;
    cargo(&["build", "--bin", "quikly-braze"])?;
    emulator::build_functions()?;
    let for_arm64 = arm64::build()?;
    let in_browser = !no_browser && has_npm && web::has_browser();
    let without = [(in_browser, "NO_BROWSER"), (for_arm64, "NO_ARM64")];
    let without: Vec<(&str, &str)> =
        without.iter().filter(|(is_there, _)| !is_there).map(|(_, variable)| (*variable, "1")).collect();
    cargo_with(&["test", "--workspace"], &without)?;
    if !for_arm64 {
        eprintln!(
            "No function was built for arm64: the compiler has no library for it, and rustup cannot fetch it here."
        );
    }
    if !has_npm {
        eprintln!(
            "The packages of web/ were neither built nor tested: there is no npm, and none may be installed here."
        );
    }
    if !in_browser {
        eprintln!(
            "Nothing was tested in a browser: there is none, and none may be installed here. CHROMIUM can name one."
        );
    }
    Ok(())
}

/// Runs a program to its end.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let status =
        command.status().with_context(|| format!("{} does not start", command.get_program().display()))?;
    ensure!(status.success(), "{} failed", command.get_program().display());
    Ok(())
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    cargo_with(arguments, &[])
}

fn cargo_with(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    let program = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(program).args(arguments).envs(environment.iter().copied()).status();
    let status = status.context("cargo does not start")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// The Markdown documents of a directory.
    fn documents(directory: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(emulator::workspace().join(directory)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
    }

    #[test]
    fn every_task_that_the_documents_name_exists() {
        let mut checked = 0;
        for path in ["", "docs", "crates/xtask", "benches", "fuzz", "tests"].into_iter().flat_map(documents) {
            let text = fs::read_to_string(&path).unwrap();
            for named in text.split("cargo xtask ").skip(1) {
                let named = named.split(['`', '#', '\n', ',']).next().unwrap_or_default();
                let words: Vec<&str> = named.split_whitespace().collect();
                if words.contains(&"…") {
                    continue;
                }
                let parsed = Task::try_parse_from(["xtask"].into_iter().chain(words));
                assert!(parsed.is_ok(), "{}: cargo xtask {named}: {}", path.display(), parsed.err().unwrap());
                checked += 1;
            }
        }
        assert!(checked > 20, "only {checked} tasks were found");
    }
}
