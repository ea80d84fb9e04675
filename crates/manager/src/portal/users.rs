//! The users of a smart account, and what it demands of those who sign in.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use seatpool_domain::Refused;
use seatpool_store::{UserQuery, UserSort};

use super::csv;
use super::form::Field;
use super::frame::{Banner, Frame, Pager, part_of_list};
use super::guard::Posted;
use super::managed::{Managed, users_href};
use super::page::{ListQuery, show, show_once, show_with};
use super::part::{Chip, Tone, When};
use super::problem::Problem;
use super::roles::{RolesForm, words};
use super::sign_in::capitalised;
use super::table::{HeadCell, Sorting};
use crate::app::users::{self, LinkView, NewUser, SignInRulesChange, SignInRulesView, UserState, UserView};
use crate::app::{App, AppError};

/// Below an account's path.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(|Path(domain): Path<String>| async move { Redirect::to(&users_href(&domain)) }))
        .route("/users", get(show_users).post(invite))
        .route("/users/new", get(show_new))
        .route("/rules", post(change_rules))
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    frame: Frame,
    account_name: String,
    tabs: Vec<(String, &'static str, bool)>,
    new_href: String,
    action: String,
    search: String,
    sort: &'static str,
    order: &'static str,
    heads: Vec<HeadCell>,
    csv: String,
    rules_action: String,
    rules: Option<SignInRulesView>,
    /// The rules as they are, for who changes them.
    rules_seen: String,
    /// Why the rules were not changed, if it was tried.
    rules_problem: Option<Banner>,
    rows: Vec<UserRow>,
    pager: Pager,
}

struct UserRow {
    href: String,
    login: String,
    name: String,
    roles: String,
    state: Chip,
    factor: &'static str,
    created: When,
}

#[derive(Template)]
#[template(path = "user_new.html")]
struct NewUserPage {
    frame: Frame,
    up: String,
    login: Field,
    name: Field,
    roles: RolesForm,
}

#[derive(Template)]
#[template(path = "user_link.html")]
struct LinkPage {
    frame: Frame,
    up: String,
    login: String,
    link: String,
    expires: When,
}

/// Whether a user may sign in, in a word.
pub(super) fn state_chip(state: UserState) -> Chip {
    match state {
        UserState::Active => Chip::new(Tone::Good, "Active"),
        UserState::Invited => Chip::new(Tone::Note, "Invited"),
        UserState::LinkExpired => Chip::new(Tone::Warn, "Link expired"),
        UserState::Disabled => Chip::new(Tone::Plain, "Disabled"),
    }
}

fn factor_words(user: &UserView) -> &'static str {
    match (user.second_factor, user.single_sign_on) {
        (true, true) => "Second factor, single sign-on",
        (true, false) => "Second factor",
        (false, true) => "Single sign-on",
        (false, false) => "Password alone",
    }
}

/// `GET …/account/users`.
async fn show_users(
    State(app): State<App>,
    here: Managed,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let good = |title: &str| Some(Banner::new(Tone::Good, title, ""));
    let notice = match query.done.as_str() {
        "deleted" => good("The user is deleted"),
        "rules" => good("The rules are changed"),
        _ => None,
    };
    if query.wants_file() {
        let (app, principal, account) = (app.clone(), here.principal().clone(), here.account.id);
        let wanted = wanted(&query);
        return csv::streamed(&format!("users-{}", here.account.domain), &HEAD, move |page| {
            let (app, principal, wanted) = (app.clone(), principal.clone(), wanted.clone());
            async move {
                let found = users::list(&app, &principal, account, &wanted, page).await?;
                Ok(found.items.into_iter().map(cells).collect())
            }
        })
        .await;
    }
    show(&users_page(&app, &here, &query, notice, None).await?)
}

/// The list of users and the rules; with what somebody wants the rules to be, and why they are not, if that was tried.
async fn users_page(
    app: &App,
    here: &Managed,
    query: &ListQuery,
    notice: Option<Banner>,
    tried: Option<(SignInRulesView, Banner)>,
) -> Result<UsersPage, Problem> {
    let (principal, account) = (here.principal(), here.account.id);
    let rules = match users::rules(app, principal, account).await {
        Ok(rules) => Some(rules),
        Err(AppError::Forbidden { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (typed, rules_problem) = tried.unzip();
    let action = here.href("users");
    let sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    let href = |sort: &str, order: &str| query.href(&action, &[("sort", sort), ("order", order)]);
    let head = |name, word, down_first| sorting.head(name, word, down_first, href);
    let (number, wanted) = (query.page(), wanted(query));
    let found = users::list(app, principal, account, &wanted, part_of_list(number)).await?;
    let row = |user: UserView| UserRow {
        href: here.href(&format!("users/{}", user.id)),
        roles: words(&user.roles),
        state: state_chip(user.state),
        factor: factor_words(&user),
        created: When::day(user.created_at, app.now()),
        login: user.login,
        name: user.name,
    };
    Ok(UsersPage {
        frame: here.frame(notice),
        account_name: here.account.name.clone(),
        tabs: here.tabs("users"),
        new_href: here.href("users/new"),
        heads: vec![
            head("User", "user", false),
            head("Name", "name", false),
            HeadCell::plain("Roles"),
            HeadCell::plain("State"),
            HeadCell::plain("Signs in with"),
            head("Created", "created", true),
        ],
        csv: query.file_href(&action),
        rules_action: here.href("rules"),
        rules_seen: serde_json::to_string(&rules).unwrap_or_default(),
        rules: typed.or(rules),
        rules_problem,
        rows: found.items.into_iter().map(row).collect(),
        pager: Pager::new(number, found.total, |page| query.page_href(&action, page)),
        search: wanted.text.unwrap_or_default(),
        sort: sorting.by,
        order: sorting.order(),
        action,
    })
}

/// What users can be sorted by, and which way first: roles and state are worked out for each.
const SORTS: [(&str, bool); 3] = [("user", false), ("name", false), ("created", true)];

/// Which users a query asks for.
fn wanted(query: &ListQuery) -> UserQuery {
    let sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    let text = query.q.trim();
    UserQuery {
        text: (!text.is_empty()).then(|| text.to_owned()),
        sort: match sorting.by {
            "name" => UserSort::Name,
            "created" => UserSort::Created,
            _ => UserSort::Login,
        },
        descending: sorting.descending,
    }
}

/// Heads of the file.
const HEAD: [&str; 6] = ["user", "name", "roles", "state", "signs in with", "created"];

fn cells(user: UserView) -> csv::Row {
    let (roles, factor) = (words(&user.roles), factor_words(&user).to_owned());
    vec![user.login, user.name, roles, state_chip(user.state).text, factor, csv::instant(user.created_at)]
}

/// `POST …/account/rules`.
async fn change_rules(State(app): State<App>, here: Managed, form: Posted) -> Result<Response, Problem> {
    let ticked = |name: &str| form.text(name) == "yes";
    let rules = SignInRulesView {
        second_factor_required: ticked("second_factor_required"),
        password_grant: ticked("password_grant"),
    };
    let SignInRulesView { second_factor_required, password_grant } = rules;
    let seen = serde_json::from_str(form.raw("seen")).ok();
    let change = SignInRulesChange { second_factor_required, password_grant, seen };
    match users::change_rules(&app, here.principal(), here.account.id, change).await {
        Ok(_) => Ok(Redirect::to(&format!("{}?done=rules", here.href("users"))).into_response()),
        Err(AppError::Refused(refused @ Refused::ChangedMeanwhile { .. })) => {
            let said = format!(
                "{}. Nothing was changed by you. What you chose is kept: send it again to put it in its place.",
                capitalised(&refused.to_string())
            );
            let problem = Banner::new(Tone::Warn, "Somebody changed the rules meanwhile", said);
            let query = ListQuery::default();
            let page = users_page(&app, &here, &query, None, Some((rules, problem))).await?;
            show_with(StatusCode::CONFLICT, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET …/account/users/new`.
async fn show_new(State(app): State<App>, here: Managed) -> Result<Response, Problem> {
    let roles = here.no_roles(&app).await?;
    let (login, name) = (Field::default(), Field::default());
    show(&NewUserPage { frame: here.frame(None), up: here.href("users"), login, name, roles })
}

/// `POST …/account/users`.
async fn invite(State(app): State<App>, here: Managed, form: Posted) -> Result<Response, Problem> {
    let mut login = Field::of(form.text("login"));
    let mut name = Field::of(form.text("name"));
    let mut roles = here.typed_roles(&app, &form).await?;
    if login.value.is_empty() {
        login.refuse("Give the name that the person will sign in with");
    }
    if roles.roles().is_empty() {
        roles.field.refuse("Give at least one role: without one, nothing may be done");
    }
    if login.problem.is_none() && roles.field.problem.is_none() {
        let new = NewUser { login: login.value.clone(), name: name.value.clone(), roles: roles.roles() };
        match users::invite(&app, here.principal(), here.account.id, new).await {
            Ok(link) => return show_link(&here, link),
            Err(AppError::Refused(refused)) => {
                let said = capitalised(&refused.to_string());
                match refused {
                    Refused::Invalid { field: "name", .. } => name.refuse(said),
                    Refused::Invalid { field: "login", .. } | Refused::Exists { .. } => login.refuse(said),
                    _ => roles.field.refuse(said),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    let page = NewUserPage { frame: here.frame(None), up: here.href("users"), login, name, roles };
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// The page of a one-time link.
pub(super) fn show_link(here: &Managed, made: LinkView) -> Result<Response, Problem> {
    let up = here.href(&format!("users/{}", made.user.id));
    let page = LinkPage {
        frame: here.frame(None),
        up: up.clone(),
        login: made.user.login,
        link: made.link,
        expires: When::at(made.expires_at),
    };
    show_once(&page, up)
}
