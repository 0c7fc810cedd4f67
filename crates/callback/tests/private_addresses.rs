//! Callbacks arrive at a real socket, or are kept from it.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use bytes::Bytes;
use callback::{Addresses, CallbackError, CallbackTransport, HttpCallbacks, Signed, SigningSecret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// Answers one request with this response head, and returns what it read.
async fn endpoint(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = vec![0; 4_096];
        let length = stream.read(&mut read).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&read[..length]).into_owned()
    });
    (port, served)
}

fn signed(url: &str) -> Signed {
    let url = Url::parse(url).unwrap();
    Signed::new(&url, &SigningSecret::new("secret"), "msg-1", 1, Bytes::from_static(b"{}")).unwrap()
}

#[tokio::test]
async fn a_private_address_is_not_called_however_it_is_written() {
    let transport = HttpCallbacks::new().unwrap();
    let (port, served) = endpoint("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"] {
        let sent = transport.send(&signed(&format!("http://{host}:{port}/")), Addresses::Public).await;
        assert!(matches!(sent, Err(CallbackError::Private)), "{host}: {sent:?}");
    }
    assert!(!served.is_finished(), "nobody connected");
}

#[tokio::test]
async fn a_callback_to_an_allowed_address_arrives_signed() {
    let transport = HttpCallbacks::new().unwrap();
    let (port, served) = endpoint("HTTP/1.1 204 No Content\r\n\r\n").await;
    let url = format!("http://127.0.0.1:{port}/hook");
    assert_eq!(transport.send(&signed(&url), Addresses::Any).await.unwrap(), 204);
    let request = served.await.unwrap();
    assert!(request.starts_with("POST /hook HTTP/1.1"), "{request}");
    assert!(request.contains("webhook-signature: v1,"), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let transport = HttpCallbacks::new().unwrap();
    let (port, _served) =
        endpoint("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(transport.send(&signed(&url), Addresses::Any).await.unwrap(), 302);
}
