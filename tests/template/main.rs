//! Tests of infra/template.yaml in the form that CloudFormation gets: policies, and rules for every queue, table and alarm.

mod policies;

use metrics::{Metric, SaidBy};
use serde_json::{Value, json};
use testkit::template::{FunctionName, functions, of_type, points_to, resources, root, tool, translated};

/// What the linter finds and may find: the rule, the ending of the resource's name, and the reason.
const EXCUSED: [(&str, &str, &str); 3] = [
    ("ES6000", "DeadLetters", "a queue of dead letters has no dead letters of its own"),
    (
        "ES1001",
        "Messages",
        "SQS itself moves messages that fail; only streams have a destination for failures",
    ),
    (
        "WS1004",
        "",
        "the rule compares names as text, and the names of log groups are substituted; a test of ours checks them",
    ),
];

/// The rules of cfn-lint, and AWS's own rules for serverless applications.
#[test]
fn the_linter_finds_nothing_without_a_written_reason() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("template.json");
    std::fs::write(&file, translated()).unwrap();
    let mut lint = tool("cfn-lint");
    lint.arg(&file).args(["--format", "json", "--append-rules", "cfn_lint_serverless.rules"]);
    let linted = lint.output().unwrap();
    let found: Vec<Value> = serde_json::from_slice(&linted.stdout).unwrap();
    let rule_and_resource = |finding: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&finding["Rule"]["Id"]), text(&finding["Location"]["Path"][1]))
    };
    let found: Vec<(String, String)> = found.iter().map(rule_and_resource).collect();
    let excuses = |(rule, resource): &(String, String), (excused, ending, _): &(&str, &str, &str)| {
        rule == excused && resource.ends_with(ending)
    };
    let unexcused: Vec<_> =
        found.iter().filter(|one| !EXCUSED.iter().any(|excuse| excuses(one, excuse))).collect();
    assert!(unexcused.is_empty(), "{unexcused:?}");
    for excuse in &EXCUSED {
        assert!(found.iter().any(|one| excuses(one, excuse)), "not found any more: {excuse:?}");
    }
}

/// The properties that name a resource. Two environments in one account must not share one.
const NAMES: [&str; 11] = [
    "FunctionName",
    "RoleName",
    "QueueName",
    "TableName",
    "LogGroupName",
    "DashboardName",
    "Name",
    "AlarmName",
    "PolicyName",
    "StageName",
    "GroupName",
];

#[test]
fn the_names_of_two_environments_differ_in_one_account() {
    // These are names inside a resource that has the environment in its own name.
    let inside = [("AWS::ApiGatewayV2::Stage", "StageName")];
    let mut named = 0;
    for (resource, described) in resources() {
        let kind = described["Type"].as_str().unwrap();
        for property in NAMES.iter().filter(|property| !inside.contains(&(kind, **property))) {
            let name = &described["Properties"][property];
            // A reference is to a name that another resource has.
            let Some(text) = name.as_str().or_else(|| name["Fn::Sub"].as_str()) else { continue };
            assert!(text.contains("${Environment}"), "{resource}: {property} is {text}");
            named += 1;
        }
    }
    assert!(named > 25, "{named} names");
}

#[test]
fn every_queue_has_dead_letters_and_every_dead_letter_an_alarm() {
    let queues = of_type("AWS::SQS::Queue");
    let is_dead = |name: &str| name.ends_with("DeadLetters");
    for (name, queue) in queues.iter().filter(|(name, _)| !is_dead(name)) {
        let dead = points_to(&queue["RedrivePolicy"]["deadLetterTargetArn"]);
        let (_, dead) = queues.iter().find(|(name, _)| *name == dead).unwrap();
        assert_eq!(
            (&queue["FifoQueue"], &dead["FifoQueue"]),
            (&Value::Null, &Value::Null),
            "{name}: a queue in order is slow"
        );
    }
    let alarms = of_type("AWS::CloudWatch::Alarm");
    for (name, queue) in queues.iter().filter(|(name, _)| is_dead(name)) {
        let watches = |alarm: &&(&str, &Value)| points_to(&alarm.1["Dimensions"][0]["Value"]) == *name;
        let alarm = alarms.iter().find(watches).unwrap_or_else(|| panic!("no alarm watches {name}"));
        assert_eq!(alarm.1["Threshold"], 0);
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 3_600, "{name} is kept as long as SQS can");
    }
    assert_eq!(queues.len(), 5);
}

#[test]
fn a_message_is_invisible_for_at_least_six_times_as_long_as_its_function_may_take() {
    let mappings = of_type("AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), 2);
    for (name, mapping) in mappings {
        let queue = &resources()[points_to(&mapping["EventSourceArn"])]["Properties"];
        let function = &resources()[points_to(&mapping["FunctionName"])]["Properties"];
        let (invisible, timeout) = (queue["VisibilityTimeout"].as_u64(), function["Timeout"].as_u64());
        assert!(invisible.unwrap() >= 6 * timeout.unwrap(), "{name}: {invisible:?} {timeout:?}");
        assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
    }
}

#[test]
fn workers_that_brazes_limits_hold_back_have_limited_concurrency() {
    for name in ["EmailEnrollerMessages", "SmsSubscriberMessages"] {
        let most = &resources()[name]["Properties"]["ScalingConfig"]["MaximumConcurrency"];
        assert_eq!(most, &json!({ "Ref": "WorkersAtOnce" }), "{name}");
    }
}

#[test]
fn tables_are_billed_by_request_backed_up_encrypted_and_kept() {
    let tables = of_type("AWS::DynamoDB::Table");
    assert_eq!(tables.len(), 6);
    for (name, table) in tables {
        assert_eq!(table["DeletionProtectionEnabled"], json!({ "Ref": "ProtectTables" }), "{name}");
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{name}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{name}");
        // A first deployment that fails must not leave named tables behind: the next one could not create them.
        assert_eq!(resources()[name]["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
        assert_eq!(resources()[name]["UpdateReplacePolicy"], "Retain", "{name}");
    }
    for table in ["Participations", "Profiles", "Ledgers", "Notices"] {
        let ended = &resources()[table]["Properties"]["TimeToLiveSpecification"];
        assert_eq!(ended, &json!({ "AttributeName": "expires_at", "Enabled": true }), "{table}");
    }
}

#[test]
fn every_crate_of_a_function_is_deployed_and_nothing_else() {
    let named = |function: FunctionName| function.package;
    let mut deployed: Vec<String> = functions().into_iter().map(named).collect();
    let crates = std::fs::read_dir(root().join("crates/functions")).unwrap().map(Result::unwrap);
    let crates = crates.filter(|entry| entry.path().join("Cargo.toml").exists());
    let mut crates: Vec<String> =
        crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    deployed.sort_unstable();
    crates.sort_unstable();
    assert_eq!(deployed, crates);
    let resources: Vec<&str> = of_type("AWS::Lambda::Function").into_iter().map(|(name, _)| name).collect();
    assert!(functions().iter().all(|function| resources.contains(&function.resource.as_str())));
}

#[test]
fn functions_are_built_for_arm_and_their_logs_end() {
    let functions = of_type("AWS::Lambda::Function");
    assert_eq!(functions.len(), 5);
    for (name, function) in functions {
        assert_eq!(function["Architectures"], json!(["arm64"]), "{name}");
        assert_eq!(function["Runtime"], "provided.al2023", "{name}");
        let logs = &resources()[&format!("{name}Logs")]["Properties"];
        assert_eq!(logs["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{name}");
        let group = logs["LogGroupName"]["Fn::Sub"].as_str().unwrap();
        let named = function["FunctionName"]["Fn::Sub"].as_str().unwrap();
        assert_eq!(group, format!("/aws/lambda/{named}"));
    }
}

#[test]
fn the_tick_runs_every_minute_and_a_missing_tick_is_an_alarm() {
    let tick = &resources()["EveryMinute"]["Properties"];
    assert_eq!(tick["ScheduleExpression"], "rate(1 minute)");
    assert_eq!(points_to(&tick["Target"]["DeadLetterConfig"]["Arn"]), "ScheduleDeadLetters");
    let alarm = &resources()["TickAlarm"]["Properties"];
    assert_eq!(
        (points_to(&alarm["Dimensions"][0]["Value"]), &alarm["TreatMissingData"]),
        ("OptInPoller", &json!("breaching"))
    );
}

#[test]
fn the_first_deployment_fits_a_new_account() {
    // A new account may run ten functions at once, and AWS keeps a hundred unreserved.
    let tick = &resources()["OptInPoller"]["Properties"]["ReservedConcurrentExecutions"];
    let reserved = json!({ "Fn::If": ["ReservesForTheTick", { "Ref": "ReservedForTheTick" }, { "Ref": "AWS::NoValue" }] });
    assert_eq!(tick, &reserved);
    let template: Value = serde_json::from_slice(&translated()).unwrap();
    assert_eq!(template["Parameters"]["ReservedForTheTick"]["Default"], 0);
    let reserve = |function: &&(&str, &Value)| function.1.get("ReservedConcurrentExecutions").is_some();
    assert_eq!(of_type("AWS::Lambda::Function").iter().filter(reserve).count(), 1);
}

#[test]
fn lambda_does_not_take_the_delayed_messages_of_an_outage_for_an_endless_loop() {
    let allow = |function: &&(&'static str, &Value)| function.1["RecursiveLoop"] == "Allow";
    let functions = of_type("AWS::Lambda::Function");
    let allowed: Vec<&str> = functions.iter().filter(allow).map(|(name, _)| *name).collect();
    assert_eq!(allowed, ["EmailEnroller", "SmsSubscriber"], "those that send messages to their own queue");
}

#[test]
fn every_function_is_traced() {
    for (name, function) in of_type("AWS::Lambda::Function") {
        assert_eq!(function["TracingConfig"]["Mode"], "Active", "{name}");
    }
}

#[test]
fn the_webhook_api_logs_every_request_without_its_caller_and_content() {
    let settings = &resources()["WebhookStage"]["Properties"]["AccessLogSettings"];
    assert_eq!(points_to(&settings["DestinationArn"]), "WebhookAccessLogs");
    let format: Value = serde_json::from_str(settings["Format"].as_str().unwrap()).unwrap();
    let mut figures: Vec<&str> =
        format.as_object().unwrap().values().map(|value| value.as_str().unwrap()).collect();
    figures.sort_unstable();
    let expected = [
        "$context.error.message",
        "$context.integration.status",
        "$context.requestId",
        "$context.requestTime",
        "$context.responseLatency",
        "$context.routeKey",
        "$context.status",
    ];
    assert_eq!(figures, expected);
    assert_eq!(
        resources()["WebhookAccessLogs"]["Properties"]["RetentionInDays"],
        json!({ "Ref": "LogRetentionDays" })
    );
}

#[test]
fn a_failed_tick_is_left_to_the_next_one() {
    let [(_, invoked)] = of_type("AWS::Lambda::EventInvokeConfig")[..] else { panic!("one is configured") };
    assert_eq!(points_to(&invoked["FunctionName"]), "OptInPoller");
    assert_eq!(
        (&invoked["MaximumRetryAttempts"], &invoked["MaximumEventAgeInSeconds"]),
        (&json!(0), &json!(60))
    );
}

#[test]
fn every_worker_has_an_alarm_for_failures() {
    let alarms = of_type("AWS::CloudWatch::Alarm");
    let mut watched: Vec<&str> = alarms
        .iter()
        .filter(|(_, alarm)| alarm["Namespace"] == "AWS/Lambda" && alarm["MetricName"] == "Errors")
        .map(|(_, alarm)| points_to(&alarm["Dimensions"][0]["Value"]))
        .collect();
    watched.sort_unstable();
    assert_eq!(watched, ["EmailEnroller", "OptInPoller", "SmsSubscriber"]);
}

#[test]
fn a_braze_that_does_not_answer_is_an_alarm_within_three_minutes() {
    let alarm = &resources()["BrazeUnansweredAlarm"]["Properties"];
    assert_eq!((&alarm["MetricName"], &alarm["Statistic"]), (&json!("BrazeUnanswered"), &json!("Maximum")));
    let seconds = alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap();
    assert!(seconds <= 60, "a tick a minute sees it, and the figure takes a minute to be read");
    assert_eq!((&alarm["Threshold"], &alarm["TreatMissingData"]), (&json!(0), &json!("notBreaching")));
}

#[test]
fn alarms_and_dashboard_read_metrics_that_the_functions_publish() {
    let is_said = |metric: &Metric| metric.description().said_by != SaidBy::Serve;
    let said: Vec<&str> =
        Metric::ALL.iter().filter(|metric| is_said(metric)).map(|metric| metric.name()).collect();
    let alarms = of_type("AWS::CloudWatch::Alarm");
    let ours = alarms.iter().filter(|(_, alarm)| alarm["Namespace"] == "quikly-braze");
    let mut figures: Vec<String> =
        ours.map(|(_, alarm)| alarm["MetricName"].as_str().unwrap().to_owned()).collect();
    assert_eq!(figures.len(), 4, "how late the tick is, no answers, refused keys, and the share of 429s");
    let dashboard = resources()["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"].as_str().unwrap();
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    for widget in dashboard["widgets"].as_array().unwrap() {
        let mut namespace = "";
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            match metric[0].as_str().unwrap() {
                "." | "..." => {}
                named => namespace = named,
            }
            if namespace == "quikly-braze" {
                figures.push(metric[1].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(figures.len() > 12);
    for figure in figures {
        assert!(said.contains(&figure.as_str()), "no function publishes {figure}");
    }
}

/// The processor in the head of a program for 64-bit Arm (ELF, `EM_AARCH64`).
const ARM_64: u16 = 183;

/// What [`Architectures`](https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html) promises to Lambda.
#[test]
fn a_function_is_built_for_the_processor_that_the_template_names() {
    if std::env::var_os("NO_ARM64").is_some() {
        println!("NO_ARM64 is set: no function was built for arm64.");
        return;
    }
    let file = root().join("target/arm64/webhook-receiver/bootstrap");
    let program = std::fs::read(&file).expect("cargo xtask test builds it, or sets NO_ARM64");
    assert_eq!(program[..5], *b"\x7fELF\x02", "a program of 64 bits");
    assert_eq!(u16::from_le_bytes([program[18], program[19]]), ARM_64);
}
