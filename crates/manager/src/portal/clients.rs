//! The OAuth2 clients of a smart account.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use seatpool_domain::access::OauthScope;

use super::confirm::ConfirmPage;
use super::csv;
use super::form::Field;
use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::managed::Managed;
use super::page::{ListQuery, show, show_once, show_with};
use super::part::{Tone, When};
use super::problem::Problem;
use super::roles::{RolesForm, words};
use super::sign_in::capitalised;
use crate::app::clients::{self, ClientView, NewClient, NewClientView, OVERLAP_HOURS_DEFAULT};
use crate::app::{App, AppError};

/// Below an account's path.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/clients", get(show_clients).post(create))
        .route("/clients/new", get(show_new))
        .route("/clients/{client}/rotate", get(confirm_rotate).post(rotate))
        .route("/clients/{client}/delete", get(confirm_delete).post(delete))
}

#[derive(Template)]
#[template(path = "clients.html")]
struct ClientsPage {
    frame: Frame,
    account_name: String,
    tabs: Vec<(String, &'static str, bool)>,
    new_href: String,
    csv: String,
    rows: Vec<ClientRow>,
}

struct ClientRow {
    href: String,
    id: String,
    name: String,
    roles: String,
    scopes: String,
    created: When,
    overlap: Option<When>,
}

#[derive(Template)]
#[template(path = "client_new.html")]
struct NewClientPage {
    frame: Frame,
    up: String,
    name: Field,
    scopes: Vec<ScopeBox>,
    scopes_field: Field,
    roles: RolesForm,
}

struct ScopeBox {
    id: String,
    words: &'static str,
    hint: &'static str,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "client_secret.html")]
struct SecretPage {
    frame: Frame,
    up: String,
    client: ClientView,
    secret: String,
    url: String,
    overlap: Option<When>,
}

fn scope_words(scope: OauthScope) -> (&'static str, &'static str) {
    match scope {
        OauthScope::Read => ("read", "Read what the roles read; every other scope includes it."),
        OauthScope::Inventory => {
            ("inventory", "Move licenses and product instances; remove product instances.")
        }
        OauthScope::Tokens => ("tokens", "See, create and revoke registration tokens."),
        OauthScope::Orders => ("orders", "Deposit orders, where a role allows it."),
        OauthScope::Admin => ("admin", "Virtual accounts, users and clients."),
    }
}

fn boxes(ticked: impl Fn(OauthScope) -> bool) -> Vec<ScopeBox> {
    let one = |scope: OauthScope| {
        let (words, hint) = scope_words(scope);
        ScopeBox { id: format!("scope-{words}"), words, hint, ticked: ticked(scope) }
    };
    OauthScope::ALL.into_iter().map(one).collect()
}

/// `GET …/account/clients`.
async fn show_clients(
    State(app): State<App>,
    here: Managed,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let notice = (query.done == "deleted")
        .then(|| Banner::new(Tone::Good, "The client is deleted", "Its access tokens have ended."));
    let rows = clients::list(&app, here.principal(), here.account.id).await?;
    if query.wants_file() {
        let name = format!("clients-{}", here.account.domain);
        return Ok(csv::whole(&name, &HEAD, rows.into_iter().map(cells)));
    }
    let row = |client: ClientView| ClientRow {
        href: here.href(&format!("clients/{}", client.client_id)),
        roles: words(&client.roles),
        scopes: scopes_line(&client),
        id: client.client_id,
        name: client.name,
        created: When::at(client.created_at),
        overlap: client.previous_secret_until.map(When::at),
    };
    show(&ClientsPage {
        frame: here.frame(notice),
        account_name: here.account.name.clone(),
        tabs: here.tabs("clients"),
        new_href: here.href("clients/new"),
        csv: query.file_href(&here.href("clients")),
        rows: rows.into_iter().map(row).collect(),
    })
}

fn scopes_line(client: &ClientView) -> String {
    client.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

/// Heads of the file, which holds no secret.
const HEAD: [&str; 6] = ["client", "client id", "roles", "scopes", "created", "earlier secret taken until"];

fn cells(client: ClientView) -> csv::Row {
    let scopes = scopes_line(&client);
    vec![
        client.name,
        client.client_id,
        words(&client.roles),
        scopes,
        csv::instant(client.created_at),
        client.previous_secret_until.map_or_else(String::new, csv::instant),
    ]
}

/// `GET …/account/clients/new`.
async fn show_new(State(app): State<App>, here: Managed) -> Result<Response, Problem> {
    here.must_manage_account()?;
    show(&NewClientPage {
        frame: here.frame(None),
        up: here.href("clients"),
        name: Field::default(),
        scopes: boxes(|scope| scope == OauthScope::Read),
        scopes_field: Field::default(),
        roles: here.no_roles(&app).await?,
    })
}

/// `POST …/account/clients`.
async fn create(State(app): State<App>, here: Managed, form: Posted) -> Result<Response, Problem> {
    here.must_manage_account()?;
    let mut name = Field::of(form.text("name"));
    let mut roles = here.typed_roles(&app, &form).await?;
    let mut scopes_field = Field::default();
    let is_ticked = |scope: OauthScope| form.text(&format!("scope-{}", scope.as_str())) == "yes";
    let scopes: Vec<_> = OauthScope::ALL.into_iter().filter(|scope| is_ticked(*scope)).collect();
    if name.value.is_empty() {
        name.refuse("Say what the client is for, as in “Nightly report”");
    }
    if scopes.is_empty() {
        scopes_field.refuse("Choose at least one scope");
    }
    if roles.roles().is_empty() {
        roles.field.refuse("Give at least one role: without one, nothing may be done");
    }
    if [&name, &scopes_field, &roles.field].iter().all(|field| field.problem.is_none()) {
        let new = NewClient { name: name.value.clone(), roles: roles.roles(), scopes: Some(scopes) };
        match clients::create(&app, here.principal(), here.account.id, new).await {
            Ok(made) => return show_secret(&app, &here, made),
            Err(AppError::Refused(refused)) => {
                let said = capitalised(&refused.to_string());
                match refused {
                    seatpool_domain::Refused::Invalid { field: "name", .. } => name.refuse(said),
                    _ => roles.field.refuse(said),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    let page = NewClientPage {
        frame: here.frame(None),
        up: here.href("clients"),
        name,
        scopes: boxes(is_ticked),
        scopes_field,
        roles,
    };
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

fn show_secret(app: &App, here: &Managed, made: NewClientView) -> Result<Response, Problem> {
    let page = SecretPage {
        frame: here.frame(None),
        up: here.href("clients"),
        overlap: made.client.previous_secret_until.map(When::at),
        client: made.client,
        secret: made.client_secret,
        url: format!("{}/oauth/token", app.config().public_url),
    };
    show_once(&page, here.href("clients"))
}

async fn confirmation(
    app: &App,
    here: &Managed,
    title: &str,
    question: &str,
    consequences: &[&str],
) -> Result<ConfirmPage, Problem> {
    let client = clients::get(app, here.principal(), here.account.id, here.segment("client")).await?;
    Ok(ConfirmPage {
        frame: here.frame(None),
        up: (here.href("clients"), client.name.clone()),
        title: title.to_owned(),
        question: format!("{}: {question}", client.name),
        problem: None,
        consequences: consequences.iter().map(|line| (*line).to_owned()).collect(),
        choice: None,
        hidden: Vec::new(),
        action: here.signed_in.visit.here.clone(),
        button: title.to_owned(),
        tone: "danger",
        cancel: here.href("clients"),
    })
}

/// `GET …/account/clients/{client}/rotate`.
async fn confirm_rotate(State(app): State<App>, here: Managed) -> Result<Response, Problem> {
    let consequences = [
        "The new secret is shown once.",
        "The present secret is taken for 24 hours more, so that the program can be changed over.",
    ];
    let mut page = confirmation(&app, &here, "New secret", "what this does", &consequences).await?;
    page.tone = "primary";
    show(&page)
}

/// `POST …/account/clients/{client}/rotate`.
async fn rotate(State(app): State<App>, here: Managed, _form: Posted) -> Result<Response, Problem> {
    let client = here.segment("client");
    let made =
        clients::rotate(&app, here.principal(), here.account.id, client, OVERLAP_HOURS_DEFAULT).await?;
    show_secret(&app, &here, made)
}

/// `GET …/account/clients/{client}/delete`.
async fn confirm_delete(State(app): State<App>, here: Managed) -> Result<Response, Problem> {
    let consequences = [
        "Its access tokens end at once, and no new one is granted.",
        "What it did stays in the event log, under the same name.",
    ];
    show(&confirmation(&app, &here, "Delete", "what this does", &consequences).await?)
}

/// `POST …/account/clients/{client}/delete`.
async fn delete(State(app): State<App>, here: Managed, _form: Posted) -> Result<Response, Problem> {
    clients::delete(&app, here.principal(), here.account.id, here.segment("client")).await?;
    Ok(Redirect::to(&format!("{}?done=deleted", here.href("clients"))).into_response())
}
