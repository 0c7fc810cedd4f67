//! The consent of `POST /participations`: what suffices is stored, everything else is refused, and a repeated request withdraws it.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand::SecretRef;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::consent::{Consent, ConsentProgress, TextHash};
use domain::contact::{Contact, Email, Phone};
use domain::id_key::IdKey;
use domain::ids::Scope;
use domain::participation::Participation;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http::request::Builder;
use intake::{IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use ports::{Clock, Store};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "whsec_c2lnbmVkLWJ5LXF1aWtseS1hbmQtYnJhemU=";
const WORDING: &str = "I agree to get e-mails.";
const ADA: &str = "ada@example.com";
const PHONE: &str = "+13135550100";

struct ConsentFront {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
    signs: bool,
}

const EMAIL_REQUIRED: &str = "email = { email = \"required\" }\n";
const BOTH: &str = "email = { email = \"optional\" }\nsms = { email = \"required\" }\n";

impl ConsentFront {
    /// A front whose activation asks for these consents; for none if there is no text about it.
    fn new(asks: &str) -> Self {
        Self::open(asks, false)
    }

    fn open(asks: &str, signs: bool) -> Self {
        let intake = if signs { "[intake]\nsigning_secret = { env = \"S\" }\n" } else { "" };
        let consent = format!("[activation.consent]\ntexts = {{ v1 = \"{WORDING}\" }}\n{asks}");
        let consent = if asks.is_empty() { String::new() } else { consent };
        let text = format!(
            "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = {{ env = \"K\" }}\n{intake}\
             [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2026-12-01T00:00:00Z\n[activation.email]\n\
             [activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nopt_in = \"single\"\n\
             [activation.attributes]\nname = {{ type = \"text\", required = true }}\n{consent}"
        );
        let clock = Arc::new(TestClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        memory.keep_secret(SecretRef::Env("S".into()), SECRET);
        let deps = IntakeDeps::over(&memory, memory.clone(), clock.clone());
        let brands = read_all(&[BrandFile { name: "acme".into(), text }], &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), id_key()), memory, clock, signs }
    }

    /// Sends a body with the required answer.
    async fn post(&self, mut body: Value) -> (u16, Value) {
        body["attributes"] = json!({ "name": "Ada" });
        self.post_as_is(&body).await
    }

    async fn post_as_is(&self, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let request = Request::post("/participations").header("content-type", "application/json");
        let request = self.signed(request, &body);
        self.answer(request.body(Body::from(body)).unwrap()).await
    }

    async fn show(&self, id: &str) -> Value {
        let path = format!("/participations/{id}");
        let request = self.signed(Request::get(&path), &path);
        self.answer(request.body(Body::empty()).unwrap()).await.1
    }

    fn signed(&self, request: Builder, what: &str) -> Builder {
        if !self.signs {
            return request;
        }
        let seconds = self.clock.now().as_second();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{seconds}.{what}").as_bytes());
        request.header(
            "x-quikly-signature",
            format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes())),
        )
    }

    async fn answer(&self, request: Request<Body>) -> (u16, Value) {
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// The fields at fault, each with its code.
    async fn refused(&self, body: Value) -> Vec<(String, String)> {
        let (status, problem) = self.post(body.clone()).await;
        assert_eq!(status, 422, "{body}");
        let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| (text(error, "field"), text(error, "code"))).collect()
    }

    async fn stored(&self, contact: Contact) -> Option<Participation> {
        let id = id_key().participation(&Scope::parse("spring").unwrap(), &contact);
        self.memory.get(&[id]).await.unwrap().found.pop()
    }

    async fn consent(&self, contact: Contact) -> Option<Consent> {
        self.stored(contact).await.unwrap().consent().cloned()
    }
}

fn id_key() -> IdKey {
    IdKey::new([1; 32])
}

fn ada() -> Contact {
    Contact::Email(Email::parse(ADA).unwrap())
}

fn by_number() -> Contact {
    Contact::Phone { phone: Phone::from_e164(PHONE).unwrap(), email: None }
}

fn by_email(consent: Value) -> Value {
    json!({ "scope": "spring", "email": ADA, "consent": consent })
}

fn by_phone(consent: Value) -> Value {
    json!({ "scope": "spring", "email": ADA, "phone": PHONE, "consent": consent })
}

#[tokio::test]
async fn a_consent_is_stored_with_its_text_and_its_page_without_query() {
    let front = ConsentFront::new(EMAIL_REQUIRED);
    let page = "https://acme.example/spring?email=ada%40example.com#ada";
    let said = json!({ "email": true, "text_id": "v1", "page": page });
    assert_eq!(front.post(by_email(said)).await.0, 202);
    let consent = front.consent(ada()).await.unwrap();
    assert_eq!((consent.given, consent.at), (true, front.clock.now()));
    assert_eq!((consent.text_id.as_deref(), consent.text), (Some("v1"), Some(TextHash::of(WORDING))));
    assert_eq!(consent.page.unwrap().as_str(), "https://acme.example/spring");
    assert_eq!(consent.email.unwrap().progress, ConsentProgress::Pending);
}

#[tokio::test]
async fn true_is_the_short_form_for_the_channel_of_taking_part() {
    let front = ConsentFront::new(BOTH);
    let mut short = by_email(json!(true));
    short["consent_text_id"] = "v1".into();
    assert_eq!(front.post(short).await.0, 202);
    let consent = front.consent(ada()).await.unwrap();
    assert_eq!((consent.given, consent.text), (true, Some(TextHash::of(WORDING))));
    let mut short = by_phone(json!(true));
    short["consent_text_id"] = "v1".into();
    let missing = [("consent".to_owned(), "consent_missing".to_owned())];
    assert_eq!(front.refused(short).await, missing, "it says nothing of the e-mail that is required here");
}

#[tokio::test]
async fn what_does_not_suffice_is_refused_with_the_field_and_a_code() {
    let (required, both, none) =
        (ConsentFront::new(EMAIL_REQUIRED), ConsentFront::new(BOTH), ConsentFront::new(""));
    let codes = |expected: &[(&str, &str)]| -> Vec<(String, String)> {
        expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
    };
    for (front, body, expected) in [
        (&required, json!({ "scope": "spring", "email": ADA }), &[("consent", "consent_missing")][..]),
        (&required, by_email(json!(false)), &[("consent", "consent_missing")]),
        (&required, by_email(json!({ "text_id": "v1" })), &[("consent.email", "consent_missing")]),
        (&required, by_email(json!({ "email": true })), &[("consent.text_id", "consent_text_missing")]),
        (&required, by_email(json!(true)), &[("consent_text_id", "consent_text_missing")]),
        (
            &required,
            by_email(json!({ "email": true, "text_id": "v9" })),
            &[("consent.text_id", "consent_text_unknown")],
        ),
        (
            &required,
            by_email(json!({ "email": true, "sms": true, "text_id": "v1" })),
            &[("consent.sms", "consent_not_asked")],
        ),
        (&both, by_phone(json!({ "email": true, "text_id": "v1" })), &[("consent.sms", "consent_missing")]),
        (&both, by_phone(json!({ "sms": true, "text_id": "v1" })), &[("consent.email", "consent_missing")]),
        (
            &both,
            by_phone(json!({ "sms": true, "email": false, "text_id": "v1" })),
            &[("consent.email", "consent_missing")],
        ),
        (
            &both,
            json!({ "scope": "spring", "phone": PHONE, "consent": { "sms": true, "email": true, "text_id": "v1" } }),
            &[("consent.email", "consent_without_email")],
        ),
        (&none, json!({ "scope": "spring", "phone": PHONE }), &[("consent", "consent_missing")]),
        (
            &none,
            json!({ "scope": "spring", "phone": PHONE, "consent": false }),
            &[("consent", "consent_missing")],
        ),
    ] {
        assert_eq!(front.refused(body.clone()).await, codes(expected), "{body}");
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_refused_field_by_field() {
    let front = ConsentFront::new(BOTH);
    let fields =
        |refused: Vec<(String, String)>| refused.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    for (said, expected) in [
        (json!("yes"), &["consent"][..]),
        (json!([true]), &["consent"]),
        (json!({ "email": "yes", "sms": 1 }), &["consent.email", "consent.sms"]),
        (json!({ "text_id": 7, "page": 7 }), &["consent.page", "consent.text_id"]),
        (json!({ "page": "spring" }), &["consent.page"]),
        (json!({ "page": format!("https://acme.example/{}", "x".repeat(9_000)) }), &["consent.page"]),
        (json!({ "rcs": true }), &["consent.rcs"]),
        (json!({ "text_id": "x".repeat(256) }), &["consent.text_id"]),
    ] {
        let mut refused = fields(front.refused(by_email(said.clone())).await);
        refused.sort();
        assert_eq!(refused, expected, "{said}");
    }
    let mut twice = by_email(json!({ "email": true, "text_id": "v1" }));
    twice["consent_text_id"] = "v1".into();
    assert_eq!(fields(front.refused(twice).await), ["consent_text_id"]);
}

#[tokio::test]
async fn without_a_table_an_object_is_stored_and_nothing_is_to_be_written() {
    let front = ConsentFront::new("");
    let said = json!({ "sms": true, "email": true, "text_id": "any" });
    assert_eq!(front.post(by_phone(said)).await.0, 202);
    let consent = front.consent(by_number()).await.unwrap();
    assert_eq!((consent.given, consent.text, consent.sms), (true, None, None));
    let email = consent.email.unwrap();
    assert_eq!((email.given, email.progress), (true, ConsentProgress::Stored));
}

#[tokio::test]
async fn a_repeated_request_withdraws_a_consent_to_e_mail_and_changes_nothing_else() {
    let front = ConsentFront::new(BOTH);
    let yes = json!({ "email": true, "text_id": "v1" });
    assert_eq!(front.post(by_email(yes.clone())).await.0, 202);
    let before = front.stored(ada()).await.unwrap();
    front.clock.advance(std::time::Duration::from_secs(5));
    let withdrawn = ConsentProgress::Withdrawing { at: front.clock.now() };
    // It needs no answers.
    let (status, told) = front.post_as_is(&by_email(json!({ "email": false }))).await;
    assert_eq!((status, told), (202, json!({ "state": "received", "repeat": true })));
    let after = front.stored(ada()).await.unwrap();
    assert_eq!(after.consent().unwrap().email.unwrap().progress, withdrawn);
    assert_eq!(
        (after.state(), after.earned_at(), after.due_at()),
        (before.state(), before.earned_at(), before.due_at())
    );
    let consent = |participation: &Participation| participation.consent().cloned().unwrap();
    let restored = Consent { email: consent(&before).email, ..consent(&after) };
    assert_eq!(restored, consent(&before), "the proof of the consent stays");
    // Neither a repeat nor a second consent undoes it.
    assert_eq!(front.post(by_email(yes)).await.0, 202);
    assert_eq!(front.post_as_is(&by_email(json!({ "email": false }))).await.0, 202);
    assert_eq!(front.consent(ada()).await.unwrap().email.unwrap().progress, withdrawn);
}

#[tokio::test]
async fn a_consent_is_withdrawn_after_the_activation_has_closed_and_by_number() {
    let front = ConsentFront::new(BOTH);
    let yes = json!({ "sms": true, "email": true, "text_id": "v1" });
    assert_eq!(front.post(by_phone(yes)).await.0, 202);
    front.clock.advance(std::time::Duration::from_secs(60 * 86_400));
    let (status, _) = front.post_as_is(&by_phone(json!({ "email": false }))).await;
    assert_eq!(status, 202);
    let consent = front.consent(by_number()).await.unwrap();
    assert!(matches!(consent.email.unwrap().progress, ConsentProgress::Withdrawing { .. }));
    assert!(consent.given, "the number stays subscribed");
    let stranger = json!({ "scope": "spring", "email": "bob@example.com", "consent": { "email": false } });
    let (status, problem) = front.post_as_is(&stranger).await;
    assert_eq!((status, problem["type"].as_str()), (422, Some("urn:quikly-braze:activation-closed")));
}

#[tokio::test]
async fn a_first_request_that_declines_is_judged_like_any_other() {
    let front = ConsentFront::new(BOTH);
    let (status, problem) = front.post_as_is(&by_email(json!({ "email": false }))).await;
    assert_eq!((status, problem["errors"][0]["code"].as_str()), (422, Some("attribute_missing")));
    assert_eq!(front.post(by_email(json!({ "email": false }))).await.0, 202);
    let email = front.consent(ada()).await.unwrap().email.unwrap();
    assert_eq!((email.given, email.progress), (false, ConsentProgress::Stored));
}

#[tokio::test]
async fn only_a_caller_that_signs_sees_whether_braze_has_the_consent() {
    for (signs, expected) in [(true, json!("pending")), (false, Value::Null)] {
        let front = ConsentFront::open(BOTH, signs);
        let (_, told) = front.post(by_email(json!({ "email": true, "text_id": "v1" }))).await;
        assert_eq!(front.show(told["id"].as_str().unwrap()).await["consent"], expected);
    }
    let front = ConsentFront::open(BOTH, true);
    let body = by_email(json!({ "email": true, "text_id": "v1" }));
    assert_eq!(front.post(body).await.0, 202);
    let unsigned = ConsentFront { signs: false, ..front };
    assert_eq!(unsigned.post_as_is(&by_email(json!({ "email": false }))).await.0, 401, "nor withdraws it");
}
