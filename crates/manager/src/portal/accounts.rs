//! Choosing an account and a virtual account.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, Pager, Tab, part_of_list};
use super::page::{ListQuery, account_href, base_of, compliance, show, show_live, with_query};
use super::part::Chip;
use super::problem::Problem;
use super::section::Section;
use super::visit::SignedIn;
use crate::app::inventory::{self, LicenseView};
use crate::app::{App, accounts};

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    rows: Vec<AccountRow>,
    pager: Pager,
}

struct AccountRow {
    domain: String,
    name: String,
    href: String,
}

#[derive(Template)]
#[template(path = "virtual_accounts.html", blocks = ["content"])]
struct VirtualAccountsPage {
    frame: Frame,
    account_name: String,
    domain: String,
    accounts_href: Option<String>,
    rows: Vec<VirtualAccountRow>,
}

struct VirtualAccountRow {
    key: String,
    name: String,
    description: String,
    is_default: bool,
    href: String,
    status: Chip,
}

/// `GET /portal`: the accounts, if there are several to choose from; else the virtual accounts; else the
/// one that there is.
pub(crate) async fn home(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let principal = signed_in.principal();
    let page = query.page();
    let found = accounts::list(&app, principal, None, part_of_list(page)).await?;
    if let ([only], 1) = (found.items.as_slice(), found.total) {
        let places = accounts::virtual_accounts(&app, principal, only.id).await?;
        let to = match places.as_slice() {
            [place] => format!("{}/{}", base_of(&only.domain, place.id), Tab::Licenses.segment()),
            _ => account_href(&only.domain),
        };
        return Ok(Redirect::to(&to).into_response());
    }
    let rows = found.items.into_iter().map(|account| AccountRow {
        href: account_href(&account.domain),
        domain: account.domain,
        name: account.name,
    });
    let pager = Pager::new(page, found.total, |page| with_query("/portal", &[("page", &page.to_string())]));
    show(&AccountsPage { frame: signed_in.visit.frame(), rows: rows.collect(), pager })
}

/// `GET /portal/{domain}`.
pub(crate) async fn show_account(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(domain): Path<String>,
) -> Result<Response, Problem> {
    let principal = signed_in.principal();
    let account = accounts::get(&app, principal, &domain).await?;
    let places = accounts::virtual_accounts(&app, principal, account.id).await?;
    let licenses = inventory::licenses(&app, principal, account.id, &[]).await?;
    let rows = places.into_iter().map(|place| {
        let own = |license: &&LicenseView| license.virtual_account.id == place.id;
        let own: Vec<_> = licenses.iter().filter(own).cloned().collect();
        VirtualAccountRow {
            key: place.id.to_string(),
            href: format!("{}/{}", base_of(&account.domain, place.id), Tab::Licenses.segment()),
            status: compliance(&own),
            name: place.name,
            description: place.description,
            is_default: place.is_default,
        }
    });
    let page = VirtualAccountsPage {
        frame: Frame { live: true, ..signed_in.visit.frame_in(Section::Inventory, principal, &account) },
        accounts_href: principal.is_operator().then(|| "/portal".to_owned()),
        rows: rows.collect(),
        account_name: account.name,
        domain: account.domain,
    };
    show_live(&signed_in.visit, &page, &page.as_content())
}
