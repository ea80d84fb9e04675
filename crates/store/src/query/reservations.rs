//! Reservations: one, those of a virtual account, and those that wait for somebody.

use jiff::Timestamp;
use seatpool_domain::Reservation;
use seatpool_proto::{AccountId, ProductInstanceId, Sha256, VirtualAccountId};

use crate::error::StoreError;
use crate::row::reservation::reservation_columns;
use crate::sql::{Sql, Value, statements};
use crate::store::Store;
use crate::table::read_all;

statements! {
    RESERVATION = Sql::both(concat!(
        "SELECT ", reservation_columns!(), " FROM reservations WHERE account_id = $1 AND instance = $2"
    ));
    OF_REQUEST = Sql::both(concat!(
        "SELECT ", reservation_columns!(), " FROM reservations WHERE account_id = $1 AND request = $2"
    ));
    // By the words of the index of such events. A change alone may be given back: then the reservation is open still.
    RETURNED = Sql::both(concat!(
        "SELECT ", reservation_columns!(), " FROM reservations WHERE account_id = $1 AND NOT is_open AND \
         instance IN (SELECT instance FROM events WHERE account_id = $1 AND at > $2 AND \
         kind IN ('reservation_returned', 'reservation_rehosted')) ORDER BY instance"
    ));
    OPEN = Sql {
        sqlite: concat!(
            "SELECT ", reservation_columns!(), " FROM reservations WHERE account_id = $1 AND is_open AND \
             virtual_account IN (SELECT value FROM json_each($2)) ORDER BY virtual_account, instance"
        ),
        postgres: concat!(
            "SELECT ", reservation_columns!(), " FROM reservations WHERE account_id = $1 AND is_open AND \
             virtual_account = ANY($2::text[]) ORDER BY virtual_account, instance"
        ),
    };
}

/// The statements that an index must serve, each with that index.
#[cfg(feature = "testing")]
pub(crate) const INDEXED: &[(&str, Sql)] = &[("events_of_returns", RETURNED)];

impl Store {
    /// The reservations that ended after `after`: returned, or released without their return codes.
    pub async fn reservations_returned(
        &self,
        account: AccountId,
        after: Timestamp,
    ) -> Result<Vec<Reservation>, StoreError> {
        read_all(&self.db.rows(&RETURNED, &[Value::text(account), Value::time(after)]).await?)
    }

    /// The reservation that made this product instance; also one that has ended.
    pub async fn reservation(
        &self,
        account: AccountId,
        instance: ProductInstanceId,
    ) -> Result<Option<Reservation>, StoreError> {
        let values = [Value::text(account), Value::text(instance)];
        Ok(read_all(&self.db.rows(&RESERVATION, &values).await?)?.pop())
    }

    /// The reservation for the request code with this digest; also one that has ended.
    pub async fn reservation_of_request(
        &self,
        account: AccountId,
        request: Sha256,
    ) -> Result<Option<Reservation>, StoreError> {
        let values = [Value::text(account), Value::text(request)];
        Ok(read_all(&self.db.rows(&OF_REQUEST, &values).await?)?.pop())
    }

    /// The reservations of these virtual accounts that have not ended.
    pub async fn reservations(
        &self,
        account: AccountId,
        virtual_accounts: &[VirtualAccountId],
    ) -> Result<Vec<Reservation>, StoreError> {
        let values = [Value::text(account), Value::set(virtual_accounts)];
        read_all(&self.db.rows(&OPEN, &values).await?)
    }
}
