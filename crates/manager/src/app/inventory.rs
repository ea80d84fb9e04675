//! Licences: what each virtual account owns, uses and lacks of them, and moving them between virtual accounts.

mod pool;
pub mod preview;
mod view;

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::command::{Action, TransferLine};
use seatpool_domain::lot::TransactionKind;
use seatpool_proto::{AccountId, LotId, LotKind, Quantity, Tag, VirtualAccountId};
use seatpool_store::{InstanceQuery, Page, Paged, TransactionQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, check, unknown, unknown_name};
use super::accounts::{self, VirtualAccountView, invalid};
use super::clients;
use super::instances::{self, InstanceView};
use super::{App, AppError};
use pool::{Pool, Stock};
pub(super) use view::lot_view;
pub use view::{
    Borrowing, DeclarationView, LicenseStatus, LicenseView, LotStatus, LotView, VirtualAccountRef,
};

/// One line of a licence's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionView {
    /// Unique and rising within the account.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What happened: `ordered`, `renewed`, `transferred_in`, `transferred_out`, `cancelled`, `declared`,
    /// `confirmed`, `rejected`.
    #[schema(value_type = String)]
    pub kind: TransactionKind,
    /// How many.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// The lot.
    #[schema(value_type = Uuid)]
    pub lot: LotId,
    /// The other virtual account of a transfer, by name.
    pub counterpart: Option<String>,
    /// The order; none for transfers.
    pub order_id: Option<String>,
    /// Who did it.
    pub by: String,
    /// What it changed, as it was: how many, an end, the state of a declaration.
    pub before: Option<String>,
    /// The same as it is since.
    pub after: Option<String>,
    /// Why, in the words of whoever did it.
    pub note: Option<String>,
}

/// A licence with its history and who uses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LicenseDetail {
    /// The licence, with its lots.
    pub license: LicenseView,
    /// Newest first.
    pub transactions: Vec<TransactionView>,
    /// How many transactions there are in all.
    pub transactions_total: u64,
    /// Product instances that report it, by name.
    pub instances: Vec<InstanceView>,
    /// How many instances there are in all.
    pub instances_total: u64,
}

/// How many transactions and instances a detail shows.
pub const DETAIL_ROWS: u32 = 100;

/// One line of a transfer as people give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The licence, by name or tag.
    pub license: String,
    /// Which lot; if absent, any of `kind`, those that last longest first.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub lot: Option<LotId>,
    /// Which kind of lot; if absent, any.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "TERM")]
    pub kind: Option<LotKind>,
    /// How many, at least one.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
    /// The virtual account that they go to, by name or id.
    pub to: String,
}

/// The licences of these virtual accounts (of all that `principal` may read, if none are given) with their lots, by
/// virtual account and name.
pub async fn licenses(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_accounts: &[VirtualAccountId],
) -> Result<Vec<LicenseView>, AppError> {
    let places = places(app, principal, account, virtual_accounts).await?;
    let lots = app.store().lots(account, Some(&ids(&places))).await?;
    let (now, mut lots) = (app.now(), lots.as_slice());
    // They come in the order of their virtual accounts.
    let stocks =
        places.iter().map(|row| Stock::of(leading(&mut lots, |lot| lot.virtual_account == row.id), now));
    listed(app, account, &places, stocks.collect()).await
}

/// The same without their lots.
pub async fn balances(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_accounts: &[VirtualAccountId],
) -> Result<Vec<LicenseView>, AppError> {
    let places = places(app, principal, account, virtual_accounts).await?;
    let owned = app.store().owned(account, &ids(&places), app.now()).await?;
    let mut owned = owned.into_iter().peekable();
    let mut stocks = Vec::with_capacity(places.len());
    for row in &places {
        let mut here = BTreeMap::new();
        while let Some((_, tag, sums)) = owned.next_if(|(place, ..)| *place == row.id) {
            here.insert(tag, Stock { sums, lots: Vec::new() });
        }
        stocks.push(here);
    }
    listed(app, account, &places, stocks).await
}

/// Those of the readable virtual accounts that are given (all if none are), in the order of their ids.
async fn places(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_accounts: &[VirtualAccountId],
) -> Result<Vec<VirtualAccountView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let mut places = chosen(readable, virtual_accounts)?;
    places.sort_by_key(|row| row.id.to_string());
    Ok(places)
}

fn ids(places: &[VirtualAccountView]) -> Vec<VirtualAccountId> {
    places.iter().map(|row| row.id).collect()
}

/// The licences of these virtual accounts, each with what it holds; by virtual account and name.
async fn listed(
    app: &App,
    account: AccountId,
    places: &[VirtualAccountView],
    stocks: Vec<BTreeMap<Tag, Stock>>,
) -> Result<Vec<LicenseView>, AppError> {
    let totals = app.store().totals(account, Some(&ids(places))).await?;
    let (now, mut totals) = (app.now(), totals.as_slice());
    let mut views = Vec::new();
    for (row, stocks) in places.iter().zip(stocks) {
        let at = VirtualAccountRef { id: row.id, name: row.name.clone() };
        let own_totals = leading(&mut totals, |total| total.virtual_account == row.id);
        let pools = Pool::all(app.catalogue(), stocks, own_totals);
        views.extend(pools.iter().flat_map(|pool| view::licenses(pool, &at, now)));
    }
    views.sort_by(|a, b| (&a.virtual_account.name, &a.name).cmp(&(&b.virtual_account.name, &b.name)));
    Ok(views)
}

/// One licence of a virtual account, by what is known of its family there; none if there is nothing of it.
pub async fn one(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    tag: &Tag,
) -> Result<Option<LicenseView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let Some(row) = chosen(readable, &[virtual_account])?.pop() else { return Ok(None) };
    let tags: Vec<Tag> = match app.catalogue().family_of(tag) {
        Some(family) => family.licenses.iter().map(|license| license.tag.clone()).collect(),
        None => vec![tag.clone()],
    };
    let (lots, totals) = app.store().pools(account, &[virtual_account], &tags).await?;
    let (at, now) = (VirtualAccountRef { id: row.id, name: row.name }, app.now());
    let views = Pool::all(app.catalogue(), Stock::of(&lots, now), &totals);
    let mut views = views.iter().flat_map(|pool| view::licenses(pool, &at, now));
    Ok(views.find(|view| view.tag == *tag))
}

/// How many licences a virtual account holds or uses, and how many of them are short, without looking at each.
pub async fn standing(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
) -> Result<(u64, u64), AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    Ok(app.store().standing(account, virtual_account).await?)
}

/// How one virtual account stands, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOverview {
    /// Which.
    pub id: VirtualAccountId,
    /// Whether it holds or uses any licence.
    pub has_licenses: bool,
    /// How many of its licences are short.
    pub short: u64,
    /// Names of its licences that were searched for.
    pub matching: Vec<String>,
}

/// How all virtual accounts that `principal` may read stand, without looking at each licence; with a search, which of
/// their licences have it in their name or tag, without regard to case.
pub async fn overview(
    app: &App,
    principal: &Principal,
    account: AccountId,
    search: &str,
) -> Result<Vec<PlaceOverview>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let standings = app.store().standings(account).await?;
    let search = search.trim().to_lowercase();
    let mut found = BTreeMap::new();
    if !search.is_empty() {
        let tags = tags_like(app, &search);
        if !tags.is_empty() {
            found = app.store().holders(account, &tags).await?;
        }
    }
    let place = |row: VirtualAccountView| {
        let standing = standings.iter().find(|(id, _)| *id == row.id);
        let mut matching: Vec<_> =
            found.get(&row.id).into_iter().flatten().map(|tag| name_of(app, tag)).collect();
        matching.sort();
        PlaceOverview {
            id: row.id,
            has_licenses: standing.is_some(),
            short: standing.map_or(0, |(_, short)| *short),
            matching,
        }
    };
    Ok(readable.into_iter().map(place).collect())
}

/// The licences of the catalogue that have the text in their name or tag, without regard to case.
pub(super) fn tags_like(app: &App, text: &str) -> Vec<Tag> {
    let text = text.trim().to_lowercase();
    let licenses = app.catalogue().families().flat_map(|family| &family.licenses);
    licenses
        .filter(|license| {
            [&license.name, license.tag.as_str()].iter().any(|name| name.to_lowercase().contains(&text))
        })
        .map(|license| license.tag.clone())
        .collect()
}

/// Takes the first rows off that belong together.
fn leading<'r, T>(rows: &mut &'r [T], belongs: impl Fn(&T) -> bool) -> &'r [T] {
    let (first, rest) = rows.split_at(rows.iter().take_while(|row| belongs(row)).count());
    *rows = rest;
    first
}

/// Those of `readable` whose ids are given; all if none are.
pub(super) fn chosen(
    readable: Vec<VirtualAccountView>,
    ids: &[VirtualAccountId],
) -> Result<Vec<VirtualAccountView>, AppError> {
    if ids.is_empty() {
        return Ok(readable);
    }
    if let Some(_hidden) = ids.iter().find(|id| readable.iter().all(|row| row.id != **id)) {
        return Err(unknown("virtual account"));
    }
    Ok(readable.into_iter().filter(|row| ids.contains(&row.id)).collect())
}

/// One licence of one virtual account, with its history and who uses it.
pub async fn license(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    name_or_tag: &str,
) -> Result<LicenseDetail, AppError> {
    let tag = known_tag(app, name_or_tag)?;
    let license = one(app, principal, account, virtual_account, &tag).await?;
    let license = license.ok_or_else(|| {
        unknown_name(
            "license",
            name_or_tag,
            "this virtual account has none; `seatpool licenses list` lists what there is",
        )
    })?;
    let page = Page { limit: DETAIL_ROWS, offset: 0 };
    let transactions =
        transactions(app, principal, account, virtual_account, Some(tag.clone()), page).await?;
    let query = InstanceQuery {
        virtual_accounts: Some(vec![virtual_account]),
        tag: Some(tag),
        ..InstanceQuery::default()
    };
    let instances = instances::list(app, principal, account, query, page).await?;
    Ok(LicenseDetail {
        license,
        transactions: transactions.items,
        transactions_total: transactions.total,
        instances: instances.items,
        instances_total: instances.total,
    })
}

/// The history of a virtual account's lots (of one licence, if given), newest first.
pub async fn transactions(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    tag: Option<Tag>,
    page: Page,
) -> Result<Paged<TransactionView>, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    let names = app.store().virtual_accounts(account).await?;
    let query = TransactionQuery { virtual_account, tag };
    let rows = app.store().transactions(account, query, page).await?;
    let clients = clients::names(app, rows.items.iter().map(|row| row.by.as_str())).await?;
    let scope = principal.scope(account);
    let name_of = |id: VirtualAccountId| match names.iter().find(|name| name.id == id) {
        // Its name is for those who may read it.
        Some(_) if !scope.contains(id) => "another virtual account".to_owned(),
        Some(name) => name.name.clone(),
        None => id.to_string(),
    };
    let view = |row: seatpool_domain::LotTransaction| TransactionView {
        number: row.number,
        at: row.at,
        kind: row.kind,
        quantity: row.quantity,
        lot: row.lot,
        counterpart: row.counterpart.map(name_of),
        order_id: row.order_id,
        by: clients.get(&row.by).cloned().unwrap_or(row.by),
        before: row.before,
        after: row.after,
        note: row.note,
    };
    Ok(Paged { items: rows.items.into_iter().map(view).collect(), total: rows.total })
}

/// Moves licences out of a virtual account. All lines or none. The principal needs to manage the virtual
/// accounts on both sides.
pub async fn transfer(
    app: &App,
    principal: &Principal,
    account: AccountId,
    from: VirtualAccountId,
    lines: Vec<Transfer>,
) -> Result<(), AppError> {
    let lines = checked_lines(app, principal, account, from, lines).await?;
    let action = Action::TransferLicenses { from, lines };
    access::submit(app, principal, account, action).await.map(|_| ())
}

/// What people gave as lines of a transfer, as the ledger takes them.
async fn checked_lines(
    app: &App,
    principal: &Principal,
    account: AccountId,
    from: VirtualAccountId,
    lines: Vec<Transfer>,
) -> Result<Vec<TransferLine>, AppError> {
    check(principal, account, Permission::ManageVirtualAccount(from))?;
    if lines.is_empty() {
        return Err(invalid("lines", "is empty: name at least one licence to move"));
    }
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let mut checked = Vec::with_capacity(lines.len());
    for line in lines {
        let to = accounts::find(&readable, &line.to).ok_or_else(|| accounts::unknown_place(&line.to))?.id;
        check(principal, account, Permission::ManageVirtualAccount(to))?;
        let tag = known_tag(app, &line.license)?;
        checked.push(TransferLine { tag, lot: line.lot, kind: line.kind, quantity: line.quantity, to });
    }
    Ok(checked)
}

/// The tag of a licence that is given by its name or its tag.
pub fn tag_of(app: &App, name_or_tag: &str) -> Option<Tag> {
    let catalogue = app.catalogue();
    let by_name = catalogue.license_by_name(name_or_tag).map(|license| license.tag.clone());
    by_name.or_else(|| name_or_tag.parse().ok().filter(|tag| catalogue.license(tag).is_some()))
}

/// The same, or a refusal that names it and says how to list what there is.
pub fn known_tag(app: &App, name_or_tag: &str) -> Result<Tag, AppError> {
    tag_of(app, name_or_tag).ok_or_else(|| {
        let hint = "`seatpool licenses catalogue` and GET /api/seatpool/v1/licenses list what there is";
        unknown_name("license", name_or_tag, hint)
    })
}

/// The licence's name for people; the tag where the catalogue has lost it.
pub fn name_of(app: &App, tag: &Tag) -> String {
    app.catalogue().license(tag).map_or_else(|| tag.to_string(), |license| license.name.clone())
}
