//! The items of participations, each with the line in a ledger that belongs to it.

use domain::participation::Participation;
use ports::Result;
use ports::store::{Glimpse, WithLine};
use stored::participation::decode;

use crate::dynamo::item::{Item, id_of, required, text_of};

/// The participation of an item.
pub(crate) fn participation(item: &Item) -> Result<Participation> {
    let id = id_of(item)?;
    let (version, record) = (required(item, "version"), text_of(item, "record"));
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

/// The same as it was a moment ago.
pub(crate) fn glimpse(item: &Item) -> Result<Glimpse> {
    let (participation, award) = with_line(item)?;
    Ok(Glimpse { participation, award })
}
