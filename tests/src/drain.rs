//! A burst of participations, and how long it takes until Braze has answered for all: the real connector at a simulated workspace, under
//! a paused clock.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use braze_sim::Settings;
use domain::Timestamp;
use domain::contact::{Contact, Email, Phone};
use memory::Faults;
use ports::Clock;

use crate::campaign::{Campaign, SETTLE};
use crate::start;

const LOOK_UP: &str = "/users/export/ids";

/// Ten thousand numbers each.
const AREAS: [u32; 10] = [212, 310, 312, 313, 404, 415, 617, 646, 702, 718];

const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\n";

/// A way to take part whose profiles have to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// By e-mail.
    Email,
    /// By mobile number, single opt-in.
    Single,
    /// By mobile number, double opt-in, answered by nobody within the hour.
    Double,
}

/// How a workspace counts look-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests in a window.
    pub requests: u32,
    /// How long that is.
    pub window: Duration,
    /// How many of them others use.
    pub by_others: u32,
}

impl Limit {
    /// So many a minute, for us alone.
    #[must_use]
    pub const fn a_minute(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(60), by_others: 0 }
    }

    /// So many a second, for us alone.
    #[must_use]
    pub const fn a_second(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(1), by_others: 0 }
    }

    /// With others, who use this many first.
    #[must_use]
    pub const fn shared_with(self, by_others: u32) -> Self {
        Self { by_others, ..self }
    }

    /// How many windows so many look-ups need.
    #[must_use]
    pub fn windows(&self, look_ups: usize) -> usize {
        look_ups.div_ceil((self.requests - self.by_others) as usize)
    }
}

/// What came of a burst.
#[derive(Debug, Clone, Default)]
pub struct Drained {
    /// From the burst to the last look-up's answer.
    pub looked_up_after: Duration,
    /// From the burst to the last participation's end.
    pub ended_after: Duration,
    /// Windows from the first look-up to the last.
    pub windows: usize,
    /// Windows that the limit makes necessary.
    pub least_windows: usize,
    /// Requests by endpoint.
    pub requests: BTreeMap<String, u64>,
    /// Answers with 429.
    pub throttled: u64,
    /// How many had not ended, second by second.
    pub backlog: Vec<(Duration, usize)>,
}

impl Drained {
    /// What share of the limit was used.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of windows")]
    pub fn ratio(&self) -> f64 {
        self.least_windows as f64 / self.windows as f64
    }
}

/// What a workspace saw.
#[derive(Default)]
struct Seen {
    requests: BTreeMap<String, u64>,
    throttled: u64,
    first_look_up: Option<Timestamp>,
    last_look_up: Option<Timestamp>,
}

/// Has `count` consumers take part at once, and lets time pass until nobody waits for Braze any more. Call it under a paused clock.
///
/// # Panics
/// When it does not come to an end within three days, or a name is not one.
pub async fn drain(flow: Flow, count: usize, limit: Limit) -> Drained {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let campaign = campaign(flow, limit, seen.clone());
    accept(&campaign, flow, count).await;
    campaign.run();
    let began = start();
    let mut drained = Drained { least_windows: limit.windows(count), ..Drained::default() };
    let mut ended = 0;
    while ended < count {
        campaign.clock.sleep(Duration::from_secs(1)).await;
        let after = Duration::try_from(campaign.clock.now().duration_since(began)).unwrap_or_default();
        assert!(after < Duration::from_secs(3 * 86_400), "{ended} of {count} have ended");
        ended = campaign.memory.ended();
        drained.backlog.push((after, count - ended));
        drained.ended_after = after;
    }
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let (first, last) = (seen.first_look_up.unwrap_or(began), seen.last_look_up.unwrap_or(began));
    let window =
        |at: Timestamp| at.as_millisecond() / i64::try_from(limit.window.as_millis()).unwrap_or(i64::MAX);
    drained.windows = usize::try_from(window(last) - window(first) + 1).unwrap_or_default();
    drained.looked_up_after = Duration::try_from(last.duration_since(began)).unwrap_or_default();
    drained.requests.clone_from(&seen.requests);
    drained.throttled = seen.throttled;
    drained
}

fn campaign(flow: Flow, limit: Limit, seen: Arc<Mutex<Seen>>) -> Campaign {
    let clock = Arc::new(memory::TokioClock::at(start()));
    let on_request = move |request: &braze_sim::Observed| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.requests.entry(request.path.clone()).or_default() += 1;
        seen.throttled += u64::from(request.status == 429);
        if request.path == LOOK_UP {
            let now = clock.now();
            seen.first_look_up.get_or_insert(now);
            seen.last_look_up = Some(now);
        }
    };
    let settings = Settings {
        settle: SETTLE,
        export_ids_per_minute: limit.requests,
        export_ids_window: limit.window,
        export_ids_by_others: limit.by_others,
        on_request: Some(Arc::new(on_request)),
        ..Settings::default()
    };
    let activation = match flow {
        Flow::Email => "[activation.email]\nattributes = { quikly_participant = true }\n".to_owned(),
        Flow::Single => format!("{SMS}opt_in = \"single\"\n"),
        Flow::Double => {
            format!("{SMS}opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\"\nwindow = \"1h\"\n")
        }
    };
    Campaign::at(Faults::none(), "settle_by = \"queue\"\n", &activation, settings)
}

async fn accept(campaign: &Campaign, flow: Flow, count: usize) {
    let contact = |number: usize| match flow {
        Flow::Email => Contact::Email(Email::parse(&format!("c{number}@example.com")).unwrap()),
        Flow::Single | Flow::Double => {
            let area = AREAS[number / 10_000];
            let phone = Phone::from_e164(&format!("+1{area}555{:04}", number % 10_000)).unwrap();
            Contact::Phone { phone, email: None }
        }
    };
    campaign.accept_all((0..count).map(contact)).await;
}
