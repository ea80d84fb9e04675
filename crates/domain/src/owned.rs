//! What the lots of one licence in one virtual account come to at an instant.

use jiff::Timestamp;
use seatpool_proto::Quantity;

use crate::lot::Lot;

/// Sums over the lots of one licence in one virtual account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// How many lots hold anything, whether they count or not.
    pub lots: u64,
    /// How many the lots that count hold, less what an on-prem manager holds.
    pub purchased: Quantity,
    /// How many of them the customer declared, and the vendor has yet to confirm.
    pub declared: Quantity,
    /// How many of them reservations hold.
    pub reserved: Quantity,
    /// How many instances in contact with this manager may use: [`Lot::usable`].
    pub usable: Quantity,
    /// How many will count later, by lots that have not started.
    pub pending: Quantity,
    /// The next end of a lot that counts.
    pub next_end: Option<Timestamp>,
    /// How many of what is purchased end then.
    pub next_end_quantity: Quantity,
}

impl Owned {
    /// The sums over these lots.
    pub fn of<'a>(lots: impl IntoIterator<Item = &'a Lot>, now: Timestamp) -> Self {
        let mut sums = Self::default();
        for lot in lots.into_iter().filter(|lot| !lot.quantity.is_zero()) {
            sums.lots += 1;
            if lot.term.starts_at > now {
                sums.pending = sums.pending.plus(lot.quantity);
            }
            if !lot.term.contains(now) {
                continue;
            }
            let here = lot.quantity.minus(lot.moved_out);
            sums.purchased = sums.purchased.plus(here);
            if lot.is_waiting() {
                sums.declared = sums.declared.plus(here);
            }
            sums.reserved = sums.reserved.plus(lot.reserved);
            sums.usable = sums.usable.plus(lot.usable(now));
            if let Some(end) = lot.term.ends_at {
                if sums.next_end.is_none_or(|next| end < next) {
                    (sums.next_end, sums.next_end_quantity) = (Some(end), Quantity::ZERO);
                }
                if sums.next_end == Some(end) {
                    sums.next_end_quantity = sums.next_end_quantity.plus(here);
                }
            }
        }
        sums
    }
}
