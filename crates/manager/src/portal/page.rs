//! Answering with a page; and the virtual account that a page is about.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{FromRequestParts, Path};
use axum::http::header::{ETAG, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use seatpool_proto::{AccountId, Sha256, VirtualAccountId};
use seatpool_store::{InstanceQuery, Page};
use serde::Deserialize;

use super::alerts_bar::AlertsBar;
use super::frame::{Banner, Frame, OtherPlace, Place, Tab, TabLink, Va};
use super::part::{Chip, Count, Tone};
use super::problem::Problem;
use super::section::Section;
use super::visit::{SignedIn, Visit, encode};
use crate::app::access::{self, Permission, Principal};
use crate::app::accounts::{self, AccountView, VirtualAccountView};
use crate::app::inventory::{self, LicenseView};
use crate::app::{App, AppError, instances};

/// A page as it is.
pub(crate) fn show(page: &impl Template) -> Result<Response, Problem> {
    show_with(StatusCode::OK, page)
}

/// A page with another status than 200.
pub(crate) fn show_with(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    let text = page.render().map_err(|error| Problem::not_drawn(&error))?;
    Ok((status, Html(text)).into_response())
}

/// A page that shows a secret: it is kept for who sends the same form again; later they are led to `next`.
#[derive(Clone)]
pub(crate) struct ShownOnce {
    pub(crate) page: String,
    pub(crate) next: String,
}

/// A page that shows a secret this once: sent again, its form shows the same and makes no other. `next` is where a
/// new one is made.
pub(crate) fn show_once(page: &impl Template, next: impl Into<String>) -> Result<Response, Problem> {
    let text = page.render().map_err(|error| Problem::not_drawn(&error))?;
    let once = ShownOnce { page: text.clone(), next: next.into() };
    let mut response = Html(text).into_response();
    response.extensions_mut().insert(once);
    Ok(response)
}

/// A page that the script keeps up to date: the whole of it to a browser, to the script what is in it now,
/// or that this has not changed.
pub(crate) fn show_live(
    visit: &Visit,
    page: &impl Template,
    content: &impl Template,
) -> Result<Response, Problem> {
    let mut response = if visit.live {
        let text = content.render().map_err(|error| Problem::not_drawn(&error))?;
        let tag =
            format!("\"{}\"", &Sha256::of(text.replace(&visit.form_id, "").as_bytes()).to_string()[..32]);
        let mut response = if visit.shown.as_ref() == Some(&tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Html(text).into_response()
        };
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    } else {
        show(page)?
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("cookie, seatpool-live"));
    Ok(response)
}

/// What every list's query may hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ListQuery {
    /// Text to search for.
    pub(crate) q: String,
    pub(crate) kind: String,
    /// How tokens stand.
    pub(crate) status: String,
    pub(crate) instance: String,
    pub(crate) license: String,
    /// Of which product type.
    #[serde(rename = "type")]
    pub(crate) product_type: String,
    pub(crate) user: String,
    /// First and last day.
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) sort: String,
    pub(crate) order: String,
    pub(crate) page: String,
    /// What a form before this page did.
    pub(crate) done: String,
    /// `csv` for a file.
    pub(crate) format: String,
}

impl ListQuery {
    /// Which page, from 1; what is no number is the first.
    pub(crate) fn page(&self) -> u64 {
        self.page.parse().unwrap_or(1).max(1)
    }

    /// Whether the list is wanted as a file.
    pub(crate) fn wants_file(&self) -> bool {
        self.format == "csv"
    }

    /// The same list at `path` with some of its query changed; it starts at its first page unless that is changed.
    pub(crate) fn href(&self, path: &str, changes: &[(&str, &str)]) -> String {
        let kept = [
            ("q", self.q.trim()),
            ("kind", &self.kind),
            ("status", &self.status),
            ("instance", &self.instance),
            ("license", &self.license),
            ("type", &self.product_type),
            ("user", &self.user),
            ("since", &self.since),
            ("until", &self.until),
            ("sort", &self.sort),
            ("order", &self.order),
        ];
        let is_kept = |(name, _): &(&str, &str)| changes.iter().all(|(changed, _)| changed != name);
        let pairs: Vec<_> = kept.into_iter().filter(is_kept).chain(changes.iter().copied()).collect();
        with_query(path, &pairs)
    }

    /// Another page of the list.
    pub(crate) fn page_href(&self, path: &str, page: u64) -> String {
        self.href(path, &[("page", &page.to_string())])
    }

    /// The whole list as a file.
    pub(crate) fn file_href(&self, path: &str) -> String {
        self.href(path, &[("format", "csv")])
    }
}

/// A path with a query of those pairs whose value is not empty.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={}", encode(value)))
        .collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// Path of an account's page.
pub(crate) fn account_href(domain: &str) -> String {
    format!("/portal/{}", encode(domain))
}

/// Path of a virtual account's pages, without a slash at its end.
pub(crate) fn base_of(domain: &str, virtual_account: VirtualAccountId) -> String {
    format!("{}/va/{virtual_account}", account_href(domain))
}

/// Whether what a virtual account uses is owned, in a word or two.
pub(crate) fn compliance_of(has_licenses: bool, short: u64) -> Chip {
    match short {
        0 if !has_licenses => Chip::new(Tone::Plain, "No licenses yet"),
        0 => Chip::new(Tone::Good, "In Compliance"),
        1 => Chip::new(Tone::Bad, "1 license short"),
        n => Chip::new(Tone::Bad, format!("{n} licenses short")),
    }
}

/// Where what can be done in a virtual account is done, and what of it somebody may do.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    /// Path of the account's pages.
    pub(crate) account: String,
    /// Path of the virtual account's pages.
    pub(crate) base: String,
    pub(crate) place: VirtualAccountId,
    /// Whether they manage the virtual account.
    pub(crate) manages: bool,
    /// Whether they may order, renew and decide about declarations.
    pub(crate) deposits: bool,
}

/// How many virtual accounts the chooser lists; the others are found by its search.
const PLACES_SHOWN: usize = 12;

/// A virtual account that the person who is signed in may read. One that they may not read, and one that
/// does not exist, both end in the same page.
pub(crate) struct Here {
    pub(crate) visit: Visit,
    pub(crate) principal: Principal,
    pub(crate) account: AccountView,
    pub(crate) va: VirtualAccountView,
    /// All that they may read.
    pub(crate) all: Vec<VirtualAccountView>,
    /// Whether they manage it.
    pub(crate) manages: bool,
    /// Path of its pages.
    pub(crate) base: String,
    path: BTreeMap<String, String>,
}

impl FromRequestParts<App> for Here {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, app).await;
        let path = path.map_err(|_| Problem::not_found().into_response())?.0;
        Self::find(app, signed_in, path).await.map_err(|error| Problem::from(error).into_response())
    }
}

impl Here {
    async fn find(app: &App, signed_in: SignedIn, path: BTreeMap<String, String>) -> Result<Self, AppError> {
        let text = |name: &str| path.get(name).map_or("", String::as_str);
        let principal = signed_in.principal().clone();
        let account = accounts::get(app, &principal, text("domain")).await?;
        let all = accounts::virtual_accounts(app, &principal, account.id).await?;
        let id: Option<VirtualAccountId> = text("va").parse().ok();
        let va = all.iter().find(|va| Some(va.id) == id).cloned();
        let va = va.ok_or_else(|| access::unknown("virtual account"))?;
        let manages = access::allows(&principal, account.id, Permission::ManageVirtualAccount(va.id));
        let base = base_of(&account.domain, va.id);
        Ok(Self { visit: signed_in.visit, principal, account, va, all, manages, base, path })
    }

    /// A segment of the path that is an id; any other text names nothing.
    pub(crate) fn id<T: std::str::FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.path.get(name).and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// The smart account's id.
    pub(crate) fn account_id(&self) -> AccountId {
        self.account.id
    }

    /// Refuses who does not manage the virtual account.
    pub(crate) fn must_manage(&self) -> Result<(), Problem> {
        Ok(access::check(&self.principal, self.account.id, Permission::ManageVirtualAccount(self.va.id))?)
    }

    /// The frame of a page.
    pub(crate) fn frame(&self, live: bool, notice: Option<Banner>) -> Frame {
        let segment =
            Tab::ALL.into_iter().find(|tab| self.visit.here.contains(&format!("/{}", tab.segment())));
        let segment = segment.unwrap_or(Tab::General).segment();
        let other = |va: &VirtualAccountView| OtherPlace {
            name: va.name.clone(),
            href: format!("{}/{segment}", base_of(&self.account.domain, va.id)),
            is_default: va.is_default,
            current: va.id == self.va.id,
        };
        let mut nearest: Vec<_> = self.all.iter().collect();
        nearest.sort_by_key(|va| (!va.is_default, va.id != self.va.id, va.name.to_lowercase()));
        Frame {
            live,
            notice,
            place: Some(Place {
                name: self.va.name.clone(),
                others: nearest.into_iter().take(PLACES_SHOWN).map(other).collect(),
                total: Count(self.all.len() as u64),
            }),
            ..self.visit.frame_in(Section::Inventory, &self.principal, &self.account)
        }
    }

    /// Its licences, without their lots.
    pub(crate) async fn licenses(&self, app: &App) -> Result<Vec<LicenseView>, Problem> {
        Ok(inventory::balances(app, &self.principal, self.account.id, &[self.va.id]).await?)
    }

    /// The head of a page without tabs.
    pub(crate) fn plain_head(&self) -> Va {
        Va {
            base: self.base.clone(),
            name: self.va.name.clone(),
            description: self.va.description.clone(),
            is_default: self.va.is_default,
            status: Chip::new(Tone::Plain, ""),
            alerts: None,
            tabs: Vec::new(),
        }
    }

    /// What they may do here.
    pub(crate) fn doors(&self) -> Doors {
        Doors {
            account: account_href(&self.account.domain),
            base: self.base.clone(),
            place: self.va.id,
            manages: self.manages,
            deposits: access::allows(&self.principal, self.account.id, Permission::Deposit),
        }
    }

    /// The head of a tab's page.
    pub(crate) async fn head(&self, app: &App, tab: Tab) -> Result<Va, Problem> {
        let account = self.account.id;
        let query = InstanceQuery { virtual_accounts: Some(vec![self.va.id]), ..InstanceQuery::default() };
        let page = Page { limit: 1, offset: 0 };
        let instances = instances::list(app, &self.principal, account, query, page).await?.total;
        let (licenses, short) = inventory::standing(app, &self.principal, account, self.va.id).await?;
        let tabs = Tab::ALL.into_iter().map(|each| TabLink {
            name: each.name(),
            href: format!("{}/{}", self.base, each.segment()),
            current: each == tab,
            count: match each {
                Tab::Licenses => Some(Count(licenses)),
                Tab::Instances => Some(Count(instances)),
                Tab::General | Tab::Events => None,
            },
        });
        Ok(Va {
            status: compliance_of(licenses > 0, short),
            alerts: AlertsBar::of(app, self).await?,
            tabs: tabs.collect(),
            ..self.plain_head()
        })
    }
}

/// A smart account that the person who is signed in may see, for pages of the whole account.
pub(crate) struct InAccount {
    pub(crate) visit: Visit,
    pub(crate) principal: Principal,
    pub(crate) account: AccountView,
    path: BTreeMap<String, String>,
}

impl FromRequestParts<App> for InAccount {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, app).await?;
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, app).await;
        let path = path.map_err(|_| Problem::not_found().into_response())?.0;
        let principal = signed_in.principal().clone();
        let account = accounts::get(app, &principal, path.get("domain").map_or("", String::as_str)).await;
        let account = account.map_err(|error| Problem::from(error).into_response())?;
        Ok(Self { visit: signed_in.visit, principal, account, path })
    }
}

impl InAccount {
    /// A segment of the path that is an id; any other text names nothing.
    pub(crate) fn id<T: std::str::FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.path.get(name).and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// What they may do in a virtual account.
    pub(crate) fn doors(&self, place: VirtualAccountId) -> Doors {
        let allows = |permission| access::allows(&self.principal, self.account.id, permission);
        Doors {
            account: self.base(),
            base: base_of(&self.account.domain, place),
            place,
            manages: allows(Permission::ManageVirtualAccount(place)),
            deposits: allows(Permission::Deposit),
        }
    }

    /// Path of the account's page; its sections are below it.
    pub(crate) fn base(&self) -> String {
        account_href(&self.account.domain)
    }

    /// The frame of a page.
    pub(crate) fn frame(&self, section: Section, live: bool, notice: Option<Banner>) -> Frame {
        Frame { live, notice, ..self.visit.frame_in(section, &self.principal, &self.account) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_what_is_not_empty() {
        assert_eq!(with_query("/x", &[("q", ""), ("page", "")]), "/x");
        assert_eq!(with_query("/x", &[("q", "a&b"), ("page", "2")]), "/x?q=a%26b&page=2");
    }

    #[test]
    fn a_page_that_is_no_number_is_the_first() {
        for (text, page) in [("", 1), ("0", 1), ("-3", 1), ("x", 1), ("7", 7)] {
            assert_eq!(ListQuery { page: text.into(), ..ListQuery::default() }.page(), page);
        }
    }
}
