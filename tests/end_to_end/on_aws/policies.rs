//! The emulator allows everything. So the calls that the functions have made are compared with what their roles allow.

use std::collections::BTreeSet;

use testkit::fault_proxy::Call;
use testkit::template::{FunctionName, allowed, functions};

/// A call in the form of the policies' list. It has a line for each resource.
fn said(call: &Call) -> Vec<String> {
    let name = |name: &str| {
        let parts = name.trim_start_matches("local-").trim_end_matches(".fifo").split('-');
        parts.map(|part| part[..1].to_uppercase() + &part[1..]).collect::<String>()
    };
    match call.action.as_str() {
        "ssm:GetParameters" => {
            let line = |parameter: &str| {
                let path = parameter.trim_start_matches("/quikly-braze/local/");
                let path = match path.split_once('/') {
                    Some(("intake", "id-key")) | None => path.to_owned(),
                    Some((room, _)) => format!("{room}/*"),
                };
                format!("{} ssm:{path}", call.action)
            };
            call.resource.split(' ').map(line).collect()
        }
        "scheduler" if call.resource.starts_with("/schedules/") => {
            vec!["scheduler:CreateSchedule scheduler:schedule/${Environment}-settling/*".to_owned()]
        }
        "scheduler" => vec!["scheduler:GetScheduleGroup ScheduleGroup".to_owned()],
        action => match call.resource.split_once("/index/") {
            Some((table, index)) => vec![format!("{action} ${{{}.Arn}}/index/{index}", name(table))],
            None => vec![format!("{action} {}", name(&call.resource))],
        },
    }
}

/// Checks that every call so far was allowed to its caller.
pub(crate) fn assert_allowed(calls: &[Call]) {
    let functions = functions();
    for FunctionName { package, resource } in &functions {
        let allowed: BTreeSet<String> = allowed(resource).into_iter().collect();
        let called: BTreeSet<String> =
            calls.iter().filter(|call| call.by == *package).flat_map(said).collect();
        // A role that may read all of intake's parameters may read the id key.
        let is_allowed =
            |line: &&String| allowed.contains(*line) || allowed.contains(&line.replace("id-key", "*"));
        let beyond: Vec<&String> = called.iter().filter(|line| !is_allowed(line)).collect();
        assert!(beyond.is_empty(), "{package} does what its role does not allow: {beyond:?}");
    }
    let named = |call: &Call| functions.iter().any(|function| function.package == call.by);
    assert!(calls.iter().all(named), "an unknown caller");
}
