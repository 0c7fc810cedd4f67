//! Consumers who take part, one after another or at the same time, and the order in which they stand.

use std::time::Duration;

use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::consent::{Answers, Respondent};
use domain::contact::{Contact, Email};
use domain::ids::{Channel, ParticipationId};
use futures::future::join_all;
use ports::Clock;

use crate::answers::{has_one_twice, out_of_order};
use crate::campaign::Campaign;
use crate::simulation::change::CONSUMERS;
use crate::simulation::draws::Draws;
use crate::simulation::people::TEXT;
use crate::simulation::{Broken, By, Happening, Plan, Run, Runs, broken, email, phone};

/// Within so many milliseconds, everybody of a crowd has asked.
const CROWD_WITHIN: u64 = 60;

impl Plan {
    /// Adds crowds to most runs of functions, whose acceptances then make one call after another. They are drawn by dice of their own, too.
    pub(super) fn add_crowds(&mut self) {
        let mut dice = fastrand::Rng::with_seed(self.dice ^ 0x6c61_6e65);
        if self.runs != Runs::Functions || dice.u8(..4) == 0 {
            return;
        }
        self.draws = [Draws::CallByCall, Draws::InLanes(1), Draws::InLanes(2)][dice.usize(..3)];
        for _crowd in 0..dice.usize(1..3) {
            let place = dice.usize(..=self.happens.len() / 2);
            // Its profiles settle before anything else happens: how the clock is set meanwhile decides what becomes of a number, which has
            // nothing to do with its place.
            self.happens.splice(place..place, [Happening::Crowd(dice.u8(..)), Happening::Pass(120)]);
        }
    }
}

impl Run {
    /// A consumer takes part.
    pub(super) async fn takes_part(&mut self, by: By) {
        if let Some(id) = takes_part(&self.campaign.clone(), by).await {
            self.accept(id, by);
        }
    }

    /// Many take part at the same time, each by some of the ways.
    pub(super) async fn crowd_takes_part(&mut self, dice: u8) {
        let (campaign, mut dice) = (self.campaign.clone(), fastrand::Rng::with_seed(dice.into()));
        let mut asking = Vec::new();
        for consumer in 0..CONSUMERS {
            for by in [By::Email(consumer), By::Phone(consumer), By::Event(consumer)] {
                let begins = Duration::from_millis(dice.u64(..CROWD_WITHIN));
                if dice.u8(..3) > 0 {
                    asking.push((by, begins));
                }
            }
        }
        let asks = async |(by, begins): (By, Duration)| {
            campaign.clock.sleep(begins).await;
            Some((takes_part(&campaign, by).await?, by))
        };
        for (id, by) in join_all(asking.into_iter().map(asks)).await.into_iter().flatten() {
            self.accept(id, by);
        }
    }

    /// Checks that numbers go in the order of acceptance, where they are drawn at acceptance.
    pub(super) fn numbers_keep_the_order(&self, plan: &Plan) -> Result<(), Broken> {
        let answers = self.campaign.answers.places(plan.places());
        if plan.runs != Runs::Functions {
            return Ok(());
        }
        if has_one_twice(&answers) {
            return broken("no number is drawn twice", format!("{answers:?}"));
        }
        match out_of_order(&answers).first() {
            Some(ahead) => broken(
                "a consumer who was answered before another one asked stands ahead",
                format!("{ahead:?} of {answers:?}"),
            ),
            None => Ok(()),
        }
    }
}

/// Accepts a participation of a consumer. By e-mail, the consumer consents if the activation asks.
async fn takes_part(campaign: &Campaign, by: By) -> Option<ParticipationId> {
    let consumer = match by {
        By::Phone(consumer) => {
            return Some(campaign.accept_phone(&phone(consumer), Some(&email(consumer))).await);
        }
        By::Event(consumer) => return Some(campaign.accept_event("signed_in", &email(consumer)).await),
        By::Email(consumer) => consumer,
    };
    let (brand, activation) = campaign.terms();
    let Some(rules) = &activation.consent else { return Some(campaign.accept(&email(consumer)).await) };
    let now = campaign.clock.now();
    let answers = Answers { email: Some(true), text_id: Some(TEXT.to_owned()), ..Answers::default() };
    let asked = Respondent { way: Channel::Email, has_email: true };
    let consent = answers.consent(Some(rules), asked, now).ok().flatten();
    let address = Email::parse(&email(consumer)).ok()?;
    let id = campaign.id_key.participation(&activation.scope, &Contact::Email(address.clone()));
    let acceptance = Acceptance::new(id, (brand, activation), now);
    Some(campaign.keep(acceptance.by_email(address, consent, Attributes::default())).await)
}
