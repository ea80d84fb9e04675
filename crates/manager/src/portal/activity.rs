//! Activity: the event log of the whole smart account.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use seatpool_store::EventQuery;

use super::events::{self, EventRow, Filter, Scope, event_row};
use super::frame::{Frame, Pager, part_of_list};
use super::page::{InAccount, ListQuery, show_live};
use super::problem::Problem;
use super::section::Section;
use super::table::HeadCell;
use crate::app::App;
use crate::app::access::{Permission, check};

#[derive(Template)]
#[template(path = "activity.html", blocks = ["content"])]
struct ActivityPage {
    frame: Frame,
    account_name: String,
    action: String,
    filter: Filter,
    events: Vec<EventRow>,
    time_head: HeadCell,
    csv: String,
    pager: Pager,
}

/// The routes below an account.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/activity", get(show_activity))
}

/// `GET /portal/{domain}/activity`.
async fn show_activity(
    State(app): State<App>,
    at: InAccount,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let (principal, account) = (&at.principal, at.account.id);
    check(principal, account, Permission::ReadAccount)?;
    let scope = Scope { app: &app, principal, account, virtual_account: None };
    let filter = Filter::read(&scope, &query).await?;
    let wanted: EventQuery = filter.query();
    if query.wants_file() && filter.is_readable() {
        return events::file(&app, principal, account, &format!("activity-{}", at.account.domain), wanted)
            .await;
    }
    let action = format!("{}/activity", at.base());
    let number = query.page();
    let now = app.now();
    let found = crate::app::events::list(&app, principal, account, wanted, part_of_list(number)).await?;
    let page = ActivityPage {
        frame: at.frame(Section::Activity, true, None),
        account_name: at.account.name.clone(),
        events: found.items.into_iter().map(|event| event_row(None, event, now)).collect(),
        time_head: events::time_head(&query, &action),
        csv: query.file_href(&action),
        pager: Pager::new(number, found.total, |page| query.page_href(&action, page)),
        filter,
        action,
    };
    show_live(&at.visit, &page, &page.as_content())
}
