//! The REST API: the public shapes that existing scripts rely on (`compat`), Seatpool's own regular API
//! (`own`), OAuth2 (`oauth`) and the document that describes them all (`openapi`).
//!
//! Handlers only translate: everything is decided in [`crate::app`], and nothing here touches the store.

mod auth;
mod body;
pub mod compat;
pub mod oauth;
pub mod openapi;
pub mod own;
pub mod problem;
mod query;

use axum::Router;
use axum::middleware::from_fn_with_state;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use problem::Problem;

/// The prefixes under which the compatible API is served; each with a doubled leading slash as well, which
/// is seen in the wild (rest-api.md).
pub const COMPATIBLE_PREFIXES: [&str; 3] =
    ["/api", "/backend/api", "/services/api/smart-accounts-and-licensing"];

/// The prefix of Seatpool's own API.
pub const OWN_PREFIX: &str = "/api/seatpool/v1";

/// The document that describes the routes.
pub fn document() -> OpenApi {
    let own = OpenApiRouter::new().nest(OWN_PREFIX, own::routes());
    openapi::document(oauth::routes().into_openapi(), compat::routes().into_openapi(), own.into_openapi())
}

/// The routes.
pub fn router() -> Router<App> {
    let document = document();
    let (oauth, _) = oauth::routes().split_for_parts();
    let (compatible, _) = compat::routes().split_for_parts();
    let (own, _) = own::routes().split_for_parts();
    let compatible = compatible
        .fallback(|| async { compat::Failure::nowhere(StatusCode::NOT_FOUND) })
        .method_not_allowed_fallback(|| async { compat::Failure::nowhere(StatusCode::METHOD_NOT_ALLOWED) })
        .layer(uncached());
    let own = own
        .fallback(|| async { Problem::nowhere(StatusCode::NOT_FOUND) })
        .method_not_allowed_fallback(|| async { Problem::nowhere(StatusCode::METHOD_NOT_ALLOWED) })
        .layer(uncached());
    let mut router = Router::new()
        .merge(oauth)
        .merge(oauth::doubled())
        .nest(OWN_PREFIX, own)
        .merge(openapi::router(&document));
    for prefix in COMPATIBLE_PREFIXES {
        router = router.nest(prefix, compatible.clone()).nest(&format!("/{prefix}"), compatible.clone());
    }
    router
}

/// All routes; of Seatpool's own API, a POST with an `Idempotency-Key` is done once.
pub fn served(app: &App) -> Router<App> {
    router().layer(from_fn_with_state(app.clone(), own::once))
}

/// Answers hold tokens and other people's data: no cache keeps them.
fn uncached() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The paths of a router; axum tells them in its debug output only.
    fn paths(router: &Router<App>) -> BTreeSet<String> {
        let text = format!("{router:?}");
        text.split('"').filter(|part| part.starts_with('/')).map(str::to_owned).collect()
    }

    #[test]
    fn every_route_of_the_router_is_in_the_document() {
        let served = paths(&router());
        assert!(served.len() > 100, "the debug output tells the paths: {served:?}");
        let documented: BTreeSet<String> = document().paths.paths.into_keys().collect();
        let mut known = BTreeSet::new();
        for path in &served {
            let path = path.strip_prefix("//").map_or_else(|| path.clone(), |path| format!("/{path}"));
            if path == "/openapi.json" || path.contains("{*") {
                continue;
            }
            let without = COMPATIBLE_PREFIXES.iter().filter_map(|prefix| path.strip_prefix(prefix));
            let names: Vec<_> = without.map(str::to_owned).chain([path.clone()]).collect();
            let found = names.iter().find(|name| documented.contains(*name));
            // Fallbacks stand in the debug output as well, at the root of what they are for.
            if found.is_none()
                && (path == "/"
                    || COMPATIBLE_PREFIXES
                        .iter()
                        .chain([&OWN_PREFIX])
                        .any(|prefix| path.trim_end_matches('/') == *prefix))
            {
                continue;
            }
            assert!(found.is_some(), "{path} is served and not in the document");
            known.extend(found.cloned());
        }
        assert_eq!(known, documented, "and the other way round");
    }

    /// Every `{name}` of a path.
    fn placeholders(path: &str) -> BTreeSet<&str> {
        path.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn the_document_holds_together() {
        let document = serde_json::to_value(document()).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let text = document.to_string();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is described");
        }
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in ["get", "post", "put", "patch", "delete"] {
                let operation = &item[method];
                if operation.is_null() {
                    continue;
                }
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{id} names two operations");
                let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                let named = parameters.iter().filter(|parameter| parameter["in"] == "path");
                let named: BTreeSet<_> = named.map(|parameter| parameter["name"].as_str().unwrap()).collect();
                assert_eq!(named, placeholders(path), "{method} {path}");
            }
        }
        assert!(ids.len() > 40, "{ids:?}");
    }
}
