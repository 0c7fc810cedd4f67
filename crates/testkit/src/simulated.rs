//! Simulated workspaces without a socket.

use std::collections::HashMap;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use braze::{Transport, TransportError};
use bytes::Bytes;
use http::{Request, Response};
use tower::ServiceExt;

/// A transport to workspaces in the same process. Each has the port of an endpoint on which nothing listens.
pub struct InProcess(HashMap<u16, Router>);

impl InProcess {
    /// A transport to one workspace, at the endpoint `http://127.0.0.1:1`.
    #[must_use]
    pub fn to(workspace: Router) -> Self {
        Self(HashMap::from([(1, workspace)]))
    }

    /// Adds another workspace at another port.
    #[must_use]
    pub fn and(mut self, port: u16, workspace: Router) -> Self {
        self.0.insert(port, workspace);
        self
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let nobody = || TransportError::NotSent("nobody listens".to_owned());
        let workspace =
            request.uri().port_u16().and_then(|port| self.0.get(&port)).ok_or_else(nobody)?.clone();
        let response = workspace.oneshot(request.map(Body::from)).await.map_err(|_| nobody())?;
        let (head, body) = response.into_parts();
        let body =
            to_bytes(body, usize::MAX).await.map_err(|error| TransportError::Lost(error.to_string()))?;
        Ok(Response::from_parts(head, body))
    }
}
