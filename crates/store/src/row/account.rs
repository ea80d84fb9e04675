//! Accounts, virtual accounts, registration tokens.

use seatpool_domain::access::SignInRules;
use seatpool_domain::{Account, Token, VirtualAccount};

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::{Reader, Value, count};
use crate::table::{Stored, Table, table};

/// The columns of `accounts`, for a SELECT.
macro_rules! account_columns {
    () => {
        "id, domain, name, export_permitted, created_at, next_event, event_head, \
         second_factor_required, password_grant, universal_permitted"
    };
}
pub(crate) use account_columns;

/// The values of [`account_columns`], in their order.
pub(crate) fn account_values(account: &Account) -> [Value; 10] {
    [
        Value::text(account.id),
        Value::text(&account.domain),
        Value::text(&account.name),
        Value::Flag(account.export_permitted),
        Value::time(account.created_at),
        Value::Int(Some(count(account.next_event))),
        Value::maybe(account.event_head),
        Value::Flag(account.sign_in_rules.second_factor_required),
        Value::Flag(account.sign_in_rules.password_grant),
        Value::Flag(account.universal_permitted),
    ]
}

/// Reads an account from [`account_columns`].
pub(crate) fn read_account(reader: &mut Reader<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        id: reader.parsed()?,
        domain: reader.text()?,
        name: reader.text()?,
        export_permitted: reader.flag()?,
        created_at: reader.time()?,
        next_event: reader.count()?,
        event_head: reader.maybe_hash()?,
        sign_in_rules: SignInRules { second_factor_required: reader.flag()?, password_grant: reader.flag()? },
        universal_permitted: reader.flag()?,
    })
}

table! {
    virtual_account_columns, VIRTUAL_ACCOUNTS = "virtual_accounts", key 1, false:
    id Text, name Text, description Text, is_default Flag, created_at Int, name_key Text,
}

impl Stored for VirtualAccount {
    fn table() -> &'static Table {
        &VIRTUAL_ACCOUNTS
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.id)
            .text(&self.name)
            .text(&self.description)
            .flag(self.is_default)
            .time(self.created_at)
            .text(Self::name_key(&self.name));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: reader.parsed()?,
            name: reader.text()?,
            description: reader.text()?,
            is_default: reader.flag()?,
            created_at: reader.time()?,
        })
    }
}

table! {
    token_columns, TOKENS = "tokens", key 1, false:
    id Text, virtual_account Text, description Text, created_at Int, created_by Text, expires_at Int,
    uses_max Int, uses Int, export_controlled Flag, revoked_at Int,
}

impl Stored for Token {
    fn table() -> &'static Table {
        &TOKENS
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.id)
            .text(self.virtual_account)
            .text(&self.description)
            .time(self.created_at)
            .text(&self.created_by)
            .time(self.expires_at)
            .maybe_count(self.uses_max)
            .count(self.uses)
            .flag(self.export_controlled)
            .maybe_time(self.revoked_at);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: reader.parsed()?,
            virtual_account: reader.parsed()?,
            description: reader.text()?,
            created_at: reader.time()?,
            created_by: reader.text()?,
            expires_at: reader.time()?,
            uses_max: reader.maybe_count()?,
            uses: reader.count()?,
            export_controlled: reader.flag()?,
            revoked_at: reader.maybe_time()?,
        })
    }
}
