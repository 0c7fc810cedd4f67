//! A call of a service, as it comes in.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

/// The largest body that is passed on, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CalledService {
    Dynamo,
    Sqs,
    Ssm,
    Scheduler,
    /// A function, through its URL or an API.
    Function,
}

/// A call.
pub(super) struct Incoming {
    pub(super) head: Parts,
    pub(super) body: Bytes,
    pub(super) json: Value,
    pub(super) service: CalledService,
    /// The action, where a header names it.
    pub(super) action: String,
    /// The name that the caller gives itself (`AWS_SDK_UA_APP_ID`).
    pub(super) by: String,
}

/// A write to one item.
pub(super) struct ItemWrite {
    pub(super) table: String,
    /// The attributes that the call names: the whole item, or its key.
    pub(super) named: Value,
    pub(super) action: &'static str,
}

impl Incoming {
    /// Reads a call; `None` when it is too large or breaks off.
    pub(super) async fn read(request: Request) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, LARGEST).await.ok()?;
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let by = header("user-agent").split(' ').find_map(|word| word.strip_prefix("app/"));
        let (by, host) = (by.unwrap_or("").to_owned(), header("host"));
        let (prefix, action) = header("x-amz-target").rsplit_once('.').unwrap_or_default();
        let service = match prefix {
            "AmazonSQS" => CalledService::Sqs,
            "AmazonSSM" => CalledService::Ssm,
            "" if host.contains("lambda-url") || host.contains("execute-api") => CalledService::Function,
            "" => CalledService::Scheduler,
            _ => CalledService::Dynamo,
        };
        let action = action.to_owned();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Some(Self { head, body, json, service, action, by })
    }

    /// Whether this is a client's last attempt of a call.
    pub(super) fn is_last_attempt(&self) -> bool {
        let header = self.head.headers.get("amz-sdk-request").and_then(|value| value.to_str().ok());
        let number = |name: &str| {
            let said = header?.split(';').find_map(|part| part.trim().strip_prefix(name))?;
            said.parse::<u32>().ok()
        };
        number("attempt=").zip(number("max=")).is_none_or(|(attempt, most)| attempt >= most)
    }

    /// Whether the call makes or removes tables, queues and the like. Faults concern work, and no setting up.
    pub(super) fn sets_up(&self) -> bool {
        match self.service {
            CalledService::Dynamo => self.action.ends_with("Table") || self.action.ends_with("TimeToLive"),
            CalledService::Sqs => self.action.ends_with("Queue") || self.action.ends_with("QueueAttributes"),
            CalledService::Ssm => self.action.starts_with("Put"),
            CalledService::Scheduler => !self.head.uri.path().starts_with("/schedules/"),
            CalledService::Function => false,
        }
    }

    /// Whether the call writes one item of a table.
    pub(super) fn writes_one_item(&self) -> bool {
        matches!(self.action.as_str(), "PutItem" | "UpdateItem" | "DeleteItem")
    }

    pub(super) fn is_transaction(&self) -> bool {
        self.action == "TransactWriteItems"
    }

    /// Whether the call sends messages.
    pub(super) fn sends(&self) -> bool {
        self.service == CalledService::Sqs && self.action.starts_with("SendMessage")
    }

    /// Whether the call takes effect again when it is repeated.
    pub(super) fn adds(&self) -> bool {
        let to_a_counter = self.text("UpdateExpression").contains("ADD ");
        self.sends() || to_a_counter && self.json["ConditionExpression"].is_null()
    }

    /// A text of the body, or an empty one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    /// The name of the queue that is called.
    pub(super) fn queue(&self) -> &str {
        self.text("QueueUrl").rsplit('/').next().unwrap_or_default()
    }

    /// The host of the function that is called.
    pub(super) fn host(&self) -> String {
        self.head.headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or("").to_owned()
    }

    /// The call in the words of policies: its service and action, and its table, index, queue or path.
    pub(super) fn in_words(&self) -> (String, String) {
        match self.service {
            CalledService::Sqs => {
                (format!("sqs:{}", self.action.trim_end_matches("Batch")), self.queue().to_owned())
            }
            CalledService::Ssm => {
                let names = self.json["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let named: Vec<&str> = self.json["Name"].as_str().into_iter().chain(names).collect();
                (format!("ssm:{}", self.action), named.join(" "))
            }
            CalledService::Scheduler => ("scheduler".to_owned(), self.head.uri.path().to_owned()),
            CalledService::Function => ("lambda:Invoke".to_owned(), self.host()),
            CalledService::Dynamo => {
                let index = self.json["IndexName"].as_str().map(|index| format!("/index/{index}"));
                let batch =
                    self.json["RequestItems"].as_object().and_then(|tables| tables.keys().next().cloned());
                let table = batch.unwrap_or_else(|| self.text("TableName").to_owned());
                (format!("dynamodb:{}", self.action), table + &index.unwrap_or_default())
            }
        }
    }

    /// The writes of a call, one for each item.
    pub(super) fn writes(&self) -> Vec<ItemWrite> {
        let write = |one: &Value, named: &str, action| ItemWrite {
            table: one["TableName"].as_str().unwrap_or_default().to_owned(),
            named: one[named].clone(),
            action,
        };
        match self.action.as_str() {
            "PutItem" => vec![write(&self.json, "Item", "PutItem")],
            "UpdateItem" => vec![write(&self.json, "Key", "UpdateItem")],
            "DeleteItem" => vec![write(&self.json, "Key", "DeleteItem")],
            "TransactWriteItems" => {
                let items = self.json["TransactItems"].as_array().into_iter().flatten();
                let of = |item: &Value| {
                    [
                        ("Put", "Item", "PutItem"),
                        ("Update", "Key", "UpdateItem"),
                        ("Delete", "Key", "DeleteItem"),
                    ]
                    .into_iter()
                    .find_map(|(kind, named, action)| Some(write(item.get(kind)?, named, action)))
                };
                items.filter_map(of).collect()
            }
            "BatchWriteItem" => {
                let tables = self.json["RequestItems"].as_object().into_iter().flatten();
                let of = |(table, writes): (&String, &Value)| {
                    let writes = writes.as_array().cloned().unwrap_or_default().into_iter();
                    let table = table.clone();
                    let named = |write: Value| {
                        let put = write["PutRequest"]["Item"].clone();
                        if put.is_null() { write["DeleteRequest"]["Key"].clone() } else { put }
                    };
                    writes
                        .map(move |write| ItemWrite {
                            table: table.clone(),
                            named: named(write),
                            action: "BatchWriteItem",
                        })
                        .collect::<Vec<_>>()
                };
                tables.flat_map(of).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// An error in the form in which the called service reports it.
pub(super) fn refused(call: &Incoming, kind: &'static str, message: &str) -> Response {
    let body = match call.service {
        CalledService::Dynamo => {
            json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message })
        }
        _ => json!({ "__type": kind, "message": message }),
    };
    let status = match call.service {
        CalledService::Scheduler | CalledService::Function => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, [("x-amzn-errortype", kind)], body.to_string()).into_response()
}
