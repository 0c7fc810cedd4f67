//! The items of participations, each with the line in a ledger that belongs to it.

use domain::ids::ParticipationId;
use domain::participation::Participation;
use ports::Result;
use ports::store::WithLine;
use stored::participation::decode;

use crate::dynamo::item::{Item, id_of, required, text_of};

/// The version of an item.
pub(crate) fn version(item: &Item) -> Result<u64> {
    required(item, "version")
}

/// The participation of an item.
pub(crate) fn participation(item: &Item) -> Result<Participation> {
    let id = id_of(item)?;
    let (version, record) = (version(item), text_of(item, "record"));
    Ok(decode(id, version.map_err(|error| error.of(id))?, record.map_err(|error| error.of(id))?)?)
}

/// The participation of an item together with its line.
pub(crate) fn with_line(item: &Item) -> Result<WithLine> {
    let award = match item.contains_key("award") {
        true => Some(stored::award::decode(id_of(item)?, text_of(item, "award")?)?),
        false => None,
    };
    Ok((participation(item)?, award))
}

/// The same from what was kept of an item.
pub(crate) fn decoded(
    id: ParticipationId,
    version: u64,
    (record, award): (&str, Option<&str>),
) -> Result<WithLine> {
    let award = award.map(|award| stored::award::decode(id, award)).transpose()?;
    Ok((decode(id, version, record)?, award))
}
