//! What must hold of the products, the manager and what lies between them.

use std::collections::BTreeMap;

use seatpool_agent::Agent;
use seatpool_domain::Instance;
use seatpool_domain::command::Action;
use seatpool_proto::{LotId, ProductInstanceId};
use seatpool_sim::world::{days, tag};

use super::acts::{DEVICES, FEATURES};
use super::world::{KEY, World};

impl World {
    fn may(&self, device: usize, feature: &str) -> bool {
        self.agents[device].may_i(feature, self.now).is_allowed()
    }

    /// How many restricted licences a product uses or may use, by codes or over the network.
    pub(super) fn uses(&self, device: usize) -> u64 {
        let reservation = &self.agents[device].state().reservation;
        if reservation.installed.is_some() {
            return reservation.reserved(&tag(KEY), self.now).unwrap().count();
        }
        FEATURES.iter().filter(|feature| self.may(device, feature)).map(|_| 1).sum()
    }

    fn row_of(&self, device: usize) -> Option<&Instance> {
        self.manager.facts.instances.get(&self.instance_of(device)?)
    }

    /// The lot that authorizes a feature of a product, for all that the manager knows.
    fn lot_of(&self, device: usize, feature: &str) -> Option<LotId> {
        let row = self.row_of(device).filter(|row| row.is_registered())?;
        row.exports.iter().find(|grant| grant.feature == feature)?.lot
    }

    /// Never in two places: what each product may use is held for it, and no more is held of a lot than there is.
    pub(super) fn check(&self) {
        let facts = &self.manager.facts;
        let mut held: BTreeMap<LotId, u64> = BTreeMap::new();
        for row in facts.reservations.values() {
            for lot in row.lots() {
                *held.entry(lot).or_default() += row.holds(lot).count();
            }
        }
        for lot in facts.instances.values().flat_map(|row| &row.exports).filter_map(|grant| grant.lot) {
            *held.entry(lot).or_default() += 1;
        }
        let mut deposited: BTreeMap<&str, u64> = BTreeMap::new();
        let (mut owned, mut used) = (0, 0);
        for lot in facts.lots.values() {
            let of_it = held.remove(&lot.id).unwrap_or_default();
            assert_eq!(lot.reserved.count(), of_it, "what is held of {lot:?}");
            assert!(lot.promised() <= lot.quantity, "more is promised than there is: {lot:?}");
            *deposited.entry(&lot.order_id).or_default() += lot.quantity.count();
            if lot.term.contains(self.now) {
                owned += lot.quantity.count();
            }
        }
        assert!(held.values().all(|count| *count == 0), "held of lots that are gone: {held:?}");
        for (order, (count, _)) in &self.orders {
            assert_eq!(deposited.get(order.as_str()).copied().unwrap_or_default(), *count, "of {order}");
        }
        for device in 0..DEVICES {
            used += self.check_device(device);
        }
        assert!(used <= owned, "products may use {used}, and {owned} are owned");
    }

    /// What a product may use is held for it; how many it may use.
    fn check_device(&self, device: usize) -> u64 {
        let facts = &self.manager.facts;
        let agent = &self.agents[device];
        if let Some(installed) = &agent.state().reservation.installed {
            let row = facts.reservations.get(&installed.grant.product_instance_id).unwrap();
            assert!(row.is_open(), "a product uses what was given back");
            let known = row.code(installed.grant.sequence);
            assert_eq!(known.map(|code| &code.entitlements), Some(&installed.grant.entitlements));
            return self.uses(device);
        }
        let mut used = 0;
        for feature in FEATURES.iter().filter(|feature| self.may(device, feature)) {
            // A registration that was ended at the manager, by a person or by the device's next one, is over for the
            // product with its next contact, and with its authorization if there is none.
            let row = self.row_of(device).unwrap();
            if let Some(ended) = &row.ended {
                let last = agent.state().registration.as_ref().unwrap().authorization.ends_at;
                assert!(last <= ended.at + days(90), "{feature} would be used until {last}: {row:?}");
                continue;
            }
            let lot = self.lot_of(device, feature).and_then(|lot| facts.lots.get(&lot));
            let lot =
                lot.unwrap_or_else(|| panic!("nothing is held for {feature} of {:?}", self.row_of(device)));
            assert!(!lot.has_ended(self.now), "{feature} is used by what has ended: {lot:?}");
            used += 1;
        }
        used
    }

    /// Never in none: once everything has been delivered, both sides say the same, and all that is given back is free.
    pub(super) fn settle(&mut self) {
        self.deliver_all();
        self.check();
        for device in 0..DEVICES {
            self.check_agreement(device);
        }
        // What a product was made to forget is released by hand.
        let facts = &self.manager.facts;
        let known: Vec<_> = (0..DEVICES).filter_map(|device| self.instance_of(device)).collect();
        let registered = facts.instances.values().filter(|row| row.is_registered() && !row.is_reserved());
        let forgotten: Vec<ProductInstanceId> =
            registered.map(|row| row.id).filter(|id| !known.contains(id)).collect();
        for instance in forgotten {
            self.manager.submit(Action::RemoveInstance { instance }, self.now).unwrap();
        }
        let installed =
            |agent: &Agent| Some(agent.state().reservation.installed.as_ref()?.grant.product_instance_id);
        let installed: Vec<_> = self.agents.iter().filter_map(installed).collect();
        for instance in self.reservations.clone() {
            let open = self.manager.facts.reservations.get(&instance).unwrap().is_open();
            if open && !installed.contains(&instance) {
                self.rehost(instance);
            }
        }
        self.give_everything_back();
        self.check();
        for device in 0..DEVICES {
            assert_eq!(self.uses(device), 0, "{:#?}", self.agents[device].state().exports);
        }
        assert_eq!(self.held(), 0, "{:#?}", self.manager.facts.instances);
        let lots = self.manager.facts.lots.values();
        let free: u64 = lots.map(|lot| lot.usable(self.now).count()).sum();
        let counting = self.orders.values().filter(|(_, term)| term.contains(self.now));
        assert_eq!(free, counting.map(|(count, _)| count).sum::<u64>(), "all that counts is free");
    }

    fn check_agreement(&self, device: usize) {
        if self.instance_of(device).is_none() {
            return;
        }
        for feature in FEATURES {
            let export = self.agents[device].state().exports.features.get(feature);
            let (may, holds) = (self.may(device, feature), self.lot_of(device, feature).is_some());
            let is_open = export.is_some_and(|export| export.unsettled);
            assert!(
                may == holds || holds && is_open,
                "{feature}: the product may use it: {may}, the manager holds a licence for it: {holds}: {export:#?}"
            );
        }
    }
}
