//! Values of rewards: exact decimal numbers.

use std::fmt;
use std::str::FromStr;

/// How many parts make one. Amounts have up to four decimals.
const PARTS: i64 = 10_000;

/// A decimal number with up to four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

/// The text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a decimal number, or has more than four decimals, or exceeds a thousand million.
    #[error("must be a number from 0 to 1000000000 with up to four decimals")]
    NotAnAmount,
}

impl Amount {
    /// The largest amount.
    const MOST: i64 = 1_000_000_000 * PARTS;

    /// Makes an amount from ten-thousandths; `None` if it is negative or too large.
    #[must_use]
    pub fn from_parts(parts: i64) -> Option<Self> {
        (0..=Self::MOST).contains(&parts).then_some(Self(parts))
    }

    /// The amount in ten-thousandths.
    #[must_use]
    pub fn parts(self) -> i64 {
        self.0
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 4 {
            return Err(AmountError::NotAnAmount);
        }
        let parts: i64 = format!("{whole}{decimals:0<4}").parse().map_err(|_| AmountError::NotAnAmount)?;
        Self::from_parts(parts).ok_or(AmountError::NotAnAmount)
    }
}

/// Shows no superfluous decimals: `20`, `12.5`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / PARTS, self.0 % PARTS);
        if decimals == 0 {
            write!(f, "{whole}")
        } else {
            let decimals = format!("{decimals:04}");
            write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
        }
    }
}
