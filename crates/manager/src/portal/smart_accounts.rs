//! The smart accounts of this manager, for the vendor's operators: the list, a new one, and changing one.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use seatpool_domain::command::Refused;

use super::accounts::listed;
use super::confirm::ConfirmPage;
use super::form::Field;
use super::frame::{Banner, Frame};
use super::guard::Posted;
use super::page::{InAccount, ListQuery, account_href, show, show_with};
use super::part::Tone;
use super::problem::Problem;
use super::section::Section;
use super::sign_in::capitalised;
use super::visit::SignedIn;
use crate::app::access::{Permission, Principal, check};
use crate::app::accounts::{AccountChange, AccountTermsView, NewAccount, NewAdministrator};
use crate::app::{App, AppError, accounts};

/// Path of the list.
pub(super) const HREF: &str = "/smart-accounts";

/// The routes beside the accounts.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/smart-accounts", get(show_list))
        .route("/smart-accounts/new", get(show_new).post(create))
}

/// The routes below an account.
pub(super) fn account_routes() -> Router<App> {
    Router::new().route("/smart-account", get(show_edit).post(edit))
}

/// Path of the page that changes an account.
pub(super) fn edit_href(domain: &str) -> String {
    format!("{}/smart-account", account_href(domain))
}

fn must_create(principal: &Principal) -> Result<(), Problem> {
    Ok(check(principal, principal.account, Permission::CreateAccounts)?)
}

/// `GET /smart-accounts`.
async fn show_list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    must_create(signed_in.principal())?;
    listed(&app, &signed_in, &query, HREF).await
}

#[derive(Template)]
#[template(path = "smart_account_form.html")]
struct FormPage {
    frame: Frame,
    /// Where it leads back to: path and words.
    up: (String, String),
    title: String,
    lead: &'static str,
    action: String,
    button: &'static str,
    problem: Option<Banner>,
    fields: Fields,
    /// What the page showed, of an account that exists: it may change before it is sent.
    was: Option<String>,
}

#[derive(Default)]
struct Fields {
    domain: Field,
    name: Field,
    export_permitted: bool,
    universal_permitted: bool,
    login: Field,
    password: Field,
}

impl Fields {
    fn typed(form: &Posted) -> Self {
        Self {
            domain: Field::of(form.text("domain")),
            name: Field::of(form.text("name")),
            export_permitted: form.text("export_permitted") == "yes",
            universal_permitted: form.text("universal_permitted") == "yes",
            login: Field::of(form.text("login")),
            password: Field::of(form.raw("password")),
        }
    }

    /// Puts a refusal beside the field that it is about; what is about none is told above.
    fn refuse(&mut self, refused: &Refused) -> Option<Banner> {
        let field = match refused {
            Refused::Invalid { field: "domain", .. } | Refused::Exists { what: "smart account", .. } => {
                &mut self.domain
            }
            Refused::Invalid { field: "name", .. } => &mut self.name,
            Refused::Invalid { field: "login", .. } | Refused::Exists { what: "user", .. } => &mut self.login,
            Refused::Invalid { field: "password", .. } => &mut self.password,
            other => {
                let text = format!("{}.", capitalised(&other.to_string()));
                return Some(Banner::new(Tone::Bad, "Nothing was changed", text));
            }
        };
        field.refuse(match refused {
            Refused::Invalid { problem, .. } => format!("It {problem}"),
            other => capitalised(&other.to_string()),
        });
        None
    }
}

fn new_page(signed_in: &SignedIn, fields: Fields, problem: Option<Banner>) -> FormPage {
    FormPage {
        frame: signed_in.visit.frame(),
        up: (HREF.into(), "Smart accounts".into()),
        title: "New smart account".into(),
        lead: "A smart account is one customer. It is made with the virtual account Default.",
        action: format!("{HREF}/new"),
        button: "Create smart account",
        problem,
        fields,
        was: None,
    }
}

/// `GET /smart-accounts/new`.
async fn show_new(signed_in: SignedIn) -> Result<Response, Problem> {
    must_create(signed_in.principal())?;
    show(&new_page(&signed_in, Fields::default(), None))
}

/// `POST /smart-accounts/new`.
async fn create(State(app): State<App>, signed_in: SignedIn, form: Posted) -> Result<Response, Problem> {
    must_create(signed_in.principal())?;
    let mut fields = Fields::typed(&form);
    if fields.domain.value.is_empty() {
        fields.domain.refuse("Type the customer's domain, as in example.com");
    }
    if fields.login.value.is_empty() && !fields.password.value.is_empty() {
        fields.login.refuse("Type whose first password this is, or leave both empty");
    }
    let mut problem = None;
    if fields.domain.problem.is_none() && fields.login.problem.is_none() {
        let administrator = (!fields.login.value.is_empty()).then(|| NewAdministrator {
            login: fields.login.value.clone(),
            password: fields.password.value.clone(),
            must_change: true,
        });
        let new = NewAccount {
            domain: fields.domain.value.clone(),
            name: Some(fields.name.value.clone()).filter(|name| !name.is_empty()),
            export_permitted: fields.export_permitted,
            universal_permitted: fields.universal_permitted,
            administrator,
        };
        match accounts::create(&app, signed_in.principal(), new).await {
            Ok(made) => {
                let to = format!("{}?done=opened", account_href(&made.domain));
                return Ok(Redirect::to(&to).into_response());
            }
            Err(AppError::Refused(refused)) => problem = fields.refuse(&refused),
            Err(error) => return Err(error.into()),
        }
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &new_page(&signed_in, fields, problem))
}

fn edit_page(at: &InAccount, fields: Fields, problem: Option<Banner>) -> FormPage {
    FormPage {
        frame: at.frame(Section::Inventory, false, None),
        up: (at.base(), at.account.name.clone()),
        title: format!("Edit {}", at.account.name),
        lead: "What is permitted no longer is not taken from those who have it: before anything is changed, a page says who that is.",
        action: edit_href(&at.account.domain),
        button: "Save",
        problem,
        fields,
        was: serde_json::to_string(&at.account.terms()).ok(),
    }
}

/// `GET /portal/{domain}/smart-account`.
async fn show_edit(at: InAccount) -> Result<Response, Problem> {
    must_create(&at.principal)?;
    let fields = Fields {
        name: Field::of(&at.account.name),
        export_permitted: at.account.export_permitted,
        universal_permitted: at.account.universal_permitted,
        ..Fields::default()
    };
    show(&edit_page(&at, fields, None))
}

/// `POST /portal/{domain}/smart-account`: what takes a permission away is asked for twice.
async fn edit(State(app): State<App>, at: InAccount, form: Posted) -> Result<Response, Problem> {
    must_create(&at.principal)?;
    let mut fields = Fields::typed(&form);
    let was: Option<AccountTermsView> = serde_json::from_str(form.raw("was")).ok();
    if let Some(problem) = changed_meanwhile(&at, was.as_ref()) {
        return show_with(StatusCode::CONFLICT, &edit_page(&at, fields, Some(problem)));
    }
    if fields.name.value.is_empty() {
        fields.name.refuse("Give it a name");
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &edit_page(&at, fields, None));
    }
    let change = AccountChange {
        name: Some(fields.name.value.clone()),
        export_permitted: Some(fields.export_permitted),
        universal_permitted: Some(fields.universal_permitted),
        seen: was,
    };
    let takes_away = (at.account.export_permitted && !fields.export_permitted)
        || (at.account.universal_permitted && !fields.universal_permitted);
    if takes_away && form.text("confirmed") != "yes" {
        return show(&confirmation(&app, &at, &change).await?);
    }
    match accounts::change(&app, &at.principal, at.account.id, change).await {
        Ok(_) => Ok(Redirect::to(&format!("{}?done=account", at.base())).into_response()),
        Err(AppError::Refused(refused)) => {
            let problem = fields.refuse(&refused);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &edit_page(&at, fields, problem))
        }
        Err(error) => Err(error.into()),
    }
}

async fn confirmation(app: &App, at: &InAccount, change: &AccountChange) -> Result<ConfirmPage, Problem> {
    let found = accounts::preview(app, &at.principal, at.account.id, change).await?;
    let ticked = |is: bool| if is { "yes" } else { "" }.to_owned();
    let href = edit_href(&at.account.domain);
    Ok(ConfirmPage {
        frame: at.frame(Section::Inventory, false, None),
        up: (at.base(), at.account.name.clone()),
        title: format!("Take permissions from {}?", at.account.name),
        question: "What is new from then on, and what becomes of what is out already:".into(),
        problem: None,
        consequences: found.consequences,
        choice: None,
        hidden: vec![
            ("name", found.after.name),
            ("export_permitted", ticked(found.after.export_permitted)),
            ("universal_permitted", ticked(found.after.universal_permitted)),
            ("was", serde_json::to_string(&found.before).unwrap_or_default()),
            ("confirmed", "yes".into()),
        ],
        action: href.clone(),
        button: "Save".into(),
        tone: "danger",
        cancel: href,
    })
}

/// What somebody else changed since the page was opened.
fn changed_meanwhile(at: &InAccount, was: Option<&AccountTermsView>) -> Option<Banner> {
    let (was, is) = (was?, at.account.terms());
    let permitted = |is: bool| if is { "permitted" } else { "not permitted" };
    let mut told = Vec::new();
    if was.name != is.name {
        told.push(format!("The name was “{}” when you opened the page and is “{}” now.", was.name, is.name));
    }
    for (what, was, is) in [
        ("Export-controlled functionality", was.export_permitted, is.export_permitted),
        ("Universal reservation", was.universal_permitted, is.universal_permitted),
    ] {
        if was != is {
            let (was, is) = (permitted(was), permitted(is));
            told.push(format!("{what} was {was} when you opened the page and is {is} now."));
        }
    }
    (!told.is_empty()).then(|| {
        let text = format!(
            "{} Nothing was changed. What you typed is kept: send it again to put it in its place.",
            told.join(" ")
        );
        Banner::new(Tone::Warn, "Somebody changed this smart account meanwhile", text)
    })
}
