//! A form that was sent when its session had ended: it is kept, and shown again as it was typed once the same person
//! has signed in. Nothing is done before they send it again.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use uuid::Uuid;

use super::fill::fill;
use super::frame::Banner;
use super::page::with_query;
use super::part::Tone;
use super::sent::Sent;
use super::visit::{Visit, own_path};
use crate::app::App;
use crate::app::forms;

/// What the query of a page holds whose form is to be filled in.
const TYPED: &str = "typed";
/// Fields that hold a password, whatever the form; and the page's own.
const NEVER_KEPT: [&str; 8] =
    ["csrf", "form_id", "password", "present", "new", "again", "codes_password", "off_password"];
/// Largest page that is filled in, in bytes.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Keeps the form of somebody whose session is over, and leads to where it is shown again; none if a page of theirs
/// did not make it, or it is not to be kept.
pub(super) async fn keep(app: &App, visit: &Visit, sent: &Sent) -> Option<Response> {
    if sent.is_from_elsewhere() {
        return None;
    }
    let user = forms::user_of(app.ca(), sent.field("csrf"))?;
    if visit.session.as_ref().is_some_and(|session| session.current.user != user) {
        return None;
    }
    let page = form_page(sent.path())?;
    let is_kept = |(name, _): &&(String, String)| !NEVER_KEPT.contains(&name.as_str());
    let fields = sent.fields()?.iter().filter(is_kept).cloned().collect();
    let id = match forms::keep_typed(app, user, sent.path().to_owned(), fields).await {
        Ok(id) => id?,
        Err(error) => {
            tracing::warn!(%error, "what was typed into a form could not be kept");
            return None;
        }
    };
    let joint = if page.contains('?') { '&' } else { '?' };
    let page = format!("{page}{joint}{TYPED}={id}");
    let to = match visit.session {
        Some(_) => page,
        None => with_query("/sign-in", &[("back", &page), ("done", "kept")]),
    };
    Some(Redirect::to(&to).into_response())
}

/// The page that shows the form that is sent there; none where nothing is typed, or only what is not kept: passwords
/// and codes.
pub(super) fn form_page(sent_to: &str) -> Option<String> {
    let (path, query) = sent_to.split_once('?').map_or((sent_to, ""), |(path, query)| (path, query));
    let of_secrets = ["/preferences/security", "/sign-in"];
    if of_secrets.iter().any(|prefix| path.starts_with(prefix)) || path.contains("/alerts/") {
        return None;
    }
    let page = match path.rsplit('/').next()? {
        "tokens" | "users" | "clients" => format!("{path}/new"),
        "rules" => format!("{}users", path.strip_suffix("rules")?),
        "time-zone" => "/preferences".to_owned(),
        _ => path.to_owned(),
    };
    let page = if query.is_empty() { page } else { format!("{page}?{query}") };
    own_path(&page).map(str::to_owned)
}

/// A path and query without what was added to show a form again, and that.
pub(super) fn split(here: &str) -> (String, Option<String>) {
    let Some((path, query)) = here.split_once('?') else { return (here.to_owned(), None) };
    let id = |pair: &&str| pair.strip_prefix(TYPED)?.strip_prefix('=').map(str::to_owned);
    let typed = query.split('&').find_map(|pair| id(&pair));
    let rest: Vec<_> = query.split('&').filter(|pair| id(pair).is_none()).collect();
    let here = if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) };
    (here, typed)
}

/// What a page is asked to show again: whose, and by which id.
pub(super) fn asked(visit: &Visit) -> Option<(Uuid, String)> {
    let session = visit.session.as_ref().filter(|_| !visit.live)?;
    Some((session.current.user, visit.typed.clone()?))
}

/// The page with its form filled in as it was typed; as it is if nothing is known of that.
pub(super) async fn show(app: &App, (user, id): (Uuid, String), response: Response) -> Response {
    if response.status() != StatusCode::OK {
        return response;
    }
    let typed = match forms::typed(app, user, &id).await {
        Ok(Some(typed)) => typed,
        Ok(None) => return response,
        Err(error) => {
            tracing::warn!(%error, "what was typed into a form could not be read");
            return response;
        }
    };
    let banner = Banner::new(
        Tone::Warn,
        "Nothing has been sent yet",
        "Your session had ended when you sent this form. Here it is as you typed it: look at it and send it again.",
    );
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, PAGE_BYTES_MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let page = String::from_utf8_lossy(&body);
    let filled = fill(&page, &typed.action, &typed.fields, &banner.to_string());
    let mut response =
        Response::from_parts(parts, filled.map_or_else(|| Body::from(body.clone()), Body::from));
    response.headers_mut().remove(axum::http::header::CONTENT_LENGTH);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_shown_again_where_it_was_filled_in() {
        for (sent_to, page) in [
            ("/portal/a.example/orders/new?tag=X", Some("/portal/a.example/orders/new?tag=X")),
            ("/portal/a.example/va/1/tokens", Some("/portal/a.example/va/1/tokens/new")),
            ("/portal/a.example/account/users", Some("/portal/a.example/account/users/new")),
            ("/portal/a.example/account/rules", Some("/portal/a.example/account/users")),
            ("/preferences/time-zone", Some("/preferences")),
            ("/preferences/security/password", None),
            ("/sign-in/code", None),
            ("/appearance", None),
            ("//evil.example", None),
        ] {
            assert_eq!(form_page(sent_to).as_deref(), page, "{sent_to}");
        }
    }

    #[test]
    fn a_page_does_not_see_that_its_form_is_to_be_filled_in() {
        for (whole, here, typed) in [
            ("/portal", "/portal", None),
            ("/portal?a=1&b=2", "/portal?a=1&b=2", None),
            ("/portal?typed=x", "/portal", Some("x")),
            ("/portal?a=1&typed=x&b=2", "/portal?a=1&b=2", Some("x")),
            ("/portal?typed", "/portal?typed", None),
        ] {
            assert_eq!(split(whole), (here.to_owned(), typed.map(str::to_owned)), "{whole}");
        }
    }

    #[test]
    fn no_field_of_a_password_is_kept() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut found = 0;
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let Ok(text) = std::fs::read_to_string(&entry) else { continue };
            assert!(!text.contains("type=\"password\""), "{}: use form::input", entry.display());
            for input in text.split("form::input(\"").skip(1) {
                let input = input.split_once("}}").unwrap().0;
                if input.contains("kind=\"password\"") {
                    let name = input.split_once('"').unwrap().0;
                    assert!(NEVER_KEPT.contains(&name), "{}: {name}", entry.display());
                    found += 1;
                }
            }
        }
        assert!(found > 5, "{found} fields of passwords were looked at");
    }
}
