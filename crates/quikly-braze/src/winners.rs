//! `winners`: who won, with what they won.

use std::io::{self, Write};

use anyhow::Context;
use domain::ids::{IncentiveId, Scope};
use ports::pages::StoredParticipation;
use reports::masked;

use crate::arguments::{RowFormat, Winners};
use crate::export::{WINNER, each_record, opened, winner};
use crate::row_output::{RowOutput, unless_left, written};

/// The winners in one of their forms.
enum WinnerOutput {
    Rows(RowOutput),
    /// Lines of text, and how many there are.
    Lines(u64),
}

pub(crate) async fn run(arguments: Winners) -> anyhow::Result<()> {
    let Winners { scope, storage, incentive, csv, json, reveal, operator } = arguments;
    let scope = Scope::parse(&scope).context("SCOPE is an activation's scope id")?;
    let incentive = incentive.as_deref().map(IncentiveId::parse).transpose().context("--incentive")?;
    let storage = opened(storage, ("winners", &scope), reveal, &operator).await?;
    let format = csv.then_some(RowFormat::Csv).or(json.then_some(RowFormat::Ndjson));
    let Some(mut output) = unless_left(WinnerOutput::begin(format))? else { return Ok(()) };
    let each = |record: &StoredParticipation| {
        let of = record.award.as_ref().and_then(|award| award.ledger.incentive.as_ref());
        if incentive.is_some() && of != incentive.as_ref() {
            return Ok(());
        }
        output.winner(record, reveal)
    };
    if each_record(&storage, &scope, each).await? { written(output.end()) } else { Ok(()) }
}

impl WinnerOutput {
    fn begin(format: Option<RowFormat>) -> io::Result<Self> {
        match format {
            Some(format) => Ok(Self::Rows(RowOutput::begin(format, WINNER)?)),
            None => Ok(Self::Lines(0)),
        }
    }

    /// Writes a participation, if it won.
    fn winner(&mut self, record: &StoredParticipation, reveal: bool) -> io::Result<()> {
        let Some(row) = winner(record, reveal) else { return Ok(()) };
        match self {
            Self::Rows(rows) => rows.row(row),
            Self::Lines(count) => {
                *count += 1;
                writeln!(io::stdout(), "{}", as_line(record, reveal))
            }
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Rows(rows) => rows.end(),
            Self::Lines(1) => writeln!(io::stdout(), "1 winner"),
            Self::Lines(count) => writeln!(io::stdout(), "{count} winners"),
        }
    }
}

/// The place, the contact, what was won and when, and the id.
fn as_line(record: &StoredParticipation, reveal: bool) -> String {
    let StoredParticipation { participation, award } = record;
    let award = award.as_ref();
    let place =
        award.and_then(|award| award.place()).map_or_else(|| "-".to_owned(), |place| place.to_string());
    let email = participation.email().map(|email| masked::email(email, reveal));
    let contact = email.or_else(|| participation.phone().map(|phone| masked::phone(phone, reveal)));
    let reward = award.and_then(|award| award.reward()).map(|(reward, _)| masked::reward(reward, reveal));
    let at = award.and_then(|award| award.rewarded_at.or(award.credited_at)).map(|at| at.to_string());
    let [contact, reward, at] = [contact, reward, at].map(|text| text.unwrap_or_else(|| "-".to_owned()));
    format!("{place:>6}  {contact}  {reward}  {at}  {}", participation.id())
}
