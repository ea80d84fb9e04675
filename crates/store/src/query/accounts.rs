//! Accounts and their virtual accounts.

use seatpool_domain::{Account, VirtualAccount};
use seatpool_proto::AccountId;

use super::{Page, Paged, each};
use crate::error::StoreError;
use crate::row::account::{account_columns, read_account, virtual_account_columns};
use crate::sql::{Sql, Value, statements};
use crate::store::Store;
use crate::table::read_all;

statements! {
    ACCOUNTS = Sql {
        sqlite: concat!(
            "SELECT ", account_columns!(), " FROM accounts \
             WHERE CAST($1 AS TEXT) IS NULL OR instr(domain, $1) > 0 ORDER BY domain LIMIT $2 OFFSET $3"
        ),
        postgres: concat!(
            "SELECT ", account_columns!(), " FROM accounts \
             WHERE CAST($1 AS TEXT) IS NULL OR strpos(domain, $1) > 0 ORDER BY domain LIMIT $2 OFFSET $3"
        ),
    };
    ACCOUNTS_COUNTED = Sql {
        sqlite: "SELECT COUNT(*) FROM accounts WHERE CAST($1 AS TEXT) IS NULL OR instr(domain, $1) > 0",
        postgres: "SELECT COUNT(*) FROM accounts WHERE CAST($1 AS TEXT) IS NULL OR strpos(domain, $1) > 0",
    };
    ACCOUNT = Sql::both(concat!("SELECT ", account_columns!(), " FROM accounts WHERE id = $1"));
    ACCOUNT_BY_DOMAIN = Sql::both(concat!("SELECT ", account_columns!(), " FROM accounts WHERE domain = $1"));
    VIRTUAL_ACCOUNTS = Sql::both(concat!(
        "SELECT ", virtual_account_columns!(), " FROM virtual_accounts WHERE account_id = $1 ORDER BY name_key"
    ));
}

/// Which accounts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Those whose domain contains this text, without regard to case; all if absent.
    pub domain: Option<String>,
}

impl Store {
    /// Accounts by domain.
    pub async fn accounts(&self, filter: AccountFilter, page: Page) -> Result<Paged<Account>, StoreError> {
        let domain = Value::maybe(filter.domain.map(|domain| domain.to_lowercase()));
        self.page(&ACCOUNTS, &ACCOUNTS_COUNTED, vec![domain], page, read_account).await
    }

    /// The account with this id.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let rows = self.db.rows(&ACCOUNT, &[Value::text(id)]).await?;
        Ok(each(&rows, read_account)?.pop())
    }

    /// The account with this domain, without regard to case.
    pub async fn account_by_domain(&self, domain: &str) -> Result<Option<Account>, StoreError> {
        let rows = self.db.rows(&ACCOUNT_BY_DOMAIN, &[Value::text(domain.to_lowercase())]).await?;
        Ok(each(&rows, read_account)?.pop())
    }

    /// An account's virtual accounts, by name.
    pub async fn virtual_accounts(&self, account: AccountId) -> Result<Vec<VirtualAccount>, StoreError> {
        read_all(&self.db.rows(&VIRTUAL_ACCOUNTS, &[Value::text(account)]).await?)
    }
}
