//! Holds every answer of the public interface against the OpenAPI document.

use std::sync::LazyLock;

use serde_json::{Value, json};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../crates/intake/openapi.json")).unwrap());

/// Fails if an answer is not what the document says, or has members that the document does not name. Paths that are not of the public
/// interface are not looked at.
pub(crate) fn check((method, path): (&str, &str), (status, declared): (u16, Option<&str>), body: &Value) {
    let Some(operation) = operation(method, path) else { return };
    let responses = &operation["responses"];
    let status = status.to_string();
    let response = responses.get(&status).unwrap_or(&responses["default"]);
    let Some(content) = response.get("content") else {
        assert!(body.is_null(), "{method} {path}: {status} has no body: {body}");
        return;
    };
    let declared = declared.unwrap_or_default();
    let schema = &content[declared]["schema"];
    assert!(schema.is_object(), "{method} {path}: {status} is not documented as {declared}");
    let faults = faults(schema, body);
    assert!(faults.is_empty(), "{method} {path}: {status}: {body}: {faults:?}");
}

/// The operation of a request. A slash at the end is accepted everywhere.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let fits = |template: &str| {
        let (asked, known): (Vec<&str>, Vec<&str>) =
            (path.split('/').collect(), template.split('/').collect());
        let one_fits = |(asked, known): (&&str, &&str)| known.starts_with('{') || asked == known;
        asked.len() == known.len() && asked.iter().zip(&known).all(one_fits)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (_, item) = paths.iter().find(|(template, _)| fits(template))?;
    item.get(method.to_ascii_lowercase())
}

fn faults(schema: &Value, body: &Value) -> Vec<String> {
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": DOCUMENT["components"],
        "allOf": [schema],
        "unevaluatedProperties": false,
    });
    let validator = jsonschema::validator_for(&whole).unwrap();
    validator.iter_errors(body).map(|error| error.to_string()).collect()
}

#[test]
fn an_answer_with_an_undocumented_member_or_without_a_documented_one_is_noticed() {
    let schema = json!({ "$ref": "#/components/schemas/ShownIncentive" });
    let answer = json!({
        "scope": "spring", "incentive": "first-3", "quantity": null, "claimed": 0, "remaining": null, "held": 0, "waiting": 0,
    });
    assert_eq!(faults(&schema, &answer), Vec::<String>::new());
    let with = |name: &str, value: Value| {
        let mut changed = answer.clone();
        changed[name] = value;
        changed
    };
    assert!(!faults(&schema, &with("extra", json!(1))).is_empty());
    assert!(!faults(&schema, &with("claimed", json!("none"))).is_empty());
    let mut without = answer.clone();
    without.as_object_mut().unwrap().remove("held");
    assert!(!faults(&schema, &without).is_empty());
}

#[test]
fn a_path_belongs_to_its_operation_with_or_without_a_query_or_a_slash() {
    for path in ["/participations/abc", "/participations/abc/", "/participations/abc?wait=1"] {
        assert_eq!(operation("GET", path).unwrap()["operationId"], "participation", "{path}");
    }
    assert!(operation("GET", "/participations").is_none() && operation("GET", "/webhook/braze").is_none());
}
