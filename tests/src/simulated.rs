//! A simulated workspace without a socket.

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use braze::{Transport, TransportError};
use bytes::Bytes;
use http::{Request, Response};
use tower::ServiceExt;

/// The way to a workspace in the same process.
pub struct InProcess(pub Router);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let answered = self.0.clone().oneshot(request.map(Body::from)).await;
        let response = answered.map_err(|_| TransportError::NotSent("no route".to_owned()))?;
        let (head, body) = response.into_parts();
        let body =
            to_bytes(body, usize::MAX).await.map_err(|error| TransportError::Lost(error.to_string()))?;
        Ok(Response::from_parts(head, body))
    }
}
