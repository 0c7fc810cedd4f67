//! What a function costs before it does any work: its size, the time from its start to its first request for work, and its memory then,
//! compared with the smallest possible function. This benchmark plays the runtime API. AWS accepts connections and never answers.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::process::EndsWithHandle;
use benches::spread::Spread;

const ROUNDS: usize = 40;

const HELLO: &str = "hello-world";

/// The most bytes that a function may have.
const LARGEST: u64 = 9_100_000;

/// What is measured: the least that a function can be, and the template's.
fn functions() -> Vec<String> {
    let ours = testkit::template::functions().into_iter().map(|function| function.package);
    [HELLO.to_owned()].into_iter().chain(ours).collect()
}

/// The measurements of one function.
#[derive(Default)]
struct FunctionRow {
    bytes: u64,
    milliseconds: Spread,
    mebibytes: Spread,
}

fn main() -> anyhow::Result<()> {
    let binaries = std::env::current_exe()?.parent().context("binaries have a directory")?.to_owned();
    let runtime = TcpListener::bind("127.0.0.1:0")?;
    // The kernel accepts connections here, and nothing answers on them.
    let aws = TcpListener::bind("127.0.0.1:0")?;
    let functions = functions();
    let mut rows: Vec<FunctionRow> = functions.iter().map(|_| FunctionRow::default()).collect();
    for round in 0..=ROUNDS {
        for (function, row) in functions.iter().zip(&mut rows) {
            let binary = binaries.join(function);
            row.bytes = fs::metadata(&binary).with_context(|| format!("{function} is not built"))?.len();
            let (time, resident) = start(&binary, &runtime, &aws)?;
            // The first round loads the files into memory.
            if round > 0 {
                row.milliseconds.add(time.as_secs_f64() * 1_000.0);
                row.mebibytes.add(resident);
            }
        }
    }
    print(&functions, &rows);
    for (function, row) in functions.iter().zip(&rows) {
        ensure!(row.bytes <= LARGEST, "{function} has {} bytes; the goal is {LARGEST}", row.bytes);
    }
    Ok(())
}

fn print(functions: &[String], rows: &[FunctionRow]) {
    println!("{ROUNDS} starts each, in turns; min / median / max\n");
    println!("| function | size, MB | ms to the first request for work | x hello world | memory then, MiB |");
    println!("| --- | --- | --- | --- | --- |");
    let hello = rows.first().map_or(1.0, |row| row.milliseconds.median());
    for (function, row) in functions.iter().zip(rows) {
        #[expect(clippy::cast_precision_loss, reason = "a size")]
        let megabytes = row.bytes as f64 / 1e6;
        let times = row.milliseconds.median() / hello;
        println!(
            "| {function} | {megabytes:.1} | {:.2} | {times:.1} | {:.1} |",
            row.milliseconds, row.mebibytes
        );
    }
}

/// Starts a function. Returns how long it took until it asked for work, and its memory then, in MiB.
fn start(binary: &Path, runtime: &TcpListener, aws: &TcpListener) -> anyhow::Result<(Duration, f64)> {
    let mut command = Command::new(binary);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(lambdas_own(runtime)?).envs(the_templates(aws)?);
    let began = Instant::now();
    let child = EndsWithHandle(command.spawn()?);
    let (connection, _) = runtime.accept()?;
    let asked = first_line(&connection)?;
    let time = began.elapsed();
    ensure!(asked.starts_with("GET /2018-06-01/runtime/invocation/next"), "it asked for {asked}");
    Ok((time, resident(child.0.id())?))
}

fn first_line(connection: &TcpStream) -> anyhow::Result<String> {
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line)?;
    Ok(line)
}

fn resident(process: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(PathBuf::from(format!("/proc/{process}/status")))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes / 1_024.0)
}

fn lambdas_own(runtime: &TcpListener) -> anyhow::Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("AWS_LAMBDA_RUNTIME_API", runtime.local_addr()?.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", "measured".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "measured".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "measured".to_owned()),
    ])
}

fn the_templates(aws: &TcpListener) -> anyhow::Result<Vec<(String, String)>> {
    let endpoint = format!("http://{}", aws.local_addr()?);
    let mut variables = vec![
        ("AWS_ENDPOINT_URL".to_owned(), endpoint.clone()),
        ("QUIKLY_ENVIRONMENT".to_owned(), "dev".to_owned()),
        ("QUIKLY_ID_KEY_PARAMETER".to_owned(), "/quikly-braze/dev/intake/id-key".to_owned()),
        ("QUIKLY_SCHEDULE_GROUP".to_owned(), "dev-settling".to_owned()),
        ("QUIKLY_SCHEDULE_ROLE_ARN".to_owned(), "arn:aws:iam::000000000000:role/dev-schedules".to_owned()),
    ];
    for queue in ["EMAIL_ENROLLMENTS", "SMS_SUBSCRIPTIONS", "AWARDS"] {
        variables.push((format!("QUIKLY_QUEUE_{queue}_URL"), format!("{endpoint}/000000000000/{queue}")));
        variables.push((
            format!("QUIKLY_QUEUE_{queue}_ARN"),
            format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
        ));
    }
    Ok(variables)
}
