//! The document that describes the REST API, at `/openapi.json`.

use axum::Router;
use axum::routing::get;
use http::header;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{
    ClientCredentials, Flow, OAuth2, Scopes, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{
    Components, ComponentsBuilder, Info, License, OpenApi, OpenApiBuilder, Paths, Required, Server,
    ServerBuilder,
};

use super::COMPATIBLE_PREFIXES;
use crate::app::App;

const ABOUT: &str = "Two APIs over one set of facts. *seatpool* is regular: proper status codes, \
problem+json with a stable code and what to do, cursors for paging; a POST with an `Idempotency-Key` \
is done once however often it is sent within 24 hours, and an order's `order_id` makes it idempotent for good. *compatible* serves the public shapes that existing \
scripts rely on, odd ones included: refusals are HTTP 200 with status ERROR; 401, 403 and 404 tell who is \
asking and which account is not there. Both need an access token by OAuth2 client credentials.";

/// The document of the three parts.
pub(super) fn document(oauth: OpenApi, compatible: OpenApi, own: OpenApi) -> OpenApi {
    let mut info = Info::new("Seatpool REST API", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::new("Apache-2.0"));
    let mut document = OpenApiBuilder::new()
        .info(info)
        .paths(Paths::new())
        .components(Some(components()))
        .security(Some([SecurityRequirement::new("oauth2", Vec::<String>::new())]))
        .tags(Some([
            tag("oauth2", "Access tokens"),
            tag("seatpool", "Seatpool's own API"),
            tag("compatible", "The public shapes that existing scripts rely on"),
        ]))
        .build();
    document.merge(oauth);
    document.merge(with_idempotency_keys(own));
    document.merge(under_their_prefixes(compatible));
    document
}

/// What every POST of Seatpool's own API takes beside its own parameters.
fn with_idempotency_keys(mut own: OpenApi) -> OpenApi {
    for operation in own.paths.paths.values_mut().filter_map(|path| path.post.as_mut()) {
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "Chosen by the client, 1 to 255 characters. The same request with the same key within 24 hours is \
                 given the first one's answer, with the header Idempotency-Replayed. Another request with the key: \
                 422 idempotency_key_reused. While the first is being done: 409 request_under_way.",
            ))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build();
        operation.parameters.get_or_insert_default().push(key.into());
    }
    own
}

/// The compatible paths stand in the document without their prefixes, which are its servers: each is served
/// under every prefix, and under each prefix with a doubled leading slash. Their operations are told from those
/// of Seatpool's own API by their ids.
fn under_their_prefixes(mut compatible: OpenApi) -> OpenApi {
    let servers: Vec<Server> = COMPATIBLE_PREFIXES
        .iter()
        .map(|prefix| {
            ServerBuilder::new().url(*prefix).description(Some("also with a doubled leading slash")).build()
        })
        .collect();
    for path in compatible.paths.paths.values_mut() {
        path.servers = Some(servers.clone());
        for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
            operation.operation_id = operation.operation_id.take().map(|id| format!("compatible_{id}"));
        }
    }
    compatible
}

fn components() -> Components {
    let flow = ClientCredentials::new("/oauth/token", Scopes::new());
    ComponentsBuilder::new()
        .security_scheme("oauth2", SecurityScheme::OAuth2(OAuth2::new([Flow::ClientCredentials(flow)])))
        .build()
}

fn tag(name: &str, description: &str) -> Tag {
    let mut tag = Tag::new(name);
    tag.description = Some(description.to_owned());
    tag
}

/// Serves the document, which never changes while the manager runs.
pub(super) fn router(document: &OpenApi) -> Router<App> {
    let text = document.to_pretty_json().unwrap_or_default();
    Router::new().route(
        "/openapi.json",
        get(move || core::future::ready(([(header::CONTENT_TYPE, "application/json")], text.clone()))),
    )
}
