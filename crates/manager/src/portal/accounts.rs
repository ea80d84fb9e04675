//! Choosing an account and a virtual account.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::csv;
use super::frame::{Banner, Frame, Pager, Tab, part_of_list};
use super::page::{InAccount, ListQuery, account_href, base_of, compliance_of, show, show_live, with_query};
use super::part::{Chip, Tone};
use super::problem::Problem;
use super::section::Section;
use super::smart_accounts;
use super::visit::SignedIn;
use crate::app::access::{Permission, allows};
use crate::app::accounts::AccountView;
use crate::app::{App, accounts, inventory};

/// How many licences that a search found are named beside their virtual account.
const NAMES_SHOWN: usize = 8;

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    rows: Vec<AccountRow>,
    csv: String,
    pager: Pager,
    create_href: Option<String>,
}

struct AccountRow {
    domain: String,
    name: String,
    href: String,
    export: bool,
    universal: bool,
}

/// The columns of the accounts as a file.
const HEAD: [&str; 5] = ["domain", "name", "export permitted", "universal reservation permitted", "created"];

#[derive(Template)]
#[template(path = "virtual_accounts.html", blocks = ["content"])]
struct VirtualAccountsPage {
    frame: Frame,
    account_name: String,
    domain: String,
    accounts_href: Option<String>,
    create_href: Option<String>,
    edit_href: Option<String>,
    action: String,
    search: String,
    csv: String,
    rows: Vec<VirtualAccountRow>,
    pager: Pager,
}

struct VirtualAccountRow {
    key: String,
    name: String,
    description: String,
    is_default: bool,
    href: String,
    status: Chip,
    /// The licences that a search found, if it found any.
    matching: Option<String>,
}

/// `GET /portal`: the accounts, if there are several to choose from; else the virtual accounts; else the
/// one that there is.
pub(crate) async fn home(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let principal = signed_in.principal();
    let found = accounts::list(&app, principal, None, part_of_list(1)).await?;
    if let ([only], 1) = (found.items.as_slice(), found.total) {
        let places = accounts::virtual_accounts(&app, principal, only.id).await?;
        let to = match places.as_slice() {
            [place] => format!("{}/{}", base_of(&only.domain, place.id), Tab::Licenses.segment()),
            _ => account_href(&only.domain),
        };
        return Ok(Redirect::to(&to).into_response());
    }
    listed(&app, &signed_in, &query, "/portal").await
}

/// The accounts of whoever is signed in, as the page at `path` lists them.
pub(super) async fn listed(
    app: &App,
    signed_in: &SignedIn,
    query: &ListQuery,
    path: &str,
) -> Result<Response, Problem> {
    let (principal, page) = (signed_in.principal(), query.page());
    let found = accounts::list(app, principal, None, part_of_list(page)).await?;
    let creates = allows(principal, principal.account, Permission::CreateAccounts);
    if query.wants_file() {
        let (app, principal) = (app.clone(), principal.clone());
        return csv::streamed("accounts", &HEAD, move |page| {
            let (app, principal) = (app.clone(), principal.clone());
            async move {
                let found = accounts::list(&app, &principal, None, page).await?;
                Ok(found.items.into_iter().map(cells).collect())
            }
        })
        .await;
    }
    let rows = found.items.into_iter().map(|account| AccountRow {
        href: account_href(&account.domain),
        export: account.export_permitted,
        universal: account.universal_permitted,
        domain: account.domain,
        name: account.name,
    });
    let pager = Pager::new(page, found.total, |page| with_query(path, &[("page", &page.to_string())]))?;
    let csv = query.file_href(path);
    show(&AccountsPage {
        frame: signed_in.visit.frame(),
        rows: rows.collect(),
        csv,
        pager,
        create_href: creates.then(|| format!("{}/new", smart_accounts::HREF)),
    })
}

/// The first few names, and how many there are besides.
fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn cells(account: AccountView) -> csv::Row {
    let word = |is| if is { "yes" } else { "no" }.to_owned();
    vec![
        account.domain,
        account.name,
        word(account.export_permitted),
        word(account.universal_permitted),
        csv::instant(account.created_at),
    ]
}

/// `GET /portal/{domain}`.
pub(crate) async fn show_account(
    State(app): State<App>,
    at: InAccount,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let (principal, account) = (&at.principal, &at.account);
    let places = accounts::virtual_accounts(&app, principal, account.id).await?;
    let overview = inventory::overview(&app, principal, account.id, &query.q).await?;
    let search = query.q.trim().to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&search);
    let mut rows: Vec<_> = places
        .into_iter()
        .filter_map(|place| {
            let own = overview.iter().find(|own| own.id == place.id)?;
            let matching = &own.matching;
            let found = holds(&place.name) || !matching.is_empty();
            found.then(|| VirtualAccountRow {
                key: place.id.to_string(),
                href: format!("{}/{}", base_of(&account.domain, place.id), Tab::Licenses.segment()),
                status: compliance_of(own.has_licenses, own.short),
                name: place.name,
                description: place.description,
                is_default: place.is_default,
                matching: (!matching.is_empty()).then(|| shortened(matching)),
            })
        })
        .collect();
    // The default one first, the others by name.
    rows.sort_by_key(|row| (!row.is_default, row.name.to_lowercase()));
    if query.wants_file() {
        let head = ["virtual account", "description", "default", "status", "id"];
        let row = |row: VirtualAccountRow| {
            let default = if row.is_default { "yes" } else { "no" };
            vec![row.name, row.description, default.into(), row.status.text, row.key]
        };
        return Ok(csv::whole(
            &format!("virtual-accounts-{}", account.domain),
            &head,
            rows.into_iter().map(row),
        ));
    }
    let (number, total) = (query.page(), rows.len() as u64);
    let part = part_of_list(number);
    let action = at.base();
    let notice = match query.done.as_str() {
        "deleted" => Some(("The virtual account is deleted", "Its events stay in Activity.")),
        "opened" => {
            Some(("The smart account is created", "Its virtual account Default takes licenses from now on."))
        }
        "account" => Some(("The smart account is saved", "What was changed stands in Activity.")),
        _ => None,
    };
    let notice = notice.map(|(title, text)| Banner::new(Tone::Good, title, text));
    let page = VirtualAccountsPage {
        frame: at.frame(Section::Inventory, true, notice),
        accounts_href: principal.is_operator().then(|| smart_accounts::HREF.to_owned()),
        edit_href: allows(principal, account.id, Permission::CreateAccounts)
            .then(|| smart_accounts::edit_href(&account.domain)),
        create_href: allows(principal, account.id, Permission::ManageAccount)
            .then(|| format!("{action}/virtual-accounts/new")),
        rows: rows
            .into_iter()
            .skip(usize::try_from(part.offset).unwrap_or(usize::MAX))
            .take(part.limit as usize)
            .collect(),
        csv: query.file_href(&action),
        pager: Pager::new(number, total, |page| query.page_href(&action, page))?,
        search: query.q.trim().to_owned(),
        account_name: account.name.clone(),
        domain: account.domain.clone(),
        action,
    };
    show_live(&at.visit, &page, &page.as_content())
}
