//! `token`: generates a bearer token for a brand's webhooks.

use domain::token::TokenHash;
use ports::Chance;
use ports::clock::SystemChance;

use serde_json::json;

use crate::arguments::TokenArguments;
use crate::console;

/// Prints a new token and its hash. The token goes into Braze and is stored nowhere else; the hash goes into the brand file.
pub(crate) fn run(arguments: &TokenArguments) {
    let token = new(&SystemChance);
    if arguments.json {
        let hash = TokenHash::of(&token).to_string();
        console::say(&json!({ "token": token, "sha256": hash }).to_string());
        return;
    }
    console::say(&format!(
        "token   {token}\n        for the Authorization header of the webhook in Braze: Bearer {token}\n\
         sha256  {}\n        for the brand file: [webhook] tokens_sha256 = [\"…\"]",
        TokenHash::of(&token)
    ));
}

fn new(chance: &dyn Chance) -> String {
    let bits: String = (0..4).map(|_| format!("{:016x}", chance.bits())).collect();
    format!("qb_{bits}")
}
