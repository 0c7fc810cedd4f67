//! A function opens its connections while it starts, so its first invocation does not wait for them.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use aws::dynamo::{BrandTable, Dynamo, Tables};
use aws::sqs::Sqs;
use aws::ssm::Parameters;
use domain::ids::ParticipationId;
use domain::participation::{Outcome, State};
use ports::clock::SystemClock;
use ports::{Clock, Store};
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use testkit::emulator::{endpoint, prefix};
use testkit::{eventually, participation};

use crate::on_aws::runtime::Runtime;
use crate::on_aws::stack::LOGGED;
use crate::on_aws::tls::{Certificate, Secured};
use crate::process::{Process, binary};
use crate::secrets::KEY;
use crate::workspace::SimProcess;

/// The time that a handshake is made to take, long enough to be measured.
const SLOW: Duration = Duration::from_millis(400);

const CALLED: [&str; 3] = ["DYNAMODB", "SQS", "SSM"];

/// A function, and everything it calls behind TLS, with the settings that it needs.
struct Secluded {
    runtime: Runtime,
    store: Dynamo,
    secured: Vec<Secured>,
    _function: Process,
    _workspace: SimProcess,
    _directory: tempfile::TempDir,
}

impl Secluded {
    async fn start(function: &str) -> Self {
        let (endpoint, environment) = (endpoint().await, prefix());
        let directory = tempfile::tempdir().unwrap();
        let certificate = Certificate::new(directory.path());
        let workspace = SimProcess::start("50ms").await;
        let mut secured = Vec::new();
        for behind in [endpoint, endpoint, endpoint, &workspace.url] {
            secured.push(Secured::before(behind, &certificate, SLOW).await);
        }
        let config = aws::emulator(endpoint).await;
        let store = Dynamo::new(&config, Tables::of(&environment));
        store.make_tables().await.unwrap();
        let parameters = Parameters::new(&config, Arc::new(SystemClock));
        let parameter = |name: &str| format!("/quikly-braze/{environment}/{name}");
        parameters.put(&parameter("intake/id-key"), &"07".repeat(32)).await.unwrap();
        parameters.put(&parameter("braze/acme"), KEY).await.unwrap();
        let key = format!("{{ ssm = \"{}\" }}", parameter("braze/acme"));
        let brand = BrandText::of("acme", &secured[3].url, &key).activation("spring").email("");
        let table = BrandTable::new(&config, &environment);
        table.make().await.unwrap();
        table.push(&[brand.file()]).await.unwrap();
        let _queues = Sqs::make(&config, &environment, Duration::from_secs(30), 5).await.unwrap();
        let runtime = Runtime::start().await;
        let mut command = Command::new(binary().parent().unwrap().join(function));
        command.env_clear();
        for (service, secured) in CALLED.iter().zip(&secured) {
            command.env(format!("AWS_ENDPOINT_URL_{service}"), &secured.url);
        }
        for queue in ["email-enrollments", "sms-subscriptions"] {
            let variable = format!("QUIKLY_QUEUE_{}", queue.to_uppercase().replace('-', "_"));
            command.env(format!("{variable}_URL"), format!("{endpoint}/000000000000/{environment}-{queue}"));
            command.env(format!("{variable}_ARN"), format!("arn:aws:sqs:us-east-1:000000000000:{queue}"));
        }
        command.envs([
            ("AWS_LAMBDA_RUNTIME_API", runtime.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", function),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "emulated"),
            ("AWS_SECRET_ACCESS_KEY", "emulated"),
            ("QUIKLY_ENVIRONMENT", &environment),
            ("QUIKLY_ID_KEY_PARAMETER", &parameter("intake/id-key")),
            ("QUIKLY_SCHEDULE_GROUP", "settling"),
            ("QUIKLY_SCHEDULE_ROLE_ARN", "arn:aws:iam::000000000000:role/schedules"),
            ("SSL_CERT_FILE", certificate.file.to_str().unwrap()),
            ("RUST_LOG", LOGGED),
        ]);
        Self {
            runtime,
            store,
            secured,
            _function: Process::spawn(command, &directory.path().join("said")),
            _workspace: workspace,
            _directory: directory,
        }
    }

    fn handshakes(&self) -> Vec<usize> {
        self.secured.iter().map(Secured::handshakes).collect()
    }

    /// Invokes the function with four participations, and returns how long it took.
    async fn invocation(&self, name: &str) -> Duration {
        let mut ids = Vec::new();
        for number in 0..4 {
            let participation = participation("acme", "spring", &format!("{name}{number}@example.com"));
            self.store.insert(&participation, None).await.unwrap();
            ids.push(participation.id());
        }
        let record = |id: &ParticipationId| {
            let body = json!({ "brand": "acme", "ids": [id.to_string()] }).to_string();
            json!({ "messageId": id.to_string(), "body": body })
        };
        let event = json!({ "Records": ids.iter().map(record).collect::<Vec<_>>() });
        let began = SystemClock.now();
        let answer: Value = self.runtime.invoke(event).await;
        let took = Duration::try_from(SystemClock.now().duration_since(began)).unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        let stepped = self.store.get(&ids).await.unwrap().found;
        assert!(
            stepped.iter().all(|participation| *participation.state() == State::Ended(Outcome::Enrolled))
        );
        took
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_invocation_pays_for_no_handshake() {
    let secluded = Secluded::start("email-enroller").await;
    eventually("connections are open before there is work", Duration::from_secs(30), || {
        let opened = secluded.handshakes();
        (opened[0] >= 8 && opened[1] > 0 && opened[2] > 0 && opened[3] >= 4).then_some(())
    })
    .await;
    let opened = secluded.handshakes();
    let first = secluded.invocation("first").await;
    assert_eq!(secluded.handshakes(), opened, "DynamoDB, SQS, SSM, Braze");
    let second = secluded.invocation("second").await;
    assert_eq!(secluded.handshakes(), opened);
    println!(
        "a handshake {SLOW:?}; first invocation {first:?}, second {second:?}; opened at the start: {opened:?}"
    );
}
