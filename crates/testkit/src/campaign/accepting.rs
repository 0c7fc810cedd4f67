//! How participations of a campaign are stored and announced.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test ends where it fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use domain::accept;
use domain::accept::Acceptance;
use domain::attributes::Attributes;
use domain::contact::Contact;
use domain::ids::ParticipationId;
use domain::message::{MOST_IN_MESSAGE, QueueName, WorkMessage};
use domain::participation::Participation;
use ports::queues::{Outgoing, Queues};
use ports::store::Inserted;
use ports::{Clock, Store};

use crate::campaign::Campaign;

impl Campaign {
    /// Stores a participation as intake does, and keeps what the answer says about the place.
    async fn store(&self, participation: &Participation) {
        let terms = self.brands.activation(participation.scope()).unwrap();
        let entry = accept::entry(participation, terms, &self.id_key);
        loop {
            let asked = self.answers.asks();
            match self.memory.insert(participation, entry.as_ref()).await {
                Ok(Inserted::New(standing)) => return self.answers.answers(asked, standing),
                // A participation that exists and cannot be read is answered with 500.
                Ok(Inserted::Existing(_)) | Err(ports::Error::Corrupt(_)) => return,
                // After a 503 a caller would retry.
                Err(_) => {}
            }
        }
    }

    /// Accepts many by e-mail or by mobile number, and sends messages for a hundred at a time, as intake does under load.
    pub async fn accept_all(&self, contacts: impl Iterator<Item = Contact>) -> Vec<ParticipationId> {
        let (brand, activation) = self.terms();
        let (terms, now) = ((brand, activation), self.clock.now());
        let mut announced: BTreeMap<QueueName, Vec<ParticipationId>> = BTreeMap::new();
        let mut accepted = Vec::new();
        for contact in contacts {
            let id = self.id_key.participation(&activation.scope, &contact);
            let participation = match contact {
                Contact::Email(email) => {
                    Acceptance::new(id, terms, now).by_email(email, None, Attributes::default())
                }
                Contact::Phone { phone, email } => {
                    Acceptance::new(id, terms, now).by_phone((phone, email), None, Attributes::default())
                }
            };
            self.store(&participation).await;
            announced.entry(QueueName::of(participation.channel())).or_default().push(id);
            accepted.push(id);
        }
        for (queue, ids) in announced {
            for some in ids.chunks(MOST_IN_MESSAGE) {
                let look = WorkMessage { brand: brand.id.clone(), ids: some.to_vec() };
                self.memory.send(queue, vec![Outgoing { look, delay: Duration::ZERO }]).await.unwrap();
            }
        }
        accepted
    }

    /// Stores a participation and announces it.
    pub async fn keep(&self, participation: Participation) -> ParticipationId {
        self.store(&participation).await;
        let look = WorkMessage { brand: participation.brand().clone(), ids: vec![participation.id()] };
        let message = Outgoing { look, delay: Duration::ZERO };
        let queue = QueueName::of(participation.channel());
        let _the_tick_finds_it = self.memory.send(queue, vec![message]).await;
        participation.id()
    }
}
