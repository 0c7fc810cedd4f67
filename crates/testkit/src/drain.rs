//! A burst of participations, and how long it takes until Braze has answered for all of them. The real connector runs with a simulated
//! workspace, under a paused clock.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use braze_sim::HeaderStyle;
use braze_sim::Settings;
use domain::contact::{Contact, Email, Phone};
use memory::Faults;
use ports::Clock;

use crate::campaign::{Campaign, SETTLE};
use crate::distant::{LOOK_UP, WithLatency};

/// The number of concurrent look-ups.
const AT_ONCE: usize = 64;

/// Area codes with ten thousand numbers each.
const AREAS: [u32; 10] = [212, 310, 312, 313, 404, 415, 617, 646, 702, 718];

const SMS: &str = "[activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\n";

/// A way to take part whose profiles have to be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// By e-mail.
    Email,
    /// By mobile number, single opt-in.
    Single,
    /// By mobile number, double opt-in, which nobody answers within the hour.
    Double,
}

/// How a workspace counts look-ups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests in a window.
    pub requests: u32,
    /// The length of a window. Windows begin at whole multiples of it.
    pub window: Duration,
    /// How many requests of a window others use.
    pub by_others: u32,
}

impl Limit {
    /// This many a minute, for us alone.
    #[must_use]
    pub const fn a_minute(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(60), by_others: 0 }
    }

    /// This many a second, for us alone.
    #[must_use]
    pub const fn a_second(requests: u32) -> Self {
        Self { requests, window: Duration::from_secs(1), by_others: 0 }
    }

    /// The same limit, shared with others, who use this many first.
    #[must_use]
    pub const fn shared_with(self, by_others: u32) -> Self {
        Self { by_others, ..self }
    }

    /// How many windows this many look-ups need.
    #[must_use]
    pub fn windows(&self, look_ups: usize) -> usize {
        look_ups.div_ceil(self.for_us())
    }

    /// How many look-ups of a window are left for us.
    fn for_us(&self) -> usize {
        (self.requests - self.by_others) as usize
    }
}

/// Consumers who take part at once, and the circumstances.
#[derive(Debug, Clone, Copy)]
pub struct Burst {
    /// The way in which they take part.
    pub flow: Flow,
    /// How many consumers take part.
    pub count: usize,
    /// How Braze counts look-ups.
    pub limit: Limit,
    /// How long after a full minute they arrive.
    pub phase: Duration,
    /// How long Braze takes for an answer. Half of that passes until the request arrives.
    pub latency: Duration,
    /// The form in which Braze reports its limits.
    pub headers: HeaderStyle,
    /// How many processes work on it, over the same data.
    pub processes: usize,
}

impl Burst {
    /// A burst on the full minute, with a workspace that answers at once, processed by one process.
    #[must_use]
    pub const fn new(flow: Flow, count: usize, limit: Limit) -> Self {
        let (phase, latency) = (Duration::ZERO, Duration::ZERO);
        Self { flow, count, limit, phase, latency, headers: HeaderStyle::Epoch, processes: 1 }
    }

    /// The same burst, this long after a full minute.
    #[must_use]
    pub const fn after_the_minute(self, phase: Duration) -> Self {
        Self { phase, ..self }
    }

    /// The same burst, with a workspace that takes this long for an answer.
    #[must_use]
    pub const fn answered_in(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// The same burst, with a workspace that reports its limits in this form.
    #[must_use]
    pub const fn told_by(self, headers: HeaderStyle) -> Self {
        Self { headers, ..self }
    }

    /// The same burst, processed by this many processes.
    #[must_use]
    pub const fn by(self, processes: usize) -> Self {
        Self { processes, ..self }
    }

    /// The least time until the last look-up is answered: until the last window that is needed opens, plus the time for its requests, 64 at
    /// a time. Windows count from the one in which the burst starts.
    #[must_use]
    pub fn least(&self) -> Duration {
        let windows = self.limit.windows(self.count);
        let before = windows.saturating_sub(1);
        let opened = self.limit.window * u32::try_from(before).unwrap_or(u32::MAX);
        let gone_by = self.phase.as_nanos() % self.limit.window.as_nanos();
        let opened = opened.saturating_sub(Duration::from_nanos(u64::try_from(gone_by).unwrap_or(u64::MAX)));
        let in_the_last = self.count.saturating_sub(before * self.limit.for_us());
        let turns = in_the_last.div_ceil(AT_ONCE);
        opened + self.latency * u32::try_from(turns).unwrap_or(u32::MAX)
    }
}

/// The result of a burst.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drained {
    /// The time from the burst's acceptance to the last look-up's answer.
    pub looked_up_after: Duration,
    /// The least time that the limit allows.
    pub least: Duration,
    /// The time from the burst's acceptance to the last participation's end.
    pub ended_after: Duration,
    /// Requests by endpoint.
    pub requests: BTreeMap<String, u64>,
    /// Answers with 429.
    pub throttled: u64,
    /// Look-ups that had been answered before.
    pub twice: u64,
    /// How many participations had not ended, second by second.
    pub backlog: Vec<(Duration, usize)>,
}

impl Drained {
    /// The least time as a share of the time taken; `None` where the least time is under a second, since the ratio would mean nothing.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        (self.least >= Duration::from_secs(1))
            .then(|| self.least.as_secs_f64() / self.looked_up_after.as_secs_f64())
    }
}

/// Lets a burst of consumers take part, and lets time pass until nobody waits for Braze any more. Call it under a paused clock.
///
/// # Panics
/// When it has not ended after three days, or when a name is invalid.
pub async fn drain(burst: Burst) -> Drained {
    let (campaign, braze) = campaign(&burst);
    if !burst.phase.is_zero() {
        campaign.clock.sleep(burst.phase).await;
    }
    let began = campaign.clock.now();
    accept(&campaign, burst.flow, burst.count).await;
    campaign.run();
    for _other in 1..burst.processes {
        campaign.run_beside(campaign.connector_over(campaign.deps.clone()));
    }
    let mut drained = Drained { least: burst.least(), ..Drained::default() };
    let mut ended = 0;
    while ended < burst.count {
        campaign.clock.sleep(Duration::from_secs(1)).await;
        let after = Duration::try_from(campaign.clock.now().duration_since(began)).unwrap_or_default();
        assert!(after < Duration::from_secs(3 * 86_400), "{ended} of {} have ended", burst.count);
        ended = campaign.memory.ended();
        drained.backlog.push((after, burst.count - ended));
        drained.ended_after = after;
    }
    let asked = braze.asked();
    let last = asked.last_answer.get(LOOK_UP).copied().unwrap_or(began);
    drained.looked_up_after = Duration::try_from(last.duration_since(began)).unwrap_or_default();
    (drained.requests, drained.throttled, drained.twice) = (asked.requests, asked.throttled, asked.twice);
    drained
}

fn campaign(burst: &Burst) -> (Campaign, Arc<WithLatency>) {
    let limit = burst.limit;
    let settings = Settings {
        settle: SETTLE,
        export_ids_per_minute: limit.requests,
        export_ids_window: limit.window,
        export_ids_by_others: limit.by_others,
        header_style: burst.headers,
        ..Settings::default()
    };
    let activation = match burst.flow {
        Flow::Email => "[activation.email]\nattributes = { quikly_participant = true }\n".to_owned(),
        Flow::Single => format!("{SMS}opt_in = \"single\"\n"),
        Flow::Double => {
            format!("{SMS}opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\"\nwindow = \"1h\"\n")
        }
    };
    let mut campaign = Campaign::at(Faults::none(), "settle_by = \"queue\"\n", &activation, settings);
    let way = campaign.deps.transport.clone();
    let braze = Arc::new(WithLatency::new(way, campaign.clock.clone(), burst.latency));
    campaign.deps.transport = braze.clone();
    campaign.connector = campaign.connector_over(campaign.deps.clone());
    (campaign, braze)
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
