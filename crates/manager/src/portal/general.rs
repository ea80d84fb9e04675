//! The General tab, and registration tokens.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use seatpool_domain::command::Refused;
use seatpool_domain::token::{EXPIRES_AFTER_DAYS_DEFAULT, EXPIRES_AFTER_DAYS_MAX, EXPIRES_AFTER_DAYS_MIN};
use seatpool_proto::TokenId;
use seatpool_store::TokenSort;

use super::confirm::ConfirmPage;
use super::csv;
use super::form::Field;
use super::frame::{Banner, Frame, Pager, Tab, Va, part_of_list};
use super::guard::Posted;
use super::page::{Here, ListQuery, show, show_live, show_with};
use super::part::{Chip, Icon, Tone, When};
use super::problem::Problem;
use super::sign_in::capitalised;
use super::table::{ChoiceOption, HeadCell, Sorting};
use crate::app::access::{self, Permission};
use crate::app::tokens::{self, NewToken, TokenFilter, TokenStatus, TokenView};
use crate::app::{App, AppError};

#[derive(Template)]
#[template(path = "general.html", blocks = ["content"])]
struct GeneralPage {
    frame: Frame,
    va: Va,
    /// None: this person may not see tokens.
    tokens: Option<TokenList>,
    account_name: String,
    domain: String,
    export_permitted: bool,
    created: When,
    may_edit: bool,
}

/// The tokens of the virtual account, as far as they are asked for.
struct TokenList {
    action: String,
    search: String,
    status: Field,
    statuses: Vec<ChoiceOption>,
    sort: &'static str,
    order: &'static str,
    /// Whether anything is left out.
    filtered: bool,
    heads: Vec<HeadCell>,
    rows: Vec<TokenRow>,
    csv: String,
    pager: Pager,
}

struct TokenRow {
    key: String,
    description: String,
    created: When,
    created_by: String,
    status: Chip,
    usable: bool,
    uses: u32,
    uses_max: Option<u32>,
    expires: When,
    export_controlled: bool,
}

#[derive(Template)]
#[template(path = "token_new.html")]
struct NewTokenPage {
    frame: Frame,
    va: Va,
    description: Field,
    days: Field,
    days_hint: String,
    uses: Field,
    export_permitted: bool,
    export: bool,
    problem: Option<Banner>,
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage {
    frame: Frame,
    va: Va,
    token: TokenRow,
    text: String,
    url: String,
}

/// `GET …/general`.
pub(crate) async fn show_general(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let tokens = match here.manages {
        true if query.wants_file() => {
            // Of a status that there is none of, no file is made.
            let known = query.status.is_empty() || TokenStatus::parse(&query.status).is_some();
            return if known { file(&app, &here, filter(&query)).await } else { Err(Problem::not_found()) };
        }
        true => Some(token_list(&app, &here, &query, now).await?),
        false => None,
    };
    let notice = match query.done.as_str() {
        "revoked" => Some((
            "The token is revoked",
            "Nothing can register with it any more. Product instances that did stay registered.",
        )),
        "created" => Some((
            "The virtual account is created",
            "Create a token, so that product instances can register into it, and move or order licenses.",
        )),
        "changed" => Some(("The virtual account is changed", "The event log records what it was before.")),
        _ => None,
    };
    let notice = notice.map(|(title, text)| Banner::new(Tone::Good, title, text));
    let page = GeneralPage {
        frame: here.frame(true, notice),
        va: here.head(&app, Tab::General).await?,
        tokens,
        account_name: here.account.name.clone(),
        domain: here.account.domain.clone(),
        export_permitted: here.account.export_permitted,
        created: When::since(here.va.created_at, now),
        may_edit: access::allows(&here.principal, here.account_id(), Permission::ManageAccount),
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// What tokens can be sorted by, and which way first: uses and status change without a word, and are in no index.
const SORTS: [(&str, bool); 3] = [("created", true), ("token", false), ("expires", false)];

/// Which tokens a query asks for.
fn filter(query: &ListQuery) -> TokenFilter {
    let sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    TokenFilter {
        text: query.q.trim().to_owned(),
        status: TokenStatus::parse(&query.status),
        sort: match sorting.by {
            "token" => TokenSort::Description,
            "expires" => TokenSort::Expires,
            _ => TokenSort::Created,
        },
        descending: sorting.descending,
    }
}

async fn token_list(app: &App, here: &Here, query: &ListQuery, now: Timestamp) -> Result<TokenList, Problem> {
    let action = format!("{}/general", here.base);
    let sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    let filter = filter(query);
    let number = query.page();
    let part = part_of_list(number);
    let found = tokens::list(app, &here.principal, here.account_id(), here.va.id, &filter, part).await?;
    let href = |sort: &str, order: &str| query.href(&action, &[("sort", sort), ("order", order)]);
    let head = |name, word, down_first| sorting.head(name, word, down_first, href);
    let statuses = TokenStatus::ALL.into_iter().map(|each| ChoiceOption::new(each.word(), status(each).1));
    Ok(TokenList {
        heads: vec![
            head("Token", "token", false),
            HeadCell::plain("Status"),
            HeadCell::plain("Uses").number(),
            head("Expires", "expires", false),
            head("Created", "created", true),
        ],
        rows: found.items.into_iter().map(|token| row(token, now)).collect(),
        filtered: !filter.text.is_empty() || filter.status.is_some(),
        csv: query.file_href(&action),
        pager: Pager::new(number, found.total, |page| query.page_href(&action, page))?,
        status: Field::of(filter.status.map_or("", TokenStatus::word)),
        statuses: statuses.collect(),
        search: filter.text,
        sort: sorting.by,
        order: sorting.order(),
        action,
    })
}

/// The tokens as a file.
async fn file(app: &App, here: &Here, filter: TokenFilter) -> Result<Response, Problem> {
    let (app, principal) = (app.clone(), here.principal.clone());
    let (account, place) = (here.account_id(), here.va.id);
    csv::streamed(&format!("tokens-{}", here.va.name), &HEAD, move |page| {
        let (app, principal, filter) = (app.clone(), principal.clone(), filter.clone());
        async move {
            let found = tokens::list(&app, &principal, account, place, &filter, page).await?;
            Ok::<_, Problem>(found.items.into_iter().map(cells).collect())
        }
    })
    .await
}

/// Heads of the file, which holds no token's text.
const HEAD: [&str; 8] =
    ["description", "status", "uses", "most uses", "expires", "export-controlled", "created", "created by"];

fn cells(token: TokenView) -> csv::Row {
    vec![
        token.description,
        status(token.status).1.to_owned(),
        token.uses.to_string(),
        token.uses_max.map_or_else(String::new, |most| most.to_string()),
        csv::instant(token.expires_at),
        if token.export_controlled { "allowed" } else { "not allowed" }.to_owned(),
        csv::instant(token.created_at),
        token.created_by,
    ]
}

fn status(status: TokenStatus) -> (Tone, &'static str) {
    match status {
        TokenStatus::Active => (Tone::Good, "Active"),
        TokenStatus::Exhausted => (Tone::Plain, "Used up"),
        TokenStatus::Expired => (Tone::Plain, "Expired"),
        TokenStatus::Revoked => (Tone::Plain, "Revoked"),
    }
}

fn row(token: TokenView, now: Timestamp) -> TokenRow {
    let (tone, word) = status(token.status);
    TokenRow {
        key: token.id.to_string(),
        description: if token.description.is_empty() { "No description".into() } else { token.description },
        created: When::day(token.created_at, now),
        created_by: token.created_by,
        status: Chip::new(tone, word),
        usable: token.status == TokenStatus::Active,
        uses: token.uses,
        uses_max: token.uses_max,
        expires: When::day(token.expires_at, now),
        export_controlled: token.export_controlled,
    }
}

/// `GET …/tokens/new`.
pub(crate) async fn new_token(here: Here) -> Result<Response, Problem> {
    here.must_manage()?;
    show(&new_token_page(&here, &Typed::default()))
}

/// The form as it was typed.
struct Typed {
    description: Field,
    days: Field,
    uses: Field,
    export: bool,
    problem: Option<Banner>,
}

impl Default for Typed {
    fn default() -> Self {
        Self {
            description: Field::default(),
            days: Field::of(EXPIRES_AFTER_DAYS_DEFAULT.to_string()),
            uses: Field::of("0"),
            export: true,
            problem: None,
        }
    }
}

impl Typed {
    fn read(form: &Posted) -> Self {
        Self {
            description: Field::of(form.text("description")),
            days: Field::of(form.text("days")),
            uses: Field::of(form.text("uses")),
            export: form.text("export") == "yes",
            problem: None,
        }
    }

    /// What to ask for, if all fields can be read.
    fn checked(&mut self, export_permitted: bool) -> Option<NewToken> {
        if self.description.value.is_empty() {
            self.description.refuse("Say what the token is for, so that it can be told from others later");
        }
        let days = self.days.value.parse::<u16>().ok();
        let days = days.filter(|days| (EXPIRES_AFTER_DAYS_MIN..=EXPIRES_AFTER_DAYS_MAX).contains(days));
        if days.is_none() {
            self.days.refuse(format!(
                "Type a whole number of days from {EXPIRES_AFTER_DAYS_MIN} to {EXPIRES_AFTER_DAYS_MAX}"
            ));
        }
        let uses = if self.uses.value.is_empty() { Some(0) } else { self.uses.value.parse::<u32>().ok() };
        if uses.is_none() {
            self.uses.refuse("Type a whole number, or 0 for no limit");
        }
        if self.description.problem.is_some() {
            return None;
        }
        Some(NewToken {
            description: self.description.value.clone(),
            expires_after_days: days?,
            uses_max: uses?.gt(&0).then_some(uses?),
            export_controlled: Some(self.export && export_permitted),
        })
    }

    /// Puts a refusal beside the field that it is about.
    fn refuse(&mut self, refused: &Refused) {
        match refused {
            Refused::Invalid { field: "description", problem } => {
                self.description.refuse(format!("It {problem}"));
            }
            Refused::Invalid { field: "expires_after_days", problem } => {
                self.days.refuse(format!("It {problem}"));
            }
            Refused::Invalid { field: "uses_max", problem } => self.uses.refuse(format!("It {problem}")),
            other => {
                self.problem = Some(Banner::new(
                    Tone::Bad,
                    "The token was not created",
                    format!("{}.", capitalised(&other.to_string())),
                ));
            }
        }
    }
}

fn new_token_page(here: &Here, typed: &Typed) -> NewTokenPage {
    NewTokenPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        description: typed.description.clone(),
        days: typed.days.clone(),
        days_hint: format!(
            "{EXPIRES_AFTER_DAYS_MIN} to {EXPIRES_AFTER_DAYS_MAX}. Product instances that are registered by then stay registered."
        ),
        uses: typed.uses.clone(),
        export_permitted: here.account.export_permitted,
        export: typed.export,
        problem: typed.problem.clone(),
    }
}

/// `POST …/tokens`.
pub(crate) async fn create_token(
    State(app): State<App>,
    here: Here,
    form: Posted,
) -> Result<Response, Problem> {
    here.must_manage()?;
    let mut typed = Typed::read(&form);
    if let Some(new) = typed.checked(here.account.export_permitted) {
        match tokens::create(&app, &here.principal, here.account_id(), here.va.id, new).await {
            Ok(token) => {
                let to = format!("{}/tokens/{}?done=created", here.base, token.id);
                return Ok(Redirect::to(&to).into_response());
            }
            Err(AppError::Refused(refused)) => typed.refuse(&refused),
            Err(error) => return Err(error.into()),
        }
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &new_token_page(&here, &typed))
}

/// `GET …/tokens/{token}`.
pub(crate) async fn show_token(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let token = usable_token(&app, &here).await?;
    let notice = (query.done == "created").then(|| {
        Banner::new(
            Tone::Good,
            "The token is created",
            "Copy it now, or come back for it: it stays here until it expires, is used up or is revoked.",
        )
    });
    show(&TokenPage {
        frame: here.frame(false, notice),
        va: here.plain_head(),
        text: token.token.clone(),
        token: row(token, app.now()),
        url: format!("{}/licservice/license", app.config().public_url),
    })
}

/// `GET …/tokens/{token}/revoke`.
pub(crate) async fn confirm_revoke(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    let token = usable_token(&app, &here).await?;
    let row = row(token, app.now());
    let question = match row.uses {
        0 => format!("“{}” has not been used.", row.description),
        1 => format!("“{}” was used once.", row.description),
        n => format!("“{}” was used {n} times.", row.description),
    };
    show(&ConfirmPage {
        consequences: vec![
            "From now on nothing can register with it. This can't be undone; a new token can be created at any time.".into(),
            "Product instances that registered with it stay registered and keep their licenses.".into(),
            "The event log records that you revoked it.".into(),
        ],
        action: format!("{}/tokens/{}/revoke", here.base, row.key),
        button: "Revoke token".into(),
        tone: "danger",
        cancel: format!("{}/general", here.base),
        ..ConfirmPage::new(here.frame(false, None), &here.plain_head(), "Revoke the token?", question)
    })
}

/// `POST …/tokens/{token}/revoke`.
pub(crate) async fn revoke(State(app): State<App>, here: Here, _form: Posted) -> Result<Response, Problem> {
    let id: TokenId = here.id("token")?;
    tokens::revoke(&app, &here.principal, here.account_id(), here.va.id, id).await?;
    Ok(Redirect::to(&format!("{}/general?done=revoked", here.base)).into_response())
}

async fn usable_token(app: &App, here: &Here) -> Result<TokenView, Problem> {
    let id: TokenId = here.id("token")?;
    let token = tokens::get(app, &here.principal, here.account_id(), here.va.id, id).await?;
    Some(token).filter(|token| token.status == TokenStatus::Active).ok_or_else(Problem::not_found)
}
