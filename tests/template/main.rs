//! Tests of infra/template.yaml in the form that CloudFormation gets: policies, and rules for every queue, table and alarm.

mod policies;

use metrics::{Metric, SaidBy};
use serde_json::{Value, json};
use testkit::template::{FunctionName, functions, of_type, points_to, resources, root, tool, translated};

#[test]
fn the_linter_finds_nothing_in_the_translated_template() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("template.json");
    std::fs::write(&file, translated()).unwrap();
    let linted = tool("cfn-lint").arg(&file).output().unwrap();
    assert!(linted.status.success(), "{}", String::from_utf8_lossy(&linted.stdout));
}

#[test]
fn every_queue_has_dead_letters_and_every_dead_letter_an_alarm() {
    let queues = of_type("AWS::SQS::Queue");
    let is_dead = |name: &str| name.ends_with("DeadLetters");
    for (name, queue) in queues.iter().filter(|(name, _)| !is_dead(name)) {
        let dead = points_to(&queue["RedrivePolicy"]["deadLetterTargetArn"]);
        let (_, dead) = queues.iter().find(|(name, _)| *name == dead).unwrap();
        assert_eq!(queue["FifoQueue"], dead["FifoQueue"], "{name}: dead letters are of the same kind");
    }
    let alarms = of_type("AWS::CloudWatch::Alarm");
    for (name, queue) in queues.iter().filter(|(name, _)| is_dead(name)) {
        let watches = |alarm: &&(&str, &Value)| points_to(&alarm.1["Dimensions"][0]["Value"]) == *name;
        let alarm = alarms.iter().find(watches).unwrap_or_else(|| panic!("no alarm watches {name}"));
        assert_eq!(alarm.1["Threshold"], 0);
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 3_600, "{name} is kept as long as SQS can");
    }
    assert_eq!(queues.len(), 7);
}

#[test]
fn a_message_is_invisible_for_at_least_six_times_as_long_as_its_function_may_take() {
    let mappings = of_type("AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), 3);
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
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{name}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{name}");
        assert_eq!(resources()[name]["DeletionPolicy"], "Retain", "{name}");
    }
    for table in ["Participations", "Profiles"] {
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
    assert_eq!(functions.len(), 6);
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
    assert_eq!(watched, ["EmailEnroller", "OptInPoller", "Rewarder", "SmsSubscriber"]);
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
