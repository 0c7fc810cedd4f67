//! A form that a page posts without a script.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::ids::ParticipationId;
use http::{HeaderMap, Request, StatusCode};
use intake::{Caller, IntakeDeps, Rates, RequestLimits, router};
use memory::{Faults, Memory, TokioClock};
use ports::Store;
use url::form_urlencoded::Serializer;

const BRANDS: [(&str, &str); 2] = [
    (
        "acme",
        r#"
id = "acme"
[braze]
endpoint = "http://127.0.0.1:1"
api_key = { env = "K" }
[intake]
origins = ["https://promo.acme.example"]
open_to_anybody = true
[[activation]]
scope = "spring"
opens = 2026-10-01T00:00:00Z
closes = 2026-12-01T00:00:00Z
[activation.email]
incentive = "first-3"
[activation.attributes]
first_name = { type = "text", max_length = 10, required = true }
age = { type = "number", min = 18 }
likes = { type = "list", choices = ["a", "b"] }
fan = { type = "boolean" }
[[activation.incentive]]
id = "first-3"
kind = "first"
quantity = 3
reward = "SPRING20"
[[activation]]
scope = "over"
opens = 2026-10-01T00:00:00Z
closes = 2026-10-31T00:00:00Z
[activation.email]
"#,
    ),
    (
        "other",
        r#"
id = "other"
[braze]
endpoint = "http://127.0.0.1:1"
api_key = { env = "K" }
[intake]
origins = ["https://promo.other.example"]
"#,
    ),
];

const PAGE: (&str, &str) = ("origin", "https://promo.acme.example");

struct FormFront {
    routes: Router,
    memory: Arc<Memory>,
}

struct PageAnswer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl FormFront {
    fn open() -> Self {
        let clock = Arc::new(TokioClock::at("2026-11-01T00:00:00Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let rates = Rates { posts: NonZeroU32::new(1), ..Rates::NONE };
        let limits = Arc::new(RequestLimits::new(rates));
        let deps = IntakeDeps { limits, ..IntakeDeps::over(&memory, memory.clone(), clock) };
        let files = BRANDS.map(|(name, text)| BrandFile { name: name.into(), text: text.to_owned() });
        let brands = read_all(&files, &AssumePresent).unwrap();
        Self { routes: router(deps, Arc::new(brands), IdKey::new([1; 32])), memory }
    }

    async fn post(&self, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> PageAnswer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request =
            Request::post("/participations").header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.extension(Caller("192.0.2.1".parse().unwrap())).body(Body::from(body)).unwrap();
        let response = tower::ServiceExt::oneshot(self.routes.clone(), request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        PageAnswer { status: parts.status, headers: parts.headers, text }
    }

    fn id(email: &str) -> ParticipationId {
        let contact = domain::contact::Contact::Email(domain::contact::Email::parse(email).unwrap());
        IdKey::new([1; 32]).participation(&domain::ids::Scope::parse("spring").unwrap(), &contact)
    }

    async fn has(&self, email: &str) -> bool {
        !self.memory.get(&[Self::id(email)]).await.unwrap().found.is_empty()
    }
}

fn ada<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let ada = [("scope", "spring"), ("email", "ada@example.com"), ("attributes.first_name", "Ada")];
    ada.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn a_form_takes_part_and_is_answered_with_a_page_that_says_the_place() {
    let front = FormFront::open();
    let answer = front.post(&ada(&[("phone", "")]), &[PAGE]).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert!(
        answer.text.contains("<html lang=\"en\">") && answer.text.contains("Your place: 1"),
        "{}",
        answer.text
    );
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!answer.headers.contains_key("location"), "the id leads to the reward");
    assert!(front.has("ada@example.com").await);
    let again = front.post(&ada(&[]), &[PAGE]).await;
    assert!(again.text.contains("You are in already"), "{}", again.text);
}

#[tokio::test]
async fn answers_have_the_types_that_the_activation_lists() {
    let front = FormFront::open();
    let fields = [
        ("attributes.age", "20"),
        ("attributes.likes", "a"),
        ("attributes.fan", "on"),
        ("consent.text_id", ""),
    ];
    let answer = front.post(&ada(&fields), &[PAGE]).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let stored = front.memory.get(&[FormFront::id("ada@example.com")]).await.unwrap().found.remove(0);
    // Attributes do not print what a consumer said, but they print its type.
    let kept = format!("{:?}", stored.attributes());
    for typed in ["\"age\": Integer", "\"likes\": List", "\"fan\": Boolean", "\"first_name\": Text"] {
        assert!(kept.contains(typed), "{typed}: {kept}");
    }
}

#[tokio::test]
async fn each_mistake_is_named_in_the_readers_language_and_nothing_is_repeated() {
    let front = FormFront::open();
    let hostile = "<script>alert(1)</script>";
    let fields = [("scope", "spring"), ("email", hostile), ("attributes.age", "ten"), (hostile, "x")];
    let answer = front.post(&fields, &[PAGE, ("accept-language", "fr-CA,fr;q=0.9,en;q=0.8")]).await;
    assert_eq!(answer.status, 422);
    for part in [
        "<html lang=\"fr\">",
        "<b>Adresse e-mail</b>",
        "<b>first name</b>: Ce champ est nécessaire.",
        "<b>age</b>",
    ] {
        assert!(answer.text.contains(part), "{part}: {}", answer.text);
    }
    assert!(!answer.text.contains("<script>") && !answer.text.contains("alert"), "{}", answer.text);
    let named = front.post(&[("scope", "over"), ("email", "ada@example.com"), ("lang", "en")], &[PAGE]).await;
    assert!(named.text.contains("This one is over"), "the form's language counts: {}", named.text);
}

#[tokio::test]
async fn only_a_page_of_the_brand_may_post_a_form() {
    let front = FormFront::open();
    let none: &[(&str, &str)] = &[];
    for headers in [
        none,
        &[("origin", "https://evil.example")],
        &[("origin", "https://promo.other.example")],
        &[("origin", "null")],
        &[("origin", "https://evil.example"), ("referer", "https://promo.acme.example/spring")],
        &[("referer", "https://promo.acme.example.evil.example/spring")],
    ] {
        let answer = front.post(&ada(&[]), headers).await;
        assert_eq!(answer.status, 403, "{headers:?}: {}", answer.text);
    }
    assert!(!front.has("ada@example.com").await);
    let referred = front.post(&ada(&[]), &[("referer", "https://promo.acme.example/spring?x=1")]).await;
    assert_eq!(referred.status, 202, "{}", referred.text);
}

#[tokio::test]
async fn a_form_leads_to_a_page_of_the_brand_and_to_no_other() {
    let front = FormFront::open();
    for elsewhere in [
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "https://promo.acme.example@evil.example/",
    ] {
        let answer = front.post(&ada(&[("return_to", elsewhere)]), &[PAGE]).await;
        assert_eq!(answer.status, 422, "{elsewhere}");
        assert!(!answer.headers.contains_key("location"));
    }
    assert!(!front.has("ada@example.com").await, "what cannot be answered is not stored");
    let thanks = "https://promo.acme.example/thanks?from=form";
    let answer = front.post(&ada(&[("return_to", thanks)]), &[PAGE]).await;
    assert_eq!(
        (answer.status, answer.headers["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, thanks)
    );
}

#[tokio::test]
async fn whoever_posts_too_often_gets_a_page_that_says_when_to_come_back() {
    let front = FormFront::open();
    let mut last = front.post(&ada(&[]), &[PAGE]).await;
    for _ in 0..20 {
        last = front.post(&ada(&[]), &[PAGE]).await;
    }
    assert_eq!(last.status, 429);
    assert!(
        last.headers.contains_key("retry-after") && last.text.contains("Load this page again"),
        "{}",
        last.text
    );
}
