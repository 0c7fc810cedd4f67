//! The results of draws: lists of tickets that never change. They are stored in parts, so that a read costs as much as it returns.

use domain::award::{Award, AwardStatus};
use domain::incentive::raffle::{Drawing, DrawnList, Ticket};
use domain::ledger::Frozen;
use ports::ledger::DrawnPart;
use rusqlite::{Connection, Result, params};

use crate::rows;

/// How many tickets of a list one row holds.
const ROW: u32 = 256;

/// The size of a ticket in bytes.
const TICKET: usize = 16;

/// Stores the result of a draw.
pub(crate) fn keep(transaction: &Connection, ledger: &str, drawing: &Drawing) -> Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO drawn (ledger, list, row, tickets) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET tickets = excluded.tickets",
    )?;
    for list in DrawnList::ALL {
        for (row, tickets) in (0_u32..).zip(drawing.list(list).chunks(ROW as usize)) {
            let bytes: Vec<u8> = tickets.iter().flat_map(|ticket| ticket.0).collect();
            insert.execute(params![ledger, list.name(), row, bytes])?;
        }
    }
    Ok(())
}

/// Reads a part of a list.
pub(crate) fn read(
    connection: &Connection,
    ledger: &str,
    list: DrawnList,
    (after, most): (u32, u32),
) -> Result<DrawnPart> {
    let Some(frozen) = rows::counts(connection, ledger)?.frozen else { return Ok(DrawnPart::default()) };
    let of = frozen.length(list);
    let last = after.saturating_add(most).min(of);
    let mut tickets = Vec::new();
    if after < last {
        let mut rows = connection.prepare_cached(
            "SELECT tickets FROM drawn WHERE ledger = ?1 AND list = ?2 AND row BETWEEN ?3 AND ?4 ORDER BY row",
        )?;
        let (from, to) = (after / ROW, (last - 1) / ROW);
        let rows = rows.query_map(params![ledger, list.name(), from, to], |row| row.get::<_, Vec<u8>>(0))?;
        for row in rows {
            tickets.extend(row?.as_chunks::<TICKET>().0.iter().map(|bytes| Ticket(*bytes)));
        }
    }
    let part = DrawnPart::of_whole(&tickets, after % ROW, last.saturating_sub(after));
    Ok(DrawnPart { of, ..part })
}

/// Stores the results of draws made by a version that computed them from the lines on every read.
pub(crate) fn freeze_earlier(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction()?;
    let ledgers: Vec<(String, String)> = {
        let mut all = transaction.prepare("SELECT ledger, counts FROM ledgers")?;
        all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_>>()?
    };
    for (ledger, counts) in ledgers {
        // Counters that cannot be read are reported when they are needed.
        let Ok(mut counts) = stored::counters::decode(&ledger, &counts) else { continue };
        if counts.drawn_at.is_none() || counts.frozen.is_some() {
            continue;
        }
        tracing::info!(event = "embedded.freezing", ledger, "The result of a draw is stored from now on.");
        let drawing = of_lines(&transaction, &ledger)?;
        keep(&transaction, &ledger, &drawing)?;
        counts.frozen = Some(Frozen::of(&drawing));
        let counts = stored::counters::encode(&ledger, &counts).map_err(rows::unencodable)?;
        transaction.execute("UPDATE ledgers SET counts = ?2 WHERE ledger = ?1", [&ledger, &counts])?;
    }
    transaction.commit()
}

fn of_lines(transaction: &Connection, ledger: &str) -> Result<Drawing> {
    let mut lines =
        transaction.prepare("SELECT id, award FROM participations WHERE ledger = ?1 AND credited")?;
    let (mut tickets, mut winners) = (Vec::new(), Vec::new());
    for award in lines.query_map([ledger], rows::award)? {
        let award = match award {
            Ok(award) => award,
            Err(error) => {
                let error = ports::error::in_full(&error);
                tracing::error!(
                    event = "embedded.unreadable",
                    ledger,
                    error,
                    "A line of the ledger cannot be read and is left out of the draw's result."
                );
                continue;
            }
        };
        sort_in(&award, &mut tickets, &mut winners);
    }
    winners.sort_unstable();
    Ok(Drawing::new(tickets, winners.into_iter().map(|(_, ticket)| ticket).collect()))
}

fn sort_in(award: &Award, tickets: &mut Vec<Ticket>, winners: &mut Vec<(u32, Ticket)>) {
    let ticket = Ticket::of(award.id);
    if award.status == AwardStatus::InRaffle || award.has_place() {
        tickets.push(ticket);
    }
    winners.extend(award.place().map(|place| (place, ticket)));
}
