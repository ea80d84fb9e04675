//! The portal: pages made by the server over [`crate::app`], for people with a browser.
//!
//! It owns HTML, cookies, sessions' presentation and what browsers are told about security. It decides
//! nothing, and everything that it can do, the REST API can. Pages work without the script; the script only
//! keeps them up to date. No page loads anything from another host, and none holds inline script or style.
//!
//! | module | owns |
//! |---|---|
//! | `guard` | headers of every answer; the check of every form |
//! | `sent` | the fields of a form, read once |
//! | `resume` (with `fill`) | a form whose session had ended is shown again as it was typed |
//! | `visit` | cookies, session, where to come back to |
//! | `section` | the primary navigation |
//! | `zone` | the time zone that times are shown in |
//! | `frame`, `part`, `form`, `table`, `confirm`, `page` | what pages are put together from |
//! | `sign_in`, `accounts`, `general`, `licenses`, `license` (with `license_lists`), `instances`, `events`, `alerts` | one kind of page each |
//! | `smart_accounts` | the vendor's customers: the list, a new one, what one is permitted |
//! | `alerts_bar` | the alerts above the tabs of a virtual account |
//! | `explained` | the panel that explains, and carrying out what it proposes |
//! | `reports` (with `chart`), `lots`, `steps` (with `step`) | usage over time; lots; orders, renewals, cancellations, declarations |
//! | `reservation` (with `upload`) | licences of products that are never in contact: the wizard, codes, rehosting |
//! | `sign_in_steps`, `new_password`, `enrolment`, `single_sign_on`, `security`, `users`, `user`, `clients` (with `managed`, `roles`) | signing in, one's own security, the account's people and programs |
//! | `assets` | style sheet, script, icon, font |

mod accounts;
mod activity;
mod alerts;
mod alerts_bar;
mod assets;
mod chart;
mod clients;
mod confirm;
mod enrolment;
mod events;
mod explained;
mod fill;
mod form;
mod frame;
mod general;
mod guard;
mod instances;
mod license;
mod license_lists;
mod licenses;
mod lots;
mod managed;
mod new_password;
mod page;
mod part;
mod preferences;
mod preview;
mod problem;
mod reports;
mod reservation;
mod resume;
mod roles;
mod section;
mod security;
mod selected;
mod sent;
mod sign_in;
mod sign_in_steps;
mod single_sign_on;
mod smart_accounts;
mod step;
mod steps;
mod table;
mod transfer;
mod upload;
mod user;
mod users;
mod virtual_accounts;
mod visit;
mod zone;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::app::App;
use crate::csv;
use problem::Problem;
use visit::SignedIn;

/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// The routes.
pub fn router(app: App) -> Router<App> {
    let va = Router::new()
        .route("/general", get(general::show_general))
        .route("/tokens", post(general::create_token))
        .route("/tokens/new", get(general::new_token))
        .route("/tokens/{token}", get(general::show_token))
        .route("/tokens/{token}/revoke", get(general::confirm_revoke).post(general::revoke))
        .route("/licenses", get(licenses::show_licenses))
        .merge(license::routes())
        .merge(license_lists::routes())
        .merge(transfer::routes())
        .merge(explained::routes())
        .merge(selected::routes())
        .merge(reservation::routes())
        .merge(virtual_accounts::routes())
        .route("/instances", get(instances::show_instances))
        .route("/instances/{instance}", get(instances::show_instance))
        .route("/events", get(events::show_events));
    let portal = Router::new()
        .route("/", get(accounts::home))
        .route("/{domain}", get(accounts::show_account))
        .nest(
            "/{domain}",
            activity::routes()
                .merge(alerts::routes())
                .merge(reservation::account_routes())
                .merge(virtual_accounts::account_routes())
                .merge(smart_accounts::account_routes())
                .merge(reports::routes())
                .merge(lots::routes())
                .merge(steps::routes()),
        )
        .nest("/{domain}/va/{va}", va)
        .nest("/{domain}/account", users::routes().merge(user::routes()).merge(clients::routes()))
        .fallback(|_: SignedIn| async { Problem::not_found() });
    Router::new()
        .route("/", get(|| async { Redirect::to("/portal") }))
        .route("/sign-in", get(sign_in::show_sign_in).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .merge(sign_in_steps::routes())
        .merge(new_password::routes())
        .merge(enrolment::routes())
        .merge(single_sign_on::routes())
        .merge(security::routes())
        .route("/appearance", post(sign_in::change_appearance))
        .merge(preferences::routes())
        .merge(smart_accounts::routes())
        .merge(alerts_bar::routes())
        .nest("/portal", portal)
        .route("/portal/", get(|| async { Redirect::to("/portal") }))
        .route("/static/{name}", get(assets::get))
        .method_not_allowed_fallback(|_: visit::Visit| async { Problem::no_page() })
        .layer(from_fn_with_state(app, guard::around))
}
