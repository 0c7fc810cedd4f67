//! The JSON form of values in the public API and in callbacks.

use domain::incentive::Reward;
use serde_json::Value;

/// A reward, as a text or a number.
#[must_use]
pub fn reward(reward: &Reward) -> Value {
    match reward {
        Reward::Code(code) => Value::String(code.clone()),
        #[expect(clippy::expect_used, reason = "a reward that is shown as nothing looks like none")]
        Reward::Value(amount) => {
            serde_json::from_str(&amount.to_string()).expect("an amount is written as a JSON number")
        }
    }
}
