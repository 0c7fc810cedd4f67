//! Direct calls of DynamoDB, without our own code.

use serde_json::{Value, json};
use testkit::emulator::endpoint;

/// Makes one attribute of an item unreadable.
pub(crate) async fn spoil_item(table: &str, key: &str, value: &str, attribute: &str) {
    let body = json!({
        "TableName": table,
        "Key": { key: { "S": value } },
        "UpdateExpression": "SET #attribute = :spoilt",
        "ConditionExpression": "attribute_exists(#attribute)",
        "ExpressionAttributeNames": { "#attribute": attribute },
        "ExpressionAttributeValues": { ":spoilt": { "S": "{" } },
    });
    call("UpdateItem", &body).await;
}

/// Calls DynamoDB directly.
pub(crate) async fn call(operation: &str, body: &Value) -> Value {
    let request = reqwest::Client::new().post(endpoint().await);
    let request = request.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
    // The emulator reads the region from here, and checks no signature.
    let named = "AWS4-HMAC-SHA256 Credential=emulated/20200101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let request = request.header("authorization", named).header("content-type", "application/x-amz-json-1.0");
    let answer = request.body(body.to_string()).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{operation}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}
