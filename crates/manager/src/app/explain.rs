//! Why a licence or a product instance stands as it stands, what comes, and what to do about it: facts for
//! `seatpool_domain::explain`, and carrying out the moves that it proposes.

mod view;

use jiff::Timestamp;
use seatpool_domain::catalogue::FamilyEntry;
use seatpool_domain::command::Action;
use seatpool_domain::explain::{
    self, Explanation, InstanceFacts, License, Move, Named, Place, PoolFacts, Stock, Used, User,
};
use seatpool_domain::instance::{EndReason, ExportGrant};
use seatpool_domain::{EventKind, Instance, Refused, Reservation};
use seatpool_proto::{AccountId, ProductInstanceId, Quantity, Tag, VirtualAccountId};
use seatpool_store::{EventQuery, MostUsed, Page};

use super::access::{self, Permission, Principal, Scope, allows, check, unknown};
use super::accounts::{self, VirtualAccountView};
use super::clients;
use super::instances::{self, InstanceView};
use super::{App, AppError, inventory};
pub use view::{ComingView, ExplanationView, MendView, ReasonView};

/// How many of those who use most are named.
const MOST_USED_ROWS: u32 = 5;
/// Where more instances use the licence and more are in the virtual account, nobody is named: finding them would take
/// longer than a page may.
const MOST_USED_AMONG: u32 = 1_000;

/// Explains a licence of a virtual account.
pub async fn license(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    name_or_tag: &str,
) -> Result<Explanation, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    let tag = inventory::tag_of(app, name_or_tag).ok_or_else(|| unknown("license"))?;
    let family = app.catalogue().family_of(&tag).ok_or_else(|| unknown("license"))?;
    let places = accounts::virtual_accounts(app, principal, account).await?;
    let mut stocks = stocks(app, account, &places, family).await?;
    let here = stocks.iter().position(|stock| stock.place.id == virtual_account);
    let here = stocks.swap_remove(here.ok_or_else(|| unknown("virtual account"))?);
    let total = here.totals.iter().find(|total| total.tag == tag);
    let users = match total {
        Some(total) if !total.short.is_zero() => most_used(app, account, virtual_account, &tag).await?,
        _ => Vec::new(),
    };
    stocks.sort_by(|a, b| a.place.name.cmp(&b.place.name));
    // A move is a matter of both virtual accounts.
    let manages = |place| allows(principal, account, Permission::ManageVirtualAccount(place));
    let (elsewhere, seen): (Vec<_>, Vec<_>) =
        stocks.into_iter().partition(|stock| manages(virtual_account) && manages(stock.place.id));
    let facts = PoolFacts {
        family,
        here: &here,
        elsewhere: &elsewhere,
        seen: &seen,
        all_known: principal.scope(account) == Scope::All,
        users,
        now: app.now(),
    };
    explain::pool(&facts, &tag).ok_or_else(|| unknown("license"))
}

/// What these virtual accounts own and use of a family.
async fn stocks(
    app: &App,
    account: AccountId,
    places: &[VirtualAccountView],
    family: &FamilyEntry,
) -> Result<Vec<Stock>, AppError> {
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    let tags: Vec<_> = family.licenses.iter().map(|license| license.tag.clone()).collect();
    let (lots, totals) = app.store().pools(account, &ids, &tags).await?;
    let mut stocks: Vec<Stock> = places
        .iter()
        .map(|place| Stock { place: Place::new(place.id, &place.name), lots: Vec::new(), totals: Vec::new() })
        .collect();
    for lot in lots {
        if let Some(stock) = stocks.iter_mut().find(|stock| stock.place.id == lot.virtual_account) {
            stock.lots.push(lot);
        }
    }
    for total in totals {
        if let Some(stock) = stocks.iter_mut().find(|stock| stock.place.id == total.virtual_account) {
            stock.totals.push(total);
        }
    }
    Ok(stocks)
}

/// Who uses most of a licence, most first.
async fn most_used(
    app: &App,
    account: AccountId,
    virtual_account: VirtualAccountId,
    tag: &Tag,
) -> Result<Vec<User>, AppError> {
    // Of a licence that has to be there without being consumed, whoever reports it uses it.
    let least = u32::from(!app.catalogue().license(tag).is_some_and(|entry| entry.required_present));
    let bounds = MostUsed { among_max: MOST_USED_AMONG, least, limit: MOST_USED_ROWS };
    let ids = app.store().most_used(account, virtual_account, tag, bounds).await?;
    let rows = app.store().instances_by_id(account, &ids).await?;
    let views = instances::views(app, account, &rows).await?;
    let mut users: Vec<User> = views
        .iter()
        .map(|view| User { instance: Named::new(view.id, &view.name), quantity: quantity_of(view, tag) })
        .collect();
    users.sort_by_key(|user| (core::cmp::Reverse(user.quantity), user.instance.id));
    Ok(users)
}

fn quantity_of(view: &InstanceView, tag: &Tag) -> Quantity {
    view.usage.iter().find(|usage| usage.tag == *tag).map_or(Quantity::ZERO, |usage| usage.quantity)
}

/// Carries out the move that an explanation of the licence proposes under `key`: exactly that move, or none if the
/// figures that it was worked out from have changed. The principal needs to manage both virtual accounts.
pub async fn mend(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    name_or_tag: &str,
    key: &str,
) -> Result<Move, AppError> {
    let explanation = license(app, principal, account, virtual_account, name_or_tag).await?;
    check(principal, account, Permission::ManageVirtualAccount(virtual_account))?;
    if let Some(step) = explanation.asked().find(|step| step.key() == key) {
        check(principal, account, Permission::ManageVirtualAccount(step.from.id))?;
    }
    let Some(step) = explanation.moves().find(|step| step.key() == key).cloned() else {
        let told = explanation.told();
        let why = told.why.first().map(ToString::to_string).unwrap_or_default();
        let now: Vec<_> = told.what_to_do.iter().map(ToString::to_string).collect();
        let detail = format!("{why} {}", now.join(" "));
        return Err(Refused::Changed { detail: detail.trim().trim_end_matches('.').to_owned() }.into());
    };
    check(principal, account, Permission::ManageVirtualAccount(step.from.id))?;
    let action = Action::Mend { step: step.clone() };
    access::submit(app, principal, account, action).await?;
    Ok(step)
}

/// Explains a product instance, also one that has ended.
pub async fn instance(
    app: &App,
    principal: &Principal,
    account: AccountId,
    id: ProductInstanceId,
) -> Result<Explanation, AppError> {
    let row = instances::readable(app, principal, account, id).await?;
    let view = instances::views(app, account, core::slice::from_ref(&row)).await?.pop();
    let view = view.ok_or(AppError::Internal)?;
    let place = Place::new(view.virtual_account.id, &view.virtual_account.name);
    let tags = view.usage.iter().map(|usage| &usage.tag);
    let totals = app.store().totals_of(account, &[place.id], tags).await?;
    let mut used = Vec::with_capacity(view.usage.len());
    for usage in &view.usage {
        let total = totals.iter().find(|total| total.tag == usage.tag && usage.short);
        used.push(Used {
            license: License::new(usage.tag.clone(), &usage.name),
            quantity: usage.quantity,
            short: total.map_or(Quantity::ZERO, |total| total.short),
            short_since: total.and_then(|total| total.short_since),
            most: match total {
                Some(_) => most_used(app, account, place.id, &usage.tag).await?,
                None => Vec::new(),
            },
        });
    }
    let reservation = if row.is_reserved() {
        app.store().reservation(account, id).await?.filter(Reservation::is_open)
    } else {
        None
    };
    let named = |grant: &ExportGrant| {
        let known = app.catalogue().license(&grant.tag)?;
        Some(License::new(grant.tag.clone(), &known.name))
    };
    let facts = InstanceFacts {
        instance: &row,
        place: &place,
        reservation: reservation.as_ref(),
        restricted: row.exports.iter().filter_map(named).collect(),
        used,
        moved_here_at: noticed(app, account, &row, EventKind::InstanceTransferred).await?,
        ended_by: ended_by(app, account, &row).await?,
        cloned_at: noticed(app, account, &row, EventKind::InstanceCloned).await?,
        rewound_at: noticed(app, account, &row, EventKind::InstanceRewound).await?,
        policy: app.policy(),
        now: app.now(),
    };
    Ok(explain::instance(&facts))
}

/// When an event of this kind last happened in this registration.
async fn noticed(
    app: &App,
    account: AccountId,
    row: &Instance,
    kind: EventKind,
) -> Result<Option<Timestamp>, AppError> {
    let query = EventQuery { instances: vec![row.id], kind: Some(kind), ..EventQuery::default() };
    let found = app.store().events(account, query, Page { limit: 1, offset: 0 }).await?;
    Ok(found.items.first().map(|event| event.at).filter(|at| *at >= row.registered_at))
}

/// Who removed an instance.
async fn ended_by(app: &App, account: AccountId, row: &Instance) -> Result<Option<String>, AppError> {
    if row.ended.as_ref().is_none_or(|ended| ended.reason != EndReason::Removed) {
        return Ok(None);
    }
    let kind = Some(EventKind::InstanceRemoved);
    let query = EventQuery { instances: vec![row.id], kind, ..EventQuery::default() };
    let found = app.store().events(account, query, Page { limit: 1, offset: 0 }).await?;
    let Some(event) = found.items.first() else { return Ok(None) };
    let by = event.actor.name();
    let clients = clients::names(app, [by]).await?;
    Ok(Some(clients.get(by).map_or(by, String::as_str).to_owned()))
}
