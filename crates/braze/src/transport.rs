//! Sends requests to Braze.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};

/// The largest answer that is read, in bytes. A profile is a few kilobytes.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Carries one request and returns its answer.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`TransportError`] says whether Braze can have received the request.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Braze cannot have received the request.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Braze may have received the request and acted on it.
    #[error("answer lost: {0}")]
    Lost(String),
}

/// How long to wait for Braze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The time for a connection.
    pub connect: Duration,
    /// The time for the whole request.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 5 s to connect, 30 s in all.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(30) }
    }
}

/// Sends requests over HTTP, with TLS by rustls, and keeps connections open.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// Makes a transport with these time-outs. It follows no redirects, so that a key goes only to the host
    /// it is meant for.
    ///
    /// # Errors
    /// When the machine's TLS roots cannot be read.
    pub fn new(timeouts: Timeouts) -> Result<Self, TransportError> {
        let client = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("quikly-braze/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| TransportError::NotSent(cause(&error)))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request =
            reqwest::Request::try_from(request).map_err(|error| TransportError::NotSent(cause(&error)))?;
        let mut answer = self.client.execute(request).await.map_err(classify)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| TransportError::Lost(cause(&error)))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(TransportError::Lost("the answer is over 8 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        *response.body_mut() = body.freeze();
        Ok(response)
    }
}

/// Only a connection that was never made proves that Braze did not receive the request.
fn classify(error: reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(cause(&error))
    } else {
        TransportError::Lost(cause(&error))
    }
}

/// The innermost cause, without the URL.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const MEBIBYTE: usize = 1024 * 1024;

    /// Serves an answer of this many mebibytes without announcing its length, and returns what the transport
    /// makes of it.
    async fn answered(mebibytes: usize) -> Result<Response<Bytes>, TransportError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/users/export/ids", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _request = stream.read(&mut [0; 4_096]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await.unwrap();
            for _ in 0..mebibytes {
                if stream.write_all(&vec![b' '; MEBIBYTE]).await.is_err() {
                    return;
                }
            }
        });
        let transport = HttpTransport::new(Timeouts::default()).unwrap();
        transport.send(Request::get(url).body(Bytes::new()).unwrap()).await
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_abandoned_with_a_clear_message() {
        assert_eq!(answered(8).await.unwrap().body().len(), LARGEST_ANSWER);
        let error = answered(9).await.unwrap_err();
        assert_eq!(error.to_string(), "answer lost: the answer is over 8 MiB");
    }
}
