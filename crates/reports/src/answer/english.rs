//! The answers in English.

use domain::Timestamp;
use domain::ids::Channel;
use domain::incentive::Since;
use domain::participation::{Cause, HeldUp};
use domain::time::between;

use super::{Statement, Win};
use crate::language::Language::English;

/// One statement as a sentence or two.
pub(super) fn sentence(statement: &Statement, now: Timestamp) -> String {
    match statement {
        Statement::Forgotten => {
            "The consumer was forgotten, so nothing is known about the reward.".to_owned()
        }
        Statement::NotCreditedYet => "Not credited yet.".to_owned(),
        Statement::OnItsWay => "It is processed now, or within a minute.".to_owned(),
        Statement::Waits(held_up) => waits(*held_up, now),
        Statement::ConfirmsUntil { until } => {
            format!("The consumer can confirm until {}.", English.moment(*until, now))
        }
        Statement::PlaceReserved { place } => format!("Place {} is kept until then.", number(*place)),
        Statement::PlaceNotKnownYet => "The place is not known yet.".to_owned(),
        Statement::StillWriting => "The profile is still being written.".to_owned(),
        Statement::WrittenAgain => {
            "The profile does not show what was written to it, so it is written again.".to_owned()
        }
        Statement::RewardUnplaced { since } => format!(
            "No profile in Braze shows the reward. This was given up at {}.",
            English.moment(*since, now)
        ),
        Statement::EventUnplaced { since } => format!(
            "No profile in Braze has the event. This was given up at {}.",
            English.moment(*since, now)
        ),
        Statement::ConsentNotWritten => {
            "Braze does not have the consent: the consumer had unsubscribed, or Braze refused it.".to_owned()
        }
        Statement::ProfileRefused { reason } => format!("Braze refused the profile (“{reason}”)."),
        Statement::ProfileGivenUp { reason } => format!("Writing to the profile was given up (“{reason}”)."),
        Statement::NotConfirmedButCredited => "The consumer did not confirm.".to_owned(),
        Statement::Expired { .. }
        | Statement::Unverified { .. }
        | Statement::Unsubscribed
        | Statement::AnotherNumber
        | Statement::Rejected { .. }
        | Statement::GivenUp { .. }
        | Statement::NotCredited => without_credit(statement),
        Statement::CreditedWithoutIncentive
        | Statement::NoIncentive
        | Statement::Won { .. }
        | Statement::Consolation { .. }
        | Statement::CodeOwed { .. } => with_credit(statement),
        Statement::Waiting { .. }
        | Statement::PlacesHeld { .. }
        | Statement::SoldOut { .. }
        | Statement::WaitsForOwn { .. } => in_line(statement),
        Statement::InRaffle { .. } | Statement::RaffleLost { .. } => raffle(statement, now),
        Statement::NotDrawn
        | Statement::TooSlow { .. }
        | Statement::NotOpen { .. }
        | Statement::Closed { .. }
        | Statement::CreditedLate
        | Statement::AlreadyRewarded { .. } => no_prize(statement),
    }
}

fn number(number: u32) -> String {
    English.number(u64::from(number))
}

fn ordinal(number: u32) -> String {
    English.ordinal(u64::from(number))
}

fn without_credit(statement: &Statement) -> String {
    match statement {
        Statement::Expired { within, by_number } => {
            let answer = if *by_number { "Y" } else { "confirmation" };
            let within = within
                .map_or_else(|| "in time".to_owned(), |within| format!("within {}", English.length(within)));
            format!("No {answer} {within}, so no credit and no reward.")
        }
        Statement::Unverified { within } => format!(
            "Braze did not say “Subscribed” within {}, so no credit and no reward.",
            English.length(*within)
        ),
        Statement::Unsubscribed => {
            "The consumer had unsubscribed from text messages, so no credit and no reward.".to_owned()
        }
        Statement::AnotherNumber => {
            "The profile in Braze has another phone number, so no credit and no reward.".to_owned()
        }
        Statement::Rejected { reason } => {
            format!("Braze refused this consumer (“{reason}”), so no credit and no reward.")
        }
        Statement::GivenUp { reason } => format!("It was given up (“{reason}”), so no credit and no reward."),
        _ => "It ended without a credit, so no reward.".to_owned(),
    }
}

fn with_credit(statement: &Statement) -> String {
    match statement {
        Statement::NoIncentive => {
            "Credited. The incentive is not in the brand file, so no reward.".to_owned()
        }
        Statement::Won { win, place, after } => {
            let place = place.map(|place| format!(", place {}", number(place))).unwrap_or_default();
            let after = after.map(|after| format!(", {} after the click", English.duration(after)));
            format!("Won: {}{place}{}.", won(win), after.unwrap_or_default())
        }
        Statement::Consolation { win } => format!("Got the consolation: {}.", won(win)),
        Statement::CodeOwed { place } => format!(
            "Has place {}, but no code is left. The code follows as soon as codes are added.",
            number(*place)
        ),
        _ => "Credited. There is nothing to win in this way of taking part.".to_owned(),
    }
}

fn won(win: &Win) -> String {
    match win {
        Win::Code(code) => format!("code {code}"),
        Win::Value(amount) => English.amount(*amount),
    }
}

fn in_line(statement: &Statement) -> String {
    match statement {
        Statement::Waiting { quantity, late_by, in_line } => {
            let taken = match (quantity, late_by) {
                (Some(quantity), Some(late_by)) => {
                    format!("The {} place went {} before this click.", ordinal(*quantity), English.duration(*late_by))
                }
                (Some(1), None) => "The only place went before this click.".to_owned(),
                (Some(quantity), None) => format!("All {} places went before this click.", number(*quantity)),
                (None, Some(late_by)) => {
                    format!("The last place went {} before this click.", English.duration(*late_by))
                }
                (None, None) => "All places went before this click.".to_owned(),
            };
            let line = in_line.map_or_else(
                || "Now in line.".to_owned(),
                |in_line| format!("Now {} in line.", ordinal(in_line)),
            );
            format!("{taken} {line}")
        }
        Statement::PlacesHeld { held: 1 } => {
            "One place is held for somebody who is not credited yet; if it is released, it goes to the first in line."
                .to_owned()
        }
        Statement::PlacesHeld { held } => format!(
            "{} places are held for people who are not credited yet; each one that is released goes to the first in line.",
            number(*held)
        ),
        Statement::SoldOut { quantity: Some(1) } => "The only place is given for good.".to_owned(),
        Statement::SoldOut { quantity: Some(quantity) } => {
            format!("All {} places are given for good.", number(*quantity))
        }
        Statement::WaitsForOwn { way, place } => format!(
            "Has a place already{}; one participant gets one reward.",
            by_way(*way, *place)
        ),
        _ => "All places are given for good.".to_owned(),
    }
}

fn raffle(statement: &Statement, now: Timestamp) -> String {
    match statement {
        Statement::RaffleLost { drawn_at, of } => {
            let drawn_at = drawn_at.map(|at| format!(" It was drawn at {}", English.moment(at, now)));
            let of = of.map(|(tickets, winners)| {
                let count =
                    if winners == 1 { "1 winner".to_owned() } else { format!("{} winners", number(winners)) };
                let among =
                    if tickets == 1 { "1 ticket".to_owned() } else { format!("{} tickets", number(tickets)) };
                format!(": {count} among {among}")
            });
            let drawn = drawn_at.map(|drawn_at| format!("{drawn_at}{}.", of.unwrap_or_default()));
            format!("Was in the raffle, was not drawn.{} The seal can be checked.", drawn.unwrap_or_default())
        }
        Statement::InRaffle { drawn_from, tickets } => {
            let drawn = drawn_from
                .map(|from| format!(" It is drawn from {} on.", English.moment(from, now)))
                .unwrap_or_default();
            let among = match tickets {
                Some(1) => " There is 1 ticket.".to_owned(),
                Some(tickets) => format!(" There are {} tickets.", number(*tickets)),
                None => String::new(),
            };
            format!("Has a ticket in the raffle, which is not drawn yet.{drawn}{among}")
        }
        _ => String::new(),
    }
}

fn no_prize(statement: &Statement) -> String {
    match statement {
        Statement::NotDrawn => "Was in the draw, was not drawn. The seal can be checked.".to_owned(),
        Statement::TooSlow { took: Some(took), within: Some(within), since } => format!(
            "{} after {}; only answers within {} counted.",
            English.duration(*took),
            moment_that_counts(*since),
            English.length(*within)
        ),
        Statement::TooSlow { .. } => "Answered too late; only faster answers counted.".to_owned(),
        Statement::NotOpen { early_by: Some(by) } => {
            format!("Came {} before the opening.", English.duration(*by))
        }
        Statement::NotOpen { early_by: None } => "Came before the opening.".to_owned(),
        Statement::Closed { late_by: Some(by) } => format!("Came {} after the close.", English.duration(*by)),
        Statement::Closed { late_by: None } => "Came after the close.".to_owned(),
        Statement::CreditedLate => "Came in time, but was credited too late for the raffle.".to_owned(),
        Statement::AlreadyRewarded { way, place } => {
            format!("Has the reward already{}.", by_way(*way, *place))
        }
        _ => String::new(),
    }
}

fn moment_that_counts(since: Since) -> &'static str {
    match since {
        Since::Opens => "the opening",
        Since::SentAt => "the sending",
    }
}

fn by_way(way: Option<Channel>, place: Option<u32>) -> String {
    let way = match way {
        Some(Channel::Email) => ", by e-mail",
        Some(Channel::Sms) => ", by text message",
        Some(Channel::Event) => ", by an event",
        None => "",
    };
    let place = place.map(|place| format!(", place {}", number(place))).unwrap_or_default();
    format!("{way}{place}")
}

fn waits(held_up: HeldUp, now: Timestamp) -> String {
    let HeldUp { cause, since } = held_up;
    let since =
        format!("since {}, for {}", English.moment(since, now), English.duration(between(since, now)));
    match cause {
        Cause::Unreachable => format!("Braze has not answered {since}. Nothing is lost; it is tried again."),
        Cause::AnswerLost => format!(
            "Braze's answer was lost; this is so {since}. Nothing is lost; what the request did is checked."
        ),
        Cause::Throttled => {
            format!(
                "Braze has answered “too many requests” (429) {since}. Nothing is lost; it is tried again."
            )
        }
        Cause::BrazeFailed => {
            format!("Braze has answered with errors (5xx) {since}. Nothing is lost; it is tried again.")
        }
        Cause::NotTaken => {
            format!("Braze has not taken the request {since}. Nothing is lost; it is tried again.")
        }
        Cause::KeyRefused => {
            format!(
                "Braze has refused the API key {since}. Nothing is lost; somebody has to correct the key."
            )
        }
        Cause::NoKey => format!(
            "We have not been able to use the API key {since}. Nothing is lost; somebody has to look at the secret."
        ),
        Cause::UnknownGroup => format!(
            "Braze has not known the subscription group {since}. Nothing is lost; somebody has to correct the brand file."
        ),
        Cause::NoSlot => {
            format!("It has waited for its turn {since}, because Braze allows no more requests for now.")
        }
        Cause::NoTerms => {
            format!("The brand file has not had the activation or this way of taking part {since}.")
        }
        Cause::AnotherCreates => {
            format!("Another participation of the same consumer has been creating the profile {since}.")
        }
        Cause::Building => format!("Braze has been building the profile {since}."),
        Cause::Subscribing => {
            format!("The number was subscribed, and Braze has not said “Subscribed” yet {since}.")
        }
        Cause::Asked => format!("The consumer was asked to confirm and has not answered {since}."),
        Cause::NoProfile => {
            format!(
                "No profile in Braze has carried the consumer's address or number {since}; it is looked for again."
            )
        }
        Cause::Unknown(_) => format!("It has waited {since}, for a reason that only a newer version knows."),
    }
}
