//! Bodies that are posted to intake.

use std::cell::RefCell;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::id_key::IdKey;
use domain::token::TokenHash;
use http::Request;
use intake::IntakeDeps;
use memory::{Faults, Memory, TestClock};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::now;

const TOKEN: &str = "qb_fuzz";

/// What is accepted is forgotten after so many inputs, so that memory tells of the inputs alone.
const INPUTS_AT_A_TIME: u32 = 4_096;

/// Somebody whom an answer must never name.
const CONTACTS: [&str; 2] = ["ada.marked@example.com", "+13135550142"];

const BRAND: &str = include_str!("brand.toml");

struct FuzzedFront {
    runtime: Runtime,
    routes: Router,
    left: u32,
}

impl FuzzedFront {
    #[expect(clippy::expect_used, reason = "what is made up here is right, or nothing is tested")]
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let text = BRAND.replace("TOKEN_HASH", &TokenHash::of(TOKEN).to_string());
        let brands =
            read_all(&[BrandFile { name: "acme.toml".into(), text }], &AssumePresent).expect("a brand");
        let clock = Arc::new(TestClock::at(now()));
        let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
        let deps = IntakeDeps::over(&memory, memory.clone(), clock);
        let _inside = runtime.enter();
        let routes = intake::router(deps, Arc::new(brands), IdKey::new([7; 32]));
        drop(_inside);
        Self { runtime, routes, left: INPUTS_AT_A_TIME }
    }

    #[expect(clippy::expect_used, reason = "a broken promise ends the run")]
    fn post(&mut self, path: &str, body: &[u8]) {
        self.left -= 1;
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Body::from(body.to_vec()))
            .expect("a request");
        let answered = self.runtime.block_on(async {
            let Ok(answer) = self.routes.clone().oneshot(request).await;
            let status = answer.status();
            (status, to_bytes(answer.into_body(), 1024 * 1024).await.expect("a short answer"))
        });
        let (status, answer) = (answered.0, String::from_utf8_lossy(&answered.1).into_owned());
        assert!(status.as_u16() == 202 || status.is_client_error(), "{status} {answer}");
        if status.as_u16() == 202 {
            self.can_be_shown(&answer);
        }
        assert!(
            CONTACTS.iter().all(|contact| !answer.contains(contact)),
            "the answer repeats a contact: {answer}"
        );
    }
}

impl FuzzedFront {
    /// Whatever is accepted can be read back.
    #[expect(clippy::expect_used, reason = "a broken promise ends the run")]
    fn can_be_shown(&self, accepted: &str) {
        let accepted: serde_json::Value = serde_json::from_str(accepted).expect("JSON");
        let Some(id) = accepted["id"].as_str() else { return };
        let request = Request::get(format!("/participations/{id}")).body(Body::empty()).expect("a request");
        let status = self.runtime.block_on(async {
            let Ok(answer) = self.routes.clone().oneshot(request).await;
            answer.status()
        });
        assert_eq!(status.as_u16(), 200, "what was accepted cannot be shown");
    }
}

fn post(path: &str, body: &[u8]) {
    thread_local! {
        static FRONT: RefCell<Option<FuzzedFront>> = const { RefCell::new(None) };
    }
    FRONT.with_borrow_mut(|front| {
        if front.as_ref().is_none_or(|front| front.left == 0) {
            *front = None;
        }
        front.get_or_insert_with(FuzzedFront::open).post(path, body);
    });
}

/// A front end's body is accepted, or refused by a 4xx that does not repeat it.
pub fn intake_body(bytes: &[u8]) {
    post("/participations", bytes);
}

/// A webhook's body, the same.
pub fn webhook_body(bytes: &[u8]) {
    post("/webhook/braze", bytes);
}
