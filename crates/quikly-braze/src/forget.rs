//! `forget`: erases a person.

use anyhow::Context;
use domain::contact::{Email, Phone};
use domain::person::Person;
use ports::Clock;
use ports::clock::SystemClock;
use ports::operations::Forgotten;
use serde_json::json;

use crate::arguments::Forget;
use crate::console;
use crate::place::Opened;

pub(crate) async fn run(arguments: Forget) -> anyhow::Result<()> {
    let person = match (&arguments.email, &arguments.phone) {
        (Some(email), _) => Person::Email(Email::parse(email)?),
        (None, Some(phone)) => {
            Person::Phone(Phone::from_e164(phone).context("--phone is E.164: +, country code, number")?)
        }
        (None, None) => anyhow::bail!("--email or --phone is missing"),
    };
    let place = Opened::open(arguments.place).await?;
    let id_key = place.id_key().await?;
    let forgotten = place.operations().forget(&person, &id_key, SystemClock.now()).await?;
    say(&forgotten, arguments.json);
    anyhow::ensure!(
        !forgotten.remains,
        "bytes of it may still be in the data file's log, since something reads it all the time: run this again, or restart `serve`"
    );
    Ok(())
}

fn say(forgotten: &Forgotten, as_json: bool) {
    let Forgotten { participations, profiles, unreadable, remains } = forgotten;
    if as_json {
        let said = json!({
            "participations": participations,
            "profiles": profiles,
            "unreadable": unreadable,
            "remains_in_log": remains,
        });
        console::say(&said.to_string());
        return;
    }
    console::say(&format!(
        "Erased from {participations} participation(s), with {profiles} thing(s) known of profiles. What Braze has of this person is the brand's to delete there."
    ));
    if *unreadable > 0 {
        console::say(&format!(
            "{unreadable} participation(s) cannot be read: nobody can tell whose they are."
        ));
    }
}
