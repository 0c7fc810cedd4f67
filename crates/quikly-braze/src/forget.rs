//! `forget`: erases a person.

use std::io::{self, IsTerminal};

use anyhow::Context;
use domain::audit::AuditEntry;
use domain::consent::Consent;
use domain::contact::{Email, Phone};
use domain::ids::ParticipationId;
use domain::person::Person;
use ports::Clock;
use ports::clock::SystemClock;
use ports::operations::{ErasureReport, ProvenConsent};
use serde_json::{Value, json};

use crate::arguments::Forget;
use crate::console;
use crate::operator;
use crate::storage::Opened;

enum Who {
    Person(Person),
    Participation(ParticipationId),
}

pub(crate) async fn run(arguments: Forget) -> anyhow::Result<()> {
    let who = match (&arguments.id, &arguments.email, &arguments.phone) {
        (Some(id), _, _) => {
            Who::Participation(ParticipationId::parse(id).context("--id is a participation's id")?)
        }
        (None, Some(email), _) => Who::Person(Person::Email(Email::parse(&given(email, "e-mail address")?)?)),
        (None, None, Some(phone)) => {
            let phone = given(phone, "number")?;
            let phone = Phone::from_e164(&phone).context("--phone is E.164: +, country code, number")?;
            Who::Person(Person::Phone(phone))
        }
        (None, None, None) => anyhow::bail!("--email, --phone or --id is missing"),
    };
    let storage = Opened::open(arguments.storage).await?;
    let now = SystemClock.now();
    let id_key = storage.id_key().await?;
    let entry = AuditEntry::new(now, operator::name(&arguments.operator), "forget");
    let entry = entry.about(arguments.id.clone().filter(|_| matches!(who, Who::Participation(_))));
    let forgotten = match who {
        Who::Person(person) => storage.operations().forget(&person, &id_key, now).await?,
        Who::Participation(id) => storage.operations().forget_participation(id, &id_key, now).await?,
    };
    let ErasureReport { participations, profiles, .. } = forgotten;
    let outcome = format!("erased {participations} participations and {profiles} profile hints");
    storage.operations().note(&entry.with(outcome)).await?;
    say(&forgotten, arguments.json);
    anyhow::ensure!(
        !forgotten.remains,
        "copies may remain in the data file's log, because a reader holds it open: run this again, or restart `serve`"
    );
    if forgotten.is_nobody() {
        return Err(NobodyFound.into());
    }
    Ok(())
}

/// The address, number or id was not found. Most likely it is mistyped.
#[derive(Debug, thiserror::Error)]
#[error(
    "nobody found: no participation and no profile has this contact or id, so nothing was erased; is it spelled as the person gave it?"
)]
pub(crate) struct NobodyFound;

impl NobodyFound {
    /// An exit code of its own, so that a program can distinguish this from a failure.
    pub(crate) const EXIT_CODE: u8 = 3;
}

/// The value from the command line, or from a line of standard input.
pub(crate) fn given(argument: &str, what: &str) -> anyhow::Result<String> {
    if argument != Forget::FROM_INPUT {
        return Ok(argument.to_owned());
    }
    if io::stdin().is_terminal() {
        console::ask(what);
    }
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .with_context(|| format!("the {what} cannot be read from standard input"))?;
    let line = line.trim();
    anyhow::ensure!(!line.is_empty(), "standard input has no {what} on its first line");
    Ok(line.to_owned())
}

fn say(forgotten: &ErasureReport, as_json: bool) {
    let ErasureReport { participations, profiles, unreadable, remains, earlier, consents } = forgotten;
    if as_json {
        let consents: Vec<Value> = consents.iter().map(consent_as_json).collect();
        let mut said = json!({
            "participations": participations,
            "profiles": profiles,
            "unreadable": unreadable,
            "remains_in_log": remains,
        });
        if *earlier > 0 {
            said["erased_earlier"] = (*earlier).into();
        }
        if !consents.is_empty() {
            said["consents"] = consents.into();
        }
        console::say(&said.to_string());
        return;
    }
    if !forgotten.is_nobody() {
        say_what_was_erased(*participations, *profiles);
    }
    if *earlier > 0 {
        console::say(&format!("{earlier} participation(s) of this contact were erased earlier."));
    }
    for proven in consents {
        let ProvenConsent { participation, brand, scope, consent } = proven;
        let text = consent.text_id.as_deref().unwrap_or("none");
        console::say(&format!(
            "Erased earlier: participation {participation} of {brand}, {scope}; consent given at {}, text id {text}{}.",
            consent.at,
            further_proof(consent)
        ));
    }
    if *unreadable > 0 {
        console::say(&format!(
            "{unreadable} participation(s) cannot be read, so it is unknown whose they are. The log names them; `forget --id` erases one."
        ));
    }
}

/// The parts of a proof that only newer consents have. They follow the parts that every consent has.
fn further_proof(consent: &Consent) -> String {
    let mut proof = String::new();
    let mut say = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            proof.push_str(&format!(", {name} {value}"));
        }
    };
    say("text sha256", consent.text.map(|text| text.to_string()));
    say("page", consent.page.as_ref().map(|page| page.as_str().to_owned()));
    say("e-mail", consent.email.map(|email| if email.given { "yes" } else { "no" }.to_owned()));
    say("Braze", consent.word().map(str::to_owned));
    proof
}

pub(crate) fn consent_as_json(proven: &ProvenConsent) -> Value {
    let ProvenConsent { participation, brand, scope, consent } = proven;
    json!({
        "participation": participation.to_string(),
        "brand": brand.to_string(),
        "scope": scope.to_string(),
        "at": consent.at.to_string(),
        "text_id": consent.text_id,
        "text_sha256": consent.text.map(|text| text.to_string()),
        "page": consent.page.as_ref().map(domain::consent::Page::as_str),
        "email": consent.email.map(|email| email.given),
        "state": consent.word(),
    })
}

fn say_what_was_erased(participations: u64, profiles: u64) {
    console::say(&format!(
        "Erased from {participations} participation(s) and {profiles} profile hint(s). The brand has to delete this person's data in Braze."
    ));
}
