//! `forget`: erases a person.

use anyhow::Context;
use domain::contact::{Email, Phone};
use domain::person::Person;
use ports::Clock;
use ports::clock::SystemClock;
use serde_json::json;

use crate::arguments::Forget;
use crate::console;
use crate::place::Opened;

pub(crate) async fn run(arguments: Forget) -> anyhow::Result<()> {
    let person = match (&arguments.email, &arguments.phone) {
        (Some(email), _) => Person::Email(Email::parse(email)?),
        (None, Some(phone)) => {
            Person::Phone(Phone::from_e164(phone).context("--phone is E.164: +13135550100")?)
        }
        (None, None) => anyhow::bail!("--email or --phone is missing"),
    };
    let place = Opened::open(arguments.place).await?;
    let id_key = place.id_key().await?;
    let forgotten = place.operations().forget(&person, &id_key, SystemClock.now()).await?;
    if arguments.json {
        let said = json!({ "participations": forgotten.participations, "profiles": forgotten.profiles });
        console::say(&said.to_string());
    } else {
        console::say(&format!(
            "Erased from {} participation(s), with {} thing(s) known of profiles. What Braze has of this person is the brand's to delete there.",
            forgotten.participations, forgotten.profiles
        ));
    }
    Ok(())
}
