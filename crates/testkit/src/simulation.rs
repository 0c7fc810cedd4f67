//! A campaign in virtual time in which everything that can go wrong does, as a seed decides. Afterwards the promises are checked.

mod change;
mod crowd;
mod draws;
mod line;
mod log;
mod many;
mod mortal;
mod people;
mod placed;
mod plan;
mod prizes;
mod process;
mod promises;
mod shrink;
mod trouble;
mod witness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use braze_sim::{OnApplied, OnRequest, Settings};
use domain::ids::ParticipationId;
use memory::Faults;
use ports::{Clock, Store};
use serde_json::json;

use crate::campaign::{Campaign, SETTLE};
use crate::simulation::line::SharedRun;
use crate::simulation::log::RunLog;
use crate::simulation::process::Processes;

pub use change::{CONSUMERS, PersonChange};
pub use draws::Draws;
pub use many::play_all;
pub use plan::{FailingEndpoint, Failure, Happening, Plan, PlannedOptIn, Prizes, Runs, SeededProfile};
pub use shrink::shrink;

/// By then, every wait for a consumer has ended, however the clocks were set.
const LONGEST: Duration = Duration::from_secs(4 * 86_400);

const CALLBACK: &str = "[callback]\nurl = \"https://quikly.example/hook\"\nsecret = { env = \"KEY\" }";
const EVENT: &str = "q_participated";
const REWARDED: &str = "q_rewarded";
const OPT_IN: &str = "opt_in";
const KEY: &str = "sim-key";

/// A rule that is removed, to see whether a promise is then broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutation {
    /// The store saves a record whatever its version is.
    NoCondition,
    /// No participation waits until Braze has built a profile.
    NoSettling,
    /// Nothing is ever due.
    NoDueTime,
    /// Every number counts as subscribed, and Braze is not asked.
    NoAsking,
    /// Callbacks count as delivered, and are not sent.
    NoTelling,
    /// A remembered profile is never confirmed.
    NoConfirming,
    /// Nothing is read back.
    NoReadingBack,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// What broke it.
    pub by: String,
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Played {
    /// How many participations ended, by state.
    pub ended: BTreeMap<&'static str, u64>,
    /// How many times each fault has occurred.
    pub faults: BTreeMap<&'static str, u64>,
    /// How many times profiles were changed in each way, and what that cost.
    pub people: BTreeMap<&'static str, u64>,
    /// Everything that was logged.
    pub log: String,
}

/// Plays a run under a clock of its own.
///
/// # Errors
/// The first promise that was broken.
///
/// # Panics
/// When the runtime cannot be created, or a name is invalid.
pub fn play(plan: &Plan, mutation: Option<Mutation>) -> Result<Played, Broken> {
    play_logged(plan, mutation).0
}

/// Does the same, and returns everything that was logged, too.
///
/// # Panics
/// When the runtime cannot be created, or a name is invalid.
#[expect(clippy::expect_used, reason = "a test ends where it fails")]
pub fn play_logged(plan: &Plan, mutation: Option<Mutation>) -> (Result<Played, Broken>, String) {
    let log = RunLog::default();
    let _logged = log.takes_all();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    let played = tokio::task::LocalSet::new()
        .block_on(&runtime, async { Run::new(plan, mutation, &log).play_to_the_end(plan).await });
    let log = log.text();
    let played =
        promises::nothing_leaked(&log).and(played).map(|played| Played { log: log.clone(), ..played });
    (played, log)
}

/// The way in which a participation came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Email(u8),
    Phone(u8),
    Event(u8),
}

impl By {
    fn consumer(self) -> u8 {
        match self {
            Self::Email(consumer) | Self::Phone(consumer) | Self::Event(consumer) => consumer,
        }
    }
}

type AcceptedSoFar = [(ParticipationId, By)];

fn broken<T>(promise: &'static str, by: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { promise, by: by.into() })
}

struct Run {
    campaign: Arc<Campaign>,
    processes: Processes,
    line: Arc<SharedRun>,
    accepted: Vec<(ParticipationId, By)>,
    /// Consumers who cancelled their subscription.
    said_stop: BTreeSet<u8>,
    unreadable: Vec<ParticipationId>,
    log_is_full: Arc<AtomicBool>,
    faults: BTreeMap<&'static str, u64>,
    /// The consumers whose profiles were changed.
    touched: BTreeSet<u8>,
    /// How many times profiles were changed, by kind.
    changed: BTreeMap<&'static str, u64>,
}

pub(crate) fn email(consumer: u8) -> String {
    format!("c{consumer}@example.com")
}

pub(crate) fn phone(consumer: u8) -> String {
    format!("+1313555010{consumer}")
}

impl Run {
    fn new(plan: &Plan, mutation: Option<Mutation>, log: &RunLog) -> Self {
        let line = Arc::new(SharedRun::default());
        let counter = line.clone();
        let on_request: OnRequest = Arc::new(move |observed| counter.answered(observed));
        let witness = line.clone();
        let on_applied: OnApplied = Arc::new(move |object| witness.witness.applied(object));
        let settings = Settings {
            settle: SETTLE,
            on_request: Some(on_request),
            on_applied: Some(on_applied),
            ..Settings::default()
        };
        let faults = Faults::like_aws().times(f64::from(plan.storm) / 100.0);
        let waits = if mutation == Some(Mutation::NoSettling) { "settle = \"0s\"\n" } else { "" };
        let trusts = if mutation == Some(Mutation::NoConfirming) { "hint_fresh = \"30d\"\n" } else { "" };
        let brand = format!("{waits}{trusts}{CALLBACK}");
        let campaign = Arc::new(Campaign::seeded(plan.dice, faults, &brand, &plan.activation(), settings));
        if plan.runs == Runs::Functions {
            campaign.memory.enter_later();
            campaign.memory.leave_callbacks_to_makers();
            plan.draws.by(&campaign.memory);
        }
        let processes = Processes::start(&campaign, plan.runs, &line, mutation);
        Self {
            campaign,
            processes,
            line,
            accepted: Vec::new(),
            said_stop: BTreeSet::new(),
            unreadable: Vec::new(),
            log_is_full: log.is_full.clone(),
            faults: BTreeMap::new(),
            touched: BTreeSet::new(),
            changed: BTreeMap::new(),
        }
    }

    async fn play_to_the_end(mut self, plan: &Plan) -> Result<Played, Broken> {
        self.settle_in(plan).await;
        for happening in &plan.happens {
            self.happen(*happening).await;
            self.line.broken()?;
        }
        self.calm_down().await;
        let deadline = self.campaign.clock.now() + LONGEST;
        while self.open().await > 0 {
            if self.campaign.clock.now() > deadline {
                let by = format!("{} of {} have not", self.open().await, self.accepted.len());
                return Err(Broken { promise: "every participation ends", by });
            }
            self.campaign.clock.sleep(Duration::from_secs(60)).await;
        }
        // Rewards are written, and callbacks sent, after the end.
        self.campaign.clock.sleep(Duration::from_secs(3 * 3_600)).await;
        while !self.campaign.memory.is_quiet() {
            if self.campaign.clock.now() > deadline {
                let by = "something is due for days".to_owned();
                return Err(Broken { promise: "what was won is shown and told", by });
            }
            self.campaign.clock.sleep(Duration::from_secs(60)).await;
        }
        self.line.broken()?;
        self.promises_are_kept(plan).await?;
        self.nothing_died_of_waiting(plan)?;
        let mut played = Played { faults: self.campaign.memory.struck(), ..Played::default() };
        for (id, _) in &self.accepted {
            *played.ended.entry(self.campaign.state(*id).await).or_default() += 1;
        }
        played.faults.append(&mut self.faults);
        played.people = self.counted().await;
        played.faults.append(&mut self.line.struck());
        let (dead, refused) = (self.campaign.memory.dead_letters(), self.campaign.quikly.failed.load(SeqCst));
        for (fault, count) in
            [("messages that became dead letters", dead), ("callbacks answered 502", refused)]
        {
            played.faults.insert(fault, u64::try_from(count).unwrap_or(u64::MAX));
        }
        Ok(played)
    }

    /// How often a request may have taken effect without anybody being able to know it.
    fn unknown(&self) -> u64 {
        let (line, memory) = (self.line.struck(), self.campaign.memory.struck());
        let leaves_it_open = |(fault, _): &(&&str, &u64)| line::LEAVES_IT_OPEN.contains(*fault);
        line.iter().chain(&memory).filter(leaves_it_open).map(|(_, count)| count).sum()
    }

    /// Checks that messages became dead letters only when processes died with them, or stores failed, and never because Braze is slow, is
    /// down, or refuses.
    fn nothing_died_of_waiting(&self, plan: &Plan) -> Result<(), Broken> {
        let crashes = plan.happens.iter().any(|happening| matches!(happening, Happening::Crash { .. }));
        let dead = self.campaign.memory.dead_letters();
        if plan.storm == 0 && !crashes && dead > 0 {
            return Err(Broken { promise: "waiting for Braze makes no dead letters", by: dead.to_string() });
        }
        Ok(())
    }

    /// Prepares the workspace before the run begins.
    async fn settle_in(&self, plan: &Plan) {
        let campaign = &self.campaign;
        prizes::stock(campaign, plan).await;
        let event = json!({ "event": OPT_IN, "subscription_group_id": "g-1" });
        campaign.steer("PUT", "/_sim/double_opt_in", &event.to_string()).await;
        for known in &plan.known {
            let consumer = known.consumer;
            let mut profile = json!({ "external_id": format!("u-{consumer}"), "email": email(consumer) });
            if known.phone {
                profile["phone"] = phone(consumer).into();
            }
            campaign.steer("POST", "/_sim/profiles", &json!({ "profiles": [profile] }).to_string()).await;
            if known.subscribed {
                self.set_subscription(consumer, "subscribed").await;
            }
        }
    }

    async fn happen(&mut self, happening: Happening) {
        let campaign = self.campaign.clone();
        match happening {
            Happening::TakesPartByEmail(consumer) => self.takes_part(By::Email(consumer)).await,
            Happening::TakesPartByPhone(consumer) => self.takes_part(By::Phone(consumer)).await,
            Happening::DoesSomething(consumer) => self.takes_part(By::Event(consumer)).await,
            Happening::Crowd(dice) => self.crowd_takes_part(dice).await,
            Happening::DoesSomethingInTheApp(consumer) => self.does_something_in_the_app(consumer).await,
            Happening::Changes { consumer, how, slowly } => self.changes(consumer, how, slowly).await,
            Happening::SaysYes(consumer) => {
                let reply = json!({ "phone": phone(consumer), "text": "Y" });
                campaign.steer("POST", "/_sim/replies", &reply.to_string()).await;
            }
            Happening::Pass(seconds) => campaign.clock.sleep(Duration::from_secs(seconds.into())).await,
            Happening::SaysStop(consumer) => self.says_stop(consumer).await,
            Happening::Panics(count) => self.line.panics.store(count.into(), SeqCst),
            Happening::QuiklyFails(count) => campaign.quikly.fails.store(count.into(), SeqCst),
            Happening::Crash { process, effects } => self.processes.crash(process, effects),
            Happening::BrazeFails { endpoint, how, count } => {
                self.fail(endpoint, how, count).await;
            }
            Happening::Outage(minutes) => {
                self.count("outages of Braze");
                campaign.steer("POST", "/_sim/faults", r#"{"kind": "status", "status": 503}"#).await;
                campaign.clock.sleep(Duration::from_secs(60) * minutes).await;
                campaign.steer("DELETE", "/_sim/faults", "").await;
            }
            Happening::ClockSet(seconds) => {
                self.count("clocks set");
                campaign.clock.set_forward(i64::from(seconds) * 1_000);
            }
            Happening::Tick => {
                let _the_next_one_tries_again = self.processes.beside.tick().await;
            }
            Happening::Unreadable(number) => self.damage(number),
            Happening::BrandGone(minutes) => {
                self.count("brand files removed");
                campaign.remove_file();
                self.pass_and_return(minutes).await;
            }
            Happening::BrandBroken(minutes) => {
                self.count("brand files broken");
                campaign.break_file();
                self.pass_and_return(minutes).await;
            }
            Happening::LogFails(minutes) => {
                self.count("logs that took nothing");
                self.log_is_full.store(true, SeqCst);
                campaign.clock.sleep(Duration::from_secs(60) * minutes).await;
                self.log_is_full.store(false, SeqCst);
            }
            Happening::KeyRefused(minutes) => {
                self.count("keys refused");
                campaign.steer("PUT", "/_sim/keys", r#"{"keys": ["another"]}"#).await;
                campaign.clock.sleep(Duration::from_secs(60) * minutes).await;
                campaign.steer("PUT", "/_sim/keys", &json!({ "keys": [KEY] }).to_string()).await;
            }
        }
    }

    fn accept(&mut self, id: ParticipationId, by: By) {
        if !self.accepted.iter().any(|(known, _)| *known == id) {
            self.accepted.push((id, by));
        }
    }

    fn count(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Ends all faults.
    async fn calm_down(&self) {
        self.campaign.memory.change_faults(Faults::none());
        for id in &self.unreadable {
            self.campaign.memory.damage(*id, false);
        }
        self.campaign.steer("DELETE", "/_sim/faults", "").await;
        self.campaign.quikly.fails.store(0, SeqCst);
        self.line.not_sent.store(0, SeqCst);
        self.line.answers_lost.store(0, SeqCst);
        self.processes.live_on();
    }

    /// How many participations have not ended.
    async fn open(&self) -> usize {
        let ids: Vec<ParticipationId> = self.accepted.iter().map(|(id, _)| *id).collect();
        let Ok(all) = self.campaign.memory.get(&ids).await else { return ids.len() };
        ids.len() - all.found.iter().filter(|participation| participation.state().is_end()).count()
    }
}
