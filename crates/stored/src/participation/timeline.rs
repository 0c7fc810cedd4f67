//! The stored form of a timeline: one short text, so that most records stay below 1 KB.
//!
//! `lu5+120 up.th126*3+2400 ~7 en9000` says: looked up 5 ms after the acceptance, which took 120 ms; three writes failed from 126 ms on,
//! the last one 2,400 ms later; seven things that happened were dropped; the flow ended after 9,000 ms.

use std::fmt::Write;

use domain::participation::{Cause, Code, FIRST_KEPT, HeldUp, Timeline, TimelineEntry};

use crate::error::Why;
use crate::values::moment;

/// The text of a timeline; `None` of an empty one.
pub(super) fn text(timeline: &Timeline) -> Option<String> {
    if timeline.is_empty() {
        return None;
    }
    let mut text = String::new();
    for (position, entry) in timeline.entries().iter().enumerate() {
        if position == FIRST_KEPT && timeline.dropped() > 0 {
            let _always = write!(text, "~{} ", timeline.dropped());
        }
        put(&mut text, entry);
        text.push(' ');
    }
    text.pop();
    Some(text)
}

fn put(text: &mut String, entry: &TimelineEntry) {
    text.push_str(&letters(entry.code.letters()));
    if let Some(cause) = entry.cause {
        text.push('.');
        text.push_str(&letters(cause.letters()));
    }
    let _always = write!(text, "{}", entry.began);
    if entry.times != 1 {
        let _always = write!(text, "*{}", entry.times);
    }
    if entry.ended > entry.began {
        let _always = write!(text, "+{}", entry.ended - entry.began);
    }
}

fn letters(letters: [u8; 2]) -> String {
    letters.map(char::from).into_iter().collect()
}

/// Reads the text of a timeline.
pub(super) fn timeline(text: &str) -> Result<Timeline, Why> {
    let (mut entries, mut dropped) = (Vec::new(), 0);
    for one in text.split_ascii_whitespace() {
        match one.strip_prefix('~') {
            Some(count) => dropped = number(count)?,
            None => entries.push(entry(one)?),
        }
    }
    Ok(Timeline::new(entries, dropped))
}

fn entry(text: &str) -> Result<TimelineEntry, Why> {
    const WRONG: &str = "not an entry of a timeline";
    let (code, rest) = two_letters(text).ok_or(WRONG)?;
    let (cause, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            two_letters(rest).map(|(cause, rest)| (Some(Cause::of_letters(cause)), rest)).ok_or(WRONG)?
        }
        None => (None, rest),
    };
    let (rest, took) = rest.split_once('+').unwrap_or((rest, "0"));
    let (began, times) = rest.split_once('*').unwrap_or((rest, "1"));
    let began: u64 = number(began)?;
    let ended = began.saturating_add(number(took)?);
    Ok(TimelineEntry { code: Code::of_letters(code), cause, began, ended, times: number(times)? })
}

/// The two letters that a text begins with, and the rest.
fn two_letters(text: &str) -> Option<([u8; 2], &str)> {
    let (letters, rest) = text.split_at_checked(2)?;
    let letters: [u8; 2] = letters.as_bytes().try_into().ok()?;
    letters.iter().all(u8::is_ascii_lowercase).then_some((letters, rest))
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, Why> {
    text.parse().map_err(|_| "not a number in a timeline".into())
}

/// The record of why a participation waits, and since when.
pub(super) fn held_up_record(held_up: HeldUp) -> (String, i64) {
    (letters(held_up.cause.letters()), held_up.since.as_millisecond())
}

/// Reads why a participation waits, and since when.
pub(super) fn held_up((cause, since): (String, i64)) -> Result<HeldUp, Why> {
    let (cause, rest) = two_letters(&cause).ok_or("not a reason to wait")?;
    if !rest.is_empty() {
        return Err("not a reason to wait".into());
    }
    Ok(HeldUp { cause: Cause::of_letters(cause), since: moment(since)? })
}
