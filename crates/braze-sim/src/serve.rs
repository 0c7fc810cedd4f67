//! A workspace's routes, and how they are served on a socket. Hyper is used directly, because a fault may close a connection without an
//! answer.

use std::convert::Infallible;
use std::future::Future;
use std::io;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::rest::DropConnection;
use crate::workspace::Workspace;
use crate::{actions, inspect, rest};

impl Workspace {
    /// The workspace's routes: Braze's own, and those under `/_sim` that show it, control it, and act for consumers.
    pub fn router(&self) -> axum::Router {
        rest::routes(self.clone()).merge(inspect::routes(self.clone())).merge(actions::routes(self.clone()))
    }
}

/// Serves until `shutdown` ends. Requests in progress are still answered.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    workspace: Workspace,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let routes = workspace.router();
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            () = &mut shutdown => break,
        };
        let _slower = stream.set_nodelay(true);
        let routes = routes.clone();
        let service = service_fn(move |request: Request<Incoming>| answer(routes.clone(), request));
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            let _closed = watched.await;
        });
    }
    graceful.shutdown().await;
    Ok(())
}

/// The connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped as a fault")]
struct ConnectionDropped;

async fn answer(
    routes: axum::Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, ConnectionDropped> {
    let answered: Result<Response<Body>, Infallible> = routes.oneshot(request).await;
    match answered {
        Ok(response) if response.extensions().get::<DropConnection>().is_some() => Err(ConnectionDropped),
        Ok(response) => Ok(response),
        Err(impossible) => match impossible {},
    }
}
