//! Who asks for a page: cookies, session, appearance; and the frame that pages get from it.
//!
//! [`Visit`] is read once per request and kept where [`super::guard`] finds it again, so that a page that
//! tells of a problem looks like all the others.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::{COOKIE, IF_NONE_MATCH, REFERER, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use super::alerts_bar::{ALERTS_COOKIE, HIDDEN};
use super::assets;
use super::frame::{AccountLink, Appearance, Frame};
use super::page::account_href;
use super::problem::Problem;
use super::resume;
use super::section::{self, Section};
use super::zone;
use crate::app::access::sessions::{self, Browser, Current};
use crate::app::access::{Principal, clients};
use crate::app::accounts::{self, AccountView};
use crate::app::forms::Ticket;
use crate::app::{App, AppError, preferences};
pub(crate) use crate::percent::encode;
use crate::server::Peer;
use seatpool_store::{Page, Stage};

/// The session's cookie. `__Host-`: sent back to this host alone, over TLS alone (RFC 6265bis, section 4.1.3).
pub(crate) const SESSION_COOKIE: &str = "__Host-seatpool";
/// Binds a form to a browser before there is a session.
pub(crate) const FORM_COOKIE: &str = "__Host-seatpool-form";
/// By which a browser that somebody signed in with is known.
pub(crate) const DEVICE_COOKIE: &str = "__Host-seatpool-device";
/// How pages look.
pub(crate) const APPEARANCE_COOKIE: &str = "seatpool-appearance";
/// What the script sends when it asks for a page's present content only.
const LIVE_HEADER: &str = "seatpool-live";

/// Who asks, and for what.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) session: Option<Session>,
    /// A sign-in that has not come to its end: it opens nothing but its next step.
    pub(crate) unfinished: Option<Session>,
    /// Network address.
    pub(crate) address: Option<String>,
    /// Path and query, but for what [`super::resume`] adds to them.
    pub(crate) here: String,
    /// The page whose form was sent: where a page that answers a form leads back to, as few are at their form's address.
    form: Option<String>,
    /// Which form of the page is to be filled in again, if one is.
    pub(crate) typed: Option<String>,
    /// Whether the script asks for the page's present content.
    pub(crate) live: bool,
    /// What the script shows already, as an entity tag.
    pub(crate) shown: Option<String>,
    browser: Option<String>,
    device: Option<String>,
    appearance: Appearance,
    /// Whether the reader hid the alerts in Inventory.
    pub(crate) alerts_hidden: bool,
    form_token: String,
    /// One-use id of the forms of the page that answers.
    pub(crate) form_id: String,
    /// Whether the browser has the form token already.
    pub(crate) form_token_is_new: bool,
}

/// A session that has not ended.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) current: Current,
}

/// Where [`Visit`] is kept for the time of a request.
#[derive(Clone, Default)]
pub(crate) struct Slot {
    pub(crate) visit: Arc<OnceLock<Visit>>,
    ticket: Arc<Mutex<Option<Ticket>>>,
}

impl Slot {
    /// Keeps the right to work on the form that was sent, until what came of it is known.
    pub(crate) fn keep_ticket(&self, ticket: Ticket) {
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket);
    }

    /// Gives it back.
    pub(crate) fn take_ticket(&self) -> Option<Ticket> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Visit {
    async fn read(parts: &Parts, app: &App) -> Result<Self, AppError> {
        let mut visit = Self::without_session(parts);
        if let Some(token) = cookie(&parts.headers, SESSION_COOKIE) {
            let is_use = !visit.live;
            let current = sessions::session(app, token, visit.address.as_deref(), is_use).await?;
            let session = current.map(|current| Session { token: token.to_owned(), current });
            match session {
                Some(session) if session.current.stage == Stage::SignedIn => {
                    zone::choose(preferences::time_zone(app, &session.current.login).await?);
                    visit.session = Some(session);
                }
                other => visit.unfinished = other,
            }
        }
        Ok(visit)
    }

    /// What can be told without asking the store.
    fn without_session(parts: &Parts) -> Self {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        let known = cookie(&parts.headers, FORM_COOKIE).filter(|token| token.len() >= 32);
        let here = uri.path_and_query().map_or("/portal", |here| here.as_str());
        let (here, typed) = resume::split(here);
        let form = parts.headers.get(REFERER).filter(|_| !parts.method.is_safe());
        Self {
            form: form.and_then(|form| path_of(form.to_str().ok()?)),
            session: None,
            unfinished: None,
            browser: parts.headers.get(USER_AGENT).and_then(|name| name.to_str().ok()).map(str::to_owned),
            device: cookie(&parts.headers, DEVICE_COOKIE).map(str::to_owned),
            address: parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical().to_string()),
            here,
            typed,
            live: parts.headers.contains_key(LIVE_HEADER),
            shown: parts.headers.get(IF_NONE_MATCH).and_then(|tag| tag.to_str().ok()).map(str::to_owned),
            appearance: Appearance::of(cookie(&parts.headers, APPEARANCE_COOKIE).unwrap_or_default()),
            alerts_hidden: cookie(&parts.headers, ALERTS_COOKIE) == Some(HIDDEN),
            form_id: clients::secret(),
            form_token: known.map_or_else(clients::secret, str::to_owned),
            form_token_is_new: known.is_none(),
        }
    }

    /// What every form carries: the session's, or before there is one, the browser's.
    pub(crate) fn csrf(&self) -> &str {
        let session = self.session.as_ref().or(self.unfinished.as_ref());
        session.map_or(&self.form_token, |session| &session.current.csrf)
    }

    /// Where a sign-in comes from.
    pub(crate) fn browser(&self) -> Browser {
        Browser { address: self.address.clone(), name: self.browser.clone(), device: self.device.clone() }
    }

    /// The cookie for a form token that the browser doesn't have yet.
    pub(crate) fn form_cookie(&self) -> String {
        format!("{FORM_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", self.form_token)
    }

    /// The frame of a page of an account.
    pub(crate) fn frame_in(&self, section: Section, principal: &Principal, account: &AccountView) -> Frame {
        Frame {
            section,
            sections: section::links(section, principal, Some(account)),
            account: Some(AccountLink { name: account.name.clone(), href: account_href(&account.domain) }),
            ..self.frame()
        }
    }

    /// A frame without an account or a virtual account.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            assets: assets::paths(),
            version: env!("CARGO_PKG_VERSION"),
            appearance: self.appearance,
            csrf: self.csrf().to_owned(),
            form_id: self.form_id.clone(),
            section: Section::default(),
            sections: self
                .session
                .as_ref()
                .map(|session| section::links(Section::default(), &session.current.principal, None))
                .unwrap_or_default(),
            zone: zone::shown().iana_name().unwrap_or("UTC").to_owned(),
            here: self.form.as_ref().unwrap_or(&self.here).clone(),
            live: false,
            login: self.session.as_ref().map(|session| session.current.login.clone()),
            account: None,
            place: None,
            notice: None,
        }
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let slot = parts.extensions.get::<Slot>().cloned().unwrap_or_default();
        if let Some(visit) = slot.visit.get() {
            return Ok(visit.clone());
        }
        let read = Self::read(parts, app).await;
        // A page that tells why must still be drawn.
        let kept = read.as_ref().cloned().unwrap_or_else(|_| Self::without_session(parts));
        let _ = slot.visit.set(kept);
        read.map_err(Problem::from)
    }
}

/// Marks the answer to somebody who has to sign in first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignInFirst;

/// A visit by somebody who is signed in. Anybody else is asked to sign in, and comes back.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) visit: Visit,
    pub(crate) current: Current,
}

impl SignedIn {
    /// As use cases want it.
    pub(crate) fn principal(&self) -> &Principal {
        &self.current.principal
    }

    /// The frame of a page that belongs to the person and to no account, such as their preferences; it leads
    /// back to the account where they have but one.
    pub(crate) async fn frame(&self, app: &App, section: Section) -> Result<Frame, Problem> {
        let one = Page { limit: 1, offset: 0 };
        let found = accounts::list(app, self.principal(), None, one).await?;
        Ok(match found.items.first().filter(|_| found.total == 1) {
            Some(account) => self.visit.frame_in(section, self.principal(), account),
            None => Frame {
                section,
                sections: section::links(section, self.principal(), None),
                ..self.visit.frame()
            },
        })
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        match &visit.session {
            Some(session) => Ok(Self { current: session.current.clone(), visit }),
            None if visit.live => Err(StatusCode::UNAUTHORIZED.into_response()),
            None => {
                let back = if parts.method.is_safe() { visit.here.as_str() } else { "/portal" };
                let to = Redirect::to(&format!("/sign-in?back={}", encode(back)));
                let mut response = to.into_response();
                response.extensions_mut().insert(SignInFirst);
                Err(response)
            }
        }
    }
}

/// The value of a cookie, if the browser sent it.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The path of an address of this manager's pages.
fn path_of(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    own_path(uri.path_and_query()?.as_str()).map(str::to_owned)
}

/// A path to come back to, if it is one of the portal's own. Nothing else is ever redirected to.
pub(crate) fn own_path(back: &str) -> Option<&str> {
    let inside = |prefix: &str| {
        back.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    let plain = back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (plain
        && back.len() <= 2048
        && ["/portal", "/preferences", "/smart-accounts", "/sign-in"].into_iter().any(inside))
    .then_some(back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_portal_are_come_back_to() {
        for good in ["/portal", "/portal/a.example/va/x?q=1", "/sign-in?back=%2Fportal", "/portal?x"] {
            assert_eq!(own_path(good), Some(good));
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/portalevil",
            "/portal\\x",
            "/portal/\r\nSet-Cookie: a=b",
            "/api/v1",
            "javascript:alert(1)",
            " /portal",
        ] {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "x__Host-seatpool=no; __Host-seatpool-form=form".parse().unwrap());
        headers.append(COOKIE, "__Host-seatpool=yes".parse().unwrap());
        assert_eq!(cookie(&headers, SESSION_COOKIE), Some("yes"));
        assert_eq!(cookie(&headers, FORM_COOKIE), Some("form"));
        assert_eq!(cookie(&headers, APPEARANCE_COOKIE), None);
    }
}
