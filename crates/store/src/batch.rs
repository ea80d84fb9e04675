//! A batch: facts loaded and locked, changed by `domain`, and written in a few statements.

use std::collections::BTreeMap;

use seatpool_domain::{Account, Catalogue, Change, Instance, Touches, VirtualAccount, Workset};
use seatpool_proto::{AccountId, ProductInstanceId, VirtualAccountId};

use crate::db::{Transaction, retried};
use crate::error::StoreError;
use crate::load::load;
use crate::query::requests::{self, RequestKey};
use crate::row::access::{put_clients, put_users, remove_users};
use crate::row::account::{account_columns, account_values};
use crate::row::history;
use crate::row::instance::{Rest, upsert_after_contact};
use crate::sql::{Conn, Sql, Value, statements};
use crate::store::Store;
use crate::table::{changed, put, put_by, remove_deleted};

statements! {
    INSERT_ACCOUNT = Sql::both(concat!(
        "INSERT INTO accounts (", account_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    ));
    UPDATE_ACCOUNT = Sql::both(
        "UPDATE accounts SET domain = $2, name = $3, export_permitted = $4, created_at = $5, next_event = $6, \
         event_head = $7, second_factor_required = $8, password_grant = $9, universal_permitted = $10 WHERE id = $1",
    );
    // No name that a person can give begins with this character.
    FREE_NAMES = Sql {
        sqlite: "UPDATE virtual_accounts SET name_key = char(1) || id \
             WHERE account_id = $1 AND id IN (SELECT value FROM json_each($2))",
        postgres: "UPDATE virtual_accounts SET name_key = chr(1) || id \
             WHERE account_id = $1 AND id = ANY($2::text[])",
    };
}

/// An open transaction on one account with the facts that were loaded in it. Dropped, it changes nothing.
pub struct Batch {
    /// What was loaded; change it, then [`Batch::commit`].
    pub workset: Workset,
    /// What the commands of requests with an Idempotency-Key came to, as JSON: stored with it.
    pub outcomes: BTreeMap<RequestKey, String>,
    transaction: Transaction,
    /// What is stored.
    stored: Stored,
}

/// What is stored, as far as a commit goes by it.
struct Stored {
    account: Account,
    instances: BTreeMap<ProductInstanceId, Rest>,
}

impl Store {
    /// Begins a transaction, locks the account and loads what is touched. Of one account there is one batch at a
    /// time, on SQLite one altogether: a second waits.
    pub async fn begin(
        &self,
        account: AccountId,
        touches: &Touches,
        catalogue: &Catalogue,
    ) -> Result<Batch, StoreError> {
        retried!(async {
            let mut transaction = self.db.begin().await?;
            let workset = load(transaction.conn()?, account, touches, catalogue).await?;
            let stored = Stored {
                account: workset.account.clone(),
                instances: workset.instances.iter().map(|(id, instance)| (*id, instance.into())).collect(),
            };
            Ok::<_, StoreError>(Batch { workset, outcomes: BTreeMap::new(), transaction, stored })
        })
    }

    /// Creates an account with what its workset holds as inserted.
    pub async fn create_account(&self, workset: Workset) -> Result<(), StoreError> {
        let mut transaction = retried!(self.db.begin())?;
        let taken = format!("a smart account with the domain {}", workset.account.domain);
        let mut conn = transaction.conn()?;
        conn.execute(&INSERT_ACCOUNT, &account_values(&workset.account))
            .await
            .map_err(|error| error.taken(&taken))?;
        write(&mut conn, &workset, &BTreeMap::new()).await?;
        transaction.commit().await
    }
}

impl Batch {
    /// Writes what changed and makes it durable. After an error nothing of it is stored, but for one case:
    /// [`StoreError::Unavailable`] may hide that PostgreSQL committed and its answer was lost.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let mut conn = self.transaction.conn()?;
        if self.workset.account != self.stored.account {
            conn.execute(&UPDATE_ACCOUNT, &account_values(&self.workset.account)).await?;
        }
        write(&mut conn, &self.workset, &self.stored.instances).await?;
        for (key, outcomes) in &self.outcomes {
            requests::note(&mut conn, key, outcomes).await?;
        }
        self.transaction.commit().await
    }
}

/// Writes the changes in an order in which no constraint is violated on the way.
async fn write(
    conn: &mut Conn<'_>,
    workset: &Workset,
    stored: &BTreeMap<ProductInstanceId, Rest>,
) -> Result<(), StoreError> {
    let account = workset.account.id;
    remove_deleted(conn, account, &workset.dismissals).await?;
    remove_deleted(conn, account, &workset.usage).await?;
    remove_deleted(conn, account, &workset.totals).await?;
    remove_deleted(conn, account, &workset.instances).await?;
    remove_deleted(conn, account, &workset.tokens).await?;
    remove_deleted(conn, account, &workset.lots).await?;
    remove_deleted(conn, account, &workset.virtual_accounts).await?;

    remove_users(conn, account, &workset.users).await?;

    free_names(conn, workset).await?;
    put(conn, account, changed(&workset.virtual_accounts)).await?;
    put(conn, account, changed(&workset.tokens)).await?;
    put(conn, account, changed(&workset.lots)).await?;
    put_instances(conn, workset, stored).await?;
    // An ended reservation gives its device free before another takes it.
    let (open, ended): (Vec<_>, Vec<_>) = changed(&workset.reservations).partition(|row| row.is_open());
    put(conn, account, ended.into_iter()).await?;
    put(conn, account, open.into_iter()).await?;
    put(conn, account, changed(&workset.dismissals)).await?;
    put(conn, account, changed(&workset.usage)).await?;
    put(conn, account, changed(&workset.totals)).await?;
    put_users(conn, changed(&workset.users)).await?;
    put_clients(conn, changed(&workset.clients)).await?;
    put(conn, account, workset.transactions.iter()).await?;
    put_by(history::go_on(), conn, account, workset.history.values()).await?;
    put(conn, account, workset.events.iter()).await
}

/// Instances that were only in contact change in few columns; the others are written whole.
async fn put_instances(
    conn: &mut Conn<'_>,
    workset: &Workset,
    stored: &BTreeMap<ProductInstanceId, Rest>,
) -> Result<(), StoreError> {
    let account = workset.account.id;
    let (in_contact, others): (Vec<&Instance>, Vec<&Instance>) = changed(&workset.instances)
        .partition(|instance| stored.get(&instance.id).is_some_and(|rest| *rest == Rest::from(*instance)));
    // An ended registration gives its UDI free before another takes it.
    let (ended, live): (Vec<_>, Vec<_>) = others.into_iter().partition(|instance| instance.ended.is_some());
    put(conn, account, ended.into_iter()).await?;
    put(conn, account, live.into_iter()).await?;
    put_by(upsert_after_contact(), conn, account, in_contact.into_iter()).await
}

/// Virtual accounts that were renamed may have taken each other's names.
async fn free_names(conn: &mut Conn<'_>, workset: &Workset) -> Result<(), StoreError> {
    let renamed = |(_, change, row): (&VirtualAccountId, Change, Option<&VirtualAccount>)| {
        row.filter(|_| change == Change::Updated).map(|row| row.id)
    };
    let ids: Vec<_> = workset.virtual_accounts.changes().filter_map(renamed).collect();
    if ids.len() > 1 || workset.virtual_accounts.changes().count() > 1 {
        conn.execute(&FREE_NAMES, &[Value::text(workset.account.id), Value::set(ids)]).await?;
    }
    Ok(())
}
