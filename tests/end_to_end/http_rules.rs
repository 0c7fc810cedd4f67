//! Rules of HTTP by which clients, proxies and the server agree where a request begins, where it ends and who sent it.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

const SOON: Duration = Duration::from_secs(60);

async fn connects(server: &ServeProcess) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends a text and nothing more, and returns what came back until the connection was closed.
pub(crate) async fn says(server: &ServeProcess, text: &str) -> String {
    let mut stream = connects(server).await;
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_that_sends_head_and_body_apart_loses_no_request() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let early = [
        ("POST /participations HTTP/1.1\r\ncontent-type: text/plain", "415"),
        ("POST /nowhere HTTP/1.1", "404"),
        ("PUT /participations HTTP/1.1", "405"),
        ("POST /webhook/braze HTTP/1.1", "401"),
    ];
    for (head, status) in early {
        for _ in 0..25 {
            let mut stream = connects(&server).await;
            let head = format!("{head}\r\nhost: localhost\r\ncontent-length: 4000\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            for _ in 0..4 {
                stream.write_all(&[b' '; 1_000]).await.unwrap();
            }
            stream
                .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                .await
                .unwrap();
            let mut answers = String::new();
            tokio::time::timeout(SOON, stream.read_to_string(&mut answers)).await.unwrap().unwrap();
            assert!(answers.starts_with(&format!("HTTP/1.1 {status}")), "{answers}");
            assert!(answers.contains("HTTP/1.1 200"), "the next request is answered: {answers}");
        }
    }
}

#[tokio::test]
async fn heads_that_break_a_rule_are_refused_and_their_connection_ends() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let body = r#"{"scope":"spring","email":"ada@example.com"}"#;
    let chunked = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let post = |headers: &str| {
        format!("POST /participations HTTP/1.1\r\ncontent-type: application/json\r\n{headers}\r\n{chunked}")
    };
    let accepted =
        says(&server, &post("host: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n")).await;
    assert!(accepted.starts_with("HTTP/1.1 202"), "{accepted}");
    for (headers, status) in [
        ("transfer-encoding: chunked\r\n", "400"),
        ("host: localhost\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n", "400"),
        ("host: a, b\r\ntransfer-encoding: chunked\r\n", "400"),
        ("host: localhost\r\ntransfer-encoding: gzip, chunked\r\n", "501"),
        ("host: localhost\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", "501"),
    ] {
        let answer = says(&server, &post(headers)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{headers}: {answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains("connection: close"),
            "{answer}"
        );
        assert_eq!(
            answer.matches("HTTP/1.1").count(),
            1,
            "no part of the body is read as a request: {answer}"
        );
    }
}

#[tokio::test]
async fn a_body_says_one_thing_only() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    for (body, status) in [
        (r#"{"scope":{"$serde_json::private::RawValue":"\"spring\""},"email":"ada@example.com"}"#, 422),
        (r#"{"scope":"spring","email":"ada@example.com","attributes":{"a":1,"a":2}}"#, 400),
        (r#"{"scope":"spring","email":"ada@example.com","attributes":{"a":{"b":1,"b":2}}}"#, 400),
    ] {
        let (answered, _, problem): (u16, _, Value) =
            server.send("POST", "/participations", Some("application/json"), body.as_bytes().to_vec()).await;
        assert_eq!(answered, status, "{problem}");
    }
}

#[tokio::test]
async fn clients_behind_a_proxy_have_limits_of_their_own_however_it_writes_them() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start_limiting(
        &BrandFixture::at(&workspace),
        &["--requests-per-client", "1", "--behind-proxy", "--allow-private"],
    )
    .await;
    let post = async |client: &str| {
        let request = reqwest::Client::new().post(format!("{}/participations", server.url));
        let request = request.header("content-type", "application/json").header("x-forwarded-for", client);
        let answer = request.body(r#"{"scope":"spring","email":"ada@example.com"}"#).send().await.unwrap();
        answer.status().as_u16()
    };
    for number in 1..40 {
        assert_eq!(post(&format!("203.0.113.{number}:40007")).await, 202);
        assert_eq!(post(&format!("198.51.100.1, \"[2001:db8:{number}::1]:443\"")).await, 202);
    }
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(post("unknown").await);
    }
    assert!(statuses.contains(&429), "they share a limit: {statuses:?}");
    server.logs_times(1, r#"event="serve.client_unreadable""#).await;
}
