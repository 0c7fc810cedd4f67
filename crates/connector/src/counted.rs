//! Counts requests to Braze.

use std::sync::Arc;

use async_trait::async_trait;
use braze::{Transport, TransportError};
use bytes::Bytes;
use domain::ids::BrandId;
use http::{Request, Response, StatusCode};
use metrics::{Counters, Metric};

/// A transport that counts a brand's requests to Braze.
pub(crate) struct Counted {
    pub(crate) way: Arc<dyn Transport>,
    pub(crate) brand: BrandId,
    pub(crate) counters: Arc<Counters>,
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let answer = self.way.send(request).await;
        let count = |metric| self.counters.count(metric, Some(&self.brand), 1);
        count(Metric::BrazeCalls);
        match answer.as_ref().map(Response::status) {
            Ok(StatusCode::TOO_MANY_REQUESTS) => count(Metric::BrazeThrottled),
            Ok(status) if !status.is_server_error() => {}
            Ok(_) | Err(_) => count(Metric::BrazeFailed),
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the status that the path names, or does not answer.
    struct ByPath;

    #[async_trait]
    impl Transport for ByPath {
        async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            let lost = || TransportError::Lost("no answer".to_owned());
            let status = request.uri().path().trim_matches('/').parse::<u16>().map_err(|_| lost())?;
            Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
        }
    }

    #[tokio::test]
    async fn requests_to_braze_are_counted_for_their_brand_by_what_came_of_them() {
        let (counters, brand) = (Arc::new(Counters::default()), BrandId::parse("acme").unwrap());
        let way = Counted { way: Arc::new(ByPath), brand: brand.clone(), counters: counters.clone() };
        for path in ["/200", "/429", "/503", "/400", "/lost"] {
            let _answer = way.send(Request::get(path).body(Bytes::new()).unwrap()).await;
        }
        let taken = counters.take();
        let counted = [Metric::BrazeCalls, Metric::BrazeThrottled, Metric::BrazeFailed];
        assert_eq!(counted.map(|metric| taken.of_brand(metric, &brand)), [5, 1, 2]);
    }
}
