//! Lots: deposited quantities of one licence with their dates.

use jiff::Timestamp;
use seatpool_proto::{LotId, LotKind, Quantity, Tag, Term, VirtualAccountId};
use serde::{Deserialize, Serialize};

use crate::command::CoTermination;

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
    /// Of a lot that the customer declared itself: what became of it. None for what the vendor deposited.
    pub declaration: Option<Declaration>,
}

/// What a customer says that it owns, and what the vendor says to that (features.md, A6). It counts at once;
/// once rejected its lots have ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// Where it stands.
    pub state: DeclarationState,
    /// Why the customer owns it, in its own words.
    pub note: String,
    /// Who declared it, by name.
    pub by: String,
    /// Who of the vendor decided, by name.
    pub decided_by: Option<String>,
    /// When that was.
    pub decided_at: Option<Timestamp>,
    /// Why it was decided so.
    pub reason: Option<String>,
}

/// Where a declaration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclarationState {
    /// Counts, and waits for the vendor.
    Declared,
    /// Counts for good.
    Confirmed,
    /// Counts no longer.
    Rejected,
}

impl DeclarationState {
    /// In the words that people read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
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

    /// How many of it are promised elsewhere: reserved, or held by an on-prem manager.
    pub fn promised(&self) -> Quantity {
        self.reserved.plus(self.moved_out)
    }

    /// Whether the customer declared it and the vendor rejected that.
    pub fn is_rejected(&self) -> bool {
        self.declaration.as_ref().is_some_and(|declaration| declaration.state == DeclarationState::Rejected)
    }

    /// Whether the customer declared it and the vendor has not said anything to that.
    pub fn is_waiting(&self) -> bool {
        self.declaration.as_ref().is_some_and(|declaration| declaration.state == DeclarationState::Declared)
    }

    /// Whether its end is in the past. A lot without an end never ends.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.term.ends_at.is_some_and(|end| end <= now)
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
            && self.declaration == other.declaration
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
    /// The order's name; none for transfers.
    pub order_id: Option<String>,
    /// Who did it, by name.
    pub by: String,
    /// What it changed, as it was: how many, an end, the state of a declaration.
    pub before: Option<String>,
    /// The same as it is now.
    pub after: Option<String>,
    /// Why, in the words of whoever did it.
    pub note: Option<String>,
    /// Of an order and a renewal: what it asked for, so that the same one again is known from another one under its
    /// name. None for what else happens, and for what is on record from before this was kept.
    pub asked: Option<Asked>,
}

/// What an order's line or a renewal asked for beside licence and quantity, in its own words: what came of it may
/// have been renewed, moved or cancelled since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The dates.
    #[serde(flatten)]
    pub dates: NamedDates,
    /// Of an order: perpetual, term or demonstration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<LotKind>,
    /// Of an order: the subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// Of an order: how its end goes together with the subscription's.
    pub co_termination: CoTermination,
    /// Of a renewal: the lot that was deposited first and that the renewed one is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<LotId>,
}

/// Dates as an order names them: what it leaves out depends on when it arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedDates {
    /// The start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// How many years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_years: Option<u8>,
    /// The end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
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
    /// It was taken back, in part or as a whole.
    Cancelled,
    /// The customer declared that it owns it.
    Declared,
    /// The vendor confirmed what the customer declared.
    Confirmed,
    /// The vendor rejected what the customer declared.
    Rejected,
}

impl TransactionKind {
    /// In the words that people read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Renewed => "renewed",
            Self::TransferredIn => "transferred in",
            Self::TransferredOut => "transferred out",
            Self::Cancelled => "cancelled",
            Self::Declared => "declared",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }

    /// Whether [`LotTransaction::before`] and [`LotTransaction::after`] are instants.
    pub fn changes_the_end(self) -> bool {
        self == Self::Renewed
    }
}
