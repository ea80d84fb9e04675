//! What the customer owns: orders with their lots and history, and the pools' totals with their shortages.

use std::collections::BTreeMap;

use seatpool_domain::event::Event;
use seatpool_domain::lot::TransactionKind;
use seatpool_domain::pool::{Tier, shortages};
use seatpool_domain::{EventKind, Lot, LotTransaction, PoolTotal, Workset};
use seatpool_proto::{LotId, LotKind, Quantity, Tag, Term, VirtualAccountId};

use super::LOGIN;
use super::customer::{Customer, id, mixed};
use super::fleet::Fleet;
use super::log::event;

/// Lots, order by order, and totals, virtual account by virtual account.
pub(super) struct Entitlements<'c> {
    customer: &'c Customer,
    /// Each with the number of its virtual account.
    orders: Vec<(u64, Vec<Lot>)>,
    totals: BTreeMap<VirtualAccountId, Vec<PoolTotal>>,
}

impl<'c> Entitlements<'c> {
    /// Orders that cover most of what the fleet uses.
    pub(super) fn new(customer: &'c Customer, fleet: &Fleet<'_>) -> Self {
        let mut made = Self { customer, orders: Vec::new(), totals: BTreeMap::new() };
        for place in 0..customer.places() {
            for family in customer.families_of(place) {
                made.pool(place, family.licenses.iter().map(|license| &license.tag), fleet);
            }
        }
        made
    }

    fn pool<'t>(&mut self, place: u64, tags: impl Iterator<Item = &'t Tag>, fleet: &Fleet<'_>) {
        let at = self.customer.place(place);
        let (mut tiers, mut totals, mut above) = (Vec::new(), Vec::new(), Quantity::ZERO);
        for tag in tags {
            let total = fleet.totals.get(&(at, tag.clone())).cloned();
            let demand = total.as_ref().map_or(above, |total| total.cumulative_peak.max(above));
            let own = demand.minus(above);
            above = demand;
            let lots = self.lots(place, tag, own);
            let owned = lots.iter().map(|lot| lot.usable(self.customer.now)).sum();
            tiers.push(Tier { owned, cumulative_demand: demand });
            totals.push(total);
            self.orders.push((place, lots));
        }
        for (total, short) in totals.into_iter().zip(shortages(&tiers)) {
            if let Some(total) = total {
                let short_since = (!short.is_zero()).then(|| self.customer.hours(-72));
                self.totals.entry(at).or_default().push(PoolTotal { short, short_since, ..total });
            }
        }
    }

    /// Lots of one licence: one perpetual, most with a term, some ended, some still to start.
    fn lots(&self, place: u64, tag: &Tag, used: Quantity) -> Vec<Lot> {
        let customer = self.customer;
        let order = self.orders.len() as u64;
        let chance = mixed(order ^ 0xb0b);
        // One licence in twenty-five is short.
        let wanted =
            if chance.is_multiple_of(25) { used.count() * 9 / 10 } else { used.count() + chance % 40 };
        let terms: [(u64, i64, Option<i64>); 4] = [
            (wanted / 2, -9_000, None),
            (wanted - wanted / 2, -6_000, Some(i64::try_from(chance % 9_000).unwrap_or_default() + 24)),
            (chance % 50, -12_000, Some(-i64::try_from(chance % 2_000).unwrap_or_default() - 24)),
            (chance % 30, 700, Some(9_460)),
        ];
        let kept = 2 + usize::try_from(chance % 3).unwrap_or_default();
        let lot = |(line, (quantity, starts, ends)): (u64, (u64, i64, Option<i64>))| Lot {
            id: LotId(id(7, order * 4 + line)),
            virtual_account: customer.place(place),
            tag: tag.clone(),
            quantity: Quantity::of(quantity),
            reserved: Quantity::ZERO,
            moved_out: Quantity::ZERO,
            kind: if ends.is_some() { LotKind::Term } else { LotKind::Perpetual },
            term: Term { starts_at: customer.hours(starts), ends_at: ends.map(|ends| customer.hours(ends)) },
            subscription_id: ends.map(|_| format!("SUB-{order:06}")),
            order_id: format!("PO-{order:06}"),
            origin: None,
            created_at: customer.hours(starts.min(-1)),
            declaration: None,
        };
        (0..).zip(terms).filter(|(_, (quantity, ..))| *quantity > 0).take(kept).map(lot).collect()
    }

    /// How many orders there are.
    pub(super) fn len(&self) -> u64 {
        self.orders.len() as u64
    }

    /// Writes one order with its event.
    pub(super) fn put(&mut self, workset: &mut Workset, number: u64) -> anyhow::Result<()> {
        let (place, lots) = &self.orders[usize::try_from(number)?];
        let Some(first) = lots.first() else { return Ok(()) };
        let hours = -i64::try_from((self.len() - number) % 9_000)?;
        let message = format!("The order {} deposited {} lots of {}.", first.order_id, lots.len(), first.tag);
        let order = Event {
            tag: Some(first.tag.clone()),
            after: Some(first.order_id.clone()),
            ..event(self.customer, *place, EventKind::LicensesOrdered, hours, message)
        }
        .chain(&mut workset.account);
        for (line, lot) in (0..).zip(lots) {
            workset.transactions.push(LotTransaction {
                number: order.number * 1000 + line,
                at: order.at,
                lot: lot.id,
                virtual_account: lot.virtual_account,
                tag: lot.tag.clone(),
                kind: TransactionKind::Ordered,
                quantity: lot.quantity,
                counterpart: None,
                order_id: Some(lot.order_id.clone()),
                by: LOGIN.to_owned(),
                before: None,
                after: Some(lot.quantity.to_string()),
                note: None,
                asked: None,
            });
            workset.lots.insert(lot.id, lot.clone());
        }
        workset.events.push(order);
        Ok(())
    }

    /// Writes the totals of one virtual account.
    pub(super) fn put_totals(&mut self, workset: &mut Workset, place: u64) {
        for total in self.totals.remove(&self.customer.place(place)).unwrap_or_default() {
            workset.totals.insert((total.virtual_account, total.tag.clone()), total);
        }
    }
}
