use proptest::prelude::*;

use super::raffle::{Entrant, Seed, Ticket, winners};
use super::*;
use crate::contact::{Contact, Email};
use crate::id_key::IdKey;
use crate::ids::{BrandId, ContactKey, LedgerKey, Scope};

const OPENS: i64 = 1_800_000_000;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(OPENS * 1_000 + milliseconds).unwrap()
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn code(text: &str) -> Prize {
    Prize::Fixed(Reward::Code(text.into()))
}

fn incentive(kind: Kind) -> Incentive {
    Incentive {
        id: IncentiveId::parse("early-bird").unwrap(),
        opens: at(0),
        closes: at(3_600_000),
        quantity: Quantity::Limited(500.try_into().unwrap()),
        kind,
        consolation: None,
    }
}

fn offered(incentive: &Incentive, accepted_at: Timestamp, sent_at: Option<Timestamp>) -> Offer {
    incentive.offer(Moments { accepted_at, sent_at }, 0)
}

fn decay(step: Option<u64>, round_to: &str, rounding: Rounding) -> Decay {
    Decay {
        from: amount("50"),
        to: amount("10"),
        over: Duration::from_secs(40),
        step: step.map(Duration::from_secs),
        multiple: amount(round_to),
        rounding,
    }
}

fn after(decay: &Decay, milliseconds: u64) -> String {
    decay.value_after(Duration::from_millis(milliseconds)).to_string()
}

#[test]
fn amounts_are_written_as_people_write_them() {
    for (text, shown) in [("20", "20"), ("12.50", "12.5"), ("0.0001", "0.0001"), ("1000000000", "1000000000")]
    {
        assert_eq!(amount(text).to_string(), shown);
    }
    for text in ["", "-1", "1.00001", "1e3", "1,5", ".5", "1000000001", "ten", "99999999999999999999"] {
        assert_eq!(text.parse::<Amount>(), Err(AmountError::NotAnAmount), "{text}");
    }
}

#[test]
fn a_value_falls_in_a_line_from_the_first_moment_to_the_last() {
    let line = decay(None, "0.01", Rounding::Nearest);
    for (milliseconds, value) in [
        (0, "50"),
        (1, "50"),
        (5, "50"),
        (10, "49.99"),
        (20_000, "30"),
        (39_999, "10"),
        (40_000, "10"),
        (99_000, "10"),
    ] {
        assert_eq!(after(&line, milliseconds), value, "after {milliseconds} ms");
    }
}

#[test]
fn a_value_can_fall_in_steps() {
    let steps = decay(Some(10), "1", Rounding::Nearest);
    for (milliseconds, value) in
        [(0, "50"), (9_999, "50"), (10_000, "40"), (19_999, "40"), (39_999, "20"), (40_000, "10")]
    {
        assert_eq!(after(&steps, milliseconds), value, "after {milliseconds} ms");
    }
}

#[test]
fn a_value_is_rounded_as_configured() {
    // After 2.5 s the line is at 47.5, and after 2.6 s at 47.4.
    for (milliseconds, rounding, value) in [
        (2_500, Rounding::Nearest, "48"),
        (2_600, Rounding::Nearest, "47"),
        (2_600, Rounding::Up, "48"),
        (2_500, Rounding::Down, "47"),
        (1_000, Rounding::Down, "49"),
        (1_000, Rounding::Up, "49"),
    ] {
        assert_eq!(
            after(&decay(None, "1", rounding), milliseconds),
            value,
            "{rounding:?} after {milliseconds} ms"
        );
    }
    assert_eq!(after(&decay(None, "5", Rounding::Nearest), 3_000), "45");
    assert_eq!(
        after(&decay(None, "7", Rounding::Up), 39_000),
        "14",
        "never above the beginning or below the end"
    );
    assert_eq!(after(&decay(None, "7", Rounding::Down), 39_500), "10");
}

#[test]
fn speed_counts_the_moment_itself() {
    let speed_tiers = vec![
        SpeedTier { within: Duration::from_secs(60), prize: code("A") },
        SpeedTier { within: Duration::from_secs(600), prize: code("B") },
    ];
    let incentive = incentive(Kind::Speed { since: Since::Opens, speed_tiers });
    for (milliseconds, offer) in [
        (0, Offer::Prize(code("A"))),
        (60_000, Offer::Prize(code("A"))),
        (60_001, Offer::Prize(code("B"))),
        (600_000, Offer::Prize(code("B"))),
        (600_001, Offer::Nothing(NoPrize::TooSlow)),
    ] {
        assert_eq!(offered(&incentive, at(milliseconds), None), offer, "after {milliseconds} ms");
    }
}

#[test]
fn speed_can_be_measured_from_the_sending() {
    let speed_tiers = vec![SpeedTier { within: Duration::from_secs(60), prize: code("A") }];
    let incentive = incentive(Kind::Speed { since: Since::SentAt, speed_tiers });
    assert!(incentive.needs_sent_at());
    let offer = |sent| offered(&incentive, at(900_000), Some(at(sent)));
    assert_eq!(offer(840_000), Offer::Prize(code("A")));
    assert_eq!(offer(839_999), Offer::Nothing(NoPrize::TooSlow));
    assert_eq!(offer(900_500), Offer::Prize(code("A")), "a clock ahead of ours does not make anybody late");
}

#[test]
fn nothing_is_offered_before_the_opening_nor_from_the_close_on() {
    let incentive = incentive(Kind::First(code("A")));
    assert_eq!(offered(&incentive, at(-1), None), Offer::Nothing(NoPrize::NotOpen));
    assert_eq!(offered(&incentive, at(0), None), Offer::ByPlace);
    assert_eq!(offered(&incentive, at(3_599_999), None), Offer::ByPlace);
    assert_eq!(offered(&incentive, at(3_600_000), None), Offer::Nothing(NoPrize::Closed));
}

#[test]
fn tiers_go_by_place() {
    let tiers = vec![Tier { up_to: 100, prize: code("A") }, Tier { up_to: 500, prize: code("B") }];
    let incentive = incentive(Kind::Tiers(tiers));
    for (place, prize) in [
        (1, Some(code("A"))),
        (100, Some(code("A"))),
        (101, Some(code("B"))),
        (500, Some(code("B"))),
        (501, None),
    ] {
        assert_eq!(incentive.prize(&Offer::ByPlace, place), prize, "place {place}");
    }
}

#[test]
fn an_incentive_says_how_many_codes_its_pools_need() {
    let codes = |file: &str| Prize::Codes(Pool::of_file(file).unwrap());
    let tiers = vec![
        Tier { up_to: 100, prize: codes("a") },
        Tier { up_to: 300, prize: code("B") },
        Tier { up_to: 500, prize: codes("a") },
    ];
    let needs = |incentive: &Incentive| {
        incentive.pools().iter().map(|(pool, count)| (pool.file().to_owned(), *count)).collect::<Vec<_>>()
    };
    assert_eq!(needs(&incentive(Kind::Tiers(tiers))), [("a".to_owned(), Some(300))]);
    assert_eq!(needs(&incentive(Kind::First(codes("a")))), [("a".to_owned(), Some(500))]);
    assert_eq!(needs(&incentive(Kind::First(code("A")))), []);
}

fn consumer(number: usize) -> (ContactKey, crate::ids::ParticipationId) {
    let contact = Contact::Email(Email::parse(&format!("c{number}@example.com")).unwrap());
    let key = IdKey::new([7; 32]);
    let brand = BrandId::parse("acme").unwrap();
    (key.contact(&brand, &contact), key.participation(&Scope::parse("spring").unwrap(), &contact))
}

#[test]
fn a_draws_share_is_its_odds_and_its_outcome_never_changes() {
    let key = IdKey::new([7; 32]);
    let ledger = |scope: &str| LedgerKey {
        scope: Scope::parse(scope).unwrap(),
        incentive: Some(IncentiveId::parse("lucky").unwrap()),
    };
    const PARTICIPANTS: u32 = 100_000;
    let participant = |number: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        ContactKey::from_bytes(bytes)
    };
    let lots = |scope: &str, count: u32| -> Vec<u64> {
        (0..count).map(|number| key.lot(&ledger(scope), participant(number))).collect()
    };
    let spring = lots("spring", PARTICIPANTS);
    for (wins, of) in [(1, 20), (1, 2), (1, 1_000), (1, 1)] {
        let odds = Odds::new(wins, of).unwrap();
        let count = spring.iter().filter(|lot| odds.wins(**lot)).count() as f64;
        let share = f64::from(wins) / f64::from(of);
        let expected = share * f64::from(PARTICIPANTS);
        let sigma = (expected * (1.0 - share)).sqrt();
        println!("odds {wins}/{of}: {count} of {PARTICIPANTS} won, expected {expected}, sigma {sigma:.1}");
        assert!((count - expected).abs() <= 4.0 * sigma, "{count} won at {wins}/{of}");
    }
    assert_eq!(spring[..100], lots("spring", 100), "asked again");
    assert_ne!(spring[..100], lots("autumn", 100), "another activation is another draw");
    assert_eq!((Odds::new(0, 5), Odds::new(6, 5)), (None, None));
}

fn entrants(count: usize) -> Vec<Entrant> {
    (0..count).map(consumer).map(|(participant, id)| Entrant { id, keys: vec![participant] }).collect()
}

proptest! {
    #[test]
    fn a_raffle_draws_the_same_winners_in_whatever_order_lots_come(
        count in 0_usize..60, most in 1_u32..40, seed: [u8; 32], shuffle: u64,
    ) {
        let seed = Seed::new(seed);
        let mut entrants = entrants(count);
        let quantity = Quantity::Limited(most.try_into().unwrap());
        let drawn = winners(&seed, &entrants, quantity);
        prop_assert_eq!(drawn.len(), count.min(most as usize));
        entrants.sort_by_key(|entrant| Ticket::of(entrant.id).0.map(|byte| byte ^ shuffle as u8));
        prop_assert_eq!(drawn, winners(&seed, &entrants, quantity));
    }
}

#[test]
fn anyone_can_check_a_raffle_from_its_seed_and_tickets() {
    use sha2::{Digest, Sha256};
    let seed = Seed::new([5; 32]);
    assert_eq!(seed.commitment().0[..], Sha256::digest(hex::decode(seed.publish()).unwrap())[..]);
    let entrants = entrants(50);
    let mut tickets: Vec<Ticket> = entrants.iter().map(|entrant| Ticket::of(entrant.id)).collect();
    tickets.sort_by_key(|ticket| Sha256::digest([&[5; 32][..], &ticket.0].concat()).to_vec());
    let drawn: Vec<Ticket> = winners(&seed, &entrants, Quantity::Limited(7.try_into().unwrap()))
        .into_iter()
        .map(Ticket::of)
        .collect();
    assert_eq!(drawn, tickets[..7]);
}

#[test]
fn more_tickets_are_no_better_chance() {
    let seed = Seed::new([5; 32]);
    let mut many = entrants(30);
    for entrant in &mut many[10..] {
        entrant.keys = vec![consumer(3).0];
    }
    let drawn = winners(&seed, &many, Quantity::Limited(30.try_into().unwrap()));
    assert_eq!(drawn.len(), 10, "one lot a participant");
}

#[test]
fn a_lot_wins_up_to_the_share_of_its_odds() {
    let half = Odds::new(1, 2).unwrap();
    let middle = u64::MAX / 2;
    assert!(half.wins(0) && half.wins(middle) && !half.wins(middle + 1));
    let incentive = incentive(Kind::Draw { odds: half, prize: code("A") });
    let offer = |lot| incentive.offer(Moments { accepted_at: at(1), sent_at: None }, lot);
    assert_eq!((offer(middle), offer(u64::MAX)), (Offer::ByPlace, Offer::Nothing(NoPrize::NotDrawn)));
}

#[test]
fn a_quantity_exceeds_what_leaves_a_place() {
    let five = Quantity::Limited(5.try_into().unwrap());
    assert_eq!([0, 4, 5, 6].map(|places| five.exceeds(places)), [true, true, false, false]);
    assert!(Quantity::Unlimited.exceeds(u32::MAX));
}

#[test]
fn each_reason_for_no_prize_is_stored_under_its_name() {
    for (why, name) in [
        (NoPrize::NoIncentive, "no_incentive"),
        (NoPrize::NotOpen, "not_open"),
        (NoPrize::Closed, "closed"),
        (NoPrize::TooSlow, "too_slow"),
        (NoPrize::NotDrawn, "not_drawn"),
        (NoPrize::Already, "already_rewarded"),
    ] {
        assert_eq!((why.name(), NoPrize::named(name)), (name, Some(why)));
    }
    assert_eq!(NoPrize::named("bad_luck"), None);
}

#[test]
fn a_raffle_is_drawn_a_minute_after_the_close_among_those_credited_in_the_first_45_seconds() {
    let draw_after = Duration::from_secs(600);
    let raffle = incentive(Kind::Raffle { prize: code("A"), draw_after });
    assert_eq!(raffle.drawn_from(), at(3_600_000 + 60_000));
    assert_eq!(raffle.lots_until(), at(3_600_000 + 600_000));
    assert_eq!(raffle.drawn_by(), at(3_600_000 + 615_000));
}

#[test]
fn a_reward_prints_its_value_and_never_its_code() {
    assert_eq!(format!("{:?}", Reward::Code("SPRING20".into())), "Code(…)");
    assert_eq!(format!("{:?}", Reward::Value(amount("12.50"))), "Value(12.5)");
}

#[test]
fn of_a_participants_tickets_the_one_with_the_lowest_id_counts() {
    let ids = [3_u8, 1, 2].map(|number| crate::ids::ParticipationId::from_bytes([number; 16]));
    let (participant, _) = consumer(1);
    let entrants = ids.map(|id| Entrant { id, keys: vec![participant] });
    for seed in 0..20 {
        assert_eq!(winners(&Seed::new([seed; 32]), &entrants, Quantity::Unlimited), [ids[1]]);
    }
}

#[test]
fn what_a_draw_leaves_is_stored_by_name_and_a_seed_does_not_print_itself() {
    assert_eq!(super::raffle::DrawnList::ALL.map(|list| list.name()), ["tickets", "winners"]);
    assert_eq!(format!("{:?}", Seed::new([5; 32])), "Seed(…)");
}

#[test]
fn a_sign_or_a_digit_of_another_script_makes_no_amount() {
    for text in ["+1", "+1.5", "1.+5", "-0", "1.", "٣", "1.٣"] {
        let expected = if text == "1." { Ok(amount("1")) } else { Err(AmountError::NotAnAmount) };
        assert_eq!(text.parse::<Amount>(), expected, "{text}");
    }
}

#[test]
fn steps_without_length_are_no_steps() {
    let steady = after(&decay(None, "1", Rounding::Nearest), 20_000);
    assert_eq!(after(&decay(Some(0), "1", Rounding::Nearest), 20_000), steady);
}
