//! Sample values for the tests of the endpoints.

use std::sync::Arc;

use async_trait::async_trait;
use braze::{Transport, TransportError};
use bytes::Bytes;
use callback::{Addresses, CallbackError, CallbackTransport, Signed};
use domain::Timestamp;
use domain::accept::Acceptance;
use domain::attributes::{AttributeValue, Attributes};
use domain::brand::{Brand, Brands};
use domain::brand_file::{AssumePresent, BrandFile, read_all};
use domain::contact::{Contact, Email};
use domain::decide::ProfileWrite;
use domain::id_key::IdKey;
use domain::ids::{BrandId, Scope};
use domain::profile::ProfileRef;
use http::{Request, Response, StatusCode};
use memory::{Faults, Memory, TokioClock};
use ports::Chance;

use crate::braze_access::BrazeAccess;
use crate::deps::Deps;
use crate::work_item::WorkItem;

/// A brand with one activation by e-mail. More keys of `[activation.email]` may follow.
pub(crate) const FILE: &str = r#"
id = "acme"
[braze]
endpoint = "http://127.0.0.1:1"
api_key = { env = "KEY" }
[[activation]]
scope = "spring"
opens = 2020-01-01T00:00:00Z
closes = 2100-01-01T00:00:00Z
[activation.email]
"#;

/// The moment this many seconds after a fixed one.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn brands() -> Brands {
    read_all(&[BrandFile { name: "acme".into(), text: FILE.into() }], &AssumePresent).unwrap()
}

/// A brand with an activation by e-mail.
pub(crate) fn brand() -> Brand {
    brands().brand(&BrandId::parse("acme").unwrap()).unwrap().clone()
}

/// A consumer who takes part by e-mail.
pub(crate) fn item(number: usize) -> WorkItem {
    let brands = brands();
    let terms = brands.activation(&Scope::parse("spring").unwrap()).unwrap();
    let email = Email::parse(&format!("c{number}@example.com")).unwrap();
    let id = IdKey::new([1; 32]).participation(&terms.1.scope, &Contact::Email(email.clone()));
    WorkItem::new(Acceptance::new(id, terms, at(0)).by_email(email, None, Attributes::default()))
}

/// An attribute for a profile.
pub(crate) fn write(profile: &str, attribute: &str) -> ProfileWrite {
    let mut attributes = Attributes::default();
    attributes.set(attribute, AttributeValue::Text("yes".to_owned())).unwrap();
    ProfileWrite::of(ProfileRef::ExternalId(profile.to_owned()), attributes)
}

/// Randomness without jitter.
pub(crate) struct NoJitter;

impl Chance for NoJitter {
    fn bits(&self) -> u64 {
        0
    }
}

/// Transports to a workspace and a receiver that must never be reached.
struct Nowhere;

#[async_trait]
impl Transport for Nowhere {
    async fn send(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        unreachable!("nothing is sent")
    }
}

#[async_trait]
impl CallbackTransport for Nowhere {
    async fn send(&self, _callback: &Signed, _to: Addresses) -> Result<StatusCode, CallbackError> {
        unreachable!("nothing is sent")
    }
}

/// Access to workspaces, over ports in memory.
pub(crate) fn access() -> BrazeAccess {
    let clock: Arc<TokioClock> = Arc::new(TokioClock::at(at(0)));
    let memory = Arc::new(Memory::new(1, Faults::none(), clock.clone()));
    let (nowhere, chance) = (Arc::new(Nowhere), Arc::new(NoJitter));
    BrazeAccess::new(Deps::over(&memory, memory.clone(), (clock, chance), nowhere.clone(), nowhere))
}
