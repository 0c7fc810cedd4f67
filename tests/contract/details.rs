//! The details of a participation by number, until its consumer has confirmed.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use domain::decide::Step;
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use domain::participation::{Outcome, Participation};
use http::Request;
use memory::{Faults, Memory};
use ports::store::Saved;
use serde_json::{Value, json};
use testkit::brand_text::BrandText;
use tower::ServiceExt;

use crate::Ports;

const PHONE: &str = "+13135550100";

/// Intake over a store, and requests for one number.
struct NumberRequests {
    ports: Ports,
    routes: Router,
}

impl NumberRequests {
    fn over(ports: Ports) -> Self {
        let acme = BrandText::acme().with("[intake]\nopen_to_anybody = true");
        let brands = acme.activation("spring").sms("opt_in = \"single\"\nincentive = \"first\"");
        let brands = Arc::new(brands.first("first", 5, "reward = \"A\"").brands());
        let secrets = Arc::new(Memory::new(1, Faults::none(), ports.clock.clone()));
        let routes = intake::router(ports.under_intake(secrets), brands, IdKey::new([7; 32]));
        Self { ports, routes }
    }

    async fn post(&self, email: &str, text_id: &str) -> Value {
        let body = json!({ "scope": "spring", "phone": PHONE, "email": email, "consent": true, "consent_text_id": text_id });
        let request = Request::post("/participations").header("content-type", "application/json");
        self.ask(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn shown(&self, id: ParticipationId) -> Value {
        self.ask(Request::get(format!("/participations/{id}")).body(Body::empty()).unwrap()).await
    }

    async fn ask(&self, request: Request<Body>) -> Value {
        let Ok(answer) = self.routes.clone().oneshot(request).await;
        assert!(answer.status().is_success(), "{}", answer.status());
        let bytes = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn stored(&self, id: ParticipationId) -> Participation {
        self.ports.store.get(&[id]).await.unwrap().found.pop().unwrap()
    }

    async fn first(&self) -> ParticipationId {
        let answer = self.post("eve@example.com", "v1").await;
        ParticipationId::parse(answer["id"].as_str().unwrap()).unwrap()
    }
}

fn email(participation: &Participation) -> &str {
    participation.email().unwrap().as_str()
}

pub(crate) async fn the_latest_details_count_and_equal_ones_are_not_written_again(ports: Ports) {
    let requests = NumberRequests::over(ports);
    let id = requests.first().await;
    for _ in 0..2 {
        assert_eq!(
            requests.post("ada@example.com", "v2").await,
            json!({ "state": "received", "repeat": true })
        );
        let stored = requests.stored(id).await;
        assert_eq!((email(&stored), stored.version()), ("ada@example.com", 1));
        let text = |consent: &domain::consent::Consent| consent.text_id.clone().unwrap();
        assert_eq!(stored.consent().map(text), Some("v2".to_owned()));
        assert_eq!(stored.replaced().map(|kept| text(&kept.first_consent)), Some("v1".to_owned()));
    }
}

pub(crate) async fn a_worker_that_knows_the_replaced_details_only_saves_nothing(ports: Ports) {
    let requests = NumberRequests::over(ports);
    let id = requests.first().await;
    let mut known = requests.stored(id).await;
    requests.post("ada@example.com", "v1").await;
    known.apply(&Step::Done(Outcome::Credited), requests.ports.now());
    assert_eq!(requests.ports.store.save(&[known]).await.unwrap(), [Saved::Conflict]);
    assert_eq!(email(&requests.stored(id).await), "ada@example.com");
}

pub(crate) async fn details_stay_once_the_consumer_has_confirmed(ports: Ports) {
    let requests = NumberRequests::over(ports);
    let id = requests.first().await;
    let mut confirmed = requests.stored(id).await;
    confirmed.apply(&Step::Done(Outcome::Credited), requests.ports.now());
    assert_eq!(requests.ports.store.save(&[confirmed]).await.unwrap(), [Saved::Saved]);
    requests.post("ada@example.com", "v2").await;
    let stored = requests.stored(id).await;
    assert_eq!((email(&stored), stored.version()), ("eve@example.com", 1));
    assert!(stored.replaced().is_none());
}

pub(crate) async fn once_details_were_replaced_nothing_that_is_won_is_shown_without_a_signature(
    ports: Ports,
) {
    let requests = NumberRequests::over(ports);
    let id = requests.first().await;
    assert!(requests.shown(id).await.get("incentive").is_some());
    requests.post("ada@example.com", "v1").await;
    let shown = requests.shown(id).await;
    let names: Vec<&String> = shown.as_object().unwrap().keys().collect();
    let expected = ["accepted_at", "credited", "final", "id", "next_ms", "outcome", "state", "updated_at"];
    assert_eq!(names, expected);
}
