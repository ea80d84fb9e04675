//! Orders: the vendor's operator deposits licences, as lots.

mod term;

use jiff::Timestamp;
use seatpool_domain::Lot;
use seatpool_domain::command::{Action, Chosen, CoTermination, OrderLine, Outcome};
use seatpool_domain::lot::NamedDates;
use seatpool_proto::{AccountId, LotId, LotKind, Quantity, Tag, VirtualAccountId};
use seatpool_store::{LotName, LotQuery, LotSort, Page, Paged};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, check};
use super::accounts::{self, VirtualAccountView, invalid};
use super::inventory::{self, LotView, VirtualAccountRef};
use super::{App, AppError};

/// An order for one virtual account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The vendor's name for it. The same order deposits once: sent again, it answers with what became of the lots that
    /// it made; sent again with other contents (licences, quantities, kinds, dates, subscriptions), it is refused.
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
    /// A term of 1, 3 or 5 calendar years (UTC) from its start.
    #[serde(default)]
    pub term_years: Option<u8>,
    /// The first instant at which it counts; now if absent.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// The first instant at which it no longer counts.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// The subscription it belongs to.
    #[serde(default)]
    pub subscription_id: Option<String>,
    /// `own`: the line has its own dates; `with_subscription`: it ends when the lots that the subscription has do;
    /// `all_to_later`: all lots of the subscription get one end, the later of the line's and theirs.
    #[serde(default)]
    #[schema(value_type = String, example = "own")]
    pub co_termination: CoTermination,
}

/// What an order deposited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// The vendor's name for it.
    pub order_id: String,
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// The lots, in the order of the lines. Of an order that is sent again: what is left of each lot, and after it the
    /// parts that were moved, where they are now.
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
    let order_id = order.order_id.trim().to_owned();
    let action = action(app, principal, account, virtual_account, order).await?;
    let place = accounts::virtual_account(app, principal, account, &virtual_account.to_string()).await?;
    let Outcome::Lots(ids) = access::submit(app, principal, account, action).await? else {
        return Err(AppError::Internal);
    };
    let all = chosen(app, principal, account, &Chosen::Order(order_id.clone())).await?;
    let parts = |id: &LotId| {
        let own = all.iter().filter(|lot| lot.lot.id == *id);
        own.chain(all.iter().filter(|lot| lot.lot.origin == Some(*id))).cloned().collect::<Vec<_>>()
    };
    let lots = ids.iter().flat_map(parts).collect();
    Ok(OrderView { order_id, virtual_account: VirtualAccountRef { id: place.id, name: place.name }, lots })
}

/// An order as the ledger takes it, if `principal` may place it.
pub async fn action(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    order: NewOrder,
) -> Result<Action, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    check(principal, account, Permission::Deposit)?;
    // A repeated order must be as valid as it was although time has passed: an absent start is when it was placed.
    let earlier = chosen(app, principal, account, &Chosen::Order(order.order_id.clone())).await?;
    let start = earlier.iter().map(|lot| lot.lot.created_at).min().unwrap_or_else(|| app.now());
    let line = |(position, line): (usize, &NewOrderLine)| {
        let tag = inventory::known_tag(app, &line.license)?;
        let (kind, term) = term::kind_and_term(line, start)
            .map_err(|problem| invalid("line", &format!("{} {problem}", position + 1)))?;
        let subscription_id = line.subscription_id.clone();
        let co_termination = line.co_termination;
        let NewOrderLine { starts_at, term_years, ends_at, .. } = *line;
        let dates = NamedDates { starts_at, term_years, ends_at };
        Ok(OrderLine { tag, quantity: line.quantity, kind, term, dates, subscription_id, co_termination })
    };
    let lines = order.lines.iter().enumerate().map(line).collect::<Result<Vec<_>, AppError>>()?;
    Ok(Action::Order { virtual_account, order_id: order.order_id, lines })
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
    let mut views = views(app, &chosen, &rows);
    views.sort_by_key(|view| (core::cmp::Reverse(view.lot.created_at), view.lot.id));
    Ok(views)
}

/// The order of a list of lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LotOrder {
    /// What waits for the vendor, what counts, what will, what has ended; each by its end.
    #[default]
    Standing,
    /// By the licence's name.
    License {
        /// From the other end.
        descending: bool,
    },
    /// By one of their own values; from the other end.
    By(LotSort, bool),
}

/// A page of the lots of these virtual accounts, or of all that `principal` may read. With a text, those whose licence
/// has it in its name or tag, whatever the case, or whose order or subscription it names.
pub async fn lots_listed(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_accounts: &[VirtualAccountId],
    text: &str,
    order: LotOrder,
    page: Page,
) -> Result<Paged<OwnedLotView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let places = inventory::chosen(readable, virtual_accounts)?;
    let named = (!text.trim().is_empty())
        .then(|| LotName { name: text.trim().to_owned(), tags: inventory::tags_like(app, text) });
    let query = LotQuery { virtual_accounts: places.iter().map(|row| row.id).collect(), named };
    let found = match order {
        LotOrder::Standing => app.store().lots_listed(account, &query, app.now(), page).await?,
        LotOrder::By(sort, descending) => {
            app.store().lots_sorted(account, &query, (sort, descending), page).await?
        }
        LotOrder::License { descending } => {
            let in_order = |licenses: &mut Vec<(Tag, u64)>| {
                licenses.sort_by_cached_key(|(tag, _)| {
                    (inventory::name_of(app, tag).to_lowercase(), tag.clone())
                });
                if descending {
                    licenses.reverse();
                }
            };
            app.store().lots_by_license(account, &query, in_order, page).await?
        }
    };
    Ok(Paged { items: views(app, &places, &found.items), total: found.total })
}

/// The lots that `chosen` names, as far as `principal` may see them; newest first.
pub async fn chosen(
    app: &App,
    principal: &Principal,
    account: AccountId,
    chosen: &Chosen,
) -> Result<Vec<OwnedLotView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    Ok(views(app, &readable, &app.store().lots_chosen(account, chosen).await?))
}

/// What customers declared, as far as `principal` may see it; newest first.
pub async fn declared(
    app: &App,
    principal: &Principal,
    account: AccountId,
) -> Result<Vec<OwnedLotView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    Ok(views(app, &readable, &app.store().lots_declared(account).await?))
}

/// Those of the lots that are in these virtual accounts, in their order.
fn views(app: &App, places: &[VirtualAccountView], lots: &[Lot]) -> Vec<OwnedLotView> {
    let now = app.now();
    let view = |row: &Lot| {
        let place = places.iter().find(|place| place.id == row.virtual_account)?;
        Some(OwnedLotView {
            virtual_account: VirtualAccountRef { id: place.id, name: place.name.clone() },
            tag: row.tag.clone(),
            name: inventory::name_of(app, &row.tag),
            lot: inventory::lot_view(row, now),
        })
    };
    lots.iter().filter_map(view).collect()
}
