//! Registration tokens: create and revoke. Using one up is registration's part.

use jiff::SignedDuration;
use seatpool_proto::{TokenId, VirtualAccountId};

use super::{By, Context, Outcome, Refused, known};
use crate::command::words;
use crate::event::{Event, EventKind};
use crate::token::{EXPIRES_AFTER_DAYS_MAX, EXPIRES_AFTER_DAYS_MIN, Token};
use crate::workset::Workset;

/// What a new token is to allow.
pub(super) struct Terms {
    pub(super) description: String,
    pub(super) expires_after_days: u16,
    pub(super) uses_max: Option<u32>,
    pub(super) export_controlled: bool,
}

pub(super) fn create(
    virtual_account: VirtualAccountId,
    terms: Terms,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let place = known(workset, virtual_account)?.name.clone();
    let description = words::description(&terms.description)?;
    let days = terms.expires_after_days;
    if !(EXPIRES_AFTER_DAYS_MIN..=EXPIRES_AFTER_DAYS_MAX).contains(&days) {
        let problem = format!(
            "is {days}: give a number of days from {EXPIRES_AFTER_DAYS_MIN} to {EXPIRES_AFTER_DAYS_MAX}"
        );
        return Err(words::invalid("expires_after_days", problem));
    }
    if terms.export_controlled && !workset.account.export_permitted {
        return Err(Refused::ExportNotPermitted);
    }
    let expires_at = context
        .now
        .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
        .map_err(|_| words::invalid("expires_after_days", "reaches beyond the calendar"))?;
    // 0 means without limit wherever people give a number (features.md, A3).
    let uses_max = terms.uses_max.filter(|&uses| uses > 0);
    let id = TokenId(context.ids.uuid());
    let uses = match uses_max {
        Some(1) => "once".to_owned(),
        Some(uses) => format!("{uses} times"),
        None => "without limit".to_owned(),
    };
    let message =
        format!("A registration token for {place} was created: it may be used {uses} within {days} days.");
    workset.tokens.insert(
        id,
        Token {
            id,
            virtual_account,
            description,
            created_at: context.now,
            created_by: by.actor.name().to_owned(),
            expires_at,
            uses_max,
            uses: 0,
            export_controlled: terms.export_controlled,
            revoked_at: None,
        },
    );
    workset.record(Event {
        virtual_account: Some(virtual_account),
        after: Some(id.to_string()),
        ..by.event(EventKind::TokenCreated, context.now, message)
    });
    Ok(Outcome::Token(id))
}

pub(super) fn revoke(
    id: TokenId,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let token = workset.tokens.get(&id).ok_or(Refused::Unknown { what: "registration token" })?;
    if token.revoked_at.is_some() {
        return Ok(Outcome::Done);
    }
    let virtual_account = token.virtual_account;
    let uses = match token.uses {
        0 => "it had not been used".to_owned(),
        1 => "it had been used once".to_owned(),
        uses => format!("it had been used {uses} times"),
    };
    if let Some(token) = workset.tokens.get_mut(&id) {
        token.revoked_at = Some(context.now);
    }
    let place = workset.name_of(virtual_account);
    let message = format!("A registration token for {place} was revoked; {uses}.");
    workset.record(Event {
        virtual_account: Some(virtual_account),
        before: Some(id.to_string()),
        ..by.event(EventKind::TokenRevoked, context.now, message)
    });
    Ok(Outcome::Done)
}
