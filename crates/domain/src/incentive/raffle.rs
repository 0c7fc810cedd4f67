//! Draws among all participations at the close, in a way that anyone can verify.
//!
//! The seed exists from the beginning, and its SHA-256 is published as a commitment. Each participation has a
//! ticket, the SHA-256 of its id, which reveals nothing about the consumer and cannot be turned back into the
//! id. At the close every ticket gets a score, the SHA-256 of seed and ticket, and the lowest scores win.
//! Then the seed is published, and everyone can compute the result from the list of tickets.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::ids::{ContactKey, ParticipationId};
use crate::incentive::Quantity;

/// The seed of a raffle, which is secret until the raffle is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

/// The commitment to a seed: its SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment(pub [u8; 32]);

/// A participation in a raffle, in its public form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub [u8; 16]);

/// A participation in a raffle, as the draw sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// The participation.
    pub id: ParticipationId,
    /// The keys of the person behind it, who can win only once.
    pub keys: Vec<ContactKey>,
}

impl Seed {
    /// Makes a seed from 32 secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The seed as a text, to be published after the draw.
    #[must_use]
    pub fn publish(&self) -> String {
        hex::encode(self.0)
    }

    /// The commitment to the seed.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment(Sha256::digest(self.0).into())
    }

    fn score(&self, ticket: Ticket) -> [u8; 32] {
        Sha256::new().chain_update(self.0).chain_update(ticket.0).finalize().into()
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

impl Ticket {
    /// The ticket of a participation: the first 16 bytes of the SHA-256 of its id's text.
    #[must_use]
    pub fn of(id: ParticipationId) -> Self {
        let digest = Sha256::digest(id.to_string().as_bytes());
        let mut ticket = [0; 16];
        ticket.copy_from_slice(&digest[..16]);
        Self(ticket)
    }
}

/// The result of a draw, which everyone can verify. It is stored in this form and never changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drawing {
    tickets: Vec<Ticket>,
    winners: Vec<Ticket>,
}

/// A list in the result of a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawnList {
    /// All tickets, in the order of the tickets.
    Tickets,
    /// The winning tickets, best first.
    Winners,
}

impl Drawing {
    /// Makes a result from all tickets, in any order, and the winning ones, best first.
    #[must_use]
    pub fn new(mut tickets: Vec<Ticket>, winners: Vec<Ticket>) -> Self {
        tickets.sort_unstable();
        Self { tickets, winners }
    }

    /// One of the lists.
    #[must_use]
    pub fn list(&self, list: DrawnList) -> &[Ticket] {
        match list {
            DrawnList::Tickets => &self.tickets,
            DrawnList::Winners => &self.winners,
        }
    }
}

impl DrawnList {
    /// Both lists.
    pub const ALL: [Self; 2] = [Self::Tickets, Self::Winners];

    /// The list's name in storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Winners => "winners",
        }
    }
}

/// The winners, best score first: at most `quantity`, and each participant once. The order of the entrants
/// does not matter.
#[must_use]
pub fn winners(seed: &Seed, entrants: &[Entrant], quantity: Quantity) -> Vec<ParticipationId> {
    let scored = first_of_each(entrants).into_iter().map(|id| (seed.score(Ticket::of(id)), id));
    let mut scores: Vec<([u8; 32], ParticipationId)> = scored.collect();
    scores.sort_unstable();
    if let Some(limit) = quantity.limit() {
        scores.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    scores.into_iter().map(|(_, id)| id).collect()
}

/// One participation of each participant. Those with a key in common belong together, also by way of others.
///
/// Of a participant's tickets the one with the lowest id counts, not the one with the best score: more tickets do
/// not improve the chance.
fn first_of_each(entrants: &[Entrant]) -> Vec<ParticipationId> {
    let mut entrants: Vec<&Entrant> = entrants.iter().collect();
    entrants.sort_unstable_by_key(|entrant| entrant.id);
    // To which earlier entrant each belongs: itself, if it is the first of its participant.
    let mut leads: Vec<usize> = Vec::with_capacity(entrants.len());
    let mut holders: BTreeMap<ContactKey, usize> = BTreeMap::new();
    for (number, entrant) in entrants.iter().enumerate() {
        leads.push(number);
        for key in &entrant.keys {
            let holder = *holders.entry(*key).or_insert(number);
            let (one, other) = (lead_of(&mut leads, holder), lead_of(&mut leads, number));
            if let Some(lead) = leads.get_mut(one.max(other)) {
                *lead = one.min(other);
            }
        }
    }
    let is_first = |(number, _): &(usize, &&Entrant)| leads.get(*number) == Some(number);
    entrants.iter().enumerate().filter(is_first).map(|(_, entrant)| entrant.id).collect()
}

fn lead_of(leads: &mut [usize], number: usize) -> usize {
    let mut first = number;
    while let Some(next) = leads.get(first).copied().filter(|next| *next != first) {
        first = next;
    }
    // The way is shorter from now on.
    if let Some(lead) = leads.get_mut(number) {
        *lead = first;
    }
    first
}
