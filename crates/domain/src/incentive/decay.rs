//! An offer whose value falls as time passes.

use std::time::Duration;

use crate::incentive::Amount;

/// How a value falls, from its beginning to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decay {
    /// The value at the beginning.
    pub from: Amount,
    /// The value at the end, not more than at the beginning.
    pub to: Amount,
    /// How long the value falls; never zero.
    pub over: Duration,
    /// How long the value stays before it falls by a step, to where a straight line would be. `None` if it
    /// falls steadily.
    pub step: Option<Duration>,
    /// Values are multiples of this; never zero.
    pub multiple: Amount,
    /// How a value between two multiples is rounded.
    pub rounding: Rounding,
}

/// How a value between two multiples is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearer multiple; from the middle, to the higher one.
    Nearest,
    /// To the higher multiple.
    Up,
    /// To the lower multiple.
    Down,
}

impl Decay {
    /// The value after `elapsed`: exactly `from` at the beginning, and exactly `to` at and after the end.
    ///
    /// ```
    /// use std::time::Duration;
    /// use domain::incentive::{Amount, Decay, Rounding};
    ///
    /// let offer = Decay {
    ///     from: "50".parse().unwrap(),
    ///     to: "10".parse().unwrap(),
    ///     over: Duration::from_secs(2 * 3_600),
    ///     step: Some(Duration::from_secs(600)),
    ///     multiple: "1".parse().unwrap(),
    ///     rounding: Rounding::Nearest,
    /// };
    /// let after = |minutes: u64| offer.value_after(Duration::from_secs(minutes * 60)).to_string();
    /// assert_eq!((after(0), after(25), after(120)), ("50".into(), "43".into(), "10".into()));
    /// ```
    #[must_use]
    pub fn value_after(&self, elapsed: Duration) -> Amount {
        let over = self.over.as_millis().max(1);
        let passed = match self.step.map(|step| step.as_millis()) {
            Some(step) if step > 0 => elapsed.as_millis() / step * step,
            Some(_) | None => elapsed.as_millis(),
        };
        if passed == 0 {
            return self.from;
        }
        if elapsed.as_millis() >= over {
            return self.to;
        }
        let (from, to) = (i128::from(self.from.parts()), i128::from(self.to.parts()));
        // The rest of the fall, in ten-thousandths times `over`, so that nothing is rounded twice.
        let left = i128::try_from(over - passed.min(over)).unwrap_or(0);
        let over = i128::try_from(over).unwrap_or(i128::MAX);
        // No file that is accepted comes near the limits of the type; one that was pushed before durations
        // had bounds may.
        let scaled = to.saturating_mul(over).saturating_add((from - to).saturating_mul(left));
        let multiple = i128::from(self.multiple.parts().max(1)).saturating_mul(over);
        let (lower, rest) = (scaled / multiple, scaled % multiple);
        let up = match self.rounding {
            Rounding::Nearest => rest * 2 >= multiple,
            Rounding::Up => rest > 0,
            Rounding::Down => false,
        };
        let rounded = (lower + i128::from(up)) * i128::from(self.multiple.parts().max(1));
        let amount = i64::try_from(rounded.clamp(to, from)).ok().and_then(Amount::from_parts);
        #[expect(clippy::expect_used, reason = "a price that is wrong is worse than none")]
        amount.expect("what lies between two amounts is one")
    }
}
