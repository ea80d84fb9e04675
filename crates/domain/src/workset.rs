//! The facts that a batch of commands touches, and what the commands changed of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::{AccountId, LotId, ProductInstanceId, Tag, TokenId, Udi, VirtualAccountId};
use uuid::Uuid;

use crate::access::{Client, User};
use crate::account::{Account, Contents, VirtualAccount};
use crate::alert::Dismissal;
use crate::event::Event;
use crate::history::UsageSpan;
use crate::instance::{Instance, Usage};
use crate::lot::{Lot, LotTransaction};
use crate::pool::PoolTotal;
use crate::reservation::Reservation;
use crate::token::Token;

/// What to load before a batch of commands is applied. The store unites the touches of all commands of
/// a batch and loads, in this order:
///
/// 1. the account row (and locks it);
/// 2. instances by id and by UDI (with a UDI: the registered one, or one with a pending registration;
///    never a tombstone), and with `export_holders` those that hold export-restricted features or wait for
///    them, each with its usage rows, its virtual account and the lots that its export-restricted
///    features take licences of;
/// 3. reservations by instance and by UDI (ended ones among them), with the lots that open ones hold;
/// 4. tokens by id, each with its virtual account; lots by id, by order and by subscription, each with its virtual
///    account;
/// 5. virtual accounts by id and by name (compared without regard to case);
/// 6. pools: for every virtual account of a loaded instance, of a loaded lot, or in `pools_in`, all totals
///    and all lots of the families of `tags`, of loaded usage rows and of loaded lots;
/// 7. contents of the virtual accounts in `contents`;
/// 8. for every order in `orders`, the transactions in its name;
/// 9. with `people`, all users, clients and virtual accounts of the account;
/// 10. dismissed alerts by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touches {
    /// Product instances, by id.
    pub instances: BTreeSet<ProductInstanceId>,
    /// Product instances, by UDI.
    pub udis: BTreeSet<Udi>,
    /// Tokens.
    pub tokens: BTreeSet<TokenId>,
    /// Lots.
    pub lots: BTreeSet<LotId>,
    /// Virtual accounts, by id.
    pub virtual_accounts: BTreeSet<VirtualAccountId>,
    /// Virtual accounts, by name.
    pub virtual_account_names: BTreeSet<String>,
    /// Tags whose families' pools are needed.
    pub tags: BTreeSet<Tag>,
    /// Virtual accounts whose pools are needed beside those of the loaded instances and lots.
    pub pools_in: BTreeSet<VirtualAccountId>,
    /// Virtual accounts whose contents are to be counted.
    pub contents: BTreeSet<VirtualAccountId>,
    /// Orders, by the vendor's name for them: what they did.
    pub orders: BTreeSet<String>,
    /// Orders whose lots are needed.
    pub lots_of_orders: BTreeSet<String>,
    /// Subscriptions whose lots are needed.
    pub lots_of_subscriptions: BTreeSet<String>,
    /// Whether the users and clients are needed, with the names of all virtual accounts.
    pub people: bool,
    /// Dismissed alerts, by key.
    pub dismissals: BTreeSet<String>,
    /// Reservations, by instance; those of `udis` are loaded as well. Each brings its lots.
    pub reservations: BTreeSet<ProductInstanceId>,
    /// Whether the instances are needed that hold export-restricted features or wait for them.
    pub export_holders: bool,
    /// The present time, for [`Contents::lots`]: the ledger sets it when it has united a batch's touches.
    /// Without it all lots are counted, ended or not.
    pub now: Option<Timestamp>,
}

impl Touches {
    /// Adds all that `other` touches.
    pub fn unite(&mut self, other: Self) {
        self.instances.extend(other.instances);
        self.udis.extend(other.udis);
        self.tokens.extend(other.tokens);
        self.lots.extend(other.lots);
        self.virtual_accounts.extend(other.virtual_accounts);
        self.virtual_account_names.extend(other.virtual_account_names);
        self.tags.extend(other.tags);
        self.pools_in.extend(other.pools_in);
        self.contents.extend(other.contents);
        self.orders.extend(other.orders);
        self.lots_of_orders.extend(other.lots_of_orders);
        self.lots_of_subscriptions.extend(other.lots_of_subscriptions);
        self.people |= other.people;
        self.export_holders |= other.export_holders;
        self.dismissals.extend(other.dismissals);
        self.reservations.extend(other.reservations);
        self.now = self.now.max(other.now);
    }
}

/// How a row differs from what was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Inserted,
    /// It was changed.
    Updated,
    /// It is gone.
    Deleted,
}

/// Rows of one table, by key, with what became of them since they were loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<K, V> {
    rows: BTreeMap<K, V>,
    changes: BTreeMap<K, Change>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changes: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, V> Rows<K, V> {
    /// Puts in a row as it was loaded: no change.
    pub fn load(&mut self, key: K, row: V) {
        self.rows.insert(key, row);
    }

    /// The row.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// The row, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.changes.entry(key.clone()).or_insert(Change::Updated);
        Some(row)
    }

    /// Adds a row, or replaces it.
    pub fn insert(&mut self, key: K, row: V) {
        let before = self.rows.insert(key.clone(), row);
        match self.changes.get(&key) {
            Some(Change::Inserted) => {}
            // Deleted before and now back: the stored row is still there.
            Some(Change::Deleted | Change::Updated) => {
                self.changes.insert(key, Change::Updated);
            }
            None => {
                let change = if before.is_some() { Change::Updated } else { Change::Inserted };
                self.changes.insert(key, change);
            }
        }
    }

    /// Takes a row out.
    pub fn delete(&mut self, key: &K) -> Option<V> {
        let row = self.rows.remove(key)?;
        match self.changes.get(key) {
            Some(Change::Inserted) => self.changes.remove(key),
            _ => self.changes.insert(key.clone(), Change::Deleted),
        };
        Some(row)
    }

    /// All rows in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    /// The rows from `from` on, in the order of their keys.
    pub fn from(&self, from: K) -> impl Iterator<Item = (&K, &V)> {
        self.rows.range(from..)
    }

    /// All rows in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values()
    }

    /// What changed, in the order of the keys; the row is absent where it was deleted.
    pub fn changes(&self) -> impl Iterator<Item = (&K, Change, Option<&V>)> {
        self.changes.iter().map(|(key, change)| (key, *change, self.rows.get(key)))
    }

    /// Whether this row changed.
    pub fn has_changed(&self, key: &K) -> bool {
        self.changes.contains_key(key)
    }

    /// Whether anything changed.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Forgets what changed: the rows are stored now.
    pub fn settle(&mut self) {
        self.changes.clear();
    }
}

/// The facts of one account that a batch of commands touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workset {
    /// The account; its event counter changes with every event.
    pub account: Account,
    /// Virtual accounts.
    pub virtual_accounts: Rows<VirtualAccountId, VirtualAccount>,
    /// Tokens.
    pub tokens: Rows<TokenId, Token>,
    /// Lots.
    pub lots: Rows<LotId, Lot>,
    /// Totals of what is in use, per virtual account and tag. Absent: nothing was ever reported.
    pub totals: Rows<(VirtualAccountId, Tag), PoolTotal>,
    /// Product instances.
    pub instances: Rows<ProductInstanceId, Instance>,
    /// Their last reported usage.
    pub usage: Rows<(ProductInstanceId, Tag), Usage>,
    /// Users, by id.
    pub users: Rows<Uuid, User>,
    /// Clients, by `client_id`; deleted ones among them.
    pub clients: Rows<String, Client>,
    /// Reservations.
    pub reservations: Rows<ProductInstanceId, Reservation>,
    /// Alerts that were dismissed.
    pub dismissals: Rows<String, Dismissal>,
    /// What the virtual accounts named in [`Touches::contents`] held when loaded.
    pub contents: BTreeMap<VirtualAccountId, Contents>,
    /// What is on record of the orders named in [`Touches::orders`], in order; absent where nothing.
    pub of_orders: BTreeMap<String, Vec<LotTransaction>>,
    /// Events to append, chained, in order.
    pub events: Vec<Event>,
    /// Lot transactions to append, in order.
    pub transactions: Vec<LotTransaction>,
    /// What to add to the usage history: one row for each tag that changed, and hour.
    pub history: BTreeMap<(VirtualAccountId, Tag, Timestamp), UsageSpan>,
}

impl Workset {
    /// A workset of `account` with nothing loaded.
    pub fn new(account: Account) -> Self {
        Self {
            account,
            virtual_accounts: Rows::default(),
            tokens: Rows::default(),
            lots: Rows::default(),
            totals: Rows::default(),
            instances: Rows::default(),
            usage: Rows::default(),
            users: Rows::default(),
            clients: Rows::default(),
            reservations: Rows::default(),
            dismissals: Rows::default(),
            contents: BTreeMap::new(),
            of_orders: BTreeMap::new(),
            events: Vec::new(),
            transactions: Vec::new(),
            history: BTreeMap::new(),
        }
    }

    /// Whose facts these are.
    pub fn account_id(&self) -> AccountId {
        self.account.id
    }

    /// Whether there is anything to write.
    pub fn is_changed(&self) -> bool {
        self.virtual_accounts.is_changed()
            || self.tokens.is_changed()
            || self.lots.is_changed()
            || self.totals.is_changed()
            || self.instances.is_changed()
            || self.usage.is_changed()
            || self.users.is_changed()
            || self.clients.is_changed()
            || self.reservations.is_changed()
            || self.dismissals.is_changed()
            || !self.events.is_empty()
            || !self.transactions.is_empty()
            || !self.history.is_empty()
    }

    /// Forgets what changed: everything is stored now.
    pub fn settle(&mut self) {
        self.virtual_accounts.settle();
        self.tokens.settle();
        self.lots.settle();
        self.totals.settle();
        self.instances.settle();
        self.usage.settle();
        self.users.settle();
        self.clients.settle();
        self.reservations.settle();
        self.dismissals.settle();
        self.events.clear();
        self.transactions.clear();
        self.history.clear();
    }
}

impl Workset {
    /// What an instance last reported, by tag.
    pub fn usage_of(&self, instance: ProductInstanceId) -> impl Iterator<Item = &Usage> {
        self.usage
            .from((instance, Tag::before_all()))
            .take_while(move |((of, _), _)| *of == instance)
            .map(|(_, usage)| usage)
    }

    /// The name of a virtual account, for sentences.
    pub(crate) fn name_of(&self, virtual_account: VirtualAccountId) -> String {
        self.virtual_accounts
            .get(&virtual_account)
            .map_or_else(|| virtual_account.to_string(), |known| known.name.clone())
    }

    /// Appends an event to the account's chain and returns its number.
    pub(crate) fn record(&mut self, event: Event) -> u64 {
        let event = event.chain(&mut self.account);
        let number = event.number;
        self.events.push(event);
        number
    }

    /// Appends to the history of lots.
    pub(crate) fn keep(&mut self, transaction: LotTransaction) {
        if let Some(order) = &transaction.order_id {
            self.of_orders.entry(order.clone()).or_default().push(transaction.clone());
        }
        self.transactions.push(transaction);
    }

    /// Adds to the usage history of this hour.
    pub(crate) fn remember(&mut self, row: UsageSpan) {
        let key = (row.virtual_account, row.tag.clone(), row.starts_at);
        match self.history.get_mut(&key) {
            Some(known) => known.go_on(&row),
            None => drop(self.history.insert(key, row)),
        }
    }

    /// Keeps the count of what a virtual account holds true while a batch is applied.
    pub(crate) fn count_instance(&mut self, virtual_account: VirtualAccountId, arrives: bool) {
        if let Some(contents) = self.contents.get_mut(&virtual_account) {
            contents.instances =
                if arrives { contents.instances + 1 } else { contents.instances.saturating_sub(1) };
        }
    }

    /// The same for a lot.
    pub(crate) fn count_lot(&mut self, virtual_account: VirtualAccountId, arrives: bool) {
        if let Some(contents) = self.contents.get_mut(&virtual_account) {
            contents.lots = if arrives { contents.lots + 1 } else { contents.lots.saturating_sub(1) };
        }
    }
}
