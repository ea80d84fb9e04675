//! Orders: the vendor's operator deposits licences, as lots, and renews them.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use seatpool_domain::command::{Action, OrderLine, Outcome};
use seatpool_proto::{AccountId, LotId, LotKind, Quantity, Tag, Term, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, check, unknown};
use super::accounts::{self, invalid};
use super::inventory::{self, LotView, VirtualAccountRef};
use super::{App, AppError};

/// Terms that orders name by years (features.md, A5).
pub const TERM_YEARS: [i64; 3] = [1, 3, 5];

/// An order for one virtual account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The vendor's name for it. The same order deposits once: sent again, it answers with the lots that
    /// it made; sent again with other contents, it is refused.
    pub order_id: String,
    /// What was bought.
    pub lines: Vec<NewOrderLine>,
}

/// One line of an order. Without `term_years`, `starts_at` and `ends_at` it is perpetual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrderLine {
    /// The licence, by name or tag.
    pub license: String,
    /// How many, at least one.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// `PERPETUAL`, `TERM` or `DEMO`; if absent, `TERM` when the line has an end and `PERPETUAL` when not.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "TERM")]
    pub kind: Option<LotKind>,
    /// A term of 1, 3 or 5 years from its start.
    #[serde(default)]
    pub term_years: Option<i64>,
    /// The first instant at which it counts; now if absent.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// The first instant at which it no longer counts.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// The subscription it belongs to.
    #[serde(default)]
    pub subscription_id: Option<String>,
}

/// What an order deposited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// The vendor's name for it.
    pub order_id: String,
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// The lots, in the order of the lines.
    pub lots: Vec<OwnedLotView>,
}

/// A lot with its licence and its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnedLotView {
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// The licence.
    #[schema(value_type = String)]
    pub tag: Tag,
    /// The licence's name.
    pub name: String,
    /// The lot.
    #[serde(flatten)]
    pub lot: LotView,
}

/// Deposits what an order bought.
pub async fn place(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    order: NewOrder,
) -> Result<OrderView, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    check(principal, account, Permission::Deposit)?;
    let place = accounts::virtual_account(app, principal, account, &virtual_account.to_string()).await?;
    // A repeated order must look the same although time has passed: an absent start is that of the lots
    // that the order made.
    let earlier: Vec<_> = lots(app, principal, account, &[virtual_account])
        .await?
        .into_iter()
        .filter(|lot| lot.lot.order_id == order.order_id && lot.lot.origin.is_none())
        .collect();
    let line = |(position, line): (usize, &NewOrderLine)| {
        let tag = inventory::tag_of(app, &line.license).ok_or_else(|| unknown("license"))?;
        let same = |lot: &&OwnedLotView| lot.tag == tag;
        let start =
            earlier.iter().filter(same).map(|lot| lot.lot.created_at).min().unwrap_or_else(|| app.now());
        let (kind, term) = kind_and_term(line, start)
            .map_err(|problem| invalid("line", &format!("{} {problem}", position + 1)))?;
        let subscription_id = line.subscription_id.clone();
        Ok(OrderLine { tag, quantity: line.quantity, kind, term, subscription_id })
    };
    let lines = order.lines.iter().enumerate().map(line).collect::<Result<Vec<_>, AppError>>()?;
    let action = Action::Order { virtual_account, order_id: order.order_id.clone(), lines };
    let Outcome::Lots(ids) = access::submit(app, principal, account, action).await? else {
        return Err(AppError::Internal);
    };
    let all = lots(app, principal, account, &[]).await?;
    let lots = ids.iter().filter_map(|id| all.iter().find(|lot| lot.lot.id == *id).cloned()).collect();
    Ok(OrderView {
        order_id: order.order_id,
        virtual_account: VirtualAccountRef { id: place.id, name: place.name },
        lots,
    })
}

/// The kind and term of a line whose absent start is `start`.
fn kind_and_term(line: &NewOrderLine, start: Timestamp) -> Result<(LotKind, Term), String> {
    let starts_at = line.starts_at.unwrap_or(start);
    let ends_at = match (line.term_years, line.ends_at) {
        (Some(_), Some(_)) => return Err("has both term_years and ends_at: give one of them".into()),
        (Some(years), None) if TERM_YEARS.contains(&years) => Some(after_years(starts_at, years)?),
        (Some(years), None) => {
            return Err(format!("has a term of {years} years: give 1, 3 or 5, or an ends_at"));
        }
        (None, ends_at) => ends_at,
    };
    if ends_at.is_some_and(|end| end <= starts_at) {
        return Err("ends before it starts".into());
    }
    let kind = line.kind.unwrap_or(if ends_at.is_some() { LotKind::Term } else { LotKind::Perpetual });
    match (kind, ends_at) {
        (LotKind::Perpetual, Some(_)) => Err("is PERPETUAL and has an end: leave one of them out".into()),
        (LotKind::Term | LotKind::Demo, None) => {
            Err(format!("is {} and has no end: give term_years or ends_at", kind.as_str()))
        }
        _ => Ok((kind, Term { starts_at, ends_at })),
    }
}

/// The same day and hour of a later year, in UTC: calendars count here, since contracts do.
fn after_years(start: Timestamp, years: i64) -> Result<Timestamp, String> {
    let end = start.to_zoned(TimeZone::UTC).checked_add(years.years());
    end.map(|end| end.timestamp()).map_err(|_| "ends after the end of time".into())
}

/// The lots of these virtual accounts (of all that `principal` may read, if none are given), newest first.
pub async fn lots(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_accounts: &[VirtualAccountId],
) -> Result<Vec<OwnedLotView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let chosen = inventory::chosen(readable, virtual_accounts)?;
    let ids: Vec<_> = chosen.iter().map(|row| row.id).collect();
    let rows = app.store().lots(account, Some(&ids)).await?;
    let now = app.now();
    let mut views: Vec<_> = rows
        .iter()
        .filter_map(|row| {
            let place = chosen.iter().find(|place| place.id == row.virtual_account)?;
            Some(OwnedLotView {
                virtual_account: VirtualAccountRef { id: place.id, name: place.name.clone() },
                tag: row.tag.clone(),
                name: inventory::name_of(app, &row.tag),
                lot: inventory::lot_view(row, now),
            })
        })
        .collect();
    views.sort_by_key(|view| (core::cmp::Reverse(view.lot.created_at), view.lot.id));
    Ok(views)
}

/// Gives a lot a later end.
pub async fn renew(
    app: &App,
    principal: &Principal,
    account: AccountId,
    lot: LotId,
    order_id: String,
    until: RenewUntil,
) -> Result<OwnedLotView, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let find = |lots: Vec<OwnedLotView>| lots.into_iter().find(|view| view.lot.id == lot);
    let before = find(lots(app, principal, account, &[]).await?).ok_or_else(|| unknown("lot"))?;
    check(principal, account, Permission::Deposit)?;
    let ends_at = match (until, before.lot.ends_at) {
        (_, None) => return Err(invalid("lot", "is perpetual: it has no end to renew")),
        (RenewUntil::Date(end), Some(_)) => end,
        (RenewUntil::Years(years), Some(end)) if TERM_YEARS.contains(&years) => {
            after_years(end, years).map_err(|problem| invalid("term_years", &problem))?
        }
        (RenewUntil::Years(_), Some(_)) => return Err(invalid("term_years", "is 1, 3 or 5")),
    };
    let action = Action::RenewLot { lot, order_id, ends_at };
    access::submit(app, principal, account, action).await?;
    find(lots(app, principal, account, &[]).await?).ok_or(AppError::Internal)
}

/// How long a lot is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewUntil {
    /// Until this instant.
    Date(Timestamp),
    /// For 1, 3 or 5 years from its present end.
    Years(i64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(change: impl FnOnce(&mut NewOrderLine)) -> Result<(LotKind, Term), String> {
        let mut line = NewOrderLine {
            license: "CCX_PREMIUM".into(),
            quantity: Quantity::of(1),
            kind: None,
            term_years: None,
            starts_at: None,
            ends_at: None,
            subscription_id: None,
        };
        change(&mut line);
        kind_and_term(&line, at("2024-02-29T12:00:00Z"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_without_dates_is_perpetual_from_now() {
        let (kind, term) = line(|_| {}).unwrap();
        assert_eq!((kind, term.ends_at), (LotKind::Perpetual, None));
        assert_eq!(term.starts_at, at("2024-02-29T12:00:00Z"));
    }

    #[test]
    fn years_are_counted_by_the_calendar() {
        for (years, end) in
            [(1, "2025-02-28T12:00:00Z"), (3, "2027-02-28T12:00:00Z"), (5, "2029-02-28T12:00:00Z")]
        {
            let (kind, term) = line(|line| line.term_years = Some(years)).unwrap();
            assert_eq!((kind, term.ends_at), (LotKind::Term, Some(at(end))), "{years}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        let end = Some(at("2030-01-01T00:00:00Z"));
        let past = Some(at("2020-01-01T00:00:00Z"));
        for (problem, refused) in [
            ("both", line(|line| (line.term_years, line.ends_at) = (Some(1), end))),
            ("2 years", line(|line| line.term_years = Some(2))),
            ("before it starts", line(|line| line.ends_at = past)),
            ("is PERPETUAL", line(|line| (line.kind, line.ends_at) = (Some(LotKind::Perpetual), end))),
            ("is DEMO and has no end", line(|line| line.kind = Some(LotKind::Demo))),
        ] {
            let text = refused.unwrap_err();
            assert!(text.contains(problem), "{text}");
        }
    }
}
