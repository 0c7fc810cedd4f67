//! The faults that can occur, and the dice that decide when they do.

use std::collections::BTreeMap;
use std::time::Duration;

/// How often each fault occurs, as a share of its opportunities: 0 is never, 1 is always.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// A message that a send accepted never arrives.
    pub message_lost: f64,
    /// A message is delivered while another delivery of it is still unacknowledged.
    pub message_twice: f64,
    /// Messages are delivered in any order.
    pub message_order: f64,
    /// A send fails; nothing was sent.
    pub send_fails: f64,
    /// A schedule never fires.
    pub schedule_lost: f64,
    /// A schedule fires twice.
    pub schedule_twice: f64,
    /// A schedule fires up to two minutes late.
    pub schedule_late: f64,
    /// A read fails.
    pub read_fails: f64,
    /// A write fails without taking effect.
    pub write_fails: f64,
    /// A write takes effect, but its caller gets an error.
    pub write_lost_answer: f64,
    /// A conditional save is refused although no other save came between.
    pub save_conflicts: f64,
    /// A number is drawn, and then the participation that it was drawn for is not stored.
    pub number_lost: f64,
    /// The index of due participations shows a write up to two seconds late.
    pub index_lags: f64,
    /// A participation that is put off is shown for its next poll as it was read before.
    pub glimpse_kept: f64,
    /// Of several saves, the first ones take effect, and the rest is throttled.
    pub saves_throttled: f64,
    /// A call of an acceptance to a counter or a lane is throttled. It has no effect.
    pub draw_throttled: f64,
    /// A call of an acceptance to a counter or a lane takes effect, but its caller gets an error.
    pub draw_lost_answer: f64,
    /// The process that accepts a participation dies before one of its calls, or after one took effect.
    pub acceptance_dies: f64,
}

impl Faults {
    /// No faults.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            message_lost: 0.0,
            message_twice: 0.0,
            message_order: 0.0,
            send_fails: 0.0,
            schedule_lost: 0.0,
            schedule_twice: 0.0,
            schedule_late: 0.0,
            read_fails: 0.0,
            write_fails: 0.0,
            write_lost_answer: 0.0,
            save_conflicts: 0.0,
            number_lost: 0.0,
            index_lags: 0.0,
            glimpse_kept: 0.0,
            saves_throttled: 0.0,
            draw_throttled: 0.0,
            draw_lost_answer: 0.0,
            acceptance_dies: 0.0,
        }
    }

    /// Every fault that the AWS services can show, far more often than they show it.
    #[must_use]
    pub const fn like_aws() -> Self {
        Self {
            message_lost: 0.02,
            message_twice: 0.05,
            message_order: 0.5,
            send_fails: 0.02,
            schedule_lost: 0.02,
            schedule_twice: 0.05,
            schedule_late: 0.2,
            read_fails: 0.02,
            write_fails: 0.02,
            write_lost_answer: 0.02,
            save_conflicts: 0.02,
            number_lost: 0.02,
            index_lags: 0.3,
            glimpse_kept: 0.8,
            saves_throttled: 0.02,
            draw_throttled: 0.1,
            draw_lost_answer: 0.02,
            acceptance_dies: 0.02,
        }
    }
}

impl Faults {
    /// The same faults, `factor` times as often.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let often = |share: f64| (share * factor).min(0.9);
        Self {
            message_lost: often(self.message_lost),
            message_twice: often(self.message_twice),
            message_order: often(self.message_order),
            send_fails: often(self.send_fails),
            schedule_lost: often(self.schedule_lost),
            schedule_twice: often(self.schedule_twice),
            schedule_late: often(self.schedule_late),
            read_fails: often(self.read_fails),
            write_fails: often(self.write_fails),
            write_lost_answer: often(self.write_lost_answer),
            save_conflicts: often(self.save_conflicts),
            number_lost: often(self.number_lost),
            index_lags: often(self.index_lags),
            glimpse_kept: often(self.glimpse_kept),
            saves_throttled: often(self.saves_throttled),
            draw_throttled: often(self.draw_throttled),
            draw_lost_answer: often(self.draw_lost_answer),
            acceptance_dies: often(self.acceptance_dies),
        }
    }
}

/// The dice. The same seed gives the same throws.
pub(crate) struct Fate {
    faults: Faults,
    dice: fastrand::Rng,
    /// The dice of the faults that a busy service shows. They are apart, so that they change no throw of the others.
    dice_of_load: fastrand::Rng,
    /// The dice of acceptances that are made call by call.
    dice_of_acceptances: fastrand::Rng,
    /// The dice of polls.
    dice_of_polls: fastrand::Rng,
    /// How many times each fault has occurred.
    struck: BTreeMap<&'static str, u64>,
}

impl Fate {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let dice = |salt| fastrand::Rng::with_seed(seed ^ salt);
        Self {
            faults,
            dice: dice(0),
            dice_of_load: dice(0x10ad),
            dice_of_acceptances: dice(0xacce),
            dice_of_polls: dice(0x9011),
            struck: BTreeMap::new(),
        }
    }

    /// Whether this fault occurs now. A fault with probability 0 costs no throw.
    pub(crate) fn strikes(&mut self, name: &'static str, which: fn(&Faults) -> f64) -> bool {
        let share = which(&self.faults);
        let strikes = share > 0.0 && self.dice.f64() < share;
        if strikes {
            *self.struck.entry(name).or_default() += 1;
        }
        strikes
    }

    /// Whether this fault of a busy service occurs now, and how far: a share of the most that is possible.
    pub(crate) fn strikes_in_part(&mut self, name: &'static str, which: fn(&Faults) -> f64) -> Option<f64> {
        let share = which(&self.faults);
        let strikes = share > 0.0 && self.dice_of_load.f64() < share;
        strikes.then(|| {
            *self.struck.entry(name).or_default() += 1;
            self.dice_of_load.f64()
        })
    }

    /// Whether this fault occurs now in an acceptance that is made call by call.
    pub(crate) fn strikes_acceptance(&mut self, name: &'static str, which: fn(&Faults) -> f64) -> bool {
        let share = which(&self.faults);
        let strikes = share > 0.0 && self.dice_of_acceptances.f64() < share;
        if strikes {
            *self.struck.entry(name).or_default() += 1;
        }
        strikes
    }

    /// Whether what was read of a participation is kept for its next poll.
    pub(crate) fn keeps_glimpse(&mut self) -> bool {
        let share = self.faults.glimpse_kept;
        let keeps = share > 0.0 && self.dice_of_polls.f64() < share;
        if keeps {
            *self.struck.entry("glimpses that were kept").or_default() += 1;
        }
        keeps
    }

    /// Whether anything that was read may be kept.
    pub(crate) fn may_keep_glimpses(&self) -> bool {
        self.faults.glimpse_kept > 0.0
    }

    /// How long half of an acceptance's call takes: some milliseconds, and sometimes much longer.
    pub(crate) fn half_of_call(&mut self) -> Duration {
        let dice = &mut self.dice_of_acceptances;
        let most = if dice.u8(..50) == 0 { 40.0 } else { 3.0 };
        Duration::from_millis(1).mul_f64(0.5 + most * dice.f64())
    }

    pub(crate) fn change(&mut self, faults: Faults) {
        self.faults = faults;
    }

    pub(crate) fn struck(&self) -> &BTreeMap<&'static str, u64> {
        &self.struck
    }

    /// A random index below `count`.
    pub(crate) fn pick(&mut self, count: usize) -> usize {
        self.dice.usize(..count.max(1))
    }

    /// A random delay of at most `most`.
    pub(crate) fn delay(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.dice.f64())
    }
}
