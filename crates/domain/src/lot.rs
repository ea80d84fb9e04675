//! Lots: deposited quantities of one licence with their dates.

use jiff::Timestamp;
use seatpool_proto::{LotId, LotKind, Quantity, Tag, Term, VirtualAccountId};
use serde::{Deserialize, Serialize};

/// One deposited quantity of one licence in one virtual account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Unique within the smart account.
    pub id: LotId,
    /// Who owns it now.
    pub virtual_account: VirtualAccountId,
    /// The licence.
    pub tag: Tag,
    /// How many, including what is reserved or moved out.
    pub quantity: Quantity,
    /// How many of them reservations hold. Never more than `quantity` less `moved_out`.
    pub reserved: Quantity,
    /// How many of them an on-prem manager holds. Never more than `quantity` less `reserved`.
    pub moved_out: Quantity,
    /// Perpetual, term or demonstration.
    pub kind: LotKind,
    /// When it counts.
    pub term: Term,
    /// The subscription it belongs to, as the order names it.
    pub subscription_id: Option<String>,
    /// The order that deposited it, as the vendor names it.
    pub order_id: String,
    /// The lot it was split from by a transfer, back to the first.
    pub origin: Option<LotId>,
    /// When it was deposited here.
    pub created_at: Timestamp,
}

impl Lot {
    /// What the pool may use of it at `now`: nothing before its start or after its end.
    pub fn usable(&self, now: Timestamp) -> Quantity {
        if self.term.contains(now) { self.movable() } else { Quantity::ZERO }
    }
}

impl Lot {
    /// How many of it can be moved: neither reserved nor moved out.
    pub fn movable(&self) -> Quantity {
        self.quantity.minus(self.reserved).minus(self.moved_out)
    }

    /// The lot that was deposited first and that this one is a part of.
    pub fn root(&self) -> LotId {
        self.origin.unwrap_or(self.id)
    }

    /// Whether both are parts of one deposit and still agree in everything but where they are and how many:
    /// parts that meet again become one lot.
    pub fn belongs_with(&self, other: &Self) -> bool {
        self.root() == other.root()
            && self.tag == other.tag
            && self.kind == other.kind
            && self.term == other.term
            && self.subscription_id == other.subscription_id
            && self.order_id == other.order_id
    }
}

/// One line of a licence's order and transfer history. Append-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotTransaction {
    /// Number within the account: the number of the event that it belongs to, times 1000, plus its line.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The lot.
    pub lot: LotId,
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// The licence.
    pub tag: Tag,
    /// What happened.
    pub kind: TransactionKind,
    /// How many.
    pub quantity: Quantity,
    /// The other virtual account of a transfer.
    pub counterpart: Option<VirtualAccountId>,
    /// The order's name, for deposits and renewals.
    pub order_id: Option<String>,
    /// Who did it, by name.
    pub by: String,
}

/// What happened to a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// An order deposited it.
    Ordered,
    /// An order changed its end.
    Renewed,
    /// It came from another virtual account.
    TransferredIn,
    /// It went to another virtual account.
    TransferredOut,
}
