//! A licence of a virtual account as people read it.

use jiff::Timestamp;
use seatpool_domain::Lot;
use seatpool_domain::lot::DeclarationState;
use seatpool_proto::{Family, LotId, LotKind, Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pool::{Pool, Tier};

/// A virtual account by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VirtualAccountRef {
    /// Unique within the smart account.
    #[schema(value_type = Uuid)]
    pub id: VirtualAccountId,
    /// Its name.
    pub name: String,
}

/// Whether what is in use is owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LicenseStatus {
    /// It is.
    InCompliance,
    /// It is not: every instance that uses the licence is told so.
    OutOfCompliance,
}

impl LicenseStatus {
    /// In the words of the public API and the portal.
    pub fn words(self) -> &'static str {
        match self {
            Self::InCompliance => "In Compliance",
            Self::OutOfCompliance => "Out Of Compliance",
        }
    }
}

/// Whether a lot counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LotStatus {
    /// Not yet.
    Future,
    /// Now.
    Active,
    /// No longer.
    Ended,
}

impl LotStatus {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Future => "future",
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }
}

/// A licence that stands in for another of its family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Borrowing {
    /// The other licence's tag.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// The other licence's name.
    pub name: String,
    /// How many.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
}

/// A lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LotView {
    /// Unique within the smart account.
    #[schema(value_type = Uuid)]
    pub id: LotId,
    /// `PERPETUAL`, `TERM` or `DEMO`.
    #[schema(value_type = String)]
    pub kind: LotKind,
    /// How many, including those reserved or held by an on-prem manager.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// How many of them reservations hold.
    #[schema(value_type = u64)]
    pub reserved: Quantity,
    /// How many of them an on-prem manager holds.
    #[schema(value_type = u64)]
    pub moved_out: Quantity,
    /// The first instant at which it counts.
    pub starts_at: Timestamp,
    /// The first instant at which it no longer counts; none for a perpetual lot.
    pub ends_at: Option<Timestamp>,
    /// Whether it counts.
    pub status: LotStatus,
    /// The subscription it belongs to.
    pub subscription_id: Option<String>,
    /// The order that deposited it.
    pub order_id: String,
    /// The lot that it was split from by a transfer.
    #[schema(value_type = Option<Uuid>)]
    pub origin: Option<LotId>,
    /// When it came here.
    pub created_at: Timestamp,
    /// Of a lot that the customer declared itself: what became of it.
    pub declaration: Option<DeclarationView>,
}

/// What a customer says that it owns, and what the vendor says to that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeclarationView {
    /// `declared`: counts and waits for the vendor; `confirmed`; `rejected`: counts no longer.
    #[schema(value_type = String, example = "declared")]
    pub state: DeclarationState,
    /// Why the customer owns it.
    pub note: String,
    /// Who declared it.
    pub by: String,
    /// Who of the vendor decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// A licence of a virtual account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LicenseView {
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// Its tag.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// Its name for people.
    pub name: String,
    /// What it licenses.
    pub description: String,
    /// The family whose licences may stand in for one another.
    #[schema(value_type = Option<String>)]
    pub family: Option<Family>,
    /// Whether it is never consumed but must be owned.
    pub required_present: bool,
    /// How many the lots that count now hold, less what an on-prem manager holds.
    #[schema(value_type = u64)]
    pub purchased: Quantity,
    /// How many of them the customer declared itself, and the vendor has yet to confirm.
    #[schema(value_type = u64)]
    pub declared: Quantity,
    /// How many of them reservations hold.
    #[schema(value_type = u64)]
    pub reserved: Quantity,
    /// How many product instances in contact with this manager may use: purchased less reserved.
    #[schema(value_type = u64)]
    pub owned: Quantity,
    /// How many they are held to: what they use, or their locked usage while out of compliance.
    #[schema(value_type = u64)]
    pub in_use: Quantity,
    /// How many they really use now, where that differs from `in_use` (locked usage).
    #[schema(value_type = u64)]
    pub actual: Quantity,
    /// How many product instances report it.
    pub instances: u64,
    /// Surplus, or shortage if negative: owned and borrowed, less in use and lent.
    pub balance: i64,
    /// How many are short.
    #[schema(value_type = u64)]
    pub short: Quantity,
    /// Since when any are short.
    pub short_since: Option<Timestamp>,
    /// Whether what is in use is owned.
    pub status: LicenseStatus,
    /// How many will count later, by lots that have not started.
    #[schema(value_type = u64)]
    pub pending: Quantity,
    /// The next end of a lot that counts now.
    pub next_expiry: Option<Timestamp>,
    /// How many end then.
    #[schema(value_type = u64)]
    pub next_expiry_quantity: Quantity,
    /// Higher licences that stand in for this one.
    pub borrowed_from: Vec<Borrowing>,
    /// Lower licences that this one stands in for.
    pub lent_to: Vec<Borrowing>,
    /// Its lots: those that count, by their ends, then future ones, then ended ones.
    pub lots: Vec<LotView>,
}

/// The licences of a pool in which there is anything, from the top tier.
pub(super) fn licenses(pool: &Pool, at: &VirtualAccountRef, now: Timestamp) -> Vec<LicenseView> {
    pool.known().map(|(position, tier)| license(pool, position, tier, at, now)).collect()
}

fn license(pool: &Pool, position: usize, tier: &Tier, at: &VirtualAccountRef, now: Timestamp) -> LicenseView {
    let sums = &tier.stock.sums;
    let short = tier.short();
    let held = tier.owned().plus(tier.borrowed_sum());
    let wanted = tier.in_use.plus(pool.lent(position));
    let other = |position: usize, quantity: Quantity| {
        pool.tiers.get(position).map(|other| Borrowing {
            tag: other.entry.tag.clone(),
            name: other.entry.name.clone(),
            quantity,
        })
    };
    let lent_to = pool.tiers.iter().enumerate().filter_map(|(lower, tier)| {
        let (_, quantity) = tier.borrowed.iter().find(|(from, _)| *from == position)?;
        other(lower, *quantity)
    });
    let mut lots: Vec<_> = tier.stock.lots.iter().map(|lot| lot_view(lot, now)).collect();
    let rank = |status| match status {
        LotStatus::Active => 0,
        LotStatus::Future => 1,
        LotStatus::Ended => 2,
    };
    lots.sort_by_key(|lot| (rank(lot.status), lot.ends_at.is_none(), lot.ends_at, lot.starts_at, lot.id));
    LicenseView {
        virtual_account: at.clone(),
        tag: tier.entry.tag.clone(),
        name: tier.entry.name.clone(),
        description: tier.entry.description.clone(),
        family: pool.family.clone(),
        required_present: tier.entry.required_present,
        purchased: sums.purchased,
        declared: sums.declared,
        reserved: sums.reserved,
        owned: tier.owned(),
        in_use: tier.in_use,
        actual: actual(pool, position),
        instances: tier.total.as_ref().map_or(0, |total| total.instances),
        balance: held.count() as i64 - wanted.count() as i64,
        short,
        short_since: tier.total.as_ref().and_then(|total| total.short_since),
        status: if short.is_zero() { LicenseStatus::InCompliance } else { LicenseStatus::OutOfCompliance },
        pending: sums.pending,
        next_expiry: sums.next_end,
        next_expiry_quantity: sums.next_end_quantity,
        borrowed_from: tier.borrowed.iter().filter_map(|(from, quantity)| other(*from, *quantity)).collect(),
        lent_to: lent_to.collect(),
        lots,
    }
}

/// What instances really use of this tier alone, locked usage left aside.
fn actual(pool: &Pool, position: usize) -> Quantity {
    let down_to = |tier: &Tier| tier.total.as_ref().map_or(Quantity::ZERO, |total| total.cumulative_peak);
    let above = pool.tiers.iter().take(position).map(down_to).max().unwrap_or_default();
    pool.tiers.get(position).map_or(Quantity::ZERO, |tier| down_to(tier).minus(above))
}

/// A lot as it stands at `now`.
pub(in crate::app) fn lot_view(lot: &Lot, now: Timestamp) -> LotView {
    let status = if lot.term.contains(now) {
        LotStatus::Active
    } else if lot.term.starts_at > now {
        LotStatus::Future
    } else {
        LotStatus::Ended
    };
    LotView {
        id: lot.id,
        kind: lot.kind,
        quantity: lot.quantity,
        reserved: lot.reserved,
        moved_out: lot.moved_out,
        starts_at: lot.term.starts_at,
        ends_at: lot.term.ends_at,
        status,
        subscription_id: lot.subscription_id.clone(),
        order_id: lot.order_id.clone(),
        origin: lot.origin,
        created_at: lot.created_at,
        declaration: lot.declaration.clone().map(|declaration| DeclarationView {
            state: declaration.state,
            note: declaration.note,
            by: declaration.by,
            decided_by: declaration.decided_by,
            decided_at: declaration.decided_at,
            reason: declaration.reason,
        }),
    }
}
