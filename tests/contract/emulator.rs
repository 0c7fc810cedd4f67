//! AWS on this machine: an emulator that is started when the first test needs it, and ends with the tests.
//!
//! With `AWS_ENDPOINT_URL_DYNAMODB` set, that is used instead: another emulator, or AWS itself.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws::dynamo::{Dynamo, KEPT_FOR, Tables};
use aws::scheduler::{Scheduler, Settings};
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use domain::brand::SecretRef;
use domain::message::QueueName;
use memory::{Faults, Memory, TestClock};
use ports::Secrets;
use ports::queues::Outgoing;
use secrecy::ExposeSecret;
use tests::{eventually_async, start};

use crate::Ports;
use crate::queues::look;

/// Runs the emulator as long as its own standard input is open: it is closed however the tests end.
const UNTIL_WE_END: &str = "import subprocess, sys\n\
    emulator = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n\
    sys.stdin.read()\n\
    emulator.kill()\n";

struct Emulator {
    endpoint: String,
    /// Ends the emulator when it goes.
    _process: Option<Child>,
}

/// The one emulator of this run.
async fn endpoint() -> &'static str {
    static EMULATOR: OnceLock<Emulator> = OnceLock::new();
    let emulator = EMULATOR.get_or_init(|| match std::env::var("AWS_ENDPOINT_URL_DYNAMODB") {
        Ok(endpoint) => Emulator { endpoint, _process: None },
        Err(_) => started(),
    });
    let address = emulator.endpoint.trim_start_matches("http://").to_owned();
    eventually_async("the emulator answers", Duration::from_secs(60), async || {
        tokio::net::TcpStream::connect(&address).await.ok()
    })
    .await;
    &emulator.endpoint
}

fn started() -> Emulator {
    let programs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/aws-local/venv/bin");
    let emulator = programs.join("ministack");
    assert!(emulator.exists(), "the emulator is not there: cargo xtask test puts it there");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let process = Command::new(programs.join("python"))
        .args(["-c", UNTIL_WE_END])
        .arg(&emulator)
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("AWS_ENDPOINT_URL", &endpoint)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    Emulator { endpoint, _process: Some(process) }
}

/// A name that no other test has.
fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Queues and schedules of its own for each test, in real time; what is delivered is invisible for two seconds. What is kept is in
/// memory.
pub(crate) async fn on_queues() -> Ports {
    let prefix = prefix();
    let config = aws::emulator(endpoint().await).await;
    let queues = Sqs::make(&config, &prefix, Duration::from_secs(2)).await.unwrap();
    let mut queue_arns = HashMap::new();
    for queue in QueueName::ALL {
        queue_arns.insert(queue, queues.arn(queue).await.unwrap());
    }
    let role_arn = "arn:aws:iam::000000000000:role/scheduler".to_owned();
    let settings = Settings { group: prefix, role_arn, queue_arns, dead_letters_arn: None };
    let scheduler = Scheduler::new(&config, settings);
    scheduler.make_group().await.unwrap();
    let in_memory = crate::in_memory().await;
    Ports { queues: Arc::new(queues), schedule: Arc::new(scheduler), in_real_time: true, ..in_memory }
}

/// Tables of its own for each test. What is not on DynamoDB is in memory.
pub(crate) async fn on_dynamo() -> Ports {
    let prefix = prefix();
    let config = aws::emulator(endpoint().await).await;
    let dynamo = Arc::new(Dynamo::new(&config, Tables::of(&prefix), KEPT_FOR));
    dynamo.make_tables().await.unwrap();
    let clock = Arc::new(TestClock::at(start()));
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    Ports {
        store: dynamo.clone(),
        ledger: dynamo.clone(),
        notices: dynamo.clone(),
        queues: memory.clone(),
        schedule: memory,
        limits: dynamo,
        clock,
        in_real_time: false,
        _directory: None,
    }
}

#[tokio::test]
async fn a_secret_is_read_once_in_five_minutes() {
    let config = aws::emulator(endpoint().await).await;
    let clock = Arc::new(TestClock::at(start()));
    let parameters = Parameters::new(&config, clock.clone());
    let (name, read) = (format!("/{}/key", prefix()), async |name: &str| {
        let secret = parameters.get(&SecretRef::Ssm(name.to_owned())).await;
        secret.map(|secret| secret.expose_secret().to_owned())
    });
    assert!(read(&name).await.is_err(), "it is not there");
    parameters.put(&name, "old").await.unwrap();
    assert_eq!(read(&name).await.unwrap(), "old");
    parameters.put(&name, "new").await.unwrap();
    assert_eq!(read(&name).await.unwrap(), "old");
    clock.advance(Duration::from_secs(301));
    assert_eq!(read(&name).await.unwrap(), "new");
    let refused = parameters.get(&SecretRef::Env("KEY".to_owned())).await.unwrap_err();
    assert!(!ports::error::in_full(&refused).contains("new"), "an error never tells a secret");
}

#[tokio::test]
async fn awards_come_in_the_order_in_which_they_were_sent_and_only_once_the_earlier_ones_are_done() {
    let ports = on_queues().await;
    let outgoing = |number| Outgoing { look: look("acme", number), delay: Duration::from_secs(900) };
    for batch in 0..3 {
        let messages = (batch * 10..batch * 10 + 10).map(outgoing).collect();
        ports.queues.send(QueueName::Awards, messages).await.unwrap();
    }
    ports.queues.send(QueueName::Awards, vec![outgoing(0)]).await.unwrap();
    let mut received = Vec::new();
    while received.len() < 30 {
        let some = ports.queues.receive(QueueName::Awards, Duration::from_secs(5)).await.unwrap();
        let meanwhile = ports.queues.receive(QueueName::Awards, Duration::ZERO).await.unwrap();
        assert!(meanwhile.is_empty(), "the brand's earlier ones are under way");
        let receipts: Vec<_> = some.iter().map(|delivery| delivery.receipt.clone()).collect();
        ports.queues.acknowledge(QueueName::Awards, &receipts).await.unwrap();
        received.extend(some.into_iter().map(|delivery| delivery.look));
    }
    assert_eq!(
        received,
        (0..30).map(|number| look("acme", number)).collect::<Vec<_>>(),
        "a repeat is dropped"
    );
}
