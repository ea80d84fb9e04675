//! Loads what a batch of commands touches, set by set, in the order that [`Touches`] documents.

use std::collections::{BTreeMap, BTreeSet};

use seatpool_domain::account::Contents;
use seatpool_domain::alert::Dismissal;
use seatpool_domain::{
    Account, Catalogue, Instance, Lot, LotTransaction, PoolTotal, Reservation, Token, Touches, Usage,
    VirtualAccount, Workset,
};
use seatpool_proto::{AccountId, Tag, VirtualAccountId};

use crate::error::StoreError;
use crate::grid::{Grid, Kind};
use crate::row::access::{client_columns, read_client, read_user, user_columns};
use crate::row::account::{account_columns, read_account, token_columns, virtual_account_columns};
use crate::row::dismissal::dismissal_columns;
use crate::row::instance::instance_columns;
use crate::row::lot::{lot_columns, transaction_columns};
use crate::row::pool::{total_columns, usage_columns};
use crate::row::reservation::reservation_columns;
use crate::sql::{Conn, Sql, Value, statements};
use crate::table::{Stored, read_all};

statements! {
    // NO KEY: batches of one account exclude each other, while a session may still refer to the account.
    ACCOUNT_LOCKED = Sql {
        sqlite: concat!("SELECT ", account_columns!(), " FROM accounts WHERE id = $1"),
        postgres: concat!("SELECT ", account_columns!(), " FROM accounts WHERE id = $1 FOR NO KEY UPDATE"),
    };
    INSTANCES = Sql {
        sqlite: concat!(
            "SELECT ", instance_columns!(), " FROM instances \
             WHERE account_id = $1 AND id IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", instance_columns!(), " FROM instances WHERE account_id = $1 AND id = ANY($2::text[])"
        ),
    };
    // By the words of its index.
    EXPORT_HOLDERS = Sql::both(concat!(
        "SELECT ", instance_columns!(), " FROM instances WHERE account_id = $1 AND exports <> '[]' \
         AND ended_at IS NULL"
    ));
    INSTANCES_BY_UDI = Sql {
        sqlite: concat!(
            "SELECT ", instance_columns!(), " FROM instances \
             WHERE account_id = $1 AND ended_at IS NULL AND (udi_pid, udi_sn, udi_uuid) IN \
             (SELECT value->>0, value->>1, value->>2 FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", instance_columns!(), " FROM instances \
             WHERE account_id = $1 AND ended_at IS NULL AND (udi_pid, udi_sn, udi_uuid) IN \
             (SELECT * FROM UNNEST($2::text[], $3::text[], $4::text[]))"
        ),
    };
    USAGE = Sql {
        sqlite: concat!(
            "SELECT ", usage_columns!(), " FROM usage_reports \
             WHERE account_id = $1 AND instance IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", usage_columns!(), " FROM usage_reports \
             WHERE account_id = $1 AND instance = ANY($2::text[])"
        ),
    };
    RESERVATIONS = Sql {
        sqlite: concat!(
            "SELECT ", reservation_columns!(), " FROM reservations \
             WHERE account_id = $1 AND instance IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", reservation_columns!(), " FROM reservations \
             WHERE account_id = $1 AND instance = ANY($2::text[])"
        ),
    };
    RESERVATIONS_BY_UDI = Sql {
        sqlite: concat!(
            "SELECT ", reservation_columns!(), " FROM reservations \
             WHERE account_id = $1 AND (udi_pid, udi_sn, udi_uuid) IN \
             (SELECT value->>0, value->>1, value->>2 FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", reservation_columns!(), " FROM reservations \
             WHERE account_id = $1 AND (udi_pid, udi_sn, udi_uuid) IN \
             (SELECT * FROM UNNEST($2::text[], $3::text[], $4::text[]))"
        ),
    };
    TOKENS = Sql {
        sqlite: concat!(
            "SELECT ", token_columns!(), " FROM tokens \
             WHERE account_id = $1 AND id IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", token_columns!(), " FROM tokens WHERE account_id = $1 AND id = ANY($2::text[])"
        ),
    };
    LOTS = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots \
             WHERE account_id = $1 AND id IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND id = ANY($2::text[])"
        ),
    };
    LOTS_OF_ORDERS = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots \
             WHERE account_id = $1 AND order_id IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND order_id = ANY($2::text[])"
        ),
    };
    LOTS_OF_SUBSCRIPTIONS = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots \
             WHERE account_id = $1 AND subscription_id IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND subscription_id = ANY($2::text[])"
        ),
    };
    VIRTUAL_ACCOUNTS = Sql {
        sqlite: concat!(
            "SELECT ", virtual_account_columns!(), " FROM virtual_accounts WHERE account_id = $1 AND \
             (id IN (SELECT value FROM json_each($2)) OR name_key IN (SELECT value FROM json_each($3)))"
        ),
        postgres: concat!(
            "SELECT ", virtual_account_columns!(), " FROM virtual_accounts WHERE account_id = $1 AND \
             (id = ANY($2::text[]) OR name_key = ANY($3::text[]))"
        ),
    };
    POOL_TOTALS = Sql {
        sqlite: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             virtual_account IN (SELECT value FROM json_each($2)) AND tag IN (SELECT value FROM json_each($3))"
        ),
        postgres: concat!(
            "SELECT ", total_columns!(), " FROM pool_totals WHERE account_id = $1 AND \
             virtual_account = ANY($2::text[]) AND tag = ANY($3::text[])"
        ),
    };
    POOL_LOTS = Sql {
        sqlite: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             virtual_account IN (SELECT value FROM json_each($2)) AND tag IN (SELECT value FROM json_each($3))"
        ),
        postgres: concat!(
            "SELECT ", lot_columns!(), " FROM lots WHERE account_id = $1 AND \
             virtual_account = ANY($2::text[]) AND tag = ANY($3::text[])"
        ),
    };
    DISMISSALS = Sql {
        sqlite: concat!(
            "SELECT ", dismissal_columns!(), " FROM alert_dismissals \
             WHERE account_id = $1 AND key IN (SELECT value FROM json_each($2))"
        ),
        postgres: concat!(
            "SELECT ", dismissal_columns!(), " FROM alert_dismissals WHERE account_id = $1 AND key = ANY($2::text[])"
        ),
    };
    // A lot without an end has not ended; $3 is the present time, or NULL to count all lots.
    CONTENTS = Sql {
        sqlite: "SELECT value, \
             (SELECT COUNT(*) FROM instances AS i \
              WHERE i.account_id = $1 AND i.virtual_account = value AND i.registered), \
             (SELECT COUNT(*) FROM lots AS l WHERE l.account_id = $1 AND l.virtual_account = value \
              AND (l.ends_at IS NULL OR CAST($3 AS BIGINT) IS NULL OR l.ends_at > CAST($3 AS BIGINT))) \
             FROM json_each($2)",
        postgres: "SELECT value, \
             (SELECT COUNT(*) FROM instances AS i \
              WHERE i.account_id = $1 AND i.virtual_account = value AND i.registered), \
             (SELECT COUNT(*) FROM lots AS l WHERE l.account_id = $1 AND l.virtual_account = value \
              AND (l.ends_at IS NULL OR CAST($3 AS BIGINT) IS NULL OR l.ends_at > CAST($3 AS BIGINT))) \
             FROM UNNEST($2::text[]) AS wanted (value)",
    };
    ALL_VIRTUAL_ACCOUNTS = Sql::both(concat!(
        "SELECT ", virtual_account_columns!(), " FROM virtual_accounts WHERE account_id = $1"
    ));
    USERS = Sql::both(concat!("SELECT ", user_columns!(), " FROM users WHERE account_id = $1"));
    CLIENTS = Sql::both(concat!("SELECT ", client_columns!(), " FROM clients WHERE account_id = $1"));
    OF_ORDERS = Sql {
        sqlite: concat!(
            "SELECT ", transaction_columns!(), " FROM lot_transactions WHERE account_id = $1 AND \
             order_id IN (SELECT value FROM json_each($2)) ORDER BY number"
        ),
        postgres: concat!(
            "SELECT ", transaction_columns!(), " FROM lot_transactions WHERE account_id = $1 AND \
             order_id = ANY($2::text[]) ORDER BY number"
        ),
    };
}

/// Locks the account and loads what is touched of it.
pub(crate) async fn load(
    conn: Conn<'_>,
    account: AccountId,
    touches: &Touches,
    catalogue: &Catalogue,
) -> Result<Workset, StoreError> {
    let mut conn = conn;
    let workset = Workset::new(locked(&mut conn, account).await?);
    let mut loading = Loading { conn, account, workset };
    loading.instances(touches).await?;
    loading.reservations(touches).await?;
    loading.tokens(touches).await?;
    loading.lots(touches).await?;
    loading.virtual_accounts(touches).await?;
    loading.pools(touches, catalogue).await?;
    loading.contents(touches).await?;
    loading.orders(touches).await?;
    loading.people(touches).await?;
    loading.dismissals(touches).await?;
    Ok(loading.workset)
}

async fn locked(conn: &mut Conn<'_>, account: AccountId) -> Result<Account, StoreError> {
    let rows = conn.rows(&ACCOUNT_LOCKED, &[Value::text(account)]).await?;
    let row = rows.first().ok_or(StoreError::UnknownAccount(account))?;
    read_account(&mut row.reader())
}

/// The devices that are touched, as rows of three cells.
fn udis_of(touches: &Touches) -> Grid {
    let mut udis = Grid::new([Kind::Text; 3]);
    for udi in &touches.udis {
        udis.begin_row();
        udis.text(&udi.pid).text(&udi.sn).text(udi.uuid.as_deref().unwrap_or_default());
    }
    udis
}

struct Loading<'c> {
    conn: Conn<'c>,
    account: AccountId,
    workset: Workset,
}

impl Loading<'_> {
    async fn select<T: Stored>(&mut self, sql: &Sql, more: Vec<Value>) -> Result<Vec<T>, StoreError> {
        let mut values = vec![Value::text(self.account)];
        values.extend(more);
        read_all(&self.conn.rows(sql, &values).await?)
    }

    async fn instances(&mut self, touches: &Touches) -> Result<(), StoreError> {
        let mut instances: Vec<Instance> = Vec::new();
        if !touches.instances.is_empty() {
            instances.extend(self.select(&INSTANCES, vec![Value::set(&touches.instances)]).await?);
        }
        if !touches.udis.is_empty() {
            let udis = Value::Grid(udis_of(touches));
            instances.extend(self.select(&INSTANCES_BY_UDI, vec![udis]).await?);
        }
        if touches.export_holders {
            instances.extend(self.select(&EXPORT_HOLDERS, Vec::new()).await?);
        }
        if instances.is_empty() {
            return Ok(());
        }
        let exports = instances.iter().flat_map(|instance| &instance.exports);
        let taken: BTreeSet<_> = exports.filter_map(|grant| grant.lot).collect();
        if !taken.is_empty() {
            for lot in self.select::<Lot>(&LOTS, vec![Value::set(taken)]).await? {
                self.workset.lots.load(lot.id, lot);
            }
        }
        for instance in instances {
            self.workset.instances.load(instance.id, instance);
        }
        let ids = Value::set(self.workset.instances.values().map(|instance| instance.id));
        for usage in self.select::<Usage>(&USAGE, vec![ids]).await? {
            self.workset.usage.load((usage.instance, usage.tag.clone()), usage);
        }
        Ok(())
    }

    async fn reservations(&mut self, touches: &Touches) -> Result<(), StoreError> {
        let mut found: Vec<Reservation> = Vec::new();
        if !touches.reservations.is_empty() {
            found.extend(self.select(&RESERVATIONS, vec![Value::set(&touches.reservations)]).await?);
        }
        if !touches.udis.is_empty() {
            let udis = Value::Grid(udis_of(touches));
            found.extend(self.select(&RESERVATIONS_BY_UDI, vec![udis]).await?);
        }
        let open = found.iter().filter(|reservation| reservation.is_open());
        let held: BTreeSet<_> = open.flat_map(Reservation::lots).collect();
        if !held.is_empty() {
            for lot in self.select::<Lot>(&LOTS, vec![Value::set(held)]).await? {
                self.workset.lots.load(lot.id, lot);
            }
        }
        for reservation in found {
            self.workset.reservations.load(reservation.instance, reservation);
        }
        Ok(())
    }

    async fn tokens(&mut self, touches: &Touches) -> Result<(), StoreError> {
        if touches.tokens.is_empty() {
            return Ok(());
        }
        for token in self.select::<Token>(&TOKENS, vec![Value::set(&touches.tokens)]).await? {
            self.workset.tokens.load(token.id, token);
        }
        Ok(())
    }

    async fn lots(&mut self, touches: &Touches) -> Result<(), StoreError> {
        let mut lots: Vec<Lot> = Vec::new();
        if !touches.lots.is_empty() {
            lots.extend(self.select::<Lot>(&LOTS, vec![Value::set(&touches.lots)]).await?);
        }
        if !touches.lots_of_orders.is_empty() {
            let orders = vec![Value::set(&touches.lots_of_orders)];
            lots.extend(self.select::<Lot>(&LOTS_OF_ORDERS, orders).await?);
        }
        if !touches.lots_of_subscriptions.is_empty() {
            let subscriptions = vec![Value::set(&touches.lots_of_subscriptions)];
            lots.extend(self.select::<Lot>(&LOTS_OF_SUBSCRIPTIONS, subscriptions).await?);
        }
        for lot in lots {
            self.workset.lots.load(lot.id, lot);
        }
        Ok(())
    }

    async fn virtual_accounts(&mut self, touches: &Touches) -> Result<(), StoreError> {
        let workset = &self.workset;
        let ids: BTreeSet<VirtualAccountId> = (touches.virtual_accounts.iter().copied())
            .chain(workset.instances.values().map(|instance| instance.virtual_account))
            .chain(workset.tokens.values().map(|token| token.virtual_account))
            .chain(workset.lots.values().map(|lot| lot.virtual_account))
            .collect();
        if ids.is_empty() && touches.virtual_account_names.is_empty() {
            return Ok(());
        }
        let names =
            Value::set(touches.virtual_account_names.iter().map(|name| VirtualAccount::name_key(name)));
        for found in self.select::<VirtualAccount>(&VIRTUAL_ACCOUNTS, vec![Value::set(ids), names]).await? {
            self.workset.virtual_accounts.load(found.id, found);
        }
        Ok(())
    }

    async fn pools(&mut self, touches: &Touches, catalogue: &Catalogue) -> Result<(), StoreError> {
        let workset = &self.workset;
        let places: BTreeSet<VirtualAccountId> = (touches.pools_in.iter().copied())
            .chain(workset.instances.values().map(|instance| instance.virtual_account))
            .chain(workset.lots.values().map(|lot| lot.virtual_account))
            .collect();
        let tags: BTreeSet<&Tag> = (touches.tags.iter())
            .chain(workset.usage.values().map(|usage| &usage.tag))
            .chain(workset.lots.values().map(|lot| &lot.tag))
            .flat_map(|tag| family_of(tag, catalogue))
            .collect();
        if places.is_empty() || tags.is_empty() {
            return Ok(());
        }
        let pools = vec![Value::set(places), Value::set(tags)];
        let totals: Vec<PoolTotal> = self.select(&POOL_TOTALS, pools.clone()).await?;
        let lots: Vec<Lot> = self.select(&POOL_LOTS, pools).await?;
        for total in totals {
            self.workset.totals.load((total.virtual_account, total.tag.clone()), total);
        }
        for lot in lots {
            self.workset.lots.load(lot.id, lot);
        }
        Ok(())
    }

    async fn contents(&mut self, touches: &Touches) -> Result<(), StoreError> {
        if touches.contents.is_empty() {
            return Ok(());
        }
        let now = Value::Int(touches.now.map(jiff::Timestamp::as_microsecond));
        let values = [Value::text(self.account), Value::set(&touches.contents), now];
        for row in self.conn.rows(&CONTENTS, &values).await? {
            let mut reader = row.reader();
            let place = reader.parsed()?;
            let contents = Contents { instances: reader.count()?, lots: reader.count()? };
            self.workset.contents.insert(place, contents);
        }
        Ok(())
    }

    async fn people(&mut self, touches: &Touches) -> Result<(), StoreError> {
        if !touches.people {
            return Ok(());
        }
        for place in self.select::<VirtualAccount>(&ALL_VIRTUAL_ACCOUNTS, Vec::new()).await? {
            self.workset.virtual_accounts.load(place.id, place);
        }
        let account = [Value::text(self.account)];
        for row in self.conn.rows(&USERS, &account).await? {
            let user = read_user(&mut row.reader())?;
            self.workset.users.load(user.id, user);
        }
        for row in self.conn.rows(&CLIENTS, &account).await? {
            let client = read_client(&mut row.reader())?;
            self.workset.clients.load(client.id.clone(), client);
        }
        Ok(())
    }

    async fn dismissals(&mut self, touches: &Touches) -> Result<(), StoreError> {
        if touches.dismissals.is_empty() {
            return Ok(());
        }
        for row in self.select::<Dismissal>(&DISMISSALS, vec![Value::set(&touches.dismissals)]).await? {
            self.workset.dismissals.load(row.key.clone(), row);
        }
        Ok(())
    }

    async fn orders(&mut self, touches: &Touches) -> Result<(), StoreError> {
        if touches.orders.is_empty() {
            return Ok(());
        }
        let mut of_orders: BTreeMap<String, Vec<LotTransaction>> = BTreeMap::new();
        let found: Vec<LotTransaction> = self.select(&OF_ORDERS, vec![Value::set(&touches.orders)]).await?;
        for transaction in found {
            if let Some(order) = transaction.order_id.clone() {
                of_orders.entry(order).or_default().push(transaction);
            }
        }
        self.workset.of_orders = of_orders;
        Ok(())
    }
}

/// The tags of a tag's family; a tag that the catalogue does not know stands for itself.
fn family_of<'a>(tag: &'a Tag, catalogue: &'a Catalogue) -> Vec<&'a Tag> {
    match catalogue.family_of(tag) {
        Some(family) => family.licenses.iter().map(|license| &license.tag).collect(),
        None => vec![tag],
    }
}
