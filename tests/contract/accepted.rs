//! Every participation that intake answers with 202 can be stored, read back, shown, processed to an end, and erased.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use braze_sim::{Settings, Workspace};
use connector::Connector;
use domain::brand::{Brands, SecretRef};
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use memory::{Faults, Memory};
use serde_json::{Value, json};
use testkit::bodies::{Bodies, example_phones};
use testkit::brand_text::BrandText;
use testkit::simulated::InProcess;
use testkit::start;
use tower::ServiceExt;

use crate::Ports;
use crate::left_open::{Listens, without_limits};
use crate::spoiler::Spoiler;

const TOKEN: &str = "qb_accepted";
const SECRET: &str = "whsec_c2lnbmVkLWJ5LXF1aWtseS1hbmQtYnJhemU=";

/// The seed of the random bodies. The fuzzer uses others.
const SEED: u64 = 13;

fn brands() -> Brands {
    let first = "incentive = \"first\"";
    let acme = BrandText::acme().with("settle = \"1s\"\nlimits = { export_ids_per_minute = 100000 }");
    let acme = acme.with("[intake]\nsigning_secret = { env = \"SIGNING\" }");
    let spring = acme.webhook(TOKEN).activation("spring").email(first);
    let spring = spring.sms("regions = \"any\"\nfixed_lines = true\nopt_in = \"single\"").with(first);
    let spring = spring.event("signed_in", first).with("extras = [\"store\", \"n\"]");
    spring.first("first", 20, "reward = \"A\"").brands()
}

struct Whole {
    ports: Ports,
    routes: Router,
    connector: Connector,
}

impl Whole {
    fn over(ports: Ports) -> Self {
        let brands = Arc::new(brands());
        let secrets = Arc::new(Memory::new(1, Faults::none(), ports.clock.clone()));
        secrets.keep_secret(SecretRef::Env("KEY".into()), "key");
        secrets.keep_secret(SecretRef::Env("SIGNING".into()), SECRET);
        let id_key = IdKey::new([7; 32]);
        let deps = ports.under_intake(secrets.clone());
        let routes = intake::router(deps, brands.clone(), id_key.clone());
        let workspace = Settings { subscription_groups: vec!["g-1".into()], ..without_limits() };
        let transport = Arc::new(InProcess::to(Workspace::starting_at(workspace, start()).router()));
        let deps = ports.under_a_connector(secrets, transport, Arc::new(Listens));
        let connector = Connector::new(deps, brands, id_key);
        Self { ports, routes, connector }
    }

    async fn ask(&self, request: Request<Body>) -> (u16, Value) {
        let Ok(answer) = self.routes.clone().oneshot(request).await;
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body(), 1024 * 1024).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// A caller that signs may send any attribute.
    fn signature(&self, body: &str) -> String {
        let seconds = self.ports.now().as_second();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{seconds}.{body}").as_bytes());
        format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
    }

    /// The id of the accepted participation; `None` when the body was refused, which is allowed.
    async fn post(&self, path: &str, body: &Value) -> Option<ParticipationId> {
        let text = body.to_string();
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("x-quikly-signature", self.signature(&text))
            .body(Body::from(text));
        let (status, answer) = self.ask(request.unwrap()).await;
        assert!(status == 202 || (400..500).contains(&status), "{body}: {status} {answer}");
        if status != 202 {
            return None;
        }
        answer["id"].as_str().map(|id| ParticipationId::parse(id).unwrap())
    }

    async fn shown(&self, id: ParticipationId) -> Value {
        let request = Request::get(format!("/participations/{id}")).body(Body::empty());
        let (status, answer) = self.ask(request.unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn has_ended(&self, ids: &[ParticipationId]) -> bool {
        for some in ids.chunks(100) {
            let read = self.ports.store.get(some).await.unwrap();
            assert!(read.unreadable.is_empty() && read.found.len() == some.len(), "{:?}", read.unreadable);
            if read.found.iter().any(|one| !one.state().is_end() || one.due_at().is_some()) {
                return false;
            }
        }
        true
    }
}

/// Example numbers, and numbers of unusual lengths.
fn phones() -> Vec<String> {
    let unusual = ["+49576164841893011", "+4957616484189301", "+431115", "+2908456"].map(str::to_owned);
    unusual.into_iter().chain(example_phones()).collect()
}

fn attributes() -> Value {
    json!({
        "text": "Zoë \"quoted\" \\ \u{1F600}", "empty": "", "whole": i64::MIN, "large": u64::MAX, "small": 5e-324,
        "huge": 1.7e308, "minus": -0.0, "yes": true, "no": false,
    })
}

fn bodies() -> Vec<(&'static str, Value)> {
    let mut bodies = Vec::new();
    let mut take_part = |body: Value| bodies.push(("/participations", body));
    for phone in phones() {
        take_part(json!({ "scope": "spring", "phone": phone, "consent": true }));
    }
    let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(60));
    for email in [
        "ada@example.com",
        " Grace@EXAMPLE.com ",
        "\"grace hopper\"@example.com",
        "o'brien+tag@sub.example.co.uk",
        "用户@例え.example",
        "ada@bücher.example",
        "ada@xn--bcher-kva.example",
        "zoe\u{308}@example.com",
        "x@[192.0.2.1]",
        "ada@localhost",
        &long,
    ] {
        take_part(json!({ "scope": "spring", "email": email, "attributes": attributes() }));
        take_part(json!({
            "scope": "spring", "phone": "+13135550199", "email": email, "consent": true, "consent_text_id": "v1",
        }));
    }
    for (number, value) in attributes().as_object().unwrap().values().enumerate() {
        let email = format!("kind{number}@example.com");
        take_part(json!({ "scope": "spring", "email": email, "attributes": { "only": value } }));
    }
    for (number, named) in [
        json!({}),
        json!({ "external_id": "u-1" }),
        json!({ "external_id": " ", "braze_id": "b-1" }),
        json!({ "external_id": "null", "sent_at": "1795000000" }),
        json!({ "sent_at": "2026-11-23T16:57:00Z", "store": "Zürich", "n": 7 }),
        json!({ "sent_at": 1_795_000_000, "store": "", "other": ["x"], "n": 1.5 }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body =
            json!({ "q_scope": "spring", "event": "signed_in", "email": format!("w{number}@example.com") });
        body.as_object_mut().unwrap().extend(named.as_object().unwrap().clone());
        bodies.push(("/webhook/braze", body));
    }
    bodies
}

/// The bodies that are posted to a store: an example of everything, and random ones. A request to an emulator takes a while, so there
/// every seventh example stands for all; unusual ones are always posted.
fn posted(spoiler: &Spoiler) -> Vec<(&'static str, Value)> {
    let (step, drawn) = match spoiler {
        Spoiler::Memory(_) => (1, 2_000),
        Spoiler::File(_) => (1, 1_000),
        Spoiler::Tables(_) => (7, 120),
    };
    let unusual =
        |body: &Value| body["phone"].as_str().is_none_or(|phone| phone.len() > 16 || phone.len() < 9);
    let examples = bodies().into_iter().enumerate();
    let examples = examples.filter(|(number, (_, body))| number % step == 0 || unusual(body));
    examples.map(|(_, example)| example).chain(Bodies::of(SEED).take(drawn)).collect()
}

pub(crate) async fn whatever_is_accepted_can_be_read_shown_ended_and_erased(ports: Ports) {
    let posted = posted(&ports.spoiler);
    let whole = Whole::over(ports);
    let mut ids = BTreeSet::new();
    for (path, body) in posted {
        ids.extend(whole.post(path, &body).await);
    }
    let ids: Vec<ParticipationId> = ids.into_iter().collect();
    assert!(ids.len() >= 80, "only {} were accepted", ids.len());
    for id in &ids {
        whole.shown(*id).await;
    }
    for _minute in 0..240 {
        if whole.has_ended(&ids).await {
            break;
        }
        whole.connector.tick().await.unwrap();
        whole.ports.clock.advance(Duration::from_secs(60));
    }
    assert!(whole.has_ended(&ids).await, "some flow does not end");
    for id in &ids {
        let state = whole.shown(*id).await["state"].as_str().unwrap().to_owned();
        assert!(["enrolled", "credited", "unverified", "rejected", "failed"].contains(&&*state), "{state}");
    }
    let Some(operations) = whole.ports.operations.clone() else { return };
    for id in &ids {
        let forgotten =
            operations.forget_participation(*id, &IdKey::new([7; 32]), whole.ports.now()).await.unwrap();
        assert_eq!(forgotten.participations, 1);
        let left = whole.ports.store.get(&[*id]).await.unwrap().found.remove(0);
        assert_eq!(left.contact(), None);
        whole.shown(*id).await;
    }
}
