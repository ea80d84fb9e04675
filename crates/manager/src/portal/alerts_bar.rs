//! The alerts of a virtual account above its tabs: how many there are, and the gravest of them unless the reader hid
//! them. Hiding is remembered by the browser.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Router;
use axum::response::{Redirect, Response};
use axum::routing::post;

use super::alerts::{AlertRow, alert_row, counts_words};
use super::guard::Posted;
use super::page::{Here, account_href, with_query};
use super::problem::Problem;
use super::sign_in::with_cookie;
use super::visit::own_path;
use crate::app::alerts::{self, AlertCounts};
use crate::app::{App, AppError};

/// What is to be seen of alerts in Inventory.
pub(crate) const ALERTS_COOKIE: &str = "seatpool-alerts";
/// The cookie's value where they are hidden.
pub(crate) const HIDDEN: &str = "hidden";
/// How many are listed; the others are a link away.
const LISTED: u32 = 3;

/// See the module.
#[derive(Template)]
#[template(path = "parts/alerts_bar.html")]
pub(crate) struct AlertsBar {
    csrf: String,
    form_id: String,
    /// Where the button leads back to.
    here: String,
    /// Path of all of them.
    href: String,
    counts: String,
    is_major: bool,
    /// None: hidden.
    rows: Option<Vec<AlertRow>>,
    /// How many are not listed.
    others: u64,
}
impl HtmlSafe for AlertsBar {}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/inventory-alerts", post(show_or_hide))
}

impl AlertsBar {
    /// The bar of a virtual account; none where there is nothing to say.
    pub(crate) async fn of(app: &App, here: &Here) -> Result<Option<Self>, AppError> {
        let shown = !here.visit.alerts_hidden;
        let most = if shown { LISTED } else { 0 };
        let (principal, account) = (&here.principal, here.account_id());
        let (counts, raised) = alerts::summary(app, principal, account, here.va.id, most).await?;
        if counts == AlertCounts::default() {
            return Ok(None);
        }
        let all = format!("{}/alerts", account_href(&here.account.domain));
        let doors = here.doors();
        Ok(Some(Self {
            csrf: here.visit.csrf().to_owned(),
            form_id: here.visit.form_id.clone(),
            here: here.visit.here.clone(),
            href: with_query(&all, &[("va", &here.va.id.to_string())]),
            counts: counts_words(&counts),
            is_major: counts.major > 0,
            others: (counts.major + counts.minor + counts.informational).saturating_sub(raised.len() as u64),
            rows: shown.then(|| raised.iter().map(|raised| alert_row(&doors, raised, app.now())).collect()),
        }))
    }

    fn has_others(&self) -> bool {
        self.others > 0
    }
}

/// `POST /inventory-alerts`.
async fn show_or_hide(form: Posted) -> Result<Response, Problem> {
    let word = if form.text("alerts") == HIDDEN { HIDDEN } else { "shown" };
    let cookie = format!("{ALERTS_COOKIE}={word}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
    with_cookie(&cookie, Redirect::to(own_path(form.text("back")).unwrap_or("/portal")))
}
