//! What the public can see of a raffle, however many take part.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::award::Resolution;
use domain::brand::Brands;
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::ids::{IncentiveId, LedgerKey, ParticipationId, Scope};
use domain::ledger::Rules;
use http::{Request, StatusCode};
use intake::{IntakeDeps, router};
use memory::{Faults, Memory, TestClock};
use ports::{Clock, Ledger};
use serde_json::Value;
use tower::ServiceExt;

const RAFFLE: &str = "id = \"acme\"\n[braze]\nendpoint = \"http://127.0.0.1:1\"\napi_key = { env = \"K\" }\n\
    [[activation]]\nscope = \"spring\"\nopens = 2020-01-01T00:00:00Z\ncloses = 2100-01-01T00:00:00Z\n\
    [activation.email]\nincentive = \"trip\"\n\
    [[activation.incentive]]\nid = \"trip\"\nkind = \"raffle\"\nquantity = 3\nreward = \"TRIP\"\n\
    closes = 2026-11-24T00:00:00Z\n";

struct Raffle {
    routes: Router,
    memory: Arc<Memory>,
    clock: Arc<TestClock>,
    brands: Arc<Brands>,
    id_key: IdKey,
}

impl Raffle {
    fn new() -> Self {
        let clock = Arc::new(TestClock::at("2026-11-23T16:57:37Z".parse().unwrap()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let brand = BrandFile { name: "acme".into(), text: RAFFLE.into() };
        let brands = Arc::new(read_all(&[brand], &AssumePresent).unwrap());
        let deps = IntakeDeps::over(&memory, memory.clone(), clock.clone());
        let id_key = IdKey::new([1; 32]);
        let routes = router(deps, brands.clone(), id_key.clone());
        Self { routes, memory, clock, brands, id_key }
    }

    /// This many participations are entered and credited; then the raffle is drawn.
    async fn draw_among(&self, lots: usize) {
        let ledger = LedgerKey {
            scope: Scope::parse("spring").unwrap(),
            incentive: Some(IncentiveId::parse("trip").unwrap()),
        };
        let rules = Rules::of(self.brands.iter().next().unwrap(), &ledger, &self.id_key);
        for number in 0..lots {
            let body = format!(r#"{{"scope":"spring","email":"c{number}@example.com"}}"#);
            let request = Request::post("/participations").header("content-type", "application/json");
            let answer = self.routes.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
            assert_eq!(answer.status(), StatusCode::ACCEPTED);
            let body: Value =
                serde_json::from_slice(&to_bytes(answer.into_body(), 10_000).await.unwrap()).unwrap();
            let id = ParticipationId::parse(body["id"].as_str().unwrap()).unwrap();
            let resolutions = [(id, Resolution::Credit)];
            self.memory.resolve(&rules, &resolutions, self.clock.now()).await.unwrap();
        }
        self.clock.advance(Duration::from_secs(2 * 86_400));
        let seed = self.id_key.raffle_seed(&ledger);
        self.memory.draw(&rules, &seed, self.clock.now()).await.unwrap().unwrap();
    }

    /// The status, the link to the next page, and the body.
    async fn get(&self, path: &str) -> (StatusCode, Option<String>, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let status = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, link, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn the_tickets_of_a_raffle_come_in_one_list_or_page_by_page() {
    let raffle = Raffle::new();
    assert_eq!(raffle.get("/incentives/spring/trip/tickets").await.0, StatusCode::NOT_FOUND, "not drawn yet");
    raffle.draw_among(25).await;
    let (status, link, whole) = raffle.get("/incentives/spring/trip/tickets").await;
    assert_eq!((status, link, whole.lines().count()), (StatusCode::OK, None, 25));

    let (mut pages, mut path) = (String::new(), "/incentives/spring/trip/tickets?limit=10".to_owned());
    let mut lengths = Vec::new();
    loop {
        let (status, link, page) = raffle.get(&path).await;
        assert_eq!(status, StatusCode::OK);
        lengths.push(page.lines().count());
        pages.push_str(&page);
        let Some(link) = link else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!((pages, lengths), (whole.clone(), vec![10, 10, 5]));
    assert_eq!(raffle.get("/incentives/spring/trip/tickets?after=25").await.2, "");

    let (_, link, won) = raffle.get("/incentives/spring/trip/winners").await;
    let shown: Value = serde_json::from_str(&raffle.get("/incentives/spring/trip").await.2).unwrap();
    let tickets: Vec<&str> = won.lines().collect();
    assert_eq!((link, &shown["winning_tickets"]), (None, &serde_json::json!(tickets)));
    assert_eq!((&shown["lots"], &shown["winners"]), (&25.into(), &3.into()));
    assert!(tickets.iter().all(|ticket| whole.contains(ticket)));
}

#[tokio::test]
async fn an_impossible_page_is_refused_by_field() {
    let raffle = Raffle::new();
    raffle.draw_among(4).await;
    for (query, field) in
        [("limit=0", "limit"), ("limit=10001", "limit"), ("after=-1", "after"), ("after=x", "after")]
    {
        let (status, _, body) = raffle.get(&format!("/incentives/spring/trip/tickets?{query}")).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &field.into()));
    }
    let (status, _, all) = raffle.get("/incentives/spring/trip/tickets?cache=no&limit=4").await;
    assert_eq!((status, all.lines().count()), (StatusCode::OK, 4), "other parameters mean nothing");
}
