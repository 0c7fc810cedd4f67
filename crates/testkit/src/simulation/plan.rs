//! What happens in a run: drawn from a seed, and a list that can be kept, cut and played again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::simulation::EVENT;

/// Consumers of a run.
pub const CONSUMERS: u8 = 6;

/// The file of a plan with a pool of codes.
pub(super) const CODES: &str = "codes.txt";

/// A brand returns within so many minutes, well before a day has passed, however the clocks are set meanwhile.
const LONGEST_WITHOUT_BRAND: u32 = 600;

/// A run, as a list of what happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the ports' dice and the jitter are thrown with.
    pub dice: u64,
    /// How often the ports fail: so many times as often as AWS is simulated to, in percent.
    pub storm: u32,
    /// How a number is subscribed.
    pub opt_in: PlannedOptIn,
    /// What runs.
    pub runs: Runs,
    /// What can be won.
    #[serde(default)]
    pub prizes: Prizes,
    /// How many rewards there are.
    pub quantity: u32,
    /// Who has a profile in the workspace before anything happens.
    pub known: Vec<SeededProfile>,
    /// What happens, one after another.
    pub happens: Vec<Happening>,
}

/// How a number is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedOptIn {
    /// Single, once the profile has settled.
    Single,
    /// Single, in the request that writes the profile.
    SingleWithProfile,
    /// Double, begun by an event.
    DoubleByEvent,
    /// Double, begun by Braze.
    DoubleByBraze,
}

/// What can be won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prizes {
    /// The first ones get the same.
    #[default]
    First,
    /// The first ones get a code each.
    Codes,
    /// The first one gets more than those behind.
    Tiers,
    /// Who is fast gets more than who is slow.
    Speed,
    /// What there is to win falls with time.
    Decay,
    /// Every second wins, at once.
    Draw,
    /// Some win, at the close.
    Raffle,
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runs {
    /// One process, as `serve`.
    OneProcess,
    /// Two of the kind, at the same work.
    TwoProcesses,
    /// Functions, handed batches as Lambda does. Participations are entered by the rewarder.
    Functions,
}

/// A profile that the workspace has from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeededProfile {
    /// Whose.
    pub consumer: u8,
    /// Whether it carries the number.
    pub phone: bool,
    /// Whether the number is subscribed.
    pub subscribed: bool,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// A consumer takes part by e-mail.
    TakesPartByEmail(u8),
    /// A consumer takes part by mobile number, and gives the address, too.
    TakesPartByPhone(u8),
    /// Braze tells of something that a consumer did.
    DoesSomething(u8),
    /// A consumer answers "Y".
    SaysYes(u8),
    /// A consumer who is subscribed answers "STOP".
    SaysStop(u8),
    /// Seconds pass.
    Pass(u32),
    /// A process stops dead at its n-th effect from now, before it or after it, and a new one starts.
    Crash {
        /// Which process.
        process: u8,
        /// At which effect.
        effects: u8,
    },
    /// The next answers of Braze go wrong.
    BrazeFails {
        /// At which endpoint.
        endpoint: FailingEndpoint,
        /// How.
        how: Failure,
        /// How many.
        count: u8,
    },
    /// Braze answers nothing but 503 for so many minutes.
    Outage(u32),
    /// Quikly answers so many callbacks with 502.
    QuiklyFails(u8),
    /// Our clock is set forward by so many seconds, or back.
    ClockSet(i32),
    /// Somebody ticks beside the processes.
    Tick,
    /// Braze refuses the key for so many minutes.
    KeyRefused(u32),
    /// Our own code panics at so many of the next requests to Braze: before one is sent, or after it was answered.
    Panics(u8),
    /// One of the participations so far cannot be read, until nothing goes wrong any more.
    Unreadable(u8),
    /// The brand's file is gone for so many minutes, and returns.
    BrandGone(u32),
    /// The brand's file cannot be used for so many minutes.
    BrandBroken(u32),
    /// The log takes nothing for so many minutes.
    LogFails(u32),
}

/// What may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailingEndpoint {
    /// Any.
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
    /// 429, nothing done.
    Throttled,
    /// 500, nothing done.
    Before,
    /// A body that is none, and it was done.
    After,
    /// The connection breaks; nothing was sent.
    NotSent,
    /// The connection breaks after it was done.
    AnswerLost,
}

impl Plan {
    /// The last place that gives something.
    #[must_use]
    pub fn places(&self) -> u32 {
        if self.prizes == Prizes::Tiers { self.quantity + 1 } else { self.quantity }
    }

    /// The activation, as the brand's file has it.
    pub(super) fn activation(&self) -> String {
        let incentive = self.incentive();
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
         [activation.rewards_to_braze]\nreward = \"q_reward\"\nposition = \"q_position\"\n"
        )
    }

    /// The incentive, as the brand's file has it. The run begins at 8.
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
            prizes: prizes[dice.usize(..7)],
            quantity: dice.u32(1..5),
            known,
            happens: (0..dice.usize(8..28)).map(|_| happening(&mut dice)).collect(),
        };
        plan.add_panics();
        plan.add_what_is_ours();
        plan
    }

    /// Drawn by dice of their own: everything else happens as it did before there were any.
    fn add_panics(&mut self) {
        let mut dice = fastrand::Rng::with_seed(self.dice ^ 0x7061_6e69_6373);
        if dice.u8(..3) == 0 {
            let place = dice.usize(..=self.happens.len());
            self.happens.insert(place, Happening::Panics(dice.u8(1..6)));
        }
    }

    /// What goes wrong with what is ours: records, brand files and the log. Drawn by dice of their own, too.
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

/// As it is kept: JSON.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).unwrap_or_default())
    }
}
