//! Hostile clients: they are cut off or have to wait, and nobody else notices.

use std::time::Duration;

use domain::token::TokenHash;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::http_rules::says;
use crate::secrets::TOKEN;
use crate::server::{BrandFixture, ServeProcess};
use crate::workspace::SimProcess;

/// The time by which a client must have been cut off.
const LATER: Duration = Duration::from_secs(60);

const HEAD: &str = "POST /participations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn a_client_that_does_not_finish_the_head_is_cut_off_and_others_are_served_meanwhile() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let slow = futures::future::join_all((0..200).map(|_| says(&server, HEAD)));
    let others = async {
        for number in 0..20 {
            server.take_part("spring", &format!("c{number}@example.com")).await;
        }
    };
    let (answers, ()) = tokio::join!(slow, others);
    assert!(answers.iter().all(|answer| answer.is_empty() || answer.contains("408")), "{answers:?}");
}

#[tokio::test]
async fn a_client_that_does_not_finish_the_body_gets_a_timeout() {
    let workspace = SimProcess::start("0s").await;
    let access = format!("[webhook]\ntokens_sha256 = [\"{}\"]\n", TokenHash::of(TOKEN));
    let server = ServeProcess::start(&BrandFixture { access: &access, ..BrandFixture::at(&workspace) }).await;
    let webhook = HEAD.replace("/participations", "/webhook/braze");
    let known = format!("{webhook}authorization: Bearer {TOKEN}\r\n");
    let stalled = [HEAD, &known].map(|head| format!("{head}content-length: 60\r\n\r\n{{\"scope\":\"spr"));
    for answer in futures::future::join_all(stalled.iter().map(|text| says(&server, text))).await {
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("body-too-slow"), "{answer}");
    }
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let many: String = (0..100).map(|number| format!("x-{number}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(64 * 1024));
    for more in [many, long] {
        let answer = says(&server, &format!("{HEAD}{more}content-length: 0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

/// Opens a connection and sends nothing.
async fn connects(server: &ServeProcess) -> TcpStream {
    TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap()
}

#[tokio::test]
async fn a_client_that_never_reads_its_answer_is_cut_off() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start(&BrandFixture::at(&workspace)).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = server.url.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let requests = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1_000);
    let asks = async { while stream.write_all(requests.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(LATER, asks).await.expect("it is cut off");
    server.take_part("spring", "ada@example.com").await;
}

#[tokio::test]
async fn a_client_cannot_hold_every_connection() {
    let workspace = SimProcess::start("0s").await;
    let limits = &["--requests-per-client", "0", "--connections-per-client", "4"];
    let server = ServeProcess::start_limiting(&BrandFixture::at(&workspace), limits).await;
    let mut turned_away = Vec::new();
    for _ in 0..8 {
        turned_away.push(connects(&server).await);
    }
    // The client that asked for the health has a connection already.
    let mut held = turned_away.drain(..3).collect::<Vec<_>>();
    for stream in &mut turned_away {
        let closed = tokio::time::timeout(LATER / 10, stream.read(&mut [0])).await.expect("closed at once");
        assert!(closed.is_err() || closed.is_ok_and(|read| read == 0));
    }
    let waits = tokio::time::timeout(Duration::from_millis(100), held[0].read(&mut [0])).await;
    assert!(waits.is_err(), "the others are kept");
    drop(held);
    testkit::eventually_async("a client that has left may connect again", LATER, async || {
        reqwest::Client::new().get(format!("{}/healthz", server.url)).send().await.ok()
    })
    .await;
}

#[tokio::test]
async fn braze_stays_reachable_however_many_clients_connect() {
    let workspace = SimProcess::start("0s").await;
    let server = ServeProcess::start_under("-n 300", &BrandFixture::at(&workspace)).await;
    let held = futures::future::join_all((0..400).map(|_| connects(&server))).await;
    let id = server.take_part("spring", "ada@example.com").await;
    let (client, url) = (reqwest::Client::new(), format!("{}/participations/{id}", server.url));
    // A connection may be closed between two requests, to make room. The client then asks again, as browsers do.
    testkit::eventually_async("it is enrolled", LATER, async || {
        let answer = client.get(&url).send().await.ok()?;
        let shown: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
        (shown["state"] == "enrolled").then_some(())
    })
    .await;
    assert!(!server.said().contains("not_accepted"), "{}", server.said());
    drop(held);
}

/// Opens a connection from an address of this machine, sends a text, and keeps the connection open.
async fn holds(server: &ServeProcess, from: u32, text: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("127.0.0.{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(server.url.trim_start_matches("http://").parse().unwrap()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn slow_heads_from_many_addresses_keep_no_honest_client_waiting() {
    let workspace = SimProcess::start("0s").await;
    // There is room for 150 connections.
    let server = ServeProcess::start_under("-n 300", &BrandFixture::at(&workspace)).await;
    let held = futures::future::join_all((0..400).map(|number| holds(&server, 2 + number % 8, HEAD))).await;
    let honest = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    for number in 0..5 {
        let request =
            honest.post(format!("{}/participations", server.url)).header("content-type", "application/json");
        let answer = request
            .body(format!("{{\"scope\":\"spring\",\"email\":\"c{number}@example.com\"}}"))
            .send()
            .await;
        assert_eq!(answer.expect("it is answered before the slow heads time out").status(), 202);
    }
    drop(held);
}

#[tokio::test]
async fn the_last_connections_are_kept_for_webhooks_and_the_health() {
    let workspace = SimProcess::start("0s").await;
    let brand = BrandFixture::with_webhooks(&workspace);
    let server = ServeProcess::start_under("-n 300", &brand).await;
    // Requests in progress hold their connections until their bodies time out.
    let under_way = format!("{HEAD}content-length: 60\r\nexpect: 100-continue\r\n\r\n");
    let mut held = Vec::new();
    for number in 0..145 {
        let mut stream = holds(&server, 2 + number % 8, &under_way).await;
        stream.read_exact(&mut [0; 12]).await.unwrap();
        held.push(stream);
    }
    let client = || reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let post =
        || client().post(format!("{}/participations", server.url)).header("content-type", "application/json");
    let busy = post().body(EMAIL).send().await.unwrap();
    assert_eq!((busy.status().as_u16(), busy.headers().contains_key("retry-after")), (503, true));
    assert_eq!(client().get(format!("{}/healthz", server.url)).send().await.unwrap().status(), 200);
    let body = json!({ "q_scope": "spring", "event": "signed_in", "email": "ada@example.com" });
    let webhook =
        client().post(format!("{}/webhook/braze", server.url)).bearer_auth(TOKEN).body(body.to_string());
    assert_eq!(webhook.send().await.unwrap().status(), 202);
    drop(held);
    testkit::eventually_async("there is room again", LATER, async || {
        (post().body(EMAIL).send().await.unwrap().status() == 202).then_some(())
    })
    .await;
}

const EMAIL: &str = r#"{"scope":"spring","email":"ada@example.com"}"#;

/// Takes part through a proxy that saw `client`. Returns the status, when to retry, and the answer.
async fn takes_part(server: &ServeProcess, client: &str) -> (u16, Option<u64>, Value) {
    let request = reqwest::Client::new().post(format!("{}/participations", server.url)).body(EMAIL);
    let request = request.header("content-type", "application/json").header("x-forwarded-for", client);
    let answer = request.header("origin", "https://shop.example").send().await.unwrap();
    let allowed = answer.headers().get("access-control-allow-origin").is_some();
    assert!(allowed, "a page may read when to retry");
    let after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), after, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_client_that_asks_for_too_much_learns_when_to_retry_and_others_are_not_limited() {
    let workspace = SimProcess::start("0s").await;
    let access = format!(
        "[webhook]\ntokens_sha256 = [\"{}\"]\n[intake]\norigins = [\"https://shop.example\"]\n",
        TokenHash::of(TOKEN)
    );
    let brand = BrandFixture {
        access: &access,
        more: "[activation.events.signed_in]",
        ..BrandFixture::at(&workspace)
    };
    let server = ServeProcess::start_limiting(
        &brand,
        &["--requests-per-client", "1", "--behind-proxy", "--allow-private"],
    )
    .await;
    let mut refused = None;
    for _ in 0..40 {
        let (status, after, problem) = takes_part(&server, "203.0.113.7, 192.0.2.1").await;
        if status != 202 {
            refused = Some((status, after, problem));
            break;
        }
    }
    let (status, after, problem) = refused.expect("there is a limit");
    assert_eq!((status, after), (429, Some(1)), "{problem}");
    assert_eq!(problem["type"], "urn:quikly-braze:too-many-requests");

    assert_eq!(takes_part(&server, "192.0.2.2").await.0, 202, "another client is not limited");
    for _ in 0..30 {
        let body = json!({ "q_scope": "spring", "event": "signed_in", "email": "ada@example.com" });
        let answer = server.webhook(Some(&format!("Bearer {TOKEN}")), body.to_string().into_bytes()).await;
        assert_eq!(answer.0, 202, "Braze is not a client that could come again as often as it must");
        assert_eq!(server.send("GET", "/healthz", None, Vec::new()).await.0, 200);
    }
    testkit::eventually_async("the client may retry", LATER, async || {
        (takes_part(&server, "192.0.2.1").await.0 == 202).then_some(())
    })
    .await;
}

#[tokio::test]
async fn strangers_at_the_webhook_have_to_wait_and_do_not_fill_the_log() {
    let workspace = SimProcess::start("0s").await;
    let brand = BrandFixture::with_webhooks(&workspace);
    let server = ServeProcess::start_limiting(&brand, &["--requests-per-client", "1"]).await;
    let body = json!({ "q_scope": "spring", "event": "signed_in", "email": "ada@example.com" });
    let (mut unknown, mut waits) = (0, 0);
    for _ in 0..60 {
        let request = reqwest::Client::new().post(format!("{}/webhook/braze", server.url));
        let answer = request.bearer_auth("qb_guessed").body(body.to_string()).send().await.unwrap();
        match answer.status().as_u16() {
            401 => unknown += 1,
            429 => {
                assert!(answer.headers().contains_key("retry-after"));
                waits += 1;
            }
            other => panic!("{other}"),
        }
        let known = server.webhook(Some(&format!("Bearer {TOKEN}")), body.to_string().into_bytes()).await;
        assert_eq!(known.0, 202, "a known token never waits");
    }
    assert!(waits > 0 && unknown >= 10, "{unknown} were unknown, {waits} had to wait");
    server.logs_times(unknown, r#"event="intake.webhook_refused""#).await;
    let (_, _, health) = server.send("GET", "/healthz", None, Vec::new()).await;
    assert_eq!(health["webhooks"]["refused"]["too-many-requests"], waits);
}
