//! Bodies that a handler did not read. A client that gets an answer before its body has arrived still sends
//! the body. If the connection were closed then, the client could lose the answer and its next request (RFC
//! 9112, 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::{Frame, SizeHint};
use tokio::sync::oneshot;

use crate::body::{LARGEST_DISCARDED, discard};

/// Lends a request's body to its handler.
pub(crate) fn lend(request: Request) -> (Request, LentBody) {
    let (head, body) = request.into_parts();
    let worth_reading = is_worth_reading(&head.headers);
    let (back, left) = oneshot::channel();
    let lent = Lent { body: Some(body), back: Some(back) };
    (Request::from_parts(head, Body::new(lent)), LentBody { left, worth_reading })
}

/// A body that a handler has.
pub(crate) struct LentBody {
    left: oneshot::Receiver<Body>,
    worth_reading: bool,
}

impl LentBody {
    /// Reads and drops what the handler left of the body, if it is not too large. If it is, the answer says that the connection ends.
    pub(crate) async fn discarded(self, mut response: Response) -> Response {
        let Ok(left) = self.left.await else { return response };
        let given_up =
            matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE);
        if left.is_end_stream() || (self.worth_reading && !given_up && Box::pin(discard(left)).await) {
            return response;
        }
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// A client that waits for `100 Continue` has not sent its body and need not send it. A body announced as too
/// large is not worth waiting for.
fn is_worth_reading(headers: &HeaderMap) -> bool {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    !headers.contains_key(header::EXPECT) && announced.is_none_or(|length| length <= LARGEST_DISCARDED)
}

/// A body that returns to its owner when the borrower drops it.
struct Lent {
    body: Option<Body>,
    back: Option<oneshot::Sender<Body>>,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            let _nobody_waits = back.send(body);
        }
    }
}
