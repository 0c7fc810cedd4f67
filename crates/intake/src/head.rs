//! Rules for the head of an HTTP/1 request that hyper leaves to its users.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Version, header};

use crate::problem::Problem;

/// The answer to a request whose head breaks a rule; `None` for all other requests. The connection ends with
/// the answer, since it is not clear where the body ends.
///
/// - An HTTP/1.1 request has exactly one `Host`, which names one host (RFC 9112, 3.2).
/// - No transfer coding except `chunked` is decoded here (RFC 9112, 6.1).
#[must_use]
pub fn refused<B>(request: &Request<B>) -> Option<Response> {
    let problem = host(request.version(), request.headers())
        .and_then(|()| transfer_encoding(request.headers()))
        .err()?;
    let mut response = problem.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}

fn host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if names_a_host(host) => Ok(()),
        (Some(_), None) => Err(Problem::bad_head("The Host header must name one host.")),
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (None, _) => Err(Problem::bad_head("The Host header is missing.")),
        (Some(_), Some(_)) => Err(Problem::bad_head("The Host header is repeated.")),
    }
}

/// An empty name is allowed, since a URI without a host has none (RFC 9110, 7.2).
fn names_a_host(host: &HeaderValue) -> bool {
    let authority =
        |text: &str| text.parse::<http::uri::Authority>().is_ok_and(|read| !read.as_str().contains('@'));
    host.to_str().is_ok_and(|text| text.is_empty() || authority(text))
}

fn transfer_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let chunked = |encoding: &HeaderValue| encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    match (encodings.next(), encodings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if chunked(one) => Ok(()),
        (Some(_), _) => Err(Problem::unknown_encoding()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The status of the refusal, if the head is refused.
    fn status(version: Version, headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::post("/participations").version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refused(&request.body(()).unwrap()).map(|response| {
            assert_eq!(response.headers()[header::CONNECTION], "close");
            response.status().as_u16()
        })
    }

    #[test]
    fn a_request_names_one_host() {
        for host in ["promo.example", "promo.example:8080", "[2001:db8::1]:80", ""] {
            assert_eq!(status(Version::HTTP_11, &[("host", host)]), None, "{host}");
        }
        for host in ["a.example, b.example", "user@promo.example", "promo example", "promo.example/path"] {
            assert_eq!(status(Version::HTTP_11, &[("host", host)]), Some(400), "{host}");
        }
        assert_eq!(status(Version::HTTP_11, &[]), Some(400));
        assert_eq!(status(Version::HTTP_10, &[]), None, "HTTP/1.0 does not know it");
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert_eq!(status(version, &[("host", "a.example"), ("host", "a.example")]), Some(400));
        }
    }

    #[test]
    fn a_body_may_be_chunked_and_in_no_other_coding() {
        let host = ("host", "promo.example");
        for encoding in ["chunked", "Chunked", " chunked "] {
            assert_eq!(
                status(Version::HTTP_11, &[host, ("transfer-encoding", encoding)]),
                None,
                "{encoding}"
            );
        }
        for encoding in ["gzip, chunked", "gzip", "chunked, chunked", "identity", "deflate,chunked", ""] {
            assert_eq!(
                status(Version::HTTP_11, &[host, ("transfer-encoding", encoding)]),
                Some(501),
                "{encoding}"
            );
        }
        let twice = [host, ("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")];
        assert_eq!(status(Version::HTTP_11, &twice), Some(501));
    }
}
