//! What could not be shown or done, as a page. A handler answers with a [`Problem`]; [`super::guard`] draws it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use seatpool_domain::command::Refused;

use super::frame::Frame;
use crate::app::AppError;

/// Why there is no page, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    /// What to do; with a status that leads elsewhere, where to.
    pub(crate) text: String,
}

impl Problem {
    /// The page is another one.
    pub(crate) fn elsewhere(to: String) -> Self {
        Self { status: StatusCode::SEE_OTHER, title: "It is elsewhere", text: to }
    }

    /// There is nothing here, or nothing that this person may know of: the two are not told apart.
    pub(crate) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: "There is nothing here",
            text: "The address is wrong, what it named is gone, or it belongs to an account that you have no role in. Start again from your virtual accounts.".into(),
        }
    }

    /// The address takes a form and shows nothing by itself, or the other way round.
    pub(crate) fn no_page() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            title: "There is no page at this address",
            text: "It only takes what a form sends. Nothing was changed; go back to the page with the form, or start again from your virtual accounts.".into(),
        }
    }

    /// The form did not come from a page of this session.
    pub(crate) fn foreign_form() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            title: "This form is out of date",
            text: "Nothing was changed. The form was not made by a page of your present session: perhaps you signed in again in another tab. Go back, reload the page and send it again.".into(),
        }
    }

    /// More was sent than a form may hold.
    pub(crate) fn form_too_large() -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            title: "This form is too large",
            text: "Nothing was changed. Go back, shorten what was typed and send it again.".into(),
        }
    }

    /// What was to be changed is no longer what it was.
    pub(crate) fn changed_meanwhile(changes: &[String]) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            title: "Somebody changed this meanwhile",
            text: format!("{} Nothing was changed by you.", changes.join(" ")),
        }
    }

    /// The same form was sent before, and nobody knows what came of it.
    pub(crate) fn form_unknown() -> Self {
        Self {
            status: StatusCode::CONFLICT,
            title: "This form was sent before",
            text: "The manager was stopped while it was at it. Look in the event log whether it was done; if not, open the form again and send it.".into(),
        }
    }

    /// The same form was sent before, and showed a secret that nobody keeps.
    pub(crate) fn shown_before(next: String) -> Response {
        let problem = Self {
            status: StatusCode::CONFLICT,
            title: "This was done already",
            text: "This form was sent before and was done then, once. The secret that it made was shown at that time and is kept nowhere: if nobody has it, make a new one there, which voids it.".into(),
        };
        let mut response = problem.into_response();
        response.extensions_mut().insert(Onward(next));
        response
    }

    /// A page could not be drawn.
    pub(crate) fn not_drawn(error: &askama::Error) -> Self {
        tracing::error!(%error, "a page of the portal could not be drawn");
        Self::from(AppError::Internal)
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(Refused::Unknown { .. } | Refused::UnknownName { .. }) => Self::not_found(),
            AppError::Refused(refused) => Self {
                status: StatusCode::CONFLICT,
                title: "That was not done",
                text: format!("Nothing was changed: {refused}."),
            },
            AppError::Forbidden { needs } => Self {
                status: StatusCode::FORBIDDEN,
                title: "Your role does not allow this",
                text: format!("It takes the role {needs}. Ask an administrator of the account."),
            },
            AppError::OutOfScope { scope } => Self {
                status: StatusCode::FORBIDDEN,
                title: "Your session does not allow this",
                text: format!("It takes the scope {scope}."),
            },
            AppError::Unavailable { reason } => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "The manager can't answer now",
                text: format!("{reason}. Nothing was changed; try again in a moment."),
            },
            AppError::Busy { seconds } => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                title: "The manager is busy",
                text: format!(
                    "Too many passwords are being checked at this moment, and yours was not looked at. Nothing was changed; try again in {seconds} seconds."
                ),
            },
            AppError::Internal => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                title: "The manager failed",
                text: "It failed in a way that it did not expect. Its log says how; whoever runs it can look there.".into(),
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_redirection() {
            return Redirect::to(&self.text).into_response();
        }
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Where to go on from a problem.
#[derive(Clone, Debug)]
pub(crate) struct Onward(pub(crate) String);

/// The page that tells of a problem.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct ProblemPage {
    pub(crate) frame: Frame,
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    pub(crate) text: String,
    /// Where to go on, if it is known.
    pub(crate) onward: Option<String>,
}
