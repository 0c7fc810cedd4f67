//! What cannot be stored is answered so that it comes again: Braze repeats a 503, and drops every other refusal for good.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;

use axum::body::Body;
use domain::brand_file::{AllThere, BrandFile, read_all};
use domain::identity::IdKey;
use domain::token::TokenHash;
use http::{Request, StatusCode};
use intake::{Outside, router};
use memory::{Faults, Memory, TokioClock};
use tower::ServiceExt;

fn brand() -> BrandFile {
    let hash = TokenHash::of("qb_1");
    let text = format!(
        "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n[webhook]\ntokens_sha256 = [\"{hash}\"]\n\
         [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n[activation.email]\n\
         [activation.events.signed_in]\n"
    );
    BrandFile { name: "acme".into(), text }
}

async fn post(faults: Faults, path: &str, body: &'static str) -> (StatusCode, Option<String>) {
    let memory = Arc::new(Memory::new(1, faults, Arc::new(TokioClock::start())));
    let outside = Outside {
        store: memory.clone(),
        ledger: memory.clone(),
        queues: memory.clone(),
        secrets: memory.clone(),
        clock: Arc::new(TokioClock::start()),
    };
    let brands = Arc::new(read_all(&[brand()], &AllThere).unwrap());
    let request = Request::post(path)
        .header("content-type", "application/json")
        .header("authorization", "Bearer qb_1")
        .body(Body::from(body))
        .unwrap();
    let answer = router(outside, brands, IdKey::new([1; 32])).oneshot(request).await.unwrap();
    let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status(), retry_after)
}

#[tokio::test]
async fn what_cannot_be_stored_is_to_be_sent_again() {
    let failing = || Faults { write_fails: 1.0, ..Faults::none() };
    for (path, body) in [
        ("/webhook/braze", r#"{"q_scope":"spring","event":"signed_in","email":"ada@example.com"}"#),
        ("/participations", r#"{"scope":"spring","email":"ada@example.com"}"#),
    ] {
        let again = Some("5".to_owned());
        assert_eq!(post(failing(), path, body).await, (StatusCode::SERVICE_UNAVAILABLE, again), "{path}");
        assert_eq!(post(Faults::none(), path, body).await, (StatusCode::ACCEPTED, None), "{path}");
    }
}
