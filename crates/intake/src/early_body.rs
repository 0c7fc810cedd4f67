//! Bodies that arrived together with the head of their request.
//!
//! hyper reads a body only once the handler has asked for it, and it checks for that between two polls of the handler. So a handler has to be polled
//! twice, and the task that wakes itself for the second poll makes Tokio wake another thread. If the body is asked for before the request is handled,
//! what has arrived is there at the first poll.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use http::{Request, header};
use http_body::Frame;

/// Asks for the body of a request whose head hyper has just read. Call it before the first poll of the handler.
pub fn with_early_body<B>(request: Request<B>) -> Request<Body>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    // A client that waits for `100 Continue` gets it only if a handler wants the body.
    let may_ask = !request.headers().contains_key(header::EXPECT);
    request.map(|body| {
        let mut body = Body::new(body);
        if !may_ask || body.is_end_stream() {
            return body;
        }
        match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => body,
            Poll::Ready(frame) => Body::new(EarlyBody { first: Some(frame), rest: body }),
        }
    })
}

/// A body whose first frame was there when it was asked for.
struct EarlyBody {
    /// The first frame or the end, until it is read.
    first: Option<Option<Result<Frame<Bytes>, axum::Error>>>,
    rest: Body,
}

impl HttpBody for EarlyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(first),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::to_bytes;
    use futures::{StreamExt, stream};

    use super::*;

    /// A body that counts its polls.
    fn counted(polls: &Arc<AtomicUsize>, content: Vec<Poll<&'static str>>) -> Body {
        let (polls, mut content) = (polls.clone(), content.into_iter());
        Body::from_stream(stream::poll_fn(move |context| {
            polls.fetch_add(1, Ordering::Relaxed);
            match content.next() {
                Some(Poll::Ready(text)) => Poll::Ready(Some(Ok::<_, axum::Error>(Bytes::from(text)))),
                Some(Poll::Pending) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(None),
            }
        }))
    }

    #[tokio::test]
    async fn a_body_is_asked_for_at_once_and_read_from_its_beginning() {
        for content in [
            vec![Poll::Pending, Poll::Ready("a"), Poll::Ready("b")],
            vec![Poll::Ready("a"), Poll::Ready("b")],
        ] {
            let polls = Arc::default();
            let request = with_early_body(Request::new(counted(&polls, content)));
            assert_eq!(polls.load(Ordering::Relaxed), 1);
            assert!(!request.body().is_end_stream());
            assert_eq!(to_bytes(request.into_body(), 10).await.unwrap(), "ab");
        }
    }

    #[tokio::test]
    async fn an_empty_body_ends_and_is_not_read_beyond_its_end() {
        let polls = Arc::default();
        let body = with_early_body(Request::new(counted(&polls, Vec::new()))).into_body();
        assert!(body.into_data_stream().next().await.is_none());
        assert_eq!(polls.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_client_that_waits_for_permission_is_not_given_it_before_a_handler_wants_the_body() {
        let polls = Arc::default();
        let waits = Request::builder().header(header::EXPECT, "100-continue");
        let _request = with_early_body(waits.body(counted(&polls, vec![Poll::Ready("a")])).unwrap());
        assert_eq!(polls.load(Ordering::Relaxed), 0);
    }
}
