//! The connection to Braze: its faults, and the requests and answers on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use braze_sim::ObservedRequest;
use bytes::Bytes;
use http::{Response, Uri};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::simulation::Broken;
use crate::simulation::witness::Witness;

/// Faults after which it is unknown whether something was done.
pub(crate) const LEAVES_IT_OPEN: [&str; 6] =
    [LOST, GARBAGE, KILLED, PANICKED, "writes failed", "writes whose answer was lost"];

const LOST: &str = "answers of Braze that were lost";
const GARBAGE: &str = "answers of Braze that were garbage";
const PANICKED: &str = "panics at a request to Braze";
pub(crate) const KILLED: &str = "processes killed between two effects";

/// The state that all processes of a run share.
#[derive(Default)]
pub(crate) struct SharedRun {
    /// How many of the next requests are not sent.
    pub(crate) not_sent: AtomicU32,
    /// How many of the next answers are lost.
    pub(crate) answers_lost: AtomicU32,
    /// How many of the next requests make our own code panic.
    pub(crate) panics: AtomicU32,
    /// What became of the writes.
    pub(crate) witness: Witness,
    faults: Mutex<BTreeMap<&'static str, u64>>,
    broken: Mutex<Option<Broken>>,
}

fn strikes(left: &AtomicU32) -> bool {
    left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl SharedRun {
    pub(crate) fn is_not_sent(&self) -> bool {
        let strikes = strikes(&self.not_sent);
        if strikes {
            self.count("requests that did not reach Braze");
        }
        strikes
    }

    pub(crate) fn loses_the_answer(&self) -> bool {
        let strikes = strikes(&self.answers_lost);
        if strikes {
            self.count(LOST);
        }
        strikes
    }

    /// Panics if a fault is due. Every second fault occurs after the request was sent.
    #[expect(clippy::panic, reason = "it is what is tried")]
    pub(crate) fn may_panic(&self, sent: bool) {
        let left = self.panics.load(SeqCst);
        if left > 0 && left.is_multiple_of(2) == sent {
            self.panics.store(left - 1, SeqCst);
            self.count(PANICKED);
            panic!("a fault was asked for");
        }
    }

    /// Counts a fault that has occurred.
    pub(crate) fn count(&self, fault: &'static str) {
        *self.faults.lock().entry(fault).or_default() += 1;
    }

    /// Counts an answer of the workspace that is a failure.
    pub(crate) fn answered(&self, observed: &ObservedRequest) {
        match observed.status {
            _ if observed.summary.ends_with("garbage") => self.count(GARBAGE),
            401 => self.count("answers 401 of Braze"),
            429 => self.count("answers 429 of Braze"),
            500.. => self.count("answers 5xx of Braze"),
            _ => {}
        }
    }

    /// How many times each fault has occurred.
    pub(crate) fn struck(&self) -> BTreeMap<&'static str, u64> {
        self.faults.lock().clone()
    }

    /// Records a broken promise where no error can be returned.
    pub(crate) fn breaks(&self, promise: &'static str, by: &str) {
        let mut broken = self.broken.lock();
        broken.get_or_insert(Broken { promise, by: by.to_owned() });
    }

    /// Fails with the first promise that was broken.
    pub(crate) fn broken(&self) -> Result<(), Broken> {
        self.broken.lock().clone().map_or(Ok(()), Err)
    }
}

/// The workspace's last answer to a process about each number.
#[derive(Debug, Default)]
pub(crate) struct LastWords(Mutex<HashMap<String, bool>>);

impl LastWords {
    pub(crate) fn listen(&self, answer: &[u8]) {
        let Ok(Value::Object(answer)) = serde_json::from_slice(answer) else { return };
        let statuses = answer.get("status").and_then(Value::as_object).into_iter().flatten();
        let mut heard = self.0.lock();
        heard.extend(statuses.map(|(phone, word)| (phone.clone(), word == "Subscribed")));
    }

    pub(crate) fn subscribed(&self, phone: &str) -> bool {
        self.0.lock().get(phone) == Some(&true)
    }
}

/// A made-up answer to requests about numbers, which says that every number is subscribed.
pub(crate) fn everybody_is_subscribed(asked: &Uri) -> Option<Response<Bytes>> {
    let url = reqwest::Url::parse(&asked.to_string()).ok()?;
    let phones = url.query_pairs().filter(|(name, _)| name.starts_with("phone"));
    let status: Map<String, Value> =
        phones.map(|(_, phone)| (phone.into_owned(), "Subscribed".into())).collect();
    let asks = asked.path() == "/subscription/status/get";
    asks.then(|| Response::new(json!({ "status": status, "message": "success" }).to_string().into()))
}
