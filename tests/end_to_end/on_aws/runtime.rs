//! Lambda's runtime API. It gives a function one invocation after the other, and keeps the answers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ports::Clock;
use ports::clock::SystemClock;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

type Events = Arc<Mutex<mpsc::UnboundedReceiver<Value>>>;

#[derive(Clone)]
struct SharedRuntime {
    events: Events,
    answers: mpsc::UnboundedSender<Value>,
}

pub(crate) struct Runtime {
    pub(crate) address: String,
    events: mpsc::UnboundedSender<Value>,
    answers: Mutex<mpsc::UnboundedReceiver<Value>>,
}

impl Runtime {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (events, waiting) = mpsc::unbounded_channel();
        let (answering, answers) = mpsc::unbounded_channel();
        let shared = SharedRuntime { events: Arc::new(Mutex::new(waiting)), answers: answering };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{outcome}", post(answered))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, events, answers: Mutex::new(answers) }
    }

    /// Invokes the function and returns its answer.
    pub(crate) async fn invoke(&self, event: Value) -> Value {
        self.events.send(event).unwrap();
        let answer = async { self.answers.lock().await.recv().await.unwrap() };
        tokio::time::timeout(Duration::from_secs(30), answer).await.unwrap()
    }
}

async fn next(State(shared): State<SharedRuntime>) -> Response {
    let event = shared.events.lock().await.recv().await;
    let deadline = SystemClock.now() + Duration::from_secs(30);
    let headers = [
        ("lambda-runtime-aws-request-id", "1".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.as_millisecond().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:it".to_owned(),
        ),
    ];
    (headers, event.unwrap_or_default().to_string()).into_response()
}

async fn answered(
    State(shared): State<SharedRuntime>,
    Path((_, outcome)): Path<(String, String)>,
    body: Bytes,
) {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    assert_eq!(outcome, "response", "{body}");
    shared.answers.send(body).unwrap();
}
