//! The events of a run: drawn from a seed, as a list that can be stored, shrunk and played again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::simulation::EVENT;
use crate::simulation::change::{CONSUMERS, PersonChange};
use crate::simulation::draws::Draws;

/// The name of the code file in a plan with a pool of codes.
pub(super) const CODES: &str = "codes.txt";

/// The consent that an activation asks for.
const CONSENT: &str = "[activation.consent]\nemail_subscribe = \"opted_in\"\n[activation.consent.texts]\nv1 = \"I agree.\"\n\
    [activation.consent.email]\nemail = \"optional\"\n";

/// A brand's file returns within this many minutes, well before a day has passed, however the clocks are set meanwhile.
const LONGEST_WITHOUT_BRAND: u32 = 600;

/// A run as a list of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The seed of the ports' dice and of the jitter.
    pub dice: u64,
    /// How often the ports fail, in percent of the faults that are simulated for AWS.
    pub storm: u32,
    /// How a number is subscribed.
    pub opt_in: PlannedOptIn,
    /// The processes that run.
    pub runs: Runs,
    /// How numbers are drawn by functions.
    #[serde(default)]
    pub draws: Draws,
    /// What can be won.
    #[serde(default)]
    pub prizes: Prizes,
    /// The number of rewards.
    pub quantity: u32,
    /// Whether the activation asks for consent to e-mail.
    #[serde(default)]
    pub asks_consent: bool,
    /// The consumers who have a profile in the workspace from the beginning.
    pub known: Vec<SeededProfile>,
    /// The events, one after another.
    pub happens: Vec<Happening>,
}

/// How a number is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedOptIn {
    /// Single opt-in, once the profile has settled.
    Single,
    /// Single opt-in, in the request that writes the profile.
    SingleWithProfile,
    /// Double opt-in, started by an event.
    DoubleByEvent,
    /// Double opt-in, started by Braze.
    DoubleByBraze,
}

/// The prize of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prizes {
    /// The first participations get the same reward.
    #[default]
    First,
    /// The first participations get a code each.
    Codes,
    /// The first participation gets more than the later ones.
    Tiers,
    /// Faster consumers get more than slower ones.
    Speed,
    /// The value of the prize falls with time.
    Decay,
    /// Each participation wins with odds of 1/2, at once.
    Draw,
    /// Some participations win, at the close.
    Raffle,
}

/// The processes that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// One process, like `serve`.
    OneProcess,
    /// Two such processes on the same work.
    TwoProcesses,
    /// Functions that get batches as from Lambda. Numbers are drawn at acceptance, and lines are entered later.
    Functions,
}

/// A profile that the workspace has from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeededProfile {
    /// The consumer whose profile it is.
    pub consumer: u8,
    /// Whether it carries the number.
    pub phone: bool,
    /// Whether the number is subscribed.
    pub subscribed: bool,
}

/// One event of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// A consumer takes part by e-mail.
    TakesPartByEmail(u8),
    /// A consumer takes part by mobile number, and gives the address, too.
    TakesPartByPhone(u8),
    /// Braze reports something that a consumer did.
    DoesSomething(u8),
    /// A consumer answers "Y".
    SaysYes(u8),
    /// A consumer who is subscribed answers "STOP".
    SaysStop(u8),
    /// Seconds pass.
    Pass(u32),
    /// A process dies at its n-th effect from now, before or after the effect, and a new one starts.
    Crash {
        /// The number of the process.
        process: u8,
        /// The number of the effect.
        effects: u8,
    },
    /// The next answers of Braze fail.
    BrazeFails {
        /// The endpoint that fails.
        endpoint: FailingEndpoint,
        /// How it fails.
        how: Failure,
        /// How many answers fail.
        count: u8,
    },
    /// Braze answers only 503 for this many minutes.
    Outage(u32),
    /// Quikly answers this many callbacks with 502.
    QuiklyFails(u8),
    /// Our clock is set forward by this many seconds, or back if the number is negative.
    ClockSet(i32),
    /// A further process runs one tick.
    Tick,
    /// Braze refuses the key for this many minutes.
    KeyRefused(u32),
    /// Our own code panics at this many of the next requests to Braze, before it is sent or after it was answered.
    Panics(u8),
    /// One of the participations so far cannot be read until the faults end.
    Unreadable(u8),
    /// The brand's file is missing for this many minutes, and then returns.
    BrandGone(u32),
    /// The brand's file cannot be used for this many minutes.
    BrandBroken(u32),
    /// The log cannot be written for this many minutes.
    LogFails(u32),
    /// Braze reports something that a consumer did in the app, and names the profile.
    DoesSomethingInTheApp(u8),
    /// Many consumers take part at the same time. Which of them, and when, is drawn from this seed.
    Crowd(u8),
    /// A consumer's profiles change.
    Changes {
        /// The consumer.
        consumer: u8,
        /// What happens to the profiles.
        how: PersonChange,
        /// How many seconds Braze takes to apply it.
        slowly: u32,
    },
}

/// The endpoints that may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailingEndpoint {
    /// Any endpoint.
    Any,
    /// `/users/track`.
    Track,
    /// `/users/export/ids`.
    ExportIds,
    /// `/subscription/status/get`.
    StatusGet,
    /// `/v2/subscription/status/set`.
    StatusSet,
}

/// How Braze fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// A 429, and nothing was done.
    Throttled,
    /// A 500, and nothing was done.
    Before,
    /// An invalid body, although the work was done.
    After,
    /// The connection breaks before anything was sent.
    NotSent,
    /// The connection breaks after the work was done.
    AnswerLost,
}

impl Plan {
    /// The last place that wins a reward.
    #[must_use]
    pub fn places(&self) -> u32 {
        if self.prizes == Prizes::Tiers { self.quantity + 1 } else { self.quantity }
    }

    /// The activation, in the form of a brand file.
    pub(super) fn activation(&self) -> String {
        let incentive = self.incentive();
        let consent = if self.asks_consent { CONSENT } else { "" };
        let opt_in = match self.opt_in {
            PlannedOptIn::Single => "opt_in = \"single\"",
            PlannedOptIn::SingleWithProfile => "opt_in = \"single\"\nsubscribe = \"with_profile\"",
            PlannedOptIn::DoubleByEvent => {
                "opt_in = \"double\"\ndouble_opt_in_event = \"opt_in\"\nwindow = \"2h\""
            }
            PlannedOptIn::DoubleByBraze => {
                "opt_in = \"double\"\ndouble_opt_in = { braze_logic = true }\nwindow = \"2h\""
            }
        };
        format!(
            "[activation.email]\nattributes = {{ quikly_participant = true }}\nevent = \"{EVENT}\"\nincentive = \"early\"\n\
         [activation.sms]\nsubscription_group_id = \"g-1\"\ndefault_region = \"US\"\nincentive = \"early\"\n{opt_in}\n\
         [activation.events.signed_in]\nincentive = \"early\"\n\
         {incentive}\
         [activation.rewards_to_braze]\nreward = \"q_reward\"\nposition = \"q_position\"\n{consent}"
        )
    }

    /// The incentive, in the form of a brand file. The run begins at 8.
    fn incentive(&self) -> String {
        let quantity = self.quantity;
        let places = self.places();
        let rule = match self.prizes {
            Prizes::First => "kind = \"first\"\nreward = \"SPRING20\"".to_owned(),
            Prizes::Codes => format!("kind = \"first\"\ncodes = \"{CODES}\""),
            Prizes::Tiers => format!(
                "kind = \"tiers\"\ntiers = [{{ up_to = {quantity}, reward = \"GOLD\" }}, {{ up_to = {places}, reward = \"TIN\" }}]"
            ),
            Prizes::Speed => "kind = \"speed\"\nopens = 2027-01-15T08:00:00Z\n\
                 steps = [{ within = \"10m\", reward = \"FAST\" }, { within = \"1h\", reward = \"SLOW\" }]"
                .to_owned(),
            Prizes::Decay => {
                "kind = \"decay\"\nopens = 2027-01-15T08:00:00Z\nfrom = 50\nto = 10\nover = \"1h\"".to_owned()
            }
            Prizes::Draw => "kind = \"draw\"\nodds = \"1/2\"\nreward = \"SPRING20\"".to_owned(),
            Prizes::Raffle => {
                "kind = \"raffle\"\ncloses = 2027-01-15T09:00:00Z\nreward = \"SPRING20\"".to_owned()
            }
        };
        format!("[[activation.incentive]]\nid = \"early\"\nquantity = {places}\n{rule}\n")
    }

    /// The run of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let known = (0..CONSUMERS).filter(|_| dice.u8(..4) == 0).collect::<Vec<_>>();
        let known = known.into_iter().map(|consumer| {
            let phone = dice.bool();
            SeededProfile { consumer, phone, subscribed: phone && dice.bool() }
        });
        let known = known.collect();
        let opt_ins = [
            PlannedOptIn::Single,
            PlannedOptIn::SingleWithProfile,
            PlannedOptIn::DoubleByEvent,
            PlannedOptIn::DoubleByBraze,
        ];
        let prizes = [
            Prizes::First,
            Prizes::Codes,
            Prizes::Tiers,
            Prizes::Speed,
            Prizes::Decay,
            Prizes::Draw,
            Prizes::Raffle,
        ];
        let runs = [Runs::OneProcess, Runs::TwoProcesses, Runs::Functions];
        let mut plan = Self {
            dice: seed,
            storm: [0, 100, 300][dice.usize(..3)],
            opt_in: opt_ins[dice.usize(..4)],
            runs: runs[dice.usize(..3)],
            draws: Draws::InOneStep,
            prizes: prizes[dice.usize(..7)],
            quantity: dice.u32(1..5),
            asks_consent: false,
            known,
            happens: (0..dice.usize(8..28)).map(|_| happening(&mut dice)).collect(),
        };
        plan.add_panics();
        plan.add_what_is_ours();
        if seed % 2 == 1 {
            plan.add_people(1..4);
        }
        plan.add_crowds();
        plan
    }

    /// Adds panics. They are drawn by dice of their own, so that everything else stays as it was before there were panics.
    fn add_panics(&mut self) {
        let mut dice = fastrand::Rng::with_seed(self.dice ^ 0x7061_6e69_6373);
        if dice.u8(..3) == 0 {
            let place = dice.usize(..=self.happens.len());
            self.happens.insert(place, Happening::Panics(dice.u8(1..6)));
        }
    }

    /// Adds faults of our own side: records, brand files and the log. They are drawn by dice of their own, too.
    fn add_what_is_ours(&mut self) {
        let mut dice = fastrand::Rng::with_seed(self.dice ^ 0x6f75_7273);
        let mut happenings = Vec::new();
        if dice.u8(..4) == 0 {
            happenings.push(Happening::Unreadable(dice.u8(..)));
        }
        match dice.u8(..8) {
            0 => happenings.push(Happening::BrandGone(dice.u32(1..LONGEST_WITHOUT_BRAND))),
            1 => happenings.push(Happening::BrandBroken(dice.u32(1..LONGEST_WITHOUT_BRAND))),
            _ => {}
        }
        if dice.u8(..6) == 0 {
            happenings.push(Happening::LogFails(dice.u32(1..60)));
        }
        for happening in happenings {
            let place = dice.usize(..=self.happens.len());
            self.happens.insert(place, happening);
        }
    }
}

fn happening(dice: &mut fastrand::Rng) -> Happening {
    let consumer = dice.u8(..CONSUMERS);
    match dice.u8(..22) {
        0..4 => Happening::TakesPartByEmail(consumer),
        4..8 => Happening::TakesPartByPhone(consumer),
        8 => Happening::DoesSomething(consumer),
        9..11 => Happening::SaysYes(consumer),
        11..14 => Happening::Pass(dice.u32(1..200)),
        14..16 => Happening::Crash { process: dice.u8(..2), effects: dice.u8(..24) },
        16..18 => {
            let endpoint = [
                FailingEndpoint::Any,
                FailingEndpoint::Track,
                FailingEndpoint::ExportIds,
                FailingEndpoint::StatusGet,
                FailingEndpoint::StatusSet,
            ];
            let how =
                [Failure::Throttled, Failure::Before, Failure::After, Failure::NotSent, Failure::AnswerLost];
            Happening::BrazeFails {
                endpoint: endpoint[dice.usize(..5)],
                how: how[dice.usize(..5)],
                count: dice.u8(1..6),
            }
        }
        18 => match dice.u8(..3) {
            0 => Happening::Outage(dice.u32(1..180)),
            1 => Happening::KeyRefused(dice.u32(1..20)),
            _ => match dice.u8(..3) {
                0 => Happening::ClockSet(dice.i32(-3_700..3_700)),
                _ => Happening::ClockSet(dice.i32(-70..600)),
            },
        },
        19 => Happening::SaysStop(consumer),
        20 => Happening::QuiklyFails(dice.u8(1..4)),
        _ => Happening::Tick,
    }
}

/// The stored form: JSON.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
