//! Numbers that are drawn while participations are accepted, before their lines are entered.
//!
//! The number is the rank by acceptance. Up to the quantity, a number is also a place, which belongs to the participation that drew it.
//! Lines are entered later and in any order. Pages of [`PAGE`] numbers record which numbers are in use, so a number has one owner: the
//! participation that drew it, or the ledger, if nobody used it in time.
//!
//! | used | place taken | the number |
//! | --- | --- | --- |
//! | no | no | is free above [`NumbersUsed::used_to`], and kept up to there |
//! | yes | no | is in use and its place is free, or it has no place |
//! | yes | yes | is in use, and somebody has its place |
//! | no | yes | is kept: its own line has its place and is credited, and is perhaps not stored yet |
//!
//! An earlier version keeps no numbers. To that version, a kept number is free, and only its own line may get the place. So the line gets
//! the same place there.

use crate::award::Award;
use crate::incentive::{Incentive, Kind, Offer, Quantity};
use crate::ledger::{Counts, LedgerTx, Rules, Standing};

/// How many numbers a page has. With two bits for each, a page has half a kilobyte.
pub const PAGE: u64 = 2_048;

/// The bytes of one of a page's two sets.
const BYTES: usize = 256;

/// How many waiting participations are numbered strictly in the order of acceptance, at least.
const LEAST_NUMBERED: u64 = 2_000;

/// Which numbers of a ledger are in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NumbersUsed {
    /// All numbers up to this one are in use or were reclaimed.
    pub used_to: u64,
    /// The highest number that is in use or was reclaimed.
    pub last: u64,
    /// No number up to this one is in use while its place is free.
    pub taken_to: u64,
    /// The quantity under which a line was last entered.
    pub quantity: Option<u32>,
    /// How many numbers ever waited.
    pub waited: u64,
}

impl NumbersUsed {
    /// How many may wait ahead of a number while not all lower numbers are entered, at most. `None` once all are.
    #[must_use]
    pub fn ahead_at_most(&self, number: u64) -> Option<u32> {
        let behind = number.checked_sub(u64::from(self.quantity?))?.checked_sub(1)?;
        (number > self.used_to).then(|| u32::try_from(behind).unwrap_or(u32::MAX))
    }
}

/// One page of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPage {
    used: [u8; BYTES],
    taken: [u8; BYTES],
}

impl Default for NumberPage {
    fn default() -> Self {
        Self { used: [0; BYTES], taken: [0; BYTES] }
    }
}

impl NumberPage {
    /// The page of a number.
    #[must_use]
    pub fn of(number: u64) -> u64 {
        number / PAGE
    }

    /// A page from its stored bytes, which may be of another length.
    #[must_use]
    pub fn from_bytes(used: &[u8], taken: &[u8]) -> Self {
        let mut page = Self::default();
        for (to, from) in [(&mut page.used, used), (&mut page.taken, taken)] {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        page
    }

    /// The bytes to be stored: which numbers are in use, and whose places are taken.
    #[must_use]
    pub fn to_bytes(&self) -> (Vec<u8>, Vec<u8>) {
        (self.used.to_vec(), self.taken.to_vec())
    }

    /// Whether a number of this page is in use or was reclaimed.
    #[must_use]
    pub fn is_used(&self, number: u64) -> bool {
        bit(&self.used, number)
    }

    /// Whether the place of a number of this page was given out.
    #[must_use]
    pub fn is_taken(&self, number: u64) -> bool {
        bit(&self.taken, number)
    }

    /// Whether nothing is known of a number of this page.
    fn is_free(&self, number: u64) -> bool {
        !self.is_used(number) && !self.is_taken(number)
    }

    fn mark(bits: &mut [u8; BYTES], number: u64) {
        let (byte, mask) = place(number);
        if let Some(byte) = bits.get_mut(byte) {
            *byte |= mask;
        }
    }
}

fn place(number: u64) -> (usize, u8) {
    let bit = number % PAGE;
    (usize::try_from(bit / 8).unwrap_or(usize::MAX), 1 << (bit % 8))
}

fn bit(bits: &[u8; BYTES], number: u64) -> bool {
    let (byte, mask) = place(number);
    bits.get(byte).is_some_and(|byte| byte & mask != 0)
}

/// The numbers of one ledger inside a transaction.
///
/// # Errors
/// Every method returns the store's error, and then nothing of the transaction is stored.
pub trait NumberTx {
    /// The error of reading and writing.
    type Error;

    /// Draws a number for a line that has none.
    fn draw(&mut self) -> Result<u64, Self::Error>;
    /// A page, in which no number is in use at first.
    fn page(&mut self, page: u64) -> Result<NumberPage, Self::Error>;
    /// Replaces a page.
    fn keep_page(&mut self, number: u64, page: NumberPage) -> Result<(), Self::Error>;
}

/// Whether participations with this offer draw numbers: chance does not decide, and places are limited.
#[must_use]
pub fn draws_number(rules: &Rules, offer: &Offer) -> bool {
    rules.incentive.as_deref().is_some_and(is_numbered) && takes_place(offer)
}

/// Whether an offer is for one of the incentive's places.
#[must_use]
pub fn takes_place(offer: &Offer) -> bool {
    matches!(offer, Offer::ByPlace | Offer::Prize(_))
}

fn is_numbered(incentive: &Incentive) -> bool {
    let by_place = match incentive.kind {
        Kind::First(_) | Kind::Tiers(_) | Kind::Speed { .. } | Kind::Decay { .. } => true,
        // Of several draws for one participant the first counts. Only the order of entering tells which is the first.
        Kind::Draw { .. } | Kind::Raffle { .. } => false,
    };
    by_place && incentive.quantity != Quantity::Unlimited
}

/// Where a participation with this number stands when it is accepted. It may stand better later, and not worse.
#[must_use]
pub fn standing_of(number: u64, quantity: Quantity) -> Standing {
    let limit = quantity.limit().map_or(u64::MAX, u64::from);
    let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
    match number.checked_sub(limit) {
        None | Some(0) => Standing::Place(narrow(number)),
        Some(waiting) => Standing::Waiting(narrow(waiting)),
    }
}

/// The highest number up to which the order of acceptance is strict. Nobody who stands behind it can expect a place.
#[must_use]
pub fn numbered_up_to(quantity: Quantity) -> Option<u64> {
    let quantity = u64::from(quantity.limit()?);
    Some(quantity.saturating_add(quantity.saturating_mul(4).max(LEAST_NUMBERED)))
}

/// How many participations are ahead of one that is accepted behind this number, at least: those that waited, without those whose wait
/// has ended.
#[must_use]
pub fn waiting_at_least(counts: &Counts, number: u64, quantity: Quantity) -> u32 {
    let Some(limit) = quantity.limit() else { return counts.waiting };
    let ended = counts.numbers.unwrap_or_default().waited.saturating_sub(u64::from(counts.waiting));
    let drawn = number.saturating_sub(u64::from(limit)).saturating_sub(ended);
    u32::try_from(drawn).unwrap_or(u32::MAX)
}

impl Counts {
    /// The number of a line that is being entered; `None` in a ledger that is not numbered, and for a line that takes no place.
    pub(super) fn number<B: LedgerTx>(
        &mut self,
        book: &mut B,
        incentive: &Incentive,
        (number, offer): (Option<u64>, &Offer),
    ) -> Result<Option<u64>, B::Error> {
        let Some(pages) = book.numbers() else { return Ok(None) };
        if !self.begin_numbers(incentive) || !takes_place(offer) {
            return Ok(None);
        }
        Ok(Some(match number {
            Some(number) => number,
            None => pages.draw()?,
        }))
    }

    /// Begins to number the lines of a new ledger. Returns whether the ledger is numbered: one with lines that have no number has none
    /// to its end.
    pub(super) fn begin_numbers(&mut self, incentive: &Incentive) -> bool {
        if self.numbers.is_none() && (self.arrivals > 0 || !is_numbered(incentive)) {
            return false;
        }
        self.numbers.get_or_insert_default().quantity = incentive.quantity.limit();
        true
    }

    /// Whether there is a place that somebody who waits could have.
    pub(super) fn has_free_place<B: LedgerTx>(
        &mut self,
        book: &mut B,
        quantity: Quantity,
    ) -> Result<bool, B::Error> {
        if let Some(place) = book.take_back()? {
            book.put_back(place)?;
            return Ok(true);
        }
        match self.numbers {
            Some(_) => Ok(self.untaken_place(book, quantity)?.is_some()),
            None => Ok(quantity.exceeds(self.places)),
        }
    }

    /// Keeps a free number for its own line, which has its place. Returns whether the number was free.
    pub(super) fn keep_number<B: LedgerTx>(&mut self, book: &mut B, number: u64) -> Result<bool, B::Error> {
        let (Some(numbers), Some(pages)) = (&mut self.numbers, book.numbers()) else { return Ok(false) };
        let mut page = pages.page(NumberPage::of(number))?;
        if number <= numbers.used_to || !page.is_free(number) {
            return Ok(false);
        }
        if number == numbers.used_to + 1 {
            // That all numbers up to this one are in use says enough.
            if numbers.taken_to == numbers.used_to {
                numbers.taken_to = number;
            }
            numbers.used_to = number;
        } else {
            NumberPage::mark(&mut page.taken, number);
            pages.keep_page(NumberPage::of(number), page)?;
        }
        numbers.last = numbers.last.max(number);
        Ok(true)
    }

    /// Whether a number is kept for its own line.
    pub(super) fn is_kept<B: LedgerTx>(&self, book: &mut B, number: u64) -> Result<bool, B::Error> {
        let (Some(numbers), Some(pages)) = (self.numbers, book.numbers()) else { return Ok(false) };
        let page = pages.page(NumberPage::of(number))?;
        Ok(!page.is_used(number) && (number <= numbers.used_to || page.is_taken(number)))
    }

    /// Marks a free number as used. Returns whether it was free.
    pub(super) fn use_number<B: LedgerTx>(&mut self, book: &mut B, number: u64) -> Result<bool, B::Error> {
        let (Some(numbers), Some(pages)) = (&mut self.numbers, book.numbers()) else { return Ok(false) };
        let mut page = pages.page(NumberPage::of(number))?;
        if number <= numbers.used_to || !page.is_free(number) {
            return Ok(false);
        }
        NumberPage::mark(&mut page.used, number);
        pages.keep_page(NumberPage::of(number), page)?;
        numbers.last = numbers.last.max(number);
        // Its place is free until it is taken.
        numbers.taken_to = numbers.taken_to.min(number - 1);
        Ok(true)
    }

    /// Gives the place of a used number to somebody.
    pub(super) fn take_place_of<B: LedgerTx>(&mut self, book: &mut B, number: u64) -> Result<(), B::Error> {
        let Some(pages) = book.numbers() else { return Ok(()) };
        let mut page = pages.page(NumberPage::of(number))?;
        NumberPage::mark(&mut page.taken, number);
        pages.keep_page(NumberPage::of(number), page)
    }

    /// The lowest place up to the quantity whose number is in use and that nobody has.
    pub(super) fn untaken_place<B: LedgerTx>(
        &mut self,
        book: &mut B,
        quantity: Quantity,
    ) -> Result<Option<u64>, B::Error> {
        let (Some(numbers), Some(pages)) = (&mut self.numbers, book.numbers()) else { return Ok(None) };
        let last = numbers.last.min(quantity.limit().map_or(u64::MAX, u64::from));
        if numbers.taken_to >= last {
            return Ok(None);
        }
        let mut page = pages.page(NumberPage::of(numbers.taken_to + 1))?;
        while numbers.taken_to < last {
            let next = numbers.taken_to + 1;
            if next.is_multiple_of(PAGE) {
                page = pages.page(NumberPage::of(next))?;
            }
            if page.is_used(next) && !page.is_taken(next) {
                return Ok(Some(next));
            }
            numbers.taken_to = next;
        }
        Ok(None)
    }

    /// The place that belongs to a number, unless it was reclaimed or nobody may have it.
    pub(super) fn place_of<B: LedgerTx>(
        &mut self,
        book: &mut B,
        incentive: &Incentive,
        (number, is_its_own): (u64, bool),
    ) -> Result<Option<u32>, B::Error> {
        let Standing::Place(place) = standing_of(number, incentive.quantity) else { return Ok(None) };
        if !is_its_own {
            return Ok(None);
        }
        self.take_place_of(book, number)?;
        self.places = self.places.max(place);
        Ok(Some(place))
    }

    /// Gives out the lowest place that is free: the one that was released, or one that nobody has although its number is in use.
    pub(super) fn take_lowest_place<B: LedgerTx>(
        &mut self,
        book: &mut B,
        quantity: Quantity,
        released: Option<u32>,
    ) -> Result<Option<u32>, B::Error> {
        let untaken = self.untaken_place(book, quantity)?;
        let is_lower = |place: &u64| released.is_none_or(|released| *place < u64::from(released));
        let Some(place) = untaken.filter(is_lower) else { return Ok(released) };
        if let Some(released) = released {
            book.put_back(released)?;
        }
        self.take_place_of(book, place)?;
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        self.places = self.places.max(place);
        Ok(Some(place))
    }

    /// Records that a number behind the quantity waits no more, or never did.
    pub(super) fn ends_wait_of(&mut self, number: Option<u64>) {
        let Some(numbers) = &mut self.numbers else { return };
        let limit = numbers.quantity.map_or(u64::MAX, u64::from);
        if number.is_some_and(|number| number > limit) {
            numbers.waited += 1;
        }
    }

    /// Whether somebody with a lower number may wait whose line is not entered yet.
    pub(super) fn may_be_behind_others(&self, award: &Award) -> bool {
        self.numbers.is_some_and(|numbers| award.arrival_number() > numbers.used_to)
    }

    /// Finds up to which number all are in use.
    pub(super) fn follow_numbers<B: LedgerTx>(&mut self, book: &mut B) -> Result<(), B::Error> {
        let (Some(numbers), Some(pages)) = (&mut self.numbers, book.numbers()) else { return Ok(()) };
        if numbers.used_to >= numbers.last {
            return Ok(());
        }
        let quantity = numbers.quantity.map_or(u64::MAX, u64::from);
        let mut page = pages.page(NumberPage::of(numbers.used_to + 1))?;
        while numbers.used_to < numbers.last {
            let next = numbers.used_to + 1;
            if next.is_multiple_of(PAGE) {
                page = pages.page(NumberPage::of(next))?;
            }
            if page.is_free(next) {
                break;
            }
            if numbers.taken_to == numbers.used_to && next <= quantity && page.is_taken(next) {
                numbers.taken_to = next;
            }
            numbers.used_to = next;
        }
        Ok(())
    }
}
