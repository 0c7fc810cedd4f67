//! The complete list of what each function may do, so that every addition shows up in a test.

use std::collections::BTreeMap;

use testkit::template::{allowed, of_type};

fn functions() -> BTreeMap<&'static str, Vec<String>> {
    of_type("AWS::Lambda::Function").into_iter().map(|(name, _)| (name, allowed(name))).collect()
}

fn sorted(lists: &[&[&str]]) -> Vec<String> {
    let mut all: Vec<String> = lists.concat().into_iter().map(ToOwned::to_owned).collect();
    all.sort();
    all
}

const READS_BRANDS: &[&str] =
    &["dynamodb:Scan Brands", "ssm:GetParameter ssm:intake/id-key", "ssm:GetParameters ssm:intake/id-key"];

const ANNOUNCES: &[&str] = &["sqs:SendMessage EmailEnrollments", "sqs:SendMessage SmsSubscriptions"];

const KEEPS_LEDGERS: &[&str] = &[
    "dynamodb:BatchGetItem Participations",
    "dynamodb:UpdateItem Participations",
    "dynamodb:Query ${Participations.Arn}/index/lists",
    "dynamodb:GetItem Ledgers",
    "dynamodb:PutItem Ledgers",
    "dynamodb:UpdateItem Ledgers",
    "dynamodb:DeleteItem Ledgers",
    "dynamodb:Query Ledgers",
    "dynamodb:PutItem Notices",
];

const TELLS: &[&str] = &[
    "dynamodb:UpdateItem Notices",
    "dynamodb:DeleteItem Notices",
    "dynamodb:Query ${Notices.Arn}/index/due",
    "ssm:GetParameter ssm:callback/*",
    "ssm:GetParameters ssm:callback/*",
];

const SPEAKS_TO_BRAZE: &[&str] = &[
    "dynamodb:BatchGetItem Profiles",
    "dynamodb:BatchWriteItem Profiles",
    "dynamodb:PutItem Profiles",
    "dynamodb:GetItem Limits",
    "dynamodb:PutItem Limits",
    "dynamodb:UpdateItem Limits",
    "ssm:GetParameter ssm:braze/*",
    "ssm:GetParameters ssm:braze/*",
];

const SCHEDULES: &[&str] = &[
    "scheduler:CreateSchedule scheduler:schedule/${Environment}-settling/*",
    "scheduler:GetScheduleGroup ScheduleGroup",
    "iam:PassRole iam::role/${Environment}-schedules",
];

fn logs(function: &str) -> [String; 2] {
    ["CreateLogStream", "PutLogEvents"].map(|action| format!("logs:{action} {function}Logs"))
}

/// What every function may send to X-Ray, which has no resources that a policy could name.
const TRACES: [&str; 2] = ["xray:PutTraceSegments *", "xray:PutTelemetryRecords *"];

fn receives(queue: &str) -> [String; 3] {
    ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"].map(|action| format!("sqs:{action} {queue}"))
}

fn assert_may(function: &str, own: &[String], lists: &[&[&str]]) {
    let mut expected = sorted(lists);
    expected.extend(logs(function));
    expected.extend(TRACES.map(ToOwned::to_owned));
    expected.extend_from_slice(own);
    expected.sort();
    assert_eq!(functions()[function], expected, "{function}");
}

const CONNECTS: &[&str] = &["sqs:GetQueueAttributes EmailEnrollments"];

#[test]
fn the_webhook_receiver_stores_and_announces() {
    let own: &[&str] = &[
        "dynamodb:GetItem Participations",
        "dynamodb:PutItem Participations",
        "dynamodb:UpdateItem Participations",
        "dynamodb:BatchGetItem Participations",
        "dynamodb:GetItem Ledgers",
        "dynamodb:UpdateItem Ledgers",
        "sqs:SendMessage EmailEnrollments",
        "sqs:SendMessage SmsSubscriptions",
        "sqs:SendMessage sqs:${Environment}-awards.fifo",
    ];
    assert_may("WebhookReceiver", &[], &[READS_BRANDS, CONNECTS, own]);
}

#[test]
fn the_participation_api_stores_announces_and_shows() {
    let own: &[&str] = &[
        "dynamodb:GetItem Participations",
        "dynamodb:PutItem Participations",
        "dynamodb:UpdateItem Participations",
        "dynamodb:BatchGetItem Participations",
        "dynamodb:Query ${Participations.Arn}/index/lists",
        "dynamodb:GetItem Ledgers",
        "dynamodb:UpdateItem Ledgers",
        "dynamodb:Query Ledgers",
        "sqs:SendMessage sqs:${Environment}-awards.fifo",
        "ssm:GetParameter ssm:intake/*",
        "ssm:GetParameters ssm:intake/*",
        "dynamodb:Scan Brands",
    ];
    assert_may("ParticipationApi", &[], &[CONNECTS, ANNOUNCES, own]);
}

#[test]
fn the_email_enroller_may_do_all_that_a_step_needs() {
    let lists = [READS_BRANDS, ANNOUNCES, KEEPS_LEDGERS, TELLS, SPEAKS_TO_BRAZE, SCHEDULES];
    assert_may("EmailEnroller", &receives("EmailEnrollments"), &lists);
}

#[test]
fn the_sms_subscriber_may_do_all_that_a_step_needs() {
    let lists = [READS_BRANDS, CONNECTS, ANNOUNCES, KEEPS_LEDGERS, TELLS, SPEAKS_TO_BRAZE, SCHEDULES];
    assert_may("SmsSubscriber", &receives("SmsSubscriptions"), &lists);
}

#[test]
fn the_opt_in_poller_finds_what_is_due_too() {
    let due: &[&str] = &[
        "dynamodb:Query ${Participations.Arn}/index/due",
        "dynamodb:Query ${Participations.Arn}/index/award_due",
        "dynamodb:Query ${Participations.Arn}/index/first_look",
    ];
    let lists = [READS_BRANDS, CONNECTS, ANNOUNCES, KEEPS_LEDGERS, TELLS, SPEAKS_TO_BRAZE, SCHEDULES, due];
    assert_may("OptInPoller", &[], &lists);
}

#[test]
fn no_policy_allows_every_action_or_every_resource() {
    for (function, allowed) in functions() {
        for line in allowed {
            let (action, resource) = line.split_once(' ').unwrap();
            assert!(!action.contains('*') && !resource.is_empty(), "{function}: {line}");
            // Names under a path of our own: a brand's parameters, and the schedules of our group.
            let ours = [
                "ssm:intake/*",
                "ssm:braze/*",
                "ssm:callback/*",
                "scheduler:schedule/${Environment}-settling/*",
            ];
            let is_listed = ours.contains(&resource) || TRACES.contains(&line.as_str());
            assert!(!resource.contains('*') || is_listed, "{function}: {line}");
        }
    }
}

#[test]
fn the_public_functions_cannot_read_a_braze_key() {
    for public in ["WebhookReceiver", "ParticipationApi"] {
        let parameters: Vec<String> =
            functions()[public].iter().filter(|line| line.starts_with("ssm:")).cloned().collect();
        assert!(!parameters.is_empty());
        assert!(parameters.iter().all(|line| line.contains(" ssm:intake/")), "{parameters:?}");
    }
}
