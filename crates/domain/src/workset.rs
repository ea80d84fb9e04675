//! The facts that a batch of commands touches, and what the commands changed of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::{AccountId, LotId, ProductInstanceId, Tag, TokenId, Udi, VirtualAccountId};

use crate::account::{Account, Contents, VirtualAccount};
use crate::alert::Dismissal;
use crate::event::Event;
use crate::instance::{Instance, Usage};
use crate::lot::{Lot, LotTransaction};
use crate::pool::PoolTotal;
use crate::token::Token;

/// What to load before a batch of commands is applied. The store unites the touches of all commands of
/// a batch and loads, in this order:
///
/// 1. the account row (and locks it);
/// 2. instances by id and by UDI (with a UDI: the registered one, or one with a pending registration;
///    never a tombstone), each with its usage rows and its virtual account;
/// 3. tokens by id, each with its virtual account; lots by id, each with its virtual account;
/// 4. virtual accounts by id and by name (compared without regard to case);
/// 5. pools: for every virtual account of a loaded instance, of a loaded lot, or in `pools_in`, all totals
///    and all lots of the families of `tags`, of loaded usage rows and of loaded lots;
/// 6. contents of the virtual accounts in `contents`;
/// 7. for every order in `orders`, the transactions by which it deposited lots;
/// 8. dismissed alerts by key.
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
    /// Orders, by the vendor's name for them.
    pub orders: BTreeSet<String>,
    /// Dismissed alerts, by key.
    pub dismissals: BTreeSet<String>,
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
        self.dismissals.extend(other.dismissals);
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
    /// Alerts that were dismissed.
    pub dismissals: Rows<String, Dismissal>,
    /// What the virtual accounts named in [`Touches::contents`] held when loaded.
    pub contents: BTreeMap<VirtualAccountId, Contents>,
    /// What the orders named in [`Touches::orders`] had deposited when loaded; absent where nothing.
    pub deposited: BTreeMap<String, Vec<LotTransaction>>,
    /// Events to append, chained, in order.
    pub events: Vec<Event>,
    /// Lot transactions to append, in order.
    pub transactions: Vec<LotTransaction>,
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
            dismissals: Rows::default(),
            contents: BTreeMap::new(),
            deposited: BTreeMap::new(),
            events: Vec::new(),
            transactions: Vec::new(),
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
            || self.dismissals.is_changed()
            || !self.events.is_empty()
            || !self.transactions.is_empty()
    }

    /// Forgets what changed: everything is stored now.
    pub fn settle(&mut self) {
        self.virtual_accounts.settle();
        self.tokens.settle();
        self.lots.settle();
        self.totals.settle();
        self.instances.settle();
        self.usage.settle();
        self.dismissals.settle();
        self.events.clear();
        self.transactions.clear();
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
