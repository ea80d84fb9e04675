//! A small manager in memory: rows as a store keeps them, and a loader that follows the rules of `Touches`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::account::Contents;
use seatpool_domain::command::{Action, CoTermination, OrderLine};
use seatpool_domain::history::UsageSpan;
use seatpool_domain::opening::Opening;
use seatpool_domain::*;
use seatpool_proto::{
    AccountId, Family, LotId, LotKind, ProblemCode, ProductInstanceId, Quantity, Tag, Term, TokenId,
    VirtualAccountId,
};
use uuid::Uuid;

use crate::invariants;

pub const CATALOGUE: &str = r#"
    [[families]]
    family = "flex"
    licenses = [
      { tag = "P", name = "Flex Premium" },
      { tag = "S", name = "Flex Standard" },
      { tag = "E", name = "Flex Essential" },
    ]
    [[families]]
    family = "port"
    licenses = [{ tag = "PORT", name = "IVR Port", product_types = ["unified-ccx"], export_restricted = true }]
    [[families]]
    family = "server"
    licenses = [{ tag = "SRV", name = "Server", required_present = true }]
"#;

/// Ids in the order in which they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting(pub u128);

impl Ids for Counting {
    fn uuid(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }

    fn certificate_serial(&mut self) -> [u8; 16] {
        self.0 += 1;
        let mut serial = self.0.to_be_bytes();
        serial[0] = 1;
        serial
    }
}

/// Everything of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub now: Timestamp,
    pub ids: Counting,
    pub catalogue: Catalogue,
    pub policy: Policy,
    pub account: Account,
    pub virtual_accounts: BTreeMap<VirtualAccountId, VirtualAccount>,
    pub tokens: BTreeMap<TokenId, Token>,
    pub lots: BTreeMap<LotId, Lot>,
    pub totals: BTreeMap<(VirtualAccountId, Tag), PoolTotal>,
    pub instances: BTreeMap<ProductInstanceId, Instance>,
    pub usage: BTreeMap<(ProductInstanceId, Tag), Usage>,
    pub events: Vec<Event>,
    pub transactions: Vec<LotTransaction>,
    pub history: BTreeMap<(VirtualAccountId, Tag, Timestamp), UsageSpan>,
    pub dismissals: BTreeMap<String, alert::Dismissal>,
    pub reservations: BTreeMap<ProductInstanceId, Reservation>,
}

pub fn q(count: u64) -> Quantity {
    Quantity::of(count)
}

pub fn tag(name: &str) -> Tag {
    name.parse().unwrap()
}

pub fn administrator() -> Actor {
    Actor::User("anna".into())
}

impl World {
    pub fn new() -> Self {
        Self::with_export(true)
    }

    pub fn with_export(export_permitted: bool) -> Self {
        let now: Timestamp = "2026-07-01T10:00:00Z".parse().unwrap();
        let catalogue = Catalogue::from_toml([CATALOGUE]).unwrap();
        let policy = Policy::default();
        let mut ids = Counting(0);
        let opening = Opening {
            id: AccountId(Uuid::from_u128(7)),
            default_virtual_account: VirtualAccountId(ids.uuid()),
            domain: "example.com".into(),
            name: "Example".into(),
            export_permitted,
            universal_permitted: false,
            administrator: None,
            actor: administrator(),
            source: None,
        };
        let workset = opening.into_workset(now).unwrap();
        let mut world = Self {
            now,
            ids,
            account: workset.account.clone(),
            catalogue,
            policy,
            virtual_accounts: BTreeMap::new(),
            tokens: BTreeMap::new(),
            lots: BTreeMap::new(),
            totals: BTreeMap::new(),
            instances: BTreeMap::new(),
            usage: BTreeMap::new(),
            events: Vec::new(),
            transactions: Vec::new(),
            history: BTreeMap::new(),
            dismissals: BTreeMap::new(),
            reservations: BTreeMap::new(),
        };
        world.store(&workset);
        world
    }

    /// The `Default` virtual account.
    pub fn default_va(&self) -> VirtualAccountId {
        self.virtual_accounts.values().find(|va| va.is_default).unwrap().id
    }

    /// Applies a command of an administrator.
    pub fn submit(&mut self, action: Action) -> Result<Outcome, Refused> {
        self.submit_as(administrator(), action)
    }

    /// Applies a command twice, on what it touches and on everything: both must come to the same. Then checks
    /// the world.
    pub fn submit_as(&mut self, actor: Actor, action: Action) -> Result<Outcome, Refused> {
        let command = Command { actor, source: Some("192.0.2.1".into()), action };
        let mut on_all = self.clone();
        let everything = on_all.everything();
        let all_outcome = on_all.decide(command.clone(), everything);
        let touched = self.load(&command.touches());
        let outcome = self.decide(command.clone(), touched);
        assert_eq!(outcome, all_outcome, "the outcome depends on rows that {command:?} does not touch");
        assert_eq!(*self, on_all, "what changes depends on rows that {command:?} does not touch");
        invariants::check(self);
        outcome
    }

    /// Applies several commands to one workset that holds what all of them touch, as a group commit does: it must
    /// come to the same as one after the other.
    pub fn submit_batch(&mut self, actions: Vec<Action>) -> Vec<Result<Outcome, Refused>> {
        let mut one_by_one = self.clone();
        let expected: Vec<_> = actions.iter().cloned().map(|action| one_by_one.submit(action)).collect();
        let commands: Vec<Command> = actions
            .into_iter()
            .map(|action| Command { actor: administrator(), source: Some("192.0.2.1".into()), action })
            .collect();
        let mut touches = Touches::default();
        for command in &commands {
            touches.unite(command.touches());
        }
        let mut workset = self.load(&touches);
        let mut context =
            Context { now: self.now, catalogue: &self.catalogue, policy: &self.policy, ids: &mut self.ids };
        let outcomes: Vec<_> =
            commands.into_iter().map(|command| apply(command, &mut workset, &mut context)).collect();
        self.store(&workset);
        assert_eq!(outcomes, expected, "a batch comes to something else than its commands one by one");
        assert_eq!(*self, one_by_one);
        outcomes
    }

    fn decide(&mut self, command: Command, mut workset: Workset) -> Result<Outcome, Refused> {
        let before = workset.clone();
        let mut context =
            Context { now: self.now, catalogue: &self.catalogue, policy: &self.policy, ids: &mut self.ids };
        let outcome = apply(command, &mut workset, &mut context);
        match &outcome {
            Err(Refused::Agent { code: ProblemCode::CloneDetected, .. }) => {
                let kinds: Vec<_> = workset.events.iter().map(|event| event.kind).collect();
                assert!(kinds.is_empty() || kinds == [EventKind::InstanceCloned], "{kinds:?}");
            }
            // Who waits for an export-restricted feature is on record.
            Err(Refused::Agent { code: ProblemCode::ExportNotAvailable, .. }) => {
                let mut unchanged = workset.clone();
                let ids: Vec<_> = before.instances.values().map(|row| row.id).collect();
                for id in ids {
                    let exports = before.instances.get(&id).unwrap().exports.clone();
                    unchanged.instances.get_mut(&id).unwrap().exports = exports;
                }
                unchanged.settle();
                assert_eq!(unchanged, before, "refused, and changed more than who waits");
            }
            Err(refused) => assert_eq!(workset, before, "refused with {refused}, and changed something"),
            Ok(_) => {}
        }
        self.store(&workset);
        outcome
    }

    /// Writes what a workset changed, as a store does.
    fn store(&mut self, workset: &Workset) {
        fn write<K: Ord + Clone, V: Clone>(table: &mut BTreeMap<K, V>, rows: &Rows<K, V>) {
            for (key, change, row) in rows.changes() {
                let known = table.contains_key(key);
                match (change, row) {
                    (Change::Inserted, Some(row)) => {
                        assert!(!known, "inserted what is there");
                        table.insert(key.clone(), row.clone());
                    }
                    (Change::Updated, Some(row)) => {
                        assert!(known, "updated what is not there");
                        table.insert(key.clone(), row.clone());
                    }
                    (Change::Deleted, None) => {
                        assert!(known, "deleted what is not there");
                        table.remove(key);
                    }
                    _ => panic!("a change without its row"),
                }
            }
        }
        self.account = workset.account.clone();
        write(&mut self.virtual_accounts, &workset.virtual_accounts);
        write(&mut self.tokens, &workset.tokens);
        write(&mut self.lots, &workset.lots);
        write(&mut self.totals, &workset.totals);
        write(&mut self.instances, &workset.instances);
        write(&mut self.usage, &workset.usage);
        write(&mut self.dismissals, &workset.dismissals);
        write(&mut self.reservations, &workset.reservations);
        self.events.extend(workset.events.iter().cloned());
        self.transactions.extend(workset.transactions.iter().cloned());
        for (key, row) in &workset.history {
            self.history
                .entry(key.clone())
                .and_modify(|known| known.go_on(row))
                .or_insert_with(|| row.clone());
        }
    }

    /// A workset with all rows.
    fn everything(&self) -> Workset {
        let mut workset = Workset::new(self.account.clone());
        self.virtual_accounts.values().for_each(|row| workset.virtual_accounts.load(row.id, row.clone()));
        self.tokens.values().for_each(|row| workset.tokens.load(row.id, row.clone()));
        self.lots.values().for_each(|row| workset.lots.load(row.id, row.clone()));
        self.totals.iter().for_each(|(key, row)| workset.totals.load(key.clone(), row.clone()));
        self.instances.values().for_each(|row| workset.instances.load(row.id, row.clone()));
        self.usage.iter().for_each(|(key, row)| workset.usage.load(key.clone(), row.clone()));
        self.dismissals.iter().for_each(|(key, row)| workset.dismissals.load(key.clone(), row.clone()));
        self.reservations.values().for_each(|row| workset.reservations.load(row.instance, row.clone()));
        for id in self.virtual_accounts.keys() {
            workset.contents.insert(*id, self.contents(*id));
        }
        for order in self.transactions.iter().filter_map(|row| row.order_id.clone()) {
            workset.of_orders.insert(order.clone(), self.of_order(&order));
        }
        workset
    }

    /// A workset with what the documented rules load, step by step as the documentation of `Touches` numbers them.
    pub fn load(&self, touches: &Touches) -> Workset {
        let mut workset = Workset::new(self.account.clone());
        let mut places: BTreeSet<VirtualAccountId> = touches.virtual_accounts.clone();
        let mut pools_in = touches.pools_in.clone();
        let mut families: BTreeSet<Family> = BTreeSet::new();
        let mut family_of = |tag: &Tag| {
            families.extend(self.catalogue.family_of(tag).map(|family| family.family.clone()));
        };
        touches.tags.iter().for_each(&mut family_of);
        // 2
        let mut exported: BTreeSet<LotId> = BTreeSet::new();
        for row in self.instances.values().filter(|row| {
            touches.instances.contains(&row.id)
                || (row.ended.is_none() && touches.udis.contains(&row.udi))
                || (row.ended.is_none() && touches.export_holders && !row.exports.is_empty())
        }) {
            workset.instances.load(row.id, row.clone());
            exported.extend(row.exports.iter().filter_map(|grant| grant.lot));
            places.insert(row.virtual_account);
            pools_in.insert(row.virtual_account);
            for (key, usage) in self.usage.iter().filter(|((of, _), _)| *of == row.id) {
                workset.usage.load(key.clone(), usage.clone());
                family_of(&usage.tag);
            }
        }
        // 3
        let mut held: BTreeSet<LotId> = exported;
        for row in self
            .reservations
            .values()
            .filter(|row| touches.reservations.contains(&row.instance) || touches.udis.contains(&row.udi))
        {
            workset.reservations.load(row.instance, row.clone());
            if row.is_open() {
                held.extend(row.lots());
            }
        }
        // 4
        for row in touches.tokens.iter().filter_map(|id| self.tokens.get(id)) {
            workset.tokens.load(row.id, row.clone());
            places.insert(row.virtual_account);
        }
        for row in self.lots.values().filter(|row| {
            touches.lots.contains(&row.id)
                || held.contains(&row.id)
                || touches.lots_of_orders.contains(&row.order_id)
                || row.subscription_id.as_ref().is_some_and(|id| touches.lots_of_subscriptions.contains(id))
        }) {
            workset.lots.load(row.id, row.clone());
            places.insert(row.virtual_account);
            pools_in.insert(row.virtual_account);
            family_of(&row.tag);
        }
        // 5
        let keys: BTreeSet<String> =
            touches.virtual_account_names.iter().map(|name| VirtualAccount::name_key(name)).collect();
        for row in self.virtual_accounts.values() {
            if places.contains(&row.id) || keys.contains(&VirtualAccount::name_key(&row.name)) {
                workset.virtual_accounts.load(row.id, row.clone());
            }
        }
        // 6
        let in_pool = |va: &VirtualAccountId, tag: &Tag| {
            let family = self.catalogue.family_of(tag);
            pools_in.contains(va) && family.is_some_and(|family| families.contains(&family.family))
        };
        for (key, row) in self.totals.iter().filter(|((va, tag), _)| in_pool(va, tag)) {
            workset.totals.load(key.clone(), row.clone());
        }
        for row in self.lots.values().filter(|row| in_pool(&row.virtual_account, &row.tag)) {
            workset.lots.load(row.id, row.clone());
        }
        // 10
        for row in touches.dismissals.iter().filter_map(|key| self.dismissals.get(key)) {
            workset.dismissals.load(row.key.clone(), row.clone());
        }
        // 7, 8
        for id in &touches.contents {
            workset.contents.insert(*id, self.contents(*id));
        }
        for order in &touches.orders {
            let deposits = self.of_order(order);
            if !deposits.is_empty() {
                workset.of_orders.insert(order.clone(), deposits);
            }
        }
        workset
    }

    fn contents(&self, id: VirtualAccountId) -> Contents {
        let instances =
            self.instances.values().filter(|row| row.is_registered() && row.virtual_account == id);
        let lots = self
            .lots
            .values()
            .filter(|lot| lot.virtual_account == id && lot.term.ends_at.is_none_or(|end| self.now < end));
        Contents { instances: instances.count() as u64, lots: lots.count() as u64 }
    }

    fn of_order(&self, order: &str) -> Vec<LotTransaction> {
        let deposits = self.transactions.iter().filter(|row| row.order_id.as_deref() == Some(order));
        deposits.cloned().collect()
    }

    /// Lets time pass, and the manager's jobs do what came due.
    pub fn advance(&mut self, seconds: i64) {
        let after = self.now;
        self.now += SignedDuration::from_secs(seconds);
        let is_due = |at: &Timestamp| after < *at && *at <= self.now;
        let turned: Vec<LotId> = self
            .lots
            .values()
            .filter(|lot| is_due(&lot.term.starts_at) || lot.term.ends_at.as_ref().is_some_and(is_due))
            .map(|lot| lot.id)
            .collect();
        self.submit_as(Actor::System, Action::ReassessLots { lots: turned, after }).unwrap();
        let instances = self
            .instances
            .values()
            .filter(|row| row.counted && row.authorized_until.is_some_and(|until| until <= self.now))
            .map(|row| row.id)
            .collect();
        self.submit_as(Actor::System, Action::ExpireAuthorizations { instances }).unwrap();
    }

    pub fn create_va(&mut self, name: &str) -> VirtualAccountId {
        let action = Action::CreateVirtualAccount { name: name.into(), description: String::new() };
        match self.submit(action).unwrap() {
            Outcome::VirtualAccount(id) => id,
            other => panic!("{other:?}"),
        }
    }

    pub fn create_token(&mut self, virtual_account: VirtualAccountId, uses_max: Option<u32>) -> TokenId {
        let action = Action::CreateToken {
            virtual_account,
            description: "test".into(),
            expires_after_days: 30,
            uses_max,
            export_controlled: self.account.export_permitted,
        };
        match self.submit(action).unwrap() {
            Outcome::Token(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Orders one perpetual lot and returns it.
    pub fn order(&mut self, va: VirtualAccountId, order: &str, name: &str, quantity: u64) -> LotId {
        self.order_line(va, order, self.perpetual(name, quantity))
    }

    pub fn order_line(&mut self, va: VirtualAccountId, order: &str, line: OrderLine) -> LotId {
        let action = Action::Order { virtual_account: va, order_id: order.into(), lines: vec![line] };
        match self.submit(action).unwrap() {
            Outcome::Lots(lots) => lots[0],
            other => panic!("{other:?}"),
        }
    }

    pub fn perpetual(&self, name: &str, quantity: u64) -> OrderLine {
        OrderLine {
            tag: tag(name),
            quantity: q(quantity),
            kind: LotKind::Perpetual,
            term: Term { starts_at: self.now, ends_at: None },
            dates: lot::NamedDates::default(),
            subscription_id: None,
            co_termination: CoTermination::Own,
        }
    }

    /// A term from so many days from now to so many.
    pub fn term(&self, name: &str, quantity: u64, from: i64, to: i64) -> OrderLine {
        let day = |n: i64| self.now + SignedDuration::from_hours(24 * n);
        OrderLine {
            kind: LotKind::Term,
            term: Term { starts_at: day(from), ends_at: Some(day(to)) },
            ..self.perpetual(name, quantity)
        }
    }

    pub fn total(&self, va: VirtualAccountId, name: &str) -> &PoolTotal {
        self.totals.get(&(va, tag(name))).expect("a total")
    }

    /// The kinds of the events since the `from`th.
    pub fn kinds_since(&self, from: usize) -> Vec<EventKind> {
        self.events[from..].iter().map(|event| event.kind).collect()
    }

    pub fn last_message(&self) -> &str {
        &self.events.last().unwrap().message
    }
}
