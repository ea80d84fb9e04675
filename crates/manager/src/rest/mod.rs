//! The REST API: the public shapes that existing scripts rely on ([`compat`]), Seatpool's own regular API
//! ([`own`]), OAuth2 ([`oauth`]) and the document that describes them all ([`openapi`]).
//!
//! Handlers only translate: everything is decided in [`crate::app`], and nothing here touches the store.

mod auth;
pub mod compat;
pub mod oauth;
pub mod openapi;
pub mod own;
pub mod problem;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The prefixes under which the compatible API is served; each with a doubled leading slash as well, which
/// is seen in the wild (rest-api.md).
pub const COMPATIBLE_PREFIXES: [&str; 3] =
    ["/api", "/backend/api", "/services/api/smart-accounts-and-licensing"];

/// The prefix of Seatpool's own API.
pub const OWN_PREFIX: &str = "/api/seatpool/v1";

/// The routes.
pub fn router() -> Router<App> {
    let (oauth, oauth_document) = oauth::routes().split_for_parts();
    let (compatible, compatible_document) = compat::routes().split_for_parts();
    let (own, own_document) = OpenApiRouter::new().nest(OWN_PREFIX, own::routes()).split_for_parts();
    let document = openapi::document(oauth_document, compatible_document, own_document);
    let mut router = Router::new().merge(oauth).merge(own).merge(openapi::router(&document));
    for prefix in COMPATIBLE_PREFIXES {
        router = router.nest(prefix, compatible.clone()).nest(&format!("/{prefix}"), compatible.clone());
    }
    router
}
