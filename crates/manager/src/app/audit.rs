//! Verification of the event log: the whole chain is recomputed from what is stored.

use std::sync::OnceLock;

use seatpool_domain::Event;
use seatpool_domain::audit::{
    Chain, Finding, Inquiry, Tampering, check_transactions, transaction_without_event,
};
use seatpool_proto::{AccountId, Sha256};
use seatpool_store::{AuditLog, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::access::{Permission, Principal, check, unknown};
use super::{App, AppError};

/// How many logs are read at a time: each is read whole.
const AT_ONCE: usize = 1;

/// What came of verifying an account's event log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerificationView {
    /// The account's domain.
    pub account: String,
    /// Whether everything is as it was written.
    pub intact: bool,
    /// How many events are in order, from the first on.
    pub events: u64,
    /// The hash of the last of them. Kept elsewhere and handed to a later verification, it shows whether the log was
    /// written anew or cut off meanwhile.
    pub head: Option<String>,
    /// The first event that is not as it was written.
    pub event: Option<FindingView>,
    /// The first lot transaction that does not go with its event; looked for up to where the events are in order.
    pub transaction: Option<FindingView>,
}

/// The first row that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// Which: the number that the row has, or had when it was written.
    pub number: u64,
    /// `altered`, `inserted`, `removed` or `reordered`.
    #[schema(value_type = String, example = "altered")]
    pub what: Tampering,
    /// How that shows, as a sentence.
    pub message: String,
}

impl From<Finding> for FindingView {
    fn from(Finding { number, what, message }: Finding) -> Self {
        Self { number, what, message }
    }
}

/// Verifies an account's log. `kept` is the hash of an event that was the last one when it was noted elsewhere.
pub async fn verify(
    app: &App,
    principal: &Principal,
    account: AccountId,
    kept: Option<Sha256>,
) -> Result<VerificationView, AppError> {
    static TURNS: OnceLock<Semaphore> = OnceLock::new();
    check(principal, account, Permission::ReadAccount)?;
    // It is never closed.
    let _turn = TURNS.get_or_init(|| Semaphore::new(AT_ONCE)).acquire().await;
    verify_stored(app.store(), account, kept).await?.ok_or_else(|| unknown("smart account"))
}

/// Verifies the log of an account in a database, if the account is there.
pub async fn verify_stored(
    store: &Store,
    account: AccountId,
    kept: Option<Sha256>,
) -> Result<Option<VerificationView>, StoreError> {
    let Some(mut log) = store.audit_log(account).await? else { return Ok(None) };
    let mut reading = Reading { chain: Chain::through(kept), transaction: None };
    let event = reading.events(&mut log).await?;
    if event.is_none() && reading.transaction.is_none() {
        let after = (reading.chain.length() + 1) * 1000;
        reading.transaction = log.transaction_from(after).await?.map(transaction_without_event);
    }
    Ok(Some(VerificationView {
        account: log.account().domain.clone(),
        intact: event.is_none() && reading.transaction.is_none(),
        events: reading.chain.length(),
        head: reading.chain.head().map(|hash| hash.to_string()),
        event: event.map(Into::into),
        transaction: reading.transaction.map(Into::into),
    }))
}

struct Reading {
    chain: Chain,
    transaction: Option<Finding>,
}

impl Reading {
    /// Reads the log to its end or to where it breaks.
    async fn events(&mut self, log: &mut AuditLog) -> Result<Option<Finding>, StoreError> {
        loop {
            let start = self.chain.length();
            let entries = log.entries(start).await?;
            let Some(last) = entries.last().map(|entry| entry.number) else {
                return Ok(self.chain.end(log.account()).err());
            };
            let taken = entries.iter().take_while(|entry| self.chain.follow(entry)).count();
            self.transactions(log, entries.iter().take(taken).filter_map(|entry| entry.event.as_ref()))
                .await?;
            if taken < entries.len() {
                let mut inquiry = Inquiry::new(self.chain.clone());
                for entry in entries.iter().skip(taken) {
                    inquiry.see(entry);
                }
                let mut after = last;
                loop {
                    let rest = log.entries(after).await?;
                    let Some(last) = rest.last() else { return Ok(Some(inquiry.finish(log.account()))) };
                    after = last.number;
                    for entry in &rest {
                        inquiry.see(entry);
                    }
                }
            }
        }
    }

    /// Checks the lot transactions of these events.
    async fn transactions<'e>(
        &mut self,
        log: &mut AuditLog,
        events: impl Iterator<Item = &'e Event>,
    ) -> Result<(), StoreError> {
        let events: Vec<_> = events.collect();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        if self.transaction.is_some() {
            return Ok(());
        }
        let from = if first.number == 1 { 0 } else { first.number * 1000 };
        let rows = match log.transactions(from, (last.number + 1) * 1000).await {
            Ok(rows) => rows,
            Err(StoreError::Corrupt(why)) => {
                let message = format!(
                    "a lot transaction of events {} to {} can't be read: {why}",
                    first.number, last.number
                );
                self.transaction = Some(Finding { number: from, what: Tampering::Altered, message });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mut rest = rows.as_slice();
        if let Some(row) = rest.first().filter(|row| row.number < 1000) {
            self.transaction = Some(transaction_without_event(row.number));
            return Ok(());
        }
        for event in events {
            let own = rest.iter().take_while(|row| row.number / 1000 == event.number).count();
            let (written, others) = rest.split_at(own);
            rest = others;
            if let Err(finding) = check_transactions(event, written) {
                self.transaction = Some(finding);
                return Ok(());
            }
        }
        Ok(())
    }
}
