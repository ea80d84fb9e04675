//! Pools and their compliance.
//!
//! Owns the arithmetic: what an instance adds to its pool's totals, how many licences of each tier are short,
//! who borrows from whom. Says nothing of messages; `compliance` alone writes events.

mod compliance;
mod outlook;
mod share;
mod standing;

use jiff::Timestamp;
use seatpool_proto::{Quantity, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};

pub(crate) use self::compliance::{FamiliesIn, reassess};
pub use self::outlook::{Difference, INSTANTS_MAX, Level, differences};
pub(crate) use self::share::{Share, count, join, leave};
pub(crate) use self::standing::Standing;
pub use self::standing::{TierView, assess};

/// What all instances of one virtual account use of one tag: kept as totals, so that a report costs the
/// same with ten instances or ten million.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolTotal {
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// The licence.
    pub tag: Tag,
    /// How many counted instances report this tag with a usage above zero, present or locked; of a licence
    /// that must be present without being consumed, how many report it at all.
    pub instances: u64,
    /// Sum of their own peaks.
    pub peak: Quantity,
    /// Sum of their cumulative peaks: the actual demand of this tier and all above it.
    pub cumulative_peak: Quantity,
    /// How many counted instances report this tag as locked.
    pub locked_instances: u64,
    /// Highest `cumulative_peak` of the run: since the tag went short or an instance locked, until it is
    /// neither. While an instance is locked, demand is the larger of this and the present total.
    pub run_high: Quantity,
    /// How many are short now.
    pub short: Quantity,
    /// Since when any are.
    pub short_since: Option<Timestamp>,
}

impl PoolTotal {
    /// A tag that nobody has reported yet.
    pub fn new(virtual_account: VirtualAccountId, tag: Tag) -> Self {
        Self {
            virtual_account,
            tag,
            instances: 0,
            peak: Quantity::ZERO,
            cumulative_peak: Quantity::ZERO,
            locked_instances: 0,
            run_high: Quantity::ZERO,
            short: Quantity::ZERO,
            short_since: None,
        }
    }

    /// Cumulative demand that the pool is held to (behaviour.md, "Out of compliance with tolerance").
    pub fn demand(&self) -> Quantity {
        if self.locked_instances > 0 { self.cumulative_peak.max(self.run_high) } else { self.cumulative_peak }
    }
}

/// One tier of a pool, from the top: what is owned of it, and the cumulative demand down to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Usable licences of this tier alone.
    pub owned: Quantity,
    /// Demand of this tier and all above it.
    pub cumulative_demand: Quantity,
}

/// How many of each tier are short (behaviour.md, "Pools"): with D and O the cumulative demand and
/// ownership, S(k) = max(0, max over j ≤ k of D(j) − O(j)), and tier k is short by S(k) − S(k−1).
pub fn shortages(tiers: &[Tier]) -> Vec<Quantity> {
    let mut owned = Quantity::ZERO;
    let mut short_above = Quantity::ZERO;
    tiers
        .iter()
        .map(|tier| {
            owned = owned.plus(tier.owned);
            let short = short_above.max(tier.cumulative_demand.minus(owned));
            let own = short.minus(short_above);
            short_above = short;
            own
        })
        .collect()
}
