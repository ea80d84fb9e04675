//! The panel that says why something stands as it stands, what comes and what to do; and carrying out a proposed
//! move, with both balances before and after.

use core::fmt;

use askama::Template;
use askama::filters::{Escaper as _, Html, HtmlSafe};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use seatpool_domain::explain::{Explanation, Mend, Move, Piece, Sentence};

use super::frame::{Banner, Frame, Va};
use super::guard::Posted;
use super::license;
use super::licenses;
use super::page::{Doors, Here, show, show_with, with_query};
use super::part::{Tone, When};
use super::preview::{ChangeRow, change_rows, verdict};
use super::problem::Problem;
use super::steps::{order_href, renewal_href};
use crate::app::inventory::preview;
use crate::app::{App, AppError, explain};

/// A sentence with its instants in the reader's zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said(pub(crate) Sentence);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.pieces() {
            match piece {
                Piece::Text(text) => Html.write_escaped_str(&mut *f, text)?,
                Piece::At(at) => When::at(*at).fmt(f)?,
            }
        }
        Ok(())
    }
}
impl HtmlSafe for Said {}

/// Why, since when, what next, what to do.
#[derive(Template)]
#[template(path = "parts/explanation.html")]
pub(crate) struct Explained {
    why: Vec<Said>,
    since: Option<When>,
    next: Vec<NextRow>,
    what_to_do: Vec<MendRow>,
}
impl HtmlSafe for Explained {}

struct NextRow {
    tone: Tone,
    text: Said,
    when: Option<When>,
}

struct MendRow {
    text: Said,
    /// Where to do it: path and words.
    link: Option<(String, &'static str)>,
}

impl Explained {
    /// The panel of what has its page at `own`.
    pub(crate) fn new(explanation: &Explanation, doors: &Doors, own: &str, now: Timestamp) -> Self {
        let told = explanation.told();
        let mends = explanation.what_to_do.iter().zip(told.what_to_do);
        let next = told.next.into_iter().map(|next| NextRow {
            tone: if next.harms { Tone::Warn } else { Tone::Plain },
            text: Said(next.what),
            when: next.at.map(|at| When::since(at, now)),
        });
        Self {
            why: told.why.into_iter().map(Said).collect(),
            since: told.since.map(|at| When::since(at, now)),
            next: next.collect(),
            what_to_do: mends
                .map(|(mend, text)| MendRow { link: link(mend, doors, own), text: Said(text) })
                .collect(),
        }
    }
}

fn link(mend: &Mend, doors: &Doors, own: &str) -> Option<(String, &'static str)> {
    let Doors { account, base, manages, deposits, .. } = doors;
    match mend {
        Mend::Move(step) if *manages => {
            Some((with_query(&format!("{own}/mend"), &[("key", &step.key())]), "Move…"))
        }
        Mend::Order { license, quantity, place } | Mend::Obtain { license, quantity, place } if *deposits => {
            Some((order_href(account, place.id, license, Some(*quantity)), "Order…"))
        }
        Mend::Renew { lot, .. } if *deposits => Some((renewal_href(account, *lot), "Renew…")),
        Mend::MendPool { license, .. } => Some((licenses::href(base, &license.id), "Explain")),
        Mend::RemoveInstance if *manages => Some((format!("{own}/remove"), "Remove…")),
        Mend::FreeRestricted { license, place } if *deposits => {
            Some((order_href(account, place.id, license, None), "Order…"))
        }
        Mend::EnterConfirmation if *manages => {
            Some((format!("{own}/reservation/confirm"), "Enter the code…"))
        }
        Mend::UpdateReservation if *manages => Some((format!("{own}/reservation/update"), "Update…")),
        Mend::DecideRehost if *manages => Some((format!("{own}/reservation/rehost"), "Decide…")),
        Mend::RegisterAgain { .. } if *manages => Some((format!("{base}/tokens/new"), "Create a token")),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "mend.html")]
struct MendPage {
    frame: Frame,
    va: Va,
    name: String,
    own: String,
    text: Option<Said>,
    key: String,
    problem: Option<Banner>,
    verdict: Option<Banner>,
    changes: Vec<ChangeRow>,
}

/// Which move.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Which {
    key: String,
}

/// The routes below a virtual account.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/licenses/{tag}/mend", get(confirm_mend).post(mend))
}

/// `GET …/licenses/{tag}/mend?key=…`.
async fn confirm_mend(
    State(app): State<App>,
    here: Here,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    here.must_manage()?;
    show(&mend_page(&app, &here, &which.key, None).await?)
}

/// `POST …/licenses/{tag}/mend`.
async fn mend(State(app): State<App>, here: Here, form: Posted) -> Result<Response, Problem> {
    here.must_manage()?;
    let license = license::found(&app, &here).await?;
    let (account, tag, key) = (here.account_id(), license.tag, form.text("key"));
    match explain::mend(&app, &here.principal, account, here.va.id, tag.as_str(), key).await {
        Ok(_) => {
            let to = format!("{}?done=mended", licenses::href(&here.base, &tag));
            Ok(Redirect::to(&to).into_response())
        }
        Err(AppError::Refused(refused)) => {
            let problem = Banner::new(Tone::Warn, "Nothing was moved", format!("{refused}."));
            let page = mend_page(&app, &here, key, Some(problem)).await?;
            show_with(StatusCode::CONFLICT, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// The page of the move with this key; without it, of the one that is proposed now, and with a word about it.
async fn mend_page(app: &App, here: &Here, key: &str, problem: Option<Banner>) -> Result<MendPage, Problem> {
    let license = license::found(app, here).await?;
    let (account, tag) = (here.account_id(), license.tag.as_str());
    let explanation = explain::license(app, &here.principal, account, here.va.id, tag).await?;
    let moves: Vec<&Move> = explanation.moves().collect();
    let same = moves.iter().find(|step| step.key() == key).copied();
    let step = same.or_else(|| moves.first().copied());
    let changed = || {
        let text = if moves.is_empty() {
            "There is nothing to move any more."
        } else {
            "This is what is proposed now."
        };
        Banner::new(Tone::Note, "The figures have changed since", text)
    };
    let problem = problem.or_else(|| same.is_none().then(changed));
    let changes = match step {
        Some(step) => preview::mend(app, &here.principal, account, step.clone()).await?,
        None => Vec::new(),
    };
    let sentence = |step: &Move| {
        Explanation { what_to_do: vec![Mend::Move(step.clone())], ..explanation.clone() }
            .told()
            .what_to_do
            .pop()
    };
    Ok(MendPage {
        frame: here.frame(false, None),
        va: here.plain_head(),
        name: license.name.clone(),
        own: licenses::href(&here.base, &license.tag),
        text: step.and_then(sentence).map(Said),
        key: step.map(Move::key).unwrap_or_default(),
        problem,
        verdict: step.map(|_| verdict(&changes)),
        changes: change_rows(&changes),
    })
}
